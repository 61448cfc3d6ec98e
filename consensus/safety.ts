/**
 * R7 (consensus/README.md): what we sign never goes back. Every signature, live, sent again or replayed, is permitted
 * here; nothing else in this room makes a `castVote`, a `castProposal`, or sends a statement of ours.
 */
import type { Block } from '../protocol/block.ts';
import type { View } from '../protocol/brand.ts';
import { invariant } from '../protocol/invariant.ts';
import { certificatesPerAnswerMax } from '../protocol/limits.ts';
import type { ConsensusMessage } from '../protocol/message.ts';
import type { Justification } from '../protocol/proposal.ts';
import type { Ballot, SignedKind, Vote } from '../protocol/vote.ts';
import { isRemembered } from './memory.ts';
import { change, emit, type ReplicaState, type SigningMark, type Step } from './state.ts';

/** COMMIT and SKIP of one view exclude each other, so they have the same rank. */
const rank: Readonly<Record<SignedKind, number>> = {
  propose: 1,
  prepare: 2,
  commit: 3,
  skip: 3,
};

/** Before the first signature. */
export const nothingSigned: SigningMark = { view: 0 as View, kind: 'skip' };

function isAbove(mark: SigningMark, view: View, kind: SignedKind): boolean {
  if (view !== mark.view) return view > mark.view;
  return rank[kind] > rank[mark.kind];
}

/**
 * R7: may we sign a new statement of this kind in this view? An observer never may, nobody in an epoch that is over (V4), nor who may have
 * forgotten one (W6).
 */
export function isPermitted(state: ReplicaState, view: View, kind: SignedKind): boolean {
  if (state.config.own === null || state.isClosed || !isRemembered(state, view)) return false;
  return isAbove(state.signed, view, kind);
}

/** The higher of a mark and a recorded statement; recovery folds the log with it. */
export function markAfter(mark: SigningMark, view: View, kind: SignedKind): SigningMark {
  return isAbove(mark, view, kind) ? { view, kind } : mark;
}

/** Casts the vote if R7 permits it; otherwise nothing happens. */
export function castVote(step: Step, ballot: Ballot): Step {
  const { view, kind } = ballot;
  if (!isPermitted(step.state, view, kind)) return step;
  invariant(ballot.epoch === step.state.config.voters.epoch, 'votes are cast in the own epoch');
  invariant((kind === 'skip') === (ballot.digest === null), 'a skip and only a skip names no block');
  return emit(change(step, { signed: { view, kind } }), { kind: 'castVote', ballot });
}

/** Casts our proposal if R7 permits it; otherwise nothing happens. */
export function castProposal(step: Step, block: Block, justification: Justification): Step {
  const { view } = block.header;
  if (!isPermitted(step.state, view, 'propose')) return step;
  invariant(block.header.proposer === step.state.config.own, 'we propose in our own name');
  invariant(block.header.epoch === step.state.config.voters.epoch, 'we propose in the own epoch');
  const cast = change(step, { signed: { view, kind: 'propose' } });
  return emit(cast, { kind: 'castProposal', block, justification });
}

/** R8: our statements of this view and our COMMITs above the final view, the bytes that were recorded and no others. */
export function resendOwn(step: Step): Step {
  const { round, ownCommits } = step.state;
  const votes = [...ownCommits.values()].toSorted((a, b) => a.view - b.view).slice(-certificatesPerAnswerMax);
  if (round.ownPrepare !== null) votes.push(round.ownPrepare);
  if (round.ownSkip !== null) votes.push(round.ownSkip);
  for (const vote of votes) assertSigned(step.state, vote);
  const messages: ConsensusMessage[] = votes.map((vote) => ({ kind: 'vote', vote }));
  if (round.ownProposal !== null) messages.unshift({ kind: 'proposal', proposal: round.ownProposal });
  return emit(step, ...messages.map((message) => ({ kind: 'broadcast' as const, message })));
}

/** A statement that we send again lies at or below the mark: it was permitted once, and is in the log. */
function assertSigned(state: ReplicaState, vote: Vote): void {
  invariant(vote.voter === state.config.own, 'only own votes are sent again');
  invariant(!isAbove(state.signed, vote.view, vote.kind), 'only what was permitted is sent again');
}
