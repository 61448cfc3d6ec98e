/** Schedules of the core by itself, one after the other: prints what failed and how fast it went. */
import { recover } from '../../consensus/recovery.ts';
import { step } from '../../consensus/replica.ts';
import { quorumSize } from '../../protocol/certificate.ts';
import { describePlan } from './plan.ts';
import { carefulHost, runSchedule, type ScheduleReport } from './schedule.ts';
import type { Core } from './world.ts';

const core: Core = { step, recover, quorumSize };
/** So many seeds at most get a line each. */
const toldSeedsMax = 20;

export interface CoreRun {
  readonly firstSeed: number;
  readonly seedCount: number;
  readonly voterCount: number;
}

export function runCoreSchedules(run: CoreRun): void {
  const { firstSeed, seedCount } = run;
  const startedMs = performance.now();
  const reports: ScheduleReport[] = [];
  for (let seed = firstSeed; seed < firstSeed + seedCount; seed += 1) {
    const report = runSeed(run, seed);
    if (report === null) continue;
    reports.push(report);
    if (seedCount <= toldSeedsMax) tell(seed, report);
  }
  summarize(reports, seedCount, (performance.now() - startedMs) / 1_000);
}

function runSeed({ voterCount, seedCount }: CoreRun, seed: number): ScheduleReport | null {
  try {
    return runSchedule({ seed, voterCount, core, flaws: carefulHost });
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const again = `npm run simulate -- --core --seeds 1 --seed ${seed} --nodes ${voterCount}`;
    console.log(`FAILED ${reason} (${again})`);
    process.exitCode = 1;
    if (seedCount === 1) console.log(error);
    return null;
  }
}

function tell(
  seed: number,
  { plan, crashCount, heightAtHeal, recoveryMs, eventCount }: ScheduleReport,
): void {
  console.log(
    `seed ${seed}: ${describePlan(plan)}; ${crashCount} crashes, height ${heightAtHeal} when healed, ` +
      `five new blocks after ${recoveryMs} ms, ${eventCount} events`,
  );
}

function summarize(reports: readonly ScheduleReport[], seedCount: number, seconds: number): void {
  const sum = (of: (report: ScheduleReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const slowestMs = reports.reduce((slowest, { recoveryMs }) => Math.max(slowest, recoveryMs), 0);
  console.log(
    `${seedCount} schedules, ${seedCount - reports.length} violations, ${(seedCount / seconds).toFixed(1)} schedules/s, ` +
      `${Math.round(sum(({ eventCount }) => eventCount) / seconds)} events/s, ${sum(({ crashCount }) => crashCount)} crashes, ` +
      `mean height when healed ${(sum(({ heightAtHeal }) => heightAtHeal) / reports.length).toFixed(1)}, ` +
      `mean recovery ${Math.round(sum(({ recoveryMs }) => recoveryMs) / reports.length)} ms, slowest ${slowestMs} ms`,
  );
}
