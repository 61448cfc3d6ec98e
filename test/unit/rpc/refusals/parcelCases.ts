/** Refusals about parcels and the confirmation of receipt. */
import { named, parcel } from '../../../support/walk/acts.ts';
import { day, hour, type Step } from '../../../support/walk/step.ts';
import { dispense, issue, reserve, ship, step, time, withdraw } from '../noonActs.ts';
import { altered, refusedWhen, type RefusalCase } from './refusalCase.ts';

const supplied: readonly Step[] = [issue('a'), reserve('a'), dispense('a')];
const shipped: readonly Step[] = [...supplied, ship('a')];

const deliver = (outcome: Step['outcome'] = 'committed'): Step =>
  step('delivery.deliver', { by: 'courier: rider-guo', body: parcel('a'), outcome });

/** By the patient; with a code, by the courier who was told it. */
function receive(outcome: Step['outcome'] = 'committed', code: string | null = null): Step {
  const body = { ...named('a'), ...parcel('a'), receiptCode: code };
  return code === null
    ? step('delivery.receive', { by: 'pharmacy', owner: 'a', body, outcome })
    : step('delivery.receive', { by: 'courier: rider-guo', body, outcome });
}

const returned: readonly Step[] = [
  step('delivery.fail', { by: 'courier: rider-ma', body: { ...parcel('a'), reason: 'nobody-home' } }),
  step('delivery.return', {
    by: 'pharmacy: ph-wang, courier: rider-ma',
    body: { ...parcel('a'), isSealIntact: false },
  }),
];

export const parcelCases: readonly RefusalCase[] = [
  refusedWhen('nothing was supplied that could be sent', issue('a'), reserve('a'), {
    ...ship('a'),
    outcome: 'nothingDispensed',
  }),
  refusedWhen(
    'the parcelId is another parcel’s',
    ...shipped,
    issue('b'),
    reserve('b'),
    dispense('b'),
    altered(ship('b'), parcel('a'), 'parcelExists'),
  ),
  refusedWhen(
    'it would be delivered later than the policy allows',
    ...supplied,
    altered(ship('a'), { deliverBy: time(30 * day) }, 'timeInvalid'),
  ),
  refusedWhen('there is no such parcel', deliver('parcelUnknown')),
  refusedWhen('it was delivered before', ...shipped, deliver(), deliver('parcelState')),
  refusedWhen('it was not delivered', ...shipped, receive('parcelState')),
  refusedWhen('the supply is on its way', ...shipped, withdraw('a', { outcome: 'parcelState' })),
  refusedWhen('somebody else has it', ...shipped, ...returned, deliver('notCustodian')),
  refusedWhen(
    'it is not late',
    ...shipped,
    step('delivery.report', { by: 'insurer', owner: 'a', body: parcel('a'), outcome: 'parcelNotDue' }),
  ),
  refusedWhen(
    'its lateness was reported before',
    ...shipped,
    step('delivery.report', { by: 'pharmacy: ph-wang', body: parcel('a'), notBefore: day + hour }),
    step('delivery.report', { by: 'insurer', owner: 'a', body: parcel('a'), outcome: 'parcelNotDue' }),
  ),
  refusedWhen(
    'the code is not the patient’s',
    ...shipped,
    deliver(),
    receive('receiptCodeWrong', '0000-0000'),
  ),
  refusedWhen('receipt was confirmed before', ...shipped, deliver(), receive(), receive('alreadyReceived')),
];
