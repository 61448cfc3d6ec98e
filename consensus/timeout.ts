/** How long a view may last (R5, §4): 3Δ·1.5^s, at most 10 s; two thirds of that without a proposal. */
import type { View } from '../protocol/brand.ts';
import { viewTimeoutMsMax } from '../protocol/limits.ts';
import type { ReplicaState } from './state.ts';

export const tickMs = 1_000;
/** Enough for the shortest Δ (10 ms) to reach the longest timeout. */
const skippedCountMax = 32;

/**
 * s: consecutive skipped views right below `view`, read off the certificates, so that it is the same on all nodes that
 * hold them and survives a restart.
 */
export function skippedBelow(state: ReplicaState, view: View): number {
  let count = 0;
  for (let below = view - 1; count < skippedCountMax; below -= 1) {
    const isSkipped = state.skipped.has(below as View) && !state.prepared.has(below as View);
    if (!isSkipped) return count;
    count += 1;
  }
  return count;
}

/** Milliseconds. The growth is in whole numbers: each step is half as much again, rounded down. */
export function viewTimeoutMs(deltaMs: number, skippedCount: number): number {
  return grown(3 * deltaMs, skippedCount);
}

/** Milliseconds. It grows too, or a network slower than Δ would skip every view before its proposal arrives. */
export function proposalTimeoutMs(deltaMs: number, skippedCount: number): number {
  return grown(2 * deltaMs, skippedCount);
}

function grown(firstMs: number, skippedCount: number): number {
  let timeMs = firstMs;
  for (let count = 0; count < skippedCount && timeMs < viewTimeoutMsMax; count += 1) {
    timeMs = Math.floor((timeMs * 3) / 2);
  }
  return Math.min(timeMs, viewTimeoutMsMax);
}
