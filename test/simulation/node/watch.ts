/**
 * The invariants of a schedule (CONSENSUS rules §10), checked as things happen: what leaves a machine, what becomes final, what a restart
 * remembers, and how a process ends.
 */
import { quorumSize } from '../../../protocol/certificate.ts';
import { BrokenInvariant } from '../../../protocol/invariant.ts';
import { decodeMessage } from '../../../protocol/message.ts';
import { headerDigest, type Block } from '../../../protocol/block.ts';
import type { Digest } from '../../../protocol/brand.ts';
import type { Receipt } from '../../../protocol/receipt.ts';
import type { Engine } from '../../../node/engine.ts';
import type { Stores } from '../../../node/stores.ts';
import { NodeFailure } from '../../../node/nodeFailure.ts';
import type { ReplicaState } from '../../../consensus/replica.ts';
import type { CommitEntry } from '../../../node/storage/ledgerCommit.ts';
import { StorageFailure } from '../../../node/storage/failure.ts';
import { batchKey } from '../../../node/storage/keyspace.ts';
import { check, checkBounds, startChecks, type Checks } from '../checks.ts';
import { layout } from './cast.ts';
import { die } from './machine.ts';
import type { Machine, Process, World } from './world.ts';

/** What a machine told somebody, and must still know after any crash. */
interface Promised {
  height: number;
  /** The replica as it was when its process died without losing anything, until it is back. */
  stateAtDeath: ReplicaState | null;
}

export class Watch {
  readonly checks: Checks;
  readonly #world: () => World;
  readonly #promised = new Map<Machine, Promised>();
  /** Height at which each transaction was committed. */
  readonly #committed = new Map<Digest, number>();
  #lastRan: Process | null = null;
  proposalCount = 0;
  committedCount = 0;

  constructor(world: () => World, genesis: Digest, voterCount: number) {
    this.#world = world;
    this.checks = startChecks({
      genesis,
      voterCount,
      quorum: quorumSize(voterCount),
      holderCount: (block) => this.#holderCount(block),
    });
  }

  /** A broken rule must end the schedule, not be one more error that the code under test deals with. */
  #claim(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#world().violation ??= error instanceof Error ? error : new Error(String(error));
    }
  }

  /** Damaged disks count as holders: they are among the f that may fail. */
  #holderCount({ batchDigests }: Block): number {
    return this.#world().machines.filter(({ isHonest, isDamaged, hasLostData, disk }) => {
      const batches = disk.database(layout.batches);
      const holds = (digest: Digest): boolean => batches?.has(batchKey(digest)) ?? false;
      return isHonest && (isDamaged || hasLostData || batchDigests.every(holds));
    }).length;
  }

  /** The process that ran before is checked when the next one is about to run, after all that its event led to. */
  beforeEvent(next: Process): void {
    const before = this.#lastRan;
    this.#lastRan = next;
    const engine = before?.machine.isHonest === true && before.isAlive ? before.engine : null;
    if (engine !== null) this.#claim(() => checkBounds(engine.state));
  }

  /** Every call of a port is a place where the machine may die. */
  onPortCall(process: Process): void {
    if (!process.isAlive) return;
    if (process.callsUntilDeath > 1) {
      process.callsUntilDeath -= 1;
      return;
    }
    const world = this.#world();
    if (world.isHealed) return;
    die(world, process, world.random.chance(world.plan.powerLossShare));
  }

  /** What leaves a machine counts as said, whatever code path it took. */
  onFrameSent(process: Process, frame: Uint8Array): void {
    this.#claim(() => this.#noteFrame(process, frame));
  }

  #noteFrame({ machine, engine }: Process, frame: Uint8Array): void {
    const message = decodeMessage(frame);
    if (!message.ok) return;
    const isStopped = machine.isHonest && engine?.isFailed === true;
    check(!isStopped, `${machine.name} speaks of ${message.value.kind} after its disk failed`);
    const { checks } = this;
    if (message.value.kind === 'vote' && message.value.vote.voter === machine.index) {
      checks.onSigned(message.value.vote, machine.isHonest);
    }
    if (message.value.kind === 'proposal') {
      const { block } = message.value.proposal;
      const { proposer, view } = block.header;
      if (proposer !== machine.index) return;
      checks.onBlock(block);
      if (machine.isHonest) this.proposalCount += 1;
      const statement = {
        voter: proposer,
        kind: 'propose',
        view,
        digest: headerDigest(block.header),
      } as const;
      checks.onSigned(statement, machine.isHonest);
    }
  }

  onCommitted({ machine }: Process, entries: readonly CommitEntry[]): void {
    if (machine.isHonest) this.#claim(() => this.#noteCommitted(machine, entries));
  }

  #noteCommitted(machine: Machine, entries: readonly CommitEntry[]): void {
    const world = this.#world();
    for (const { block, digest, receipts } of entries) {
      const { height } = block.header;
      const isFirst = height > this.checks.finalHeightMax();
      this.checks.onBlock(block);
      this.checks.onFinal(block);
      world.trace.note(digest, world.nowMs, machine.index, height);
      for (const { txId, outcome } of isFirst ? receipts : []) {
        if (outcome !== 'committed') continue;
        check(!this.#committed.has(txId), `a transaction was executed twice, at height ${height}`);
        this.#committed.set(txId, height);
        this.committedCount += 1;
      }
      this.#promisedBy(machine).height = height;
    }
  }

  /** No acknowledged transaction is lost: what a node told its application stands in the one chain. */
  onAcknowledged({ machine }: Process, { txId, outcome, height }: Receipt): void {
    if (!machine.isHonest) return;
    this.#claim(() => {
      check(height <= this.checks.finalHeightMax(), 'a receipt of a block that is not final');
      const isIn = outcome !== 'committed' || this.#committed.has(txId);
      check(isIn, `an acknowledged transaction is not in the chain, at height ${height}`);
    });
  }

  /** `isBetweenSteps`: what the replica knows is on the disk. */
  onDeath(process: Process, isBetweenSteps: boolean): void {
    const { machine, engine, stores } = process;
    const isKnown = isBetweenSteps && engine !== null && stores !== null && !engine.isFailed;
    const isWhole = isKnown && engine.state.final.height === stores.ledger.head().height;
    this.#promisedBy(machine).stateAtDeath = isWhole ? engine.state : null;
  }

  /** The safety log is gone: what was promised there is known no more. */
  onSafetyLost(machine: Machine): void {
    this.#promisedBy(machine).stateAtDeath = null;
  }

  onDataLost(machine: Machine): void {
    this.#promisedBy(machine).height = 0;
  }

  /** W4 and W5: nothing that was said or shown is forgotten. */
  onRecovered(process: Process): void {
    const { engine, stores, machine } = process;
    if (!machine.isHonest || engine === null || stores === null) return;
    this.#claim(() => this.#compareWithPromised(machine, engine, stores));
  }

  #compareWithPromised(machine: Machine, engine: Engine, stores: Stores): void {
    const promised = this.#promisedBy(machine);
    const { height } = stores.ledger.head();
    check(height >= promised.height, `${machine.name} lost final blocks: ${height} of ${promised.height}`);
    const before = promised.stateAtDeath;
    promised.stateAtDeath = null;
    if (before !== null && before.final.height === height) checkRemembered(before, engine.state);
  }

  /** Only the world's failures may end a program, and only where the world has failed. */
  onFatal({ machine }: Process, cause: unknown): void {
    const { plan } = this.#world();
    if (!machine.isHonest) return;
    if (machine.isDamaged) return;
    const hasErrors = plan.writeErrorRate > 0 || plan.readErrorRate > 0 || plan.fullRate > 0;
    const isExcused = cause instanceof StorageFailure && hasErrors && cause.code !== 'corrupt';
    if (isExcused) return;
    const isOurs = cause instanceof NodeFailure || cause instanceof BrokenInvariant;
    const text = `${machine.name} stopped: ${isOurs ? '' : 'unexpected '}${textOf(cause)}`;
    this.#world().violation ??= new Error(text, { cause });
  }

  onHandlerFailed(process: Process, cause: unknown): void {
    if (cause instanceof BrokenInvariant) this.onFatal(process, cause);
  }

  #promisedBy(machine: Machine): Promised {
    const known = this.#promised.get(machine) ?? { height: 0, stateAtDeath: null };
    this.#promised.set(machine, known);
    return known;
  }
}

/**
 * W5: what was signed is remembered, and what a signature rests on. Certificates on which none rests may be gone: they share the sync of
 * the next signature.
 */
function checkRemembered(before: ReplicaState, after: ReplicaState): void {
  check(after.view <= before.view, `a restart leads from view ${before.view} to view ${after.view}`);
  if (before.signed.view <= before.final.view) return;
  const isSame = after.signed.view === before.signed.view && after.signed.kind === before.signed.kind;
  check(isSame, 'a restart forgets what was signed');
  check(after.view >= before.signed.view, 'a restart leads below what was signed');
  const isKept = [...before.ownCommits.keys()].every((view) => after.ownCommits.has(view));
  check(isKept, 'a restart forgets a COMMIT');
}

function textOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const text = `${cause.name} ${cause.message}`;
  return cause.cause === undefined || cause.cause === null ? text : `${text} <- ${textOf(cause.cause)}`;
}
