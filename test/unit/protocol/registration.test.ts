import assert from 'node:assert/strict';
import { hasScope, readPractitioner, type Practitioner } from '../../../protocol/practitioner.ts';
import { present } from '../../../protocol/invariant.ts';
import { readKey } from '../../../protocol/practitionerKey.ts';
import { anIssue, aReserve } from '../../support/acts.ts';
import {
  after,
  at,
  dayMs,
  hospital,
  idOf,
  insurer,
  itRefuses,
  keyOf,
  newWorld,
  noon,
  pharmacy,
  readerOf,
  refusalOf,
  regulator,
  type World,
} from '../../support/domain.ts';
import { aRegister, aReinstate, aScope, aSuspend } from '../../support/people.ts';

const byRegulator = { member: regulator, keys: [keyOf('regulator admin')] };
const newcomer = after(newWorld, aRegister());
const suspended = after(newWorld, aSuspend());

function practitionerIn(world: World, who = 'pharmacist'): Practitioner {
  return present(readPractitioner(readerOf(world), idOf(who)), 'registered');
}

describe('practitioner.register', () => {
  it('makes the member that signs the employer', () => {
    assert.deepEqual(practitionerIn(newcomer, 'newcomer'), {
      id: idOf('newcomer'),
      member: pharmacy,
      roles: ['pharmacist'],
      scopes: ['ordinary'],
      validUntil: noon + 365 * dayMs,
      suspensions: [],
      keys: [keyOf('newcomer')],
    });
    assert.deepEqual(readKey(readerOf(newcomer), keyOf('newcomer')), {
      practitionerId: idOf('newcomer'),
      addedMs: noon,
      revokedMs: null,
      compromisedSince: null,
    });
  });

  it('lets a new practitioner act from the next transaction on', () => {
    const keys = [keyOf('newcomer'), keyOf('redeem 0')];
    const world = after(newWorld, anIssue());
    assert.equal(refusalOf(world, aReserve({ keys })), 'keyUnknown');
    assert.equal(refusalOf(after(world, aRegister()), aReserve({ keys })), null);
  });

  it('can leave the keys for later', () => {
    const world = after(newWorld, aRegister({ keys: [keyOf('pharmacy admin')], body: { keys: [] } }));
    assert.deepEqual(practitionerIn(world, 'newcomer').keys, []);
  });

  itRefuses('a key that does not sign: nobody registers what they do not have', 'wrongSigners', [
    newWorld,
    aRegister({ keys: [keyOf('pharmacy admin')] }),
  ]);
  itRefuses('another key than the admin key', 'wrongSigners', [
    newWorld,
    aRegister({ keys: [keyOf('pharmacist'), keyOf('newcomer')] }),
  ]);
  itRefuses('an id twice', 'practitionerExists', [
    newcomer,
    aRegister({ keys: [keyOf('pharmacy admin'), keyOf('another')], body: { keys: [keyOf('another')] } }),
  ]);
  itRefuses('a key twice', 'keyExists', [newcomer, aRegister({ body: { practitionerId: idOf('another') } })]);
  itRefuses('the same key twice in one registration', 'keyExists', [
    newWorld,
    aRegister({ body: { keys: [keyOf('newcomer'), keyOf('newcomer')] } }),
  ]);
  itRefuses('a registration that has ended', 'practitionerNotActive', [
    newWorld,
    aRegister({ body: { validUntil: at(noon) } }),
  ]);
});

describe('practitioner.scope', () => {
  it('changes roles, scopes and end, and nothing else', () => {
    assert.deepEqual(practitionerIn(after(newWorld, aScope())), {
      ...practitionerIn(newWorld),
      scopes: ['ordinary'],
      validUntil: noon + 30 * dayMs,
    });
  });

  it('lifts no suspension', () => {
    const world = after(newWorld, aSuspend(byRegulator), aScope());
    assert.deepEqual(practitionerIn(world).suspensions, [{ by: 'regulator', scope: null }]);
  });

  itRefuses('another key than the admin key', 'wrongSigners', [
    newWorld,
    aScope({ keys: [keyOf('pharmacist')] }),
  ]);
  itRefuses('somebody unknown', 'practitionerUnknown', [
    newWorld,
    aScope({ body: { practitionerId: idOf('nobody') } }),
  ]);
  itRefuses('another member’s practitioner, though a regulator asks', 'notPermitted', [
    newWorld,
    aScope(byRegulator),
  ]);
  itRefuses('an end that is past', 'practitionerNotActive', [
    newWorld,
    aScope({ body: { validUntil: noon } }),
  ]);
});

describe('practitioner.suspend', () => {
  it('stops a practitioner from the next transaction on', () => {
    assert.equal(refusalOf(after(suspended, anIssue()), aReserve()), 'practitionerNotActive');
  });

  it('can close one scope, by the employer or by a regulator', () => {
    const scope = 'controlled';
    for (const act of [aSuspend({ body: { scope } }), aSuspend({ ...byRegulator, body: { scope } })]) {
      const practitioner = practitionerIn(after(newWorld, act));
      assert.deepEqual(
        ['ordinary', 'controlled'].map((own) => hasScope(practitioner, own)),
        [true, false],
      );
    }
  });

  itRefuses('the admin key of another member', 'wrongSigners', [
    newWorld,
    aSuspend({ keys: [keyOf('insurer admin')] }),
  ]);
  itRefuses('somebody unknown', 'practitionerUnknown', [
    newWorld,
    aSuspend({ body: { practitionerId: idOf('nobody') } }),
  ]);
  itRefuses('another member’s practitioner', 'notPermitted', [
    newWorld,
    aSuspend({ member: insurer, keys: [keyOf('insurer admin')] }),
  ]);
  itRefuses('the same twice', 'practitionerNotActive', [suspended, aSuspend()]);
  itRefuses('a scope that the practitioner does not have', 'scopeMissing', [
    newWorld,
    aSuspend({ body: { scope: 'surgery' } }),
  ]);
});

describe('practitioner.reinstate', () => {
  it('lets the practitioner act again', () => {
    assert.equal(refusalOf(after(suspended, aReinstate(), anIssue()), aReserve()), null);
  });

  it('lifts one’s own suspension only: both have to', () => {
    const both = after(suspended, aSuspend(byRegulator), anIssue());
    const one = after(both, aReinstate());
    assert.equal(refusalOf(one, aReserve()), 'practitionerNotActive');
    assert.equal(refusalOf(after(one, aReinstate(byRegulator)), aReserve()), null);
  });

  itRefuses('the employer to lift a regulator’s suspension', 'notSuspended', [
    after(newWorld, aSuspend(byRegulator)),
    aReinstate(),
  ]);
  itRefuses('to lift nothing', 'notSuspended', [newWorld, aReinstate()]);
  itRefuses('to lift another scope', 'notSuspended', [
    suspended,
    aReinstate({ body: { scope: 'ordinary' } }),
  ]);
  itRefuses('another key than the admin key', 'wrongSigners', [
    suspended,
    aReinstate({ keys: [keyOf('pharmacist')] }),
  ]);
  itRefuses('somebody unknown', 'practitionerUnknown', [
    newWorld,
    aReinstate({ body: { practitionerId: idOf('nobody') } }),
  ]);
  itRefuses('another member’s practitioner', 'notPermitted', [
    suspended,
    aReinstate({ member: hospital, keys: [keyOf('hospital admin')] }),
  ]);
});
