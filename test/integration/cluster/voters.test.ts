/**
 * From four voters to seven to five, as processes under load: newcomers that the genesis does not know, a partition that leaves nobody
 * a quorum, a kill in the middle of it, and members that go.
 */
import assert from 'node:assert/strict';
import { createConsortium } from '../../../devnet/cast.ts';
import { FaultyNetwork } from '../../../devnet/faults.ts';
import { seededRandom } from '../../../devnet/generator/random.ts';
import { startDevnet, type Supervisor } from '../../../devnet/supervisor.ts';
import { viewTimeoutMs } from '../../../consensus/timeout.ts';
import { quorumSize } from '../../../protocol/certificate.ts';
import {
  assertNothingLost,
  assertSameState,
  eventually,
  fatalLines,
  heightOf,
  pause,
  runningNames,
  startLoad,
  voters as founders,
  type Load,
} from '../../support/cluster.ts';
import { admit, approve, epochOf, inEpoch, promote, propose, votersOf } from '../../support/membership.ts';
import { withNewcomers } from '../../support/newcomers.ts';

const newcomers = ['hospital-2', 'pharmacy-2', 'courier'];
/** With seven voters a quorum is five: neither side has it. */
const sides = [
  ['hospital', 'clinic', 'hospital-2', 'courier'],
  ['pharmacy', 'insurer', 'pharmacy-2'],
] as const;
const leaving = ['clinic', 'courier'];
const partitionMs = 6_000;
/** Far more than it takes: how long it took is printed, and bounded where time is simulated (test/simulation/epochs.test.ts). */
const resumedMsMax = 60_000;
const afterEach = 20;

describe('voters that come and go under load', function votersThatComeAndGo() {
  this.timeout(600_000);
  let network: FaultyNetwork;
  let devnet: Supervisor;
  let load: Load;

  const heightMax = async (): Promise<number> =>
    Math.max(...(await Promise.all(runningNames(devnet).map(async (name) => heightOf(devnet, name)))));

  before(async () => {
    const cast = createConsortium({
      seed: 'voters',
      voterCount: 5,
      extraDoctorCount: 8,
      policy: { ratePerHour: { ordinary: 1_000_000, controlled: 10 } },
    });
    const consortium = withNewcomers(cast, newcomers);
    const names = consortium.members.map(({ name }) => name);
    network = new FaultyNetwork(names, seededRandom(1).fraction);
    devnet = await startDevnet({
      consortium,
      isKept: process.env['KEEP_CLUSTERS'] === '1',
      wires: async (ports) => network.lay(ports),
    });
    load = startLoad(devnet, 2, () => runningNames(devnet));
    await load.acknowledgesMore(afterEach);
  });

  after(async () => {
    await load.stop();
    await devnet.stopAll();
    await network.close();
  });

  it('take three newcomers in, which follow, and then vote', async () => {
    await Promise.all(
      newcomers.map(async (name) =>
        admit(devnet, name, { inviter: 'hospital', approving: ['hospital', 'clinic', 'pharmacy'] }),
      ),
    );
    const voting: string[] = [...founders];
    for (const name of newcomers) {
      await promote(devnet, name, { by: 'insurer', approving: voting.slice(0, quorumSize(voting.length)) });
      voting.push(name);
      await load.acknowledgesMore(afterEach);
    }
    assert.equal(await epochOf(devnet, 'clinic'), 4);
    assert.deepEqual(new Set(await votersOf(devnet, 'clinic')), new Set([...founders, ...newcomers]));
    await assertSameState(devnet);
  });

  it('stand still without a quorum on either side, though one dies meanwhile, and go on when the wires are mended', async () => {
    const motionId = await propose(devnet, 'hospital', { change: 'demote', member: 'clinic' });
    network.partition(sides);
    for (const name of ['hospital', 'pharmacy', 'insurer', 'pharmacy-2', 'courier']) {
      // The votes wait in their lanes: there is nobody who could order them.
      await devnet.client(name).call('member_vote', { motionId, approve: true, waitFor: 'accepted' });
    }
    const standing = await heightMax();
    await devnet.kill('hospital-2');
    await devnet.start('hospital-2');
    await pause(partitionMs);
    const height = await heightMax();
    assert.ok(height <= standing + 1, `from ${standing} to ${height}`);

    network.heal();
    const healedAt = performance.now();
    await eventually('a commit', async () => ((await heightMax()) > height ? true : null), resumedMsMax);
    const resumedMs = performance.now() - healedAt;
    const { deltaMs } = devnet.consortium.genesis.consensus;
    const timeouts = (resumedMs / viewTimeoutMs(deltaMs, 0)).toFixed(2);
    console.log(`      commits resumed ${resumedMs.toFixed(0)} ms after healing: ${timeouts} view timeouts`);
    await inEpoch(devnet, 5);
    await load.acknowledgesMore(afterEach);
  });

  it('let another one go, and are five', async () => {
    const motionId = await propose(devnet, 'hospital-2', { change: 'demote', member: 'courier' });
    await approve(devnet, motionId, ['hospital', 'insurer', 'pharmacy-2', 'hospital-2']);
    await inEpoch(devnet, 6);
    await load.acknowledgesMore(afterEach);
    const staying = [...founders, ...newcomers].filter((name) => !leaving.includes(name));
    assert.deepEqual(new Set(await votersOf(devnet, 'courier')), new Set(staying));
  });

  it('have every transaction that they acknowledged, once, and the same state, on every node', async () => {
    await load.stop();
    assert.ok(load.acknowledged.size > 100);
    assert.equal(runningNames(devnet).length, 7);
    await assertNothingLost(devnet, load);
    assert.deepEqual(fatalLines(devnet), []);
    console.log(`      ${load.acknowledged.size} of ${load.sentCount()} transactions were acknowledged`);
  });
});
