/** Files that appear whole or not at all, and that are there after a power failure. */
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { storageFailure } from './failure.ts';

/** A new file or name is durable only after an fsync of its directory (W5). */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Replaces the file at `path`: temporary file, fsync, rename, fsync of the directory. Throws StorageFailure. */
export async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  try {
    const temporary = `${path}.new`;
    const handle = await open(temporary, 'w', 0o600);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    throw storageFailure(error, 'replace a file');
  }
}
