/** `npm run simulate -- --seeds N [--seed S] [--nodes n]`: runs schedules and prints what failed and how fast it went. */
import { parseArgs } from 'node:util';
import { recover } from '../../consensus/recovery.ts';
import { step } from '../../consensus/replica.ts';
import { quorumSize } from '../../protocol/certificate.ts';
import { describePlan } from './plan.ts';
import { carefulHost, runSchedule, type ScheduleReport } from './schedule.ts';
import type { Core } from './world.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    nodes: { type: 'string', default: '4' },
  },
});

const core: Core = { step, recover, quorumSize };
const seedCount = Number(values.seeds);
const firstSeed = Number(values.seed);
const voterCount = Number(values.nodes);

function runSeed(seed: number): ScheduleReport | null {
  try {
    return runSchedule({ seed, voterCount, core, flaws: carefulHost });
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    console.log(`FAILED ${reason} (npm run simulate -- --seeds 1 --seed ${seed} --nodes ${voterCount})`);
    process.exitCode = 1;
    if (seedCount === 1) console.log(error);
    return null;
  }
}

const startedMs = performance.now();
const reports: ScheduleReport[] = [];
for (let seed = firstSeed; seed < firstSeed + seedCount; seed += 1) {
  const report = runSeed(seed);
  if (report === null) continue;
  reports.push(report);
  if (seedCount > 20) continue;
  const { heightAtHeal, recoveryMs, crashCount, eventCount } = report;
  console.log(
    `seed ${seed}: ${describePlan(report.plan)}; ${crashCount} crashes, height ${heightAtHeal} when healed, ` +
      `five new blocks after ${recoveryMs} ms, ${eventCount} events`,
  );
}
const seconds = (performance.now() - startedMs) / 1_000;
const sum = (of: (report: ScheduleReport) => number): number =>
  reports.reduce((total, report) => total + of(report), 0);
const slowestMs = reports.reduce((slowest, { recoveryMs }) => Math.max(slowest, recoveryMs), 0);
console.log(
  `${seedCount} schedules, ${seedCount - reports.length} violations, ${(seedCount / seconds).toFixed(1)} schedules/s, ` +
    `${Math.round(sum(({ eventCount }) => eventCount) / seconds)} events/s, ${sum(({ crashCount }) => crashCount)} crashes, ` +
    `mean height when healed ${(sum(({ heightAtHeal }) => heightAtHeal) / reports.length).toFixed(1)}, ` +
    `mean recovery ${Math.round(sum(({ recoveryMs }) => recoveryMs) / reports.length)} ms, slowest ${slowestMs} ms`,
);
