/** Two thousand schedules of the whole node, each with faults of its own choice. A failure names the command that repeats it. */
import assert from 'node:assert/strict';
import { describeSwarm, runSwarm } from './swarm.ts';

const scheduleCount = 2_000;
/** The core alone, which is where the rule stands, forgets in a thousand more. */
const forgetfulCount = 200;
const faultCountMin = 1_000_000;
const testMsMax = 1_800_000;

describe('the whole node', () => {
  it(`keeps every rule in the schedules with seeds 1 to ${scheduleCount}`, async () => {
    const report = await runSwarm({
      firstSeed: 1,
      seedCount: scheduleCount,
      variant: 'usual',
      onDone: () => undefined,
    });
    console.log(describeSwarm(report));
    assert.deepEqual(report.failures, []);
    assert.ok(report.faultCount >= faultCountMin, `${report.faultCount} faults`);
  }).timeout(testMsMax);

  it(`never contradicts itself in ${forgetfulCount} schedules in which it loses its safety log or all but its keys (W6)`, async () => {
    const report = await runSwarm({
      firstSeed: 1,
      seedCount: forgetfulCount,
      variant: 'forgetful',
      onDone: () => undefined,
    });
    console.log(describeSwarm(report));
    assert.deepEqual(report.failures, []);
  }).timeout(testMsMax);
});
