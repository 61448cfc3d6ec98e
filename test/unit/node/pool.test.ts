import assert from 'node:assert/strict';
import type { VerifiedBatch } from '../../../node/gate.ts';
import { laneBatchesMax, Pool, type PoolVerdict } from '../../../node/pool.ts';
import { aBatch, aName, anOpaqueTransaction } from '../../support/nodeParts.ts';

const hospital = aName('hospital');

function aSmallBatch(sequence: number, number = sequence, member = 'hospital'): VerifiedBatch {
  return aBatch({ member, sequence, transactions: [anOpaqueTransaction(number)] });
}

function gossip(pool: Pool, ...batches: readonly VerifiedBatch[]): readonly PoolVerdict[] {
  return batches.map((batch) => pool.add(batch, { isOrdered: false }));
}

function sequencesOf(batches: readonly VerifiedBatch[]): readonly number[] {
  return batches.map(({ batch }) => batch.sequence);
}

describe('the pool of batches', () => {
  it('gives the gapless run of a lane above a sequence', () => {
    const pool = new Pool();
    gossip(pool, aSmallBatch(2), aSmallBatch(1), aSmallBatch(4));
    assert.deepEqual(sequencesOf(pool.run(hospital, 0, 10)), [1, 2]);
    assert.deepEqual(sequencesOf(pool.run(hospital, 0, 1)), [1]);
    assert.deepEqual(sequencesOf(pool.run(hospital, 3, 10)), [4]);
    assert.deepEqual(sequencesOf(pool.run(aName('clinic'), 0, 10)), []);
  });

  it('keeps a batch once', () => {
    const pool = new Pool();
    const batch = aSmallBatch(1);
    assert.deepEqual(gossip(pool, batch, batch), ['added', 'known']);
    assert.equal(pool.size, 1);
    assert.equal(pool.bytes, batch.batch.bytes.length);
  });

  it('names the sequence above which a batch is missing', () => {
    const pool = new Pool();
    assert.equal(pool.gap(hospital), null);
    gossip(pool, aSmallBatch(1), aSmallBatch(2));
    assert.equal(pool.gap(hospital), null);
    gossip(pool, aSmallBatch(5));
    assert.equal(pool.gap(hospital), 2);
    gossip(pool, aSmallBatch(3), aSmallBatch(4));
    assert.equal(pool.gap(hospital), null);
  });

  it('keeps 256 batches of a lane that nobody has ordered, and not one more', () => {
    const pool = new Pool();
    for (let sequence = 1; sequence < laneBatchesMax; sequence += 1) gossip(pool, aSmallBatch(sequence));
    const last = gossip(pool, aSmallBatch(laneBatchesMax), aSmallBatch(laneBatchesMax + 1));
    assert.deepEqual(last, ['added', 'overQuota']);
    assert.equal(pool.laneSize(hospital), laneBatchesMax);
  });

  it('keeps 16 MiB of a lane that nobody has ordered, and not one byte more', () => {
    const pool = new Pool();
    const overhead = aSmallBatch(1).batch.bytes.length - 64;
    const mebibyte = (sequence: number, spare = 0): VerifiedBatch => {
      const size = 1_048_576 - overhead - 6 - spare;
      const batch = aBatch({ sequence, transactions: [anOpaqueTransaction(sequence, size)] });
      return batch;
    };
    const exact = (sequence: number, bytes: number): VerifiedBatch => {
      const off = mebibyte(sequence).batch.bytes.length - bytes;
      return mebibyte(sequence, off);
    };
    for (let sequence = 1; sequence <= 15; sequence += 1) gossip(pool, exact(sequence, 1_048_576));
    assert.deepEqual(gossip(pool, exact(16, 1_048_577), exact(16, 1_048_576), aSmallBatch(17)), [
      'overQuota',
      'added',
      'overQuota',
    ]);
    assert.equal(pool.bytes, 16 * 1_048_576);
  });

  it('lets no member fill the lane of another', () => {
    const pool = new Pool();
    for (let sequence = 1; sequence <= laneBatchesMax; sequence += 1) gossip(pool, aSmallBatch(sequence));
    assert.deepEqual(gossip(pool, aSmallBatch(1, 1, 'clinic')), ['added']);
    assert.deepEqual(pool.members(), ['clinic', 'hospital']);
  });

  it('takes what a block names over the quota', () => {
    const pool = new Pool();
    for (let sequence = 1; sequence <= laneBatchesMax; sequence += 1) gossip(pool, aSmallBatch(sequence));
    const ordered = aSmallBatch(laneBatchesMax + 1);
    assert.equal(pool.add(ordered, { isOrdered: true }), 'added');
    assert.equal(pool.get(ordered.batch.digest), ordered);
  });

  it('proposes the first of two batches with one sequence, and keeps the other only for a block', () => {
    const pool = new Pool();
    const [first, second] = [aSmallBatch(1, 10), aSmallBatch(1, 20)];
    assert.deepEqual(gossip(pool, first, second), ['added', 'known']);
    assert.equal(pool.get(second.batch.digest), null);
    assert.equal(pool.add(second, { isOrdered: true }), 'added');
    assert.equal(pool.get(second.batch.digest), second);
    assert.deepEqual(pool.run(hospital, 0, 10), [first]);
    assert.equal(pool.bytes, first.batch.bytes.length);
  });

  it('forgets final batches, and takes none of their sequences again', () => {
    const pool = new Pool();
    const [one, two, three] = [aSmallBatch(1), aSmallBatch(2), aSmallBatch(3)];
    gossip(pool, one, two, three);
    pool.finalize(hospital, 2);
    pool.forget([one.batch.digest, two.batch.digest]);
    assert.equal(pool.size, 1);
    assert.equal(pool.bytes, three.batch.bytes.length);
    assert.equal(pool.laneSize(hospital), 1);
    assert.equal(pool.highest(hospital), 3);
    assert.deepEqual(gossip(pool, aSmallBatch(2, 99)), ['final']);
  });

  it('never moves the cursor of a lane back', () => {
    const pool = new Pool();
    pool.finalize(hospital, 7);
    pool.finalize(hospital, 3);
    assert.equal(pool.highest(hospital), 7);
  });

  it('sweeps out what lost an equivocation once its sequence is final', () => {
    const pool = new Pool();
    const [loser, winner, next] = [aSmallBatch(1, 10), aSmallBatch(1, 20), aSmallBatch(2)];
    gossip(pool, loser, next);
    pool.add(winner, { isOrdered: true });
    pool.finalize(hospital, 1);
    pool.forget([winner.batch.digest]);
    assert.equal(pool.size, 2);
    pool.sweep();
    assert.equal(pool.get(loser.batch.digest), null);
    assert.equal(pool.get(next.batch.digest), next);
    assert.equal(pool.bytes, next.batch.bytes.length);
  });

  it('changes its version when a lane changes, and only then', () => {
    const pool = new Pool();
    const batch = aSmallBatch(1);
    gossip(pool, batch);
    const { version } = pool;
    gossip(pool, batch);
    assert.equal(pool.version, version);
    pool.finalize(hospital, 1);
    assert.notEqual(pool.version, version);
  });
});
