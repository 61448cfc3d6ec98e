import assert from 'node:assert/strict';
import { readPrescription, type Party } from '../../../protocol/prescription.ts';
import {
  aCancel,
  aDispense,
  aHold,
  anIssue,
  aRelease,
  aReserve,
  aReturn,
  aReview,
  dispensed,
  rxId,
} from '../../support/acts.ts';
import {
  after,
  dayMs,
  insurer,
  itRefuses,
  keyOf,
  later,
  name,
  newWorld,
  readerOf,
  refusalOf,
  regulator,
  rival,
  statusIn,
  type World,
} from '../../support/domain.ts';
import { aRevokeKey } from '../../support/people.ts';

const byRegulator = { member: regulator, keys: [keyOf('regulator admin')] };
const byOwner = { member: rival, keys: [keyOf('owner')] };
const elsewhere = { member: name('second-hospital'), keys: [keyOf('elsewhere')] };
const issued = after(newWorld, anIssue());
const pending = after(newWorld, anIssue({ body: { reviewRequired: true } }));
const reserved = after(issued, aReserve());
const supplied = after(reserved, aDispense());
const held = after(issued, aHold());

function holdsIn(world: World): readonly Party[] | undefined {
  return readPrescription(readerOf(world), rxId)?.fills[0]?.holds;
}

describe('rx.hold', () => {
  it('keeps a fill from being reserved, and from being supplied (I6)', () => {
    assert.equal(refusalOf(held, aReserve()), 'onHold');
    assert.equal(refusalOf(after(reserved, aHold()), aDispense()), 'onHold');
  });

  it('is no state: the fill stays where it is, and its time runs on', () => {
    assert.deepEqual(
      [pending, issued, reserved].map((world) => statusIn(after(world, aHold()))),
      ['pendingReview', 'ready', 'reserved'],
    );
    assert.equal(statusIn(later(held, 3 * dayMs)), 'expired');
  });

  it('leaves open what supplies nothing: a review, a return, a cancellation', () => {
    assert.equal(refusalOf(after(pending, aHold()), aReview()), null);
    assert.equal(refusalOf(after(reserved, aHold()), aReturn()), null);
    assert.equal(refusalOf(held, aCancel()), null);
  });

  it('is made by prescriber, patient and regulator, each for themselves', () => {
    const world = after(issued, aHold(), aHold(byOwner), aHold(byRegulator));
    assert.deepEqual(holdsIn(world), ['prescriber', 'owner', 'regulator']);
  });

  itRefuses('nothing', 'prescriptionUnknown', [newWorld, aHold()]);
  itRefuses('a fill that is not there', 'fillUnknown', [issued, aHold({ body: { k: 1 } })]);
  itRefuses('a member that has no say', 'notPermitted', [
    issued,
    aHold({ member: insurer, keys: [keyOf('adjudicator')] }),
  ]);
  itRefuses('another hospital', 'notPermitted', [issued, aHold(elsewhere)]);
  itRefuses('another doctor', 'wrongSigners', [issued, aHold({ keys: [keyOf('colleague')] })]);
  itRefuses('what is supplied', 'tooLate', [supplied, aHold()]);
  itRefuses('what expired', 'prescriptionExpired', [later(issued, 3 * dayMs), aHold()]);
  itRefuses('what was cancelled', 'prescriptionNotOpen', [after(issued, aCancel()), aHold()]);
  itRefuses('what is void', 'prescriptionVoided', [after(issued, aRevokeKey()), aHold(byOwner)]);
  itRefuses('the same twice', 'onHold', [held, aHold()]);
});

describe('rx.release', () => {
  it('lets the fill go on', () => {
    const world = after(reserved, aHold(), aRelease());
    assert.equal(refusalOf(world, aDispense()), null);
  });

  it('lifts one’s own hold only', () => {
    const world = after(held, aHold(byRegulator), aRelease());
    assert.deepEqual(holdsIn(world), ['regulator']);
    assert.equal(refusalOf(world, aReserve()), 'onHold');
  });

  itRefuses('nothing', 'prescriptionUnknown', [newWorld, aRelease()]);
  itRefuses('a fill that is not there', 'fillUnknown', [held, aRelease({ body: { k: 1 } })]);
  itRefuses('a member that has no say', 'notPermitted', [held, aRelease(elsewhere)]);
  itRefuses('another doctor', 'wrongSigners', [held, aRelease({ keys: [keyOf('colleague')] })]);
  itRefuses('the hold of another', 'notOnHold', [held, aRelease(byOwner)]);
  itRefuses('what is not held', 'notOnHold', [issued, aRelease()]);
  itRefuses('what is supplied', 'tooLate', [supplied, aRelease()]);
  itRefuses('what expired', 'prescriptionExpired', [later(held, 3 * dayMs), aRelease()]);
  itRefuses('what was cancelled', 'prescriptionNotOpen', [after(held, aCancel()), aRelease()]);
  itRefuses('what is void', 'prescriptionVoided', [after(held, aRevokeKey()), aRelease(byOwner)]);
});

describe('rx.cancel of a prescription with a part supplied', () => {
  it('is refused to a regulator, who can only hold', () => {
    assert.equal(refusalOf(issued, aCancel(byRegulator)), 'notPermitted');
  });

  it('stands, though the part is still on its way', () => {
    const world = after(reserved, aDispense({ body: { items: [dispensed(0, 10)] } }), aCancel());
    assert.equal(statusIn(world), 'cancelled');
    assert.equal(refusalOf(world, aDispense()), 'eventExists');
  });
});
