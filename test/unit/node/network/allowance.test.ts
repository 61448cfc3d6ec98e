import assert from 'node:assert/strict';
import { Allowance } from '../../../../node/network/allowance.ts';

describe('an allowance', () => {
  it('lets so much pass at once, and then says how long until it fits again', () => {
    const allowance = new Allowance({ burst: 100, perSecond: 50 }, 0);
    assert.deepEqual(
      [allowance.take(60, 0), allowance.take(40, 0), allowance.take(25, 0), allowance.take(25, 500)],
      [0, 0, 500, 500],
    );
  });

  it('lets so much pass in every second for ever', () => {
    const allowance = new Allowance({ burst: 100, perSecond: 50 }, 0);
    const owed = Array.from({ length: 1_000 }, (_, second) => allowance.take(50, second * 1_000));
    assert.deepEqual(new Set(owed), new Set([0]));
  });

  it('saves no more than one burst while nobody takes', () => {
    const allowance = new Allowance({ burst: 100, perSecond: 50 }, 0);
    assert.equal(allowance.take(101, 3_600_000), 20);
  });
});
