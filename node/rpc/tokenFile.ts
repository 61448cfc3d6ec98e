/** The bearer token of the HTTP listener: one line in a file that only the owner can read. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

const tokenFormat = /^[\x21-\x7e]{16,256}$/;

/** Reads the token, or makes one of 32 random bytes. Throws if others could read the file, or if it holds no token. */
export async function loadToken(path: string): Promise<string> {
  await createOnce(path);
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) throw new Error(`token file ${path} must have mode 0600; try: chmod 600 ${path}`);
  const token = (await readFile(path, 'utf8')).trim();
  if (!tokenFormat.test(token))
    throw new Error(`token file ${path} must hold 16 to 256 printable characters`);
  return token;
}

async function createOnce(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    await writeFile(path, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
    await chmod(path, 0o600); // whatever the umask took away or left
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
