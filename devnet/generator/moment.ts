/** Lives for a ledger that runs now: each with its acts in their order, and no time between them. All of it from a seed. */
import type { Timestamp } from '../../protocol/brand.ts';
import type { TimedAct } from './act.ts';
import { lifeOf } from './life.ts';
import { aCase, hourMs, newId } from './prescribing.ts';
import { seededRandom } from './random.ts';
import type { Region } from './region.ts';

export interface MomentOptions {
  readonly seed: number;
  /** The moment: no more than minutes from the time of the blocks that the acts will be in. */
  readonly at: Timestamp;
}

/** Of the day by whose hours people choose, whatever the moment is: 8 to 20 o'clock. */
const opensAt: number = 8 * hourMs;
const openMs: number = 12 * hourMs;

/**
 * One life after the other, without end. An act may be sent when those before it in its life have their answers; lives may be lived
 * in any order, and at the same time. The same seed gives the same lives at any moment, but for the times in them.
 */
export function* livesAtOnce(
  region: Region,
  { seed, at }: MomentOptions,
): Generator<readonly TimedAct[], never> {
  const random = seededRandom(seed);
  for (let number = 0; ; number += 1) {
    const own = seededRandom(random.below(2 ** 31), `${seed}/${number}`);
    const issuedAt = opensAt + random.below(openMs);
    const one = aCase(region, own, { issuedAt, moment: at });
    yield Array.from(lifeOf(one), ({ act }) => ({ ...act, at, id: newId(random) }));
  }
}
