import assert from 'node:assert/strict';
import { mayRead } from '../../../protocol/fillStatus.ts';
import { readPrescription } from '../../../protocol/prescription.ts';
import {
  aCancel,
  aClose,
  aDispense,
  aFillPlan,
  anIssue,
  aReserve,
  aReview,
  dispensed,
  receiptCode,
  rxId,
} from '../../support/acts.ts';
import {
  after,
  at,
  attempt,
  dayMs,
  digestOf,
  hospital,
  hourMs,
  idOf,
  insurer,
  itRefuses,
  keyOf,
  later,
  name,
  newWorld,
  noon,
  pharmacy,
  readerOf,
  refusalOf,
  rival,
  statusIn,
  units,
  type Act,
  type World,
} from '../../support/domain.ts';
import { anAddKey } from '../../support/people.ts';
import { receiptCodeHash } from '../../../protocol/receiptCode.ts';
import { present } from '../../../protocol/invariant.ts';

const issued = after(newWorld, anIssue());
const pending = after(newWorld, anIssue({ body: { reviewRequired: true } }));
const reserved = after(issued, aReserve());
const partly = after(reserved, aDispense({ body: { items: [dispensed(0, 10)] } }));
const supplied = after(reserved, aDispense());
const cancelled = after(issued, aCancel());
const elsewhere = { member: name('second-hospital'), keys: [keyOf('elsewhere')] };

describe('rx.issue', () => {
  it('opens a prescription with one fill that is ready', () => {
    const seal = {
      docType: 'MedicationRequest',
      commitment: digestOf('c'),
      blobHash: digestOf('blob'),
      size: 1_024,
    };
    const world = after(newWorld, anIssue({ seals: [seal] }));
    assert.deepEqual(readPrescription(readerOf(world), rxId), {
      rxId,
      hospital,
      prescriber: idOf('doctor'),
      class: 'ordinary',
      issuedMs: noon,
      authoredOn: noon,
      validUntil: noon + 3 * dayMs,
      items: [
        { itemId: 0, units: 30, repeats: 0, intervalDays: 0, substitutionAllowed: false, validUntil: null },
        { itemId: 1, units: 20, repeats: 0, intervalDays: 0, substitutionAllowed: true, validUntil: null },
      ],
      fills: [
        {
          k: 0,
          start: noon,
          end: noon + 3 * dayMs,
          redeemKey: keyOf('redeem 0'),
          receiptHash: receiptCodeHash(rxId, 0, receiptCode),
          reservation: null,
          ended: null,
          holds: [],
          events: [],
        },
      ],
      ownerKey: keyOf('owner'),
      status: 'open',
      reviewer: null,
      replaces: null,
      blobHashes: [digestOf('blob')],
      signedBy: [keyOf('doctor')],
      nomination: null,
      substitutions: [],
      renewal: null,
    });
    assert.equal(statusIn(world), 'ready');
  });

  it('names the prescription as the subject of the history', () => {
    const result = attempt(newWorld, anIssue());
    assert.deepEqual(result.ok && result.value.subjects, [rxId]);
  });

  it('waits for a review that the policy asks for, whatever the prescriber says', () => {
    assert.equal(statusIn(after(newWorld, anIssue({ body: { class: 'antibiotic' } }))), 'pendingReview');
  });

  it('may replace an earlier prescription of the hospital', () => {
    const act = anIssue({ body: { rxId: idOf('second'), replaces: rxId } });
    assert.equal(refusalOf(issued, act), null);
  });

  it('accepts authoredOn up to five minutes away from block time, before and after', () => {
    assert.equal(refusalOf(newWorld, anIssue({ body: { authoredOn: at(noon + 300_000) } })), null);
    assert.equal(refusalOf(later(newWorld, 300_000), anIssue()), null);
  });

  it('counts a key’s prescriptions by the hour of block time, controlled ones apart', () => {
    let world = newWorld;
    for (let index = 0; index < 60; index += 1)
      world = after(world, anIssue({ body: { rxId: idOf(`rx ${index}`) } }));
    assert.equal(refusalOf(world, anIssue()), 'rateExceeded');
    assert.equal(
      refusalOf(later(world, hourMs - 1), anIssue({ body: { authoredOn: at(noon + hourMs) } })),
      'rateExceeded',
    );
    assert.equal(refusalOf(later(world, hourMs), anIssue({ body: { authoredOn: at(noon + hourMs) } })), null);
    assert.equal(refusalOf(world, aControlled('rx 60')), null);
  });

  it('caps controlled prescriptions at ten an hour', () => {
    let world = newWorld;
    for (let index = 0; index < 10; index += 1) world = after(world, aControlled(`rx ${index}`));
    assert.equal(refusalOf(world, aControlled('rx 10')), 'rateExceeded');
  });

  it('counts each key of the prescriber, so that a second one gains nothing, and not who signs second', () => {
    const card = keyOf('doctor card');
    const second = anAddKey({
      member: hospital,
      keys: [keyOf('hospital admin'), card],
      body: { practitionerId: idOf('doctor'), key: card },
    });
    let world = after(newWorld, second);
    const byBoth = (text: string): Act => ({ ...aControlled(text), keys: [keyOf('doctor'), card] });
    for (let index = 0; index < 10; index += 1) world = after(world, byBoth(`rx ${index}`));
    const others = [card, keyOf('colleague')];
    assert.equal(refusalOf(world, { ...aControlled('rx 10'), keys: others }), 'rateExceeded');
    assert.equal(refusalOf(world, aControlled('rx 10')), 'rateExceeded');
    assert.equal(refusalOf(world, aControlled('rx 10', 'colleague')), null);
  });

  const fill = aFillPlan(rxId, 0, { start: noon, end: at(noon + 3 * dayMs) });
  const item = {
    itemId: 0,
    units: units(1),
    repeats: 0,
    intervalDays: 0,
    substitutionAllowed: false,
    validUntil: null,
  };
  itRefuses('an id twice (I15)', 'prescriptionExists', [issued, anIssue()]);
  itRefuses('an unknown prescriber', 'practitionerUnknown', [
    newWorld,
    anIssue({ body: { prescriber: idOf('nobody') } }),
  ]);
  itRefuses('one that was written later than the clocks allow', 'authoredOnOutOfWindow', [
    newWorld,
    anIssue({ body: { authoredOn: at(noon + 300_001) } }),
  ]);
  itRefuses('one that was written long ago', 'authoredOnOutOfWindow', [later(newWorld, 300_001), anIssue()]);
  itRefuses('one that is over', 'prescriptionExpired', [newWorld, anIssue({ body: { validUntil: noon } })]);
  itRefuses('one that is valid longer than its class', 'validityTooLong', [
    newWorld,
    anIssue({ body: { validUntil: at(noon + 3 * dayMs + 1) } }),
  ]);
  itRefuses('two items with one number', 'itemsInvalid', [
    newWorld,
    anIssue({ body: { items: [item, item] } }),
  ]);
  itRefuses('fewer fills than repeats', 'itemsInvalid', [
    newWorld,
    anIssue({ body: { items: [{ ...item, repeats: 1 }] } }),
  ]);
  itRefuses('a fill out of order', 'itemsInvalid', [
    newWorld,
    anIssue({ body: { fills: [{ ...fill, k: 1 }] } }),
  ]);
  itRefuses('a fill that ends before it starts', 'itemsInvalid', [
    newWorld,
    anIssue({ body: { fills: [{ ...fill, end: noon }] } }),
  ]);
  itRefuses('a fill that outlives the prescription', 'itemsInvalid', [
    newWorld,
    anIssue({ body: { fills: [{ ...fill, end: at(noon + 3 * dayMs + 1) }] } }),
  ]);
  itRefuses('a redeem key that is the owner key', 'itemsInvalid', [
    newWorld,
    anIssue({ body: { fills: [{ ...fill, redeemKey: keyOf('owner') }] } }),
  ]);
  itRefuses('an item that ends after the prescription', 'itemsInvalid', [
    newWorld,
    anIssue({ body: { items: [{ ...item, validUntil: at(noon + 3 * dayMs + 1) }] } }),
  ]);
  itRefuses('an item that is over', 'itemsInvalid', [
    newWorld,
    anIssue({ body: { items: [{ ...item, validUntil: noon }] } }),
  ]);
  itRefuses('to replace a colleague’s prescription that is open', 'notPermitted', [
    issued,
    anIssue({
      keys: [keyOf('colleague')],
      body: { rxId: idOf('second'), replaces: rxId, prescriber: idOf('colleague') },
    }),
  ]);
  itRefuses('to replace what nobody issued', 'prescriptionUnknown', [
    newWorld,
    anIssue({ body: { replaces: idOf('nothing') } }),
  ]);
  itRefuses('to replace what another hospital issued', 'notPermitted', [
    issued,
    anIssue({
      ...elsewhere,
      body: { rxId: idOf('second'), replaces: rxId, prescriber: idOf('elsewhere') },
    }),
  ]);
});

describe('a prescription that replaces another', () => {
  const second = anIssue({ body: { rxId: idOf('second'), replaces: rxId } });

  it('cancels what is open of it, so that only one is supplied', () => {
    assert.deepEqual(
      [pending, issued, reserved, partly].map((world) => statusIn(after(world, second))),
      ['cancelled', 'cancelled', 'cancelled', 'cancelled'],
    );
  });

  it('stands in the history of both', () => {
    const result = attempt(issued, second);
    assert.deepEqual(result.ok && result.value.subjects, [idOf('second'), rxId]);
  });

  it('may follow what has ended, by any doctor of the hospital', () => {
    const colleagues = anIssue({
      keys: [keyOf('colleague')],
      body: { rxId: idOf('second'), replaces: rxId, prescriber: idOf('colleague') },
    });
    assert.equal(statusIn(after(supplied, colleagues)), 'dispensed');
  });
});

describe('rx.review', () => {
  it('makes an approved prescription ready', () => {
    const world = after(pending, aReview());
    assert.equal(statusIn(pending), 'pendingReview');
    assert.equal(statusIn(world), 'ready');
    assert.equal(readPrescription(readerOf(world), rxId)?.reviewer, idOf('reviewer'));
  });

  it('ends a refused one', () => {
    const world = after(pending, aReview({ body: { outcome: 'refuse' } }));
    assert.equal(statusIn(world), 'refused');
    assert.equal(refusalOf(world, aReserve()), 'prescriptionNotOpen');
  });

  it('leaves a queried one pending, without a write', () => {
    const result = attempt(pending, aReview({ body: { outcome: 'query' } }));
    assert.deepEqual(result, { ok: true, value: { subjects: [rxId], writes: new Map() } });
  });

  itRefuses('a review of nothing', 'prescriptionUnknown', [newWorld, aReview()]);
  itRefuses('a second review', 'reviewNotPending', [after(pending, aReview()), aReview()]);
  itRefuses('a review that nobody asked for', 'reviewNotPending', [issued, aReview()]);
  itRefuses('the prescriber as reviewer (I7)', 'reviewerIsPrescriber', [
    pending,
    aReview({ member: hospital, keys: [keyOf('doctor')] }),
  ]);
  itRefuses('a review of a cancelled prescription', 'prescriptionNotOpen', [
    after(pending, aCancel()),
    aReview(),
  ]);
  itRefuses('a review at the end of the validity', 'prescriptionExpired', [
    later(pending, 3 * dayMs),
    aReview(),
  ]);
});

describe('rx.cancel', () => {
  it('cancels what is pending, ready, reserved or partly supplied', () => {
    const worlds = [pending, issued, reserved, partly];
    assert.deepEqual(
      worlds.map((world) => statusIn(after(world, aCancel()))),
      ['cancelled', 'cancelled', 'cancelled', 'cancelled'],
    );
  });

  it('keeps what was supplied before', () => {
    const prescription = readPrescription(readerOf(after(partly, aCancel())), rxId);
    assert.equal(prescription?.fills[0]?.events.length, 1);
  });

  it('can be done by the patient with the owner key, through any member', () => {
    assert.equal(refusalOf(reserved, aCancel({ member: rival, keys: [keyOf('owner')] })), null);
  });

  it('can name one fill', () => {
    assert.equal(statusIn(after(issued, aCancel({ body: { k: 0 } }))), 'cancelled');
  });

  itRefuses('to cancel nothing', 'prescriptionUnknown', [newWorld, aCancel()]);
  itRefuses('to cancel a fill that is not there', 'fillUnknown', [issued, aCancel({ body: { k: 1 } })]);
  itRefuses('to cancel what is supplied', 'tooLate', [supplied, aCancel()]);
  itRefuses('to cancel what is closed', 'tooLate', [
    after(partly, aClose({ body: { outcome: 'partial' } })),
    aCancel(),
  ]);
  itRefuses('to cancel twice (I4)', 'prescriptionNotOpen', [cancelled, aCancel()]);
  itRefuses('to cancel what expired', 'prescriptionExpired', [later(issued, 3 * dayMs), aCancel()]);
  itRefuses('another hospital’s wish', 'notPermitted', [issued, aCancel(elsewhere)]);
  itRefuses('another doctor’s wish', 'wrongSigners', [issued, aCancel({ keys: [keyOf('colleague')] })]);
  itRefuses('the owner key in company', 'wrongSigners', [
    issued,
    aCancel({ keys: [keyOf('owner'), keyOf('doctor')] }),
  ]);
});

describe('the status of a fill', () => {
  it('follows block time without a transaction', () => {
    assert.equal(statusIn(later(reserved, 2 * hourMs - 1)), 'reserved');
    assert.equal(statusIn(later(reserved, 2 * hourMs)), 'ready');
    assert.equal(statusIn(later(reserved, 3 * dayMs)), 'expired');
    assert.equal(statusIn(later(partly, 2 * hourMs)), 'ready');
    assert.equal(statusIn(later(supplied, 3 * dayMs)), 'dispensed');
  });
});

describe('who may read a prescription', () => {
  const readers = (world: World): readonly string[] => {
    const prescription = present(readPrescription(readerOf(world), rxId), 'issued');
    return [hospital, pharmacy, rival, insurer].filter((member) =>
      mayRead(prescription, member, world.timeMs),
    );
  };

  it('is the hospital, and a pharmacy while it holds a fill', () => {
    assert.deepEqual(readers(issued), [hospital]);
    assert.deepEqual(readers(reserved), [hospital, pharmacy]);
    assert.deepEqual(readers(later(reserved, 2 * hourMs)), [hospital]);
    assert.deepEqual(readers(after(reserved, aCancel())), [hospital]);
  });

  it('is a pharmacy that supplied, for good', () => {
    assert.deepEqual(readers(later(supplied, 3 * dayMs)), [hospital, pharmacy]);
  });
});

function aControlled(text: string, prescriber = 'doctor'): Act {
  const id = idOf(text);
  const validUntil = at(noon + dayMs);
  const fills = [aFillPlan(id, 0, { start: noon, end: validUntil })];
  const keys = [keyOf(prescriber), keyOf(prescriber === 'doctor' ? 'colleague' : 'doctor')];
  const body = { rxId: id, prescriber: idOf(prescriber), class: 'controlled', validUntil, fills } as const;
  return anIssue({ keys, body });
}
