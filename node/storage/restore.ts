/**
 * Puts a snapshot in the place of an empty ledger. A mark says that the rows are of neither; the last write takes it away together with
 * setting the head, so that after any crash the ledger is the old one, the new one, or known to be neither and made anew.
 */
import type { Block, Header } from '../../protocol/block.ts';
import type { Digest, Epoch } from '../../protocol/brand.ts';
import type { Certificate } from '../../protocol/certificate.ts';
import { invariant } from '../../protocol/invariant.ts';
import type { CheckedRows } from '../../protocol/snapshot.ts';
import { stateValueHash } from '../../protocol/statePage.ts';
import { treeRoot, updateTree } from '../../protocol/stateTree.ts';
import { openDatabase, type Database, type RowWrite } from './database.ts';
import { systemDisk, type Disk } from './disk.ts';
import { StorageFailure } from './failure.ts';
import {
  baseKey,
  blockKey,
  chainKey,
  closingProofKey,
  headKey,
  heightKey,
  pageKey,
  recordKey,
  restoringKey,
  seenKey,
} from './keyspace.ts';
import { genesisWrites, type GenesisData } from './ledgerCommit.ts';
import { decodeHead, encodeBlockRow, encodeHead, encodeHeight, encodeSeenId } from './ledgerRows.ts';
import { databaseOptions } from './ledger.ts';

/** The block that the restored ledger begins with. */
export interface RestoredHead {
  readonly block: Block;
  readonly digest: Digest;
  /** CC of this very block, or of the extension beside it; null where a later block's CC made it final. */
  readonly certificate: Certificate | null;
  /** Of a closing block that an extension made final. */
  readonly extension: Header | null;
  /** Proof of the closing block of each epoch before, and of the block itself if it closes one; encoded. */
  readonly closings: ReadonlyMap<Epoch, Uint8Array>;
}

const nothing = new Uint8Array(0);
const rowsDeletedAtOnce = 1_000;

/** All methods throw StorageFailure. */
export class LedgerRestore {
  readonly #database: Database;

  /** `beginRestore` and `resetLedger` are the ways to one. */
  constructor(database: Database) {
    this.#database = database;
  }

  /** The rows of the ledger go; the mark stays, and whose chain it is. */
  async clear(): Promise<void> {
    await this.#database.write([{ key: restoringKey, value: nothing }], true);
    let isEnd = false;
    let above = '';
    while (!isEnd) {
      const rows = await this.#database.rows({
        above,
        below: '~',
        limit: rowsDeletedAtOnce,
        isReversed: false,
      });
      above = rows.at(-1)?.key ?? above;
      isEnd = rows.length < rowsDeletedAtOnce;
      const gone = rows.filter(({ key }) => key !== restoringKey && key !== chainKey);
      await this.#database.write(
        gone.map(({ key }) => ({ key, value: null })),
        true,
      );
    }
  }

  /** A part of the state: records with the pages above them, and ids. */
  async add({ records, seen, ids }: Omit<CheckedRows, 'check'>): Promise<void> {
    const valueHashes = new Map<string, Uint8Array>();
    for (const [key, record] of records) valueHashes.set(key, stateValueHash(record));
    const { pages } = updateTree((path) => this.#page(path), valueHashes);
    const rows: RowWrite[] = [...ids];
    for (const row of seen) rows.push({ key: seenKey(row.key), value: encodeSeenId(row) });
    for (const [key, value] of records) rows.push({ key: recordKey(key), value });
    for (const [path, value] of pages) rows.push({ key: pageKey(path), value });
    await this.#database.write(rows, true);
  }

  #page(path: string): Uint8Array | null {
    return this.#database.get(pageKey(path));
  }

  /** Root of all records added so far. */
  root(): Digest {
    return treeRoot((path) => this.#page(path));
  }

  /** From here on this is the ledger. The caller has compared the root. */
  async finish({ block, digest, certificate, extension, closings }: RestoredHead): Promise<void> {
    const { height, stateRoot } = block.header;
    invariant(this.root() === stateRoot, 'a restored ledger has the state of its block');
    const proofs = [...closings].map(([epoch, value]) => ({ key: closingProofKey(epoch), value }));
    const writes: readonly RowWrite[] = [
      ...proofs,
      { key: blockKey(height), value: encodeBlockRow({ block, digest, certificate, extension }, []) },
      { key: heightKey(digest), value: encodeHeight(height) },
      { key: baseKey, value: encodeHeight(height) },
      { key: headKey, value: encodeHead(height, digest) },
      { key: restoringKey, value: null },
    ];
    await this.#database.write(writes, true);
  }

  /** The ledger at genesis, as it was made. */
  async reset(genesis: GenesisData): Promise<void> {
    await this.clear();
    await this.#database.write([...genesisWrites(genesis), { key: restoringKey, value: null }], true);
  }

  async close(): Promise<void> {
    await this.#database.close();
  }
}

/** Failures: `exists` (the ledger has blocks), and those of `openDatabase`. The ledger must be closed. */
export async function beginRestore(directory: string, disk: Disk = systemDisk): Promise<LedgerRestore> {
  const database = await openDatabase(directory, { ...databaseOptions, mode: 'existing' }, disk);
  try {
    const head = database.get(headKey);
    if (head !== null && decodeHead(head).height > 0)
      throw new StorageFailure('exists', 'the ledger has blocks already');
    const restore = new LedgerRestore(database);
    await restore.clear();
    return restore;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Makes the ledger anew that a restore was cut off in. */
export async function resetLedger(
  directory: string,
  genesis: GenesisData,
  disk: Disk = systemDisk,
): Promise<void> {
  const restore = await beginRestore(directory, disk);
  try {
    await restore.reset(genesis);
  } finally {
    await restore.close();
  }
}
