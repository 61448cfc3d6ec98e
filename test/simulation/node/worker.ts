/** Runs the seeds that it is given, one after the other, and tells of each. */
import { isMainThread, parentPort } from 'node:worker_threads';
import { useNativeSha256 } from '../../../node/nativeSha256.ts';
import { faultKinds, type FaultKind } from './faults.ts';
import { changingPlanOf, forgetfulPlanOf, planOf } from './plan.ts';
import { runSchedule } from './schedule.ts';

/** How plans are drawn: any faults, one machine that forgets what it signed, or voters that change in each of them. */
export const variants = ['usual', 'forgetful', 'changing'] as const;
export type Variant = (typeof variants)[number];

export interface Order {
  readonly seed: number;
  readonly variant: Variant;
}

export const draws: Readonly<Record<Variant, typeof planOf>> = {
  usual: planOf,
  forgetful: forgetfulPlanOf,
  changing: changingPlanOf,
};

export interface SeedReport {
  readonly seed: number;
  /** Null for a schedule in which every rule held. */
  readonly failure: string | null;
  readonly counts: readonly (readonly [FaultKind, number])[];
  readonly eventCount: number;
  readonly recoveryMs: number;
  readonly committedCount: number;
}

/** One line: the rule that was broken, and the command that repeats it. */
export function failureOf(seed: number, variant: Variant, error: unknown): string {
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const which = variant === 'usual' ? '' : ` --variant ${variant}`;
  return `${reason} (npm run simulate -- --seeds 1 --seed ${seed}${which})`;
}

async function runSeed({ seed, variant }: Order): Promise<SeedReport> {
  try {
    const { counts, eventCount, recoveryMs, committedCount } = await runSchedule({
      seed,
      draw: draws[variant],
    });
    const kinds = faultKinds.map((kind) => [kind, counts.of(kind)] as const);
    return { seed, failure: null, counts: kinds, eventCount, recoveryMs, committedCount };
  } catch (error) {
    const failure = failureOf(seed, variant, error);
    return { seed, failure, counts: [], eventCount: 0, recoveryMs: 0, committedCount: 0 };
  }
}

if (!isMainThread && parentPort !== null) {
  useNativeSha256();
  const port = parentPort;
  // One at a time: a schedule listens for the errors of its whole thread.
  let last = Promise.resolve();
  port.on('message', (order: Order) => {
    last = last.then(async () => port.postMessage(await runSeed(order)));
  });
}
