import assert from 'node:assert/strict';
import { dispenseEventsMax } from '../../../protocol/limits.ts';
import { present } from '../../../protocol/invariant.ts';
import { readPrescription, type Fill } from '../../../protocol/prescription.ts';
import {
  aCancel,
  aClose,
  aDispense,
  aFillPlan,
  anIssue,
  aReserve,
  aReview,
  dispensed,
  rxId,
} from '../../support/acts.ts';
import {
  after,
  at,
  dayMs,
  digestOf,
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
  statusIn,
  underPolicy,
  units,
  type Act,
  type World,
} from '../../support/domain.ts';
import { anAddKey } from '../../support/people.ts';

const anItem = {
  itemId: 0,
  units: units(1),
  repeats: 0,
  intervalDays: 0,
  substitutionAllowed: false,
  validUntil: null,
};
const issued = after(newWorld, anIssue());
const pending = after(newWorld, anIssue({ body: { reviewRequired: true } }));
const reserved = after(issued, aReserve());
const someOfIt = aDispense({ body: { eventId: idOf('first part'), items: [dispensed(0, 10)] } });
const partly = after(reserved, someOfIt);
const supplied = after(reserved, aDispense());
const partial = aClose({ body: { outcome: 'partial' } });

function fillIn(world: World, k = 0): Fill {
  return present(readPrescription(readerOf(world), rxId)?.fills[k], 'issued');
}

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
        isReturned: false,
        receivedMs: null,
        withdrawnMs: null,
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

  it('substitutes what a voted shortage rule allows, named and while it is in force (I19)', () => {
    const items = [dispensed(0, 30, { equivalence: 'equivalent' })];
    const act = aDispense({ body: { items, substitution: 'ssp-7' } });
    const ruled = (start: number, end: number): World =>
      underPolicy(reserved, { shortages: [{ rule: 'ssp-7', start: at(start), end: at(end) }] });
    assert.equal(refusalOf(ruled(noon, noon + 1), act), null);
    assert.equal(refusalOf(ruled(noon + 1, noon + 2), act), 'substitutionNotAllowed');
    assert.equal(refusalOf(ruled(noon - 1, noon), act), 'substitutionNotAllowed');
    const unnamed = aDispense({ body: { items, substitution: 'stock' } });
    assert.equal(refusalOf(ruled(noon, noon + 1), unnamed), 'substitutionNotAllowed');
  });

  it('asks for another person than the reviewer, if the policy does', () => {
    const reviewed = after(
      pending,
      aReview({ member: pharmacy, keys: [keyOf('pharmacist')] }),
      aReserve({ keys: [keyOf('second pharmacist'), keyOf('redeem 0')] }),
    );
    assert.equal(refusalOf(reviewed, aDispense()), 'dispenserNotSeparate');
    assert.equal(refusalOf(reviewed, aDispense({ keys: [keyOf('second pharmacist')] })), null);
    assert.equal(refusalOf(underPolicy(reviewed, { isDispenserSeparate: false }), aDispense()), null);
  });

  it('asks for two persons for a controlled class: two keys of one are not enough', () => {
    const end = at(noon + dayMs);
    const controlled = anIssue({
      keys: [keyOf('doctor'), keyOf('colleague')],
      body: { class: 'controlled', validUntil: end, fills: [aFillPlan(rxId, 0, { start: noon, end })] },
    });
    const world = after(newWorld, anAddKey(), controlled, aReview(), aReserve());
    const byOne = aDispense({ keys: [keyOf('pharmacist'), keyOf('second card')] });
    assert.equal(refusalOf(world, byOne), 'wrongSigners');
    assert.equal(
      refusalOf(world, aDispense({ keys: [keyOf('pharmacist'), keyOf('second pharmacist')] })),
      null,
    );
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
