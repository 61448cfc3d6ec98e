/**
 * I18: the interval between two fills, item by item. It is kept between any two fills, in whatever order they are supplied, and
 * asked again at each supply: two pharmacies may hold two fills at the same time.
 */
import type { Timestamp } from './brand.ts';
import { unitsRemaining, type FoundFill } from './fillStatus.ts';
import type { Item, Prescription } from './prescription.ts';

const dayMs = 86_400_000;

/** Something of the item remains in this fill, and no other fill supplied it less than its interval ago. */
export function isIntervalOver(found: FoundFill, item: Item, timeMs: Timestamp): boolean {
  const { prescription, fill } = found;
  if (unitsRemaining(prescription, fill, item.itemId) === 0) return false;
  if (item.intervalDays === 0) return true;
  return timeMs >= lastSuppliedMs(prescription, fill.k, item) + item.intervalDays * dayMs;
}

/** Block time of the last supply of the item in any fill but `k`; negative infinity if there is none, which starts no interval. */
function lastSuppliedMs(prescription: Prescription, k: number, item: Item): number {
  let last = Number.NEGATIVE_INFINITY;
  for (const fill of prescription.fills) {
    if (fill.k === k) continue;
    for (const { withdrawnMs, timeMs, items } of fill.events) {
      const isMeant = withdrawnMs === null && items.some(({ itemId }) => itemId === item.itemId);
      if (isMeant) last = Math.max(last, timeMs);
    }
  }
  return last;
}
