/** A small home with a real chain on its disk, and everything that consensus and JSON-RPC would read of it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Committer } from '../../node/committer.ts';
import { Executor } from '../../node/executor.ts';
import { Pool } from '../../node/pool.ts';
import { ballotEntry } from '../../node/statement.ts';
import { openBatches } from '../../node/storage/batches.ts';
import { layoutOf } from '../../node/storage/layout.ts';
import { openLedger, type LedgerStore } from '../../node/storage/ledger.ts';
import type { CommitEntry } from '../../node/storage/ledgerCommit.ts';
import { openSealed } from '../../node/storage/sealed.ts';
import { closeStores, createStores, openStores, type Stores } from '../../node/stores.ts';
import type { Block } from '../../protocol/block.ts';
import type { Digest, Epoch, Id, MemberName, PublicKey, View } from '../../protocol/brand.ts';
import { aCommitOf, anId, consensusSignerOf, testChainId, testGenesis } from './chain.ts';
import { aBatch, aBuildRequest, aFetcher, aManualClock, aNumberedTransaction } from './nodeParts.ts';

/** What was put into a home; the questions that are asked of it afterwards. */
export interface Contents {
  readonly height: number;
  readonly txIds: readonly Digest[];
  readonly blockDigests: readonly Digest[];
  readonly batchDigests: readonly Digest[];
  readonly subjects: readonly Id[];
  readonly recordKeys: readonly string[];
  readonly pagePaths: readonly string[];
  readonly seenKeys: readonly string[];
  readonly documents: readonly { readonly rxId: Id; readonly blobHash: Digest }[];
}

const hospital = 'hospital' as MemberName;
const transactionsPerBlock = 4;
export const dataOwner: PublicKey = consensusSignerOf('clinic').publicKey;

/** A home at height `blockCount`, opened and closed several times on the way so that LevelDB makes tables. Closed in the end. */
export async function fillHome(home: string, blockCount: number): Promise<Contents> {
  await createStores(home, testGenesis, dataOwner);
  const entries: CommitEntry[] = [];
  const documents: { readonly rxId: Id; readonly blobHash: Digest }[] = [];
  const parts = [blockCount / 2, blockCount / 2 - 2, 2];
  for (const part of parts) {
    const stores = await openStores(home, testGenesis, dataOwner);
    for (let count = 0; count < part; count += 1)
      entries.push(...(await growBy(stores, entries.at(-1)?.block ?? null)));
    for (let count = 0; count < part; count += 1) {
      const number = documents.length + 1;
      const document = { rxId: anId(number % 3), blobHash: aBlobHash(number) };
      await stores.sealed.put({ ...document, bytes: new Uint8Array(300).fill(number) });
      await stores.sealed.putPrivate(`token/${number}`, new Uint8Array([number]));
      documents.push(document);
    }
    await closeStores(stores);
  }
  return contentsOf(entries, documents);
}

function aBlobHash(number: number): Digest {
  return number.toString(16).padStart(64, 'b') as Digest;
}

function contentsOf(entries: readonly CommitEntry[], documents: Contents['documents']): Contents {
  const writes = entries.map((entry) => entry.writes);
  return {
    height: entries.length,
    txIds: entries.flatMap(({ receipts }) => receipts.map(({ txId }) => txId)),
    blockDigests: entries.map(({ digest }) => digest),
    batchDigests: entries.flatMap(({ block }) => block.batchDigests),
    subjects: entries.flatMap((entry) => entry.subjects.flat()),
    recordKeys: [...new Set(writes.flatMap(({ records }) => [...records.keys()]))],
    pagePaths: [...new Set(writes.flatMap(({ pages }) => [...pages.keys()]))],
    seenKeys: writes.flatMap(({ seen }) => seen.map(({ key }) => key)),
    documents,
  };
}

/** One more block: executed, its batch stored, its votes logged, committed. */
async function growBy(stores: Stores, parent: Block | null): Promise<readonly CommitEntry[]> {
  const pool = new Pool();
  const clock = aManualClock();
  const { ledger } = stores;
  const executor = new Executor({ chainId: testChainId, ledger, pool, clock, blockMsTarget: 100 });
  const height = ledger.head().height + 1;
  const transactions = Array.from({ length: transactionsPerBlock }, (_unused, index) =>
    aNumberedTransaction(transactionsPerBlock * height + index),
  );
  const verified = aBatch({ sequence: height, transactions });
  pool.finalize(hospital, height - 1);
  pool.add(verified, { isOrdered: false });
  await stores.batches.put(verified.batch, true);
  const block = executor.build(aBuildRequest(parent));
  if (block === null) throw new Error('nothing was built');
  const digest = aCommitOf(block.header).digest;
  const [epoch, view] = [block.header.epoch satisfies Epoch, block.header.view satisfies View];
  stores.safety.log.append([ballotEntry({ kind: 'commit', epoch, view, digest })]);
  const committed: CommitEntry[] = [];
  const failures: unknown[] = [];
  const committer = new Committer({
    clock,
    ledger: { head: () => ledger.head(), commit: async (entries) => ledger.commit(entries) },
    executor,
    pool,
    fetcher: aFetcher({}, { pool }).fetcher,
    leaderOf: () => [],
    certificateOf: () => null,
    storeBatches: async (digests) => stores.batches.makeDurable(digests),
    onCommitted: (entries) => committed.push(...entries),
    onFailure: (cause) => failures.push(cause),
  });
  committer.commit({ blocks: [block], extension: null, certificate: aCommitOf(block.header) });
  await committer.idle();
  if (failures.length > 0) throw failures[0];
  return committed;
}

/** All that consensus and JSON-RPC read of the ledger. */
async function readLedger(ledger: LedgerStore, contents: Contents): Promise<unknown> {
  const heights = Array.from({ length: contents.height + 2 }, (_unused, height) => height);
  return {
    head: ledger.head(),
    blocks: heights.map((height) => ledger.blockAt(height)),
    receipts: heights.map((height) => ledger.receiptsAt(height)),
    range: ledger.blocksFrom(1, 100),
    byDigest: contents.blockDigests.map((digest) => ledger.blockByDigest(digest)),
    transactions: contents.txIds.map((txId) => ledger.locate(txId)),
    history: await Promise.all(
      contents.subjects.map(async (id) => ledger.history(id, { limit: 9, after: null })),
    ),
    records: contents.recordKeys.map((key) => ledger.get(key)),
    pages: contents.pagePaths.map((path) => ledger.page(path)),
    seen: contents.seenKeys.map((key) => ledger.seen(key)),
  };
}

/** Opens the ledger of a home and reads it all. */
export async function wholeLedger(home: string, contents: Contents): Promise<unknown> {
  const { ledger: directory, anchor: anchorPath } = layoutOf(home);
  const ledger = await openLedger(directory, { anchorPath, chainId: testChainId });
  try {
    return await readLedger(ledger, contents);
  } finally {
    await ledger.close();
  }
}

export async function wholeBatches(home: string, contents: Contents): Promise<unknown> {
  const batches = await openBatches(layoutOf(home).batches, 'existing');
  try {
    const bytes = contents.batchDigests.map((digest) => batches.get(digest));
    const lane = await batches.lane(hospital, 0, 1_000);
    return { bytes, lane, highest: await batches.highestSequence(hospital) };
  } finally {
    await batches.close();
  }
}

export async function wholeSealed(home: string, { documents }: Contents): Promise<unknown> {
  const sealed = await openSealed(layoutOf(home).sealed, 'existing');
  try {
    const bytes = documents.map(({ blobHash }) => sealed.get(blobHash));
    const secrets = documents.map((_document, index) => sealed.getPrivate(`token/${index + 1}`));
    return {
      bytes,
      secrets,
      lists: await Promise.all(documents.map(async ({ rxId }) => sealed.list(rxId, 100))),
    };
  } finally {
    await sealed.close();
  }
}

/** Every file below a directory, by its path in it. */
export function filesBelow(directory: string): ReadonlyMap<string, Buffer> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [relative(directory, path), readFileSync(path)];
    }),
  );
}
