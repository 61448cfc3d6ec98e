/**
 * Executes blocks that are not final yet: each one an overlay on its parent's state. At finality the overlay's writes go to the
 * database as they are; nothing is executed twice, and a leader's own block is not executed again to be validated.
 */
import { batchesRoot, headerDigest, ledgerParent, type Block, type Header } from '../protocol/block.ts';
import type {
  Digest,
  Epoch,
  Height,
  MemberName,
  PublicKey,
  Timestamp,
  View,
  VoterIndex,
} from '../protocol/brand.ts';
import {
  blockLimits,
  checkLanes,
  chooseBatches,
  isLaneOpen,
  laneCursor,
  type OfferedBatch,
} from '../protocol/lane.ts';
import { executeBlock, type BlockContext, type Execution, type LaneBatch } from '../protocol/ledger.ts';
import { batchTransactionsMax, blockBatchesMax } from '../protocol/limits.ts';
import { voterSetHash, type VoterSet } from '../protocol/member.ts';
import { memberRecordKey } from '../protocol/membership.ts';
import { accepted, refused, type Result } from '../protocol/result.ts';
import { batchKeysOf } from '../protocol/standing.ts';
import type { SeenId, StateView } from '../protocol/state.ts';
import { pendingVoterSet } from '../protocol/voterSet.ts';
import type { Clock } from './clock.ts';
import { extensionExecution, extensionFault } from './extension.ts';
import type { VerifiedBatch } from './gate.ts';
import type { Pool } from './pool.ts';

/** How many executed, unfinalized blocks are kept; older ones are executed again if they are still needed. */
const executedMax = 1_024;

/** The part of the ledger store that execution stands on. */
export interface LedgerBase extends StateView {
  readonly head: () => LedgerTip;
}

export interface LedgerTip {
  readonly height: Height;
  /** The chain id at height 0. */
  readonly digest: Digest;
  readonly timeMs: Timestamp;
}

interface ExecutedTip {
  readonly height: Height;
  readonly timeMs: Timestamp;
  readonly view: StateView;
}

export interface ExecutedBlock {
  readonly block: Block;
  readonly digest: Digest;
  readonly execution: Execution;
  readonly batches: readonly VerifiedBatch[];
}

/** With its seen ids by key, for the blocks on top of it. */
interface KeptBlock extends ExecutedBlock {
  readonly seen: ReadonlyMap<string, SeenId>;
}

export interface BuildRequest {
  readonly epoch: Epoch;
  readonly view: View;
  readonly parent: { readonly digest: Digest; readonly view: View; readonly height: Height };
  readonly proposer: VoterIndex;
  readonly voterSetHash: Digest;
  readonly nowMs: number;
  readonly isEmpty: boolean;
  /** The closing block to extend, or null for an ordinary block. */
  readonly extensionOf: Digest | null;
}

/** First guess of one transaction's execution, before anything was measured. */
const transactionMsFirst = 0.3;
/** Blocks with fewer transactions say more of the fixed cost than of a transaction's. */
const measuredTransactionsMin = 20;
/** The largest batch must fit, or its lane would wait for ever. */
const transactionsPerBlockMin = batchTransactionsMax;
/** Weight of the newest block in the mean. */
const newestShare = 0.2;

export interface ExecutorPorts {
  readonly chainId: Digest;
  readonly ledger: LedgerBase;
  readonly pool: Pool;
  readonly clock: Clock;
  /** How long the execution of one of our own blocks should take at most: every voter must do it again within the view. */
  readonly blockMsTarget: number;
}

export class Executor {
  readonly #chainId: Digest;
  readonly #ledger: LedgerBase;
  readonly #pool: Pool;
  readonly #clock: Clock;
  readonly #blockMsTarget: number;
  readonly #executed = new Map<Digest, KeptBlock>();
  #transactionMs = transactionMsFirst;

  constructor({ chainId, ledger, pool, clock, blockMsTarget }: ExecutorPorts) {
    this.#chainId = chainId;
    this.#ledger = ledger;
    this.#pool = pool;
    this.#clock = clock;
    this.#blockMsTarget = blockMsTarget;
  }

  get(digest: Digest): ExecutedBlock | null {
    return this.#executed.get(digest) ?? null;
  }

  /** Height, time and state after a block: the ledger's head, or an executed block whose ancestry reaches it; null otherwise. */
  tip(digest: Digest): ExecutedTip | null {
    const chain: KeptBlock[] = [];
    const head = this.#ledger.head();
    let cursor = digest;
    while (cursor !== head.digest) {
      const executed = this.#executed.get(cursor);
      if (executed === undefined) return null;
      chain.push(executed);
      cursor = ledgerParent(executed.block.header);
    }
    const newest = chain[0];
    if (newest === undefined) return { height: head.height, timeMs: head.timeMs, view: this.#ledger };
    const { height, timeMs } = newest.block.header;
    return { height, timeMs, view: this.#layered(chain) };
  }

  /**
   * Keys that a member's batches are good under: in the ledger, and after each block that is executed here and not final. Where finality
   * comes late, or to one who catches up, many blocks are written at once, and the first may admit the author of a batch in the last.
   */
  batchKeysOf(name: MemberName): readonly PublicKey[] {
    const recordKey = memberRecordKey(name);
    const changing = [...this.#executed.values()].filter(({ execution }) =>
      execution.writes.records.has(recordKey),
    );
    const views = [this.#ledger, ...changing.flatMap(({ digest }) => this.tip(digest)?.view ?? [])];
    return views.flatMap((view) => batchKeysOf(view, name));
  }

  /** A block for our turn; null if the parent was not executed here, or if there is nothing to do and no empty block is asked for. */
  build(request: BuildRequest): Block | null {
    const tip = this.tip(request.parent.digest);
    if (tip === null) return null;
    if (request.extensionOf !== null) return this.#extend(request, request.extensionOf, tip);
    const batches = request.isEmpty ? [] : this.#choose(tip.view, request.parent.digest);
    const isClosing = pendingVoterSet(tip.view) !== null;
    if (batches.length === 0 && !request.isEmpty && !isClosing) return null;
    const timeMs = timeAfter(tip, request.nowMs);
    const height = (request.parent.height + 1) as Height;
    const context = { chainId: this.#chainId, height, timeMs, parentDigest: request.parent.digest };
    const execution = this.#run(tip.view, context, batches);
    return this.#sealed(request, { height, timeMs, execution, batches });
  }

  /** V3: at the height of the closing block, with its state, above the newest extension in time. */
  #extend(request: BuildRequest, extensionOf: Digest, tip: ExecutedTip): Block | null {
    const closing = this.#executed.get(extensionOf)?.block.header;
    if (closing === undefined) return null;
    const timeMs = timeAfter(tip, request.nowMs);
    const execution = extensionExecution(closing);
    return this.#sealed(request, { height: closing.height, timeMs, execution, batches: [] });
  }

  /** The header over what was executed, for the block of our turn. */
  #sealed(
    request: BuildRequest,
    content: Pick<Header, 'height' | 'timeMs'> & Pick<ExecutedBlock, 'execution' | 'batches'>,
  ): Block {
    const { height, timeMs, execution, batches } = content;
    const batchDigests = batches.map(({ batch }) => batch.digest);
    const header: Header = {
      chainId: this.#chainId,
      epoch: request.epoch,
      view: request.view,
      height,
      parentDigest: request.parent.digest,
      parentView: request.parent.view,
      timeMs,
      batchesRoot: batchesRoot(batchDigests),
      receiptsRoot: execution.receiptsRoot,
      stateRoot: execution.stateRoot,
      voterSetHash: request.voterSetHash,
      nextVoterSet: execution.nextVoterSet,
      extensionOf: request.extensionOf,
      proposer: request.proposer,
    };
    const block = { header, batchDigests };
    this.#keep({ block, digest: headerDigest(header), execution, batches });
    return block;
  }

  /**
   * Executes a block on its parent's state and compares the roots. `digest` is its header's. Refusals: `batchUnknown` (a batch or
   * the parent is not here yet), `batchInvalid` (lanes), `headerInvalid` (roots, next voters, height, time not above the parent's).
   */
  execute(block: Block, digest: Digest): Result<ExecutedBlock> {
    const known = this.#executed.get(digest);
    if (known !== undefined) return accepted(known);
    const { header } = block;
    if (header.extensionOf !== null) return this.#executeExtension(block, digest, header.extensionOf);
    const tip = this.tip(header.parentDigest);
    if (tip === null) return refused('batchUnknown', 'parent');
    const batches: VerifiedBatch[] = [];
    for (const batchDigest of block.batchDigests) {
      const batch = this.#pool.get(batchDigest);
      if (batch === null) return refused('batchUnknown');
      batches.push(batch);
    }
    if (header.height !== tip.height + 1) return refused('headerInvalid', 'height');
    if (header.timeMs <= tip.timeMs) return refused('headerInvalid', 'timeMs');
    if (header.chainId !== this.#chainId) return refused('wrongChain');
    if (header.batchesRoot !== batchesRoot(block.batchDigests))
      return refused('headerInvalid', 'batchesRoot');
    const lanes = checkLanes(tip.view, batches.map(laneBatch), header.parentDigest);
    if (!lanes.ok) return lanes;
    const context: BlockContext = {
      chainId: this.#chainId,
      height: header.height,
      timeMs: header.timeMs,
      parentDigest: header.parentDigest,
    };
    const execution = this.#run(tip.view, context, batches);
    if (execution.receiptsRoot !== header.receiptsRoot) return refused('headerInvalid', 'receiptsRoot');
    if (execution.stateRoot !== header.stateRoot) return refused('headerInvalid', 'stateRoot');
    if (!isSameSet(execution.nextVoterSet, header.nextVoterSet))
      return refused('headerInvalid', 'nextVoterSet');
    const executed = { block, digest, execution, batches };
    this.#keep(executed);
    return accepted(executed);
  }

  #executeExtension(block: Block, digest: Digest, extensionOf: Digest): Result<ExecutedBlock> {
    const closing = this.#executed.get(extensionOf)?.block.header;
    if (closing === undefined || this.tip(extensionOf) === null) return refused('batchUnknown', 'parent');
    if (block.header.chainId !== this.#chainId) return refused('wrongChain');
    if (block.batchDigests.length > 0) return refused('headerInvalid', 'batchesRoot');
    const fault = extensionFault(block.header, closing);
    if (fault !== null) return refused('headerInvalid', fault);
    const executed = { block, digest, execution: extensionExecution(closing), batches: [] };
    this.#keep(executed);
    return accepted(executed);
  }

  /** True iff a held batch is not in the chain up to this block, or its state holds voters that wait for a closing block. */
  hasWorkAfter(digest: Digest): boolean {
    const view = this.tip(digest)?.view ?? this.#ledger;
    if (pendingVoterSet(view) !== null) return true;
    return this.#pool
      .members()
      .filter((member) => isLaneOpen(view, member))
      .some((member) => this.#pool.run(member, laneCursor(view, member), 1).length > 0);
  }

  /** After the ledger has written blocks up to `height`: they and everything abandoned beside them are forgotten. */
  finalize(height: Height): void {
    for (const [digest, executed] of this.#executed) {
      if (executed.block.header.height <= height) this.#executed.delete(digest);
    }
  }

  /** What this machine can execute in time; a leader may propose less than the limit, never more. */
  #transactionsMax(): number {
    const count = Math.floor(this.#blockMsTarget / this.#transactionMs);
    return Math.min(blockLimits.transactionsMax, Math.max(transactionsPerBlockMin, count));
  }

  #run(view: StateView, context: BlockContext, batches: readonly VerifiedBatch[]): Execution {
    const startMs = this.#clock.monotonicMs();
    const execution = executeBlock(view, context, batches.map(laneBatch));
    const count = execution.receipts.length;
    if (count >= measuredTransactionsMin) {
      const newestMs = (this.#clock.monotonicMs() - startMs) / count;
      this.#transactionMs += newestShare * (newestMs - this.#transactionMs);
    }
    return execution;
  }

  #keep(executed: ExecutedBlock): void {
    if (this.#executed.size >= executedMax) {
      const oldest = this.#executed.keys().next();
      if (oldest.done !== true) this.#executed.delete(oldest.value);
    }
    const seen = new Map(executed.execution.writes.seen.map((row) => [row.key, row]));
    this.#executed.set(executed.digest, { ...executed, seen });
  }

  #choose(view: StateView, parentDigest: Digest): readonly VerifiedBatch[] {
    const open = this.#pool.members().filter((member) => isLaneOpen(view, member));
    const lanes = open.map((member) => {
      const cursor = laneCursor(view, member);
      return { member, cursor, batches: this.#pool.run(member, cursor, blockBatchesMax).map(offered) };
    });
    const limits = { ...blockLimits, transactionsMax: this.#transactionsMax() };
    return chooseBatches({ lanes, parentDigest, limits }).map(({ verified }) => verified);
  }

  /** Newest first; ends at the ledger's head. Reading stays right when the ledger moves up along this very chain. */
  #layered(chain: readonly KeptBlock[]): StateView {
    const layers = chain.map(({ execution }) => execution.writes);
    return {
      get: (key) => {
        for (const writes of layers) {
          const record = writes.records.get(key);
          if (record !== undefined) return record;
        }
        return this.#ledger.get(key);
      },
      page: (path) => {
        for (const writes of layers) {
          const page = writes.pages.get(path);
          if (page !== undefined) return page;
        }
        return this.#ledger.page(path);
      },
      seen: (key) => {
        for (const { seen } of chain) {
          const row = seen.get(key);
          if (row !== undefined) return row;
        }
        return this.#ledger.seen(key);
      },
    };
  }
}

/** The leader's clock, but above the parent in time. */
function timeAfter(tip: ExecutedTip, nowMs: number): Timestamp {
  return Math.max(Math.floor(nowMs), tip.timeMs + 1) as Timestamp;
}

function isSameSet(a: VoterSet | null, b: VoterSet | null): boolean {
  if (a === null || b === null) return a === b;
  return voterSetHash(a) === voterSetHash(b);
}

function laneBatch({ batch, transactions }: VerifiedBatch): LaneBatch {
  return { member: batch.member, sequence: batch.sequence, transactions };
}

interface OfferedVerified extends OfferedBatch {
  readonly verified: VerifiedBatch;
}

function offered(verified: VerifiedBatch): OfferedVerified {
  const { member, sequence } = verified.batch;
  return { member, sequence, transactionCount: verified.transactions.length, verified };
}
