/** The acts that many stories of the walk share: issue, reserve, dispense, ship, withdraw. */
import type { JsonObject } from '../../../node/rpc/contract.ts';
import { signerFromSeed } from '../../../node/ed25519.ts';
import { hexOf } from '../../../node/rpc/json.ts';
import type { ActionKind } from '../../../protocol/action.ts';
import { receiptCodeHash } from '../../../protocol/receiptCode.ts';
import {
  deriveFillSecret,
  deriveFillSeeds,
  deriveOwnerSeed,
  deriveReceiptCode,
  formatFillSecret,
  formatToken,
} from '../../../protocol/token.ts';
import {
  day,
  digest,
  hour,
  id,
  stepOf,
  timeAt,
  tokenOf,
  type Clock,
  type Step,
  type StepInput,
} from './step.ts';

interface IssueInput {
  readonly by?: string;
  readonly reviewRequired?: boolean;
  readonly replaces?: string;
  /** When the first item ends, from the start. */
  readonly itemEnd?: number;
  readonly outcome?: Step['outcome'];
  /** Of the prescription, from the start. */
  readonly start?: number;
}

interface FillInput {
  readonly by?: string;
  readonly outcome?: Step['outcome'];
  readonly notBefore?: number;
}

interface SupplyInput extends FillInput {
  readonly event?: string;
  readonly items?: readonly (readonly [itemId: number, units: number])[];
  readonly isEquivalent?: boolean;
}

interface ShipInput {
  readonly by?: string;
  readonly courier?: string;
  /** From the start. */
  readonly due?: number;
}

type WithdrawInput = Omit<StepInput, 'body' | 'by'> & { readonly packs?: readonly string[] };

export interface Acts {
  readonly time: (afterMs: number) => string;
  /** For a day. */
  readonly nomination: (pharmacy: string) => JsonObject;
  readonly step: (kind: ActionKind, input: StepInput) => Step;
  /** Two items of 30 and 20, one fill, two days. */
  readonly issue: (rx: string, input?: IssueInput) => Step;
  /** For twelve hours from the start on, or from later. */
  readonly reserve: (rx: string, input?: FillInput & { readonly isNominated?: boolean }) => Step;
  /** All of it, unless it says what. */
  readonly dispense: (rx: string, input?: SupplyInput) => Step;
  readonly ship: (rx: string, input?: ShipInput) => Step;
  readonly withdraw: (rx: string, input?: WithdrawInput) => Step;
}

export function actsIn(setting: Clock): Acts {
  return {
    time: (afterMs) => timeAt(setting, afterMs),
    nomination: (pharmacy) => ({ pharmacy, until: timeAt(setting, day) }),
    step: (kind, input) => stepOf(setting, kind, input),
    issue: (rx, input = {}) => issue(setting, rx, input),
    reserve: (rx, input = {}) => reserve(setting, rx, input),
    dispense: (rx, input = {}) => dispense(setting, rx, input),
    ship: (rx, input = {}) => ship(setting, rx, input),
    withdraw: (rx, input = {}) => withdraw(setting, rx, input),
  };
}

/** The body of an act about the one fill of a prescription. */
export function named(rx: string, more: JsonObject = {}): JsonObject {
  return { rxId: id(rx), k: 0, ...more };
}

/** The packs of `dispense`, when it says nothing else. */
export function packs(rx: string): readonly string[] {
  return [0, 1].map((itemId) => digest(`pack event of ${rx} ${itemId}`));
}

export function parcel(rx: string): JsonObject {
  return { parcelId: id(`parcel of ${rx}`) };
}

/** The body of a hold and what is like it, of the whole prescription. */
export function stopped(rx: string): JsonObject {
  return { rxId: id(rx), k: null, reason: 'query' };
}

function redeemSeed(rx: string): Uint8Array {
  return deriveFillSeeds(deriveFillSecret(tokenOf(rx), 0)).redeemSeed;
}

function issue(setting: Clock, rx: string, input: IssueInput): Step {
  const token = tokenOf(rx);
  const { by = 'hospital: dr-zhang', start = 0, replaces, reviewRequired = false, itemEnd = null } = input;
  const item = { repeats: 0, intervalDays: 0, substitutionAllowed: false };
  const authoredOn = timeAt(setting, start);
  const validUntil = timeAt(setting, start + 2 * day);
  const shared = {
    class: 'ordinary',
    authoredOn,
    validUntil,
    items: [
      { itemId: 0, units: 30, ...item, validUntil: itemEnd === null ? null : timeAt(setting, itemEnd) },
      { itemId: 1, units: 20, ...item, validUntil: null },
    ],
    reviewRequired,
    replaces: replaces === undefined ? null : id(replaces),
    prescriber: id('dr-zhang'),
  };
  const window = { start: authoredOn, end: validUntil };
  const redeemKey = hexOf(signerFromSeed(redeemSeed(rx)).publicKey);
  const receiptHash = hexOf(receiptCodeHash(token.rxId, 0, deriveReceiptCode(token, 0)));
  const documents = [{ resourceType: 'MedicationRequest' }];
  return stepOf(setting, 'rx.issue', {
    by,
    body: {
      ...shared,
      rxId: hexOf(token.rxId),
      fills: [{ k: 0, ...window, redeemKey, receiptHash }],
      ownerKey: hexOf(signerFromSeed(deriveOwnerSeed(token)).publicKey),
    },
    params: { ...shared, token: formatToken(token), fills: [window], documents },
    notBefore: start,
    outcome: input.outcome ?? 'committed',
  });
}

function reserve(setting: Clock, rx: string, input: FillInput & { readonly isNominated?: boolean }): Step {
  const { by = 'pharmacy: ph-wang', outcome = 'committed', notBefore = 0 } = input;
  const pharmacy = by.split(':')[0] ?? '';
  const chosen = { until: timeAt(setting, notBefore + 12 * hour), mode: 'counter' };
  const isNominated = input.isNominated === true;
  const fillSecret = formatFillSecret(deriveFillSecret(tokenOf(rx), 0));
  return stepOf(setting, 'fill.reserve', {
    by,
    body: named(rx, { pharmacy, ...chosen }),
    params: isNominated ? named(rx, chosen) : { fillSecret, ...chosen },
    seeds: isNominated ? [] : [redeemSeed(rx)],
    outcome,
    notBefore,
  });
}

function dispense(setting: Clock, rx: string, input: SupplyInput): Step {
  const { by = 'pharmacy: ph-wang', event = `event of ${rx}`, isEquivalent = false } = input;
  const all = [
    [0, 30],
    [1, 20],
  ] as const;
  const items = (input.items ?? all).map(([itemId, units]) => ({
    itemId,
    units,
    equivalence: isEquivalent ? 'equivalent' : 'same',
    packHashes: [digest(`pack ${event} ${itemId}`)],
  }));
  return stepOf(setting, 'fill.dispense', {
    by,
    body: named(rx, { eventId: id(event), items, substitution: isEquivalent ? 'stock' : null }),
    outcome: input.outcome ?? 'committed',
    notBefore: input.notBefore ?? 0,
  });
}

function ship(setting: Clock, rx: string, input: ShipInput): Step {
  const { by = 'pharmacy: ph-wang, courier: rider-ma', courier = 'courier', due = day } = input;
  const deliverBy = timeAt(setting, due);
  const body = { ...named(rx), ...parcel(rx), courier, deliverBy, sealHash: digest('seal') };
  return stepOf(setting, 'delivery.ship', { by, body });
}

function withdraw(setting: Clock, rx: string, input: WithdrawInput): Step {
  const { packs: restockedHashes = [], ...rest } = input;
  const body = named(rx, { eventId: id(`event of ${rx}`), restockedHashes, reason: 'error' });
  return stepOf(setting, 'fill.withdraw', { by: 'pharmacy: ph-wang', body, ...rest });
}
