/** Practitioners, their keys, and what they delegate; and, when all else is told, keys that are lost or stolen. */
import { hexOf } from '../../../node/rpc/json.ts';
import { aSigner } from '../keys.ts';
import { actsIn } from './acts.ts';
import { day, id, type Setting, type Step } from './step.ts';

const card = keyOf('pharmacy card');
const hospitalCard = keyOf('hospital card');
const rivalCard = keyOf('rival card');
const newcomer = { practitionerId: id('newcomer') };
const whole = { ...newcomer, scope: null, reason: 'check' };
const delegates = { delegatorId: id('dr-zhang'), delegateId: id('as-yu') };

function keyOf(text: string): string {
  return hexOf(aSigner(text).publicKey);
}

export function people(setting: Setting): readonly Step[] {
  const { time, step, issue } = actsIn(setting);
  const register = { roles: ['pharmacist'], scopes: ['ordinary'], validUntil: time(100 * day) };
  const grant = { ...delegates, classes: ['ordinary'], perDayMax: 1, until: time(10 * day) };
  return [
    step('practitioner.register', {
      by: 'pharmacy: admin + card',
      body: { ...newcomer, ...register, keys: [card] },
    }),
    step('practitioner.register', {
      by: 'pharmacy: admin + card',
      body: { practitionerId: id('another'), ...register, keys: [card] },
      outcome: 'keyExists',
    }),
    step('practitioner.scope', {
      by: 'pharmacy: admin',
      body: { ...newcomer, ...register, scopes: ['ordinary', 'ward'] },
    }),
    step('practitioner.suspend', { by: 'pharmacy: admin', body: whole }),
    step('practitioner.suspend', { by: 'regulator: admin', body: whole }),
    step('practitioner.reinstate', { by: 'pharmacy: admin', body: whole }),
    step('practitioner.reinstate', { by: 'pharmacy: admin', body: whole, outcome: 'notSuspended' }),
    step('practitioner.reinstate', { by: 'regulator: admin', body: whole }),
    step('key.add', {
      by: 'rival: admin + card',
      body: { practitionerId: id('ph-chen'), key: rivalCard },
    }),
    step('key.revoke', {
      by: 'rival: admin',
      body: { key: rivalCard, compromisedSince: null, reason: 'lost' },
    }),
    step('delegation.grant', { by: 'hospital: dr-zhang', body: grant }),
    step('delegation.grant', {
      by: 'hospital: dr-zhang',
      body: { ...grant, until: time(400 * day) },
      outcome: 'timeInvalid',
    }),
    issue('delegated', { by: 'hospital: as-yu' }),
    issue('second delegated', { by: 'hospital: as-yu', outcome: 'delegationExceeded' }),
    step('delegation.revoke', { by: 'hospital: admin', body: { ...delegates, reason: 'left' } }),
    issue('second delegated', { by: 'hospital: as-yu', outcome: 'delegationUnknown' }),
  ];
}

/** The doctor of all stories loses their key: what was signed with it since then, and is not supplied, is void. */
export function* theft(setting: Setting): Generator<Step> {
  const stolenAfterMs = setting.elapsedMs();
  const { time, step, issue, reserve, dispense } = actsIn(setting);
  yield* [
    issue('short', { start: stolenAfterMs }),
    reserve('short', { notBefore: stolenAfterMs }),
    dispense('short', { items: [[1, 20]] }),
    step('key.rotate', {
      by: 'hospital: admin + card',
      body: { key: keyOf('dr-li'), newKey: hospitalCard },
    }),
    step('key.revoke', {
      by: 'regulator: admin',
      body: { key: keyOf('dr-zhang'), compromisedSince: time(stolenAfterMs), reason: 'stolen' },
    }),
    dispense('short', { items: [[0, 1]], event: 'too late', outcome: 'prescriptionVoided' }),
  ];
}
