import assert from 'node:assert/strict';
import { Archive } from '../../../node/archive.ts';
import { ed25519 } from '../../../node/ed25519.ts';
import { Executor } from '../../../node/executor.ts';
import type { VerifiedBatch } from '../../../node/gate.ts';
import { Pool } from '../../../node/pool.ts';
import type { CommitEntry } from '../../../node/storage/ledgerCommit.ts';
import { closeStores, createStores, openStores, type Stores } from '../../../node/stores.ts';
import { headerDigest, type Block } from '../../../protocol/block.ts';
import type { Digest, Height } from '../../../protocol/brand.ts';
import { practitionerRecordKey } from '../../../protocol/practitioner.ts';
import { verifyStamp } from '../../../protocol/stamp.ts';
import { verifyStateStamp } from '../../../protocol/stateStamp.ts';
import {
  aCommitOf,
  aDigest,
  anId,
  aRegistration,
  aTransaction,
  consensusSignerOf,
  testChainId,
  testGenesis,
  valueOf,
} from '../../support/chain.ts';
import { aBatch, aBuildRequest, aManualClock } from '../../support/nodeParts.ts';
import { aFolder } from '../storage/builders.ts';

interface Ledger {
  readonly stores: Stores;
  readonly archive: Archive;
  readonly batches: readonly VerifiedBatch[];
}

/** Block `n` holds batch `n`. A finality ends with each of these heights: only those blocks have their own CC. */
async function aLedgerOf(batches: readonly VerifiedBatch[], finalities: readonly number[]): Promise<Ledger> {
  const home = aFolder();
  const key = consensusSignerOf('hospital').publicKey;
  await createStores(home, testGenesis, key);
  const stores = await openStores(home, testGenesis, key);
  const { ledger } = stores;
  const pool = new Pool();
  const clock = aManualClock();
  const executor = new Executor({ chainId: testChainId, ledger, pool, clock, blockMsTarget: 125 });
  let waiting: CommitEntry[] = [];
  let parent: Block | null = null;
  for (const [index, batch] of batches.entries()) {
    pool.add(batch, { isOrdered: false });
    await stores.batches.put(batch.batch, true);
    const block: Block | null = executor.build(aBuildRequest(parent));
    assert.ok(block !== null);
    parent = block;
    const isCertified = finalities.includes(index + 1);
    waiting.push(entryOf(executor, block, isCertified));
    if (!isCertified) continue;
    await ledger.commit(waiting);
    waiting = [];
  }
  return { stores, archive: new Archive(ledger, stores.batches), batches };
}

function entryOf(executor: Executor, block: Block, isCertified: boolean): CommitEntry {
  const digest = headerDigest(block.header);
  const { execution } = executor.get(digest) ?? assert.fail('executed');
  const { receipts, receiptBytes, subjects, writes, origins } = execution;
  const locations = origins.map(({ batch, position }) => ({
    batchDigest: block.batchDigests[batch] ?? aDigest(0),
    position,
  }));
  const certificate = isCertified ? aCommitOf(block.header) : null;
  const extension = null;
  return { block, digest, certificate, extension, receipts, receiptBytes, subjects, writes, locations };
}

describe('the archive', () => {
  const again = aTransaction({ id: anId(9), action: aRegistration(1) });
  const batches = [
    aBatch({ sequence: 1 }),
    aBatch({ sequence: 2, transactions: [aTransaction({ id: anId(2), action: aRegistration(2) }), again] }),
    aBatch({ sequence: 3 }),
  ];
  const [first] = batches[0]?.transactions ?? [];
  assert.ok(first !== undefined);
  let stores: Stores;
  let archive: Archive;

  before(async () => {
    ({ stores, archive } = await aLedgerOf(batches, [2, 3]));
  });

  after(async () => closeStores(stores));

  it('gives the receipts of a block in their order, and none for genesis or above the head', () => {
    const outcomes = archive.receiptsAt(2 as Height).map(({ outcome, code }) => [outcome, code]);
    assert.deepEqual(outcomes, [
      ['committed', null],
      ['refused', 'practitionerExists'],
    ]);
    assert.deepEqual(archive.receiptsAt(0 as Height), []);
    assert.deepEqual(archive.receiptsAt(4 as Height), []);
  });

  it('finds a transaction and its receipt', () => {
    assert.deepEqual(archive.envelopeOf(again.txId), again.envelopeBytes);
    assert.deepEqual(archive.transactionOf(again.txId), again);
    assert.deepEqual(archive.transactionAt({ height: 2 as Height, index: 1 }), again);
    const receipt = archive.receiptAt({ height: 2 as Height, index: 1 });
    assert.deepEqual(archive.receiptOf(again.txId), receipt);
    assert.equal(receipt?.txId, again.txId);
  });

  it('knows nothing of what is not final', () => {
    const unknown: Digest = aDigest(1);
    assert.equal(archive.receiptOf(unknown), null);
    assert.equal(archive.envelopeOf(unknown), null);
    assert.equal(archive.transactionOf(unknown), null);
    assert.equal(archive.stamp(unknown), null);
    assert.equal(archive.receiptAt({ height: 2 as Height, index: 2 }), null);
    assert.equal(archive.transactionAt({ height: 9 as Height, index: 0 }), null);
  });

  it('proves finality of a block without its own CC by the headers up to the next one that has', () => {
    const heights = ([1, 2, 3, 4] as Height[]).map(
      (height) => archive.finality(height)?.headers.map((header) => header.height) ?? null,
    );
    assert.deepEqual(heights, [[1, 2], [2], [3], null]);
  });

  it('stamps a transaction, so that anyone with the genesis file can check it', () => {
    const stamped = valueOf(verifyStamp(archive.stamp(first.txId) ?? new Uint8Array(), testGenesis, ed25519));
    assert.deepEqual(stamped.transaction, first);
    assert.deepEqual(stamped.receipt, archive.receiptOf(first.txId));
    assert.equal(stamped.header.height, 1);
  });

  it('stamps a refusal too', () => {
    const stamped = valueOf(verifyStamp(archive.stamp(again.txId) ?? new Uint8Array(), testGenesis, ed25519));
    assert.equal(stamped.receipt.code, 'practitionerExists');
  });

  it('stamps what the state holds, and that it does not hold a thing', () => {
    const stampOf = (key: string): Uint8Array => archive.stateStamp(key) ?? new Uint8Array();
    const key = practitionerRecordKey(anId(1));
    const held = valueOf(verifyStateStamp(stampOf(key), testGenesis, ed25519));
    assert.deepEqual([held.key, held.value, held.header.height], [key, stores.ledger.get(key), 3]);
    const absent = valueOf(verifyStateStamp(stampOf(practitionerRecordKey(anId(77))), testGenesis, ed25519));
    assert.equal(absent.value, null);
  });

  it('does not stamp genesis, which no certificate covers', async () => {
    const fresh = await aLedgerOf([], []);
    assert.equal(fresh.archive.stateStamp(practitionerRecordKey(anId(1))), null);
    await closeStores(fresh.stores);
  });

  it('finds what was committed about an id, and no issue where none was made', async () => {
    const page = { limit: 10, after: null };
    assert.deepEqual(await archive.history(anId(1), page), [{ height: 1, index: 0 }]);
    assert.deepEqual(await archive.history(anId(99), page), []);
    assert.equal(await archive.issueOf(anId(1)), null);
    assert.equal(await archive.issueOf(anId(99)), null);
  });
});
