/** Refusals about who acts: practitioners, their keys, scopes and delegations. */
import { aSigner } from '../../../support/keys.ts';
import { hexOf } from '../../../../node/rpc/json.ts';
import { stopped } from '../../../support/walk/acts.ts';
import { day, hour, id } from '../../../support/walk/step.ts';
import { issue, step, time } from '../noonActs.ts';
import { altered, refusedWhen, type RefusalCase } from './refusalCase.ts';

const doctor = { practitionerId: id('dr-zhang') };
const suspension = { ...doctor, scope: null, reason: 'check' };
const newcomer = {
  practitionerId: id('newcomer'),
  roles: ['pharmacist'],
  scopes: ['ordinary'],
  validUntil: time(100 * day),
};
const card = hexOf(aSigner('pharmacy card').publicKey);
const keyOf = (person: string): string => hexOf(aSigner(person).publicKey);
const revocation = { key: keyOf('dr-zhang'), compromisedSince: null, reason: 'lost' };
const pair = { delegatorId: id('dr-zhang'), delegateId: id('as-yu') };
const grant = { ...pair, classes: ['ordinary'], perDayMax: 1, until: time(10 * day) };

/** So many in one hour, of a class whose cap is 60. */
const issues = (count: number): readonly ReturnType<typeof issue>[] =>
  Array.from({ length: count }, (_, number) => issue(`rx ${number}`));

export const peopleCases: readonly RefusalCase[] = [
  refusedWhen(
    'one key signs where two have to',
    altered(issue('a'), { class: 'controlled', validUntil: time(12 * hour) }, 'wrongSigners'),
  ),
  refusedWhen('the signer has not the role', issue('a', { by: 'hospital: rev-he', outcome: 'roleMissing' })),
  refusedWhen(
    'the prescriber was never registered',
    altered(issue('a'), { prescriber: id('nobody') }, 'practitionerUnknown'),
  ),
  refusedWhen(
    'somebody is registered under this id',
    step('practitioner.register', {
      by: 'pharmacy: admin',
      body: { ...newcomer, practitionerId: id('dr-zhang'), keys: [] },
      outcome: 'practitionerExists',
    }),
  ),
  refusedWhen(
    'the signer is suspended',
    step('practitioner.suspend', { by: 'regulator: admin', body: suspension }),
    issue('a', { outcome: 'practitionerNotActive' }),
  ),
  refusedWhen(
    'the signer has not the scope of the class',
    step('practitioner.suspend', {
      by: 'hospital: admin',
      body: { ...suspension, scope: 'ordinary' },
    }),
    issue('a', { outcome: 'scopeMissing' }),
  ),
  refusedWhen(
    'the signer’s key was never registered',
    issue('a'),
    step('rx.cancel', { by: 'hospital: card', body: stopped('a'), outcome: 'keyUnknown' }),
  ),
  refusedWhen(
    'the signer’s key was revoked',
    step('key.revoke', { by: 'hospital: admin', body: revocation }),
    issue('a', { outcome: 'keyRevoked' }),
  ),
  refusedWhen(
    'the key was revoked before, and not found worse',
    step('key.revoke', { by: 'hospital: admin', body: revocation }),
    step('key.revoke', { by: 'regulator: admin', body: revocation, outcome: 'keyRevoked' }),
  ),
  refusedWhen(
    'the key is somebody’s already',
    step('practitioner.register', { by: 'pharmacy: admin + card', body: { ...newcomer, keys: [card] } }),
    step('key.add', {
      by: 'pharmacy: admin + card',
      body: { practitionerId: id('ph-wang'), key: card },
      outcome: 'keyExists',
    }),
  ),
  refusedWhen(
    'nobody suspended the practitioner, or somebody else did',
    step('practitioner.suspend', { by: 'regulator: admin', body: suspension }),
    step('practitioner.reinstate', { by: 'hospital: admin', body: suspension, outcome: 'notSuspended' }),
  ),
  refusedWhen(
    'the practitioner is another member’s',
    step('practitioner.suspend', { by: 'pharmacy: admin', body: suspension, outcome: 'notPermitted' }),
  ),
  refusedWhen(
    'the delegation ends after more than 366 days',
    step('delegation.grant', {
      by: 'hospital: dr-zhang',
      body: { ...grant, until: time(400 * day) },
      outcome: 'timeInvalid',
    }),
  ),
  refusedWhen(
    'the prescriber delegated nothing to the signer',
    issue('a', { by: 'hospital: as-yu', outcome: 'delegationUnknown' }),
  ),
  refusedWhen(
    'the delegation is used up for the day',
    step('delegation.grant', { by: 'hospital: dr-zhang', body: grant }),
    issue('a', { by: 'hospital: as-yu' }),
    issue('b', { by: 'hospital: as-yu', outcome: 'delegationExceeded' }),
  ),
  refusedWhen(
    'the key has issued as many in this hour as the policy allows',
    ...issues(60),
    issue('one more', { outcome: 'rateExceeded' }),
  ),
  refusedWhen(
    'the pharmacy is no member',
    issue('a'),
    step('rx.nominate', {
      by: 'hospital',
      owner: 'a',
      body: { rxId: id('a'), nomination: { pharmacy: 'nobody', until: time(day) } },
      outcome: 'memberUnknown',
    }),
  ),
];
