/**
 * The snapshots that this node serves, and the chunks that it has fetched of somebody else's. All of it can be had again: nothing here is
 * waited for, and what a crash cut off is thrown away at the next start.
 */
import type { Digest, Height } from '../../protocol/brand.ts';
import { invariant } from '../../protocol/invariant.ts';
import {
  chunkDigest,
  decodeManifest,
  encodeManifest,
  manifestDigest,
  type SnapshotManifest,
} from '../../protocol/snapshot.ts';
import { openDatabase, type Database, type RowWrite } from './database.ts';
import { systemDisk, type Disk } from './disk.ts';
import {
  chunkBounds,
  chunkKey,
  downloadBounds,
  downloadKey,
  manifestBounds,
  manifestKey,
  writingKey,
} from './keyspace.ts';
import { decodeHeight, encodeHeight } from './ledgerRows.ts';

// Chunks are large, and read once or twice each.
const databaseOptions = { cacheSize: 1_048_576, writeBufferSize: 8_388_608 };
/** Snapshots kept for their age alone, and with the one that somebody is fetching. */
const keptMin = 2;
const keptMax = 3;
/** Rows of a quarter megabyte that are held at a time. */
const rowsDeletedAtOnce = 8;

interface HeldSnapshot {
  readonly manifest: SnapshotManifest;
  readonly digest: Digest;
  /** Somebody asked for a chunk of it since the newest snapshot was finished. */
  isWanted: boolean;
}

/** All methods throw StorageFailure. */
export class SnapshotStore {
  readonly #database: Database;
  /** Ascending by height. */
  #held: HeldSnapshot[] = [];

  /** `openSnapshots` is the way to one. */
  constructor(database: Database) {
    this.#database = database;
  }

  /** What is on the disk; what was being written when the process ended goes. */
  async load(): Promise<void> {
    const writing = this.#database.get(writingKey);
    if (writing !== null) await this.discard(decodeHeight(writing));
    const rows = await this.#database.rows({ ...manifestBounds, limit: keptMax, isReversed: false });
    for (const { value } of rows) {
      const manifest = decodeManifest(value);
      if (manifest.ok) this.#hold(manifest.value);
    }
  }

  #hold(manifest: SnapshotManifest): void {
    this.#held.push({ manifest, digest: manifestDigest(manifest), isWanted: false });
  }

  newest(): SnapshotManifest | null {
    return this.#held.at(-1)?.manifest ?? null;
  }

  heights(): readonly Height[] {
    return this.#held.map(({ manifest }) => manifest.height);
  }

  /** A chunk of the snapshot with this manifest, or null if it is not held. */
  chunk(snapshot: Digest, index: number): Uint8Array | null {
    const held = this.#held.find(({ digest }) => digest === snapshot);
    if (held === undefined) return null;
    held.isWanted = true;
    return this.#database.get(chunkKey(held.manifest.height, index));
  }

  /** Begins a snapshot; one at a time. */
  async begin(height: Height): Promise<void> {
    invariant(this.#database.get(writingKey) === null, 'one snapshot is written at a time');
    await this.#database.write([{ key: writingKey, value: encodeHeight(height) }], true);
  }

  async putChunk(height: Height, index: number, bytes: Uint8Array): Promise<void> {
    await this.#database.write([{ key: chunkKey(height, index), value: bytes }], false);
  }

  /** The snapshot is there from here on; older ones go, as far as nobody fetches them. */
  async finish(manifest: SnapshotManifest): Promise<void> {
    const { height } = manifest;
    const writes: readonly RowWrite[] = [
      { key: manifestKey(height), value: encodeManifest(manifest) },
      { key: writingKey, value: null },
    ];
    await this.#database.write(writes, true);
    this.#hold(manifest);
    await this.#prune();
  }

  async #prune(): Promise<void> {
    const old = this.#held.slice(0, -keptMin);
    const wanted = old.filter(({ isWanted }) => isWanted).slice(keptMin - keptMax);
    const gone = old.filter((held) => !wanted.includes(held));
    this.#held = this.#held.filter((held) => !gone.includes(held));
    for (const held of this.#held) held.isWanted = false;
    for (const { manifest } of gone) {
      await this.#database.write([{ key: manifestKey(manifest.height), value: null }], false);
      await this.#deleteRange(chunkBounds(manifest.height));
    }
  }

  /** Throws away what was written of a snapshot that was not finished. */
  async discard(height: Height): Promise<void> {
    await this.#deleteRange(chunkBounds(height));
    await this.#database.write([{ key: writingKey, value: null }], true);
  }

  /** A fetched chunk with this hash, or null; what is not good any more counts as not there. */
  download(digest: Digest): Uint8Array | null {
    const bytes = this.#database.get(downloadKey(digest));
    return bytes !== null && chunkDigest(bytes) === digest ? bytes : null;
  }

  /** True without reading it: whether a chunk with this hash was fetched. */
  hasDownload(digest: Digest): boolean {
    return this.#database.has(downloadKey(digest));
  }

  async putDownload(digest: Digest, bytes: Uint8Array): Promise<void> {
    await this.#database.write([{ key: downloadKey(digest), value: bytes }], false);
  }

  async deleteDownloads(): Promise<void> {
    await this.#deleteRange(downloadBounds);
  }

  async #deleteRange(bounds: { readonly above: string; readonly below: string }): Promise<void> {
    let isEnd = false;
    while (!isEnd) {
      const rows = await this.#database.rows({ ...bounds, limit: rowsDeletedAtOnce, isReversed: false });
      await this.#database.write(
        rows.map(({ key }) => ({ key, value: null })),
        false,
      );
      isEnd = rows.length < rowsDeletedAtOnce;
    }
    await this.#database.erase(bounds.above, bounds.below);
  }

  async close(): Promise<void> {
    await this.#database.close();
  }
}

/** Makes the database if there is none: it never held what is not elsewhere. Failures: `locked`, `corrupt`, and those of the disk. */
export async function openSnapshots(directory: string, disk: Disk = systemDisk): Promise<SnapshotStore> {
  const mode = disk.hasDatabase(directory) ? 'existing' : 'create';
  const database = await openDatabase(directory, { ...databaseOptions, mode }, disk);
  try {
    const store = new SnapshotStore(database);
    await store.load();
    return store;
  } catch (error) {
    await database.close();
    throw error;
  }
}
