/**
 * `npm run jepsen -- [--minutes M] [--seed S] [--plan P] [--seconds N]`: histories of real processes under faults, one after the other, each
 * checked. Without `--plan` the plans take turns; without `--minutes` each plan that was asked for is played once.
 */
import { parseArgs } from 'node:util';
import { commandOf, describeReport, freshSeed, runHistory, type HistoryReport } from './history.ts';
import { planNames, type PlanName } from './plan.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '0' },
    seed: { type: 'string' },
    seconds: { type: 'string', default: '40' },
    plan: { type: 'string' },
  },
});

function plansAskedFor(): readonly PlanName[] {
  if (values.plan === undefined) return planNames;
  const plan = planNames.find((name) => name === values.plan);
  if (plan === undefined) throw new RangeError(`no such plan; there are ${planNames.join(', ')}`);
  return [plan];
}

const plans = plansAskedFor();
const firstSeed = values.seed === undefined ? freshSeed() : Number(values.seed);
const seconds = Number(values.seconds);
const endsAt = performance.now() + Number(values.minutes) * 60_000;
const reports: HistoryReport[] = [];

async function play(number: number): Promise<void> {
  const plan = plans[number % plans.length] ?? 'everything';
  const options = { plan, seed: firstSeed + Math.floor(number / plans.length), seconds };
  const report = await runHistory(options);
  reports.push(report);
  console.log(describeReport(report));
  if (report.problems.length === 0) return;
  process.exitCode = 1;
  console.log(`FAILED (${commandOf(options)})\n${report.problems.join('\n')}`);
}

for (let number = 0; number < plans.length || performance.now() < endsAt; number += 1) await play(number);

const sum = (of: (report: HistoryReport) => number): number =>
  reports.reduce((total, report) => total + of(report), 0);
const faultCount = sum(({ faults }) => [...faults.values()].reduce((total, count) => total + count, 0));
const badCount = reports.filter(({ problems }) => problems.length > 0).length;
console.log(
  `${reports.length} histories, ${badCount} bad; ${sum(({ prescriptionCount }) => prescriptionCount)} prescriptions, ` +
    `${sum(({ writeCount }) => writeCount)} writes, ${sum(({ unknownCount }) => unknownCount)} of them unknown, ` +
    `${sum(({ readCount }) => readCount)} reads, ${faultCount} faults`,
);
