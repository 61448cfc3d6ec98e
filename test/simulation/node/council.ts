/**
 * The administrators of the members: they let members in and out, make voters of them and the reverse, and rotate keys, by motions and
 * votes that go through the nodes like everything else. One motion at a time, and none that would leave the faulty ones more than f places.
 */
import { faultyMax } from '../../../protocol/certificate.ts';
import { votersMin } from '../../../protocol/limits.ts';
import { readMember } from '../../../protocol/membership.ts';
import { readMotion, readMotionList, type Motion } from '../../../protocol/motion.ts';
import { readStanding } from '../../../protocol/standing.ts';
import { pendingVoterSet } from '../../../protocol/voterSet.ts';
import type { Id, MemberName } from '../../../protocol/brand.ts';
import type { SubmittedTransaction } from './cast.ts';
import { hand } from './clients.ts';
import type { FinalChain } from './finality.ts';
import { restartOrderly, takeKey } from './machine.ts';
import { Ballots, type ChangeKind } from './motions.ts';
import { later, type Machine, type Process, type World } from './world.ts';

export interface Change {
  readonly kind: ChangeKind;
  readonly machine: Machine;
}

/** A motion under way; null motions of evidence were opened by the ledger itself. */
interface Pending extends Change {
  readonly motionId: Id;
  readonly opening: SubmittedTransaction | null;
  openedMs: number;
}

const stepMs = 60;
/** A transaction that is not final by then is handed to another machine. */
const againMs = 800;
/** Whoever is to vote says first that it is in step; if nothing comes of that, somebody else is asked. */
const readyMsMax = 3_000;

export class Council {
  readonly #world: () => World;
  readonly #ballots: Ballots;
  readonly #orders: Change[] = [];
  readonly #handedMs = new Map<string, number>();
  readonly #restarted = new WeakSet<Process>();
  #ready: (Change & { readonly sinceMs: number }) | null = null;
  #pending: Pending | null = null;
  #nextMs = 0;

  constructor(world: () => World) {
    this.#world = world;
    this.#ballots = new Ballots(world);
  }

  /** Changes that a test asks for, in its order; chance adds none if the plan has none. */
  order(...changes: readonly Change[]): void {
    this.#orders.push(...changes);
  }

  /** Nothing is asked for, and nothing waits for votes. */
  get isDone(): boolean {
    return this.#orders.length === 0 && this.#pending === null && this.#ready === null;
  }

  start(): void {
    const world = this.#world();
    later(world, stepMs, () => {
      if (!world.isIdle) this.#step();
      this.#restartForKeys();
      this.start();
    });
  }

  /** A node takes its new key when it starts. */
  #restartForKeys(): void {
    const world = this.#world();
    for (const { process, member } of world.machines) {
      if (process?.engine?.isStarted !== true || process.signer === member.signer) continue;
      if (this.#restarted.has(process)) continue;
      this.#restarted.add(process);
      restartOrderly(world, process);
    }
  }

  #step(): void {
    const { random, plan, nowMs, isHealed } = this.#world();
    if (this.#pending !== null) return this.#pursue(this.#pending);
    if (this.#ready !== null) return this.#awaitReady(this.#ready);
    const order = this.#orders[0];
    if (order !== undefined) {
      if (this.#begin(order)) this.#orders.shift();
      return undefined;
    }
    if (plan.changeEveryMs === null || isHealed || nowMs < this.#nextMs) return undefined;
    this.#nextMs = nowMs + 1 + random.below(2 * plan.changeEveryMs);
    const changes = this.#possible();
    if (changes.length > 0) this.#begin(random.pick(changes));
    return undefined;
  }

  /** What would apply to whom, as things stand; what is likelier to lead on stands more than once. */
  #possible(): readonly Change[] {
    const { machines, watch } = this.#world();
    return machines.flatMap((machine): readonly Change[] =>
      kindsFor(watch.chain, machine.name).map((kind) => ({ kind, machine })),
    );
  }

  /** False if it must wait, or must not be. */
  #begin(change: Change): boolean {
    const { watch, nowMs, machines } = this.#world();
    if (pendingVoterSet(watch.chain) !== null) return false;
    const names = votersAfter(watch.chain, change);
    if (names !== null && !isBearable(machines, names, change)) return false;
    if (change.kind === 'promote') this.#ready = { ...change, sinceMs: nowMs };
    else this.#open(change);
    return true;
  }

  #awaitReady(change: Change & { readonly sinceMs: number }): void {
    const { watch, nowMs } = this.#world();
    const { machine, sinceMs } = change;
    if (readStanding(watch.chain, machine.name).readyMs !== null) {
      this.#ready = null;
      this.#open(change);
      return;
    }
    if (nowMs > sinceMs + readyMsMax && this.#orders.length === 0) this.#ready = null;
    this.#sayReady(machine);
  }

  /** With the height that its ledger has. */
  #sayReady(machine: Machine): void {
    const height = machine.process?.stores?.ledger.head().height ?? 0;
    if (height > 0) this.#hand(`ready ${machine.name}`, machine, () => this.#ballots.ready(machine, height));
  }

  #open(change: Change): void {
    const { random, watch, machines, nowMs } = this.#world();
    const known = openRemoval(watch.chain, change);
    if (known !== null) {
      this.#pending = { ...change, motionId: known, opening: null, openedMs: nowMs };
      return;
    }
    const openers = machines.filter(
      ({ name }) => name !== change.machine.name && isActive(watch.chain, name),
    );
    const { motionId, transaction } = this.#ballots.motion(change, random.pick(openers));
    this.#pending = { ...change, motionId, opening: transaction, openedMs: nowMs };
  }

  /** Until it is carried or refused: the transactions are handed in again, anywhere, as long as they are not final. */
  #pursue(pending: Pending): void {
    const { watch, random } = this.#world();
    const { motionId, opening } = pending;
    const motion = readMotion(watch.chain, motionId);
    if (motion === null) {
      const receipt = opening === null ? null : watch.chain.receiptOf(opening.txId);
      if (receipt !== null || opening === null) this.#pending = null;
      else this.#hand('opening', this.#somebody(), () => opening);
      return;
    }
    if (motion.outcome !== null) {
      this.#pending = null;
      this.#handedMs.clear();
      if (motion.outcome === 'carried') this.#onCarried(pending);
      return;
    }
    for (const machine of this.#missing(motion)) {
      // A vote that is refused is not heard: too many who have not voted keep the last vote from carrying (`votersSilent`).
      if (readStanding(watch.chain, machine.name).heardMs === null) this.#sayReady(machine);
      const at = random.chance(0.7) ? machine : this.#somebody();
      this.#hand(`vote ${machine.name}`, at, () => this.#ballots.vote(motionId, machine));
    }
  }

  #missing({ approvals }: Motion): readonly Machine[] {
    const { machines, watch } = this.#world();
    const names = watch.chain.voters.voters.map(({ name }) => name);
    return machines.filter(({ name }) => names.includes(name) && !approvals.includes(name));
  }

  #onCarried({ kind, machine }: Pending): void {
    const world = this.#world();
    world.counts.add('member change');
    if (kind === 'rotate') takeKey(world, machine);
  }

  #somebody(): Machine {
    const { random, machines, watch } = this.#world();
    return random.pick(machines.filter(({ name }) => watch.chain.admitted.has(name)));
  }

  /** Hands a transaction in, unless that was done a moment ago. */
  #hand(what: string, at: Machine, make: () => SubmittedTransaction): void {
    const world = this.#world();
    const before = this.#handedMs.get(what) ?? Number.NEGATIVE_INFINITY;
    if (at.process === null || world.nowMs - before < againMs) return;
    this.#handedMs.set(what, world.nowMs);
    hand(world, at.process, make());
  }
}

function isActive(chain: FinalChain, name: MemberName): boolean {
  return readMember(chain, name)?.status === 'active';
}

function kindsFor(chain: FinalChain, name: MemberName): readonly ChangeKind[] {
  const status = readMember(chain, name)?.status ?? null;
  const isVoter = chain.voters.voters.some((voter) => voter.name === name);
  if (status === null) return ['admit', 'admit', 'admit'];
  if (status === 'suspended') return isVoter ? [] : ['reinstate', 'reinstate', 'remove'];
  if (status !== 'active') return [];
  return isVoter
    ? ['demote', 'demote', 'suspend', 'remove', 'rotate']
    : ['promote', 'promote', 'promote', 'promote', 'suspend', 'remove', 'rotate'];
}

/** The ledger opens a motion by itself when it marks a member. */
function openRemoval(chain: FinalChain, { kind, machine }: Change): Id | null {
  if (kind !== 'remove') return null;
  const ids = readMotionList(chain).open.map(({ motionId }) => motionId);
  return ids.find((id) => readMotion(chain, id)?.member === machine.name) ?? null;
}

/** Names of the voters after a change; null if it leaves them as they are. */
function votersAfter(chain: FinalChain, { kind, machine }: Change): readonly MemberName[] | null {
  const names = chain.voters.voters.map(({ name }) => name);
  if (kind === 'promote') return [...names, machine.name];
  if (kind === 'rotate') return names;
  const isLeaving = kind === 'demote' || kind === 'suspend' || kind === 'remove';
  return isLeaving && names.includes(machine.name) ? names.filter((name) => name !== machine.name) : null;
}

/** Who rotates its key begins a new safety log, and counts as one of the f that may fail from then on (W6). */
function isBearable(machines: readonly Machine[], names: readonly MemberName[], change: Change): boolean {
  const faulty = machines.filter((machine) => {
    const { name, isHonest, isDoomed, keyGeneration } = machine;
    const isForgetful = keyGeneration > 0 || (change.kind === 'rotate' && machine === change.machine);
    return names.includes(name) && (!isHonest || isDoomed || isForgetful);
  });
  return names.length >= votersMin && faulty.length <= faultyMax(names.length);
}
