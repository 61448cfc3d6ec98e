/** Bad disks under real processes: a home on a small file system of its own that can be full, and bits that turn over in data/. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  cpSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareText } from '../protocol/bytes.ts';

const roomySize = 1_073_741_824;
/** What a full disk still takes, so that it fails in the middle of a write now and then. */
const lastRoomSize = 65_536;
const fillTriesMax = 5;

function mountTmpfs(options: string, directory: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory], { stdio: 'pipe' });
}

/** One home on a tmpfs. Memory is used only for what is written; the disk is filled by making it smaller. */
export class SmallDisk {
  readonly #directory: string;
  readonly #onExit = (): void => this.close();
  #isClosed = false;

  private constructor(directory: string) {
    this.#directory = directory;
    // A mount outlives its process.
    process.once('exit', this.#onExit);
  }

  /** Moves a home, whose node does not run, to a disk of its own. Null where this process may not mount. */
  static under(home: string): SmallDisk | null {
    const directory = mkdtempSync(join(tmpdir(), 'rxl-disk-'));
    try {
      mountTmpfs(`size=${roomySize},mode=0700`, directory);
    } catch {
      rmSync(directory, { recursive: true });
      return null;
    }
    const disk = new SmallDisk(directory);
    cpSync(home, directory, { recursive: true, preserveTimestamps: true });
    rmSync(home, { recursive: true });
    symlinkSync(directory, home);
    return disk;
  }

  /** From now on writes fail with ENOSPC, after a last few. */
  fill(): void {
    for (let tries = 1; ; tries += 1) {
      try {
        this.#resize(this.#usedSize() + tries * lastRoomSize);
        return;
      } catch (error) {
        // The node has written more than that meanwhile.
        if (tries >= fillTriesMax) throw error;
      }
    }
  }

  /** Room as in the beginning. */
  free(): void {
    this.#resize(roomySize);
  }

  /** When the node has ended; what was on the disk is gone. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    process.off('exit', this.#onExit);
    execFileSync('umount', ['--lazy', this.#directory], { stdio: 'pipe' });
    rmSync(this.#directory, { recursive: true });
  }

  #usedSize(): number {
    const { blocks, bfree, bsize } = statfsSync(this.#directory);
    return (blocks - bfree) * bsize;
  }

  #resize(size: number): void {
    mountTmpfs(`remount,size=${size}`, this.#directory);
  }
}

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => statSync(path).size > 0)
    .toSorted(compareText);
}

/**
 * Turns over `bitCount` bits in files below `directory`; gives the paths. `below(n)` is a whole number from 0 to n - 1.
 * Whoever has these files open notices or not, as with a real disk.
 */
export function flipBits(
  directory: string,
  bitCount: number,
  below: (bound: number) => number,
): readonly string[] {
  const files = filesBelow(directory);
  return Array.from({ length: bitCount }, () => {
    const path = files[below(files.length)];
    if (path === undefined) throw new Error(`no file to damage below ${directory}`);
    const file = openSync(path, 'r+');
    const offset = below(statSync(path).size);
    const byte = new Uint8Array(1);
    readSync(file, byte, 0, 1, offset);
    byte[0] = (byte[0] ?? 0) ^ (1 << below(8));
    writeSync(file, byte, 0, 1, offset);
    closeSync(file);
    return path;
  });
}
