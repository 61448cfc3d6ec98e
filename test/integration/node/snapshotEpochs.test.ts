/** A newcomer joins from a snapshot of a later epoch than that of the genesis, the only thing that it knows. Real libp2p and LevelDB. */
import '../../../node/polyfill.ts';
import assert from 'node:assert/strict';
import { ed25519 } from '../../../node/ed25519.ts';
import type { Epoch } from '../../../protocol/brand.ts';
import { followClosing, trustGenesis } from '../../../protocol/lightClient.ts';
import type { MemberChange } from '../../../protocol/motion.ts';
import { verifyStamp } from '../../../protocol/stamp.ts';
import { verifyStateStamp } from '../../../protocol/stateStamp.ts';
import { valueOf } from '../../support/chain.ts';
import { anIssue, engineConsortium, type EngineConsortium, type EngineNode } from '../../support/engines.ts';
import { signApproval, signJoin, signMotion, signReady, type SignedMotion } from '../../support/governing.ts';
import { until } from '../../support/wait.ts';

const founders = ['hospital', 'clinic', 'pharmacy', 'insurer'];
const observer = 'pharmacy-2';
const newcomer = 'courier';
const consensus = { deltaMs: 500, blockIntervalMsMin: 0, heartbeatMs: 0 };
const everyBlocks = 5;

describe('a newcomer to a consortium in its third epoch', function aNewcomerToTheThirdEpoch() {
  this.timeout(240_000);
  let world: EngineConsortium;
  const running = new Map<string, EngineNode>();

  const at = (name: string): EngineNode => running.get(name) ?? assert.fail(`${name} runs`);
  const start = async (name: string): Promise<void> => {
    running.set(name, await world.start(name));
  };
  /** Resolves when every running node has the transaction as committed. */
  const commit = async (name: string, bytes: Uint8Array): Promise<string> => {
    await until(`the lane of ${name} is known`, () => at(name).stores.batches.isLaneKnown());
    const { txId } = valueOf(await at(name).engine.submit(bytes));
    await until(`${txId.slice(0, 8)} is final everywhere`, () =>
      [...running.values()].every(({ stores }) => stores.ledger.locate(txId) !== null),
    );
    assert.equal(at(name).engine.archive.receiptOf(txId)?.code, null);
    return txId;
  };
  const approve = async ({ motionId }: SignedMotion, names: readonly string[]): Promise<void> => {
    for (const name of names) await commit(name, signApproval(world.consortium, name, motionId).bytes);
  };
  const change = async (what: MemberChange, member: string, approving: readonly string[]): Promise<void> => {
    const { epoch } = at('hospital').engine.voters;
    const { height } = at('hospital').stores.ledger.head();
    const motion = signMotion(world.consortium, { by: 'hospital', change: what, member, height });
    await commit('hospital', motion.bytes);
    await approve(motion, approving);
    await until('all are in the next epoch', () =>
      [...running.values()].every(({ engine }) => engine.voters.epoch === epoch + 1),
    );
  };

  before(async () => {
    const options = { seed: 'snapshot epochs', consensus, newcomers: [newcomer] };
    world = await engineConsortium({ ...options, snapshotEveryBlocks: everyBlocks });
    await Promise.all([...founders, observer].map(async (name) => start(name)));
    for (const name of running.keys())
      await until(`${name} is connected`, () => at(name).engine.connected().length >= 4);
    await commit(observer, signReady(world.consortium, observer, 0).bytes);
    await change('promote', observer, ['hospital', 'clinic', 'pharmacy']);
    await change('demote', 'clinic', ['hospital', 'clinic', 'pharmacy', 'insurer']);
    const join = signJoin(world.consortium, 'hospital', newcomer);
    await commit('hospital', join.bytes);
    await approve(join, ['hospital', 'pharmacy', 'insurer']);
    const { height } = at('hospital').stores.ledger.head();
    while ((at('hospital').stores.snapshots.newest()?.height ?? 0) <= height)
      await commit('hospital', anIssue(world.consortium));
  });

  after(async () => {
    for (const node of running.values()) await node.stop();
    world.remove();
  });

  it('joins from a snapshot of that epoch, which it trusts for the genesis alone', async () => {
    const { height } = at('hospital').stores.snapshots.newest() ?? assert.fail('a snapshot');
    await start(newcomer);
    const { stores, engine, failures } = at(newcomer);
    assert.ok(stores.ledger.base >= height, `base ${stores.ledger.base}, snapshot ${height}`);
    assert.deepEqual([engine.voters.epoch, engine.voters.voters.length, failures], [3, 4, []]);
    for (const name of ['clinic', newcomer]) await commit(name, anIssue(world.consortium));
  });

  it('leads a light client over all epochs, though it never saw their blocks', () => {
    const { genesis } = world.consortium;
    const { archive } = at(newcomer).engine;
    const closings = archive.closings(1 as Epoch, 10);
    assert.equal(closings.length, 2);
    const trusts = closings.reduce(
      (steps, proof) => [...steps, valueOf(followClosing(steps.at(-1) ?? assert.fail(), proof, ed25519))],
      [trustGenesis(genesis)],
    );
    assert.deepEqual(
      trusts.map(({ voters }) => [voters.epoch, voters.voters.length]),
      [
        [1, 4],
        [2, 5],
        [3, 4],
      ],
    );
    const state = archive.stateStamp('voters') ?? assert.fail('a state stamp');
    assert.equal(valueOf(verifyStateStamp(state, genesis, ed25519)).header.epoch, 3);
  });

  it('becomes a voter, and stamps what is final in its own epoch', async () => {
    const { genesis } = world.consortium;
    const { height } = at(newcomer).stores.ledger.head();
    await commit(newcomer, signReady(world.consortium, newcomer, height).bytes);
    await change('promote', newcomer, ['hospital', 'pharmacy', 'insurer']);
    const { txId } = valueOf(await at(newcomer).engine.submit(anIssue(world.consortium)));
    await until('it is final', () => at(newcomer).stores.ledger.locate(txId) !== null);
    await until('it has signed', () => at(newcomer).engine.state.signed.view > 0);
    const stamp = at(newcomer).engine.archive.stamp(txId) ?? assert.fail('a stamp');
    assert.equal(valueOf(verifyStamp(stamp, genesis, ed25519)).header.epoch, 4);
    assert.deepEqual([...running.values()].map(({ failures }) => failures).flat(), []);
  });
});
