import assert from 'node:assert/strict';
import { isVoided } from '../../../protocol/fillStatus.ts';
import { present } from '../../../protocol/invariant.ts';
import { readPractitioner } from '../../../protocol/practitioner.ts';
import { readKey, type KeyStanding } from '../../../protocol/practitionerKey.ts';
import { readPrescription } from '../../../protocol/prescription.ts';
import { aCancel, aDispense, anIssue, aReserve, aReview, dispensed, rxId } from '../../support/acts.ts';
import {
  after,
  at,
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
  regulator,
  rival,
  statusIn,
  type World,
} from '../../support/domain.ts';
import { anAddKey, aRevokeKey, aRotateKey } from '../../support/people.ts';

const byRegulator = { member: regulator, keys: [keyOf('regulator admin')] };
const byRival = { member: rival, keys: [keyOf('rival-pharmacy admin')] };
const superseded = { member: pharmacy, keys: [keyOf('pharmacy admin')] };
const pharmacistKey = keyOf('pharmacist');

function standingIn(world: World, who: string): KeyStanding | null {
  return readKey(readerOf(world), keyOf(who));
}

function keysIn(world: World): unknown {
  return readPractitioner(readerOf(world), idOf('pharmacist'))?.keys;
}

describe('key.add', () => {
  it('gives a practitioner one key more, which counts from the next transaction on', () => {
    const world = after(newWorld, anIssue());
    const reserve = aReserve({ keys: [keyOf('second card'), keyOf('redeem 0')] });
    assert.equal(refusalOf(world, reserve), 'keyUnknown');
    const added = after(world, anAddKey());
    assert.equal(refusalOf(added, reserve), null);
    assert.deepEqual(keysIn(added), [pharmacistKey, keyOf('second card')]);
  });

  const addedAs = (text: string): ReturnType<typeof anAddKey> =>
    anAddKey({ keys: [keyOf('pharmacy admin'), keyOf(text)], body: { key: keyOf(text) } });
  itRefuses('a key that does not sign itself', 'wrongSigners', [
    newWorld,
    anAddKey({ keys: [keyOf('pharmacy admin')] }),
  ]);
  itRefuses('somebody unknown', 'practitionerUnknown', [
    newWorld,
    anAddKey({ body: { practitionerId: idOf('nobody') } }),
  ]);
  itRefuses('another member’s practitioner', 'notPermitted', [
    newWorld,
    anAddKey({ body: { practitionerId: idOf('doctor') } }),
  ]);
  itRefuses('a key that is registered', 'keyExists', [newWorld, addedAs('doctor')]);
  itRefuses('a key that was revoked, for ever', 'keyExists', [
    after(newWorld, aRotateKey()),
    addedAs('pharmacist'),
  ]);
  itRefuses('a fifth key', 'tooLarge', [
    after(newWorld, addedAs('two'), addedAs('three'), addedAs('four')),
    addedAs('five'),
  ]);
});

describe('key.rotate', () => {
  it('supersedes the old key by the new one', () => {
    const world = after(newWorld, anIssue(), aRotateKey());
    assert.deepEqual(keysIn(world), [keyOf('new card')]);
    assert.deepEqual(standingIn(world, 'pharmacist'), {
      practitionerId: idOf('pharmacist'),
      addedMs: noon - 24 * hourMs,
      revokedMs: noon,
      compromisedSince: null,
    });
    assert.equal(refusalOf(world, aReserve()), 'keyRevoked');
    assert.equal(refusalOf(world, aReserve({ keys: [keyOf('new card'), keyOf('redeem 0')] })), null);
  });

  itRefuses('a key that nobody has', 'keyUnknown', [newWorld, aRotateKey({ body: { key: keyOf('none') } })]);
  itRefuses('a new key that does not sign itself', 'wrongSigners', [
    newWorld,
    aRotateKey({ keys: [keyOf('pharmacy admin')] }),
  ]);
  itRefuses('another member’s key', 'notPermitted', [
    newWorld,
    aRotateKey({ body: { key: keyOf('doctor') } }),
  ]);
  itRefuses('a key that was revoked', 'keyRevoked', [
    after(newWorld, aRotateKey()),
    aRotateKey({ keys: [keyOf('pharmacy admin'), keyOf('newer')], body: { newKey: keyOf('newer') } }),
  ]);
  itRefuses('a new key that somebody has', 'keyExists', [
    newWorld,
    aRotateKey({ keys: [keyOf('pharmacy admin'), keyOf('doctor')], body: { newKey: keyOf('doctor') } }),
  ]);
});

describe('key.revoke', () => {
  const issued = after(later(newWorld, hourMs), anIssue({ body: { authoredOn: at(noon + hourMs) } }));
  const partly = after(issued, aReserve(), aDispense({ body: { items: [dispensed(0, 10)] } }));
  const supplied = after(issued, aReserve(), aDispense());
  const since = (timeMs: number): ReturnType<typeof aRevokeKey> =>
    aRevokeKey({ body: { compromisedSince: at(timeMs) } });
  const isFlagged = (world: World): boolean =>
    isVoided(readerOf(world), present(readPrescription(readerOf(world), rxId), 'issued'));

  it('as compromised voids what was issued since then and is not supplied', () => {
    const worlds = [issued, after(issued, aReserve()), partly];
    assert.deepEqual(
      worlds.map((world) => statusIn(after(world, since(noon + hourMs)))),
      ['voided', 'voided', 'voided'],
    );
    assert.equal(statusIn(after(issued, since(noon + hourMs))), 'voided');
    assert.equal(statusIn(after(later(issued, 2), since(noon + hourMs + 1))), 'ready');
  });

  it('as compromised flags what was supplied, and leaves it as it is', () => {
    const world = after(supplied, since(noon));
    assert.equal(statusIn(world), 'dispensed');
    assert.deepEqual([isFlagged(supplied), isFlagged(world)], [false, true]);
  });

  it('as compromised ends every way on', () => {
    const pending = after(newWorld, anIssue({ body: { reviewRequired: true } }), aRevokeKey());
    const held = after(issued, aReserve(), since(noon));
    assert.equal(refusalOf(pending, aReview()), 'prescriptionVoided');
    assert.equal(refusalOf(after(issued, since(noon)), aReserve()), 'prescriptionVoided');
    assert.equal(refusalOf(held, aDispense()), 'prescriptionVoided');
    assert.equal(refusalOf(held, aCancel({ keys: [keyOf('owner')] })), 'prescriptionVoided');
  });

  it('writes two records, however many prescriptions the key signed', () => {
    const before = issued.records;
    const { records } = after(issued, since(noon));
    const changed = [...records.keys()].filter((key) => records.get(key) !== before.get(key));
    assert.deepEqual(new Set(changed), new Set([`key/${keyOf('doctor')}`, `practitioner/${idOf('doctor')}`]));
  });

  it('as superseded leaves everything that the key signed good', () => {
    const world = after(issued, aRevokeKey({ body: { compromisedSince: null } }));
    assert.equal(statusIn(world), 'ready');
    assert.equal(refusalOf(world, anIssue({ body: { rxId: idOf('next') } })), 'keyRevoked');
  });

  it('can be said to have been worse later, or earlier than was thought, never better', () => {
    const lost = after(issued, aRevokeKey({ body: { compromisedSince: null } }));
    const stolen = after(lost, since(noon + 1));
    assert.equal(standingIn(stolen, 'doctor')?.compromisedSince, noon + 1);
    assert.equal(standingIn(after(stolen, since(noon)), 'doctor')?.compromisedSince, noon);
    assert.equal(refusalOf(stolen, since(noon + 2)), 'keyRevoked');
    assert.equal(refusalOf(stolen, aRevokeKey({ body: { compromisedSince: null } })), 'keyRevoked');
  });

  it('can be done by a regulator', () => {
    assert.equal(statusIn(after(issued, aRevokeKey(byRegulator))), 'voided');
  });

  itRefuses('a key that nobody has', 'keyUnknown', [newWorld, aRevokeKey({ body: { key: keyOf('none') } })]);
  itRefuses('the key itself', 'wrongSigners', [newWorld, aRevokeKey({ keys: [keyOf('doctor')] })]);
  itRefuses('another member', 'notPermitted', [newWorld, aRevokeKey(byRival)]);
  itRefuses('what is to come', 'timeInvalid', [
    newWorld,
    aRevokeKey({ body: { compromisedSince: at(noon + 1) } }),
  ]);
  itRefuses('what was revoked', 'keyRevoked', [
    after(newWorld, aRotateKey()),
    aRevokeKey({ ...superseded, body: { key: pharmacistKey, compromisedSince: null } }),
  ]);
});
