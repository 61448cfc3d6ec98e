/** Runs the seeds that it is given, one after the other, and tells of each. */
import { isMainThread, parentPort } from 'node:worker_threads';
import { faultKinds, type FaultKind } from './faults.ts';
import { runSchedule } from './schedule.ts';

export interface SeedReport {
  readonly seed: number;
  /** Null for a schedule in which every rule held. */
  readonly failure: string | null;
  readonly counts: readonly (readonly [FaultKind, number])[];
  readonly eventCount: number;
  readonly recoveryMs: number;
  readonly committedCount: number;
}

/** The one line that repeats a schedule. */
export function reproduction(seed: number): string {
  return `npm run simulate -- --seeds 1 --seed ${seed}`;
}

export async function runSeed(seed: number): Promise<SeedReport> {
  try {
    const { counts, eventCount, recoveryMs, committedCount } = await runSchedule({ seed });
    const kinds = faultKinds.map((kind) => [kind, counts.of(kind)] as const);
    return { seed, failure: null, counts: kinds, eventCount, recoveryMs, committedCount };
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const failure = `${reason} (${reproduction(seed)})`;
    return { seed, failure, counts: [], eventCount: 0, recoveryMs: 0, committedCount: 0 };
  }
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  // One at a time: a schedule listens for the errors of its whole thread.
  let last = Promise.resolve();
  port.on('message', (seed: number) => {
    last = last.then(async () => port.postMessage(await runSeed(seed)));
  });
}
