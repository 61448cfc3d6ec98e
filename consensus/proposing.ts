/** R2 (consensus/README.md): the leader of the view asks its host for a block and proposes it. */
import type { Block } from '../protocol/block.ts';
import type { View, VoterIndex } from '../protocol/brand.ts';
import { faultyMax } from '../protocol/certificate.ts';
import { invariant } from '../protocol/invariant.ts';
import { certificatesPerAnswerMax, unfinalizedAncestorsMax } from '../protocol/limits.ts';
import { fetchBlock, parentPoint, unfinalizedCount } from './chain.ts';
import { openClosing } from './epoch.ts';
import { isExpectant } from './expectation.ts';
import { justify, parentFor, type ParentFound } from './justification.ts';
import { isLeading } from './leader.ts';
import { castProposal, isPermitted } from './safety.ts';
import { changeRound, emit, type ReplicaState, type Step } from './state.ts';

/** Asks for a block if we lead, have reason to (§4), and hold what proves the parent; otherwise for what is missing. */
export function tryPropose(step: Step): Step {
  const { state } = step;
  if (!isLeading(state) || state.round.building !== 'none') return step;
  if (!isPermitted(state, state.view, 'propose') || !isExpectant(state)) return step;
  const parent = parentFor(state, state.view);
  if (parent.kind === 'missing')
    return askForCertificates(step, lowestAsked(state, parent.view), parent.view);
  return requestBlock(step, parent);
}

function requestBlock(step: Step, { view, digest }: ParentFound): Step {
  const { state } = step;
  const point = parentPoint(state, digest);
  if (point === null) return fetchBlock(step, digest);
  const extensionOf = openClosing(state, digest);
  const isDeep = unfinalizedCount(state, digest) >= unfinalizedAncestorsMax;
  return emit(changeRound(step, { building: 'asked' }), {
    kind: 'requestBlock',
    view: state.view,
    parent: { digest, view, height: point.height },
    isEmpty: isDeep || !state.hasWork || extensionOf !== null,
    extensionOf,
  });
}

/** The host's answer to `requestBlock`; a view that was left meanwhile has no use for it. */
export function onBlockBuilt(step: Step, view: View, block: Block | null): Step {
  const { state } = step;
  if (view !== state.view || state.round.building !== 'asked') return step;
  if (block === null) return changeRound(step, { building: 'refused' });
  invariant(block.header.view === view, 'R2: the host builds a block of the view it was asked for');
  const justification = justify(state, block.header.parentView, view);
  if (justification === null) return changeRound(step, { building: 'refused' });
  invariant(
    justification.parent === null || justification.parent.digest === block.header.parentDigest,
    'R2: the host builds on the parent it was given',
  );
  return castProposal(step, block, justification);
}

/** FETCH of certificates from f+1 voters, another f+1 at each tick, so that an honest one is among them. */
export function askForCertificates(step: Step, fromView: View, toView: View): Step {
  const { config, round, tick } = step.state;
  if (round.certificatesAskedTick === tick) return step;
  const asked = changeRound(step, { certificatesAskedTick: tick });
  const epoch = config.voters.epoch;
  return emit(
    asked,
    ...votersToAsk(step.state).map((index) => ({
      kind: 'send' as const,
      to: config.voters.voters[index]?.name ?? config.ownName,
      message: { kind: 'certificatesWanted' as const, epoch, fromView, toView },
    })),
  );
}

function votersToAsk(state: ReplicaState): readonly VoterIndex[] {
  const { config, tick, view } = state;
  const count = config.voters.voters.length;
  const others = config.voters.voters
    .map((_voter, index) => index as VoterIndex)
    .filter((index) => index !== config.own);
  const start = (tick * (faultyMax(count) + 1) + view) % Math.max(1, others.length);
  return [...others.slice(start), ...others.slice(0, start)].slice(0, faultyMax(count) + 1);
}

/** PC and SC of each view, and a CC, must fit into one answer, or the missing one might never be in it. */
const viewsAskedMax = Math.floor((certificatesPerAnswerMax - 1) / 2);

function lowestAsked(state: ReplicaState, missing: View): View {
  return Math.max(missing - viewsAskedMax + 1, state.final.view + 1) as View;
}
