/** The place of the unix socket: a private directory, and no dead socket in the way. */
import { chmod, mkdir, rm, stat } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { dirname } from 'node:path';

// sun_path of Linux is 108 bytes with its closing zero; other systems have less.
const pathBytesMax = 103;

/**
 * Makes the directory (0700) and removes a socket that nobody listens on. Throws if a process listens there, if something else than a
 * socket has the name, or if the path is too long for a socket.
 */
export async function prepareSocketPath(path: string): Promise<void> {
  const size = Buffer.byteLength(path);
  if (size > pathBytesMax)
    throw new Error(`socket path has ${size} bytes, at most ${pathBytesMax} work: ${path}`);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await chmod(dirname(path), 0o700);
  const found = await stat(path).catch(() => null);
  if (found === null) return;
  if (!found.isSocket()) throw new Error(`${path} exists and is no socket`);
  if (await isAnswered(path))
    throw new Error(`another process listens on ${path}; is the node running already?`);
  await rm(path, { force: true });
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
