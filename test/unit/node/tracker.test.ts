import assert from 'node:assert/strict';
import { Tracker, type Outcome } from '../../../node/tracker.ts';
import type { Digest, Height } from '../../../protocol/brand.ts';
import type { Receipt } from '../../../protocol/receipt.ts';
import { aDigest, later, noon } from '../../support/chain.ts';
import { aManualClock, type ManualClock } from '../../support/nodeParts.ts';

const txId = aDigest(1);

function aTracker(): {
  readonly tracker: Tracker;
  readonly clock: ManualClock;
  readonly latencies: number[];
} {
  const clock = aManualClock();
  const latencies: number[] = [];
  const tracker = new Tracker(clock, (latencyMs) => latencies.push(latencyMs));
  return { tracker, clock, latencies };
}

function aReceipt(id: Digest): Receipt {
  return {
    txId: id,
    height: 1 as Height,
    index: 0,
    timeMs: noon,
    outcome: 'committed',
    code: null,
    policyVersion: 1,
  };
}

describe('the tracker of submissions', () => {
  it('answers everybody who waits with the receipt, and tells how long it took', async () => {
    const { tracker, clock, latencies } = aTracker();
    tracker.add(txId, later(60_000));
    const waiting = [tracker.wait(txId, 1_000), tracker.wait(txId, 2_000)];
    clock.advance(300);
    tracker.settle([aReceipt(aDigest(2)), aReceipt(txId)]);
    const answer: Outcome = { status: 'receipt', receipt: aReceipt(txId) };
    assert.deepEqual(await Promise.all(waiting), [answer, answer]);
    assert.deepEqual(latencies, [300]);
    assert.equal(tracker.size, 0);
    assert.equal(clock.waiting(), 0);
  });

  it('answers that it is pending when the time asked is over, and goes on tracking', async () => {
    const { tracker, clock } = aTracker();
    tracker.add(txId, later(60_000));
    const waiting = tracker.wait(txId, 1_000);
    clock.advance(1_000);
    assert.deepEqual(await waiting, { status: 'pending' });
    assert.equal(tracker.has(txId), true);
    assert.equal(tracker.notAfter(txId), later(60_000));
  });

  it('answers at once for what it does not know', async () => {
    const { tracker } = aTracker();
    assert.deepEqual(await tracker.wait(txId, 1_000), { status: 'pending' });
    assert.equal(tracker.notAfter(txId), null);
  });

  it('ends a transaction as expired when block time has passed notAfter, not when it has reached it', async () => {
    const { tracker } = aTracker();
    tracker.add(txId, later(60_000));
    tracker.add(aDigest(2), later(90_000));
    const waiting = tracker.wait(txId, 1_000);
    assert.equal(tracker.expire(later(60_000)), 0);
    assert.equal(tracker.expire(later(60_001)), 1);
    assert.deepEqual(await waiting, { status: 'expired' });
    assert.equal(tracker.size, 1);
  });

  it('keeps the first acceptance of a transaction that is submitted again', () => {
    const { tracker, clock, latencies } = aTracker();
    tracker.add(txId, later(60_000));
    clock.advance(100);
    tracker.add(txId, later(90_000));
    tracker.settle([aReceipt(txId)]);
    assert.deepEqual(latencies, [100]);
  });

  it('is full at 100,000 transactions', () => {
    const { tracker } = aTracker();
    for (let number = 1; number < 100_000; number += 1) tracker.add(`${number}` as Digest, noon);
    assert.equal(tracker.isFull, false);
    tracker.add(txId, noon);
    assert.equal(tracker.isFull, true);
  });

  it('leaves nobody waiting when the node stops', async () => {
    const { tracker } = aTracker();
    tracker.add(txId, later(60_000));
    const waiting = tracker.wait(txId, 1_000);
    tracker.stop();
    assert.deepEqual(await waiting, { status: 'pending' });
    assert.equal(tracker.size, 0);
  });
});
