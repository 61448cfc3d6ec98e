/** The steps of the walk: one long story on one ledger, each step with its outcome. */
import type { JsonObject } from '../../../node/rpc/contract.ts';
import { hexOf } from '../../../node/rpc/json.ts';
import { signerFromSeed } from '../../../node/ed25519.ts';
import type { ActionKind } from '../../../protocol/action.ts';

import { receiptCodeHash } from '../../../protocol/receiptCode.ts';
import type { RefusalCode } from '../../../protocol/refusal.ts';
import {
  deriveFillSecret,
  deriveFillSeeds,
  deriveOwnerSeed,
  deriveReceiptCode,
  formatFillSecret,
  formatToken,
  type PatientToken,
} from '../../../protocol/token.ts';
import { noon } from '../../support/chain.ts';
import { aSeed, aSigner } from '../../support/keys.ts';
import { digestOf, idOf } from './memoryNode.ts';

export interface Step {
  readonly title: string;
  readonly kind: ActionKind;
  readonly member: string;
  /** For tx_build. */
  readonly body: JsonObject;
  /** For the method of the kind's name, without the signers. */
  readonly params: JsonObject;
  /** Keys of keystores that sign: member and name. */
  readonly by: readonly (readonly [member: string, name: string])[];
  /** Of the patient's keys that sign, too. */
  readonly seeds: readonly Uint8Array[];
  readonly outcome: 'committed' | RefusalCode;
  /** Block time that the step waits for. */
  readonly notBefore: number;
}

export const hour = 3_600_000;
export const day: number = 24 * hour;

export function time(afterMs: number): string {
  return new Date(noon + afterMs).toISOString();
}

export function id(text: string): string {
  return hexOf(idOf(text));
}

interface StepInput {
  readonly by: string;
  readonly body: JsonObject;
  readonly outcome?: Step['outcome'];
  readonly notBefore?: number;
  /** The prescription whose patient signs. */
  readonly owner?: string;
  readonly params?: JsonObject;
  readonly seeds?: readonly Uint8Array[];
}

/** `by` is `member: name + name, member: name`; the first member sends. */
export function step(kind: ActionKind, input: StepInput): Step {
  const by = input.by.split(', ').flatMap((group) => {
    const [member = '', names = ''] = group.split(': ');
    return names === '' ? [] : names.split(' + ').map((name) => [member, name] as const);
  });
  const owner = input.owner === undefined ? null : tokenOf(input.owner);
  const { body, outcome = 'committed', notBefore = 0 } = input;
  return {
    title: `${kind} by ${input.by}: ${outcome}`,
    kind,
    member: input.by.split(/[:,]/)[0] ?? '',
    body,
    params: input.params ?? (owner === null ? body : { ...body, token: formatToken(owner) }),
    by,
    seeds: [...(owner === null ? [] : [deriveOwnerSeed(owner)]), ...(input.seeds ?? [])],
    outcome,
    notBefore: noon + notBefore,
  };
}

export function tokenOf(rx: string): PatientToken {
  return { rxId: idOf(rx), secret: aSeed(`token of ${rx}`) };
}

interface IssueInput {
  readonly by?: string;
  readonly class?: string;
  readonly reviewRequired?: boolean;
  readonly replaces?: string;
  readonly itemEnd?: number;
  readonly outcome?: Step['outcome'];
  readonly start?: number;
}

/** Two items of 30 and 20, one fill, two days. */
export function issue(rx: string, input: IssueInput = {}): Step {
  const token = tokenOf(rx);
  const { by = 'hospital: dr-zhang', start = 0, replaces, reviewRequired = false } = input;
  const item = { repeats: 0, intervalDays: 0, substitutionAllowed: false };
  const validUntil = time(start + 2 * day);
  const itemEnd = input.itemEnd === undefined ? null : time(input.itemEnd);
  const shared = {
    class: input.class ?? 'ordinary',
    authoredOn: time(start),
    validUntil,
    items: [
      { itemId: 0, units: 30, ...item, validUntil: itemEnd },
      { itemId: 1, units: 20, ...item, validUntil: null },
    ],
    reviewRequired,
    replaces: replaces === undefined ? null : id(replaces),
    prescriber: id('dr-zhang'),
  };
  const window = { start: time(start), end: validUntil };
  const redeemKey = hexOf(signerFromSeed(redeemSeed(rx)).publicKey);
  const receiptHash = hexOf(receiptCodeHash(token.rxId, 0, deriveReceiptCode(token, 0)));
  return step('rx.issue', {
    by,
    body: {
      ...shared,
      rxId: hexOf(token.rxId),
      fills: [{ k: 0, ...window, redeemKey, receiptHash }],
      ownerKey: hexOf(signerFromSeed(deriveOwnerSeed(token)).publicKey),
    },
    params: {
      ...shared,
      token: formatToken(token),
      fills: [window],
      documents: [{ resourceType: 'MedicationRequest' }],
    },
    notBefore: start,
    ...(input.outcome === undefined ? {} : { outcome: input.outcome }),
  });
}

function redeemSeed(rx: string): Uint8Array {
  return deriveFillSeeds(deriveFillSecret(tokenOf(rx), 0)).redeemSeed;
}

interface FillInput {
  readonly by?: string;
  readonly outcome?: Step['outcome'];
  readonly notBefore?: number;
}

/** For twelve hours from noon on, or from later. */
export function reserve(rx: string, input: FillInput & { readonly isNominated?: boolean } = {}): Step {
  const { by = 'pharmacy: ph-wang', outcome = 'committed', notBefore = 0 } = input;
  const pharmacy = by.split(':')[0] ?? '';
  const named = { rxId: id(rx), k: 0 };
  const chosen = { until: time(notBefore + 12 * hour), mode: 'counter' };
  const isNominated = input.isNominated === true;
  const fillSecret = formatFillSecret(deriveFillSecret(tokenOf(rx), 0));
  return step('fill.reserve', {
    by,
    body: { ...named, pharmacy, ...chosen },
    params: isNominated ? { ...named, ...chosen } : { fillSecret, ...chosen },
    seeds: isNominated ? [] : [redeemSeed(rx)],
    outcome,
    notBefore,
  });
}

interface SupplyInput extends FillInput {
  readonly event?: string;
  readonly items?: readonly (readonly [itemId: number, units: number])[];
  readonly isEquivalent?: boolean;
}

export function dispense(rx: string, input: SupplyInput = {}): Step {
  const { by = 'pharmacy: ph-wang', event = `event of ${rx}`, isEquivalent = false } = input;
  const items = input.items ?? [
    [0, 30],
    [1, 20],
  ];
  return step('fill.dispense', {
    by,
    body: {
      rxId: id(rx),
      k: 0,
      eventId: id(event),
      items: items.map(([itemId, units]) => ({
        itemId,
        units,
        equivalence: isEquivalent ? 'equivalent' : 'same',
        packHashes: [hexOf(digestOf(`pack ${event} ${itemId}`))],
      })),
      substitution: isEquivalent ? 'stock' : null,
    },
    outcome: input.outcome ?? 'committed',
    notBefore: input.notBefore ?? 0,
  });
}

export const named = (rx: string, more: JsonObject = {}): JsonObject => ({ rxId: id(rx), k: 0, ...more });
export const packs = (rx: string): readonly string[] =>
  [0, 1].map((item) => hexOf(digestOf(`pack event of ${rx} ${item}`)));
export const stopped = (rx: string): JsonObject => ({ rxId: id(rx), k: null, reason: 'query' });
export const nomination = (pharmacy: string): JsonObject => ({ pharmacy, until: time(day) });
export const parcel = (rx: string): JsonObject => ({ parcelId: id(`parcel of ${rx}`) });
const register = { roles: ['pharmacist'], scopes: ['ordinary'], validUntil: time(100 * day) };
const card = hexOf(aSigner('pharmacy card').publicKey);
const hospitalCard = hexOf(aSigner('hospital card').publicKey);
const rivalCard = hexOf(aSigner('rival card').publicKey);
const keyOf = (person: string): string => hexOf(aSigner(person).publicKey);
const newcomer = { practitionerId: id('newcomer') };
const whole = { ...newcomer, scope: null, reason: 'check' };
const delegates = { delegatorId: id('dr-zhang'), delegateId: id('as-yu') };
const grant = { ...delegates, classes: ['ordinary'], perDayMax: 1, until: time(10 * day) };

export function ship(rx: string): Step {
  const body = { ...named(rx), ...parcel(rx), courier: 'courier', deliverBy: time(day) };
  return step('delivery.ship', {
    by: 'pharmacy: ph-wang, courier: rider-ma',
    body: { ...body, sealHash: hexOf(digestOf('seal')) },
  });
}

export function withdraw(
  rx: string,
  more: Omit<StepInput, 'body' | 'by'> & { readonly packs?: readonly string[] } = {},
): Step {
  const { packs: restockedHashes = [], ...rest } = more;
  const body = { ...named(rx), eventId: id(`event of ${rx}`), restockedHashes, reason: 'error' };
  return step('fill.withdraw', { by: 'pharmacy: ph-wang', body, ...rest });
}

const people: readonly Step[] = [
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

const choices: readonly Step[] = [
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
  step('substitution.request', {
    by: 'pharmacy: ph-wang',
    body: named('chosen', { itemId: 0, reason: 'stock' }),
  }),
  step('substitution.request', {
    by: 'pharmacy: ph-wang',
    body: named('chosen', { itemId: 0, reason: 'stock' }),
    outcome: 'requestPending',
  }),
  step('substitution.decide', {
    by: 'hospital: dr-zhang',
    body: { rxId: id('chosen'), itemId: 0, isAllowed: true, reason: 'same' },
  }),
  dispense('chosen', { items: [[0, 10]], isEquivalent: true }),
  step('rx.redirect', {
    by: 'courier',
    owner: 'chosen',
    body: named('chosen', { nomination: nomination('rival'), reason: 'stock' }),
  }),
  reserve('chosen', { by: 'rival: ph-chen', isNominated: true }),
  step('fill.return', { by: 'rival: ph-chen', body: named('chosen', { reason: 'stock' }) }),
  step('renewal.request', { by: 'rival', owner: 'chosen', body: { rxId: id('chosen'), reason: 'chronic' } }),
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
  step('rx.cancel', { by: 'pharmacy', owner: 'next', body: { rxId: id('next'), k: 0, reason: 'wish' } }),
];

const supplies: readonly Step[] = [
  issue('reviewed', { by: 'hospital: dr-zhang', reviewRequired: true }),
  step('rx.review', {
    by: 'pharmacy: ph-feng',
    body: { rxId: id('reviewed'), outcome: 'approve', reason: 'checked' },
  }),
  reserve('reviewed'),
  dispense('reviewed', { by: 'pharmacy: ph-feng', outcome: 'dispenserNotSeparate' }),
  dispense('reviewed'),
  withdraw('reviewed', { packs: [hexOf(digestOf('other'))], outcome: 'packUnknown' }),
  withdraw('reviewed', { packs: packs('reviewed') }),
  withdraw('reviewed', { outcome: 'eventWithdrawn' }),
  dispense('reviewed', { event: 'again' }),
  step('fill.close', {
    by: 'pharmacy: ph-wang',
    body: named('reviewed', { outcome: 'complete', reason: 'done' }),
  }),
];

const parcels: readonly Step[] = [
  issue('sent'),
  reserve('sent'),
  dispense('sent'),
  ship('sent'),
  step('delivery.report', { by: 'insurer', owner: 'sent', body: parcel('sent'), outcome: 'parcelNotDue' }),
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
  issue('lost'),
  reserve('lost'),
  dispense('lost'),
  ship('lost'),
  step('delivery.report', { by: 'pharmacy: ph-wang', body: parcel('lost'), notBefore: day + hour }),
  step('delivery.fail', { by: 'courier: rider-ma', body: { ...parcel('lost'), reason: 'nobody-home' } }),
  step('delivery.return', {
    by: 'pharmacy: ph-wang, courier: rider-ma',
    body: { ...parcel('lost'), isSealIntact: false },
  }),
  withdraw('lost'),
];

const lateHours = 26;
const late: number = lateHours * hour;
const ends: readonly Step[] = [
  issue('short', { start: late, itemEnd: late + hour }),
  reserve('short', { notBefore: late + 2 * hour }),
  dispense('short', { outcome: 'itemExpired', items: [[0, 30]] }),
  dispense('short', { items: [[1, 20]] }),
  step('key.rotate', {
    by: 'hospital: admin + card',
    body: { key: keyOf('dr-li'), newKey: hospitalCard },
  }),
  step('key.revoke', {
    by: 'regulator: admin',
    body: { key: keyOf('dr-zhang'), compromisedSince: time(late), reason: 'stolen' },
  }),
  dispense('short', { items: [[0, 1]], event: 'too late', outcome: 'prescriptionVoided' }),
];

/** In their order, on one ledger. */
export const steps: readonly Step[] = [...people, ...choices, ...supplies, ...parcels, ...ends];

/** A refused act at a time from noon on: its block moves the time of the ledger. */
export function issueAfter(afterMs: number): Step {
  return { ...issue('later', { by: 'hospital: rev-he', start: afterMs }), outcome: 'roleMissing' };
}
