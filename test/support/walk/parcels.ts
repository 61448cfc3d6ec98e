/** Parcels: one that arrives, one that comes back too late, one that a pharmacy sends with its own rider. */
import { deriveReceiptCode, formatToken } from '../../../protocol/token.ts';
import { actsIn, named, packs, parcel } from './acts.ts';
import { tokenOf, type Setting, type Step } from './step.ts';

export function arrival(setting: Setting): readonly Step[] {
  const { step, issue, reserve, dispense, ship, withdraw } = actsIn(setting);
  return [
    issue('sent'),
    reserve('sent'),
    dispense('sent'),
    ship('sent'),
    step('delivery.report', {
      by: 'insurer',
      owner: 'sent',
      body: parcel('sent'),
      outcome: 'parcelNotDue',
    }),
    step('delivery.scan', {
      by: 'courier: rider-ma + rider-guo',
      body: { ...parcel('sent'), from: 'courier', to: 'courier', place: 'hub-1' },
    }),
    step('delivery.deliver', { by: 'courier: rider-guo', body: parcel('sent') }),
    step('delivery.receive', {
      by: 'courier: rider-guo',
      body: { ...named('sent'), ...parcel('sent'), receiptCode: deriveReceiptCode(tokenOf('sent'), 0) },
    }),
    withdraw('sent', { owner: 'sent', packs: packs('sent'), outcome: 'restockNotAllowed' }),
  ];
}

/** The pharmacy says that it is late, a second after it is due. */
export function* loss(setting: Setting): Generator<Step> {
  const { step, issue, reserve, dispense, ship, withdraw } = actsIn(setting);
  yield* [issue('lost'), reserve('lost'), dispense('lost')];
  const due = setting.elapsedMs() + setting.dueMs;
  yield* [
    ship('lost', { due }),
    step('delivery.report', { by: 'pharmacy: ph-wang', body: parcel('lost'), notBefore: due + 1_000 }),
    step('delivery.fail', { by: 'courier: rider-ma', body: { ...parcel('lost'), reason: 'nobody-home' } }),
    step('delivery.return', {
      by: 'pharmacy: ph-wang, courier: rider-ma',
      body: { ...parcel('lost'), isSealIntact: false },
    }),
    withdraw('lost'),
  ];
}

/** Both who sign are of one member, so one call of its node does. */
export function ownRider(setting: Setting): readonly Step[] {
  const { step, issue, reserve, dispense, ship } = actsIn(setting);
  return [
    issue('carried'),
    reserve('carried', { by: 'rival: ph-chen' }),
    dispense('carried', { by: 'rival: ph-chen' }),
    ship('carried', { by: 'rival: ph-chen + rider-lu', courier: 'rival' }),
    step('delivery.fail', { by: 'rival: rider-lu', body: { ...parcel('carried'), reason: 'closed' } }),
    step('delivery.return', {
      by: 'rival: ph-chen + rider-lu',
      body: { ...parcel('carried'), isSealIntact: true },
    }),
    step('delivery.receive', {
      by: 'rival',
      owner: 'carried',
      body: named('carried', { parcelId: null, receiptCode: null }),
      params: { token: formatToken(tokenOf('carried')), k: 0, parcelId: null },
    }),
  ];
}
