/** A month of a pilot region through the ledger: what everybody did, what was refused, and every cent of it. */
import assert from 'node:assert/strict';
import { actsOfDays, pairsOf } from '../../../devnet/generator/days.ts';
import { compareText } from '../../../protocol/bytes.ts';
import { readRound } from '../../../protocol/round.ts';
import { readOpenPosition, readStatement } from '../../../protocol/settlement.ts';
import { Book, rootEveryBlocks } from './book.ts';
import { monthDays, monthSeed, period, pilotRegion, runMonth, type Month } from './run.ts';

/** A third of the month; `npm run month` prints the last root, which is the same each time. */
const replayedBlocks = 10_000;

/** A share of something, as a percentage with one decimal. */
function percent(part: number, whole: number): number {
  return Math.round((1_000 * part) / whole) / 10;
}

describe('a month of twelve hospitals', function () {
  this.timeout(600_000);
  const region = pilotRegion();
  let month: Month;

  before(() => {
    month = runMonth(region);
  });

  it('has 20,000 prescriptions, and the ledger answers every act as it must', () => {
    assert.deepEqual(month.wrong, [], `seed ${monthSeed}`);
    assert.ok(month.issuedCount >= 20_000, `${month.issuedCount} prescriptions`);
  });

  it('has what goes wrong in a month: every way of it, and none of them often', () => {
    const refused = [...month.kinds].filter(([kind]) => !kind.endsWith(' committed'));
    assert.deepEqual(refused.map(([kind]) => kind).toSorted(compareText), [
      'fill.dispense packSpent',
      'fill.reserve fillReserved',
      'fill.reserve prescriptionExpired',
      'fill.reserve prescriptionNotOpen',
      'rx.issue authoredOnOutOfWindow',
      'rx.issue prescriptionExists',
    ]);
    const refusedCount = refused.reduce((sum, [, count]) => sum + count, 0);
    assert.ok(percent(refusedCount, month.issuedCount) < 10);
  });

  it('balances every statement to the unit (I10)', () => {
    const { book, owed } = month;
    let settledCount = 0;
    for (const pair of pairsOf(region)) {
      const statement = readStatement(book.view, pair, period);
      assert.equal(statement?.total ?? 0, owed.get(`${pair.insurer}/${pair.pharmacy}`) ?? 0);
      assert.equal(readOpenPosition(book.view, pair).count, 0);
      if (statement !== null) settledCount += 1;
      assert.ok(statement === null || statement.status === 'paid');
    }
    assert.ok(settledCount > 20, `${settledCount} statements`);
  });

  it('nets to nothing over all members, and pays what is left (I11)', () => {
    const round = readRound(month.book.view, `${period}-1`);
    assert.ok(round !== null);
    assert.equal(
      round.nets.reduce((sum, one) => sum + one.net, 0),
      0,
    );
    assert.ok(round.transfers.every((one) => one.paymentRef !== null));
    assert.equal(round.status, 'paid');
  });

  it('gives the same state roots again from genesis, for as long as it is replayed (I21)', () => {
    const replayed = new Book(region);
    for (const act of actsOfDays(region, monthDays)) {
      replayed.add(act);
      if (replayed.height === replayedBlocks) break;
    }
    assert.equal(replayed.height, replayedBlocks);
    assert.deepEqual([...replayed.roots], [...month.book.roots].slice(0, replayed.roots.size));
    assert.equal(replayed.roots.size, replayedBlocks / rootEveryBlocks);
  });
});
