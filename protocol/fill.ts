/** A fill's life in a pharmacy: reserved under the patient's redeem key, returned, dispensed whole or in parts, closed. */
import * as z from 'zod';
import { authorise, authoriseOne, scopeOfClass, type Context, type Place } from './authorisation.ts';
import type { Digest, Id, MemberName, Timestamp, Units } from './brand.ts';
import { hexToBytes } from './bytes.ts';
import { codeSchema, digestSchema, idSchema, nameSchema, timestampSchema, unitsSchema } from './codec.ts';
import { invariant, unreachable } from './invariant.ts';
import { dispenseEventsMax, itemsMax, packHashesMax } from './limits.ts';
import { readPolicy, reservationModes, type ReservationMode } from './policy.ts';
import {
  fillIndexSchema,
  findFill,
  holderOfFill,
  isWhollyDispensed,
  itemIdSchema,
  prescriptionRecord,
  statusOfFill,
  unitsPrescribed,
  unitsRemaining,
  withFill,
  type DispenseEvent,
  type Fill,
  type FoundFill,
  type Prescription,
} from './prescription.ts';
import { applied, type Applied, type RecordWrite } from './record.ts';
import { accepted, refused, type Result } from './result.ts';

/** `fill.reserve`, signed by a pharmacist of `pharmacy` and by the fill's redeem key. */
export interface ReserveBody {
  readonly rxId: Id;
  readonly k: number;
  readonly pharmacy: MemberName;
  readonly until: Timestamp;
  readonly mode: ReservationMode;
}

/** `fill.return`, signed by a pharmacist of the holder: what remains is free for another pharmacy. */
export interface ReturnBody {
  readonly rxId: Id;
  readonly k: number;
  readonly reason: string;
}

const equivalences = ['same', 'equivalent'] as const;
type Equivalence = (typeof equivalences)[number];

interface DispenseItem {
  readonly itemId: number;
  readonly units: Units;
  readonly equivalence: Equivalence;
  /** Hashes of pack serials; each is spent once for ever. */
  readonly packHashes: readonly Digest[];
}

/** `fill.dispense`, signed by a pharmacist of the holder; a controlled class by two. */
export interface DispenseBody {
  readonly rxId: Id;
  readonly k: number;
  readonly eventId: Id;
  readonly items: readonly DispenseItem[];
  /** Reason code, given if and only if an item is `equivalent`. */
  readonly substitution: string | null;
}

const closeOutcomes = ['complete', 'partial'] as const;
type CloseOutcome = (typeof closeOutcomes)[number];

/** `fill.close`, signed by a pharmacist of the pharmacy that supplied last: `partial` gives the rest up. */
export interface CloseBody {
  readonly rxId: Id;
  readonly k: number;
  readonly outcome: CloseOutcome;
  readonly reason: string;
}

export const reserveBodySchema: z.ZodType<ReserveBody> = z.strictObject({
  rxId: idSchema,
  k: fillIndexSchema,
  pharmacy: nameSchema,
  until: timestampSchema,
  mode: z.enum(reservationModes),
});

export const returnBodySchema: z.ZodType<ReturnBody> = z.strictObject({
  rxId: idSchema,
  k: fillIndexSchema,
  reason: codeSchema,
});

export const dispenseBodySchema: z.ZodType<DispenseBody> = z.strictObject({
  rxId: idSchema,
  k: fillIndexSchema,
  eventId: idSchema,
  items: z
    .array(
      z.strictObject({
        itemId: itemIdSchema,
        units: unitsSchema,
        equivalence: z.enum(equivalences),
        packHashes: z.array(digestSchema).max(packHashesMax),
      }),
    )
    .min(1)
    .max(itemsMax),
  substitution: codeSchema.nullable(),
});

export const closeBodySchema: z.ZodType<CloseBody> = z.strictObject({
  rxId: idSchema,
  k: fillIndexSchema,
  outcome: z.enum(closeOutcomes),
  reason: codeSchema,
});

const dayMs = 86_400_000;

/**
 * The same pharmacy again gets the same answer, without a change. Refusals: `prescriptionUnknown`, `fillUnknown`,
 * `notPermitted` (for another pharmacy), `redeemKeyWrong`, those of `authorise`, by the fill's status `fillReserved`,
 * `reviewPending`, `prescriptionExpired`, `prescriptionNotOpen`, `fillNotReady` (dispensed or closed), and
 * `fillOutOfWindow`, `reservationTooLong`.
 */
export function reserve(context: Context, body: ReserveBody): Result<Applied> {
  const { state, member, timeMs } = context;
  const found = findFill(state, body.rxId, body.k);
  if (!found.ok) return found;
  const { prescription, fill } = found.value;
  if (body.pharmacy !== member) return refused('notPermitted');
  if (!context.keys.includes(fill.redeemKey)) return refused('redeemKeyWrong');
  const signer = authoriseOne(context, pharmacistOf(context, prescription), [fill.redeemKey]);
  if (!signer.ok) return signer;
  if (isHeldBy(found.value, member, timeMs)) return accepted(applied([body.rxId], []));
  const ready = requireReady(found.value, timeMs);
  if (!ready.ok) return ready;
  const policy = readPolicy(state);
  if (timeMs < fill.start || !isIntervalOver(prescription, fill, timeMs)) return refused('fillOutOfWindow');
  if (body.until <= timeMs) return refused('fillOutOfWindow', 'until');
  // A live reservation may outlive the prescription, by the grace only: dispense then needs no rule of its own.
  const end = Math.min(prescription.validUntil, fill.end);
  const untilMax = Math.min(timeMs + policy.reserveMsMax[body.mode], end + policy.graceMs);
  if (body.until > untilMax) return refused('reservationTooLong');
  invariant(holderOfFill(fill, timeMs) === null, 'at most one live reservation');
  const reservation = { pharmacy: member, until: body.until, mode: body.mode };
  return accepted(changed(prescription, { ...fill, reservation }));
}

/** Refusals: `prescriptionUnknown`, `fillUnknown`, those of `authorise` and of `requireHolder`. */
export function returnFill(context: Context, body: ReturnBody): Result<Applied> {
  const found = findFill(context.state, body.rxId, body.k);
  if (!found.ok) return found;
  const { prescription, fill } = found.value;
  const signer = authoriseOne(context, pharmacistOf(context, prescription));
  if (!signer.ok) return signer;
  const held = requireHolder(context, found.value);
  if (!held.ok) return held;
  return accepted(changed(prescription, { ...fill, reservation: null }));
}

/**
 * Supply, whole or in part, by the holder only (I5). Refusals: `prescriptionUnknown`, `fillUnknown`, those of
 * `authorise`, `eventExists`, those of `requireHolder`, `tooLarge` (events), `itemsInvalid`, `itemUnknown`,
 * `quantityExceeded`, `substitutionNotAllowed`, `packSpent`.
 */
export function dispense(context: Context, body: DispenseBody): Result<Applied> {
  const { state, member, timeMs } = context;
  const found = findFill(state, body.rxId, body.k);
  if (!found.ok) return found;
  const { prescription, fill } = found.value;
  const place = pharmacistOf(context, prescription);
  const signers = authorise(context, prescription.class === 'controlled' ? [place, place] : [place]);
  if (!signers.ok) return signers;
  if (hasEvent(prescription, body.eventId)) return refused('eventExists');
  const held = requireHolder(context, found.value);
  if (!held.ok) return held;
  if (fill.events.length >= dispenseEventsMax) return refused('tooLarge', 'events');
  const checked = checkSupply(found.value, body);
  if (!checked.ok) return checked;
  const packs = spendPacks(context, body);
  if (!packs.ok) return packs;
  const event: DispenseEvent = {
    eventId: body.eventId,
    pharmacy: member,
    timeMs,
    items: body.items.map(({ itemId, units }) => ({ itemId, units })),
    parcelId: null,
    receivedMs: null,
    claimId: null,
  };
  const supplied: Fill = { ...fill, events: [...fill.events, event] };
  for (const { itemId } of prescription.items) {
    invariant(unitsRemaining(prescription, supplied, itemId) >= 0, 'dispensed exceeds prescribed');
  }
  const writes = [prescriptionRecord(withFill(prescription, supplied)), ...packs.value];
  return accepted(applied([body.rxId], writes));
}

/**
 * Refusals: `prescriptionUnknown`, `fillUnknown`, those of `authorise`, `notHolder`; for `complete` `fillNotReady`
 * (something remains) and `tooLate` (closed before); for `partial` `tooLate` (nothing remains), those of
 * `requireHolder`, and `nothingDispensed`.
 */
export function closeFill(context: Context, body: CloseBody): Result<Applied> {
  const found = findFill(context.state, body.rxId, body.k);
  if (!found.ok) return found;
  const { prescription, fill } = found.value;
  const signer = authoriseOne(context, pharmacistOf(context, prescription));
  if (!signer.ok) return signer;
  const allowed =
    body.outcome === 'complete' ? checkComplete(context, found.value) : checkPartial(context, found.value);
  if (!allowed.ok) return allowed;
  return accepted(changed(prescription, { ...fill, ended: body.outcome }));
}

function changed(prescription: Prescription, fill: Fill): Applied {
  return applied([prescription.rxId], [prescriptionRecord(withFill(prescription, fill))]);
}

function pharmacistOf(context: Context, prescription: Prescription): Place {
  const scope = scopeOfClass(prescription.class);
  return { member: context.member, memberRoles: ['pharmacy'], roles: ['pharmacist'], scope, id: null };
}

function isHeldBy({ prescription, fill }: FoundFill, pharmacy: MemberName, timeMs: Timestamp): boolean {
  const status = statusOfFill(prescription, fill, timeMs);
  return (status === 'reserved' || status === 'dispensing') && holderOfFill(fill, timeMs) === pharmacy;
}

function requireReady({ prescription, fill }: FoundFill, timeMs: Timestamp): Result<null> {
  const status = statusOfFill(prescription, fill, timeMs);
  switch (status) {
    case 'ready':
      return accepted(null);
    case 'pendingReview':
      return refused('reviewPending');
    case 'reserved':
    case 'dispensing':
      return refused('fillReserved');
    case 'expired':
      return refused('prescriptionExpired');
    case 'cancelled':
    case 'refused':
      return refused('prescriptionNotOpen');
    case 'dispensed':
    case 'closed':
      return refused('fillNotReady');
    default:
      return unreachable(status);
  }
}

/** Refusals: `notHolder`, `fillNotReserved`, `prescriptionNotOpen` (cancelled, refused), `prescriptionExpired`. */
function requireHolder(context: Context, { prescription, fill }: FoundFill): Result<null> {
  const status = statusOfFill(prescription, fill, context.timeMs);
  switch (status) {
    case 'reserved':
    case 'dispensing':
      return holderOfFill(fill, context.timeMs) === context.member ? accepted(null) : refused('notHolder');
    case 'cancelled':
    case 'refused':
      return refused('prescriptionNotOpen');
    case 'expired':
      return refused('prescriptionExpired');
    case 'pendingReview':
    case 'ready':
    case 'dispensed':
    case 'closed':
      return refused('fillNotReserved');
    default:
      return unreachable(status);
  }
}

/** I18: days since the last supply of the fill before; a fill that nobody supplied from starts no interval. */
function isIntervalOver(prescription: Prescription, fill: Fill, timeMs: Timestamp): boolean {
  const last = prescription.fills[fill.k - 1]?.events.at(-1);
  if (last === undefined) return true;
  const days = prescription.items.map((item) => (fill.k > item.repeats ? 0 : item.intervalDays));
  return timeMs >= last.timeMs + Math.max(...days) * dayMs;
}

function hasEvent(prescription: Prescription, eventId: Id): boolean {
  return prescription.fills.some((fill) => fill.events.some((event) => event.eventId === eventId));
}

function checkSupply({ prescription, fill }: FoundFill, body: DispenseBody): Result<null> {
  const itemIds = body.items.map((item) => item.itemId);
  if (new Set(itemIds).size !== itemIds.length) return refused('itemsInvalid', 'items');
  const isSubstituted = body.items.some((item) => item.equivalence === 'equivalent');
  if (isSubstituted !== (body.substitution !== null)) return refused('itemsInvalid', 'substitution');
  for (const { itemId, units, equivalence } of body.items) {
    const item = prescription.items.find((candidate) => candidate.itemId === itemId);
    if (item === undefined || unitsPrescribed(prescription, fill.k, itemId) === 0)
      return refused('itemUnknown');
    if (units > unitsRemaining(prescription, fill, itemId)) return refused('quantityExceeded');
    if (equivalence === 'equivalent' && !item.substitutionAllowed) return refused('substitutionNotAllowed');
  }
  return accepted(null);
}

/** I15: each pack serial's hash is spent once for ever, over all prescriptions. Refusal: `packSpent`. */
function spendPacks(context: Context, body: DispenseBody): Result<readonly RecordWrite[]> {
  const hashes = body.items.flatMap((item) => item.packHashes);
  if (new Set(hashes).size !== hashes.length) return refused('packSpent');
  const keys = hashes.map(packRecordKey);
  if (keys.some((key) => context.state.get(key) !== null)) return refused('packSpent');
  const spentIn = hexToBytes(body.eventId);
  return accepted(keys.map((key) => [key, spentIn] as const));
}

/** The record of a spent pack holds the 16 bytes of the dispense event's id. */
function packRecordKey(packHash: Digest): string {
  return `pack/${packHash}`;
}

function checkComplete(context: Context, { prescription, fill }: FoundFill): Result<null> {
  if (statusOfFill(prescription, fill, context.timeMs) !== 'dispensed') return refused('fillNotReady');
  if (fill.events.at(-1)?.pharmacy !== context.member) return refused('notHolder');
  return fill.ended === null ? accepted(null) : refused('tooLate');
}

function checkPartial(context: Context, found: FoundFill): Result<null> {
  if (isWhollyDispensed(found.prescription, found.fill)) return refused('tooLate');
  const held = requireHolder(context, found);
  if (!held.ok) return held;
  return found.fill.events.length === 0 ? refused('nothingDispensed') : accepted(null);
}
