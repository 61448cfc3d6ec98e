/**
 * Agreement as a pure state machine: every event gives a new state and orders to the host. An event first changes what is
 * known; then `settle` does what has become possible. The rules R1..R8 stand in consensus/README.md.
 */
import type { VoterIndex, Verified } from '../protocol/brand.ts';
import { voterIndexOf } from '../protocol/member.ts';
import { present, unreachable } from '../protocol/invariant.ts';
import { viewsAheadMax } from '../protocol/limits.ts';
import type { Vote } from '../protocol/vote.ts';
import { finalizePending, keepCandidates, linkTo } from './chain.ts';
import type { ConsensusEvent, Timeout } from './event.ts';
import { answerCertificatesWanted, answerStatus, onTick, resend, sendStatus, startTick } from './exchange.ts';
import { isExpectant } from './expectation.ts';
import { hearReport, tryRegain } from './memory.ts';
import { onBlockValidated, onProposalReceived, tryPrepare } from './preparing.ts';
import { onBlockBuilt, tryPropose } from './proposing.ts';
import { trySkip } from './skipping.ts';
import { change, changeRound, emit, withEntry, type ReplicaState, type Step } from './state.ts';
import { proposalTimeoutMs, skippedBelow, viewTimeoutMs } from './timeout.ts';
import { gainCertificate, startHeartbeat } from './view.ts';
import { certificateWith, emptyTally, withVote } from './votes.ts';

export type { ReplicaConfig, ReplicaState, Step } from './state.ts';

/** Pure. Effects are carried out in their order; the host's duties stand in consensus/README.md. */
export function step(state: ReplicaState, event: ConsensusEvent): Step {
  return settle(onEvent({ state, effects: [] }, event));
}

function onEvent(start: Step, event: ConsensusEvent): Step {
  switch (event.kind) {
    case 'started':
      return onStarted(start);
    case 'voteReceived':
      return onVoteReceived(heardFrom(start, event.vote.voter), event.vote);
    case 'proposalReceived':
      return onProposalReceived(heardFrom(start, event.proposal.block.header.proposer), event.proposal);
    case 'certificateReceived':
      return gainCertificate(start, event.certificate);
    case 'statusReceived': {
      const voter = voterIndexOf(start.state.config.voters, event.from);
      const heard = voter === null ? start : heardFrom(start, voter);
      const reported = voter === null ? heard : hearReport(heard, voter, event.status);
      return answerStatus(reported, event.from, event.status);
    }
    case 'certificatesWanted':
      return answerCertificatesWanted(start, event.from, event);
    case 'blocksReceived':
      return onBlocksReceived(keepCandidates(start, event.blocks));
    case 'blockBuilt':
      return onBlockBuilt(start, event.view, event.block);
    case 'blockValidated':
      return onBlockValidated(start, event.digest, event.verdict);
    case 'workChanged':
      return onWorkChanged(start, event.hasWork);
    case 'timeoutElapsed':
      return onTimeoutElapsed(start, event.timeout);
    default:
      return unreachable(event);
  }
}

/** What the new state makes possible. Each part asks `safety.ts`, so none of them can say a thing twice. */
function settle(step: Step): Step {
  if (step.state.config.own === null || step.state.isClosed) return step;
  return trySkip(tryPrepare(tryPropose(runTimers(tryRegain(step)))));
}

/** §4: the timers of a view start when it is entered, or when we become expectant in it. */
function runTimers(step: Step): Step {
  const { state } = step;
  const { config, view } = state;
  if (state.round.hasTimers || !isExpectant(state)) return step;
  const count = skippedBelow(state, view);
  const running = emit(changeRound(step, { hasTimers: true }), {
    kind: 'startTimer',
    timeout: { kind: 'view', view },
    afterMs: viewTimeoutMs(config.deltaMs, count),
  });
  if (state.proposals.has(view)) return running;
  const afterMs = proposalTimeoutMs(config.deltaMs, count);
  return emit(running, { kind: 'startTimer', timeout: { kind: 'proposal', view }, afterMs });
}

/** W5: everything recorded is counted and sent again; nothing is signed anew. */
function onStarted(start: Step): Step {
  const { round, ownCommits } = start.state;
  const ticking = sendStatus(startHeartbeat(startTick(start)));
  const votes = [...ownCommits.values(), round.ownPrepare, round.ownSkip].filter((vote) => vote !== null);
  return finalizePending(votes.reduce(onVoteReceived, resend(ticking)));
}

/** Counts a vote in its one slot; the vote that completes a quorum makes the certificate. */
function onVoteReceived(start: Step, vote: Verified<Vote>): Step {
  // V6: the same place in another epoch's set may be ours in this one.
  if (vote.epoch !== start.state.config.voters.epoch) return start;
  const kept = vote.voter === start.state.config.own ? keepOwn(start, vote) : start;
  const { state } = kept;
  if (!isVoteNew(state, vote)) return kept;
  const before = state.votes.get(vote.view) ?? emptyTally;
  const tally = withVote(before, vote);
  const counted = change(kept, { votes: withEntry(state.votes, vote.view, tally) });
  const certificate = certificateWith(tally, vote, state.config.voters.voters.length);
  return certificate === null ? counted : gainCertificate(counted, certificate);
}

/** True if the vote can still be counted; asked by hosts before they verify its signature. */
export function isVoteNew(state: ReplicaState, vote: Vote): boolean {
  if (vote.epoch !== state.config.voters.epoch || vote.view <= state.final.view) return false;
  if (state.isClosed) return false;
  if (vote.view > state.view + viewsAheadMax) return false;
  if (vote.kind !== 'commit' && vote.view < state.view) return false;
  return state.votes.get(vote.view)?.[vote.kind].has(vote.voter) !== true;
}

/** A host that had nothing to build from may have something now: waiting for the tick would cost a second. */
function onWorkChanged(start: Step, hasWork: boolean): Step {
  const step = change(start, { hasWork });
  const isWorthAsking = hasWork && step.state.round.building === 'refused';
  return isWorthAsking ? changeRound(step, { building: 'none' }) : step;
}

/** As signed, for R8. A COMMIT comes back after its view was left; the others only matter within it. */
function keepOwn(step: Step, vote: Verified<Vote>): Step {
  const { state } = step;
  if (vote.kind === 'commit') {
    if (vote.view <= state.final.view) return step;
    return change(step, { ownCommits: withEntry(state.ownCommits, vote.view, vote) });
  }
  if (vote.view !== state.view) return step;
  return changeRound(step, vote.kind === 'skip' ? { ownSkip: vote } : { ownPrepare: vote });
}

/** A peer's blocks count only if a certificate reaches them: the pending CC, the newest PC, or the parent of a proposal. */
function onBlocksReceived(start: Step): Step {
  const committed = finalizePending(start);
  const { view, prepared, preparedView, proposals } = committed.state;
  const newest = prepared.get(preparedView)?.digest ?? null;
  const linked = newest === null ? committed : linkTo(committed, newest);
  const header = proposals.get(view)?.proposal.block.header ?? null;
  const isProven = header !== null && prepared.get(header.parentView)?.digest === header.parentDigest;
  return isProven ? linkTo(linked, header.parentDigest) : linked;
}

function onTimeoutElapsed(step: Step, timeout: Timeout): Step {
  if (timeout.kind === 'tick') return onTick(step);
  const { state } = step;
  if (timeout.view !== state.view) return step;
  if (timeout.kind === 'heartbeat') return change(step, { isHeartbeatDue: true });
  if (timeout.kind === 'proposal' && state.proposals.has(state.view)) return step;
  // Not expectant any more: the timers start again when we are.
  return changeRound(step, isExpectant(state) ? { isOverdue: true } : { hasTimers: false });
}

function heardFrom(step: Step, voter: VoterIndex): Step {
  const { heard, tick, view } = step.state;
  const before = present(heard[voter], 'a verified voter has an index in the set');
  if (before.tick === tick && before.view === view) return step;
  return change(step, { heard: heard.with(voter, { tick, view }) });
}
