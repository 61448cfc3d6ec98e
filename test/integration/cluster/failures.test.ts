/** Four voters and two observers as processes, under a load of signed prescriptions, while voters are killed. */
import assert from 'node:assert/strict';
import type { Supervisor } from '../../../devnet/supervisor.ts';
import {
  assertNothingLost,
  assertSameState,
  eventually,
  heightOf,
  runCommand,
  startCluster,
  startLoad,
  type Load,
} from '../../support/cluster.ts';

describe('a consortium under load', function consortiumUnderLoad() {
  this.timeout(180_000);
  let devnet: Supervisor;
  let load: Load;

  before(async () => {
    devnet = await startCluster('failures');
    load = startLoad(devnet);
    await load.acknowledgesMore(20);
  });

  after(async () => {
    await load.stop();
    await devnet.stopAll();
  });

  it('goes on when its leader is killed, which catches up to the same state when it comes back', async () => {
    const { leader } = await devnet.client('hospital').call('consensus_state', {});
    assert.ok(leader !== null);
    await devnet.kill(leader);
    await load.acknowledgesMore(50);
    await devnet.start(leader);
    await devnet.waitUntilReady(leader);
    await load.acknowledgesMore(20);
    await assertSameState(devnet);
  });

  it('says whom it waits for when two of four are killed, and goes on when they are back', async () => {
    const heightBefore = await heightOf(devnet, 'hospital');
    await Promise.all([devnet.kill('clinic'), devnet.kill('insurer')]);
    const { home } = devnet.node('hospital');
    const said = await eventually('status says that it is stalled', async () => {
      const { exitCode, stdout } = await runCommand(home, ['status']);
      const sentence = stdout.trimEnd().split('\n').at(-1) ?? '';
      return exitCode === 3 && sentence.includes('Stalled') ? sentence : null;
    });
    assert.match(
      said,
      /^not ready: Stalled \d+ s at view \d+: waiting for 1 of \{clinic, insurer\}; clinic last heard \d+ s ago, insurer last heard \d+ s ago\.$/,
    );
    const heightStalled = await heightOf(devnet, 'hospital');
    assert.ok(heightStalled >= heightBefore);
    const startedAt = performance.now();
    await Promise.all([devnet.start('clinic'), devnet.start('insurer')]);
    const answeredAt = performance.now();
    await eventually('the next block', async () =>
      (await heightOf(devnet, 'hospital')) > heightStalled ? true : null,
    );
    const resumedAt = performance.now();
    const seconds = (from: number, to: number): string => ((to - from) / 1_000).toFixed(1);
    console.log(
      `      commits resumed ${seconds(startedAt, resumedAt)} s after the processes were started (they answered after ${seconds(startedAt, answeredAt)} s)`,
    );
    await load.acknowledgesMore(20);
  });

  it('has every transaction that it acknowledged on every node, once, at the same place', async () => {
    await load.stop();
    assert.ok(load.acknowledged.size > 100);
    await assertNothingLost(devnet, load);
  });
});
