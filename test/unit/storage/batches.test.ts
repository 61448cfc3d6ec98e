/** Batches on disk: by digest, and by the lane of their member. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { MemberName, Sequence } from '../../../protocol/brand.ts';
import { BrokenInvariant } from '../../../protocol/invariant.ts';
import { BatchStore, openBatches, type StoredBatch } from '../../../node/storage/batches.ts';
import { Database } from '../../../node/storage/database.ts';
import { Level } from 'level';
import { aDigest, aFolder, failsWith, text } from './builders.ts';

const pharmacy = 'pharmacy-2' as MemberName;

function aBatch(number: number, change: Partial<StoredBatch> = {}): StoredBatch {
  const bytes = text(`batch ${number}`);
  return { digest: aDigest(number), member: pharmacy, sequence: number as Sequence, bytes, ...change };
}

function places(...numbers: readonly number[]): readonly { sequence: number; digest: string }[] {
  return numbers.map((number) => ({ sequence: number, digest: aDigest(number) }));
}

describe('the batch store', () => {
  it('has a batch at once, durable or not, and after a restart', async () => {
    const directory = join(aFolder(), 'batches');
    const store = await openBatches(directory, 'create');
    await store.put(aBatch(1), false);
    assert.deepEqual([store.get(aDigest(1)), store.has(aDigest(1))], [text('batch 1'), true]);
    const durable = store.put(aBatch(2), true);
    assert.deepEqual(store.get(aDigest(2)), text('batch 2'));
    await durable;
    assert.deepEqual([store.get(aDigest(3)), store.has(aDigest(3))], [null, false]);
    await store.close();
    const again = await openBatches(directory, 'existing');
    assert.deepEqual([again.get(aDigest(1)), again.get(aDigest(2))], [text('batch 1'), text('batch 2')]);
    await again.close();
  });

  it('lists a lane above a sequence in order, with both batches of one sequence', async () => {
    const store = await openBatches(join(aFolder(), 'batches'), 'create');
    for (const number of [300, 2, 17, 1]) await store.put(aBatch(number), number === 17);
    await store.put(aBatch(18, { sequence: 17 as Sequence }), true);
    await store.put(aBatch(19), false);
    await store.put(aBatch(5, { member: 'pharmacy' as MemberName }), true);
    await store.put(aBatch(6, { member: 'pharmacy-20' as MemberName }), true);
    const twin = { sequence: 17, digest: aDigest(18) };
    assert.deepEqual(await store.lane(pharmacy, 1, 9), [...places(2, 17), twin, ...places(19, 300)]);
    assert.deepEqual(await store.lane(pharmacy, 17, 1), places(19));
    assert.deepEqual(await store.lane(pharmacy, 300, 9), []);
    await store.close();
  });

  it('knows the highest sequence of a member', async () => {
    const store = await openBatches(join(aFolder(), 'batches'), 'create');
    assert.equal(await store.highestSequence(pharmacy), 0);
    await store.put(aBatch(9), true);
    assert.equal(await store.highestSequence(pharmacy), 9);
    await store.put(aBatch(10), false);
    assert.equal(await store.highestSequence(pharmacy), 10);
    await store.close();
  });

  it('writes what waits together with what must be durable', async () => {
    const directory = aFolder();
    const level = new Level<string, Uint8Array>(directory, { keyEncoding: 'utf8', valueEncoding: 'view' });
    await level.open();
    let writeCount = 0;
    level.on('write', () => (writeCount += 1));
    const store = new BatchStore(new Database(level));
    await store.put(aBatch(1), false);
    await Promise.all([2, 3, 4].map((number) => store.put(aBatch(number), true)));
    await store.makeDurable([aDigest(1)]);
    assert.equal(writeCount, 1);
    await assert.rejects(store.makeDurable([aDigest(5)]), BrokenInvariant);
    await store.close();
  });

  it('writes a mebibyte that waits without being asked', async () => {
    const directory = join(aFolder(), 'batches');
    const store = await openBatches(directory, 'create');
    const bytes = new Uint8Array(200_000);
    for (let number = 1; number <= 6; number += 1) await store.put(aBatch(number, { bytes }), false);
    const [first] = await store.lane(pharmacy, 0, 1);
    assert.deepEqual(first, { sequence: 1, digest: aDigest(1) });
    await store.close();
  });

  it('calls no batch durable after a failed write (W7)', async () => {
    const level = new Level<string, Uint8Array>(aFolder(), { keyEncoding: 'utf8', valueEncoding: 'view' });
    await level.open();
    const makeBatch = level.batch.bind(level);
    level.batch = (() => {
      const batch = makeBatch();
      batch.write = () => Promise.reject(new Error('IO error: Input/output error'));
      return batch;
    }) as typeof level.batch;
    const store = new BatchStore(new Database(level));
    const puts = await Promise.allSettled([store.put(aBatch(1), true), store.put(aBatch(2), true)]);
    assert.deepEqual(
      puts.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    await assert.rejects(store.makeDurable([aDigest(1)]), failsWith('io'));
    await assert.rejects(store.put(aBatch(3), false), failsWith('io'));
    await assert.rejects(store.close(), failsWith('io'));
  });
});
