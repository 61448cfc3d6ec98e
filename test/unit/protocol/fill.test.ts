import assert from 'node:assert/strict';
import { dispenseEventsMax } from '../../../protocol/limits.ts';
import { present } from '../../../protocol/invariant.ts';
import { fillStatus, readPrescription, type Fill, type FillStatus } from '../../../protocol/prescription.ts';
import {
  aCancel,
  aClose,
  aDispense,
  aFillPlan,
  anIssue,
  aReserve,
  aReturn,
  aReview,
  aRivalReserve,
  dispensed,
  rxId,
} from '../../support/acts.ts';
import {
  after,
  at,
  attempt,
  dayMs,
  digestOf,
  hourMs,
  idOf,
  itRefuses,
  keyOf,
  later,
  newWorld,
  noon,
  pharmacy,
  readerOf,
  refusalOf,
  rival,
  units,
  type Act,
  type World,
} from '../../support/domain.ts';

const issued = after(newWorld, anIssue());
const pending = after(newWorld, anIssue({ body: { reviewRequired: true } }));
const reserved = after(issued, aReserve());
const someOfIt = aDispense({ body: { eventId: idOf('first part'), items: [dispensed(0, 10)] } });
const partly = after(reserved, someOfIt);
const supplied = after(reserved, aDispense());
const cancelled = after(issued, aCancel());
const partial = aClose({ body: { outcome: 'partial' } });

function fillIn(world: World, k = 0): Fill {
  return present(readPrescription(readerOf(world), rxId)?.fills[k], 'issued');
}

function statusIn(world: World, k = 0): FillStatus | null {
  return fillStatus(present(readPrescription(readerOf(world), rxId), 'issued'), k, world.timeMs);
}

const noWrites = { ok: true, value: { subjects: [rxId], writes: new Map() } };

describe('fill.reserve', () => {
  it('gives the fill to one pharmacy until a time', () => {
    assert.deepEqual(fillIn(reserved).reservation, { pharmacy, until: noon + 2 * hourMs, mode: 'counter' });
    assert.equal(statusIn(reserved), 'reserved');
  });

  it('gives the same pharmacy the same answer again, without a change', () => {
    const longer = aReserve({ body: { until: at(noon + 3 * hourMs) } });
    assert.deepEqual(attempt(reserved, aReserve()), noWrites);
    assert.deepEqual(attempt(reserved, longer), noWrites);
    assert.deepEqual(attempt(partly, aReserve()), noWrites);
  });

  it('lapses by block time, so that another pharmacy gets it (I1)', () => {
    const rivals = aRivalReserve({ body: { until: at(noon + 4 * hourMs) } });
    assert.equal(refusalOf(later(reserved, 2 * hourMs - 1), rivals), 'fillReserved');
    assert.equal(refusalOf(later(reserved, 2 * hourMs), rivals), null);
  });

  it('lasts 24 h at the counter and 72 h for a courier at most', () => {
    const world = after(newWorld, anIssue({ body: { class: 'chronic', ...chronicTimes } }));
    const reserve = (mode: 'counter' | 'courier', ms: number): Act =>
      aReserve({ body: { mode, until: at(noon + ms) } });
    assert.equal(refusalOf(world, reserve('counter', dayMs)), null);
    assert.equal(refusalOf(world, reserve('counter', dayMs + 1)), 'reservationTooLong');
    assert.equal(refusalOf(world, reserve('courier', 3 * dayMs)), null);
    assert.equal(refusalOf(world, reserve('courier', 3 * dayMs + 1)), 'reservationTooLong');
  });

  it('may outlive the prescription by the grace, and can be supplied then', () => {
    const late = later(issued, 3 * dayMs - 1);
    const until = (ms: number): Act =>
      aReserve({ body: { mode: 'courier', until: at(noon + 3 * dayMs + ms) } });
    assert.equal(refusalOf(late, until(dayMs + 1)), 'reservationTooLong');
    const held = after(late, until(dayMs));
    assert.equal(refusalOf(later(held, dayMs), aDispense()), null);
    assert.equal(refusalOf(later(held, dayMs + 1), aDispense()), 'prescriptionExpired');
  });

  itRefuses('nothing', 'prescriptionUnknown', [newWorld, aReserve()]);
  itRefuses('a fill that is not there', 'fillUnknown', [issued, aReserve({ body: { k: 1 } })]);
  itRefuses('to reserve for another pharmacy', 'notPermitted', [
    issued,
    aReserve({ body: { pharmacy: rival } }),
  ]);
  itRefuses('a pharmacist without the patient', 'redeemKeyWrong', [
    issued,
    aReserve({ keys: [keyOf('pharmacist')] }),
  ]);
  itRefuses('the key of another fill', 'redeemKeyWrong', [
    issued,
    aReserve({ keys: [keyOf('pharmacist'), keyOf('redeem 1')] }),
  ]);
  itRefuses('the patient without a pharmacist', 'wrongSigners', [
    issued,
    aReserve({ keys: [keyOf('redeem 0')] }),
  ]);
  itRefuses('a second pharmacy (I1)', 'fillReserved', [reserved, aRivalReserve()]);
  itRefuses('a second pharmacy after a part', 'fillReserved', [partly, aRivalReserve()]);
  itRefuses('what waits for its review', 'reviewPending', [pending, aReserve()]);
  itRefuses('what expired', 'prescriptionExpired', [later(issued, 3 * dayMs), aReserve()]);
  itRefuses('what was cancelled', 'prescriptionNotOpen', [cancelled, aReserve()]);
  itRefuses('what a reviewer refused', 'prescriptionNotOpen', [
    after(pending, aReview({ body: { outcome: 'refuse' } })),
    aReserve(),
  ]);
  itRefuses('what was supplied, to use it twice', 'fillNotReady', [supplied, aRivalReserve()]);
  itRefuses('what was closed', 'fillNotReady', [after(partly, partial), aRivalReserve()]);
  itRefuses('a reservation that has ended', 'fillOutOfWindow', [issued, aReserve({ body: { until: noon } })]);
});

const chronicTimes = {
  validUntil: at(noon + 60 * dayMs),
  fills: [aFillPlan(rxId, 0, { start: noon, end: at(noon + 60 * dayMs) })],
};

describe('a prescription with a repeat', () => {
  const chronic = anIssue({
    body: {
      class: 'chronic',
      validUntil: at(noon + 60 * dayMs),
      items: [
        { itemId: 0, units: units(30), repeats: 1, intervalDays: 28, substitutionAllowed: false },
        { itemId: 1, units: units(20), repeats: 0, intervalDays: 0, substitutionAllowed: false },
      ],
      fills: [
        aFillPlan(rxId, 0, { start: noon, end: at(noon + 30 * dayMs) }),
        aFillPlan(rxId, 1, { start: at(noon + 20 * dayMs), end: at(noon + 60 * dayMs) }),
      ],
    },
  });
  const once = after(newWorld, chronic, aReserve(), aDispense());
  const again = (days: number): Act =>
    aReserve({
      keys: [keyOf('pharmacist'), keyOf('redeem 1')],
      body: { k: 1, until: at(noon + days * dayMs + hourMs) },
    });

  it('opens the second fill when it starts and the interval is over (I18)', () => {
    assert.equal(refusalOf(later(after(newWorld, chronic), 20 * dayMs - 1), again(20)), 'fillOutOfWindow');
    assert.equal(refusalOf(later(after(newWorld, chronic), 20 * dayMs), again(20)), null);
    assert.equal(refusalOf(later(once, 28 * dayMs - 1), again(28)), 'fillOutOfWindow');
    assert.equal(refusalOf(later(once, 28 * dayMs), again(28)), null);
  });

  it('does not let the key of the first fill open the second', () => {
    assert.equal(refusalOf(later(once, 28 * dayMs), aReserve({ body: { k: 1 } })), 'redeemKeyWrong');
  });

  it('supplies in the second fill only what is repeated (I3)', () => {
    const world = after(later(once, 28 * dayMs), again(28));
    const supply = (itemId: number, count: number): Act =>
      aDispense({ body: { k: 1, eventId: idOf('again'), items: [dispensed(itemId, count)] } });
    assert.equal(refusalOf(world, supply(1, 1)), 'itemUnknown');
    assert.equal(refusalOf(world, supply(0, 31)), 'quantityExceeded');
    assert.equal(statusIn(after(world, supply(0, 30)), 1), 'dispensed');
  });
});

describe('fill.return', () => {
  it('frees the fill for another pharmacy', () => {
    const world = after(reserved, aReturn());
    assert.equal(statusIn(world), 'ready');
    assert.equal(refusalOf(world, aRivalReserve()), null);
  });

  it('lets another pharmacy supply the rest', () => {
    const rest = aDispense({
      member: rival,
      keys: [keyOf('rival pharmacist')],
      body: { eventId: idOf('rest'), items: [dispensed(0, 20), dispensed(1, 20)] },
    });
    const world = after(partly, aReturn(), aRivalReserve(), rest);
    assert.equal(statusIn(world), 'dispensed');
    assert.deepEqual(
      fillIn(world).events.map((event) => event.pharmacy),
      [pharmacy, rival],
    );
  });

  itRefuses('nothing to return', 'prescriptionUnknown', [newWorld, aReturn()]);
  itRefuses('a fill that is not there', 'fillUnknown', [reserved, aReturn({ body: { k: 1 } })]);
  itRefuses('what nobody holds', 'fillNotReserved', [issued, aReturn()]);
  itRefuses('what waits for its review', 'fillNotReserved', [pending, aReturn()]);
  itRefuses('what is supplied', 'fillNotReserved', [supplied, aReturn()]);
  itRefuses('what was cancelled', 'prescriptionNotOpen', [after(reserved, aCancel()), aReturn()]);
  itRefuses('what expired', 'prescriptionExpired', [later(reserved, 3 * dayMs), aReturn()]);
  itRefuses('what lapsed', 'fillNotReserved', [later(reserved, 2 * hourMs), aReturn()]);
  itRefuses('what another holds', 'notHolder', [
    reserved,
    aReturn({ member: rival, keys: [keyOf('rival pharmacist')] }),
  ]);
});

describe('fill.dispense', () => {
  it('supplies the whole and ends the fill', () => {
    assert.equal(statusIn(supplied), 'dispensed');
    assert.deepEqual(fillIn(supplied).events, [
      {
        eventId: idOf('event'),
        pharmacy,
        timeMs: noon,
        items: [
          { itemId: 0, units: 30 },
          { itemId: 1, units: 20 },
        ],
        parcelId: null,
        receivedMs: null,
        claimId: null,
      },
    ]);
  });

  it('supplies in parts until nothing remains (I2)', () => {
    const part = (text: string, count: number): Act =>
      aDispense({ body: { eventId: idOf(text), items: [dispensed(0, count)] } });
    assert.equal(statusIn(partly), 'dispensing');
    assert.equal(refusalOf(partly, part('second', 21)), 'quantityExceeded');
    const rest = aDispense({ body: { eventId: idOf('rest'), items: [dispensed(0, 20), dispensed(1, 20)] } });
    assert.equal(statusIn(after(partly, rest)), 'dispensed');
  });

  it('substitutes what may be substituted, with a reason (I19)', () => {
    const items = [dispensed(1, 20, { equivalence: 'equivalent' })];
    assert.equal(refusalOf(reserved, aDispense({ body: { items, substitution: 'shortage' } })), null);
    assert.equal(refusalOf(reserved, aDispense({ body: { items } })), 'itemsInvalid');
  });

  it('spends a pack once, over all prescriptions (I15)', () => {
    const other = anIssue({ body: { rxId: idOf('other') } });
    const world = after(supplied, other, aReserve({ body: { rxId: idOf('other') } }));
    const again = (text: string): Act =>
      aDispense({
        body: { rxId: idOf('other'), items: [dispensed(0, 30, { packHashes: [digestOf(text)] })] },
      });
    assert.equal(refusalOf(world, again('pack 1')), 'packSpent');
    assert.equal(refusalOf(world, again('pack 3')), null);
  });

  it('has room for a bounded number of parts', () => {
    let world = after(newWorld, anIssue({ body: { items: [{ ...anItem, units: units(100) }] } }), aReserve());
    const part = (index: number): Act =>
      aDispense({ body: { eventId: idOf(`part ${index}`), items: [dispensed(0, 1)] } });
    for (let index = 0; index < dispenseEventsMax; index += 1) world = after(world, part(index));
    assert.equal(refusalOf(world, part(dispenseEventsMax)), 'tooLarge');
  });

  itRefuses('nothing', 'prescriptionUnknown', [newWorld, aDispense()]);
  itRefuses('a fill that is not there', 'fillUnknown', [reserved, aDispense({ body: { k: 1 } })]);
  itRefuses('to supply without a reservation', 'fillNotReserved', [issued, aDispense()]);
  itRefuses('a pharmacy that does not hold it (I5)', 'notHolder', [
    reserved,
    aDispense({ member: rival, keys: [keyOf('rival pharmacist')] }),
  ]);
  itRefuses('to supply after the cancel (I6)', 'prescriptionNotOpen', [
    after(reserved, aCancel()),
    aDispense(),
  ]);
  itRefuses('to supply what expired', 'prescriptionExpired', [later(reserved, 3 * dayMs), aDispense()]);
  itRefuses('to supply twice', 'fillNotReserved', [
    supplied,
    aDispense({ body: { eventId: idOf('second') } }),
  ]);
  itRefuses('an event twice', 'eventExists', [supplied, aDispense()]);
  itRefuses('more than is prescribed', 'quantityExceeded', [
    reserved,
    aDispense({ body: { items: [dispensed(0, 31)] } }),
  ]);
  itRefuses('an item that nobody prescribed', 'itemUnknown', [
    reserved,
    aDispense({ body: { items: [dispensed(2, 1)] } }),
  ]);
  itRefuses('one item in two lines', 'itemsInvalid', [
    reserved,
    aDispense({ body: { items: [dispensed(0, 15), dispensed(0, 16)] } }),
  ]);
  itRefuses('a reason without a substitution', 'itemsInvalid', [
    reserved,
    aDispense({ body: { substitution: 'shortage' } }),
  ]);
  itRefuses('to substitute what must not be substituted', 'substitutionNotAllowed', [
    reserved,
    aDispense({
      body: { items: [dispensed(0, 30, { equivalence: 'equivalent' })], substitution: 'shortage' },
    }),
  ]);
  itRefuses('a pack twice in one supply', 'packSpent', [
    reserved,
    aDispense({
      body: {
        items: [
          dispensed(0, 30, { packHashes: [digestOf('pack')] }),
          dispensed(1, 20, { packHashes: [digestOf('pack')] }),
        ],
      },
    }),
  ]);
});

const anItem = { itemId: 0, units: units(1), repeats: 0, intervalDays: 0, substitutionAllowed: false };

describe('fill.close', () => {
  it('gives up the rest of a part', () => {
    const world = after(partly, partial);
    assert.equal(statusIn(world), 'closed');
    assert.equal(fillIn(world).ended, 'partial');
  });

  it('confirms that everything was supplied', () => {
    const world = after(supplied, aClose());
    assert.equal(statusIn(world), 'dispensed');
    assert.equal(fillIn(world).ended, 'complete');
  });

  itRefuses('nothing to close', 'prescriptionUnknown', [newWorld, aClose()]);
  itRefuses('a fill that is not there', 'fillUnknown', [supplied, aClose({ body: { k: 1 } })]);
  itRefuses('to call a part complete', 'fillNotReady', [partly, aClose()]);
  itRefuses('to complete twice', 'tooLate', [after(supplied, aClose()), aClose()]);
  itRefuses('to complete what another supplied', 'notHolder', [
    supplied,
    aClose({ member: rival, keys: [keyOf('rival pharmacist')] }),
  ]);
  itRefuses('to call the whole a part', 'tooLate', [supplied, partial]);
  itRefuses('to give up what it does not hold', 'fillNotReserved', [issued, partial]);
  itRefuses('to give up what another holds', 'notHolder', [
    partly,
    aClose({ member: rival, keys: [keyOf('rival pharmacist')], body: { outcome: 'partial' } }),
  ]);
  itRefuses('to give up what was cancelled', 'prescriptionNotOpen', [after(partly, aCancel()), partial]);
  itRefuses('to give up what expired', 'prescriptionExpired', [later(partly, 3 * dayMs), partial]);
  itRefuses('to give up before anything was supplied: that is a return', 'nothingDispensed', [
    reserved,
    partial,
  ]);
});
