/** Wires that can be slowed, held and cut, each way by itself. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { FaultyNetwork, goodWay } from '../../../devnet/faults.ts';
import { until } from '../../support/wait.ts';

const never = (): number => 0.5;

/** A node that keeps what it hears, and says what it is told to say. */
interface Talker {
  readonly server: Server;
  readonly port: number;
  readonly sockets: Socket[];
  readonly heard: () => string;
}

async function startTalker(): Promise<Talker> {
  const sockets: Socket[] = [];
  let heard = '';
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
    });
  });
  server.listen({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port, sockets, heard: () => heard };
}

describe('faulty wires between a and b', () => {
  let network: FaultyNetwork;
  let b: Talker;
  let fromA: Socket;
  let heardByA: string;
  let isAClosed: boolean;

  const dial = async (random: () => number): Promise<void> => {
    network = new FaultyNetwork(['a', 'b'], random);
    b = await startTalker();
    const seen = await network.lay(
      new Map([
        ['a', { network: 1, rpc: 0 }],
        ['b', { network: b.port, rpc: 0 }],
      ]),
    );
    fromA = connect({ port: seen.get('b')?.seenBy?.('a') ?? 0, host: '127.0.0.1' });
    heardByA = '';
    isAClosed = false;
    fromA.on('data', (chunk: Buffer) => {
      heardByA += chunk.toString();
    });
    fromA.on('error', () => undefined);
    fromA.on('close', () => {
      isAClosed = true;
    });
    await once(fromA, 'connect');
  };

  afterEach(async () => {
    fromA.destroy();
    await network.close();
    b.server.close();
  });

  it('carry bytes both ways', async () => {
    await dial(never);
    fromA.write('from a');
    await until('b hears', () => b.heard() === 'from a');
    b.sockets[0]?.write('from b');
    await until('a hears', () => heardByA === 'from b');
  });

  it('give each peer a port of its own, and leave who is no part of it at the real one', async () => {
    await dial(never);
    const seen = await network.lay(
      new Map([
        ['a', { network: 11, rpc: 0 }],
        ['b', { network: 12, rpc: 0 }],
        ['c', { network: 13, rpc: 0 }],
      ]),
    );
    assert.notEqual(seen.get('a')?.seenBy?.('b'), 11);
    assert.deepEqual([seen.get('a')?.seenBy?.('c'), seen.get('c')?.seenBy?.('a')], [11, 13]);
  });

  it('hold one way while the other goes on, and lose nothing', async () => {
    await dial(never);
    fromA.write('1');
    await until('b hears', () => b.heard() === '1');
    network.setWay('a', 'b', { ...goodWay, isHeld: true });
    fromA.write('2');
    b.sockets[0]?.write('from b');
    await until('a hears', () => heardByA === 'from b');
    assert.equal(b.heard(), '1');
    network.heal();
    await until('b hears the rest', () => b.heard() === '12');
  });

  it('let no connection through a partition, until it heals', async () => {
    await dial(never);
    network.partition([['a'], ['b']]);
    fromA.write('late');
    network.partition([['a'], ['b']]);
    assert.equal(b.sockets.length, 0);
    network.partition([['a', 'b']]);
    await until('b hears', () => b.heard() === 'late');
  });

  it('keep the order of bytes under jitter, and none comes before its latency', async () => {
    let calls = 0;
    await dial(() => (calls++ % 2 === 0 ? 0.9 : 0.1));
    network.setAll({ ...goodWay, latencyMs: 20, jitterMs: 30 });
    const sentAt = performance.now();
    for (const digit of '0123456789') fromA.write(digit);
    await until('b hears', () => b.heard().length > 0);
    assert.ok(performance.now() - sentAt >= 20);
    await until('b hears all', () => b.heard() === '0123456789');
  });

  it('carry no more bytes a second than they may', async () => {
    await dial(never);
    network.setWay('a', 'b', { ...goodWay, bytesPerSecondMax: 100_000 });
    const sentAt = performance.now();
    fromA.write('x'.repeat(20_000));
    await until('b hears all', () => b.heard().length === 20_000);
    assert.ok(performance.now() - sentAt >= 199);
  });

  it('reset a connection at both ends', async () => {
    await dial(never);
    fromA.write('1');
    await until('b hears', () => b.heard() === '1');
    network.setAll({ ...goodWay, resetChance: 1 });
    fromA.write('2');
    await until('a is cut', () => isAClosed);
    await until('b is cut', () => b.sockets[0]?.destroyed === true);
    assert.equal(b.heard(), '1');
  });

  it('tell the end of a connection behind its last byte', async () => {
    await dial(never);
    fromA.write('1');
    await until('b hears', () => b.heard() === '1');
    network.setWay('a', 'b', { ...goodWay, isHeld: true });
    fromA.end('last');
    await until('the proxy has it', () => fromA.writableFinished);
    assert.equal(b.sockets[0]?.destroyed, false);
    network.heal();
    await until('b is cut', () => b.sockets[0]?.destroyed === true);
    assert.equal(b.heard(), '1last');
  });
});
