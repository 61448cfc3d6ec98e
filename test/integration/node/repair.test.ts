/** A damaged ledger built anew from the others: real engines, real LevelDB, over libp2p. */
import '../../../node/polyfill.ts';
import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBatches } from '../../../node/storage/batches.ts';
import { systemDisk } from '../../../node/storage/disk.ts';
import { layoutOf } from '../../../node/storage/layout.ts';
import type { Digest, Id } from '../../../protocol/brand.ts';
import { valueOf } from '../../support/chain.ts';
import { filesBelow } from '../../support/dataDirectory.ts';
import { anIssue, engineConsortium, type EngineConsortium, type EngineNode } from '../../support/engines.ts';
import { until } from '../../support/wait.ts';
import { failsWith } from '../../unit/storage/builders.ts';

const others = ['hospital', 'pharmacy', 'insurer'];
const consensus = { deltaMs: 500, blockIntervalMsMin: 0, heartbeatMs: 0 };
const document = {
  rxId: '0a'.repeat(16) as Id,
  blobHash: '0b'.repeat(32) as Digest,
  bytes: new Uint8Array([1, 2]),
};

function flipBitIn(directory: string, name: RegExp): void {
  const found = readdirSync(directory).find((candidate) => name.test(candidate));
  assert.ok(found !== undefined);
  const path = join(directory, found);
  const bytes = readFileSync(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

describe('repair from peers', function repairFromPeersSuite() {
  this.timeout(120_000);
  let world: EngineConsortium;
  let running: readonly EngineNode[] = [];
  const txIds: Digest[] = [];

  const commit = async (): Promise<void> => {
    const [hospital] = running;
    assert.ok(hospital !== undefined);
    const { txId } = valueOf(await hospital.engine.submit(anIssue(world.consortium)));
    await until('it is final', () => running.every(({ stores }) => stores.ledger.locate(txId) !== null));
    txIds.push(txId);
  };

  /** The clinic as it stopped, at some height, with a document of its own. */
  before(async () => {
    world = await engineConsortium({ seed: 'repair', consensus });
    running = await Promise.all([...others, 'clinic'].map(async (name) => world.start(name)));
    for (let count = 0; count < 5; count += 1) await commit();
    const clinic = running.at(-1);
    assert.ok(clinic !== undefined);
    await clinic.stores.sealed.put(document);
    await clinic.stop();
    running = running.slice(0, -1);
    await commit();
  });

  after(async () => {
    await Promise.all(running.map(async ({ stop }) => stop()));
    world.remove();
  });

  const home = (): string => world.homeOf('clinic');
  const untouched = (): ReadonlyMap<string, Buffer> => filesBelow(layoutOf(home()).keys);
  const safetyOf = (): ReadonlyMap<string, Buffer> =>
    new Map([...filesBelow(layoutOf(home()).safety)].filter(([path]) => path.startsWith('segment')));

  /** Whether the node would use its next sequence without asking the others for what they hold of its lane. */
  const isLaneKnown = async (): Promise<boolean> => {
    const batches = await openBatches(layoutOf(home()).batches, 'existing', systemDisk);
    const isKnown = batches.isLaneKnown();
    await batches.close();
    return isKnown;
  };

  const assertWhole = async (): Promise<void> => {
    const clinic = await world.start('clinic');
    try {
      for (const txId of txIds) assert.ok(clinic.stores.ledger.locate(txId) !== null);
      assert.deepEqual(clinic.stores.sealed.get(document.blobHash), document.bytes);
      assert.deepEqual(clinic.failures, []);
    } finally {
      await clinic.stop();
    }
  };

  it('builds a damaged ledger anew, keeps what is on no chain, and touches neither keys nor safety log', async () => {
    flipBitIn(layoutOf(home()).ledger, /\.log$/);
    await assert.rejects(world.start('clinic'), failsWith('corrupt'));
    const before = [untouched(), safetyOf()];
    const { height, asidePath } = await world.repair('clinic');
    assert.equal(height, txIds.length);
    assert.deepEqual([untouched(), safetyOf()], before);
    assert.equal(asidePath, join(home(), 'damaged-1'));
    assert.equal(existsSync(layoutOf(home()).repair), false);
    assert.equal(await isLaneKnown(), false);
    await assertWhole();
  });

  it('builds it anew when anchor and data are gone', async () => {
    const { data, anchor } = layoutOf(home());
    renameSync(data, join(home(), 'damaged-7'));
    rmSync(anchor);
    rmSync(join(home(), 'damaged-1'), { recursive: true });
    await world.repair('clinic');
    const clinic = await world.start('clinic');
    for (const txId of txIds) assert.ok(clinic.stores.ledger.locate(txId) !== null);
    await clinic.stores.sealed.put(document);
    await clinic.stop();
  });

  it('goes on after a crash between the two renames, at which no node starts', async () => {
    const { data, repair } = layoutOf(home());
    await world.repair('clinic');
    // As it was between the renames: the new data still in its place of building, the old one aside already.
    cpSync(data, join(repair, 'data'), { recursive: true });
    cpSync(layoutOf(home()).anchor, join(repair, 'anchor'));
    writeFileSync(join(repair, 'built'), '');
    rmSync(data, { recursive: true });
    await assert.rejects(world.start('clinic'), failsWith('missing'));
    const { keptRowCount } = await world.repair('clinic');
    assert.equal(keptRowCount, 0);
    await assertWhole();
  });

  it('refuses while the node runs', async () => {
    const clinic = await world.start('clinic');
    await assert.rejects(world.repair('clinic'), failsWith('locked'));
    await clinic.stop();
  });

  it('gives up when nobody answers, and leaves everything as it was', async () => {
    await Promise.all(running.map(async ({ stop }) => stop()));
    running = [];
    const before = filesBelow(layoutOf(home()).data);
    await assert.rejects(world.repair('clinic', 500), failsWith('io'));
    assert.deepEqual(filesBelow(layoutOf(home()).data), before);
  });
});
