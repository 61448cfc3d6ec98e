/** Voters as processes that lost something: the ledger is repaired from the others, a lost safety log is lived without. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Supervisor } from '../../../devnet/supervisor.ts';
import { homePaths } from '../../../node/home.ts';
import {
  assertSameState,
  eventually,
  runCommand,
  startCluster,
  startLoad,
  type Load,
} from '../../support/cluster.ts';

describe('a voter that lost', function voterThatLost() {
  this.timeout(120_000);
  let devnet: Supervisor;
  let load: Load;

  before(async () => {
    devnet = await startCluster('lost');
    load = startLoad(devnet, 2);
    await load.acknowledgesMore(20);
  });

  after(async () => {
    await load.stop();
    await devnet.stopAll();
  });

  it('a part of its ledger is refused at the start, told one command, and goes on after it', async () => {
    const { home } = devnet.node('insurer');
    const { ledger } = homePaths(home);
    await devnet.kill('insurer');
    const name = readdirSync(ledger).find((candidate) => candidate.startsWith('MANIFEST'));
    assert.ok(name !== undefined);
    const bytes = readFileSync(join(ledger, name));
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    writeFileSync(join(ledger, name), bytes);
    const refused = await runCommand(home, ['start']);
    assert.deepEqual(
      [refused.exitCode, refused.stderr.trimEnd().split('\n').slice(-2)],
      [
        4,
        [
          `error: ledger/${name}: a record has a wrong checksum`,
          'try: run `rxledger repair --from-peers` while this node is stopped',
        ],
      ],
    );
    const repaired = await runCommand(home, ['repair', '--from-peers']);
    assert.match(repaired.stdout, /^ledger {3}built anew up to height \d+, every block verified\n/);
    assert.equal(existsSync(join(home, 'damaged-1')), true);
    await devnet.start('insurer');
    await devnet.waitUntilReady('insurer');
    await load.acknowledgesMore(10);
    await assertSameState(devnet);
  });

  it('its safety log observes, and votes again when three others have told it their views', async () => {
    const { home } = devnet.node('clinic');
    await devnet.kill('clinic');
    rmSync(homePaths(home).safety, { recursive: true });
    await devnet.start('clinic');
    await devnet.waitUntilReady('clinic');
    await load.acknowledgesMore(10);
    const isVoting = async (): Promise<boolean> => {
      const { stdout } = await runCommand(home, ['status']);
      return !stdout.includes('Lost its safety log');
    };
    await eventually('the clinic votes again', async () => ((await isVoting()) ? true : null));
    // With another voter gone, no block is possible without its vote.
    await devnet.kill('pharmacy');
    await load.acknowledgesMore(10);
    await assertSameState(devnet);
  });
});
