/**
 * LevelDB's own files, checked before they are opened. LevelDB 1.20 as it is bound here verifies no checksum of a table, so that one
 * flipped bit in a key, an index or a filter hides rows without an error; and it drops what it cannot read of a log. Formats:
 * doc/table_format.md and doc/log_format.md of LevelDB.
 */
import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { compareText } from '../../protocol/bytes.ts';
import { crc32c } from './crc32c.ts';
import { StorageFailure } from './failure.ts';

const logBlockSize = 32_768;
const logHeaderSize = 7;
const footerSize = 48;
const blockTrailerSize = 5;
const handleBytesMax = 20;
const uncompressed = 0;
/** Types of a record's parts; those in the middle have another number. */
const wholeRecord = 1;
const firstPart = 2;
const lastPart = 4;
/** Tags of version edits that hold more than one number. */
const editTags = { comparator: 1, compactPointer: 5, deletedFile: 6, newFile: 7 } as const;
const tableMagic = Buffer.from('57fb808b247547db', 'hex');

const tableName = /\.(ldb|sst)$/;
const logName = /\.log$/;
const manifestName = /^MANIFEST-\d+$/;

/**
 * Throws StorageFailure `corrupt`, naming the file, unless every byte that LevelDB will rely on has the checksum that LevelDB gave it,
 * and unless the files are those that an orderly end left. After a crash there is no word of what was left: then the end of a log may
 * be torn, as nobody was told of what stood there.
 */
export function checkLevelFiles(directory: string): void {
  for (const name of fs.readdirSync(directory).filter((candidate) => logName.test(candidate)))
    recordsOf(fs.readFileSync(join(directory, name)), placeOf(join(directory, name)));
  for (const path of tablesIn(directory)) checkTableAt(path);
  const mark = readMark(markPath(directory));
  if (mark !== null && mark !== censusOf(directory))
    throw new StorageFailure('corrupt', `${basename(directory)}: not the files that were left at the end`);
  // From here on they change, and a crash may come at any time.
  if (mark !== null) removeMark(directory);
}

/**
 * Paths of the tables that the manifest names; these are whole, and never change. A table that a crash cut off, or that is being
 * written, is in no manifest. Throws StorageFailure `corrupt` for a damaged manifest.
 */
export function tablesIn(directory: string): readonly string[] {
  const names = fs.readdirSync(directory);
  const live = new Set<number>();
  for (const name of names.filter((candidate) => manifestName.test(candidate))) {
    const path = join(directory, name);
    for (const record of recordsOf(fs.readFileSync(path), placeOf(path)))
      applyEdit(live, new Cursor(record, 0, placeOf(path)));
  }
  return names
    .filter((name) => tableName.test(name) && live.has(Number.parseInt(name, 10)))
    .map((name) => join(directory, name));
}

/** Throws StorageFailure `corrupt`, naming the file. */
export function checkTableAt(path: string): void {
  checkTable(fs.readFileSync(path), placeOf(path));
}

/** After an orderly end: makes LevelDB's files durable, and says in a file beside the directory what they are. */
export function markClosed(directory: string): void {
  for (const name of fs.readdirSync(directory)) {
    if (logName.test(name) || manifestName.test(name)) syncPath(join(directory, name));
  }
  const census = censusOf(directory);
  const temporary = `${markPath(directory)}.new`;
  fs.writeFileSync(temporary, `${census}\n${crc32(census)}\n`, { mode: 0o600, flush: true });
  fs.renameSync(temporary, markPath(directory));
  syncPath(dirname(directory));
}

function markPath(directory: string): string {
  return `${directory}.closed`;
}

function removeMark(directory: string): void {
  fs.unlinkSync(markPath(directory));
  syncPath(dirname(directory));
}

/** Null without a mark, or with one that is not whole: it only adds to what the checksums say. */
function readMark(path: string): string | null {
  if (!fs.existsSync(path)) return null;
  const [census = '', checksum] = fs.readFileSync(path, 'utf8').split('\n');
  return checksum === String(crc32(census)) ? census : null;
}

/** Names and sizes of all that counts; of what is written in place, its bytes too (tables have their own checksums). */
function censusOf(directory: string): string {
  const entries = fs
    .readdirSync(directory)
    .filter(
      (name) => tableName.test(name) || logName.test(name) || manifestName.test(name) || name === 'CURRENT',
    )
    .toSorted(compareText)
    .map((name) => {
      const path = join(directory, name);
      return tableName.test(name) ? [name, fs.statSync(path).size] : [name, crc32(fs.readFileSync(path))];
    });
  return JSON.stringify(entries);
}

function syncPath(path: string): void {
  const descriptor = fs.openSync(path, 'r');
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

function placeOf(path: string): string {
  return `${basename(dirname(path))}/${basename(path)}`;
}

function damaged(place: string, what: string): StorageFailure {
  return new StorageFailure('corrupt', `${place}: ${what}`);
}

/** LevelDB never stores a checksum as it is, lest a checksum be taken of bytes that hold one. */
function unmasked(stored: number): number {
  const rotated = (stored - 0xa282_ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}

/** The whole records of a log or a manifest. Only the end may be torn: the file ends within a record, or zeros stand there. */
function recordsOf(bytes: Buffer, place: string): readonly Buffer[] {
  const records: Buffer[] = [];
  let parts: Buffer[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const blockEnd = offset - (offset % logBlockSize) + logBlockSize;
    if (blockEnd - offset < logHeaderSize) {
      if (!isZero(bytes.subarray(offset, blockEnd)))
        throw damaged(place, 'a block ends in what is no padding');
      offset = blockEnd;
      continue;
    }
    if (bytes.length - offset < logHeaderSize || isZero(bytes.subarray(offset))) return records;
    const start = offset + logHeaderSize;
    const end = start + bytes.readUInt16LE(offset + 4);
    if (end > blockEnd) throw damaged(place, 'a record is longer than its block');
    if (end > bytes.length) return records;
    // The checksum covers the type, which stands right before the data.
    const isSound = unmasked(bytes.readUInt32LE(offset)) === crc32c(bytes, start - 1, end);
    if (!isSound) throw damaged(place, 'a record has a wrong checksum');
    const type = bytes[start - 1];
    parts = type === wholeRecord || type === firstPart ? [] : parts;
    parts.push(bytes.subarray(start, end));
    if (type === wholeRecord || type === lastPart) records.push(Buffer.concat(parts));
    offset = end;
  }
  return records;
}

/** A version edit of the manifest: which tables came and went. Its checksum was verified. */
function applyEdit(live: Set<number>, edit: Cursor): void {
  while (!edit.isAtEnd) {
    const tag = edit.number();
    if (tag === editTags.deletedFile || tag === editTags.newFile) {
      edit.number(); // level
      const file = edit.number();
      if (tag === editTags.deletedFile) live.delete(file);
      else {
        live.add(file);
        edit.number(); // size
        edit.text(); // smallest key
        edit.text(); // largest key
      }
    } else if (tag === editTags.compactPointer) {
      edit.number(); // level
      edit.text();
    } else if (tag === editTags.comparator) edit.text();
    else edit.number();
  }
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/** All blocks of a table: data, index, filter, and the index of these. */
function checkTable(bytes: Buffer, place: string): void {
  if (bytes.length < footerSize || !bytes.subarray(-tableMagic.length).equals(tableMagic))
    throw damaged(place, 'not a table');
  const footer = new Cursor(bytes, bytes.length - footerSize, place);
  const [metaIndex, index] = [footer.handle(), footer.handle()];
  for (const directory of [metaIndex, index]) {
    checkBlock(bytes, directory, place);
    for (const handle of handlesIn(bytes, directory, place)) checkBlock(bytes, handle, place);
  }
}

function checkBlock(bytes: Buffer, { offset, size }: Handle, place: string): void {
  const end = offset + size;
  if (end + blockTrailerSize > bytes.length) throw damaged(place, 'a block lies outside of it');
  const isSound = unmasked(bytes.readUInt32LE(end + 1)) === crc32c(bytes, offset, end + 1);
  if (!isSound) throw damaged(place, 'a block has a wrong checksum');
  if (bytes[end] !== uncompressed) throw damaged(place, 'a block is compressed, which we never ask for');
}

/** The values of an index block, whose checksum was verified: each begins with the handle of a block. */
function handlesIn(bytes: Buffer, { offset, size }: Handle, place: string): readonly Handle[] {
  const restartCount = bytes.readUInt32LE(offset + size - 4);
  const entriesEnd = offset + size - 4 * (restartCount + 1);
  const cursor = new Cursor(bytes, offset, place);
  const handles: Handle[] = [];
  while (cursor.offset < entriesEnd) {
    cursor.number(); // shared with the key before
    const keySize = cursor.number();
    const valueSize = cursor.number();
    cursor.skip(keySize);
    const valueEnd = cursor.offset + valueSize;
    handles.push(cursor.handle());
    cursor.skip(valueEnd - cursor.offset);
  }
  return handles;
}

/** Reads LevelDB's variable-length numbers. */
class Cursor {
  readonly #bytes: Buffer;
  readonly #place: string;
  #offset: number;

  constructor(bytes: Buffer, offset: number, place: string) {
    this.#bytes = bytes;
    this.#offset = offset;
    this.#place = place;
  }

  get offset(): number {
    return this.#offset;
  }

  get isAtEnd(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  /** Over a byte string that stands after its size. */
  text(): void {
    this.skip(this.number());
  }

  skip(size: number): void {
    this.#offset += size;
  }

  number(): number {
    let value = 0;
    for (let index = 0; index < handleBytesMax / 2; index += 1) {
      const byte = this.#bytes[this.#offset] ?? 0;
      this.#offset += 1;
      value += (byte & 127) * 2 ** (7 * index);
      if (byte < 128) return value;
    }
    throw damaged(this.#place, 'a number is too long');
  }

  handle(): Handle {
    return { offset: this.number(), size: this.number() };
  }
}
