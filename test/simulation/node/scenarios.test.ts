/** Schedules that are told step by step: what the swarm would meet once in a long while, or not for sure. */
import assert from 'node:assert/strict';
import { boot, switchOff } from './machine.ts';
import { calmPlan } from './plan.ts';
import { beginSchedule, runSchedule, type RunningWorld } from './schedule.ts';

const testMsMax = 120_000;
const minuteMs = 60_000;

/** Runs for a while, and gives how many blocks became final in it. */
async function blocksIn({ world, run }: RunningWorld, durationMs: number): Promise<number> {
  const before = world.watch.checks.finalHeightMax();
  await run(() => false, durationMs);
  return world.watch.checks.finalHeightMax() - before;
}

describe('a consortium of four', () => {
  it('commits within a second of the quorum’s return, though two were down for ten minutes', async () => {
    const running = await beginSchedule({ seed: 1, plan: calmPlan(4) });
    const { world, run } = running;
    await run(() => false, 3_000);
    const [first, second] = world.machines;
    assert.ok(first !== undefined && second !== undefined);
    switchOff(world, first);
    switchOff(world, second);
    // What was decided before may still be learnt, but nothing new is.
    await run(() => false, 1_000);
    assert.equal(await blocksIn(running, 10 * minuteMs), 0);
    const height = world.watch.checks.finalHeightMax();
    boot(world, first);
    await run(() => first.process?.engine?.isStarted === true, minuteMs);
    const backMs = world.nowMs;
    const hasCommitted = await run(() => world.watch.checks.finalHeightMax() > height, minuteMs);
    assert.ok(hasCommitted && world.nowMs - backMs <= 1_000, `${Math.round(world.nowMs - backMs)} ms`);
  }).timeout(testMsMax);

  it('keeps seven tenths of its block rate with one of them dead', async () => {
    const running = await beginSchedule({ seed: 1, plan: calmPlan(4, { submitEveryMs: 40 }) });
    const { world, run } = running;
    await run(() => false, 2_000);
    const whole = await blocksIn(running, 20_000);
    const [machine] = world.machines;
    assert.ok(machine !== undefined);
    switchOff(world, machine);
    await run(() => false, 10_000);
    const rest = await blocksIn(running, 20_000);
    assert.ok(rest >= 0.7 * whole, `${rest} blocks of ${whole}`);
  }).timeout(testMsMax);

  it('keeps every rule when a machine dies at any one operation of its disk', async () => {
    const plan = calmPlan(4, { healMs: 1_500, submitEveryMs: 100 });
    const { machines } = await runSchedule({ seed: 3, plan });
    const operationCount = machines[1]?.diskOperationCount ?? 0;
    assert.ok(operationCount > 80, `${operationCount} operations`);
    for (let operation = 1; operation <= operationCount; operation += 1) {
      const report = await runSchedule({ seed: 3, plan, crashAt: { machine: 1, operation } });
      const deathCount = report.counts.of('power lost') + report.counts.of('process killed');
      assert.equal(deathCount, 1, `operation ${operation}`);
    }
  }).timeout(10 * testMsMax);
});
