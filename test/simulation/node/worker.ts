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

/** One line: the rule that was broken, and the command that repeats it. */
export function failureOf(seed: number, error: unknown): string {
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return `${reason} (npm run simulate -- --seeds 1 --seed ${seed})`;
}

async function runSeed(seed: number): Promise<SeedReport> {
  try {
    const { counts, eventCount, recoveryMs, committedCount } = await runSchedule({ seed });
    const kinds = faultKinds.map((kind) => [kind, counts.of(kind)] as const);
    return { seed, failure: null, counts: kinds, eventCount, recoveryMs, committedCount };
  } catch (error) {
    const failure = failureOf(seed, error);
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
