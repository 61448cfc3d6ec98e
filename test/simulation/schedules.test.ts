/** A thousand random schedules of faults, none of which may break a rule. A failure names the command that repeats it. */
import assert from 'node:assert/strict';
import { recover } from '../../consensus/recovery.ts';
import { step } from '../../consensus/replica.ts';
import { quorumSize } from '../../protocol/certificate.ts';
import { carefulHost, runSchedule } from './schedule.ts';

const core = { step, recover, quorumSize };
const scheduleCount = 1_000;
const groupSize = 100;
/** Mostly the smallest set that bears a fault: it is the fastest, and has the least room for errors. */
const voterCounts = [4, 4, 4, 4, 4, 4, 4, 5, 6, 7];

function failureOf(seed: number): string | null {
  const voterCount = voterCounts[seed % voterCounts.length] ?? 4;
  try {
    runSchedule({ seed, voterCount, core, flaws: carefulHost });
    return null;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `${reason} (npm run simulate -- --core --seeds 1 --seed ${seed} --nodes ${voterCount})`;
  }
}

describe('the rules of consensus hold', () => {
  for (let first = 1; first <= scheduleCount; first += groupSize) {
    const last = first + groupSize - 1;
    it(`in the schedules with seeds ${first} to ${last}`, () => {
      const seeds = Array.from({ length: groupSize }, (_unused, index) => first + index);
      assert.deepEqual(
        seeds.map(failureOf).filter((failure) => failure !== null),
        [],
      );
    }).timeout(120_000);
  }

  it('after half an hour in which every view was skipped, more of them than a proposal can prove', () => {
    const plan = {
      byzantineCount: 0,
      healMs: 1_800_000,
      crashRate: 0,
      massCrashMs: null,
      hasPartitions: false,
      isLosingProposals: true,
      batchEveryMs: 10_000,
    };
    const { heightAtHeal } = runSchedule({ seed: 1, voterCount: 4, core, flaws: carefulHost, plan });
    assert.equal(heightAtHeal, 0);
  });

  for (let first = 1; first <= scheduleCount; first += groupSize) {
    const seeds = Array.from({ length: groupSize }, (_unused, index) => first + index);
    it(`in the schedules with seeds ${first} to ${first + groupSize - 1} in which disks are lost, but not keys (W6)`, () => {
      let lossCount = 0;
      const failures = seeds.flatMap((seed) => {
        const plan = { memoryLossMs: 200 + ((37 * seed) % 600), healMs: 3_000 };
        try {
          lossCount += runSchedule({ seed, voterCount: 4, core, flaws: carefulHost, plan }).memoryLossCount;
          return [];
        } catch (error) {
          return [`seed ${seed}, ${JSON.stringify(plan)}: ${String(error)}`];
        }
      });
      assert.deepEqual(failures, []);
      assert.ok(lossCount >= groupSize, `${lossCount} lost disks`);
    }).timeout(120_000);
  }

  it('and the same seed gives the same schedule', () => {
    const options = { seed: 5, voterCount: 4, core, flaws: carefulHost };
    assert.deepEqual(runSchedule(options), runSchedule(options));
  });
});
