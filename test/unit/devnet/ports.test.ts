import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { freePorts } from '../../../devnet/ports.ts';

describe('ports for the devnet', () => {
  it('are different, below the range of outgoing connections, and free', async () => {
    const ports = await freePorts(8);
    assert.equal(new Set(ports).size, 8);
    assert.deepEqual(
      ports.filter((port) => port < 15_000 || port >= 32_000),
      [],
    );
    const server = createServer().listen({ port: ports[0] ?? 0, host: '127.0.0.1' });
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
  });
});
