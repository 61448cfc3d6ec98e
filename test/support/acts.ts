/** Acts of the usual story, each with a signer; a test overrides what differs. */
import type { Action, ActionBody, ActionKind } from '../../protocol/action.ts';
import type { Balance, Id, MemberName, PublicKey, Timestamp } from '../../protocol/brand.ts';
import { receiptCodeHash } from '../../protocol/receiptCode.ts';
import type { Seal } from '../../protocol/seal.ts';
import type { Pair, Sums } from '../../protocol/settlement.ts';
import {
  amount,
  at,
  courier,
  dayMs,
  digestOf,
  hospital,
  hourMs,
  idOf,
  insurer,
  keyOf,
  noon,
  pharmacy,
  reviewCentre,
  rival,
  secondCourier,
  units,
  type Act,
} from './domain.ts';

/** What an act may differ in from the usual story. */
export interface Overrides<K extends ActionKind> {
  readonly member?: MemberName;
  readonly keys?: readonly PublicKey[];
  readonly seals?: readonly Seal[];
  readonly body?: Partial<ActionBody<K>>;
}

/** An act of one kind: usual values first, then what the test says. */
export function anAct<K extends ActionKind>(
  kind: K,
  usual: { readonly member: MemberName; readonly signers: readonly string[]; readonly body: ActionBody<K> },
  overrides: Overrides<K>,
): Act {
  return {
    member: overrides.member ?? usual.member,
    keys: overrides.keys ?? usual.signers.map(keyOf),
    seals: overrides.seals ?? [],
    action: { kind, body: { ...usual.body, ...overrides.body } } as Action,
  };
}

export const rxId: Id = idOf('prescription');
export const receiptCode = 'K7QM-2RTX-91';

/** Two items, 30 and 20 units, one fill; the second may be substituted. */
export function anIssue(overrides: Overrides<'rx.issue'> = {}): Act {
  const id = overrides.body?.rxId ?? rxId;
  const body = {
    rxId: id,
    prescriber: idOf('doctor'),
    class: 'ordinary',
    authoredOn: noon,
    validUntil: at(noon + 3 * dayMs),
    items: [
      {
        itemId: 0,
        units: units(30),
        repeats: 0,
        intervalDays: 0,
        substitutionAllowed: false,
        validUntil: null,
      },
      {
        itemId: 1,
        units: units(20),
        repeats: 0,
        intervalDays: 0,
        substitutionAllowed: true,
        validUntil: null,
      },
    ],
    fills: [aFillPlan(id, 0, { start: noon, end: at(noon + 3 * dayMs) })],
    ownerKey: keyOf('owner'),
    reviewRequired: false,
    replaces: null,
  } as const;
  return anAct('rx.issue', { member: hospital, signers: ['doctor'], body }, overrides);
}

export function aFillPlan(
  id: Id,
  k: number,
  window: { readonly start: Timestamp; readonly end: Timestamp },
): ActionBody<'rx.issue'>['fills'][number] {
  return { k, ...window, redeemKey: keyOf(`redeem ${k}`), receiptHash: receiptCodeHash(id, k, receiptCode) };
}

export function aReview(overrides: Overrides<'rx.review'> = {}): Act {
  const body = { rxId, outcome: 'approve', reason: 'checked' } as const;
  return anAct('rx.review', { member: reviewCentre, signers: ['reviewer'], body }, overrides);
}

export function aCancel(overrides: Overrides<'rx.cancel'> = {}): Act {
  const body = { rxId, k: null, reason: 'error' };
  return anAct('rx.cancel', { member: hospital, signers: ['doctor'], body }, overrides);
}

export function aHold(overrides: Overrides<'rx.hold'> = {}): Act {
  const body = { rxId, k: null, reason: 'query' };
  return anAct('rx.hold', { member: hospital, signers: ['doctor'], body }, overrides);
}

export function aRelease(overrides: Overrides<'rx.release'> = {}): Act {
  const body = { rxId, k: null, reason: 'answered' };
  return anAct('rx.release', { member: hospital, signers: ['doctor'], body }, overrides);
}

/** The patient chooses the usual pharmacy for two days. */
export function aNominate(overrides: Overrides<'rx.nominate'> = {}): Act {
  const body = { rxId, nomination: { pharmacy, until: at(noon + 2 * dayMs) } };
  return anAct('rx.nominate', { member: hospital, signers: ['owner'], body }, overrides);
}

/** The patient moves the fill to the rival. */
export function aRedirect(overrides: Overrides<'rx.redirect'> = {}): Act {
  const body = { rxId, k: 0, nomination: { pharmacy: rival, until: at(noon + 2 * dayMs) }, reason: 'stock' };
  return anAct('rx.redirect', { member: hospital, signers: ['owner'], body }, overrides);
}

/** May item 0 be substituted? */
export function anAskSubstitution(overrides: Overrides<'substitution.request'> = {}): Act {
  const body = { rxId, k: 0, itemId: 0, reason: 'stock' };
  return anAct('substitution.request', { member: pharmacy, signers: ['pharmacist'], body }, overrides);
}

export function aDecideSubstitution(overrides: Overrides<'substitution.decide'> = {}): Act {
  const body = { rxId, itemId: 0, isAllowed: true, reason: 'same-effect' };
  return anAct('substitution.decide', { member: hospital, signers: ['doctor'], body }, overrides);
}

export function anAskRenewal(overrides: Overrides<'renewal.request'> = {}): Act {
  return anAct(
    'renewal.request',
    { member: hospital, signers: ['owner'], body: { rxId, reason: 'chronic' } },
    overrides,
  );
}

export function aDecideRenewal(overrides: Overrides<'renewal.decide'> = {}): Act {
  const body = { rxId, nextRxId: idOf('next'), reason: 'seen' };
  return anAct('renewal.decide', { member: hospital, signers: ['doctor'], body }, overrides);
}

/** For 2 hours from noon, at the counter. */
export function aReserve(overrides: Overrides<'fill.reserve'> = {}): Act {
  const body = { rxId, k: 0, pharmacy, until: at(noon + 2 * hourMs), mode: 'counter' } as const;
  return anAct('fill.reserve', { member: pharmacy, signers: ['pharmacist', 'redeem 0'], body }, overrides);
}

/** The rival's own attempt, with the patient's redeem key. */
export function aRivalReserve(overrides: Overrides<'fill.reserve'> = {}): Act {
  const keys = ['rival pharmacist', 'redeem 0'].map(keyOf);
  return aReserve({ member: rival, keys, ...overrides, body: { pharmacy: rival, ...overrides.body } });
}

/** One hour longer. */
export function anExtend(overrides: Overrides<'fill.extend'> = {}): Act {
  const body = { rxId, k: 0, until: at(noon + 3 * hourMs), reason: 'ordered' };
  return anAct('fill.extend', { member: pharmacy, signers: ['pharmacist'], body }, overrides);
}

export function aReturn(overrides: Overrides<'fill.return'> = {}): Act {
  const body = { rxId, k: 0, reason: 'stock' };
  return anAct('fill.return', { member: pharmacy, signers: ['pharmacist'], body }, overrides);
}

export function dispensed(
  itemId: number,
  count: number,
  more: Partial<ActionBody<'fill.dispense'>['items'][number]> = {},
): ActionBody<'fill.dispense'>['items'][number] {
  return { itemId, units: units(count), equivalence: 'same', packHashes: [], ...more };
}

/** Everything, from one pack each. */
export function aDispense(overrides: Overrides<'fill.dispense'> = {}): Act {
  const body = {
    rxId,
    k: 0,
    eventId: idOf('event'),
    items: [
      dispensed(0, 30, { packHashes: [digestOf('pack 1')] }),
      dispensed(1, 20, { packHashes: [digestOf('pack 2')] }),
    ],
    substitution: null,
  };
  return anAct('fill.dispense', { member: pharmacy, signers: ['pharmacist'], body }, overrides);
}

export function aClose(overrides: Overrides<'fill.close'> = {}): Act {
  const body = { rxId, k: 0, outcome: 'complete', reason: 'done' } as const;
  return anAct('fill.close', { member: pharmacy, signers: ['pharmacist'], body }, overrides);
}

/** All that the usual supply gave out, without a pack back on the shelf. */
export function aWithdraw(overrides: Overrides<'fill.withdraw'> = {}): Act {
  const body = { rxId, k: 0, eventId: idOf('event'), restockedHashes: [], reason: 'wrong-pack' };
  return anAct('fill.withdraw', { member: pharmacy, signers: ['pharmacist'], body }, overrides);
}

export const parcelId: Id = idOf('parcel');

export function aShip(overrides: Overrides<'delivery.ship'> = {}): Act {
  const body = {
    parcelId,
    rxId,
    k: 0,
    courier,
    sealHash: digestOf('seal number'),
    deliverBy: at(noon + dayMs),
  };
  return anAct('delivery.ship', { member: pharmacy, signers: ['pharmacist', 'rider'], body }, overrides);
}

/** The rider hands over to the second courier. */
export function aScan(overrides: Overrides<'delivery.scan'> = {}): Act {
  const body = { parcelId, from: courier, to: secondCourier, place: 'hub-north' };
  return anAct('delivery.scan', { member: courier, signers: ['rider', 'other rider'], body }, overrides);
}

export function aFail(overrides: Overrides<'delivery.fail'> = {}): Act {
  const body = { parcelId, reason: 'nobody-home' };
  return anAct('delivery.fail', { member: courier, signers: ['rider'], body }, overrides);
}

/** Sealed as it left. */
export function aTakeBack(overrides: Overrides<'delivery.return'> = {}): Act {
  const body = { parcelId, isSealIntact: true };
  return anAct('delivery.return', { member: pharmacy, signers: ['pharmacist', 'rider'], body }, overrides);
}

export function aReport(overrides: Overrides<'delivery.report'> = {}): Act {
  return anAct('delivery.report', { member: pharmacy, signers: ['owner'], body: { parcelId } }, overrides);
}

export function aDeliver(overrides: Overrides<'delivery.deliver'> = {}): Act {
  return anAct('delivery.deliver', { member: courier, signers: ['rider'], body: { parcelId } }, overrides);
}

/** The patient confirms the parcel with the owner key, through the pharmacy's node. */
export function aReceive(overrides: Overrides<'delivery.receive'> = {}): Act {
  const body = { rxId, k: 0, parcelId, receiptCode: null };
  return anAct('delivery.receive', { member: pharmacy, signers: ['owner'], body }, overrides);
}

export const claimId: Id = idOf('claim');
export const claimLines: ActionBody<'claim.estimate'>['lines'] = [
  { itemId: 0, units: units(30), price: amount(4_500) },
  { itemId: 1, units: units(20), price: amount(1_200) },
];

export function anEstimate(overrides: Overrides<'claim.estimate'> = {}): Act {
  const body = { claimId, rxId, k: 0, insurer, lines: claimLines, total: amount(5_700) };
  return anAct('claim.estimate', { member: pharmacy, signers: ['pharmacist'], body }, overrides);
}

/** The insurer covers 4,900 of 5,700. */
export function anAdjudicate(overrides: Overrides<'claim.adjudicate'> = {}): Act {
  const body = {
    claimId,
    outcome: 'approve',
    lines: [
      { itemId: 0, covered: amount(4_000), patientPays: amount(500), code: 'plan-a' },
      { itemId: 1, covered: amount(900), patientPays: amount(300), code: 'plan-a' },
    ],
  } as const;
  return anAct('claim.adjudicate', { member: insurer, signers: ['adjudicator'], body }, overrides);
}

export function aPay(overrides: Overrides<'claim.pay'> = {}): Act {
  const patientPaid = overrides.body?.patientPaid ?? amount(800);
  const body = { claimId, patientPaid, payments: [{ method: 'card', amount: patientPaid }] };
  return anAct('claim.pay', { member: pharmacy, signers: ['pharmacist'], body }, overrides);
}

export function aSubmit(overrides: Overrides<'claim.submit'> = {}): Act {
  const body = { claimId, eventIds: [idOf('event')], lines: claimLines, total: amount(5_700) };
  return anAct('claim.submit', { member: pharmacy, signers: ['pharmacist'], body }, overrides);
}

export function anAccept(overrides: Overrides<'claim.accept'> = {}): Act {
  const body = { claimId, covered: amount(4_900) };
  return anAct('claim.accept', { member: pharmacy, signers: ['pharmacist'], body }, overrides);
}

export const pair: Pair = { insurer, pharmacy };
export const period = '2026-11';

/** The sums must be given: a statement is right only if they are the ledger's own. */
export function aPropose(sums: Sums | null, overrides: Overrides<'settle.propose'> = {}): Act {
  const body = { ...pair, period, sums };
  return anAct('settle.propose', { member: insurer, signers: ['adjudicator'], body }, overrides);
}

export function aConfirm(sums: Sums, overrides: Overrides<'settle.confirm'> = {}): Act {
  const body = { ...pair, period, sums };
  return anAct('settle.confirm', { member: pharmacy, signers: ['bookkeeper'], body }, overrides);
}

export function aStatementDispute(overrides: Overrides<'settle.dispute'> = {}): Act {
  const body = { ...pair, period, reason: 'missing-claim' };
  return anAct('settle.dispute', { member: pharmacy, signers: ['bookkeeper'], body }, overrides);
}

/** The insurer would pay 4,000 of the 4,900. */
export function aDispute(overrides: Overrides<'claim.dispute'> = {}): Act {
  const lines = [
    { itemId: 0, covered: amount(3_100) },
    { itemId: 1, covered: amount(900) },
  ];
  const body = { claimId, reason: 'over-tariff', lines };
  return anAct('claim.dispute', { member: insurer, signers: ['adjudicator'], body }, overrides);
}

/** Whole, before the acceptance. */
export function aReverse(overrides: Overrides<'claim.reverse'> = {}): Act {
  const body = { claimId, reason: 'returned', lines: [], eventIds: [] };
  return anAct('claim.reverse', { member: pharmacy, signers: ['pharmacist'], body }, overrides);
}

/** The insurer takes back 100 of the second line. */
export function aRecoup(overrides: Overrides<'claim.recoup'> = {}): Act {
  const body = { claimId, reason: 'audit', lines: [{ itemId: 1, covered: amount(100) }] };
  return anAct('claim.recoup', { member: insurer, signers: ['adjudicator', 'pharmacist'], body }, overrides);
}

export function aNet(overrides: Overrides<'settle.net'> = {}): Act {
  const body = { round: 'round-1', until: at(noon + dayMs), statements: [{ ...pair, period }] };
  return anAct('settle.net', { member: insurer, signers: ['adjudicator'], body }, overrides);
}

export function anAgree(net: number, overrides: Overrides<'settle.agree'> = {}): Act {
  const body = { round: 'round-1', net: net as Balance };
  return anAct('settle.agree', { member: pharmacy, signers: ['bookkeeper'], body }, overrides);
}

export function aTransfer(overrides: Overrides<'settle.transfer'> = {}): Act {
  const body = { round: 'round-1', to: pharmacy, amount: amount(4_900), paymentRef: 'transfer-1' };
  return anAct('settle.transfer', { member: insurer, signers: ['adjudicator'], body }, overrides);
}

export function aPaid(total: Balance, overrides: Overrides<'settle.paid'> = {}): Act {
  const body = { ...pair, period, total, paymentRef: 'transfer-1' };
  return anAct('settle.paid', { member: insurer, signers: ['adjudicator'], body }, overrides);
}
