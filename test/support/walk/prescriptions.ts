/** What people change their minds about before a supply, and what a supply is, with and without its way back. */
import { actsIn, named, packs, stopped } from './acts.ts';
import { digest, hour, id, type Setting, type Step } from './step.ts';

export function choices(setting: Setting): readonly Step[] {
  const { time, step, issue, reserve, dispense, nomination } = actsIn(setting);
  return [
    issue('chosen'),
    step('rx.hold', { by: 'hospital: dr-zhang', body: stopped('chosen') }),
    reserve('chosen', { outcome: 'onHold' }),
    step('rx.hold', { by: 'regulator: admin', body: stopped('chosen') }),
    step('rx.release', { by: 'hospital: dr-zhang', body: stopped('chosen') }),
    step('rx.release', { by: 'hospital', owner: 'chosen', body: stopped('chosen'), outcome: 'notOnHold' }),
    step('rx.release', { by: 'regulator: admin', body: stopped('chosen') }),
    step('rx.nominate', {
      by: 'insurer',
      owner: 'chosen',
      body: { rxId: id('chosen'), nomination: nomination('pharmacy') },
    }),
    reserve('chosen', { by: 'rival: ph-chen', outcome: 'nominatedElsewhere' }),
    reserve('chosen', { isNominated: true }),
    step('fill.extend', {
      by: 'pharmacy: ph-wang',
      body: named('chosen', { until: time(20 * hour), reason: 'ordered' }),
    }),
    ...substitution(setting),
    dispense('chosen', { items: [[0, 10]], isEquivalent: true }),
    step('rx.redirect', {
      by: 'courier',
      owner: 'chosen',
      body: named('chosen', { nomination: nomination('rival'), reason: 'stock' }),
    }),
    reserve('chosen', { by: 'rival: ph-chen', isNominated: true }),
    step('fill.return', { by: 'rival: ph-chen', body: named('chosen', { reason: 'stock' }) }),
    ...renewal(setting),
    step('rx.cancel', { by: 'pharmacy', owner: 'next', body: { rxId: id('next'), k: 0, reason: 'wish' } }),
  ];
}

function substitution(setting: Setting): readonly Step[] {
  const { step } = actsIn(setting);
  const asked = { by: 'pharmacy: ph-wang', body: named('chosen', { itemId: 0, reason: 'stock' }) };
  return [
    step('substitution.request', asked),
    step('substitution.request', { ...asked, outcome: 'requestPending' }),
    step('substitution.decide', {
      by: 'hospital: dr-zhang',
      body: { rxId: id('chosen'), itemId: 0, isAllowed: true, reason: 'same' },
    }),
  ];
}

function renewal(setting: Setting): readonly Step[] {
  const { step, issue } = actsIn(setting);
  return [
    step('renewal.request', {
      by: 'rival',
      owner: 'chosen',
      body: { rxId: id('chosen'), reason: 'chronic' },
    }),
    issue('next', { replaces: 'chosen' }),
    step('renewal.decide', {
      by: 'hospital: dr-zhang',
      body: { rxId: id('chosen'), nextRxId: id('next'), reason: 'seen' },
    }),
    step('renewal.decide', {
      by: 'hospital: dr-zhang',
      body: { rxId: id('chosen'), nextRxId: null, reason: 'seen' },
      outcome: 'requestUnknown',
    }),
  ];
}

export function supplies(setting: Setting): readonly Step[] {
  const { step, issue, reserve, dispense, withdraw } = actsIn(setting);
  return [
    issue('reviewed', { reviewRequired: true }),
    step('rx.review', {
      by: 'pharmacy: ph-feng',
      body: { rxId: id('reviewed'), outcome: 'approve', reason: 'checked' },
    }),
    reserve('reviewed'),
    dispense('reviewed', { by: 'pharmacy: ph-feng', outcome: 'dispenserNotSeparate' }),
    dispense('reviewed'),
    withdraw('reviewed', { packs: [digest('other')], outcome: 'packUnknown' }),
    withdraw('reviewed', { packs: packs('reviewed') }),
    withdraw('reviewed', { outcome: 'eventWithdrawn' }),
    dispense('reviewed', { event: 'again' }),
    step('fill.close', {
      by: 'pharmacy: ph-wang',
      body: named('reviewed', { outcome: 'complete', reason: 'done' }),
    }),
  ];
}

/** An item that ends before its prescription: the other one may still be had. It waits for two hours. */
export function* itemEnd(setting: Setting): Generator<Step> {
  const start = setting.elapsedMs();
  const { issue, reserve, dispense } = actsIn(setting);
  yield* [
    issue('brief', { start, itemEnd: start + hour }),
    reserve('brief', { notBefore: start + 2 * hour }),
    dispense('brief', { outcome: 'itemExpired', items: [[0, 30]] }),
    dispense('brief', { items: [[1, 20]] }),
  ];
}
