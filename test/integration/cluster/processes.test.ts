/** One process on one home: how it ends, and that no other one gets in. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { devnetPassphrase } from '../../../devnet/homes.ts';
import type { Supervisor } from '../../../devnet/supervisor.ts';
import {
  eventually,
  heightOf,
  nodeProgram,
  runCommand,
  startCluster,
  submit,
} from '../../support/cluster.ts';
import { signIssue } from '../../support/transactions.ts';

describe('the process of a node', function processOfNode() {
  this.timeout(180_000);
  let devnet: Supervisor;
  let child: ChildProcess;

  /** The insurer's node runs as our own child, so that its exit code is ours to see. */
  before(async () => {
    devnet = await startCluster('processes');
    await devnet.kill('insurer', 'SIGTERM');
    child = spawn(process.execPath, [nodeProgram, '--home', devnet.node('insurer').home, 'start'], {
      stdio: 'ignore',
      env: { ...process.env, RXLEDGER_PASSPHRASE: devnetPassphrase },
    });
    await eventually('the insurer answers', async () => heightOf(devnet, 'insurer'));
  });

  after(async () => {
    child.kill('SIGKILL');
    await devnet.stopAll();
  });

  it('keeps a second one out of its home, which is told why, and runs on', async () => {
    const { home } = devnet.node('insurer');
    const { exitCode, stderr } = await runCommand(home, ['start']);
    assert.deepEqual(
      [exitCode, stderr.trimEnd().split('\n').at(-1)],
      [1, 'try: another process runs on this home: stop it first, or use `rxledger status`'],
    );
    const { status } = await submit(devnet, 'insurer', signIssue(devnet.consortium, 'hospital', 0));
    assert.deepEqual([status, child.exitCode], ['committed', null]);
  });

  it('ends with 0 when it is asked to stop', async () => {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
  });
});
