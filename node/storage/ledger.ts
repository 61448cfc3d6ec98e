/**
 * The ledger on disk: blocks, receipts, state and indices. One finality is one atomic synced batch (W4), so that after any crash
 * the ledger stands at a certified height and consensus catches up to it.
 */
import type { Block } from '../../protocol/block.ts';
import type { Digest, Height, Id, Timestamp } from '../../protocol/brand.ts';
import { isSeen, type TransactionIds } from '../../protocol/executedId.ts';
import { invariant, present } from '../../protocol/invariant.ts';
import { bulkFrameBytesMax } from '../../protocol/limits.ts';
import type { SeenId, StateView, StateWrites } from '../../protocol/state.ts';
import { captureOf, type CaptureTarget } from './capture.ts';
import { readAnchor, writeAnchor, type Anchor } from './anchor.ts';
import { openDatabase, type Database, type RowWrite } from './database.ts';
import { systemDisk, type DatabaseOptions, type Disk, type Files } from './disk.ts';
import { StorageFailure } from './failure.ts';
import {
  baseKey,
  blockKey,
  chainKey,
  closingKey,
  closingProofKey,
  headKey,
  heightKey,
  historyBounds,
  historyPlace,
  pageKey,
  recordKey,
  restoringKey,
  seenKey,
  transactionKey,
  type HistoryPlace,
} from './keyspace.ts';
import {
  commitWrites,
  genesisWrites,
  headAfter,
  type CommitEntry,
  type GenesisData,
  type LedgerHead,
} from './ledgerCommit.ts';
import {
  blockRowSize,
  decodeBlockRow,
  decodeGenesisPoint,
  decodeHead,
  decodeHeight,
  decodeLocation,
  decodeReceiptRows,
  decodeSeenId,
  type GenesisPoint,
  type StoredBlock,
  type TransactionLocation,
} from './ledgerRows.ts';
import { ledgerView, type LedgerView } from './ledgerView.ts';
import { RowCache } from './rowCache.ts';
import { expiredWrites, nextExpiry } from './seenIds.ts';

// Most of it are hashes, which do not compress; a large buffer is flushed and merged less often, and replayed in a blink.
export const databaseOptions: Omit<DatabaseOptions, 'mode'> = {
  cacheSize: 33_554_432,
  writeBufferSize: 33_554_432,
};
/** An anchor costs two fsyncs; at most so many blocks may be lost with a database file before the node notices. */
const anchorEveryBlocks = 256;
const recentBlocksMax = 128;
/** What an answer's frame needs beside the blocks, and what each block needs beside its own bytes. */
const frameBytesSpare = 4_096;
const blockBytesSpare = 64;

interface OpenedLedger {
  readonly files: Files;
  readonly anchorPath: string;
  readonly genesis: GenesisPoint;
  readonly head: LedgerHead;
}

/** The state after the newest committed block, and the way there. Reads are synchronous. All methods throw StorageFailure. */
export class LedgerStore implements StateView {
  readonly #database: Database;
  readonly #files: Files;
  readonly #anchorPath: string;
  readonly #genesis: GenesisPoint;
  #head: LedgerHead;
  #anchoredHeight: number;
  /** False after a failed write of the anchor: then nothing is written any more (W7). */
  #isAnchorKnown = true;
  /** Block time from which a look for expired ids can find some. */
  #expiryCheckAt: Timestamp = 0 as Timestamp;
  #isCommitting = false;
  #captureTarget: CaptureTarget | null = null;
  readonly #records: RowCache;
  readonly #pages: RowCache;
  /** Height of the block that this ledger was restored at, 0 for genesis: what came before is not here. */
  readonly base: Height;
  /** Newest blocks by height: most readers ask for these, and decoding one takes 0.3 ms. */
  readonly #recent: Map<number, StoredBlock> = new Map();

  /** `createLedger` and `openLedger` are the ways to one. */
  constructor(database: Database, opened: OpenedLedger) {
    this.#database = database;
    this.#records = new RowCache((key) => database.get(recordKey(key)));
    this.#pages = new RowCache((path) => database.get(pageKey(path)));
    this.#files = opened.files;
    this.#anchorPath = opened.anchorPath;
    this.#genesis = opened.genesis;
    this.#head = opened.head;
    const base = database.get(baseKey);
    this.base = base === null ? (0 as Height) : decodeHeight(base);
    this.#anchoredHeight = opened.head.height;
  }

  head(): LedgerHead {
    return this.#head;
  }

  // Properties, because a StateView's functions are passed on without their object.
  readonly get = (key: string): Uint8Array | null => this.#records.get(key);

  readonly page = (path: string): Uint8Array | null => this.#pages.get(path);

  readonly seen = (key: string): SeenId | null => {
    const row = this.#database.get(seenKey(key));
    return row === null ? null : decodeSeenId(key, row);
  };

  /**
   * One finality: contiguous blocks, the last one with its CC. When it resolves, all of it is durable and reads see it; until then
   * reads see the state before. After a failure the outcome is unknown and the ledger takes no further commit (W7).
   */
  async commit(entries: readonly CommitEntry[]): Promise<void> {
    invariant(!this.#isCommitting, 'one commit at a time');
    if (!this.#isAnchorKnown) throw new StorageFailure('io', 'the anchor could not be written');
    this.#isCommitting = true;
    try {
      const head = headAfter(entries);
      const writes = commitWrites(this.#head, entries);
      const pruning = await this.#expired();
      const target = this.#captureTarget;
      const capture = target === null ? null : captureOf(entries, target.isDue, () => this.#database.view());
      try {
        await this.#database.write([...pruning, ...writes], true);
      } catch (error) {
        await capture?.close();
        throw error;
      }
      for (const entry of entries) this.#cacheState(entry.writes);
      this.#head = head;
      this.#remember(entries);
      if (head.height - this.#anchoredHeight >= anchorEveryBlocks) this.#anchor();
      if (capture !== null) target?.take(capture);
    } finally {
      this.#isCommitting = false;
    }
  }

  /** The present state, for as long as somebody looks through it. */
  view(): LedgerView {
    return ledgerView(this.#database.view());
  }

  /** From now on the state after each block that is due is handed over; null for no more. */
  captureFor(target: CaptureTarget | null): void {
    this.#captureTarget = target;
  }

  #cacheState({ records, pages }: StateWrites): void {
    for (const [key, record] of records) this.#records.set(key, record);
    for (const [path, page] of pages) this.#pages.set(path, page);
  }

  /** Deletions of ids that have expired; empty between two stretches of time. */
  async #expired(): Promise<readonly RowWrite[]> {
    const time = this.#head.timeMs;
    if (time < this.#expiryCheckAt) return [];
    const { writes, isComplete } = await expiredWrites(this.#database, time);
    if (isComplete) this.#expiryCheckAt = nextExpiry(time);
    return writes;
  }

  #remember(entries: readonly CommitEntry[]): void {
    for (const { block, digest, certificate, extension } of entries) {
      const { height } = block.header;
      this.#recent.set(height, { block, digest, certificate, extension });
      this.#recent.delete(height - recentBlocksMax);
    }
  }

  #anchor(): void {
    const { height, stateRoot } = this.#head;
    this.#isAnchorKnown = false;
    writeAnchor(this.#anchorPath, { chainId: this.#genesis.chainId, height, stateRoot }, this.#files);
    this.#isAnchorKnown = true;
    this.#anchoredHeight = height;
  }

  /** The finalized block at a height from 1, or null. */
  blockAt(height: number): StoredBlock | null {
    const recent = this.#recent.get(height);
    if (recent !== undefined) return recent;
    const row = this.#database.get(blockKey(height));
    return row === null ? null : decodeBlockRow(row);
  }

  /** The finalized block with this digest, or null. */
  blockByDigest(digest: Digest): StoredBlock | null {
    const stored = this.#blockOf(digest);
    return stored?.digest === digest ? stored : null;
  }

  /** As consensus asks for it: a finalized block, or the extension that made one final. */
  certifiedBlock(digest: Digest): Block | null {
    const stored = this.#blockOf(digest);
    if (stored === null || stored.digest === digest) return stored?.block ?? null;
    return stored.extension === null ? null : { header: stored.extension, batchDigests: [] };
  }

  #blockOf(digest: Digest): StoredBlock | null {
    const height = this.#database.get(heightKey(digest));
    return height === null ? null : this.blockAt(decodeHeight(height));
  }

  /** Encoded receipts of the block at a height, in their order (the leaves under its receiptsRoot), or null. */
  receiptsAt(height: number): readonly Uint8Array[] | null {
    if (height <= this.base) return null;
    const row = this.#database.get(blockKey(height));
    return row === null ? null : decodeReceiptRows(row);
  }

  /** Height of the block that closed an epoch, or null if it is not here. */
  closingAt(epoch: number): Height | null {
    const row = this.#database.get(closingKey(epoch));
    return row === null ? null : decodeHeight(row);
  }

  /** The proof of a closing block below the base, as it was restored, or null. */
  closingProof(epoch: number): Uint8Array | null {
    return this.#database.get(closingProofKey(epoch));
  }

  /** Where a transaction's receipt and bytes are, or null if it is not final. */
  locate(txId: Digest): TransactionLocation | null {
    const row = this.#database.get(transactionKey(txId));
    return row === null ? null : decodeLocation(row);
  }

  /** True if it has a receipt, though perhaps one from before the base, which is not here. */
  wasExecuted(transaction: TransactionIds): boolean {
    if (this.#database.has(transactionKey(transaction.txId))) return true;
    return this.base > 0 && isSeen(this, transaction);
  }

  /** Transactions that concern an id, oldest first, beginning after `after` (null: from the first), at most `limit`. */
  async history(
    subject: Id,
    page: { readonly limit: number; readonly after: HistoryPlace | null },
  ): Promise<readonly HistoryPlace[]> {
    const bounds = historyBounds(subject, page.after);
    const rows = await this.#database.rows({ ...bounds, limit: page.limit, isReversed: false });
    return rows.map(({ key }) => historyPlace(key));
  }

  /**
   * Blocks from a height up, at most `max` and as many as fit one bulk frame, cut back to the last one that carries its CC, so that
   * the asker can verify all of them with the voters of one epoch. Where finality came late none of them has one: then all, and the asker
   * asks on.
   */
  blocksFrom(height: number, max: number): readonly StoredBlock[] {
    const blocks: StoredBlock[] = [];
    let certifiedCount = 0;
    if (height <= this.base) return [];
    let bytesLeft = bulkFrameBytesMax - frameBytesSpare;
    for (let next = Math.max(height, 1); next <= this.#head.height && blocks.length < max; next += 1) {
      const row = present(this.#database.get(blockKey(next)), 'every height up to the head has its block');
      bytesLeft -= blockRowSize(row) + blockBytesSpare;
      if (bytesLeft < 0) break;
      const stored = this.#recent.get(next) ?? decodeBlockRow(row);
      blocks.push(stored);
      if (stored.certificate !== null) certifiedCount = blocks.length;
      // The certificates after it are those of other voters.
      if (stored.block.header.nextVoterSet !== null) break;
    }
    return certifiedCount === 0 ? blocks : blocks.slice(0, certifiedCount);
  }

  /** Anchors the head and closes. No commit may be under way. */
  async close(): Promise<void> {
    invariant(!this.#isCommitting, 'no commit is under way at the end');
    try {
      this.#database.assertWritable();
      if (this.#isAnchorKnown && this.#head.height > this.#anchoredHeight) this.#anchor();
    } finally {
      await this.#database.close();
    }
  }
}

/** A new ledger at height 0. Failures: `exists`, and those of the disk. A creation that was cut off by a crash is done again. */
export async function createLedger(
  directory: string,
  options: { readonly anchorPath: string; readonly genesis: GenesisData },
  disk: Disk = systemDisk,
): Promise<LedgerStore> {
  const { anchorPath, genesis } = options;
  const mode = disk.hasDatabase(directory) ? 'existing' : 'create';
  const database = await openDatabase(directory, { ...databaseOptions, mode }, disk);
  try {
    if (database.get(chainKey) !== null) throw new StorageFailure('exists', 'there is a ledger already');
    if (readAnchor(anchorPath, disk) !== null)
      throw new StorageFailure('exists', 'there is an anchor of a ledger');
    await database.write(genesisWrites(genesis), true);
    await database.close();
  } catch (error) {
    await database.close();
    throw error;
  }
  return openLedger(directory, { anchorPath, chainId: genesis.chainId }, disk);
}

/**
 * The ledger of this chain. Failures: `missing`, `partial` (a restore was cut off), `foreign` (of another chain), `behind` (older than its anchor), `corrupt`, `locked`,
 * and those of the disk.
 */
export async function openLedger(
  directory: string,
  options: { readonly anchorPath: string; readonly chainId: Digest },
  disk: Disk = systemDisk,
): Promise<LedgerStore> {
  const { anchorPath, chainId } = options;
  const database = await openDatabase(directory, { ...databaseOptions, mode: 'existing' }, disk);
  try {
    if (database.get(restoringKey) !== null)
      throw new StorageFailure('partial', 'a restore of the ledger was cut off');
    const genesis = readGenesis(database, chainId);
    const head = readHead(database, genesis);
    const ledger = new LedgerStore(database, { files: disk, anchorPath, genesis, head });
    anchorLedger(ledger, { files: disk, anchorPath, genesis });
    return ledger;
  } catch (error) {
    await database.close();
    throw error;
  }
}

function readGenesis(database: Database, chainId: Digest): GenesisPoint {
  const row = database.get(chainKey);
  if (row === null) throw new StorageFailure('missing', 'the ledger has no genesis');
  const genesis = decodeGenesisPoint(row);
  if (genesis.chainId !== chainId) throw new StorageFailure('foreign', 'the ledger is of another chain');
  return genesis;
}

function readHead(database: Database, genesis: GenesisPoint): LedgerHead {
  const row = database.get(headKey);
  if (row === null) throw new StorageFailure('corrupt', 'the ledger has no head');
  const { height, digest } = decodeHead(row);
  if (height === 0) {
    const { timeMs, stateRoot } = genesis;
    return { height, digest, timeMs, stateRoot, block: null, certificate: null };
  }
  const blockRow = database.get(blockKey(height));
  if (blockRow === null) throw new StorageFailure('corrupt', 'the newest block is not there');
  const stored = decodeBlockRow(blockRow);
  if (stored.digest !== digest)
    throw new StorageFailure('corrupt', 'the newest block is not that of the head');
  const { timeMs, stateRoot } = stored.block.header;
  return { height, digest, timeMs, stateRoot, block: stored.block, certificate: stored.certificate };
}

/** Compares the ledger with its anchor and moves the anchor up to it. Only a ledger that has no block yet may lack one. */
function anchorLedger(
  ledger: LedgerStore,
  context: Pick<OpenedLedger, 'files' | 'anchorPath' | 'genesis'>,
): void {
  const { files, genesis, anchorPath } = context;
  const { height, stateRoot } = ledger.head();
  const anchor = readAnchor(anchorPath, files);
  if (anchor === null && height > 0)
    throw new StorageFailure('missing', 'the anchor of the ledger is not there');
  if (anchor !== null) assertNotBehind(ledger, { anchor, genesis });
  if (anchor?.height !== height)
    writeAnchor(anchorPath, { chainId: genesis.chainId, height, stateRoot }, files);
}

function assertNotBehind(
  ledger: LedgerStore,
  context: { readonly anchor: Anchor; readonly genesis: GenesisPoint },
): void {
  const { anchor, genesis } = context;
  if (anchor.chainId !== genesis.chainId)
    throw new StorageFailure('foreign', 'the anchor is of another chain');
  if (ledger.head().height < anchor.height) throw new StorageFailure('behind', 'the ledger lost blocks');
  const root =
    anchor.height === 0 ? genesis.stateRoot : ledger.blockAt(anchor.height)?.block.header.stateRoot;
  if (root !== anchor.stateRoot) throw new StorageFailure('corrupt', 'the ledger is not that of its anchor');
}
