/**
 * The ballast: a file that only takes room, given up when a node with a full disk must start, for even a start writes (LevelDB sorts
 * its log into tables). It is made again when there is ample room.
 */
import * as fs from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { roomOf, type DiskMarks } from './diskGuard.ts';
import { StorageFailure, storageFailure } from './storage/failure.ts';
import { layoutOf } from './storage/layout.ts';

const chunkBytes = 1_048_576;

function ballastPath(home: string): string {
  return join(home, 'ballast');
}

/** Bytes that this process may still write below a home, whose parts may lie on different disks: the least of them. */
export function freeBytesOf(home: string): number {
  const { data, safety } = layoutOf(home);
  const frees = [home, data, safety].filter((path) => fs.existsSync(path)).map(freeBytesAt);
  return Math.min(...frees);
}

function freeBytesAt(path: string): number {
  const { bavail, bsize } = fs.statfsSync(path);
  return bavail * bsize;
}

/** 0 without one. */
export function ballastBytesOf(home: string): number {
  return fs.statSync(ballastPath(home), { throwIfNoEntry: false })?.size ?? 0;
}

/** Gives the ballast up. True iff there was one. */
export function dropBallast(home: string): boolean {
  if (ballastBytesOf(home) === 0) return false;
  fs.rmSync(ballastPath(home));
  return true;
}

/**
 * Before a start: gives the ballast up if the disk is below the hard mark. True iff it did. Throws StorageFailure `full` if there is
 * no room even then.
 */
export function makeRoom(home: string, marks: DiskMarks, freeBytes: (home: string) => number): boolean {
  if (roomOf(freeBytes(home), marks) !== 'full') return false;
  const isDropped = dropBallast(home);
  const bytes = freeBytes(home);
  if (roomOf(bytes, marks) !== 'full') return isDropped;
  throw new StorageFailure(
    'full',
    `${bytes} bytes free, below the hard mark of ${marks.hardBytes} bytes${isDropped ? ', without the ballast too' : ''}`,
  );
}

/** Makes the ballast if it is not there in its size and the disk stays above the soft mark with it. True iff it is there then. */
export async function keepBallast(
  home: string,
  marks: DiskMarks,
  freeBytes: (home: string) => number,
): Promise<boolean> {
  const { ballastBytes, softBytes } = marks;
  if (ballastBytesOf(home) === ballastBytes) return ballastBytes > 0;
  dropBallast(home);
  if (ballastBytes === 0 || freeBytes(home) < softBytes + ballastBytes) return false;
  try {
    // Bytes that are written, because a hole takes no room.
    const handle = await open(ballastPath(home), 'wx', 0o600);
    try {
      const chunk = Buffer.alloc(chunkBytes, 0xba);
      for (let left = ballastBytes; left > 0; left -= chunkBytes)
        await handle.write(chunk, 0, Math.min(left, chunkBytes));
      await handle.sync();
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    dropBallast(home);
    throw storageFailure(error, 'write the ballast');
  }
}
