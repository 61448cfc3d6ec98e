/** Acts about practitioners, their keys and their delegations, each with a signer; a test overrides what differs. */
import { anAct, type Overrides } from './acts.ts';
import { at, dayMs, hospital, idOf, keyOf, noon, pharmacy, type Act } from './domain.ts';

/** A pharmacist with one key, which signs beside the admin key. */
export function aRegister(overrides: Overrides<'practitioner.register'> = {}): Act {
  const body = {
    practitionerId: idOf('newcomer'),
    roles: ['pharmacist'],
    scopes: ['ordinary'],
    validUntil: at(noon + 365 * dayMs),
    keys: [keyOf('newcomer')],
  } as const;
  const signers = ['pharmacy admin', 'newcomer'];
  return anAct('practitioner.register', { member: pharmacy, signers, body }, overrides);
}

/** The pharmacist may no longer do controlled ones. */
export function aScope(overrides: Overrides<'practitioner.scope'> = {}): Act {
  const body = {
    practitionerId: idOf('pharmacist'),
    roles: ['pharmacist'],
    scopes: ['ordinary'],
    validUntil: at(noon + 30 * dayMs),
  } as const;
  return anAct('practitioner.scope', { member: pharmacy, signers: ['pharmacy admin'], body }, overrides);
}

export function aSuspend(overrides: Overrides<'practitioner.suspend'> = {}): Act {
  const body = { practitionerId: idOf('pharmacist'), scope: null, reason: 'left' };
  return anAct('practitioner.suspend', { member: pharmacy, signers: ['pharmacy admin'], body }, overrides);
}

export function aReinstate(overrides: Overrides<'practitioner.reinstate'> = {}): Act {
  const body = { practitionerId: idOf('pharmacist'), scope: null, reason: 'back' };
  return anAct('practitioner.reinstate', { member: pharmacy, signers: ['pharmacy admin'], body }, overrides);
}

export function anAddKey(overrides: Overrides<'key.add'> = {}): Act {
  const body = { practitionerId: idOf('pharmacist'), key: keyOf('second card') };
  const signers = ['pharmacy admin', 'second card'];
  return anAct('key.add', { member: pharmacy, signers, body }, overrides);
}

export function aRotateKey(overrides: Overrides<'key.rotate'> = {}): Act {
  const body = { key: keyOf('pharmacist'), newKey: keyOf('new card') };
  const signers = ['pharmacy admin', 'new card'];
  return anAct('key.rotate', { member: pharmacy, signers, body }, overrides);
}

/** The doctor's key is found to have been stolen at noon. */
export function aRevokeKey(overrides: Overrides<'key.revoke'> = {}): Act {
  const body = { key: keyOf('doctor'), compromisedSince: noon, reason: 'stolen' };
  return anAct('key.revoke', { member: hospital, signers: ['hospital admin'], body }, overrides);
}

/** The doctor lets the assistant issue two ordinary prescriptions a day. */
export function aGrant(overrides: Overrides<'delegation.grant'> = {}): Act {
  const body = {
    delegatorId: idOf('doctor'),
    delegateId: idOf('assistant'),
    classes: ['ordinary'],
    perDayMax: 2,
    until: at(noon + 30 * dayMs),
  } as const;
  return anAct('delegation.grant', { member: hospital, signers: ['doctor'], body }, overrides);
}

export function aRevokeGrant(overrides: Overrides<'delegation.revoke'> = {}): Act {
  const body = { delegatorId: idOf('doctor'), delegateId: idOf('assistant'), reason: 'left' };
  return anAct('delegation.revoke', { member: hospital, signers: ['doctor'], body }, overrides);
}
