/** R5 (consensus/README.md): when to give a view up. Never after COMMIT in it: R7 refuses that. */
import { faultyMax, quorumSize } from '../protocol/certificate.ts';
import { isExpectant } from './expectation.ts';
import { leaderOf } from './leader.ts';
import { castVote, isPermitted } from './safety.ts';
import type { ReplicaState, Step } from './state.ts';
import { skippedBelow } from './timeout.ts';

/** R5 in ticks of one second. */
export const silentTicksMax = 10;

export function trySkip(step: Step): Step {
  const { state } = step;
  if (!isPermitted(state, state.view, 'skip') || !isViewLost(state)) return step;
  const { epoch } = state.config.voters;
  return castVote(step, { kind: 'skip', epoch, view: state.view, digest: null });
}

function isViewLost(state: ReplicaState): boolean {
  const { round, config, view } = state;
  if (round.isOverdue) return true;
  if (round.isProposalInvalid && isInvalidityNews(state)) return true;
  const skips = state.votes.get(view)?.skip;
  if (skips !== undefined && skips.size >= faultyMax(config.voters.voters.length) + 1) return true;
  if (skips?.has(leaderOf(config, view)) === true) return true;
  return isExpectant(state) && isLeaderSilent(state);
}

/** After a whole round of skipped views the timer decides, or a block that nobody can execute would spin the views. */
function isInvalidityNews(state: ReplicaState): boolean {
  return skippedBelow(state, state.view) < state.config.voters.voters.length;
}

/** The leader has not been heard for 2n views or 10 s, while a quorum has. */
function isLeaderSilent(state: ReplicaState): boolean {
  const { config, view } = state;
  const leader = leaderOf(config, view);
  if (leader === config.own || !isSilent(state, leader)) return false;
  const count = config.voters.voters.length;
  let heardCount = 0;
  for (let index = 0; index < count; index += 1) {
    if (index === config.own || !isSilent(state, index)) heardCount += 1;
  }
  return heardCount >= quorumSize(count);
}

function isSilent(state: ReplicaState, index: number): boolean {
  const heard = state.heard[index];
  if (heard === undefined) return true;
  const isLongAgo = state.tick - heard.tick >= silentTicksMax;
  return isLongAgo || state.view - heard.view > 2 * state.config.voters.voters.length;
}
