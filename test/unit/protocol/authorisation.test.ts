/** I13, seen through one act of each kind of signer: every transition asks the same function. */
import assert from 'node:assert/strict';
import { keyRecord } from '../../../protocol/practitionerKey.ts';
import {
  aDispense,
  aFillPlan,
  anIssue,
  aReserve,
  aReturn,
  aReview,
  aShip,
  rxId,
} from '../../support/acts.ts';
import {
  after,
  at,
  noon,
  attempt,
  hospital,
  insurer,
  itRefuses,
  keyOf,
  later,
  name,
  newWorld,
  pharmacy,
  refusalOf,
  rival,
  idOf,
  dayMs,
} from '../../support/domain.ts';
import { aRevokeKey } from '../../support/people.ts';

const issued = after(newWorld, anIssue());
const reserved = after(issued, aReserve());
const byPharmacy = { member: pharmacy, keys: [keyOf('pharmacy admin')] };
const keys = (...names: readonly string[]): ReturnType<typeof keyOf>[] => names.map(keyOf);

describe('authorisation (I13)', () => {
  itRefuses('a member that nobody knows', 'memberUnknown', [newWorld, anIssue({ member: name('nobody') })]);
  itRefuses('a suspended member', 'memberNotActive', [
    newWorld,
    anIssue({ member: name('suspended-pharmacy') }),
  ]);
  itRefuses('a member in the wrong role', 'roleMissing', [
    reserved,
    aReturn({ member: hospital, keys: keys('doctor') }),
  ]);
  itRefuses('a practitioner in the wrong role', 'roleMissing', [
    issued,
    aReserve({ keys: keys('bookkeeper', 'redeem 0') }),
  ]);
  itRefuses('a practitioner without the scope of the class', 'scopeMissing', [
    newWorld,
    anIssue({ keys: keys('junior', 'colleague'), body: { class: 'controlled', prescriber: idOf('junior') } }),
  ]);
  itRefuses('a key that nobody registered', 'keyUnknown', [newWorld, anIssue({ keys: keys('stranger') })]);
  itRefuses('a revoked key', 'keyRevoked', [
    after(reserved, aRevokeKey({ ...byPharmacy, body: { key: keyOf('pharmacist') } })),
    aReturn(),
  ]);
  itRefuses('a suspended practitioner', 'practitionerNotActive', [
    reserved,
    aReturn({ keys: keys('retired') }),
  ]);
  itRefuses('a practitioner at the time when the registration ends', 'practitionerNotActive', [
    reserved,
    aReturn({ keys: keys('lapsed') }),
  ]);
  itRefuses('the practitioner of another member', 'wrongSigners', [
    reserved,
    aReturn({ keys: keys('rival pharmacist') }),
  ]);
  itRefuses('another doctor than the prescriber', 'delegationUnknown', [
    newWorld,
    anIssue({ keys: keys('colleague') }),
  ]);
  itRefuses('the practitioner of another hospital in the prescriber’s name', 'wrongSigners', [
    newWorld,
    anIssue({ keys: keys('elsewhere') }),
  ]);
  itRefuses('a signer too many', 'wrongSigners', [
    reserved,
    aReturn({ keys: keys('pharmacist', 'second pharmacist') }),
  ]);
  itRefuses('a signer too few', 'wrongSigners', [reserved, aShip({ keys: keys('pharmacist') })]);
  itRefuses('a courier who is not one of the courier named', 'memberUnknown', [
    reserved,
    aShip({ body: { courier: name('nobody') } }),
  ]);
  itRefuses('a hand-over to a member that carries nothing', 'roleMissing', [
    reserved,
    aShip({ body: { courier: insurer } }),
  ]);

  it('accepts the signatures in any order', () => {
    assert.equal(refusalOf(issued, aReserve({ keys: keys('redeem 0', 'pharmacist') })), null);
  });

  it('asks two different keys of a controlled class, at the issue and at the supply', () => {
    const body = {
      class: 'controlled',
      validUntil: at(noon + dayMs),
      fills: [aFillPlan(rxId, 0, { start: noon, end: at(noon + dayMs) })],
    } as const;
    assert.equal(refusalOf(newWorld, anIssue({ body })), 'wrongSigners');
    const world = after(
      newWorld,
      anIssue({ keys: keys('doctor', 'colleague'), body }),
      aReview(),
      aReserve(),
    );
    assert.equal(refusalOf(world, aDispense()), 'wrongSigners');
    assert.equal(refusalOf(world, aDispense({ keys: keys('pharmacist', 'second pharmacist') })), null);
  });

  it('keeps a redeem key the patient’s, though somebody registered it as a practitioner’s', () => {
    const { records } = issued;
    const standing = {
      practitionerId: idOf('pharmacist'),
      addedMs: noon,
      revokedMs: null,
      compromisedSince: null,
    };
    const squatted = {
      ...issued,
      records: new Map([...records, keyRecord(keyOf('redeem 0'), standing)]),
    };
    assert.equal(refusalOf(squatted, aReserve()), null);
  });

  it('judges a registration by block time', () => {
    const world = later(reserved, 400 * dayMs);
    assert.equal(refusalOf(world, aReturn()), 'practitionerNotActive');
  });

  it('changes nothing in the state that it reads', () => {
    const before = [...issued.records.entries()].map(([key, record]) => [key, record.slice()] as const);
    assert.equal(attempt(issued, aReserve()).ok, true);
    assert.equal(attempt(issued, aReserve({ member: rival })).ok, false);
    assert.deepEqual([...issued.records.entries()], before);
  });
});
