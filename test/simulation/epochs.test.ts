/** Voters that change under faults: random sets at random times, and the way from four to seven to five (consensus/README.md §5). */
import assert from 'node:assert/strict';
import { recover } from '../../consensus/recovery.ts';
import { step } from '../../consensus/replica.ts';
import { viewTimeoutMs } from '../../consensus/timeout.ts';
import { quorumSize } from '../../protocol/certificate.ts';
import { huntFailure, withMutant, type Mutation } from './mutant.ts';
import type { Plan } from './plan.ts';
import { carefulHost, runSchedule, type ScheduleReport } from './schedule.ts';
import type { Core } from './world.ts';

const core: Core = { step, recover, quorumSize };
const scheduleCount = 300;
const groupSize = 50;
const testMsMax = 120_000;

function run(seed: number, plan: Partial<Plan>): ScheduleReport {
  return runSchedule({ seed, voterCount: 4, core, flaws: carefulHost, plan });
}

function failureOf(seed: number, plan: Partial<Plan>): string | null {
  try {
    run(seed, plan);
    return null;
  } catch (error) {
    return `seed ${seed}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** In every third schedule most COMMITs are lost, so that only extensions make closing blocks final. */
function planOf(seed: number): Partial<Plan> {
  return { hasSwaps: true, commitLossRate: seed % 3 === 0 ? 0.8 : 0 };
}

describe('the rules of consensus hold while the voters change', () => {
  for (let first = 1; first <= scheduleCount; first += groupSize) {
    it(`to random sets of four to seven, with seeds ${first} to ${first + groupSize - 1}`, () => {
      const seeds = Array.from({ length: groupSize }, (_unused, index) => first + index);
      const failures = seeds.map((seed) => failureOf(seed, planOf(seed)));
      assert.deepEqual(
        failures.filter((failure) => failure !== null),
        [],
      );
    }).timeout(testMsMax);
  }

  it('from four to seven to five, under load and partitions, and no stall outlasts the healing by two view timeouts', () => {
    const everybody = [0, 1, 2, 3, 4, 5, 6];
    const swaps = [
      { atMs: 1_000, voters: everybody },
      { atMs: 4_000, voters: [0, 2, 4, 5, 6] },
    ];
    const calm = { byzantineCount: 0, crashRate: 0, massCrashMs: null, lossRate: 0, slowRate: 0 };
    // As on a devnet. With a shorter Δ it is not views that a stall is made of, but the second until a lost message is repeated (R8).
    const deltaMs = 500;
    const faults = { ...calm, hasPartitions: true, healMs: 6_000 };
    const plan = { ...faults, deltaMs, machineCount: 7, swaps, batchEveryMs: 50 };
    const stalls = Array.from({ length: 40 }, (_unused, index) => {
      const seed = index + 1;
      const { epoch, voterCount, stallMs } = run(seed, plan);
      assert.deepEqual([seed, epoch, voterCount], [seed, 3, 5]);
      return { seed, stallMs };
    });
    const stallMsMax = 2 * viewTimeoutMs(deltaMs, 0);
    assert.deepEqual(
      stalls.filter(({ stallMs }) => stallMs > stallMsMax),
      [],
    );
  }).timeout(testMsMax);
});

describe('the simulator of changing voters', () => {
  const mutants: readonly (readonly [string, Mutation, RegExp])[] = [
    [
      'a log whose records of the old epoch count in the new one (V6)',
      {
        file: 'consensus/recovery.js',
        text: 'records.filter((record) => placeOf(record).epoch === config.voters.epoch)',
        replacement: 'records',
      },
      /./,
    ],
    [
      'an ordinary block on a closing block that is not final (V3)',
      {
        file: 'consensus/epoch.js',
        text: 'return block === undefined ? null : closingOf(block.header, digest);',
        replacement: 'return null;',
      },
      /./,
    ],
    [
      'an epoch that goes on after its closing block (V4)',
      { file: 'consensus/chain.js', text: 'isClosed: nextVoterSet !== null', replacement: 'isClosed: false' },
      /./,
    ],
  ];
  for (const [name, mutation, reason] of mutants) {
    it(`catches ${name}`, async () => {
      const plan = { hasSwaps: true, commitLossRate: 0.8 };
      const failure = await withMutant([mutation], (mutant) =>
        huntFailure({ core: mutant, seedCountMax: 100, plan }),
      );
      assert.match(failure ?? 'no failure', reason);
    }).timeout(testMsMax);
  }
});
