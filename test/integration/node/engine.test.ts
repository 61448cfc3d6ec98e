/** Engines in one process, over real libp2p and LevelDB: agreement, catching up, fetching what gossip missed, and restarts. */
import '../../../node/polyfill.ts';
import assert from 'node:assert/strict';
import type { Digest, MemberName } from '../../../protocol/brand.ts';
import { valueOf } from '../../support/chain.ts';
import { anIssue, engineConsortium, type EngineConsortium, type EngineNode } from '../../support/engines.ts';
import { until } from '../../support/wait.ts';

const voters = ['hospital', 'clinic', 'pharmacy', 'insurer'];
const consensus = { deltaMs: 500, blockIntervalMsMin: 0, heartbeatMs: 0 };

describe('engines of a consortium', function enginesOfAConsortium() {
  this.timeout(120_000);
  let world: EngineConsortium;
  const running = new Map<string, EngineNode>();

  const start = async (...names: readonly string[]): Promise<void> => {
    const nodes = await Promise.all(names.map(async (name) => world.start(name)));
    for (const node of nodes) running.set(node.name, node);
  };
  const stop = async (name: string): Promise<void> => {
    await at(name).stop();
    running.delete(name);
  };
  const at = (name: string): EngineNode => running.get(name) ?? assert.fail(`${name} runs`);

  /** Submits an issue at a node and resolves with its id when every running node has it in its ledger. */
  const commitFrom = async (name: string): Promise<Digest> => {
    const { txId } = valueOf(await at(name).engine.submit(anIssue(world.consortium)));
    await until(`${txId.slice(0, 8)} is final everywhere`, () =>
      [...running.values()].every(({ stores }) => stores.ledger.locate(txId) !== null),
    );
    return txId;
  };

  /** Heads of all running nodes, once they stand at one height. */
  const heads = async (): Promise<readonly (readonly [number, Digest, Digest])[]> => {
    const heights = (): number[] => [...running.values()].map(({ stores }) => stores.ledger.head().height);
    await until('all stand at one height', () => new Set(heights()).size === 1);
    return [...running.values()].map(({ stores }) => {
      const { height, digest, stateRoot } = stores.ledger.head();
      return [height, digest, stateRoot];
    });
  };

  const assertAgreed = async (): Promise<void> => {
    const [first, ...others] = await heads();
    for (const other of others) assert.deepEqual(other, first);
    for (const { name, failures } of running.values()) assert.deepEqual([name, failures], [name, []]);
  };

  const connectedTo = async (name: string, count: number): Promise<void> =>
    until(`${name} is connected to ${count}`, () => at(name).engine.connected().length >= count);

  before(async () => {
    world = await engineConsortium({ seed: 'engines', consensus });
    await start(...voters, 'pharmacy-2');
    for (const name of running.keys()) await connectedTo(name, 4);
  });

  after(async () => {
    for (const node of running.values()) await node.stop();
    world.remove();
  });

  it('commit what any of them was given, and have one state, the observer too', async () => {
    const ids = [await commitFrom('hospital'), await commitFrom('insurer'), await commitFrom('pharmacy-2')];
    assert.equal(new Set(ids).size, 3);
    await assertAgreed();
    assert.equal(at('pharmacy-2').engine.state.signed.view, 0);
  });

  it('answer a submission once: the same bytes again are the same transaction', async () => {
    const bytes = anIssue(world.consortium);
    const { engine, stores } = at('hospital');
    const first = valueOf(await engine.submit(bytes));
    const outcome = await engine.tracker.wait(first.txId, 20_000);
    assert.equal(outcome.status, 'receipt');
    const { txId } = valueOf(await engine.submit(bytes));
    assert.equal(txId, first.txId);
    assert.equal(engine.mempoolSize.count, 0);
    assert.notEqual(stores.ledger.locate(txId), null);
  });

  it('go on without one voter, which catches up by height when it is back', async () => {
    await stop('insurer');
    for (let count = 0; count < 6; count += 1) await commitFrom('hospital');
    await start('insurer');
    await assertAgreed();
    await commitFrom('insurer');
    await assertAgreed();
  });

  it('take a voter back on its safety log: it signs on above what it has signed', async () => {
    const signed = at('clinic').engine.state.signed;
    await stop('clinic');
    await start('clinic');
    assert.ok(at('clinic').engine.state.signed.view >= signed.view);
    await commitFrom('clinic');
    await assertAgreed();
    assert.ok(at('clinic').engine.state.signed.view > signed.view);
  });

  it('stop and start all together, and go on where they were', async () => {
    const [before] = await heads();
    for (const name of running.keys()) await stop(name);
    await start(...voters, 'pharmacy-2');
    const [afterwards] = await heads();
    assert.deepEqual(afterwards, before);
    await commitFrom('pharmacy');
    await assertAgreed();
  });

  it('fetch a batch that gossip did not bring', async () => {
    const { engine } = at('insurer');
    const add = engine.pool.add.bind(engine.pool);
    const missed: MemberName[] = [];
    // The insurer is deaf to gossip: only what a block names comes in.
    engine.pool.add = (batch, options) => {
      if (options.isOrdered) return add(batch, options);
      missed.push(batch.batch.member);
      return 'overQuota';
    };
    await commitFrom('hospital');
    await assertAgreed();
    assert.ok(missed.includes('hospital' as MemberName));
  });
});
