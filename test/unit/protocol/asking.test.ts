import assert from 'node:assert/strict';
import { readPrescription, type Prescription } from '../../../protocol/prescription.ts';
import {
  aCancel,
  aDecideRenewal,
  aDecideSubstitution,
  aDispense,
  anAskRenewal,
  anAskSubstitution,
  anIssue,
  aReserve,
  aReview,
  dispensed,
  rxId,
} from '../../support/acts.ts';
import {
  after,
  dayMs,
  hospital,
  idOf,
  itRefuses,
  keyOf,
  later,
  name,
  newWorld,
  pharmacy,
  readerOf,
  refusalOf,
  rival,
  statusIn,
  type World,
} from '../../support/domain.ts';
import { aRevokeKey } from '../../support/people.ts';

const elsewhere = { member: name('second-hospital'), keys: [keyOf('elsewhere')] };
const byRival = { member: rival, keys: [keyOf('rival pharmacist')] };
const issued = after(newWorld, anIssue());
const reserved = after(issued, aReserve());
const asked = after(reserved, anAskSubstitution());
const substitute = aDispense({
  body: { items: [dispensed(0, 30, { equivalence: 'equivalent' })], substitution: 'stock' },
});

function prescriptionIn(world: World): Prescription | null {
  return readPrescription(readerOf(world), rxId);
}

describe('substitution.request', () => {
  it('waits for the prescriber, and allows nothing by itself (I19)', () => {
    assert.deepEqual(prescriptionIn(asked)?.substitutions, [{ itemId: 0, decision: 'asked' }]);
    assert.equal(refusalOf(asked, substitute), 'substitutionNotAllowed');
  });

  itRefuses('nothing', 'prescriptionUnknown', [newWorld, anAskSubstitution()]);
  itRefuses('a fill that is not there', 'fillUnknown', [reserved, anAskSubstitution({ body: { k: 1 } })]);
  itRefuses('who does not hold the fill', 'notHolder', [reserved, anAskSubstitution(byRival)]);
  itRefuses('what nobody holds', 'fillNotReserved', [issued, anAskSubstitution()]);
  itRefuses('what was cancelled', 'prescriptionNotOpen', [after(reserved, aCancel()), anAskSubstitution()]);
  itRefuses('what is void', 'prescriptionVoided', [after(reserved, aRevokeKey()), anAskSubstitution()]);
  itRefuses('what expired', 'prescriptionExpired', [later(reserved, 3 * dayMs), anAskSubstitution()]);
  itRefuses('an item that was not prescribed', 'itemUnknown', [
    reserved,
    anAskSubstitution({ body: { itemId: 7 } }),
  ]);
  itRefuses('the same twice', 'requestPending', [asked, anAskSubstitution()]);
  itRefuses('what was allowed', 'requestPending', [after(asked, aDecideSubstitution()), anAskSubstitution()]);
});

describe('substitution.decide', () => {
  it('allows the item, or denies it; after a denial it can be asked again', () => {
    const denied = after(asked, aDecideSubstitution({ body: { isAllowed: false } }));
    assert.equal(refusalOf(after(asked, aDecideSubstitution()), substitute), null);
    assert.equal(refusalOf(denied, substitute), 'substitutionNotAllowed');
    assert.equal(refusalOf(denied, anAskSubstitution()), null);
  });

  itRefuses('nothing', 'prescriptionUnknown', [newWorld, aDecideSubstitution()]);
  itRefuses('another hospital', 'notPermitted', [asked, aDecideSubstitution(elsewhere)]);
  itRefuses('what nobody asked', 'requestUnknown', [reserved, aDecideSubstitution()]);
  itRefuses('what was decided', 'requestUnknown', [
    after(asked, aDecideSubstitution()),
    aDecideSubstitution({ body: { isAllowed: false } }),
  ]);
});

describe('renewal.request', () => {
  const supplied = after(reserved, aDispense());

  it('comes from the patient, or from a pharmacy that supplied it, also when it is over', () => {
    assert.equal(refusalOf(issued, anAskRenewal()), null);
    const byPharmacy = anAskRenewal({ member: pharmacy, keys: [keyOf('pharmacist')] });
    assert.equal(refusalOf(later(supplied, 3 * dayMs), byPharmacy), null);
  });

  it('can be made again after its time, or after its answer', () => {
    const pending = after(issued, anAskRenewal());
    assert.equal(refusalOf(later(pending, 7 * dayMs - 1), anAskRenewal()), 'requestPending');
    assert.equal(refusalOf(later(pending, 7 * dayMs), anAskRenewal()), null);
    const denied = after(pending, aDecideRenewal({ body: { nextRxId: null } }));
    assert.equal(refusalOf(denied, anAskRenewal()), null);
  });

  itRefuses('nothing', 'prescriptionUnknown', [newWorld, anAskRenewal()]);
  itRefuses('the owner key in company', 'wrongSigners', [
    issued,
    anAskRenewal({ keys: [keyOf('owner'), keyOf('doctor')] }),
  ]);
  itRefuses('a pharmacy that supplied nothing', 'notPermitted', [supplied, anAskRenewal(byRival)]);
  itRefuses('what is void', 'prescriptionVoided', [after(issued, aRevokeKey()), anAskRenewal()]);
  itRefuses('what a reviewer refused', 'prescriptionNotOpen', [
    after(newWorld, anIssue({ body: { reviewRequired: true } }), aReview({ body: { outcome: 'refuse' } })),
    anAskRenewal(),
  ]);
  itRefuses('the same twice', 'requestPending', [after(issued, anAskRenewal()), anAskRenewal()]);
});

describe('renewal.decide', () => {
  const pending = after(issued, anAskRenewal());
  const next = anIssue({ body: { rxId: idOf('next'), replaces: rxId } });

  it('names the prescription that follows, which takes the place of this one', () => {
    const world = after(pending, next, aDecideRenewal());
    assert.deepEqual(prescriptionIn(world)?.renewal, {
      askedMs: world.timeMs,
      decision: 'allowed',
      nextRxId: idOf('next'),
    });
    assert.equal(statusIn(world), 'cancelled');
  });

  it('denies with no prescription', () => {
    const world = after(pending, aDecideRenewal({ body: { nextRxId: null } }));
    assert.equal(prescriptionIn(world)?.renewal?.decision, 'denied');
    assert.equal(statusIn(world), 'ready');
  });

  itRefuses('nothing', 'prescriptionUnknown', [newWorld, aDecideRenewal()]);
  itRefuses('another hospital', 'notPermitted', [pending, aDecideRenewal(elsewhere)]);
  itRefuses('what nobody asked for', 'requestUnknown', [issued, aDecideRenewal()]);
  itRefuses('what was asked too long ago', 'requestUnknown', [later(pending, 7 * dayMs), aDecideRenewal()]);
  itRefuses('a prescription that nobody issued', 'prescriptionUnknown', [pending, aDecideRenewal()]);
  itRefuses('a prescription that follows another', 'notPermitted', [
    after(pending, anIssue({ member: hospital, body: { rxId: idOf('next') } })),
    aDecideRenewal(),
  ]);
});
