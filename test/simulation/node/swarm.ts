/** Many schedules on all cores, each in a thread of its own, and what came of them together. */
import { Worker } from 'node:worker_threads';
import { faultKinds, type FaultKind } from './faults.ts';
import type { Order, SeedReport, Variant } from './worker.ts';

const threadCount = 2;

export interface SwarmReport {
  readonly scheduleCount: number;
  readonly failures: readonly string[];
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly faultCount: number;
  readonly eventCount: number;
  readonly committedCount: number;
  readonly slowestRecoveryMs: number;
  readonly seconds: number;
}

export interface SwarmOptions {
  readonly firstSeed: number;
  readonly seedCount: number;
  readonly variant: Variant;
  readonly onDone: (doneCount: number, failureCount: number) => void;
}

export async function runSwarm({
  firstSeed,
  seedCount,
  variant,
  onDone,
}: SwarmOptions): Promise<SwarmReport> {
  const startedMs = performance.now();
  const reports: SeedReport[] = [];
  let failureCount = 0;
  let next = firstSeed;
  const take = (): Order | null => {
    if (next >= firstSeed + seedCount) return null;
    next += 1;
    return { seed: next - 1, variant };
  };
  const onReport = (report: SeedReport): void => {
    reports.push(report);
    if (report.failure !== null) failureCount += 1;
    onDone(reports.length, failureCount);
  };
  await Promise.all(Array.from({ length: threadCount }, async () => runThread(take, onReport)));
  return summaryOf(reports, (performance.now() - startedMs) / 1_000);
}

async function runThread(take: () => Order | null, onReport: (report: SeedReport) => void): Promise<void> {
  const worker = new Worker(new URL('./worker.js', import.meta.url));
  const finished = new Promise<void>((resolve, reject) => {
    const give = (): void => {
      const order = take();
      if (order === null) resolve();
      else worker.postMessage(order, []);
    };
    worker.on('message', (report: SeedReport) => {
      onReport(report);
      give();
    });
    worker.on('error', reject);
    give();
  });
  try {
    await finished;
  } finally {
    await worker.terminate();
  }
}

function summaryOf(reports: readonly SeedReport[], seconds: number): SwarmReport {
  const faults = new Map<FaultKind, number>(faultKinds.map((kind) => [kind, 0]));
  let faultCount = 0;
  let eventCount = 0;
  let committedCount = 0;
  let slowestRecoveryMs = 0;
  for (const report of reports) {
    for (const [kind, count] of report.counts) {
      faults.set(kind, (faults.get(kind) ?? 0) + count);
      faultCount += count;
    }
    eventCount += report.eventCount;
    committedCount += report.committedCount;
    slowestRecoveryMs = Math.max(slowestRecoveryMs, report.recoveryMs);
  }
  return {
    scheduleCount: reports.length,
    failures: reports.flatMap(({ failure }) => failure ?? []),
    faults,
    faultCount,
    eventCount,
    committedCount,
    slowestRecoveryMs,
    seconds,
  };
}

/** For a person: one line for all, one for each kind of fault. */
export function describeSwarm(report: SwarmReport): string {
  const { scheduleCount, failures, faults, faultCount, eventCount, seconds } = report;
  const lines = [
    `${scheduleCount} schedules, ${failures.length} violations, ${faultCount} faults, ${eventCount} events, ` +
      `${report.committedCount} transactions committed, ${(scheduleCount / seconds).toFixed(1)} schedules/s, ` +
      `slowest recovery ${(report.slowestRecoveryMs / 1_000).toFixed(1)} s`,
  ];
  for (const [kind, count] of faults) lines.push(`${String(count).padStart(10)}  ${kind}`);
  return [...lines, ...failures.map((failure) => `FAILED ${failure}`)].join('\n');
}
