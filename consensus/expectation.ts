/** §4 (consensus/README.md): timers run, and leaders propose, only while there is something to wait for. */
import type { ReplicaState } from './state.ts';

/** Ticks that a prepared block may stay without finality before another block is owed to carry it. */
const unfinalTicksMax = 3;

export function isExpectant(state: ReplicaState): boolean {
  if (state.hasWork || state.isHeartbeatDue) return true;
  if (state.unfinalTicks >= unfinalTicksMax) return true;
  return state.proposals.has(state.view);
}

/** Whether a silent peer could be what we wait for: then our statements are sent again at each tick (R8). */
export function isUnsettled(state: ReplicaState): boolean {
  const { round } = state;
  const hasSpoken = round.ownProposal !== null || round.ownPrepare !== null || round.ownSkip !== null;
  return (
    hasSpoken || isExpectant(state) || state.preparedView > state.final.view || state.pendingCommit !== null
  );
}
