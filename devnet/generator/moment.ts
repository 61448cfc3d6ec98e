/** Lives for a ledger that runs now: each with its acts in their order, and no time between them. All of it from a seed. */
import type { Timestamp } from '../../protocol/brand.ts';
import type { TimedAct } from './act.ts';
import { lifeOf } from './life.ts';
import { aCase, newId } from './prescribing.ts';
import { seededRandom } from './random.ts';
import type { Region } from './region.ts';

export interface MomentOptions {
  readonly seed: number;
  /** The moment: no more than minutes from the time of the blocks that the acts will be in. */
  readonly at: Timestamp;
}

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
    const one = aCase(region, own, { issuedAt: at, isAtOnce: true });
    yield Array.from(lifeOf(one), ({ act }) => ({ ...act, at, id: newId(random) }));
  }
}
