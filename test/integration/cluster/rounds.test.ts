/** Random kill -9 of voters, one or several at once, also while they start; what was acknowledged survives all of it. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import type { Supervisor } from '../../../devnet/supervisor.ts';
import {
  assertNothingLost,
  fatalLines,
  pause,
  runningVoters,
  startCluster,
  startLoad,
  voters,
  type Load,
} from '../../support/cluster.ts';
import { seededRandom, type Random } from '../../../devnet/generator/random.ts';

const roundCount = 20;
const pauseMsMax = 400;
/** The longest that a node takes from its first instruction to its first vote, more or less. */
const startMsMax = 2_500;

/** One to four voters. */
function someOf(random: Random): readonly string[] {
  const rest: string[] = [...voters];
  const count = 1 + random.below(voters.length);
  return Array.from({ length: count }, () => rest.splice(random.below(rest.length), 1)).flat();
}

describe('twenty rounds of random kills', function twentyRounds() {
  this.timeout(600_000);
  const seed = Number(process.env['CLUSTER_SEED'] ?? randomInt(2 ** 31));
  let devnet: Supervisor;
  let load: Load;

  before(async () => {
    console.log(`      CLUSTER_SEED=${seed}`);
    devnet = await startCluster(`rounds-${seed}`);
    await Promise.all([devnet.kill('courier', 'SIGTERM'), devnet.kill('pharmacy-2', 'SIGTERM')]);
    load = startLoad(devnet, 2);
    await load.acknowledgesMore(10);
  });

  after(async () => {
    await load.stop();
    await devnet.stopAll();
  });

  /** Killed again at a random point of its start, which then must not matter. */
  const startAndKill = async (name: string, atMs: number): Promise<void> => {
    const starting = devnet.start(name).catch(() => undefined);
    await pause(atMs);
    await devnet.kill(name);
    await starting;
  };

  const playRound = async (random: Random): Promise<void> => {
    await pause(random.below(pauseMsMax));
    const killed = someOf(random);
    await Promise.all(killed.map((name) => devnet.kill(name)));
    if (random.chance(0.25)) {
      const moments = killed.map((name) => [name, random.below(startMsMax)] as const);
      await Promise.all(moments.map(([name, atMs]) => startAndKill(name, atMs)));
    }
    await Promise.all(killed.map((name) => devnet.start(name)));
    assert.deepEqual(runningVoters(devnet), voters);
  };

  it('never leave a node that cannot start', async () => {
    const random = seededRandom(seed);
    for (let round = 0; round < roundCount; round += 1) await playRound(random);
    await Promise.all(voters.map((name) => devnet.waitUntilReady(name)));
    await load.acknowledgesMore(10);
    assert.deepEqual(fatalLines(devnet), []);
  });

  it('lose no transaction that was acknowledged, and execute none twice', async () => {
    await load.stop();
    console.log(`      ${load.acknowledged.size} of ${load.sentCount()} transactions were acknowledged`);
    await assertNothingLost(devnet, load);
  });
});
