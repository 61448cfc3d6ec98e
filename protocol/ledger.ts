/**
 * The ledger: what a block does to the state. Pure, so that the proposer and every voter compute the same receipts and the
 * same roots; the rules are numbered in README.md, "Execution".
 */
import { signerRefusals } from './authorisation.ts';
import type { Digest, Height, Id, MemberName, Sequence, Timestamp, Verified } from './brand.ts';
import { compareText, uint64Bytes, uint64FromBytes } from './bytes.ts';
import { encodeIdRow, idChainKey, idHourOf, linkIds, takenIdKey } from './executedId.ts';
import { invariant, present } from './invariant.ts';
import { laneCursor, laneKey } from './lane.ts';
import { notAfterAheadMsMaxInBlock } from './limits.ts';
import type { VoterSet } from './member.ts';
import { policyTakingEffect, readPolicy } from './policy.ts';
import { encodeReceipt, receiptsRoot, type Receipt } from './receipt.ts';
import type { RecordReader } from './record.ts';
import type { RefusalCode } from './refusal.ts';
import type { SeenId, StateView, StateWrites } from './state.ts';
import { stateValueHash } from './statePage.ts';
import { updateTree } from './stateTree.ts';
import type { Transaction } from './transaction.ts';
import { applyTransaction } from './transition.ts';
import { closingWrites, pendingVoterSet } from './voterSet.ts';

export interface BlockContext {
  readonly chainId: Digest;
  readonly height: Height;
  readonly timeMs: Timestamp;
  readonly parentDigest: Digest;
}

export interface LaneBatch {
  readonly member: MemberName;
  readonly sequence: Sequence;
  readonly transactions: readonly Verified<Transaction>[];
}

/** Where a transaction stands among the batches of its block; both count from 0. */
interface Origin {
  readonly batch: number;
  readonly position: number;
}

/** The lists run in parallel: one entry for each receipt. */
export interface Execution {
  readonly receipts: readonly Receipt[];
  readonly receiptBytes: readonly Uint8Array[];
  readonly receiptsRoot: Digest;
  /** Root of the state after the block. */
  readonly stateRoot: Digest;
  readonly writes: StateWrites;
  /** The set that this block puts in force, which its header must name: it closes the epoch. Null for all other blocks. */
  readonly nextVoterSet: VoterSet | null;
  /** What each transaction was about, for the host's index: prescriptions, parcels, claims, statements. */
  readonly subjects: readonly (readonly Id[])[];
  readonly origins: readonly Origin[];
}

/** The block in the making: every later transaction sees what the earlier ones wrote. */
interface Work {
  readonly view: StateView;
  readonly block: BlockContext;
  readonly records: Map<string, Uint8Array | null>;
  /** What was read from the view already: policy, members and doctors come up again and again. */
  readonly reads: Map<string, Uint8Array | null>;
  readonly seen: Map<string, SeenId>;
  /** Rows of the id chains by hour, in order of execution. */
  readonly idRows: Map<number, Uint8Array[]>;
  readonly receipts: Receipt[];
  readonly subjects: (readonly Id[])[];
  readonly origins: Origin[];
  /** Of the policy that judges the whole block. */
  policyVersion: number;
}

/** A transaction in the lane of whichever member carries it. */
interface Carried {
  readonly transaction: Verified<Transaction>;
  readonly lane: MemberName;
  readonly origin: Origin;
}

interface Verdict {
  readonly code: RefusalCode | null;
  readonly subjects: readonly Id[];
}

/** The chain of an hour stays for one more hour, then goes; so many at most in one block. */
const idHoursDroppedMax = 4;
const oldestIdHourKey = 'ids-oldest';

/**
 * Executes the batches in their order on the state before the block. The caller has checked the lanes (`checkLanes`) and every
 * signature. The state tree is updated once, over all records that the block changed.
 */
export function executeBlock(view: StateView, block: BlockContext, batches: readonly LaneBatch[]): Execution {
  const work: Work = {
    view,
    block,
    records: new Map(),
    reads: new Map(),
    seen: new Map(),
    idRows: new Map(),
    receipts: [],
    subjects: [],
    origins: [],
    policyVersion: 0,
  };
  const nextVoterSet = pendingVoterSet(view);
  if (nextVoterSet !== null) closeEpoch(work, nextVoterSet);
  beginPolicy(work);
  for (const [index, batch] of batches.entries()) {
    advanceLane(work, batch);
    for (const [position, transaction] of batch.transactions.entries()) {
      execute(work, { transaction, lane: batch.member, origin: { batch: index, position } });
    }
  }
  chainIds(work);
  dropIdHours(work);
  return conclude(work, nextVoterSet);
}

/** E11: before the first transaction, so that one of this very block can already decide upon the epoch after. */
function closeEpoch(work: Work, next: VoterSet): void {
  for (const [key, record] of closingWrites(work.view, next)) work.records.set(key, record);
}

/** E12: one policy judges all of a block. */
function beginPolicy(work: Work): void {
  const state: RecordReader = { get: (key) => read(work, key) };
  for (const [key, record] of policyTakingEffect(state, work.block.height)) work.records.set(key, record);
  work.policyVersion = readPolicy(state).version;
}

function read(work: Work, key: string): Uint8Array | null {
  const written = work.records.get(key);
  if (written !== undefined) return written;
  const known = work.reads.get(key);
  if (known !== undefined) return known;
  const record = work.view.get(key);
  work.reads.set(key, record);
  return record;
}

/** Rows whose time has passed do not count, whether or not this host has pruned them. */
function seenAs(work: Work, key: string): SeenId | null {
  const row = work.seen.get(key) ?? work.view.seen(key);
  return row === null || row.until < work.block.timeMs ? null : row;
}

function advanceLane(work: Work, batch: LaneBatch): void {
  const cursor = laneCursor({ get: (key) => read(work, key) }, batch.member);
  invariant(batch.sequence === cursor + 1, 'a lane has no gap');
  work.records.set(laneKey(batch.member), uint64Bytes(batch.sequence));
}

/** One transaction: passed over without a trace, or executed and answered with a receipt. */
function execute(work: Work, { transaction, lane, origin }: Carried): void {
  const { block } = work;
  const { txId, member, notAfter } = transaction;
  invariant(transaction.chainId === block.chainId, 'the gate lets in only transactions of this chain');
  if (notAfter < block.timeMs || notAfter > block.timeMs + notAfterAheadMsMaxInBlock) return;
  const takenKey = takenIdKey(transaction);
  const taker = seenAs(work, takenKey);
  if (taker?.txId === txId || seenAs(work, txId) !== null) return;
  const isIdReused = taker !== null;
  const verdict: Verdict = isIdReused ? { code: 'idReused', subjects: [] } : apply(work, transaction);
  const isOwnLane = lane === member;
  // The payload of another under signatures of one's own has the other's txId: it must not use that up.
  if (!isOwnLane && verdict.code !== null && signerRefusals.has(verdict.code)) return;
  // Only members themselves take their ids: anybody can put another's name and id in a payload.
  remember(work, { key: isOwnLane && !isIdReused ? takenKey : txId, txId, until: notAfter });
  work.receipts.push({
    txId,
    height: block.height,
    index: work.receipts.length,
    timeMs: block.timeMs,
    outcome: verdict.code === null ? 'committed' : 'refused',
    code: verdict.code,
    policyVersion: work.policyVersion,
  });
  work.subjects.push(verdict.subjects);
  work.origins.push(origin);
}

/** A refused transaction writes nothing. */
function apply(work: Work, transaction: Verified<Transaction>): Verdict {
  const outcome = applyTransaction({ get: (key) => read(work, key) }, transaction, work.block);
  if (!outcome.ok) return { code: outcome.refusal.code, subjects: [] };
  for (const [key, record] of outcome.value.writes) work.records.set(key, record);
  return { code: null, subjects: outcome.value.subjects };
}

function remember(work: Work, seen: SeenId): void {
  work.seen.set(seen.key, seen);
  const hour = idHourOf(seen.until);
  const rows = work.idRows.get(hour) ?? [];
  rows.push(encodeIdRow(seen));
  work.idRows.set(hour, rows);
}

/** The ids that were executed are part of the state root by one record an hour, not by a record an id. */
function chainIds(work: Work): void {
  const hours = [...work.idRows.keys()].toSorted((a, b) => a - b);
  for (const hour of hours) {
    const rows = present(work.idRows.get(hour), 'rows of an hour');
    const key = idChainKey(hour);
    work.records.set(key, linkIds(read(work, key), ...rows));
  }
}

/** Chains of hours that are over are deleted, a few a block; the cursor is kept in the state, so that all delete the same. */
function dropIdHours(work: Work): void {
  const now = idHourOf(work.block.timeMs);
  const record = read(work, oldestIdHourKey);
  const before = record === null ? null : present(uint64FromBytes(record), 'the oldest hour is a number');
  let oldest = before ?? now;
  for (let count = 0; count < idHoursDroppedMax && oldest < now - 1; count += 1) {
    if (read(work, idChainKey(oldest)) !== null) work.records.set(idChainKey(oldest), null);
    oldest += 1;
  }
  if (oldest !== before) work.records.set(oldestIdHourKey, uint64Bytes(oldest));
}

function conclude(work: Work, nextVoterSet: VoterSet | null): Execution {
  const records = new Map([...work.records].toSorted(([a], [b]) => compareText(a, b)));
  const valueHashes = new Map<string, Uint8Array | null>();
  for (const [key, record] of records) valueHashes.set(key, record === null ? null : stateValueHash(record));
  const { root, pages } = updateTree(work.view.page, valueHashes);
  const receiptBytes = work.receipts.map(encodeReceipt);
  invariant(work.origins.length === work.receipts.length, 'an origin for each receipt');
  return {
    receipts: work.receipts,
    receiptBytes,
    receiptsRoot: receiptsRoot(receiptBytes),
    stateRoot: root,
    writes: { records, pages, seen: [...work.seen.values()] },
    nextVoterSet,
    subjects: work.subjects,
    origins: work.origins,
  };
}
