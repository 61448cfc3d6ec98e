/**
 * The invariants of a schedule (CONSENSUS rules §10), checked as things happen: what leaves a machine, what becomes final, what a restart
 * remembers, and how a process ends.
 */
import { quorumSize } from '../../../protocol/certificate.ts';
import { BrokenInvariant } from '../../../protocol/invariant.ts';
import { decodeMessage } from '../../../protocol/message.ts';
import { headerDigest, type Block } from '../../../protocol/block.ts';
import type { Digest } from '../../../protocol/brand.ts';
import type { Voter } from '../../../protocol/member.ts';
import { readStanding, standingRecordKey } from '../../../protocol/standing.ts';
import type { Receipt } from '../../../protocol/receipt.ts';
import type { Vote } from '../../../protocol/vote.ts';
import type { Engine } from '../../../node/engine.ts';
import type { Stores } from '../../../node/stores.ts';
import { NodeFailure } from '../../../node/nodeFailure.ts';
import type { ReplicaState } from '../../../consensus/replica.ts';
import type { CommitEntry } from '../../../node/storage/ledgerCommit.ts';
import { StorageFailure } from '../../../node/storage/failure.ts';
import { batchKey } from '../../../node/storage/keyspace.ts';
import { check, checkBounds } from '../checks.ts';
import { startEpochChecks, type EpochChecks } from '../epochs.ts';
import { layout, type Cast } from './cast.ts';
import { FinalChain } from './finality.ts';
import { die } from './machine.ts';
import { onEpochBegun } from './wire.ts';
import type { Machine, Process, World } from './world.ts';

/** What a machine told somebody, and must still know after any crash. */
interface Promised {
  height: number;
  /** The replica as it was when its process died without losing anything, until it is back. */
  stateAtDeath: ReplicaState | null;
}

/** What the node logs when it has found evidence against somebody. */
const evidenceFound = 'a member contradicts itself: evidence goes to the ledger';

export class Watch {
  readonly checks: EpochChecks;
  readonly chain: FinalChain;
  readonly #world: () => World;
  readonly #promised = new Map<Machine, Promised>();
  /** Height at which each transaction was committed. */
  readonly #committed = new Map<Digest, number>();
  #lastRan: Process | null = null;
  proposalCount = 0;
  /** Times that somebody found somebody out. */
  evidenceCount = 0;
  committedCount = 0;

  constructor(world: () => World, { genesis, chainId, voters }: Cast) {
    this.#world = world;
    this.chain = new FinalChain(genesis);
    this.checks = startEpochChecks({
      genesis: chainId,
      genesisVoters: voters,
      quorumOf: quorumSize,
      hasForgotten: (index) => world().machines[index]?.hasForgotten === true,
      holderCount: (block, { voters: all }) => this.#holderCount(block, all),
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
  #holderCount({ batchDigests }: Block, voters: readonly Voter[]): number {
    return this.#world().machines.filter(({ name, isHonest, isDamaged, hasLostData, disk }) => {
      if (!isHonest || !voters.some((voter) => voter.name === name)) return false;
      const batches = disk.database(layout.batches);
      const holds = (digest: Digest): boolean => batches?.has(batchKey(digest)) ?? false;
      return isDamaged || hasLostData || batchDigests.every(holds);
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
    if (message.value.kind === 'vote' && this.#isItsOwn(machine, message.value.vote))
      checks.onSigned(message.value.vote, machine);
    if (message.value.kind === 'proposal') {
      const { block } = message.value.proposal;
      const { proposer, epoch, view } = block.header;
      if (!this.#isItsOwn(machine, { epoch, voter: proposer })) return;
      checks.onBlock(block);
      // Whom the others have cut off learns of nothing, not of its end either: it goes on alone.
      if (machine.isHonest && this.chain.admitted.has(machine.name)) this.proposalCount += 1;
      const digest = headerDigest(block.header);
      checks.onSigned({ voter: proposer, kind: 'propose', epoch, view, digest }, machine);
    }
  }

  /** Honest machines send nothing under another name, which is checked; what dishonest ones send so says nothing about anybody. */
  #isItsOwn(machine: Machine, { epoch, voter }: Pick<Vote, 'epoch' | 'voter'>): boolean {
    return machine.isHonest || this.checks.votersOf(epoch)?.voters[voter]?.name === machine.name;
  }

  onCommitted({ machine }: Process, entries: readonly CommitEntry[]): void {
    this.#claim(() => this.#noteCommitted(machine, entries));
  }

  #noteCommitted(machine: Machine, entries: readonly CommitEntry[]): void {
    const world = this.#world();
    for (const entry of entries) {
      const { block, digest } = entry;
      const { height, nextVoterSet } = block.header;
      if (nextVoterSet !== null) this.checks.onEpoch(nextVoterSet);
      // What a dishonest machine ends up with is its own affair, but it may be in the next epoch before the others.
      if (!machine.isHonest) continue;
      world.trace.note(digest, world.nowMs, machine.index, height);
      if (height <= this.chain.height) this.checks.onFinal(block);
      for (const first of this.chain.take(entry)) this.#noteFirst(first);
      this.#promisedBy(machine).height = height;
    }
  }

  /** A block that nobody was known to have as final before. */
  #noteFirst({ block, receipts, writes }: CommitEntry): void {
    const { height, nextVoterSet } = block.header;
    this.checks.onBlock(block);
    this.checks.onFinal(block);
    for (const { txId, outcome } of receipts) {
      if (outcome !== 'committed') continue;
      check(!this.#committed.has(txId), `a transaction was executed twice, at height ${height}`);
      this.#committed.set(txId, height);
      this.committedCount += 1;
    }
    if (nextVoterSet !== null) onEpochBegun(this.#world(), nextVoterSet.epoch);
    const { machines } = this.#world();
    for (const machine of machines.filter(({ name }) => writes.records.has(standingRecordKey(name)))) {
      const marks = readStanding(this.chain, machine.name).marks.map(({ offence }) => offence);
      check(
        !machine.isHonest || marks.length === 0,
        `${machine.name} is honest, and marked: ${marks.join()}`,
      );
    }
  }

  /** Nobody finds evidence against an honest member, whether or not it is ever ordered. */
  onWarning({ machine }: Process, fields: object, message: string): void {
    if (message !== evidenceFound || !('member' in fields)) return;
    const accused = this.#world().machines.find(({ name }) => name === fields.member);
    this.evidenceCount += 1;
    this.#claim(() =>
      check(
        accused?.isHonest === false,
        `${machine.name} has evidence against ${accused?.name}, which is honest`,
      ),
    );
  }

  /** An honest member gives another none of the reasons for which one is dropped, unless the wire spoilt its words. */
  onDropped({ machine }: Process, other: Machine, reason: string): void {
    const { plan, machines } = this.#world();
    const isSpoilt = plan.flipRate > 0 || plan.truncateRate > 0;
    const isRotating = machines.some(({ keyGeneration }) => keyGeneration > 0);
    const isExcused = isSpoilt || isRotating || !machine.isHonest || !other.isHonest;
    this.#claim(() => check(isExcused, `${machine.name} drops ${other.name}, both honest: ${reason}`));
  }

  /** No acknowledged transaction is lost: what a node told its application stands in the one chain. */
  onAcknowledged({ machine }: Process, { txId, outcome, height }: Receipt): void {
    if (!machine.isHonest) return;
    this.#claim(() => {
      // Above: its machine died as it wrote the blocks below, and nobody else has written them yet.
      if (height > this.chain.height) return;
      const isIn = outcome !== 'committed' || this.#committed.has(txId);
      check(isIn, `an acknowledged transaction is not in the chain, at height ${height}`);
    });
  }

  /** `isBetweenSteps`: what the replica knows is on the disk. */
  onDeath(process: Process, isBetweenSteps: boolean): void {
    const { machine, engine, stores } = process;
    // What was signed with a key that was rotated away is nothing to the next process.
    const isSameKey = process.signer === machine.member.signer;
    const isKnown = isBetweenSteps && isSameKey && engine !== null && stores !== null && !engine.isFailed;
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
    if (engine === null || stores === null) return;
    this.#claim(() => {
      // Its last write may have closed an epoch, and been whole, as its machine died.
      this.checks.onEpoch(engine.voters);
      if (machine.isHonest) this.#compareWithPromised(machine, engine, stores);
    });
  }

  #compareWithPromised(machine: Machine, engine: Engine, stores: Stores): void {
    const promised = this.#promisedBy(machine);
    const { height } = stores.ledger.head();
    check(height >= promised.height, `${machine.name} lost final blocks: ${height} of ${promised.height}`);
    const before = promised.stateAtDeath;
    promised.stateAtDeath = null;
    const isSame = before?.final.height === height && before.config.voters.epoch === engine.voters.epoch;
    if (before !== null && isSame) checkRemembered(before, engine.state);
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
