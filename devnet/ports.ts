/**
 * Free ports on 127.0.0.1. They are taken from below the range that the system gives to outgoing connections, so that no dial of a
 * node takes the port of another one that is down; all are held open at once while they are chosen, so that no two are equal.
 */
import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';

const portMin = 15_000;
// Linux gives 32768 and above to outgoing connections, macOS and Windows 49152 and above.
const portEnd = 32_000;
const triesPerPort = 200;

function hold(port: number): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(server));
  });
}

function release(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)));
  });
}

/** Somebody else may still take one before it is used: whoever uses them tries again with others. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const held = new Map<number, Server>();
  try {
    for (let tries = 0; held.size < count; tries += 1) {
      if (tries >= triesPerPort * count) throw new Error('no free ports on 127.0.0.1');
      const port = randomInt(portMin, portEnd);
      const server = held.has(port) ? null : await hold(port);
      if (server !== null) held.set(port, server);
    }
    return [...held.keys()];
  } finally {
    await Promise.all([...held.values()].map(release));
  }
}
