/** Files that appear whole or not at all, and that are there after a power failure. */
import { dirname } from 'node:path';
import type { Files } from './disk.ts';
import { StorageFailure } from './failure.ts';

/** Writes all bytes at the end of a file, however many the disk takes at a time. */
export function writeAll(files: Files, descriptor: number, bytes: Uint8Array): void {
  let offset = 0;
  while (offset < bytes.length) {
    const written = files.write(descriptor, bytes, offset);
    if (written <= 0) throw new StorageFailure('io', 'the disk takes no more bytes');
    offset += written;
  }
}

/** Replaces the file at `path` by way of `temporary`: file, fsync, rename, fsync of the directory. Throws what the disk throws. */
export function replaceFile(
  files: Files,
  place: { readonly path: string; readonly temporary: string },
  bytes: Uint8Array,
): void {
  const { path, temporary } = place;
  const descriptor = files.open(temporary, 'replace');
  try {
    writeAll(files, descriptor, bytes);
    files.sync(descriptor);
  } finally {
    files.close(descriptor);
  }
  files.rename(temporary, path);
  files.syncDirectory(dirname(path));
}
