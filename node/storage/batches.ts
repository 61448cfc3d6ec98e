/**
 * Batches by their digest, each one blob, in a database of their own: their bytes would only churn the ledger's. Finalized batches
 * stay: they hold the transactions. Two databases have no common write, so the order is the guarantee: a batch is durable before
 * the PREPARE that relies on it (W3) and before the commit of a block that names it.
 */
import type { Batch } from '../../protocol/batch.ts';
import type { Digest, MemberName } from '../../protocol/brand.ts';
import { compareText } from '../../protocol/bytes.ts';
import { invariant } from '../../protocol/invariant.ts';
import { openDatabase, type Database, type RowWrite } from './database.ts';
import { systemDisk, type Disk } from './disk.ts';
import { batchKey, laneBounds, laneKey, laneLostKey, lanePlace, type LanePlace } from './keyspace.ts';

export type StoredBatch = Pick<Batch, 'digest' | 'member' | 'sequence' | 'bytes'>;

const databaseOptions = { cacheSize: 8_388_608, writeBufferSize: 33_554_432 };
/** Batches that need not be durable yet wait in memory for the next write, up to so many bytes. */
const waitingBytesMax = 1_048_576;
const nothing = new Uint8Array(0);

/** All methods throw StorageFailure. */
export class BatchStore {
  readonly #database: Database;
  /** Not yet handed to the database. */
  #waiting: Map<Digest, StoredBatch> = new Map();
  /** In the write that is under way. */
  #writing: ReadonlyMap<Digest, StoredBatch> = new Map();
  #waitingBytes = 0;
  #lastFlush: Promise<void> = Promise.resolve();

  /** `openBatches` is the way to one. */
  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Keeps a batch; it can be had at once. With `isDurable` it is on disk when this resolves; puts of one moment share one fsync.
   * Without, it waits in memory for the next durable write, unless too many wait.
   */
  async put(batch: StoredBatch, isDurable: boolean): Promise<void> {
    this.#database.assertWritable();
    if (!this.has(batch.digest)) {
      this.#waiting.set(batch.digest, batch);
      this.#waitingBytes += batch.bytes.length;
    }
    if (isDurable) await this.makeDurable([batch.digest]);
    else if (this.#waitingBytes > waitingBytesMax) await this.#flush();
  }

  /** Resolves when these batches, all of which were put, are on disk. */
  async makeDurable(digests: readonly Digest[]): Promise<void> {
    this.#database.assertWritable();
    for (const digest of digests) invariant(this.has(digest), 'a batch that must be durable was put');
    const isNeeded = digests.some((digest) => this.#waiting.has(digest) || this.#writing.has(digest));
    if (isNeeded) await this.#flush();
  }

  async #flush(): Promise<void> {
    const flush = this.#lastFlush.then(() => this.#writeWaiting());
    this.#lastFlush = flush.catch(() => undefined);
    await flush;
  }

  async #writeWaiting(): Promise<void> {
    // Also when nothing waits: what this caller waits for may have been in the write that failed.
    this.#database.assertWritable();
    if (this.#waiting.size === 0) return;
    this.#writing = this.#waiting;
    this.#waiting = new Map();
    this.#waitingBytes = 0;
    await this.#database.write([...this.#writing.values()].flatMap(batchWrites), true);
    this.#writing = new Map();
  }

  /** The batch as received, or null. */
  get(digest: Digest): Uint8Array | null {
    return this.#inMemory(digest)?.bytes ?? this.#database.get(batchKey(digest));
  }

  has(digest: Digest): boolean {
    return this.#inMemory(digest) !== null || this.#database.has(batchKey(digest));
  }

  #inMemory(digest: Digest): StoredBatch | null {
    return this.#waiting.get(digest) ?? this.#writing.get(digest) ?? null;
  }

  /** A member's batches above a sequence in order of sequence, then digest; at most `limit`. Two may have one sequence. */
  async lane(member: MemberName, aboveSequence: number, limit: number): Promise<readonly LanePlace[]> {
    const range = { ...laneBounds(member, aboveSequence), limit, isReversed: false };
    const places = new Map<Digest, LanePlace>();
    for (const place of this.#lanesInMemory(member)) {
      if (place.sequence > aboveSequence) places.set(place.digest, place);
    }
    for (const { key } of await this.#database.rows(range)) {
      const place = lanePlace(key);
      places.set(place.digest, place);
    }
    return [...places.values()].toSorted(comparePlaces).slice(0, limit);
  }

  /** Of all batches held of this member; 0 if there are none. */
  async highestSequence(member: MemberName): Promise<number> {
    const inMemory = this.#lanesInMemory(member).map(({ sequence }) => sequence);
    const rows = await this.#database.rows({ ...laneBounds(member, 0), limit: 1, isReversed: true });
    const stored = rows.map(({ key }) => lanePlace(key).sequence);
    return Math.max(0, ...inMemory, ...stored);
  }

  /** False from `loseLane` to `findLane`, over restarts too. */
  isLaneKnown(): boolean {
    return !this.#database.has(laneLostKey);
  }

  /** This node does not know any more how far its own lane reaches. */
  async loseLane(): Promise<void> {
    await this.#database.write([{ key: laneLostKey, value: nothing }], true);
  }

  /** All that the others hold of this node's lane was put here. */
  async findLane(): Promise<void> {
    await this.#flush();
    await this.#database.write([{ key: laneLostKey, value: null }], true);
  }

  #lanesInMemory(member: MemberName): readonly LanePlace[] {
    return [...this.#writing.values(), ...this.#waiting.values()]
      .filter((batch) => batch.member === member)
      .map(({ sequence, digest }) => ({ sequence, digest }));
  }

  /** Writes what waits, and closes. */
  async close(): Promise<void> {
    try {
      await this.#flush();
    } finally {
      await this.#database.close();
    }
  }
}

function batchWrites(batch: StoredBatch): readonly RowWrite[] {
  return [
    { key: batchKey(batch.digest), value: batch.bytes },
    { key: laneKey(batch.member, batch.sequence, batch.digest), value: nothing },
  ];
}

function comparePlaces(a: LanePlace, b: LanePlace): number {
  return a.sequence - b.sequence || compareText(a.digest, b.digest);
}

/** Failures: `missing`, `exists`, `locked`, `corrupt`, and those of the disk. */
export async function openBatches(
  directory: string,
  mode: 'create' | 'existing',
  disk: Disk = systemDisk,
): Promise<BatchStore> {
  return new BatchStore(await openDatabase(directory, { ...databaseOptions, mode }, disk));
}
