import assert from 'node:assert/strict';
import { PeerBook } from '../../../node/peerBook.ts';
import type { Epoch, Height, Timestamp, View } from '../../../protocol/brand.ts';
import type { Status } from '../../../protocol/message.ts';
import { later, noon } from '../../support/chain.ts';
import { aManualClock, aName } from '../../support/nodeParts.ts';

function aStatus(finalHeight: number, timeMs: number = noon): Status {
  return {
    epoch: 1 as Epoch,
    view: 1 as View,
    finalView: 0 as View,
    finalHeight: finalHeight as Height,
    timeMs: timeMs as Timestamp,
  };
}

describe('the book of peers', () => {
  it('names who is ahead, the furthest first', () => {
    const book = new PeerBook(aManualClock());
    book.status(aName('clinic'), aStatus(5));
    book.status(aName('insurer'), aStatus(9));
    book.status(aName('pharmacy'), aStatus(4));
    assert.deepEqual(book.ahead(4 as Height), ['insurer', 'clinic']);
    assert.deepEqual(book.ahead(9 as Height), []);
  });

  it('keeps the last word of a member', () => {
    const clock = aManualClock();
    const book = new PeerBook(clock);
    book.status(aName('clinic'), aStatus(5));
    clock.advance(1_000);
    book.status(aName('clinic'), aStatus(6, later(1_250)));
    assert.deepEqual(book.entry(aName('clinic')), {
      name: 'clinic',
      status: aStatus(6, later(1_250)),
      heardAt: later(1_000),
      offsetMs: 250,
    });
  });

  it('remembers when a member was heard, whatever it said', () => {
    const clock = aManualClock();
    const book = new PeerBook(clock);
    assert.equal(book.lastHeardAt(aName('clinic')), null);
    assert.equal(book.entry(aName('clinic')), null);
    clock.advance(500);
    book.heard(aName('clinic'));
    assert.equal(book.lastHeardAt(aName('clinic')), later(500));
  });

  it('takes the median of the clocks, so that one wrong clock says nothing', () => {
    const book = new PeerBook(aManualClock());
    assert.equal(book.medianOffsetMs(), 0);
    book.status(aName('clinic'), aStatus(1, later(20)));
    book.status(aName('insurer'), aStatus(1, later(-3_600_000)));
    book.status(aName('pharmacy'), aStatus(1, later(10)));
    assert.equal(book.medianOffsetMs(), 10);
  });
});
