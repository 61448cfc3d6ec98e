/**
 * The only place where consensus meets the world. Events in, one at a time; effects out, in their order; whatever we sign is durable
 * before it leaves, and everything recorded before it (W1, W2, W3). It takes ports, so that a simulator can run it whole.
 */
import type { Effect } from '../consensus/effect.ts';
import type { ConsensusEvent, Timeout, TimeoutKind } from '../consensus/event.ts';
import { step, type ReplicaState } from '../consensus/replica.ts';
import type { Block } from '../protocol/block.ts';
import type { Digest, Height, MemberName, Timestamp, Verified } from '../protocol/brand.ts';
import { invariant, unreachable } from '../protocol/invariant.ts';
import { encodeMessage, type ConsensusMessage } from '../protocol/message.ts';
import type { Proposal } from '../protocol/proposal.ts';
import type { Vote } from '../protocol/vote.ts';
import type { Cancel, Clock } from './clock.ts';
import type { Finality } from './committer.ts';
import type { Executor } from './executor.ts';
import {
  ballotEntry,
  blockEntry,
  certificateEntry,
  memoryEntry,
  proposalEntry,
  signBallot,
  signProposal,
  type OwnVoter,
} from './statement.ts';
import type { LogEntry } from './storage/safetyRecord.ts';
import type { Validator } from './validator.ts';

export interface ReactorPorts {
  readonly clock: Clock;
  /** Null for an observer: it never signs. */
  readonly own: OwnVoter | null;
  readonly voterSetHash: Digest;
  readonly blockIntervalMsMin: number;
  readonly executor: Executor;
  readonly validator: Validator;
  /** One write and one fdatasync for all entries; throws if they may not be durable. */
  readonly appendDurably: (entries: readonly LogEntry[]) => void;
  /** To every other voter; STATUS to every other member. */
  readonly broadcast: (frame: Uint8Array, to: 'voters' | 'members') => void;
  readonly send: (to: MemberName, frame: Uint8Array) => void;
  readonly fetchBlocks: (digest: Digest, aboveHeight: Height) => void;
  readonly commit: (finality: Finality) => void;
  readonly keepBlocks: (blocks: readonly Block[]) => void;
  /** After each step, with the state that it led to. */
  readonly onStep: (state: ReplicaState) => void;
  readonly onFailure: (cause: unknown) => void;
}

type OwnMessage =
  | { readonly kind: 'vote'; readonly vote: Verified<Vote> }
  | { readonly kind: 'proposal'; readonly proposal: Verified<Proposal> };

/** So many records wait at most for the next one that must be durable. */
const heldRecordsMax = 256;

type BuildOrder = Extract<Effect, { readonly kind: 'requestBlock' }>;

export class Reactor {
  readonly #ports: ReactorPorts;
  #state: ReplicaState;
  #queue: ConsensusEvent[] = [];
  /** Records of steps that signed nothing: nobody relies on them yet, so they share the fsync of the next signature. */
  #held: LogEntry[] = [];
  #isRunning = false;
  #isStopped = false;
  readonly #timers = new Map<TimeoutKind, Cancel>();
  #cancelBuild: Cancel = () => undefined;

  constructor(ports: ReactorPorts, state: ReplicaState) {
    this.#ports = ports;
    this.#state = state;
  }

  get state(): ReplicaState {
    return this.#state;
  }

  /** Takes an event in; runs it and all that follows from it before returning, unless a step is under way already. */
  handle(event: ConsensusEvent): void {
    if (this.#isStopped) return;
    this.#queue.push(event);
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      this.#drain();
    } catch (cause) {
      this.#fail(cause);
    } finally {
      this.#isRunning = false;
    }
  }

  /** No vote, no timer, no message after this. */
  stop(): void {
    this.#isStopped = true;
    this.#queue = [];
    this.#cancelBuild();
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  #drain(): void {
    for (
      let event = this.#queue.shift();
      event !== undefined && !this.#isStopped;
      event = this.#queue.shift()
    ) {
      const { state, effects } = step(this.#state, event);
      this.#state = state;
      this.#record(effects);
      for (const effect of effects) this.#perform(effect);
      this.#ports.onStep(state);
    }
  }

  /**
   * In the order of the steps, so the log on disk is always a prefix that holds all that we ever signed. What a crash takes with the
   * rest are certificates, and a replica without them is one that has not heard them yet.
   */
  #record(effects: readonly Effect[]): void {
    for (const effect of effects) this.#held.push(...entryOf(effect));
    if (!effects.some(isPromise) && this.#held.length < heldRecordsMax) return;
    const entries = this.#held;
    this.#held = [];
    this.#ports.appendDurably(entries);
  }

  #perform(effect: Effect): void {
    switch (effect.kind) {
      case 'castVote':
        return this.#say({ kind: 'vote', vote: signBallot(effect.ballot, this.#own()) });
      case 'castProposal':
        this.#ports.keepBlocks([effect.block]);
        return this.#say({
          kind: 'proposal',
          proposal: signProposal(effect.block, effect.justification, this.#own()),
        });
      case 'recordCertificate':
      case 'recordBlock':
      case 'recordMemory':
        return undefined; // recorded already, with the whole step
      case 'broadcast':
        return this.#broadcast(effect.message);
      case 'send':
        return this.#ports.send(effect.to, encodeMessage(this.#stamped(effect.message)));
      case 'requestBlock':
        return this.#build(effect);
      case 'validateBlock':
        return this.#validate(effect.block);
      case 'fetchBlocks':
        return this.#ports.fetchBlocks(effect.digest, effect.aboveHeight);
      case 'commitBlocks':
        return this.#ports.commit(effect);
      case 'startTimer':
        return this.#startTimer(effect.timeout, effect.afterMs);
      default:
        return unreachable(effect);
    }
  }

  #own(): OwnVoter {
    invariant(this.#ports.own !== null, 'an observer was asked to sign');
    return this.#ports.own;
  }

  /** Out to the others, and back to the core as an event: our own words are counted where everybody's are. */
  #say(message: OwnMessage): void {
    this.#broadcast(message);
    this.#queue.push(
      message.kind === 'vote'
        ? { kind: 'voteReceived', vote: message.vote }
        : { kind: 'proposalReceived', proposal: message.proposal },
    );
  }

  #broadcast(message: ConsensusMessage): void {
    const to = message.kind === 'status' ? 'members' : 'voters';
    this.#ports.broadcast(encodeMessage(this.#stamped(message)), to);
  }

  /** The core knows no clock: the sender's time goes into a STATUS here. */
  #stamped(message: ConsensusMessage): ConsensusMessage {
    if (message.kind !== 'status') return message;
    const timeMs = Math.floor(this.#ports.clock.wallMs()) as Timestamp;
    return { kind: 'status', status: { ...message.status, timeMs } };
  }

  /** Our turn. What was prepared before a restart is executed again first: nobody may ever propose it to us once more. */
  #build(request: BuildOrder): void {
    const { executor, validator } = this.#ports;
    this.#cancelBuild();
    if (executor.tip(request.parent.digest) !== null) return this.#buildInTime(request);
    validator.reach(request.parent.digest).then(
      (isReached) => this.#onParentReached(request, isReached),
      (cause: unknown) => this.#fail(cause),
    );
  }

  #onParentReached(request: BuildOrder, isReached: boolean): void {
    if (this.#isStopped || request.view !== this.#state.view) return;
    if (isReached) this.#buildInTime(request);
    else this.handle({ kind: 'blockBuilt', view: request.view, block: null });
  }

  /** The first block after a quiet time is built at once, others keep the least interval to their parent. */
  #buildInTime(request: BuildOrder): void {
    const { clock, executor, blockIntervalMsMin } = this.#ports;
    const parent = executor.tip(request.parent.digest);
    const sinceParentMs = parent === null ? blockIntervalMsMin : clock.wallMs() - parent.timeMs;
    const waitMs = Math.min(blockIntervalMsMin, Math.max(0, blockIntervalMsMin - sinceParentMs));
    this.#cancelBuild = clock.after(waitMs, () => {
      const block = executor.build({
        epoch: this.#state.config.voters.epoch,
        view: request.view,
        parent: request.parent,
        proposer: this.#own().index,
        voterSetHash: this.#ports.voterSetHash,
        nowMs: clock.wallMs(),
        isEmpty: request.isEmpty,
        extensionOf: request.extensionOf,
      });
      this.handle({ kind: 'blockBuilt', view: request.view, block });
    });
  }

  #validate(block: Block): void {
    this.#ports.keepBlocks([block]);
    this.#ports.validator.validate(block).then(
      ({ digest, verdict }) => this.handle({ kind: 'blockValidated', digest, verdict }),
      (cause: unknown) => this.#fail(cause),
    );
  }

  #fail(cause: unknown): void {
    this.stop();
    this.#ports.onFailure(cause);
  }

  #startTimer(timeout: Timeout, afterMs: number): void {
    this.#timers.get(timeout.kind)?.();
    const cancel = this.#ports.clock.after(afterMs, () => this.handle({ kind: 'timeoutElapsed', timeout }));
    this.#timers.set(timeout.kind, cancel);
  }
}

/** What others, or we after a restart, rely on from now on. */
function isPromise({ kind }: Effect): boolean {
  return kind === 'castVote' || kind === 'castProposal' || kind === 'recordMemory';
}

function entryOf(effect: Effect): readonly LogEntry[] {
  switch (effect.kind) {
    case 'castVote':
      return [ballotEntry(effect.ballot)];
    case 'castProposal':
      return [proposalEntry(effect.block, effect.justification)];
    case 'recordCertificate':
      return [certificateEntry(effect.certificate)];
    case 'recordBlock':
      return [blockEntry(effect.block)];
    case 'recordMemory':
      return [memoryEntry(effect.record)];
    case 'broadcast':
    case 'send':
    case 'requestBlock':
    case 'validateBlock':
    case 'fetchBlocks':
    case 'commitBlocks':
    case 'startTimer':
      return [];
    default:
      return unreachable(effect);
  }
}
