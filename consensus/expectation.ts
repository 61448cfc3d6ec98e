/** §4 (consensus/README.md): timers run, and leaders propose, only while there is something to wait for. */
import { openClosing } from './epoch.ts';
import type { ReplicaState } from './state.ts';

/** Ticks that a prepared block may stay without finality before another block is owed to carry it. */
const unfinalTicksMax = 3;

export function isExpectant(state: ReplicaState): boolean {
  if (state.isClosed) return false;
  if (isClosing(state)) return true;
  if (state.hasWork || state.isHeartbeatDue) return true;
  if (state.unfinalTicks >= unfinalTicksMax) return true;
  return state.proposals.has(state.view);
}

/** V3: the closing block is prepared and not final yet; extensions carry it, and nothing else can be proposed. */
function isClosing(state: ReplicaState): boolean {
  const newest = state.prepared.get(state.preparedView)?.digest ?? null;
  return newest !== null && openClosing(state, newest) !== null;
}

/** Whether a silent peer could be what we wait for: then our statements are sent again at each tick (R8). */
export function isUnsettled(state: ReplicaState): boolean {
  if (state.isClosed) return false;
  const { round } = state;
  const hasSpoken = round.ownProposal !== null || round.ownPrepare !== null || round.ownSkip !== null;
  return (
    hasSpoken || isExpectant(state) || state.preparedView > state.final.view || state.pendingCommit !== null
  );
}
