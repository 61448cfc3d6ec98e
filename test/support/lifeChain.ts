/** Lives of one prescription (naiveLives.ts) as a chain: a leader's node that orders them in blocks, and a ledger in memory under any node. */
import { Executor, type LedgerBase } from '../../node/executor.ts';
import type { VerifiedBatch } from '../../node/gate.ts';
import type { PatientKeys } from '../../node/patient.ts';
import { Pool } from '../../node/pool.ts';
import { sealBatch, type Batch } from '../../protocol/batch.ts';
import { headerDigest, type Block } from '../../protocol/block.ts';
import type {
  Epoch,
  Height,
  Id,
  MemberName,
  PublicKey,
  Sequence,
  Signature,
  Timestamp,
  Verified,
  View,
  VoterIndex,
} from '../../protocol/brand.ts';
import { chainIdOf, genesisVoterSet } from '../../protocol/genesis.ts';
import { genesisState } from '../../protocol/genesisBlock.ts';
import { present } from '../../protocol/invariant.ts';
import type { Execution } from '../../protocol/ledger.ts';
import { voterSetHash } from '../../protocol/member.ts';
import type { SeenId } from '../../protocol/state.ts';
import {
  decodeTransaction,
  encodeEnvelope,
  encodePayload,
  type Transaction,
} from '../../protocol/transaction.ts';
import { valueOf } from './chain.ts';
import { at, genesis, hourMs, keyOf, noon, type Act, type World } from './domain.ts';
import { aManualClock } from './nodeParts.ts';

export const lifeChainId: ReturnType<typeof chainIdOf> = chainIdOf(genesis);
const genesisWrites = genesisState(genesis).writes;
const votersHash = voterSetHash(genesisVoterSet(genesis));
const noSignature = '00'.repeat(64) as Signature;
const signer = { publicKey: keyOf('nobody'), sign: () => noSignature };

/** All that a node keeps of the state. */
export interface Tables {
  readonly records: Map<string, Uint8Array>;
  readonly pages: Map<string, Uint8Array>;
  readonly seen: Map<string, SeenId>;
}

export interface LifeNode {
  readonly tables: Tables;
  readonly pool: Pool;
  readonly executor: Executor;
  readonly head: LedgerBase['head'];
  /** The block is final: its writes are the state. */
  readonly commit: (block: Block, execution: Execution) => void;
}

/** After genesis, at noon. */
export function lifeNode(): LifeNode {
  const tables: Tables = { records: new Map(), pages: new Map(), seen: new Map() };
  keep(tables, genesisWrites);
  let tip = { height: 0 as Height, digest: lifeChainId, timeMs: noon };
  const head: LedgerBase['head'] = () => tip;
  const ledger: LedgerBase = {
    head,
    get: (key) => tables.records.get(key) ?? null,
    page: (path) => tables.pages.get(path) ?? null,
    seen: (key) => tables.seen.get(key) ?? null,
  };
  const pool = new Pool();
  const clock = aManualClock();
  const executor = new Executor({ chainId: lifeChainId, ledger, pool, clock, blockMsTarget: 1_000 });
  const commit = (block: Block, { writes }: Execution): void => {
    keep(tables, writes);
    const { height, timeMs } = block.header;
    tip = { height, digest: headerDigest(block.header), timeMs };
    executor.finalize(height);
  };
  return { tables, pool, executor, head, commit };
}

function keep(tables: Tables, { records, pages, seen }: Execution['writes']): void {
  for (const [key, value] of records) put(tables.records, key, value);
  for (const [path, page] of pages) put(tables.pages, path, page);
  for (const row of seen) tables.seen.set(row.key, row);
}

function put(table: Map<string, Uint8Array>, key: string, value: Uint8Array | null): void {
  if (value === null) table.delete(key);
  else table.set(key, value);
}

/** What acts are made upon: the state after the newest block, at the time at which the next one is expected. */
export function worldOf({ tables, head }: LifeNode, timeMs: number): World {
  return { records: tables.records, height: head().height + 1, timeMs: at(timeMs) };
}

/** The patient's own keys in place of those that everybody knows. */
export function keysOfPatient({ owner, fills }: PatientKeys): ReadonlyMap<PublicKey, PublicKey> {
  const redeem = fills.map((fill, k) => [keyOf(`redeem ${k}`), fill.redeemKey] as const);
  return new Map([[keyOf('owner'), owner.publicKey], ...redeem]);
}

/** The transaction as a gate would hand it on, without the time that signatures take. `number` is its id. */
export function transactionOf(
  act: Act,
  context: {
    readonly number: number;
    readonly timeMs: number;
    readonly keys: ReadonlyMap<PublicKey, PublicKey>;
  },
): Verified<Transaction> {
  const { member, action, seals } = act;
  const payload = encodePayload({
    chainId: lifeChainId,
    id: context.number.toString(16).padStart(32, '0') as Id,
    member,
    notAfter: (context.timeMs + hourMs) as Timestamp,
    action,
    seals,
  });
  const signatures = act.keys.map((key) => ({ key: context.keys.get(key) ?? key, sig: noSignature }));
  return valueOf(decodeTransaction(encodeEnvelope(payload, signatures))) as Verified<Transaction>;
}

/** The same payload, and so the same txId, under a signature of somebody else. */
export function signedBy({ payloadBytes }: Transaction, key: PublicKey): Verified<Transaction> {
  const envelope = encodeEnvelope(payloadBytes, [{ key, sig: noSignature }]);
  return valueOf(decodeTransaction(envelope)) as Verified<Transaction>;
}

/** A transaction, and the member that carries it. */
export interface Carried {
  readonly lane: MemberName;
  readonly transaction: Verified<Transaction>;
}

/** One batch for each lane. */
export function batchesOf(node: LifeNode, carried: readonly Carried[]): readonly VerifiedBatch[] {
  const lanes: readonly MemberName[] = [...new Set(carried.map(({ lane }) => lane))];
  return lanes.map((member) => {
    const own = carried.filter(({ lane }) => lane === member).map(({ transaction }) => transaction);
    const envelopes = own.map(({ envelopeBytes }) => envelopeBytes);
    const sequence = (node.pool.highest(member) + 1) as Sequence;
    const batch = sealBatch({ chainId: lifeChainId, member, sequence, envelopes }, signer) as Verified<Batch>;
    return { batch, transactions: own };
  });
}

/** The next block, as the leader builds it when its clock says `nowMs`. */
export function buildNext({ executor, head }: LifeNode, nowMs: number): Block {
  const { height, digest } = head();
  const view = (height + 1) as View;
  const parent = { digest, view: height as number as View, height };
  const block = executor.build({
    epoch: 1 as Epoch,
    view,
    parent,
    nowMs,
    proposer: (view % 4) as VoterIndex,
    voterSetHash: votersHash,
    isEmpty: false,
    extensionOf: null,
  });
  return present(block, 'there are batches');
}
