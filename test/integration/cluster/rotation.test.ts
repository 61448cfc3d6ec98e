/** A voter's consensus key is rotated while its process runs, once with crashes around it; no other voter can be spared meanwhile. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import type { Supervisor } from '../../../devnet/supervisor.ts';
import type { PublicKey } from '../../../protocol/brand.ts';
import { layoutOf, rotatedSafetyOf } from '../../../node/storage/layout.ts';
import {
  assertNothingLost,
  eventually,
  fatalLines,
  runCommand,
  startCluster,
  startLoad,
  type Load,
} from '../../support/cluster.ts';
import { approve, epochOf, inEpoch } from '../../support/membership.ts';

const rotating = 'pharmacy';
const others = ['hospital', 'clinic', 'insurer'];
const afterEach = 20;

describe('the rotation of a consensus key', function rotationOfAConsensusKey() {
  this.timeout(600_000);
  let devnet: Supervisor;
  let load: Load;

  const home = (): string => devnet.node(rotating).home;
  const keyOnChain = async (): Promise<PublicKey> => {
    const { member } = await devnet.client('hospital').call('member_get', { name: rotating });
    return member.consensusKey.slice('0x'.length) as PublicKey;
  };
  /** Makes the next key and moves that it be taken; the motion's id. */
  const moveRotation = async (): Promise<string> => {
    const { exitCode, stdout, stderr } = await runCommand(home(), ['--json', 'keys', 'rotate-consensus']);
    assert.equal(exitCode, 0, stderr);
    const { motionId } = JSON.parse(stdout) as { readonly motionId: string };
    return motionId;
  };
  const consensusKeyFiles = (): readonly string[] =>
    readdirSync(layoutOf(home()).keys).filter((name) => name.startsWith('consensus'));
  const ownLogHasSegments = (key: PublicKey): boolean => {
    const directory = rotatedSafetyOf(layoutOf(home()), key);
    return existsSync(directory) && readdirSync(directory).some((name) => name.startsWith('segment-'));
  };
  /** Of four voters three are a quorum: without the insurer nothing is committed that the pharmacy does not vote for. */
  const votes = async (): Promise<void> => {
    await eventually('it votes', async () => {
      const { ready } = await devnet.client(rotating).call('node_health', {});
      return ready.ok ? true : null;
    });
    await devnet.kill('insurer');
    await load.acknowledgesMore(afterEach);
    await devnet.start('insurer');
    await devnet.waitUntilReady('insurer');
    await load.acknowledgesMore(afterEach);
  };

  before(async () => {
    devnet = await startCluster('rotation');
    load = startLoad(devnet, 2);
    await load.acknowledgesMore(afterEach);
  });

  after(async () => {
    await load.stop();
    await devnet.stopAll();
  });

  it('takes effect with the next epoch: the node starts again by itself and votes under the new key', async () => {
    const before = await keyOnChain();
    const pid = devnet.node(rotating).pid;
    await approve(devnet, await moveRotation(), others);
    await inEpoch(devnet, 2);
    const key = await keyOnChain();
    assert.notEqual(key, before);
    assert.deepEqual(consensusKeyFiles(), ['consensus-2.json', 'consensus.json']);
    assert.ok(ownLogHasSegments(key));
    await votes();
    assert.equal(devnet.node(rotating).pid, pid);
  });

  it('goes on with the key that was made, if the command is repeated before the vote', async () => {
    await moveRotation();
    const motionId = await moveRotation();
    assert.deepEqual(consensusKeyFiles(), ['consensus-2.json', 'consensus-3.json', 'consensus.json']);
    await devnet.kill(rotating);
    await devnet.start(rotating);
    await devnet.waitUntilReady(rotating);
    assert.equal(await epochOf(devnet, rotating), 2);
    // Still the second one: a key in the keystore is nothing before the ledger names it.
    await votes();
    await approve(devnet, motionId, ['hospital', 'clinic']);
  });

  it('takes effect at a node that was dead when its epoch ended', async () => {
    const before = await keyOnChain();
    const { items } = await devnet.client('hospital').call('motion_list', {});
    const open = items.find(({ status }) => status === 'open')?.motionId ?? assert.fail('an open motion');
    await devnet.kill(rotating);
    await approve(devnet, open, ['insurer']);
    await inEpoch(devnet, 3);
    assert.notEqual(await keyOnChain(), before);
    await devnet.start(rotating);
    await inEpoch(devnet, 3);
    assert.ok(ownLogHasSegments(await keyOnChain()));
    await votes();
  });

  it('costs no transaction, and ends no process', async () => {
    await load.stop();
    await assertNothingLost(devnet, load);
    assert.deepEqual(fatalLines(devnet), []);
  });
});
