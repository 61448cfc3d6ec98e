import assert from 'node:assert/strict';
import type { VerifiedBatch } from '../../../node/gate.ts';
import { Mempool, type MempoolOptions } from '../../../node/mempool.ts';
import type { Digest, Sequence, Verified } from '../../../protocol/brand.ts';
import { batchBytesMax, batchBytesTarget, batchTransactionsMax } from '../../../protocol/limits.ts';
import { accepted, refused } from '../../../protocol/result.ts';
import type { Transaction } from '../../../protocol/transaction.ts';
import { consensusSignerOf, testChainId } from '../../support/chain.ts';
import {
  aManualClock,
  aName,
  anOpaqueTransaction,
  settled,
  type ManualClock,
} from '../../support/nodeParts.ts';

interface Setting {
  readonly mempool: Mempool;
  readonly clock: ManualClock;
  /** "stored n" and "published n", in order. */
  readonly journal: string[];
  readonly published: VerifiedBatch[];
  readonly failures: unknown[];
}

function aMempool(overrides: Partial<MempoolOptions> = {}): Setting {
  const clock = aManualClock();
  const journal: string[] = [];
  const published: VerifiedBatch[] = [];
  const failures: unknown[] = [];
  const mempool = new Mempool({
    chainId: testChainId,
    member: aName('hospital'),
    signer: consensusSignerOf('hospital'),
    clock,
    nextSequence: 7 as Sequence,
    store: async (batch) => void journal.push(`stored ${batch.sequence}`),
    blockIntervalMsMin: 100,
    unorderedBatches: () => 0,
    publish: (batch) => {
      journal.push(`published ${batch.batch.sequence}`);
      published.push(batch);
    },
    onFailure: (cause) => failures.push(cause),
    ...overrides,
  });
  return { mempool, clock, journal, published, failures };
}

function some(from: number, count: number, size = 64): readonly Verified<Transaction>[] {
  return Array.from({ length: count }, (_, index) => anOpaqueTransaction(from + index, size));
}

function fill(mempool: Mempool, transactions: readonly Verified<Transaction>[]): void {
  for (const transaction of transactions) mempool.add(transaction);
}

function countsOf(published: readonly VerifiedBatch[]): readonly number[] {
  return published.map(({ transactions }) => transactions.length);
}

describe('the mempool', () => {
  it('seals the first transaction after a quiet time at once, with what arrived beside it', async () => {
    const { mempool, clock, journal, published } = aMempool();
    fill(mempool, some(1, 2));
    assert.deepEqual(journal, []);
    clock.advance(0);
    await settled();
    assert.deepEqual(journal, ['stored 7', 'published 7']);
    assert.deepEqual(countsOf(published), [2]);
    assert.equal(mempool.count, 0);
    assert.equal(mempool.bytes, 0);
  });

  it('lets a batch fill for 25 ms after the last one', async () => {
    const { mempool, clock, published } = aMempool();
    fill(mempool, some(1, 1));
    clock.advance(0);
    fill(mempool, some(2, 3));
    clock.advance(24);
    await settled();
    assert.deepEqual(countsOf(published), [1]);
    clock.advance(1);
    await settled();
    assert.deepEqual(countsOf(published), [1, 3]);
  });

  it('seals 500 transactions without waiting for the time, and 499 only then', async () => {
    const { mempool, clock, published } = aMempool();
    fill(mempool, some(1, 1));
    clock.advance(0);
    fill(mempool, some(2, batchTransactionsMax - 1));
    await settled();
    assert.deepEqual(countsOf(published), [1]);
    fill(mempool, some(1_000, 1));
    await settled();
    assert.deepEqual(countsOf(published), [1, batchTransactionsMax]);
  });

  it('seals 64 KiB without waiting for the time', async () => {
    const { mempool, clock, published } = aMempool();
    fill(mempool, some(1, 1));
    clock.advance(0);
    fill(mempool, some(2, 3, batchBytesTarget / 4));
    await settled();
    assert.deepEqual(countsOf(published), [1]);
    fill(mempool, some(5, 1, batchBytesTarget / 4));
    await settled();
    assert.deepEqual(countsOf(published), [1, 4]);
  });

  it('lets a batch fill for 25 ms after one that was full before its time', async () => {
    const { mempool, clock, published } = aMempool();
    fill(mempool, some(1, 1));
    clock.advance(0);
    fill(mempool, some(2, 1));
    clock.advance(20);
    fill(mempool, some(3, batchTransactionsMax - 1));
    fill(mempool, some(1_000, 1));
    clock.advance(24);
    await settled();
    assert.deepEqual(countsOf(published), [1, batchTransactionsMax]);
    clock.advance(1);
    await settled();
    assert.deepEqual(countsOf(published), [1, batchTransactionsMax, 1]);
  });

  it('lets a batch fill until the next block can come while one of ours is not ordered', async () => {
    let unordered = 0;
    const { mempool, clock, published } = aMempool({ unorderedBatches: () => unordered });
    fill(mempool, some(1, 1));
    clock.advance(0);
    await settled();
    unordered = 1;
    fill(mempool, some(2, 1));
    clock.advance(99);
    fill(mempool, some(3, 1));
    await settled();
    assert.deepEqual(countsOf(published), [1]);
    clock.advance(1);
    await settled();
    assert.deepEqual(countsOf(published), [1, 2]);
  });

  it('never makes a batch larger than the others take', async () => {
    const { mempool, clock, published } = aMempool({ unorderedBatches: () => 0 });
    fill(mempool, some(1, 40, 32_768));
    clock.advance(1_000);
    await settled();
    assert.equal(
      countsOf(published).reduce((sum, count) => sum + count, 0),
      40,
    );
    assert.ok(published.every(({ batch }) => batch.bytes.length <= batchBytesMax));
  });

  it('takes a transaction that waits already once', () => {
    const { mempool } = aMempool();
    assert.deepEqual(mempool.add(anOpaqueTransaction(1)), accepted(null));
    assert.deepEqual(mempool.add(anOpaqueTransaction(1)), accepted(null));
    assert.equal(mempool.count, 1);
  });

  it('waits while 48 of our batches are not ordered, and goes on when they are', async () => {
    let unordered = 48;
    const { mempool, clock, published } = aMempool({ unorderedBatches: () => unordered });
    fill(mempool, some(1, batchTransactionsMax + 1));
    clock.advance(1_000);
    await settled();
    assert.deepEqual(countsOf(published), []);
    unordered = 47;
    clock.advance(25);
    await settled();
    unordered = 0;
    clock.advance(100);
    await settled();
    assert.deepEqual(countsOf(published), [batchTransactionsMax, 1]);
  });

  it('is busy beyond 20,000 waiting transactions', () => {
    const { mempool } = aMempool({ unorderedBatches: () => 48 });
    fill(mempool, some(1, 19_999, 1));
    assert.deepEqual(mempool.add(anOpaqueTransaction(20_000, 1)), accepted(null));
    assert.deepEqual(mempool.add(anOpaqueTransaction(20_001, 1)), refused('busy', 'mempool transactions'));
  });

  it('is busy beyond 16 MiB of waiting transactions', () => {
    const { mempool } = aMempool({ unorderedBatches: () => 48 });
    fill(mempool, some(1, 511, 32_768));
    assert.deepEqual(mempool.add(anOpaqueTransaction(600, 32_768)), accepted(null));
    assert.equal(mempool.bytes, 16 * 1_048_576);
    assert.deepEqual(mempool.add(anOpaqueTransaction(601, 1)), refused('busy', 'mempool bytes'));
  });

  it('publishes nothing that is not durable, and stops after a write that failed', async () => {
    const stored: number[] = [];
    const cause = new Error('no space left');
    const { mempool, clock, published, failures } = aMempool({
      store: async ({ sequence }) => {
        stored.push(sequence);
        throw cause;
      },
    });
    fill(mempool, some(1, 3 * batchTransactionsMax));
    clock.advance(0);
    await settled();
    assert.deepEqual(stored, [7]);
    assert.deepEqual(countsOf(published), []);
    assert.deepEqual(failures, [cause]);
    assert.deepEqual(mempool.add(anOpaqueTransaction(9_999)), refused('busy', 'stopping'));
  });

  it('writes what was sealed before it stops, and takes nothing more', async () => {
    const { mempool, clock, journal } = aMempool();
    fill(mempool, some(1, 1));
    clock.advance(0);
    await mempool.stop();
    assert.deepEqual(journal, ['stored 7', 'published 7']);
    assert.deepEqual(mempool.add(anOpaqueTransaction(2)), refused('busy', 'stopping'));
    assert.equal(clock.waiting(), 0);
  });

  it('signs its batches as the member, in a gapless sequence', async () => {
    const { mempool, clock, published } = aMempool();
    fill(mempool, some(1, 1));
    clock.advance(25);
    fill(mempool, some(2, 1));
    clock.advance(25);
    await settled();
    const seals = published.map(({ batch }) => [batch.chainId, batch.member, batch.sequence]);
    const chainId: Digest = testChainId;
    assert.deepEqual(seals, [
      [chainId, 'hospital', 7],
      [chainId, 'hospital', 8],
    ]);
  });
});
