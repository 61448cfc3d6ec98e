/** Parts of a node for unit tests: a clock that the test turns by hand, and ports that live in memory. */
import type { Clock } from '../../node/clock.ts';
import { ed25519 } from '../../node/ed25519.ts';
import { Executor, type BuildRequest, type LedgerBase, type LedgerTip } from '../../node/executor.ts';
import { Fetcher } from '../../node/fetcher.ts';
import { Gate, type GateOptions, type VerifiedBatch } from '../../node/gate.ts';
import { Pool } from '../../node/pool.ts';
import type { Log } from '../../node/ports.ts';
import type { CommitEntry } from '../../node/storage/ledgerCommit.ts';
import { sealBatch, type Batch } from '../../protocol/batch.ts';
import { headerDigest, type Block } from '../../protocol/block.ts';
import type {
  Digest,
  Epoch,
  Height,
  MemberName,
  Sequence,
  Verified,
  View,
  VoterIndex,
} from '../../protocol/brand.ts';
import { genesisState } from '../../protocol/genesisBlock.ts';
import { voterSetHash } from '../../protocol/member.ts';
import type { Signer } from '../../protocol/signature.ts';
import { emptyState, overlay, type StateView, type StateWrites } from '../../protocol/state.ts';
import { decodeRequest, encodeAnswer, type SyncAnswer, type SyncRequest } from '../../protocol/sync.ts';
import type { Transaction } from '../../protocol/transaction.ts';
import {
  aTransaction,
  aRegistration,
  anId,
  consensusSignerOf,
  noon,
  testChainId,
  testGenesis,
  testVoters,
  valueOf,
} from './chain.ts';

/** It is noon until the test says otherwise; nothing runs by itself. */
export interface ManualClock extends Clock {
  /** Turns both clocks; what falls due runs in the order of its time. `advance(0)` runs what was only put behind the rest. */
  readonly advance: (ms: number) => void;
  /** Sets the wall clock alone ahead (or back), as an operator would. */
  readonly jumpWall: (ms: number) => void;
  /** How many actions wait. */
  readonly waiting: () => number;
}

export function aManualClock(): ManualClock {
  let nowMs = 0;
  let wallMs: number = noon;
  let order = 0;
  const waiting = new Map<number, { readonly dueMs: number; readonly action: () => void }>();
  const after = (delayMs: number, action: () => void): (() => void) => {
    order += 1;
    const own = order;
    waiting.set(own, { dueMs: nowMs + delayMs, action });
    return () => void waiting.delete(own);
  };
  const runNext = (untilMs: number): boolean => {
    const [next] = [...waiting].toSorted(([a, x], [b, y]) => x.dueMs - y.dueMs || a - b);
    if (next === undefined || next[1].dueMs > untilMs) return false;
    waiting.delete(next[0]);
    wallMs += Math.max(0, next[1].dueMs - nowMs);
    nowMs = Math.max(nowMs, next[1].dueMs);
    next[1].action();
    return true;
  };
  return {
    wallMs: () => wallMs,
    monotonicMs: () => nowMs,
    after,
    soon: (action) => void after(0, action),
    advance: (ms) => {
      const untilMs = nowMs + ms;
      while (runNext(untilMs));
      wallMs += untilMs - nowMs;
      nowMs = untilMs;
    },
    jumpWall: (ms) => {
      wallMs += ms;
    },
    waiting: () => waiting.size,
  };
}

/** Lets every promise that can go on go on. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A log that remembers its warnings and errors. */
export interface MemoryLog extends Log {
  readonly warnings: string[];
}

export function aLog(): MemoryLog {
  const warnings: string[] = [];
  const warn = (_fields: object, message: string): void => void warnings.push(message);
  return { warnings, debug: () => undefined, info: () => undefined, warn, error: warn };
}

export function aName(name: string): MemberName {
  return name as MemberName;
}

/** Registration of practitioner `number`: every one of them is committed. */
export function aNumberedTransaction(number: number): Verified<Transaction> {
  return aTransaction({ id: anId(number), action: aRegistration(number) });
}

/** Bytes that nobody looks into, for parts that only count them. */
export function anOpaqueTransaction(number: number, size = 64): Verified<Transaction> {
  const txId = number.toString(16).padStart(64, '0') as Digest;
  const envelopeBytes = new Uint8Array(size).fill(number);
  return { txId, notAfter: noon + 60_000, envelopeBytes, signatures: [] } as unknown as Verified<Transaction>;
}

interface BatchInput {
  readonly member?: string;
  readonly sequence?: number;
  readonly transactions?: readonly Verified<Transaction>[];
  readonly chainId?: Digest;
  /** The member's consensus key unless given. */
  readonly signer?: Signer;
}

/** A sealed batch; by default the hospital's first, with one registration. */
export function aBatch(input: BatchInput = {}): VerifiedBatch {
  const { member = 'hospital', sequence = 1, chainId = testChainId } = input;
  const transactions = input.transactions ?? [aNumberedTransaction(sequence)];
  const envelopes = transactions.map((transaction) => transaction.envelopeBytes);
  const order = { chainId, member: aName(member), sequence: sequence as Sequence, envelopes };
  const signer = input.signer ?? consensusSignerOf(member);
  return { batch: sealBatch(order, signer) as Verified<Batch>, transactions };
}

export function aGate(overrides: Partial<GateOptions> = {}): Gate {
  return new Gate({
    chainId: testChainId,
    batchKeysOf: (name) =>
      testGenesis.members.flatMap((member) => (member.name === name ? [member.consensusKey] : [])),
    heldBatch: () => null,
    isKnown: () => false,
    isVoteNew: () => true,
    isCertificateNew: () => true,
    scheme: ed25519,
    verifyMany: async (items) =>
      items.map(({ message, signature, key }) => ed25519.verify(message, signature, key)),
    ...overrides,
    get voters() {
      return overrides.voters ?? testVoters;
    },
  });
}

/** The ledger after genesis; what is committed is read from then on. */
export interface MemoryLedger extends LedgerBase {
  readonly commits: (readonly CommitEntry[])[];
  readonly commit: (entries: readonly CommitEntry[]) => Promise<void>;
}

/** `records` are in the state besides those of genesis, as if a block had written them. */
export function aLedger(records: StateWrites['records'] = new Map()): MemoryLedger {
  const genesis = overlay(emptyState, genesisState(testGenesis).writes);
  let view: StateView = overlay(genesis, { records, pages: new Map(), seen: [] });
  let tip: LedgerTip = { height: 0 as Height, digest: testChainId, timeMs: noon };
  const commits: (readonly CommitEntry[])[] = [];
  return {
    commits,
    head: () => tip,
    get: (key) => view.get(key),
    page: (path) => view.page(path),
    seen: (key) => view.seen(key),
    commit: async (entries) => {
      commits.push(entries);
      for (const { block, digest, writes } of entries) {
        view = overlay(view, writes);
        tip = { height: block.header.height, digest, timeMs: block.header.timeMs };
      }
    },
  };
}

export interface Chain {
  readonly clock: ManualClock;
  readonly ledger: MemoryLedger;
  readonly pool: Pool;
  readonly executor: Executor;
}

/** An executor at genesis with a pool that holds these batches. */
export function aChain(
  batches: readonly VerifiedBatch[] = [],
  blockMsTarget = 125,
  ledger: MemoryLedger = aLedger(),
): Chain {
  const clock = aManualClock();
  const pool = new Pool();
  for (const batch of batches) pool.add(batch, { isOrdered: false });
  const executor = new Executor({ chainId: testChainId, ledger, pool, clock, blockMsTarget });
  return { clock, ledger, pool, executor };
}

/** The order to build on genesis, or on a block in the next view, 100 ms later. */
export function aBuildRequest(parent: Block | null, overrides: Partial<BuildRequest> = {}): BuildRequest {
  const view = ((parent?.header.view ?? 0) + 1) as View;
  return {
    epoch: 1 as Epoch,
    view,
    parent: {
      digest: parent === null ? testChainId : headerDigest(parent.header),
      view: (view - 1) as View,
      height: (parent?.header.height ?? 0) as Height,
    },
    proposer: (view % 4) as VoterIndex,
    voterSetHash: voterSetHash(testVoters),
    nowMs: noon + 100 * view,
    isEmpty: false,
    extensionOf: null,
    ...overrides,
  };
}

/** Blocks 1, 2, ... of a chain: each with the next batch of the hospital's lane, one registration in each. */
export function someBlocks(count: number): {
  readonly blocks: readonly Block[];
  readonly batches: readonly VerifiedBatch[];
} {
  const { executor, pool } = aChain();
  const batches = Array.from({ length: count }, (_, index) => aBatch({ sequence: index + 1 }));
  const blocks: Block[] = [];
  for (const batch of batches) {
    pool.add(batch, { isOrdered: false });
    const block = executor.build(aBuildRequest(blocks.at(-1) ?? null));
    if (block === null) throw new Error('nothing was built');
    blocks.push(block);
  }
  return { blocks, batches };
}

/** What a member answers; an error stands for a broken connection. */
export type Answerer = (request: SyncRequest) => SyncAnswer | Error | Promise<SyncAnswer>;

export interface MemoryPeers {
  readonly fetcher: Fetcher;
  /** "member kind" of every request, in order. */
  readonly asked: string[];
  readonly requests: SyncRequest[];
  readonly arrived: VerifiedBatch[];
  readonly log: MemoryLog;
}

/** A fetcher among members that answer as told. */
export function aFetcher(
  peers: Readonly<Record<string, Answerer>>,
  { pool = new Pool(), gate = aGate() }: { readonly pool?: Pool; readonly gate?: Gate } = {},
): MemoryPeers {
  const asked: string[] = [];
  const requests: SyncRequest[] = [];
  const arrived: VerifiedBatch[] = [];
  const log = aLog();
  const fetcher = new Fetcher({
    gate,
    pool,
    log,
    peers: () => Object.keys(peers).map(aName),
    request: async (to, bytes) => {
      const request = valueOf(decodeRequest(bytes));
      asked.push(`${to} ${request.kind}`);
      requests.push(request);
      const answer = await (peers[to]?.(request) ?? new Error('not connected'));
      if (answer instanceof Error) throw answer;
      return encodeAnswer(answer);
    },
    onBatch: (batch) => void arrived.push(batch),
  });
  return { fetcher, asked, requests, arrived, log };
}

/** Answers requests for batches with those of these that were asked for. */
export function holderOf(...batches: readonly VerifiedBatch[]): Answerer {
  return (request) => {
    if (request.kind !== 'batches') return { kind: 'batches', batches: [] };
    const held = new Map(batches.map(({ batch }) => [batch.digest, batch.bytes]));
    return { kind: 'batches', batches: request.digests.flatMap((digest) => held.get(digest) ?? []) };
  };
}
