/** Refusals of a prescription before a pharmacy has it: issue, review, hold, cancel, nominate, ask. */
import type { JsonObject } from '../../../../node/rpc/contract.ts';
import { hexOf } from '../../../../node/rpc/json.ts';
import { aSigner } from '../../../support/keys.ts';
import { named, stopped } from '../../../support/walk/acts.ts';
import { day, hour, id, type Step } from '../../../support/walk/step.ts';
import { dispense, issue, nomination, reserve, step, time } from '../noonActs.ts';
import { altered, refusedWhen, type RefusalCase } from './refusalCase.ts';

function review(rx: string, by: string, outcome: Step['outcome'] = 'committed'): Step {
  return step('rx.review', { by, body: { rxId: id(rx), outcome: 'approve', reason: 'checked' }, outcome });
}

/** Whoever stole the doctor's key had it from noon on. */
const compromise = step('key.revoke', {
  by: 'regulator: admin',
  body: { key: hexOf(aSigner('dr-zhang').publicKey), compromisedSince: time(0), reason: 'stolen' },
});
const cancel = step('rx.cancel', { by: 'hospital: dr-zhang', body: stopped('a') });
const item: JsonObject = {
  itemId: 0,
  units: 30,
  repeats: 0,
  intervalDays: 0,
  substitutionAllowed: false,
  validUntil: null,
};
const ask = step('renewal.request', {
  by: 'rival',
  owner: 'a',
  body: { rxId: id('a'), reason: 'chronic' },
});

export const prescriptionCases: readonly RefusalCase[] = [
  refusedWhen('there is no such prescription', review('a', 'pharmacy: ph-feng', 'prescriptionUnknown')),
  refusedWhen(
    'the rxId is another prescription’s',
    issue('a'),
    issue('a', { outcome: 'prescriptionExists' }),
  ),
  refusedWhen(
    'it says that it was written more than five minutes from now',
    altered(issue('a'), { authoredOn: time(hour) }, 'authoredOnOutOfWindow'),
  ),
  refusedWhen(
    'it is valid for longer than the policy allows its class',
    altered(issue('a'), { validUntil: time(4 * day) }, 'validityTooLong'),
  ),
  refusedWhen('two items have one number', altered(issue('a'), { items: [item, item] }, 'itemsInvalid')),
  refusedWhen(
    'it would have ended before it began',
    altered(issue('a'), { validUntil: time(0) }, 'prescriptionExpired'),
  ),
  refusedWhen('it is over', issue('a'), reserve('a', { notBefore: 3 * day, outcome: 'prescriptionExpired' })),
  refusedWhen('it was cancelled', issue('a'), cancel, { ...cancel, outcome: 'prescriptionNotOpen' }),
  refusedWhen(
    'the key that issued it was found compromised',
    issue('a', { reviewRequired: true }),
    compromise,
    review('a', 'pharmacy: ph-feng', 'prescriptionVoided'),
  ),
  refusedWhen(
    'the key that issued it was found compromised',
    issue('a'),
    compromise,
    step('rx.cancel', { by: 'hospital', owner: 'a', body: stopped('a'), outcome: 'prescriptionVoided' }),
  ),
  refusedWhen('all of it was supplied before', issue('a'), reserve('a'), dispense('a'), {
    ...cancel,
    outcome: 'tooLate',
  }),
  refusedWhen(
    'it was reviewed before, or needs no review',
    issue('a'),
    review('a', 'pharmacy: ph-feng', 'reviewNotPending'),
  ),
  refusedWhen(
    'the reviewer prescribed it',
    step('practitioner.scope', {
      by: 'hospital: admin',
      body: {
        practitionerId: id('dr-zhang'),
        roles: ['doctor', 'pharmacist'],
        scopes: ['ordinary'],
        validUntil: time(100 * day),
      },
    }),
    issue('a', { reviewRequired: true }),
    review('a', 'hospital: dr-zhang', 'reviewerIsPrescriber'),
  ),
  refusedWhen(
    'it is on hold',
    issue('a'),
    step('rx.hold', { by: 'hospital: dr-zhang', body: stopped('a') }),
    reserve('a', { outcome: 'onHold' }),
  ),
  refusedWhen(
    'whoever would release it does not hold it',
    issue('a'),
    step('rx.hold', { by: 'regulator: admin', body: stopped('a') }),
    step('rx.release', { by: 'hospital: dr-zhang', body: stopped('a'), outcome: 'notOnHold' }),
  ),
  refusedWhen(
    'the patient nominated another pharmacy',
    issue('a'),
    step('rx.nominate', {
      by: 'insurer',
      owner: 'a',
      body: { rxId: id('a'), nomination: nomination('pharmacy') },
    }),
    reserve('a', { by: 'rival: ph-chen', outcome: 'nominatedElsewhere' }),
  ),
  refusedWhen(
    'the nomination would outlive the prescription',
    issue('a'),
    step('rx.nominate', {
      by: 'insurer',
      owner: 'a',
      body: { rxId: id('a'), nomination: { pharmacy: 'pharmacy', until: time(3 * day) } },
      outcome: 'timeInvalid',
    }),
  ),
  refusedWhen('the same was asked and not answered', issue('a'), ask, {
    ...ask,
    body: { rxId: id('a'), reason: 'again' },
    outcome: 'requestPending',
  }),
  refusedWhen(
    'nobody has asked',
    issue('a'),
    step('renewal.decide', {
      by: 'hospital: dr-zhang',
      body: { rxId: id('a'), nextRxId: null, reason: 'seen' },
      outcome: 'requestUnknown',
    }),
  ),
  refusedWhen(
    'there is no such fill',
    issue('a'),
    step('rx.cancel', {
      by: 'hospital: dr-zhang',
      body: { rxId: id('a'), k: 1, reason: 'wish' },
      outcome: 'fillUnknown',
    }),
  ),
  refusedWhen(
    'the item that it asks about is none of the prescription’s',
    issue('a'),
    reserve('a'),
    step('substitution.request', {
      by: 'pharmacy: ph-wang',
      body: named('a', { itemId: 7, reason: 'stock' }),
      outcome: 'itemUnknown',
    }),
  ),
];
