/** R1, R4 and R6 (consensus/README.md): a certificate is kept, ends its view, and may make blocks final. */
import type { Verified, View } from '../protocol/brand.ts';
import type { Certificate } from '../protocol/certificate.ts';
import { invariant, present } from '../protocol/invariant.ts';
import { finalize, keepBlock, linkTo } from './chain.ts';
import { castVote } from './safety.ts';
import {
  change,
  emit,
  freshRound,
  viewAfter,
  withEntry,
  withOnly,
  type ReplicaState,
  type Step,
} from './state.ts';
import { commitsOnly, type Tally } from './votes.ts';

/** True if the certificate tells us anything new; asked by hosts before they verify its signatures. */
export function isCertificateNew(state: ReplicaState, certificate: Certificate): boolean {
  const { view, kind } = certificate;
  if (certificate.epoch !== state.config.voters.epoch || view <= state.final.view) return false;
  if (state.isClosed) return false;
  if (kind === 'skip') return !state.skipped.has(view);
  const held = state.prepared.get(view);
  return held === undefined || (kind === 'commit' && held.kind === 'prepare');
}

/** A certificate from whatever source: completed by a vote, sent by a peer, or part of a proposal. */
export function gainCertificate(step: Step, certificate: Verified<Certificate>): Step {
  const { state } = step;
  if (!isCertificateNew(state, certificate)) return step;
  const { view, kind } = certificate;
  const isEnding = view >= state.view;
  // W2: recorded before COMMIT and before anything of the next view, as effects are carried out in order.
  const recorded = emit(step, { kind: 'recordCertificate', certificate });
  const kept = keepCertificate(recorded, certificate);
  const ended = isEnding ? endView(kept, certificate) : kept;
  return kind === 'commit' ? finalize(ended, certificate) : ended;
}

function keepCertificate(step: Step, certificate: Verified<Certificate>): Step {
  const { state } = step;
  const { view, kind } = certificate;
  if (kind === 'skip') return change(step, { skipped: withEntry(state.skipped, view, certificate) });
  const held = state.prepared.get(view);
  invariant(
    held === undefined || held.digest === certificate.digest,
    'R3: two certificates of one view name the same block',
  );
  const kept = change(step, {
    prepared: withEntry(state.prepared, view, certificate),
    preparedView: view > state.preparedView ? view : state.preparedView,
  });
  return keepCertifiedBlock(kept, certificate);
}

/** The block of a certificate comes from the proposal that we hold, or has to be fetched if we will need it. */
function keepCertifiedBlock(step: Step, certificate: Verified<Certificate>): Step {
  const digest = present(certificate.digest, 'PC and CC name a block');
  const held = step.state.proposals.get(certificate.view);
  if (held !== undefined && held.digest === digest) return keepBlock(step, held.proposal.block);
  return certificate.view === step.state.preparedView ? linkTo(step, digest) : step;
}

/** R1, R4: the certificate is of our view or a higher one, so that view ends here. */
function endView(step: Step, certificate: Verified<Certificate>): Step {
  const { kind, epoch, view, digest } = certificate;
  // R4: commit only if we never skipped this view (R7 refuses it), or CC and SC of one view could both exist.
  const voted = kind === 'prepare' ? castVote(step, { kind: 'commit', epoch, view, digest }) : step;
  // R1: broadcast once, by whoever moves by it; observers are not asked to relay.
  const isVoter = step.state.config.own !== null;
  const told = isVoter
    ? emit(voted, { kind: 'broadcast', message: { kind: 'certificate', certificate } })
    : voted;
  return enter(told, viewAfter(view), kind !== 'skip');
}

/** R1: a view is left, never entered again: a vote we signed in it may reach a peer after we forgot it. */
function enter(step: Step, view: View, isProgress: boolean): Step {
  const { state } = step;
  invariant(view > state.view, 'R1: views only grow');
  invariant(state.signed.view < view, 'R7: nothing was signed in a view before it was entered');
  const isHeartbeatDue = state.isHeartbeatDue && !isProgress;
  const entered = change(step, {
    view,
    round: freshRound,
    isHeartbeatDue,
    enteredAtTick: state.tick,
    proposals: withOnly(state.proposals, (key) => key >= view),
    votes: withoutPast(state.votes, view),
  });
  return isHeartbeatDue ? entered : startHeartbeat(entered);
}

export function startHeartbeat(step: Step): Step {
  const { config, view } = step.state;
  if (config.own === null || config.heartbeatMs === 0) return step;
  return emit(step, {
    kind: 'startTimer',
    timeout: { kind: 'heartbeat', view },
    afterMs: config.heartbeatMs,
  });
}

function withoutPast(votes: ReplicaState['votes'], view: View): ReplicaState['votes'] {
  const kept = new Map<View, Tally>();
  for (const [key, tally] of votes) {
    const needed = key >= view ? tally : commitsOnly(tally);
    if (needed !== null) kept.set(key, needed);
  }
  return kept;
}
