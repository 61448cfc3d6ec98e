/**
 * The safety log: what this voter said or relies upon, on disk before any message that says it leaves (W1, W2, W3). Raw append-only
 * segments, one write and one fdatasync per step, because LevelDB with sync costs some forty times more.
 */
import { basename, dirname, join } from 'node:path';
import type { Epoch, View } from '../../protocol/brand.ts';
import type { Disk } from './disk.ts';
import { replaceFile, writeAll } from './durableFile.ts';
import { StorageFailure, storageFailure } from './failure.ts';
import type { DirectoryLock } from './lock.ts';
import {
  decodeSegment,
  encodeRecords,
  encodeSegmentHeader,
  isAfterLoss,
  type LogEntry,
  type LogOwner,
  type SegmentStart,
} from './safetyRecord.ts';

export interface SafetyLogOptions extends LogOwner {
  /** `create` only when keys are made: an empty log under a key that has voted is the death of safety (W6). */
  readonly mode: 'create' | 'existing';
  readonly disk: Disk;
  /** A segment that has grown so large is followed by a new one; whole segments are pruned. */
  readonly segmentBytesMax: number;
  /** Where the lock is, if not beside the segments: of several logs of a home, one process has all. */
  readonly lockDirectory?: string;
}

export interface OpenedSafetyLog {
  readonly log: SafetyLog;
  /** All records in the order in which they were appended. */
  readonly entries: readonly LogEntry[];
  /** The last append was cut off by a crash before it was acknowledged, and is gone. */
  readonly wasTornTail: boolean;
}

interface Segment {
  readonly number: number;
  readonly start: SegmentStart;
  readonly newest: Place;
}

interface Place {
  readonly epoch: number;
  readonly view: number;
}

export const safetySegmentBytesMax = 4_194_304;
const noPlace: Place = { epoch: 0, view: 0 };
const segmentName = /^segment-([0-9a-f]{8})$/;

function segmentPath(directory: string, number: number): string {
  return join(directory, `segment-${number.toString(16).padStart(8, '0')}`);
}

function isBelow(a: Place, b: Place): boolean {
  return a.epoch < b.epoch || (a.epoch === b.epoch && a.view < b.view);
}

function newestOf(entries: readonly LogEntry[], start: Place): Place {
  return entries.reduce<Place>((newest, entry) => (isBelow(newest, entry) ? entry : newest), start);
}

function newestMemory(entries: readonly LogEntry[]): LogEntry | null {
  return entries.findLast(({ kind }) => kind === 'memory') ?? null;
}

/** Held by one process at a time. All methods throw StorageFailure; after a failed append every later one fails (W7). */
class SafetyLog {
  readonly #directory: string;
  readonly #options: SafetyLogOptions;
  readonly #lock: DirectoryLock;
  /** The newest record that says how far lost memory came back: each new segment begins with it, so that none is pruned with it. */
  #memory: LogEntry | null;
  /** Oldest first; the last one is appended to. */
  #segments: readonly Segment[];
  #descriptor: number;
  #size: number;
  #failure: StorageFailure | null = null;

  /** `openSafetyLog` is the way to one. */
  constructor(
    directory: string,
    options: SafetyLogOptions,
    opened: Replayed & { readonly lock: DirectoryLock },
  ) {
    this.#directory = directory;
    this.#options = options;
    this.#lock = opened.lock;
    this.#segments = opened.segments;
    this.#memory = newestMemory(opened.entries);
    this.#descriptor = options.disk.open(segmentPath(directory, this.#current().number), 'append');
    this.#size = options.disk.size(this.#descriptor);
  }

  /** Durable when it returns: one write and one fdatasync for all records. */
  append(records: readonly LogEntry[]): void {
    if (records.length === 0) return;
    if (this.#failure !== null) throw this.#failure;
    try {
      if (this.#size > this.#options.segmentBytesMax) this.#startSegment();
      const current = this.#current();
      const header = encodeSegmentHeader(this.#options, current.number, current.start);
      const bytes = encodeRecords(header, this.#size, records);
      writeAll(this.#options.disk, this.#descriptor, bytes);
      this.#options.disk.sync(this.#descriptor);
      this.#size += bytes.length;
      const newest = newestOf(records, current.newest);
      this.#memory = newestMemory(records) ?? this.#memory;
      this.#segments = [...this.#segments.slice(0, -1), { ...current, newest }];
    } catch (error) {
      this.#failure = storageFailure(error, 'append to the safety log');
      throw this.#failure;
    }
  }

  /**
   * Removes whole old segments of which every record lies below this view (W9: the caller gives the final view, never more). The
   * segment that is written to stays.
   */
  pruneBelow(epoch: Epoch, view: View): void {
    if (this.#failure !== null) throw this.#failure;
    const old = this.#segments.slice(0, -1);
    const keptFrom = old.findIndex((segment) => !isBelow(segment.newest, { epoch, view }));
    const count = keptFrom === -1 ? old.length : keptFrom;
    if (count === 0) return;
    try {
      const { disk } = this.#options;
      for (const { number } of old.slice(0, count)) {
        disk.remove(segmentPath(this.#directory, number));
        // One by one, the oldest first: a name that came back without the one after it would be a gap.
        disk.syncDirectory(this.#directory);
      }
    } catch (error) {
      this.#failure = storageFailure(error, 'prune the safety log');
      throw this.#failure;
    }
    this.#segments = this.#segments.slice(count);
  }

  async close(): Promise<void> {
    this.#options.disk.close(this.#descriptor);
    await this.#lock.release();
  }

  #startSegment(): void {
    const { disk } = this.#options;
    const number = this.#current().number + 1;
    const entries = this.#memory === null ? [] : [this.#memory];
    this.#size = createSegment(this.#directory, this.#options, { number, start: 'goesOn', entries });
    disk.close(this.#descriptor);
    this.#descriptor = disk.open(segmentPath(this.#directory, number), 'append');
    this.#segments = [...this.#segments, { number, start: 'goesOn', newest: noPlace }];
  }

  #current(): Segment {
    const current = this.#segments.at(-1);
    if (current === undefined) throw new StorageFailure('missing', 'the safety log has no segment');
    return current;
  }
}

interface NewSegment {
  readonly number: number;
  readonly start: SegmentStart;
  readonly entries: readonly LogEntry[];
}

/** A segment appears whole, header, first records and all, or not at all. Returns its size. */
function createSegment(directory: string, options: SafetyLogOptions, segment: NewSegment): number {
  const { number, start, entries } = segment;
  const header = encodeSegmentHeader(options, number, start);
  const bytes = Buffer.concat([header, encodeRecords(header, header.length, entries)]);
  const path = segmentPath(directory, number);
  replaceFile(options.disk, { path, temporary: join(directory, 'segment.new') }, bytes);
  return bytes.length;
}

/**
 * Locks and replays the log of this chain and key. Failures: `locked`, `missing` and `corrupt` and `foreign` (observe only: W6),
 * `exists` (in mode `create`), and those of the disk.
 */
export async function openSafetyLog(directory: string, options: SafetyLogOptions): Promise<OpenedSafetyLog> {
  const lock = await takeLockOf(directory, options);
  try {
    const found = findSegments(directory, options);
    const isNew = options.mode === 'create';
    if (isNew && found.length > 0) throw new StorageFailure('exists', 'there is a safety log already');
    if (!isNew && found.length === 0) throw new StorageFailure('missing', 'there is no safety log');
    if (isNew) createSegment(directory, options, { number: 1, start: 'goesOn', entries: [] });
    const replayed = replay(directory, options, isNew ? [1] : found);
    const log = new SafetyLog(directory, options, { ...replayed, lock });
    return { log, entries: replayed.entries, wasTornTail: replayed.wasTornTail };
  } catch (error) {
    await lock.release();
    throw storageFailure(error, 'open the safety log');
  }
}

/**
 * W6: begins the log anew under a key that has voted, after `openSafetyLog` found it missing, corrupt or foreign. What was there is
 * void from the moment when the new segment appears, and is kept aside for people to look at. `first` says that memory was lost.
 */
export async function restartSafetyLog(
  directory: string,
  options: SafetyLogOptions,
  first: LogEntry,
): Promise<OpenedSafetyLog> {
  const lock = await takeLockOf(directory, options);
  try {
    const number = (segmentNumbers(directory, options.disk).at(-1) ?? 0) + 1;
    createSegment(directory, options, { number, start: 'afterLoss', entries: [first] });
  } catch (error) {
    throw storageFailure(error, 'begin the safety log anew');
  } finally {
    await lock.release();
  }
  return openSafetyLog(directory, { ...options, mode: 'existing' });
}

/**
 * The empty log of a key that was just made and has signed nothing, in a directory that no process uses yet. Durable when it returns.
 * Failures: `exists`, and those of the disk.
 */
export function beginSafetyLog(directory: string, options: Omit<SafetyLogOptions, 'mode'>): void {
  const { disk } = options;
  try {
    disk.makeDirectory(directory);
    if (segmentNumbers(directory, disk).length > 0)
      throw new StorageFailure('exists', 'there is a safety log already');
    createSegment(directory, { ...options, mode: 'create' }, { number: 1, start: 'goesOn', entries: [] });
    disk.syncDirectory(dirname(directory));
  } catch (error) {
    throw storageFailure(error, 'begin the safety log of a new key');
  }
}

async function takeLockOf(
  directory: string,
  { disk, lockDirectory = directory }: SafetyLogOptions,
): Promise<DirectoryLock> {
  try {
    disk.makeDirectory(directory);
  } catch (error) {
    throw storageFailure(error, 'make the directory of the safety log');
  }
  return disk.takeLock(join(lockDirectory, 'lock'));
}

function segmentNumbers(directory: string, disk: Disk): readonly number[] {
  return disk
    .list(directory)
    .flatMap((name) => segmentName.exec(name)?.[1] ?? [])
    .map((digits) => Number.parseInt(digits, 16))
    .toSorted((a, b) => a - b);
}

/** The segments from the newest one on that was begun after a loss; older ones are set aside. */
function findSegments(directory: string, options: SafetyLogOptions): readonly number[] {
  const { disk } = options;
  const all = segmentNumbers(directory, disk);
  const isBase = (number: number): boolean =>
    isAfterLoss(disk.read(segmentPath(directory, number)), options, number);
  const base = all.findLast(isBase) ?? all[0] ?? 1;
  setAside(
    directory,
    disk,
    all.filter((number) => number < base),
  );
  const numbers = all.filter((number) => number >= base);
  const isGapless = numbers.every((number, index) => number === base + index);
  if (!isGapless) throw new StorageFailure('corrupt', 'the safety log lacks a segment');
  return numbers;
}

/** Never deleted: they may tell what happened. A crash in between leaves some, which the next start sets aside. */
function setAside(directory: string, disk: Disk, numbers: readonly number[]): void {
  if (numbers.length === 0) return;
  for (const number of numbers) {
    const path = segmentPath(directory, number);
    disk.rename(path, join(directory, `void-${basename(path)}`));
  }
  disk.syncDirectory(directory);
}

interface Replayed {
  readonly segments: readonly Segment[];
  readonly entries: readonly LogEntry[];
  readonly wasTornTail: boolean;
}

function replay(directory: string, options: SafetyLogOptions, numbers: readonly number[]): Replayed {
  const { disk } = options;
  const segments: Segment[] = [];
  const entries: LogEntry[] = [];
  let wasTornTail = false;
  for (const number of numbers) {
    if (wasTornTail) throw new StorageFailure('corrupt', 'a segment of the safety log is cut short');
    const path = segmentPath(directory, number);
    const content = decodeSegment(disk.read(path), options, number);
    wasTornTail = content.isTorn;
    if (number === numbers.at(-1)) settleTail(disk, path, wasTornTail ? content.size : null);
    segments.push({ number, start: content.start, newest: newestOf(content.entries, noPlace) });
    for (const entry of content.entries) entries.push(entry);
  }
  disk.syncDirectory(directory);
  return { segments, entries, wasTornTail };
}

/**
 * Makes durable what was read, cut to a size if its last record is torn. A process that was killed between its write and its sync left
 * the record in the page cache alone: what we say because we read it there must not be forgotten when the power fails.
 */
function settleTail(disk: Disk, path: string, size: number | null): void {
  const descriptor = disk.open(path, 'existing');
  try {
    if (size !== null) disk.truncate(descriptor, size);
    disk.sync(descriptor);
  } finally {
    disk.close(descriptor);
  }
}
