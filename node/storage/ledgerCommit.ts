/** From a finality to the rows that it writes: all blocks of it in one list, so that they become durable together or not at all. */
import { headerDigest, type Block, type Header } from '../../protocol/block.ts';
import type { Digest, Height, Id, Timestamp } from '../../protocol/brand.ts';
import type { Certificate } from '../../protocol/certificate.ts';
import { invariant, present } from '../../protocol/invariant.ts';
import { blockTransactionsMax } from '../../protocol/limits.ts';
import type { Receipt } from '../../protocol/receipt.ts';
import type { StateWrites } from '../../protocol/state.ts';
import type { RowWrite } from './database.ts';
import {
  blockKey,
  chainKey,
  closingKey,
  headKey,
  heightKey,
  historyKey,
  pageKey,
  recordKey,
  transactionKey,
} from './keyspace.ts';
import {
  encodeBlockRow,
  encodeGenesisPoint,
  encodeHead,
  encodeHeight,
  encodeLocation,
  type GenesisPoint,
} from './ledgerRows.ts';
import { seenWrites } from './seenIds.ts';

export interface LedgerHead {
  readonly height: Height;
  /** Digest of the newest block; the chain id at height 0. */
  readonly digest: Digest;
  /** Block time; the time of the genesis at height 0. */
  readonly timeMs: Timestamp;
  readonly stateRoot: Digest;
  /** Null at height 0. */
  readonly block: Block | null;
  /** CC of the newest block or of its extension; null at height 0. */
  readonly certificate: Certificate | null;
}

/** One block of a finality, executed. `receiptBytes`, `receipts`, `subjects` and `locations` run in parallel. */
export interface CommitEntry {
  readonly block: Block;
  readonly digest: Digest;
  /** Null where a later block of the same finality carries the CC. */
  readonly certificate: Certificate | null;
  /** Whose CC that is, if a closing block became final by an extension. */
  readonly extension: Header | null;
  readonly receiptBytes: readonly Uint8Array[];
  readonly receipts: readonly Receipt[];
  readonly writes: StateWrites;
  /** Ids whose history each transaction belongs to. */
  readonly subjects: readonly (readonly Id[])[];
  readonly locations: readonly { readonly batchDigest: Digest; readonly position: number }[];
}

export interface GenesisData extends GenesisPoint {
  readonly writes: StateWrites;
}

const nothing = new Uint8Array(0);

export function genesisWrites(genesis: GenesisData): readonly RowWrite[] {
  return [
    ...stateWrites([genesis.writes]),
    ...seenWrites(genesis.writes.seen, 0 as Height),
    { key: chainKey, value: encodeGenesisPoint(genesis) },
    { key: headKey, value: encodeHead(0 as Height, genesis.chainId) },
  ];
}

/** Rows of a finality on top of `head`. */
export function commitWrites(head: LedgerHead, entries: readonly CommitEntry[]): readonly RowWrite[] {
  const last = present(entries.at(-1), 'a finality has a block');
  invariant(last.certificate !== null, 'the last block of a finality carries its certificate');
  assertChained(head, entries);
  const { height } = last.block.header;
  return [
    ...entries.flatMap((entry) => entryWrites(entry)),
    ...stateWrites(entries.map((entry) => entry.writes)),
    { key: headKey, value: encodeHead(height, last.digest) },
  ];
}

/** The head after `commitWrites`. */
export function headAfter(entries: readonly CommitEntry[]): LedgerHead {
  const { block, digest, certificate } = present(entries.at(-1), 'a finality has a block');
  const { height, timeMs, stateRoot } = block.header;
  return { height, digest, timeMs, stateRoot, block, certificate };
}

function assertChained(head: LedgerHead, entries: readonly CommitEntry[]): void {
  let { height, digest, timeMs } = head;
  for (const entry of entries) {
    const { header } = entry.block;
    invariant(header.height === height + 1, 'heights of a finality are contiguous');
    invariant(header.parentDigest === digest, 'blocks of a finality are linked by digest');
    invariant(header.timeMs > timeMs, 'block time rises');
    ({ height, timeMs } = header);
    ({ digest } = entry);
  }
}

function entryWrites(entry: CommitEntry): readonly RowWrite[] {
  const { block, digest, certificate, extension, receiptBytes, receipts, subjects, locations, writes } =
    entry;
  const { height } = block.header;
  invariant(receipts.length <= blockTransactionsMax, 'receipts of a block are bounded');
  invariant(receipts.length === receiptBytes.length, 'each receipt has its bytes');
  invariant(receipts.length === subjects.length, 'each receipt has its subjects');
  invariant(receipts.length === locations.length, 'each receipt has its location');
  const rows: RowWrite[] = [
    { key: blockKey(height), value: encodeBlockRow({ block, digest, certificate, extension }, receiptBytes) },
    { key: heightKey(digest), value: encodeHeight(height) },
  ];
  if (block.header.nextVoterSet !== null)
    rows.push({ key: closingKey(block.header.epoch), value: encodeHeight(height) });
  if (extension !== null) {
    invariant(extension.extensionOf === digest, 'an extension stands beside its closing block');
    rows.push({ key: heightKey(headerDigest(extension)), value: encodeHeight(height) });
  }
  for (const [index, receipt] of receipts.entries()) {
    invariant(receipt.height === height, 'a receipt names its block');
    invariant(receipt.index === index, 'a receipt names its position');
    const { batchDigest, position } = present(locations[index], 'each receipt has its location');
    const value = encodeLocation({ height, index, batchDigest, position });
    rows.push({ key: transactionKey(receipt.txId), value });
    for (const subject of subjects[index] ?? []) {
      rows.push({ key: historyKey(subject, height, index), value: nothing });
    }
  }
  return [...rows, ...seenWrites(writes.seen, height)];
}

/** The newest of each record and page: what a later block of the finality overwrites is never written. */
export function stateWrites(writes: readonly StateWrites[]): readonly RowWrite[] {
  const rows = new Map<string, Uint8Array | null>();
  for (const { records, pages } of writes) {
    for (const [key, value] of records) rows.set(recordKey(key), value);
    for (const [path, value] of pages) rows.set(pageKey(path), value);
  }
  return [...rows].map(([key, value]) => ({ key, value }));
}
