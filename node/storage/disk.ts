/**
 * What the stores need of a machine's disk: files with the page cache's promises and no others, and ordered databases of rows. The
 * simulator puts a disk of its own behind it, which forgets, tears and fails; everything above is the same code.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { Level } from 'level';
import { checkLevelFiles, markClosed } from './levelFiles.ts';
import { makePrivateDirectory } from './layout.ts';
import { takeLock, type DirectoryLock } from './lock.ts';

/** `append` makes the file if it is not there, `replace` empties it, `existing` changes it in place. */
type OpenMode = 'append' | 'replace' | 'existing';

/** Every call may throw an error of the file system, with its code. Bytes are durable after `sync`, names after `syncDirectory`. */
export interface Files {
  /** Makes those above it too; nothing happens if it exists. */
  readonly makeDirectory: (path: string) => void;
  readonly list: (directory: string) => readonly string[];
  readonly read: (path: string) => Buffer;
  /** Gives a descriptor. */
  readonly open: (path: string, mode: OpenMode) => number;
  readonly size: (descriptor: number) => number;
  /** Writes at the end, from `offset` of the bytes on; gives how many bytes were taken. */
  readonly write: (descriptor: number, bytes: Uint8Array, offset: number) => number;
  readonly truncate: (descriptor: number, size: number) => void;
  readonly sync: (descriptor: number) => void;
  readonly close: (descriptor: number) => void;
  /** Replaces what has the new name. */
  readonly rename: (from: string, to: string) => void;
  readonly remove: (path: string) => void;
  /** A new, renamed or removed name is durable only after this (W5). */
  readonly syncDirectory: (directory: string) => void;
}

export interface RawSnapshot {
  close(): Promise<void>;
}

export interface RawBatch {
  put(key: string, value: Uint8Array): unknown;
  del(key: string): unknown;
  write(options: object): Promise<void>;
}

export interface RawIterator {
  all(): Promise<[string, Uint8Array][]>;
  close(): Promise<void>;
}

/** Bounds are excluded. */
export interface RawRange {
  readonly gt: string;
  readonly lt: string;
  readonly limit: number;
  readonly reverse: boolean;
  readonly snapshot?: RawSnapshot;
}

/** The part of LevelDB that is used here: `write({ sync: true })` is atomic, and durable with all writes before it. */
export interface RawDatabase {
  getSync(key: string, options?: { readonly snapshot?: RawSnapshot }): Uint8Array | undefined;
  snapshot(): RawSnapshot;
  batch(): RawBatch;
  iterator(range: RawRange): RawIterator;
  /** Missing where files hold nothing that was deleted. */
  compactRange?(start: string, end: string): Promise<void>;
  /** After an orderly `close`: keeps in mind which files it left. Missing where there are none. */
  markClosed?(): void;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** `create` refuses what exists, `existing` what does not: a node never starts on an empty database by accident. */
  readonly mode: 'create' | 'existing';
  /** Bytes of uncompressed blocks kept in memory. */
  readonly cacheSize: number;
  /** Bytes of log before LevelDB sorts it into a table; two such buffers may be in memory. */
  readonly writeBufferSize: number;
}

export interface Disk extends Files {
  readonly hasDatabase: (directory: string) => boolean;
  readonly openDatabase: (directory: string, options: DatabaseOptions) => Promise<RawDatabase>;
  readonly takeLock: (directory: string) => Promise<DirectoryLock>;
}

const fileMode = 0o600;
const flags: Readonly<Record<OpenMode, string>> = { append: 'a', replace: 'w', existing: 'r+' };

export const systemDisk: Disk = {
  makeDirectory: makePrivateDirectory,
  list: (directory) => fs.readdirSync(directory),
  read: (path) => fs.readFileSync(path),
  open: (path, mode) => fs.openSync(path, flags[mode], fileMode),
  size: (descriptor) => fs.fstatSync(descriptor).size,
  write: (descriptor, bytes, offset) => fs.writeSync(descriptor, bytes, offset),
  truncate: (descriptor, size) => fs.ftruncateSync(descriptor, size),
  sync: (descriptor) => fs.fdatasyncSync(descriptor),
  close: (descriptor) => fs.closeSync(descriptor),
  rename: (from, to) => fs.renameSync(from, to),
  remove: (path) => fs.unlinkSync(path),
  syncDirectory: (directory) => {
    const descriptor = fs.openSync(directory, 'r');
    try {
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
  },
  hasDatabase: (directory) => fs.existsSync(join(directory, 'CURRENT')),
  openDatabase: async (directory, { mode, cacheSize, writeBufferSize }) => {
    if (mode === 'existing') checkLevelFiles(directory);
    const level = new Level<string, Uint8Array>(directory, { keyEncoding: 'utf8', valueEncoding: 'view' });
    await level.open({
      createIfMissing: mode === 'create',
      errorIfExists: mode === 'create',
      cacheSize,
      writeBufferSize,
      // Hashes, ciphertext and signatures do not shrink; and what is not compressed can be checked (levelFiles.ts).
      compression: false,
    });
    return Object.assign(level, { markClosed: () => markClosed(directory) });
  },
  takeLock,
};
