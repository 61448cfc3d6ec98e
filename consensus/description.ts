/** What a replica is doing, for status pages and metrics: who leads, how far it is, and whom it waits for. */
import type { Digest, Epoch, Height, MemberName, View, VoterIndex } from '../protocol/brand.ts';
import { quorumSize } from '../protocol/certificate.ts';
import { isExpectant } from './expectation.ts';
import { leaderOf } from './leader.ts';
import { backedReports } from './memory.ts';
import type { Memory, ReplicaState } from './state.ts';
import { skippedBelow, viewTimeoutMs } from './timeout.ts';

interface MissingVoter {
  readonly index: VoterIndex;
  readonly name: MemberName;
  /** Seconds, about: ticks since anything was heard of it. */
  readonly silentTicks: number;
}

export interface Description {
  readonly epoch: Epoch;
  readonly view: View;
  readonly leader: VoterIndex;
  readonly leaderName: MemberName;
  readonly finalView: View;
  readonly finalHeight: Height;
  readonly finalDigest: Digest;
  /** Highest view whose block is prepared. */
  readonly preparedView: View;
  /** Its block, or the final one: `workChanged` counts batches that are not in the chain up to here. */
  readonly preparedDigest: Digest;
  readonly isExpectant: boolean;
  /** timeout(v): how long this view may last, and how old its block's time may be (§4). */
  readonly viewTimeoutMs: number;
  /** Seconds, about: ticks spent in this view. */
  readonly ticksInView: number;
  readonly hasProposal: boolean;
  /** Whose votes of this view were counted, ascending. */
  readonly preparedFrom: readonly VoterIndex[];
  readonly skippedFrom: readonly VoterIndex[];
  /** Voters other than us that were not heard for three ticks or more, in order of index. */
  readonly missing: readonly MissingVoter[];
  /** How many of the missing must come back before a quorum is there; 0 if it is. */
  readonly missingCountToQuorum: number;
  /** W6: `lost` until a quorum of others reported, `regained` until finality is above that view. */
  readonly memory: MemoryDescription;
}

type MemoryDescription =
  | Exclude<Memory, { readonly kind: 'lost' }>
  | { readonly kind: 'lost'; readonly reportedBy: readonly MemberName[] };

/** A voter sends STATUS every tick; three in a row are not lost by chance. */
const missingTicksMin = 3;

export function describe(state: ReplicaState): Description {
  const { config, view, final } = state;
  const { voters, epoch } = config.voters;
  const leader = leaderOf(config, view);
  const missing = missingVoters(state);
  const tally = state.votes.get(view);
  const presentCount = voters.length - missing.length;
  return {
    epoch,
    view,
    leader,
    leaderName: voters[leader]?.name ?? config.ownName,
    finalView: final.view,
    finalHeight: final.height,
    finalDigest: final.digest,
    preparedView: state.preparedView,
    preparedDigest: state.prepared.get(state.preparedView)?.digest ?? final.digest,
    isExpectant: isExpectant(state),
    viewTimeoutMs: viewTimeoutMs(config.deltaMs, skippedBelow(state, view)),
    ticksInView: state.tick - state.enteredAtTick,
    hasProposal: state.proposals.has(view),
    preparedFrom: sorted(tally?.prepare.keys() ?? []),
    skippedFrom: sorted(tally?.skip.keys() ?? []),
    missing,
    missingCountToQuorum: Math.max(0, quorumSize(voters.length) - presentCount),
    memory: describeMemory(state),
  };
}

function describeMemory(state: ReplicaState): MemoryDescription {
  const { memory, config } = state;
  if (memory.kind !== 'lost') return memory;
  const names = config.voters.voters.map(({ name }) => name);
  const reporters = new Set<number>(backedReports(state));
  return { kind: 'lost', reportedBy: names.filter((_name, index) => reporters.has(index)) };
}

function missingVoters(state: ReplicaState): readonly MissingVoter[] {
  const { config, heard, tick } = state;
  return config.voters.voters
    .map(({ name }, index) => ({
      index: index as VoterIndex,
      name,
      silentTicks: tick - (heard[index]?.tick ?? 0),
    }))
    .filter(({ index, silentTicks }) => index !== config.own && silentTicks >= missingTicksMin);
}

function sorted(indices: Iterable<VoterIndex>): readonly VoterIndex[] {
  return [...indices].toSorted((a, b) => a - b);
}
