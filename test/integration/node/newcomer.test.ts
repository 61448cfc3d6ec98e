/** A member that the genesis does not know: invited, admitted, in step, promoted, voting, and thrown out. Real libp2p and LevelDB. */
import '../../../node/polyfill.ts';
import assert from 'node:assert/strict';
import type { MemberChange } from '../../../protocol/motion.ts';
import { valueOf } from '../../support/chain.ts';
import { anIssue, engineConsortium, type EngineConsortium, type EngineNode } from '../../support/engines.ts';
import { signApproval, signJoin, signMotion, signReady, type SignedMotion } from '../../support/governing.ts';
import { until } from '../../support/wait.ts';

const founders = ['hospital', 'clinic', 'pharmacy', 'insurer'];
const newcomer = 'pharmacy-2';
const consensus = { deltaMs: 500, blockIntervalMsMin: 0, heartbeatMs: 0 };

describe('a newcomer to a running consortium', function aNewcomer() {
  this.timeout(120_000);
  let world: EngineConsortium;
  let starting: Promise<EngineNode>;
  const running = new Map<string, EngineNode>();

  const at = (name: string): EngineNode => running.get(name) ?? assert.fail(`${name} runs`);
  const start = async (name: string): Promise<void> => {
    running.set(name, await world.start(name));
  };
  const stop = async (name: string): Promise<void> => {
    await at(name).stop();
    running.delete(name);
  };

  /** Resolves when every running node has the transaction as committed. */
  const commit = async (name: string, bytes: Uint8Array): Promise<void> => {
    const { txId } = valueOf(await at(name).engine.submit(bytes));
    await until(`${txId.slice(0, 8)} is final everywhere`, () =>
      [...running.values()].every(({ stores }) => stores.ledger.locate(txId) !== null),
    );
    assert.equal(at(name).engine.archive.receiptOf(txId)?.code, null);
  };
  const approve = async ({ motionId }: SignedMotion, names: readonly string[]): Promise<void> => {
    for (const name of names) await commit(name, signApproval(world.consortium, name, motionId).bytes);
  };
  const move = async (change: MemberChange): Promise<SignedMotion> => {
    const { height } = at('hospital').stores.ledger.head();
    const motion = signMotion(world.consortium, { by: 'hospital', change, member: newcomer, height });
    await commit('hospital', motion.bytes);
    return motion;
  };
  const connectedTo = (name: string): readonly string[] => at(name).engine.connected();

  before(async () => {
    world = await engineConsortium({
      seed: 'newcomer',
      consensus,
      newcomers: [newcomer, 'courier'],
      snapshotEveryBlocks: 0,
    });
    for (const node of await Promise.all(founders.map(async (name) => world.start(name))))
      running.set(node.name, node);
    for (const name of founders)
      await until(`${name} is connected`, () => connectedTo(name).length === founders.length - 1);
    await commit('hospital', anIssue(world.consortium));
    starting = world.start(newcomer);
  });

  after(async () => {
    for (const node of running.values()) await node.stop();
    world.remove();
  });

  it('turns it away as a stranger before its join is final', async () => {
    await until('it has knocked', () => world.turnedAway.includes('stranger'));
    const join = signJoin(world.consortium, 'hospital', newcomer);
    await commit('hospital', join.bytes);
    await approve(join, ['hospital', 'clinic']);
    assert.equal(founders.flatMap(connectedTo).includes(newcomer), false);
    await approve(join, ['pharmacy']);
  });

  it('lets it in then, and it follows', async () => {
    running.set(newcomer, await starting);
    for (const name of founders)
      await until(`${name} has let it in`, () => connectedTo(name).includes(newcomer));
    assert.equal(at(newcomer).engine.state.config.own, null);
    for (const name of ['clinic', newcomer]) await commit(name, anIssue(world.consortium));
  });

  it('lets it in again after a restart of either side', async () => {
    await stop('clinic');
    await start('clinic');
    await until('the clinic has let it in', () => connectedTo('clinic').includes(newcomer));
    await stop(newcomer);
    await start(newcomer);
    await until('all are connected', () => connectedTo(newcomer).length === founders.length);
    await commit('clinic', anIssue(world.consortium));
  });

  it('makes a voter of it when it is in step', async () => {
    const { height } = at(newcomer).stores.ledger.head();
    await commit(newcomer, signReady(world.consortium, newcomer, height).bytes);
    await approve(await move('promote'), ['hospital', 'clinic', 'pharmacy']);
    await until('all are in the next epoch', () =>
      [...running.values()].every(({ engine }) => engine.voters.epoch === 2),
    );
    for (const name of [...founders, newcomer]) await commit(name, anIssue(world.consortium));
    await until('it has signed', () => at(newcomer).engine.state.signed.view > 0);
  });

  it('cuts it off when it is suspended, as soon as it votes no longer', async () => {
    const { engine, stop: stopNewcomer, failures } = at(newcomer);
    const motion = await move('suspend');
    running.delete(newcomer);
    await approve(motion, founders);
    await until('the others are in the next epoch', () =>
      founders.every((name) => at(name).engine.voters.epoch === 3),
    );
    await until('nobody is connected with it', () => engine.connected().length === 0);
    assert.equal(founders.flatMap(connectedTo).includes(newcomer), false);
    await commit('insurer', anIssue(world.consortium));
    await stopNewcomer();
    assert.deepEqual([failures, ...founders.map((name) => at(name).failures)], [[], [], [], [], []]);
  });
});
