/** Refusals at the pharmacy: reserving, supplying, closing, taking back. */
import { signerFromSeed } from '../../../../node/ed25519.ts';
import type { JsonObject } from '../../../../node/rpc/contract.ts';
import { hexOf } from '../../../../node/rpc/json.ts';
import { deriveFillSecret, deriveFillSeeds } from '../../../../protocol/token.ts';
import { noon } from '../../../support/chain.ts';
import { aSigner } from '../../../support/keys.ts';
import { digestOf } from '../memoryNode.ts';
import { named, packs, stopped } from '../../../support/walk/acts.ts';
import { day, hour, id, tokenOf, type Step } from '../../../support/walk/step.ts';
import { dispense, issue, reserve, step, time, withdraw } from '../noonActs.ts';
import { altered, refusedWhen, type RefusalCase } from './refusalCase.ts';

/** Its one fill begins in a day. */
function issueForTomorrow(rx: string): Step {
  const issued = issue(rx);
  const fills = issued.body['fills'] as readonly JsonObject[];
  return altered(issued, { fills: fills.map((fill) => ({ ...fill, start: time(day) })) });
}

const reserved: readonly Step[] = [issue('a'), reserve('a')];
const supplied: readonly Step[] = [...reserved, dispense('a')];

function close(outcome: 'complete' | 'partial', answer: Step['outcome'] = 'committed'): Step {
  const body = named('a', { outcome, reason: 'done' });
  return step('fill.close', { by: 'pharmacy: ph-wang', body, outcome: answer });
}

/** Two fills, for each of which the items are there once a week. */
function issueTwice(rx: string): Step {
  const issued = issue(rx);
  const items = issued.body['items'] as readonly JsonObject[];
  const fills = issued.body['fills'] as readonly JsonObject[];
  const redeemKey = hexOf(signerFromSeed(secondSeed(rx)).publicKey);
  return altered(issued, {
    items: items.map((item) => ({ ...item, repeats: 1, intervalDays: 7 })),
    fills: fills.flatMap((fill) => [fill, { ...fill, k: 1, redeemKey }]),
  });
}

function secondSeed(rx: string): Uint8Array {
  return deriveFillSeeds(deriveFillSecret(tokenOf(rx), 1)).redeemSeed;
}

function reserveSecond(rx: string): Step {
  return { ...altered(reserve(rx), { k: 1 }), seeds: [secondSeed(rx)] };
}

const receiveAtCounter = step('delivery.receive', {
  by: 'pharmacy',
  owner: 'a',
  body: named('a', { parcelId: null, receiptCode: null }),
});

const compromise = step('key.revoke', {
  by: 'regulator: admin',
  body: { key: hexOf(aSigner('dr-zhang').publicKey), compromisedSince: time(0), reason: 'stolen' },
});
const stop = (kind: 'rx.cancel' | 'rx.hold'): Step =>
  step(kind, { by: 'hospital: dr-zhang', body: stopped('a') });
const giveBack = (outcome: Step['outcome']): Step =>
  step('fill.return', { by: 'pharmacy: ph-wang', body: named('a', { reason: 'stock' }), outcome });

const isVoid = 'the key that issued it was found compromised';

const reserving: readonly RefusalCase[] = [
  refusedWhen('there is no such fill', issue('a'), altered(reserve('a'), { k: 1 }, 'fillUnknown')),
  refusedWhen(
    'the review is not done',
    issue('a', { reviewRequired: true }),
    reserve('a', { outcome: 'reviewPending' }),
  ),
  refusedWhen('the patient showed the secret of another prescription', issue('a'), issue('b'), {
    ...reserve('a'),
    seeds: reserve('b').seeds,
    outcome: 'redeemKeyWrong',
  }),
  refusedWhen('it is reserved for another pharmacy', issue('a'), {
    ...altered(reserve('a'), { pharmacy: 'rival' }),
    outcome: 'notPermitted',
  }),
  refusedWhen('the fill begins later', issueForTomorrow('a'), reserve('a', { outcome: 'fillOutOfWindow' })),
  refusedWhen(
    'it would be held for longer than the policy allows',
    issue('a'),
    altered(reserve('a'), { until: time(30 * hour) }, 'reservationTooLong'),
  ),
  refusedWhen(
    'another pharmacy holds the fill',
    ...reserved,
    reserve('a', { by: 'rival: ph-chen', outcome: 'fillReserved' }),
  ),
  refusedWhen('all of it was supplied before', ...supplied, reserve('a', { outcome: 'fillNotReady' })),
  refusedWhen(isVoid, issue('a'), compromise, reserve('a', { outcome: 'prescriptionVoided' })),
];

const supplying: readonly RefusalCase[] = [
  refusedWhen('nobody holds the fill', issue('a'), dispense('a', { outcome: 'fillNotReserved' })),
  refusedWhen(
    'another pharmacy holds the fill',
    ...reserved,
    dispense('a', { by: 'rival: ph-chen', outcome: 'notHolder' }),
  ),
  refusedWhen(
    'the dispenser reviewed it',
    issue('a', { reviewRequired: true }),
    step('rx.review', {
      by: 'pharmacy: ph-feng',
      body: { rxId: id('a'), outcome: 'approve', reason: 'checked' },
    }),
    reserve('a'),
    dispense('a', { by: 'pharmacy: ph-feng', outcome: 'dispenserNotSeparate' }),
  ),
  refusedWhen(
    'the item is none of the prescription’s',
    ...reserved,
    dispense('a', { items: [[7, 1]], outcome: 'itemUnknown' }),
  ),
  refusedWhen('less remains', ...reserved, dispense('a', { items: [[0, 31]], outcome: 'quantityExceeded' })),
  refusedWhen(
    'the item was over when the fill was reserved',
    issue('a', { itemEnd: hour }),
    reserve('a', { notBefore: 2 * hour }),
    dispense('a', { items: [[0, 30]], outcome: 'itemExpired' }),
  ),
  refusedWhen(
    'neither flag, decision nor rule allows a substitution',
    ...reserved,
    dispense('a', { isEquivalent: true, outcome: 'substitutionNotAllowed' }),
  ),
  refusedWhen(
    'the eventId is another supply’s of this prescription',
    ...reserved,
    dispense('a', { items: [[0, 10]] }),
    dispense('a', { items: [[1, 10]], outcome: 'eventExists' }),
  ),
  refusedWhen(
    'one of its packs was supplied before',
    ...supplied,
    issue('b'),
    reserve('b'),
    dispense('b', { event: 'event of a', outcome: 'packSpent' }),
  ),
  refusedWhen('it is on hold', ...reserved, stop('rx.hold'), dispense('a', { outcome: 'onHold' })),
  refusedWhen(
    'it was cancelled',
    ...reserved,
    stop('rx.cancel'),
    dispense('a', { outcome: 'prescriptionNotOpen' }),
  ),
  refusedWhen(isVoid, ...reserved, compromise, dispense('a', { outcome: 'prescriptionVoided' })),
  refusedWhen(
    'it is over',
    ...reserved,
    dispense('a', { notBefore: 3 * day, outcome: 'prescriptionExpired' }),
  ),
  refusedWhen(
    'the item was supplied from another fill, and its interval is not over',
    issueTwice('a'),
    reserve('a'),
    reserveSecond('a'),
    dispense('a'),
    altered(dispense('a', { event: 'second' }), { k: 1 }, 'fillOutOfWindow'),
  ),
];

const closing: readonly RefusalCase[] = [
  refusedWhen('there is no such prescription', close('complete', 'prescriptionUnknown')),
  refusedWhen('there is no such fill', issue('a'), altered(close('complete'), { k: 1 }, 'fillUnknown')),
  refusedWhen('something remains of it', ...reserved, close('complete', 'fillNotReady')),
  refusedWhen('it was closed before', ...supplied, close('complete'), close('complete', 'tooLate')),
  refusedWhen('nothing remains of it', ...supplied, close('partial', 'tooLate')),
  refusedWhen('nothing was supplied', ...reserved, close('partial', 'nothingDispensed')),
  refusedWhen('nobody holds the fill', issue('a'), close('partial', 'fillNotReserved')),
  refusedWhen('it was cancelled', ...reserved, stop('rx.cancel'), close('partial', 'prescriptionNotOpen')),
  refusedWhen(isVoid, ...reserved, compromise, close('partial', 'prescriptionVoided')),
  refusedWhen('it is over', ...reserved, {
    ...close('partial', 'prescriptionExpired'),
    notBefore: noon + 3 * day,
  }),
  refusedWhen(isVoid, ...reserved, compromise, giveBack('prescriptionVoided')),
];

const takingBack: readonly RefusalCase[] = [
  refusedWhen('there was no such supply', ...reserved, withdraw('a', { outcome: 'dispenseEventUnknown' })),
  refusedWhen(
    'the supply was taken back before',
    ...supplied,
    withdraw('a', {}),
    withdraw('a', { outcome: 'eventWithdrawn' }),
  ),
  refusedWhen(
    'a pack that would go back on the shelf was not in it',
    ...supplied,
    withdraw('a', { packs: [hexOf(digestOf('other'))], outcome: 'packUnknown' }),
  ),
  refusedWhen(
    'the patient had the packs that would go back on the shelf',
    ...supplied,
    receiveAtCounter,
    withdraw('a', { owner: 'a', packs: packs('a'), outcome: 'restockNotAllowed' }),
  ),
];

export const fillCases: readonly RefusalCase[] = [...reserving, ...supplying, ...closing, ...takingBack];
