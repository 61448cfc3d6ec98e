/** Six histories of real processes under faults of six kinds, two at a time; `npm run jepsen` plays more of them. */
import assert from 'node:assert/strict';
import {
  commandOf,
  describeReport,
  freshSeed,
  runHistory,
  type HistoryReport,
} from '../../jepsen/history.ts';
import { planNames, type PlanName } from '../../jepsen/plan.ts';

const seconds = 40;
const atOnce = 2;

type Played = { readonly report: HistoryReport } | { readonly error: unknown };

/** Each plan's history as a promise; as many are under way as `atOnce` says. */
function startAll(seed: number): ReadonlyMap<PlanName, Promise<Played>> {
  const lanes: Promise<unknown>[] = Array.from({ length: atOnce }, () => Promise.resolve());
  const entries = planNames.map((plan, index) => {
    const lane = index % atOnce;
    const play = async (): Promise<Played> => {
      await lanes[lane];
      try {
        return { report: await runHistory({ plan, seed, seconds }) };
      } catch (error) {
        return { error };
      }
    };
    const played = play();
    lanes[lane] = played;
    return [plan, played] as const;
  });
  return new Map(entries);
}

describe('what eight clients were told while a consortium of real processes failed around them', function histories() {
  this.timeout(600_000);
  const seed = Number(process.env['JEPSEN_SEED'] ?? freshSeed());
  let all: ReadonlyMap<PlanName, Promise<Played>>;

  before(() => {
    all = startAll(seed);
  });

  for (const plan of planNames) {
    it(`is linearizable: ${plan}`, async () => {
      const played = await all.get(plan);
      const command = commandOf({ plan, seed, seconds });
      if (played === undefined || 'error' in played) throw new Error(command, { cause: played?.error });
      const { report } = played;
      console.log(`      ${describeReport(report)}`);
      assert.deepEqual(report.problems, [], command);
      assert.ok(report.faults.size > 0, command);
    });
  }
});
