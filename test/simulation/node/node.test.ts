/** The whole node on virtual time: the same code as in production above the ports, and one seed for everything below them. */
import assert from 'node:assert/strict';
import { calmPlan } from './plan.ts';
import { runSchedule } from './schedule.ts';

const testMsMax = 60_000;

describe('the simulated node', () => {
  it('orders what its applications submit while nothing goes wrong', async () => {
    const { committedCount, heightAtHeal, counts } = await runSchedule({ seed: 1, plan: calmPlan(4) });
    assert.ok(heightAtHeal > 15, `height ${heightAtHeal}`);
    assert.ok(committedCount > 20, `${committedCount} transactions`);
    assert.equal(counts.total, 0);
  }).timeout(testMsMax);

  it('does the same things in the same order for the same seed, faults and all', async () => {
    const plan = calmPlan(4, {
      lossRate: 0.05,
      duplicateRate: 0.05,
      reorderRate: 0.05,
      replayRate: 0.05,
      cutEveryMs: 500,
      crashRate: 0.0005,
      slowSyncRate: 0.02,
      clockSkewMsMax: 300,
    });
    const first = await runSchedule({ seed: 7, plan });
    const second = await runSchedule({ seed: 7, plan });
    const other = await runSchedule({ seed: 8, plan });
    assert.equal(second.traceDigest, first.traceDigest);
    assert.equal(second.eventCount, first.eventCount);
    assert.notEqual(other.traceDigest, first.traceDigest);
  }).timeout(testMsMax);
});
