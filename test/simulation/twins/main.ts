/** `npm run twins -- --samples N [--seed S] [--scenario I]`: runs sampled scenarios, or one of the enumerated ones. */
import { parseArgs } from 'node:util';
import { runScenario, withTwinsCore, type ScenarioReport } from './run.ts';
import { enumerateScenarios, sampledScenarios, type Scenario } from './scenario.ts';

const { values } = parseArgs({
  options: {
    samples: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    scenario: { type: 'string' },
  },
});

function chosen(): Iterable<Scenario> {
  if (values.scenario === undefined) return sampledScenarios(Number(values.seed), Number(values.samples));
  return enumerateScenarios().filter(({ name }) => name === `--scenario ${values.scenario}`);
}

const startedMs = performance.now();
const reports: ScenarioReport[] = [];
let failureCount = 0;
await withTwinsCore([], (core) => {
  for (const scenario of chosen()) {
    try {
      reports.push(runScenario(core, scenario));
    } catch (error) {
      failureCount += 1;
      console.log(
        `FAILED ${error instanceof Error ? error.message : String(error)} (npm run twins -- ${scenario.name})`,
      );
      process.exitCode = 1;
    }
  }
});
const seconds = (performance.now() - startedMs) / 1_000;
const sum = (of: (report: ScenarioReport) => number): number =>
  reports.reduce((total, report) => total + of(report), 0);
const slowest = reports.reduce((most, { recoveryRounds }) => Math.max(most, recoveryRounds), 0);
console.log(
  `${reports.length + failureCount} scenarios, ${failureCount} violations, ${(reports.length / seconds).toFixed(1)} scenarios/s, ` +
    `${Math.round(sum(({ eventCount }) => eventCount) / seconds)} events/s, mean height when healed ` +
    `${(sum(({ heightAtHeal }) => heightAtHeal) / reports.length).toFixed(2)}, recovery in ` +
    `${(sum(({ recoveryRounds }) => recoveryRounds) / reports.length).toFixed(1)} rounds, slowest ${slowest}`,
);
