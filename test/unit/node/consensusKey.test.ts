import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseKey, isInForce, requireInForce } from '../../../node/consensusKey.ts';
import { NodeFailure } from '../../../node/nodeFailure.ts';
import { beginKeyLog, closeStores, createStores, openStores } from '../../../node/stores.ts';
import type { StorageFailure } from '../../../node/storage/failure.ts';
import { layoutOf } from '../../../node/storage/layout.ts';
import type { Epoch, PublicKey, View } from '../../../protocol/brand.ts';
import type { LogEntry } from '../../../node/storage/safetyRecord.ts';
import { ballotEntry } from '../../../node/statement.ts';
import { aDigest, aSignerKey, testGenesis } from '../../support/chain.ts';
import { aLedger, aName } from '../../support/nodeParts.ts';

const [hospital] = testGenesis.members;
assert.ok(hospital !== undefined);
const first = hospital.consensusKey;
const next = aSignerKey('hospital consensus 2');
const another = aSignerKey('hospital consensus 3');

function isFailure(code: NodeFailure['code']): (error: unknown) => boolean {
  return (error) => error instanceof NodeFailure && error.code === code;
}

describe('the consensus key of a home', () => {
  let home = '';
  const choose = async (...held: readonly PublicKey[]): Promise<PublicKey> =>
    chooseKey(home, testGenesis, { name: hospital.name, held });

  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'rxl-key-'));
    await createStores(home, testGenesis, first);
  });

  afterEach(() => {
    rmSync(home, { recursive: true });
  });

  it('is the one that its own ledger names, whatever others are held', async () => {
    assert.equal(await choose(first), first);
    assert.equal(await choose(next, first, another), first);
  });

  it('is that of the genesis where there is no ledger', async () => {
    rmSync(layoutOf(home).data, { recursive: true });
    assert.equal(await choose(next, first), first);
  });

  it('is the only one, for a newcomer that no ledger knows', async () => {
    const own = { name: aName('newcomer'), held: [next] };
    assert.equal(await chooseKey(home, testGenesis, own), next);
  });

  it('is missing if the ledger names one that is not held, and then nothing is touched', async () => {
    const { safety } = layoutOf(home);
    const before = readdirSync(safety).filter((name) => name.startsWith('segment-'));
    await assert.rejects(choose(next), isFailure('configuration'));
    await assert.rejects(choose(next, another), isFailure('configuration'));
    await assert.rejects(choose(), isFailure('configuration'));
    assert.deepEqual(
      readdirSync(safety).filter((name) => name.startsWith('segment-')),
      before,
    );
  });

  it('is in force as long as the ledger names no other', () => {
    const ledger = aLedger();
    assert.equal(isInForce(ledger, hospital.name, first), true);
    assert.equal(isInForce(ledger, hospital.name, next), false);
    assert.equal(isInForce(ledger, aName('newcomer'), next), true);
    const require = (used: PublicKey, ...held: readonly PublicKey[]): void =>
      requireInForce(ledger, { name: hospital.name, held }, used);
    require(first, first, next);
    assert.throws(() => require(next, first, next), isFailure('keyRotated'));
    assert.throws(() => require(next, next), isFailure('configuration'));
  });
});

describe('the safety log of a key that takes the place of another', () => {
  let home = '';
  const statement: LogEntry = ballotEntry({
    kind: 'prepare',
    epoch: 1 as Epoch,
    view: 1 as View,
    digest: aDigest(1),
  });

  const entriesOf = async (key: PublicKey): Promise<readonly LogEntry[]> => {
    const stores = await openStores(home, testGenesis, key);
    await closeStores(stores);
    assert.equal(stores.safety.loss, null);
    return stores.safety.entries;
  };

  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'rxl-key-log-'));
    await createStores(home, testGenesis, first);
    const stores = await openStores(home, testGenesis, first);
    stores.safety.log.append([statement]);
    await closeStores(stores);
  });

  afterEach(() => {
    rmSync(home, { recursive: true });
  });

  it('is empty, and that of the key before stays what it is (W1)', async () => {
    beginKeyLog(home, testGenesis, next);
    assert.deepEqual(await entriesOf(next), []);
    assert.deepEqual(await entriesOf(first), [statement]);
    const stores = await openStores(home, testGenesis, next);
    stores.safety.log.append([statement]);
    await closeStores(stores);
    assert.deepEqual(await entriesOf(next), [statement]);
    assert.deepEqual(await entriesOf(first), [statement]);
  });

  it('is made once in the life of its key (W6)', () => {
    beginKeyLog(home, testGenesis, next);
    assert.throws(
      () => beginKeyLog(home, testGenesis, next),
      (error: StorageFailure) => error.code === 'exists',
    );
  });

  it('is lost if its segments are, though the key is young (W6)', async () => {
    beginKeyLog(home, testGenesis, next);
    const directory = join(layoutOf(home).safety, next);
    for (const name of readdirSync(directory)) rmSync(join(directory, name));
    const stores = await openStores(home, testGenesis, next);
    await closeStores(stores);
    assert.equal(stores.safety.loss?.code, 'missing');
  });

  it('is made while the node runs, and only one process has either (W8)', async () => {
    const running = await openStores(home, testGenesis, first);
    beginKeyLog(home, testGenesis, next);
    await assert.rejects(
      openStores(home, testGenesis, next),
      (error: StorageFailure) => error.code === 'locked',
    );
    await closeStores(running);
    assert.deepEqual(await entriesOf(next), []);
  });
});
