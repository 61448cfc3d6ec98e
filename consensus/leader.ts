/** Who leads a view: leader(e, v) = voters[(v + seed_e) mod n] (§1). */
import type { View, VoterIndex } from '../protocol/brand.ts';
import type { ReplicaConfig, ReplicaState } from './state.ts';

export function leaderOf(config: ReplicaConfig, view: View): VoterIndex {
  return ((view + config.seed) % config.voters.voters.length) as VoterIndex;
}

export function isLeading(state: ReplicaState): boolean {
  return leaderOf(state.config, state.view) === state.config.own;
}
