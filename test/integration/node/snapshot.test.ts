/** A voter that lost its data comes back from a snapshot of the others, over real libp2p and LevelDB, while they commit. */
import '../../../node/polyfill.ts';
import assert from 'node:assert/strict';
import type { Digest } from '../../../protocol/brand.ts';
import { manifestDigest, type SnapshotManifest } from '../../../protocol/snapshot.ts';
import { valueOf } from '../../support/chain.ts';
import {
  anIssue,
  engineConsortium,
  type EngineConsortium,
  type EngineNode,
  type Liar,
} from '../../support/engines.ts';
import { until } from '../../support/wait.ts';

const voters = ['hospital', 'clinic', 'pharmacy', 'insurer'];
const consensus = { deltaMs: 500, blockIntervalMsMin: 0, heartbeatMs: 0 };
const everyBlocks = 5;

describe('a node that lost its data', function aNodeThatLostItsData() {
  this.timeout(120_000);
  let world: EngineConsortium;
  const running = new Map<string, EngineNode>();

  const at = (name: string): EngineNode => running.get(name) ?? assert.fail(`${name} runs`);
  const start = async (name: string, lie?: Liar): Promise<void> => {
    running.set(name, await world.start(name, lie));
  };
  const stop = async (name: string): Promise<void> => {
    await at(name).stop();
    running.delete(name);
  };
  const heightOf = (name: string): number => at(name).stores.ledger.head().height;
  const commitFrom = async (name: string): Promise<Digest> => {
    await until(`the lane of ${name} is known`, () => at(name).stores.batches.isLaneKnown());
    const { txId } = valueOf(await at(name).engine.submit(anIssue(world.consortium)));
    await until(`${txId.slice(0, 8)} is final everywhere`, () =>
      [...running.values()].every(({ stores }) => stores.ledger.locate(txId) !== null),
    );
    return txId;
  };
  const newestOf = (name: string): SnapshotManifest | null => at(name).stores.snapshots.newest();
  /** Blocks until these have a snapshot of one height that is newer than what they had. */
  const snapshotAt = async (...names: readonly string[]): Promise<SnapshotManifest> => {
    const heights = (): number[] => names.map((name) => newestOf(name)?.height ?? 0);
    const before = Math.max(...heights());
    while (Math.min(...heights()) <= before) await commitFrom(names[0] ?? '');
    return newestOf(names[0] ?? '') ?? assert.fail('a snapshot');
  };
  const assertAgreed = async (): Promise<void> => {
    const nodes = [...running.values()];
    await until(
      'all stand at one height',
      () => new Set(nodes.map(({ stores }) => stores.ledger.head().height)).size === 1,
    );
    const roots = new Set(nodes.map(({ stores }) => stores.ledger.head().stateRoot));
    assert.equal(roots.size, 1);
    for (const { name, failures } of nodes) assert.deepEqual([name, failures], [name, []]);
  };

  before(async () => {
    world = await engineConsortium({ seed: 'snapshots', consensus, snapshotEveryBlocks: everyBlocks });
    await Promise.all(voters.map(async (name) => start(name)));
    for (const name of voters)
      await until(`${name} is connected`, () => at(name).engine.connected().length >= 3);
  });

  after(async () => {
    for (const node of running.values()) await node.stop();
    world.remove();
  });

  it('finds the same snapshot at every member', async () => {
    const manifest = await snapshotAt('hospital', 'clinic', 'pharmacy', 'insurer');
    for (const name of voters) {
      const other = newestOf(name) ?? assert.fail('a snapshot');
      if (other.height === manifest.height)
        assert.equal(manifestDigest(other), manifestDigest(manifest), name);
    }
    const { stores } = at('clinic');
    assert.equal(stores.ledger.blockAt(manifest.height)?.block.header.stateRoot, manifest.stateRoot);
  });

  it('comes back from it with an empty directory, while the others commit, and votes on', async () => {
    await stop('insurer');
    world.emptyData('insurer');
    const signed = at('hospital').engine.state.view;
    const [, ...ids] = await Promise.all([start('insurer'), commitFrom('hospital'), commitFrom('clinic')]);
    const { stores, engine } = at('insurer');
    assert.ok(stores.ledger.base >= everyBlocks, `base ${stores.ledger.base}`);
    await until('it has caught up', () => ids.every((txId) => stores.ledger.locate(txId) !== null));
    await commitFrom('insurer');
    await assertAgreed();
    await until('it votes', () => engine.state.signed.view > signed);
  });

  it('says nothing of the blocks before, and serves those after', async () => {
    const { ledger } = at('insurer').stores;
    assert.equal(ledger.blockAt(1), null);
    assert.deepEqual(ledger.blocksFrom(1, 10), []);
    assert.equal(ledger.receiptsAt(ledger.base), null);
    assert.equal(ledger.blocksFrom(ledger.base + 1, 10)[0]?.block.header.height, ledger.base + 1);
  });

  it('makes the same snapshots as those that have the whole history, and serves them', async () => {
    const manifest = await snapshotAt('insurer', 'hospital');
    const other = newestOf('hospital') ?? assert.fail('a snapshot');
    assert.equal(manifestDigest(other), manifestDigest(manifest));
  });

  it('drops a server of wrong chunks and takes them from the others', async () => {
    await stop('insurer');
    await stop('clinic');
    let lies = 0;
    await start('clinic', (request) => {
      if (request.kind !== 'snapshotChunk') return null;
      lies += 1;
      return { kind: 'snapshotChunk', bytes: new Uint8Array(100) };
    });
    world.emptyData('insurer');
    await start('insurer');
    assert.ok(at('insurer').stores.ledger.base >= everyBlocks);
    assert.ok(lies <= 2);
    await commitFrom('insurer');
    await assertAgreed();
  });

  it('goes on with another server when one dies in the middle', async () => {
    await stop('insurer');
    await stop('clinic');
    const dying: Promise<void>[] = [];
    await start('clinic', (request) => {
      if (request.kind !== 'snapshotChunk') return null;
      if (dying.length === 0) dying.push(stop('clinic'));
      return new Promise<null>(() => undefined);
    });
    world.emptyData('insurer');
    await start('insurer');
    assert.ok(at('insurer').stores.ledger.base >= everyBlocks);
    assert.equal(dying.length, 1);
    await Promise.all(dying);
    await start('clinic');
    await commitFrom('insurer');
    await assertAgreed();
  });

  it('joins from blocks when no snapshot verifies', async () => {
    const lie: Liar = (request) => {
      if (request.kind !== 'snapshotChunk') return null;
      return { kind: 'refused', code: 'snapshotUnknown' };
    };
    for (const name of voters) await stop(name);
    world.emptyData('insurer');
    await Promise.all(voters.map(async (name) => start(name, name === 'insurer' ? undefined : lie)));
    assert.equal(at('insurer').stores.ledger.base, 0);
    await until('it has caught up', () => heightOf('insurer') === heightOf('hospital'));
    await commitFrom('hospital');
    await assertAgreed();
  });
});
