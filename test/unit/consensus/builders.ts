/** Small builders for the consensus tests: four voters, modelled signatures, and blocks on blocks. */
import { digestOf } from '../../../consensus/chain.ts';
import type { Effect } from '../../../consensus/effect.ts';
import { genesisStart } from '../../../consensus/epoch.ts';
import type { ConsensusEvent, TimeoutKind } from '../../../consensus/event.ts';
import type { FinalPoint, SafetyRecord } from '../../../consensus/record.ts';
import { recover } from '../../../consensus/recovery.ts';
import { step, type ReplicaConfig, type ReplicaState, type Step } from '../../../consensus/replica.ts';
import type { Block, Header } from '../../../protocol/block.ts';
import type {
  Digest,
  Epoch,
  MemberName,
  Timestamp,
  Verified,
  View,
  VoterIndex,
} from '../../../protocol/brand.ts';
import { makeCertificate, type Certificate } from '../../../protocol/certificate.ts';
import { present } from '../../../protocol/invariant.ts';
import type { VoterSet } from '../../../protocol/member.ts';
import type { ConsensusMessage, Status } from '../../../protocol/message.ts';
import type { Ballot, Vote, VoteKind } from '../../../protocol/vote.ts';
import {
  asVerified,
  chainId,
  draftBlock,
  hexOf,
  signProposal,
  signVote,
  votersOf,
} from '../../simulation/model.ts';

export const voters: VoterSet = votersOf(4);
const epoch: Epoch = voters.epoch;
const atGenesis: FinalPoint = { block: null, certificate: null };

function aConfig(patch: Partial<ReplicaConfig> = {}): ReplicaConfig {
  const own = 0 as VoterIndex;
  const ownName = 'voter-0' as MemberName;
  const start = genesisStart(chainId, 0 as Timestamp);
  return { chainId, voters, start, own, ownName, deltaMs: 500, heartbeatMs: 0, seed: 0, ...patch };
}

/** A replica of voter `own` on its first start. */
export function aReplica(own: number | null = 0, patch: Partial<ReplicaConfig> = {}): ReplicaState {
  const ownName = `voter-${own ?? 'none'}` as MemberName;
  return recover(aConfig({ own: own as VoterIndex | null, ownName, ...patch }), atGenesis, []);
}

export function aRecovered(records: readonly SafetyRecord[], final: FinalPoint = atGenesis): ReplicaState {
  return recover(aConfig(), final, records);
}

/** All events in turn; the effects of all of them. */
export function run(state: ReplicaState, ...events: readonly ConsensusEvent[]): Step {
  return events.reduce<Step>(
    (before, event) => {
      const after = step(before.state, event);
      return { state: after.state, effects: [...before.effects, ...after.effects] };
    },
    { state, effects: [] },
  );
}

/** Voter v mod 4 leads view v. */
function leader(view: number): VoterIndex {
  return (view % 4) as VoterIndex;
}

export interface BlockOptions {
  readonly view: number;
  readonly parent?: Block | null;
  readonly batchDigests?: readonly Digest[];
}

export function aBlock(
  { view, parent = null, batchDigests = [] }: BlockOptions,
  header: Partial<Header> = {},
): Block {
  const point =
    parent === null
      ? { digest: chainId, view: 0, height: 0 }
      : { digest: digestOf(parent), view: parent.header.view, height: parent.header.height };
  const stateRoot = hexOf(0);
  const timeMs = view * 1_000;
  const block = draftBlock({
    view,
    proposer: leader(view),
    parent: point,
    timeMs,
    batchDigests,
    stateRoot,
    voters,
  });
  return { ...block, header: { ...block.header, ...header } };
}

export function aVote(kind: VoteKind, about: Block | number, voter: number): Verified<Vote> {
  return signVote(aBallot(kind, about), voter as VoterIndex);
}

export function aBallot(kind: VoteKind, about: Block | number): Ballot {
  if (typeof about === 'number') return { kind, epoch, view: about as View, digest: null };
  return { kind, epoch, view: about.header.view, digest: digestOf(about) };
}

/** q votes of voters 1, 2 and 3. */
function aCertificate(kind: VoteKind, about: Block | number): Verified<Certificate> {
  const votes = [1, 2, 3].map((voter) => aVote(kind, about, voter));
  return asVerified(present(makeCertificate(votes, 4), 'there are votes'));
}

export const prepared = (block: Block): Verified<Certificate> => aCertificate('prepare', block);
export const committed = (block: Block): Verified<Certificate> => aCertificate('commit', block);
export const skipped = (view: number): Verified<Certificate> => aCertificate('skip', view);

// events

export function votes(
  kind: VoteKind,
  about: Block | number,
  ...from: readonly number[]
): readonly ConsensusEvent[] {
  return from.map((voter) => ({ kind: 'voteReceived', vote: aVote(kind, about, voter) }));
}

export function gains(certificate: Verified<Certificate>): ConsensusEvent {
  return { kind: 'certificateReceived', certificate };
}

export function proposes(
  block: Block,
  parent: Certificate | null = null,
  skips: readonly Certificate[] = [],
): ConsensusEvent {
  return { kind: 'proposalReceived', proposal: signProposal(block, { parent, skips }) };
}

export function validates(block: Block): ConsensusEvent {
  return { kind: 'blockValidated', digest: digestOf(block), verdict: 'valid' };
}

export function elapses(kind: TimeoutKind, view = 0): ConsensusEvent {
  return { kind: 'timeoutElapsed', timeout: { kind, view: view as View } };
}

export const ticks: ConsensusEvent = elapses('tick');
export const getsWork: ConsensusEvent = { kind: 'workChanged', hasWork: true };

export function hearsStatus(from: number, patch: Partial<Status> = {}): ConsensusEvent {
  const status = { epoch, view: 1, finalView: 0, finalHeight: 0, timeMs: 0 as Timestamp, ...patch } as Status;
  return { kind: 'statusReceived', from: `voter-${from}` as MemberName, status };
}

// effects

export function ofKind<K extends Effect['kind']>(
  { effects }: Step,
  kind: K,
): readonly Extract<Effect, { readonly kind: K }>[] {
  return effects.filter((effect): effect is Extract<Effect, { readonly kind: K }> => effect.kind === kind);
}

export function ballotsOf(result: Step): readonly Ballot[] {
  return ofKind(result, 'castVote').map(({ ballot }) => ballot);
}

/** What was broadcast, but for STATUS. */
export function toldAll(result: Step): readonly ConsensusMessage[] {
  return ofKind(result, 'broadcast')
    .map(({ message }) => message)
    .filter(({ kind }) => kind !== 'status');
}

/** The certificates sent to one member. */
export function sentTo(result: Step, name: string): readonly Certificate[] {
  return ofKind(result, 'send').flatMap(({ to, message }) =>
    to === name && message.kind === 'certificate' ? [message.certificate] : [],
  );
}
