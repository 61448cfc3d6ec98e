/** Voters that come and go in the whole node, told step by step; the swarm does it at random. */
import assert from 'node:assert/strict';
import { calmPlan } from './plan.ts';
import { runSchedule } from './schedule.ts';

const testMsMax = 120_000;
/** The view timeout of a calm view is 3Δ. */
const viewTimeoutMs = 300;

describe('the simulated node whose voters change', () => {
  it('goes from four to seven to five under load and a partition, and progress is back within two view timeouts', async () => {
    const plan = calmPlan(4, {
      observerCount: 1,
      newcomerCount: 2,
      submitEveryMs: 40,
      healMs: 4_000,
      cutEveryMs: 700,
      oldEpochRate: 0.05,
    });
    let outdatedCount = 0;
    for (const seed of [1, 2, 3]) {
      const report = await runSchedule({
        seed,
        plan,
        orders: [
          { kind: 'admit', machine: 5 },
          { kind: 'admit', machine: 6 },
          { kind: 'promote', machine: 4 },
          { kind: 'promote', machine: 5 },
          { kind: 'promote', machine: 6 },
          { kind: 'demote', machine: 1 },
          { kind: 'remove', machine: 3 },
        ],
      });
      const names = report.voters.voters.map(({ name }) => name);
      assert.deepEqual(
        [seed, report.voters.epoch, names],
        [seed, 6, ['node-0', 'node-2', 'node-4', 'node-5', 'node-6']],
      );
      assert.equal(report.evidenceCount, 0);
      outdatedCount += report.counts.of('message of an older epoch');
      // The five blocks that follow take their own time, and a tick may pass before the first.
      assert.ok(report.recoveryMs < 2 * viewTimeoutMs + 3_000, `seed ${seed}: ${report.recoveryMs} ms`);
    }
    assert.ok(outdatedCount > 0);
  }).timeout(testMsMax);

  it('goes on with a voter under a new key, which begins a new safety log and listens first (W6)', async () => {
    const report = await runSchedule({
      seed: 1,
      plan: calmPlan(4),
      orders: [{ kind: 'rotate', machine: 2 }],
    });
    assert.equal(report.voters.epoch, 2);
    const [machine] = report.machines.filter(({ keyGeneration }) => keyGeneration > 0);
    const { state } = machine?.process?.engine ?? {};
    assert.deepEqual([machine?.index, state?.config.own], [2, 2]);
    assert.ok((state?.signed.view ?? 0) > 0, 'it votes');
  }).timeout(testMsMax);

  it('finds evidence against a voter that equivocates, and never against another', async () => {
    let evidenceCount = 0;
    for (let seed = 1; seed <= 4; seed += 1) {
      const plan = calmPlan(4, { byzantineCount: 1, observerCount: 1, changeEveryMs: 200 });
      evidenceCount += (await runSchedule({ seed, plan })).evidenceCount;
    }
    assert.ok(evidenceCount > 0);
  }).timeout(testMsMax);
});
