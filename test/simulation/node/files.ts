/**
 * Files as the page cache promises them, and no better: what was not synced may be lost or torn when the power fails, and a name is
 * durable only after its directory was synced. A killed process loses nothing.
 */
import { basename, dirname } from 'node:path';
import type { Random } from '../../../devnet/generator/random.ts';

interface File {
  bytes: Uint8Array;
  size: number;
  syncedSize: number;
  /** What is on the disk still, while a shorter size is not synced. */
  beforeCut: Uint8Array | null;
}

interface Directory {
  names: Map<string, File>;
  /** As of the last sync of the directory. */
  durable: Map<string, File>;
  /** What happened to names since, in its order. */
  pending: ((names: Map<string, File>) => void)[];
}

const capacityMin = 256;
const sectorSize = 512;

class FileError extends Error {
  readonly code: string;

  constructor(code: string, path: string) {
    super(`${code}: ${path}`);
    this.code = code;
  }
}

export class SimulatedFiles {
  #directories = new Map<string, Directory>();
  readonly #open = new Map<number, File>();
  #descriptorNext = 3;

  makeDirectory(path: string): void {
    if (!this.#directories.has(path)) {
      this.#directories.set(path, { names: new Map(), durable: new Map(), pending: [] });
    }
  }

  list(path: string): readonly string[] {
    return [...this.#directory(path).names.keys()];
  }

  read(path: string): Buffer {
    const file = this.#find(path);
    return Buffer.from(file.bytes.subarray(0, file.size));
  }

  has(path: string): boolean {
    return this.#directories.get(dirname(path))?.names.has(basename(path)) ?? false;
  }

  open(path: string, mode: 'append' | 'replace' | 'existing'): number {
    const descriptor = this.#descriptorNext;
    this.#descriptorNext += 1;
    const isThere = this.has(path);
    if (!isThere && mode === 'existing') throw new FileError('ENOENT', path);
    // A replaced file is a new one: the old bytes stay until the name is durable.
    if (!isThere || mode === 'replace') this.#name(path, emptyFile());
    this.#open.set(descriptor, this.#find(path));
    return descriptor;
  }

  close(descriptor: number): void {
    this.#open.delete(descriptor);
  }

  size(descriptor: number): number {
    return this.#opened(descriptor).size;
  }

  write(descriptor: number, bytes: Uint8Array): void {
    const file = this.#opened(descriptor);
    const size = file.size + bytes.length;
    if (size > file.bytes.length) {
      const grown = new Uint8Array(Math.max(capacityMin, 2 * size));
      grown.set(file.bytes.subarray(0, file.size));
      file.bytes = grown;
    }
    file.bytes.set(bytes, file.size);
    file.size = size;
  }

  truncate(descriptor: number, size: number): void {
    const file = this.#opened(descriptor);
    if (size < file.syncedSize) {
      file.beforeCut ??= file.bytes.slice(0, file.syncedSize);
      file.syncedSize = size;
    }
    file.size = size;
  }

  sync(descriptor: number): void {
    const file = this.#opened(descriptor);
    file.syncedSize = file.size;
    file.beforeCut = null;
  }

  rename(from: string, to: string): void {
    const file = this.#find(from);
    const directory = this.#directory(dirname(to));
    const move = (names: Map<string, File>): void => {
      names.delete(basename(from));
      names.set(basename(to), file);
    };
    move(directory.names);
    directory.pending.push(move);
  }

  remove(path: string): void {
    this.#find(path);
    const directory = this.#directory(dirname(path));
    const drop = (names: Map<string, File>): void => void names.delete(basename(path));
    drop(directory.names);
    directory.pending.push(drop);
  }

  syncDirectory(path: string): void {
    const directory = this.#directory(path);
    directory.durable = new Map(directory.names);
    directory.pending = [];
  }

  /** Everything in a directory is gone, as if somebody had removed it. */
  loseDirectory(path: string): void {
    this.#directories.delete(path);
  }

  loseFile(path: string): void {
    const directory = this.#directory(dirname(path));
    directory.names.delete(basename(path));
    directory.durable.delete(basename(path));
  }

  /** One bit of a file at rest turns over; false if there is nothing to turn. */
  flipBit(path: string, random: Random): boolean {
    const file = this.#directories.get(dirname(path))?.names.get(basename(path));
    if (file === undefined || file.size === 0) return false;
    const offset = random.below(file.size);
    file.bytes[offset] = (file.bytes[offset] ?? 0) ^ (1 << random.below(8));
    return true;
  }

  /** The process is gone: its descriptors are closed, and the page cache stays. */
  forgetDescriptors(): void {
    this.#open.clear();
  }

  /** The power fails. Gives how many files and names are not as the process last saw them. */
  losePower(random: Random): number {
    let lossCount = 0;
    this.#open.clear();
    for (const directory of this.#directories.values()) {
      const keptCount = random.below(directory.pending.length + 1);
      if (keptCount < directory.pending.length) lossCount += 1;
      for (const change of directory.pending.slice(0, keptCount)) change(directory.durable);
      directory.names = new Map(directory.durable);
      directory.pending = [];
      for (const file of new Set(directory.names.values())) if (tear(file, random)) lossCount += 1;
    }
    return lossCount;
  }

  clone(): SimulatedFiles {
    const copy = new SimulatedFiles();
    for (const [path, { names }] of this.#directories) {
      const copies = new Map(
        [...names].map(([name, file]) => [name, { ...file, bytes: file.bytes.slice() }]),
      );
      copy.#directories.set(path, { names: copies, durable: new Map(copies), pending: [] });
    }
    return copy;
  }

  #name(path: string, file: File): void {
    const directory = this.#directory(dirname(path));
    const add = (names: Map<string, File>): void => void names.set(basename(path), file);
    add(directory.names);
    directory.pending.push(add);
  }

  #directory(path: string): Directory {
    const directory = this.#directories.get(path);
    if (directory === undefined) throw new FileError('ENOENT', path);
    return directory;
  }

  #find(path: string): File {
    const file = this.#directory(dirname(path)).names.get(basename(path));
    if (file === undefined) throw new FileError('ENOENT', path);
    return file;
  }

  #opened(descriptor: number): File {
    const file = this.#open.get(descriptor);
    if (file === undefined) throw new FileError('EBADF', String(descriptor));
    return file;
  }
}

function emptyFile(): File {
  return { bytes: new Uint8Array(0), size: 0, syncedSize: 0, beforeCut: null };
}

/** What was not synced: any part of it from the start is there; the rest is missing, or reads as zeros from a sector on. */
function tear(file: File, random: Random): boolean {
  if (file.beforeCut !== null && random.chance(0.5)) {
    file.bytes = file.beforeCut;
    file.size = file.beforeCut.length;
  }
  file.beforeCut = null;
  const unsynced = file.size - file.syncedSize;
  if (unsynced <= 0) return false;
  const kept = random.below(unsynced + 1);
  const isZeroed = random.chance(0.3);
  if (isZeroed) {
    const sectorEnd = Math.ceil((file.syncedSize + kept) / sectorSize) * sectorSize;
    if (sectorEnd < file.size) file.bytes.fill(0, sectorEnd, file.size);
  } else {
    file.size = file.syncedSize + kept;
  }
  file.syncedSize = file.size;
  return isZeroed || kept < unsynced;
}
