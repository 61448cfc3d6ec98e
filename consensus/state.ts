/** The state of a replica: plain data, replaced and never changed. Everything that grows is bounded or pruned at finality. */
import type { Block } from '../protocol/block.ts';
import type { Digest, Height, MemberName, Timestamp, Verified, View, VoterIndex } from '../protocol/brand.ts';
import type { Certificate } from '../protocol/certificate.ts';
import type { VoterSet } from '../protocol/member.ts';
import type { Proposal } from '../protocol/proposal.ts';
import type { SignedKind, Vote } from '../protocol/vote.ts';
import type { Effect } from './effect.ts';
import type { EpochStart } from './epoch.ts';
import type { Tally } from './votes.ts';

export interface ReplicaConfig {
  readonly chainId: Digest;
  readonly voters: VoterSet;
  readonly start: EpochStart;
  /** Null for an observer: it follows and never casts. */
  readonly own: VoterIndex | null;
  readonly ownName: MemberName;
  /** Δ: the bound on a message's way in good times. */
  readonly deltaMs: number;
  /** An empty block after so much quiet; 0 is never. */
  readonly heartbeatMs: number;
  /** Rotates the leaders of an epoch; 0 for epoch 1. */
  readonly seed: number;
}

/** The newest final block; the one that the epoch starts on has view 0 and no block here. */
export interface Final {
  /** View of its certificate: that of the block itself, or of the extension that made a closing block final. */
  readonly view: View;
  readonly height: Height;
  readonly digest: Digest;
  readonly timeMs: Timestamp;
  readonly block: Block | null;
  /** CC of the block or of its extension, or its PC after a restart between the writing of two blocks; null if neither is known. */
  readonly certificate: Verified<Certificate> | null;
}

/** The first proposal that the leader of a view sent us. */
export interface HeldProposal {
  readonly proposal: Verified<Proposal>;
  readonly digest: Digest;
  /** False if the header alone shows that no honest leader sent it. */
  readonly isWellFormed: boolean;
}

/** The last statement that we were permitted to sign (R7). */
export interface SigningMark {
  readonly view: View;
  readonly kind: SignedKind;
}

/** W6: whether we know all that we signed, and if not, what has become known since. */
export type Memory =
  | { readonly kind: 'whole' }
  /** We observe only; the view that each other voter last reported. */
  | { readonly kind: 'lost'; readonly reports: ReadonlyMap<VoterIndex, View> }
  /** What was forgotten lies at or below this view. */
  | { readonly kind: 'regained'; readonly above: View };

/** What belongs to the current view alone, and is forgotten when the view is left. */
export interface Round {
  readonly ownProposal: Verified<Proposal> | null;
  readonly ownPrepare: Verified<Vote> | null;
  readonly ownSkip: Verified<Vote> | null;
  readonly building: 'none' | 'asked' | 'refused';
  /** Of the block that the host was asked to execute; `isRunning` is false after the verdict `unavailable`. */
  readonly validation: { readonly digest: Digest; readonly isRunning: boolean } | null;
  readonly isProposalInvalid: boolean;
  readonly hasTimers: boolean;
  /** A timer of this view elapsed while we were expectant. */
  readonly isOverdue: boolean;
  /** The tick in which we last asked for certificates; -1 for never. */
  readonly certificatesAskedTick: number;
}

/** When we last heard of a voter: our tick count and our view at that moment. */
interface Heard {
  readonly tick: number;
  readonly view: View;
}

export interface ReplicaState {
  readonly config: ReplicaConfig;
  readonly voterSetHash: Digest;
  readonly view: View;
  readonly round: Round;
  readonly final: Final;
  /** The closing block is final: nothing is signed in this epoch any more, it only answers who is late. */
  readonly isClosed: boolean;
  /** PC of each view above the final one, or the CC that stands in for it. */
  readonly prepared: ReadonlyMap<View, Verified<Certificate>>;
  /** Highest key of `prepared`, or the final view. */
  readonly preparedView: View;
  /** SC of each view above the final one. */
  readonly skipped: ReadonlyMap<View, Verified<Certificate>>;
  /** The highest CC whose block, or an ancestor of it, is not known yet. */
  readonly pendingCommit: Verified<Certificate> | null;
  readonly votes: ReadonlyMap<View, Tally>;
  readonly proposals: ReadonlyMap<View, HeldProposal>;
  /** Blocks above the final one that are certified, prepared by us, or ancestors of such. */
  readonly blocks: ReadonlyMap<Digest, Block>;
  /** The last answer of a peer: believed only once a certificate reaches it by hash links. */
  readonly candidates: ReadonlyMap<Digest, Block>;
  /** Blocks asked for since the last tick. */
  readonly fetching: ReadonlySet<Digest>;
  readonly signed: SigningMark;
  readonly memory: Memory;
  /** Our COMMITs above the final view, as signed. */
  readonly ownCommits: ReadonlyMap<View, Verified<Vote>>;
  readonly hasWork: boolean;
  readonly isHeartbeatDue: boolean;
  readonly tick: number;
  readonly viewAtTick: View;
  readonly finalViewAtTick: View;
  readonly enteredAtTick: number;
  /** Ticks for which a prepared block has not become final. */
  readonly unfinalTicks: number;
  /** By voter index. */
  readonly heard: readonly Heard[];
}

export interface Step {
  readonly state: ReplicaState;
  readonly effects: readonly Effect[];
}

export const freshRound: Round = {
  ownProposal: null,
  ownPrepare: null,
  ownSkip: null,
  building: 'none',
  validation: null,
  isProposalInvalid: false,
  hasTimers: false,
  isOverdue: false,
  certificatesAskedTick: -1,
};

export function change(step: Step, patch: Partial<ReplicaState>): Step {
  return { state: { ...step.state, ...patch }, effects: step.effects };
}

export function changeRound(step: Step, patch: Partial<Round>): Step {
  return change(step, { round: { ...step.state.round, ...patch } });
}

export function emit(step: Step, ...effects: readonly Effect[]): Step {
  return { state: step.state, effects: [...step.effects, ...effects] };
}

export function withEntry<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> {
  return new Map(map).set(key, value);
}

/** The entries that stay; the same map if all of them do. */
export function withOnly<K, V>(
  map: ReadonlyMap<K, V>,
  isKept: (key: K, value: V) => boolean,
): ReadonlyMap<K, V> {
  const kept = [...map].filter(([key, value]) => isKept(key, value));
  return kept.length === map.size ? map : new Map(kept);
}

export function viewAfter(view: View): View {
  return (view + 1) as View;
}
