import assert from 'node:assert/strict';
import { differencesOf } from '../../../protocol/reconciliation.ts';
import { amount, digestOf, idOf } from '../../support/domain.ts';

const [a, b, c] = [idOf('a'), idOf('b'), idOf('c')];
const accepted = (claimId: typeof a, value: number) =>
  ({ kind: 'accepted', claimId, covered: amount(value) }) as const;
const reversed = (claimId: typeof a, value: number) =>
  ({ kind: 'reversed', claimId, txId: digestOf('reversal'), covered: amount(value) }) as const;

describe('a reconciliation', () => {
  it('finds nothing where both books agree, in whatever order they are', () => {
    const books = [
      { claimId: b, amount: 20 },
      { claimId: a, amount: 10 },
    ];
    assert.deepEqual(differencesOf(books, [accepted(a, 10), accepted(b, 20)]), []);
  });

  it('deducts what was reversed', () => {
    assert.deepEqual(differencesOf([{ claimId: a, amount: 7 }], [accepted(a, 10), reversed(a, 3)]), []);
  });

  it('names what one has and the other has not, and other amounts', () => {
    const books = [
      { claimId: a, amount: 11 },
      { claimId: b, amount: 20 },
    ];
    const differences = differencesOf(books, [accepted(a, 10), accepted(c, 30)]);
    const byId = new Map(differences.map((one) => [one.claimId, one]));
    assert.deepEqual(byId.get(a), { claimId: a, kind: 'amount', booked: 11, ledger: 10 });
    assert.deepEqual(byId.get(b), { claimId: b, kind: 'notOnLedger', booked: 20, ledger: null });
    assert.deepEqual(byId.get(c), { claimId: c, kind: 'notInBooks', booked: null, ledger: 30 });
    assert.equal(differences.length, 3);
  });
});
