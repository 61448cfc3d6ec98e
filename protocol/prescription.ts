/**
 * The prescription's record, with its fills inside, and the status of a fill at a block time. One record holds the whole
 * life up to the receipt, so that the common steps write one key.
 */
import * as z from 'zod';
import type { Digest, Id, MemberName, PublicKey, Timestamp, Units } from './brand.ts';
import {
  digestSchema,
  idSchema,
  nameSchema,
  publicKeySchema,
  timestampSchema,
  unitsSchema,
} from './codec.ts';
import { dispenseEventsMax, fillsMax, itemsMax, transactionSealsMax } from './limits.ts';
import {
  prescriptionClasses,
  reservationModes,
  type PrescriptionClass,
  type ReservationMode,
} from './policy.ts';
import { readRecord, recordCodec, type RecordCodec, type RecordReader, type RecordWrite } from './record.ts';
import { accepted, refused, type Result } from './result.ts';

/** One prescribed medicine. What it is stands in the sealed document; the chain counts units only. */
export interface Item {
  readonly itemId: number;
  /** Per fill. */
  readonly units: Units;
  /** Fills beyond the first in which this item is supplied again. */
  readonly repeats: number;
  /** Least days between two fills. */
  readonly intervalDays: number;
  readonly substitutionAllowed: boolean;
}

/** A fill as the prescriber issues it. */
export interface FillPlan {
  /** Position among the fills, from 0. */
  readonly k: number;
  readonly start: Timestamp;
  readonly end: Timestamp;
  /** Derived from the patient's token; its signature reserves this fill and no other. */
  readonly redeemKey: PublicKey;
  /** Commitment to the receipt code (receiptCode.ts). */
  readonly receiptHash: Digest;
}

interface Reservation {
  /** The holder. */
  readonly pharmacy: MemberName;
  /** Lapses at this block time, without a transaction. */
  readonly until: Timestamp;
  readonly mode: ReservationMode;
}

interface DispensedItem {
  readonly itemId: number;
  readonly units: Units;
}

export interface DispenseEvent {
  readonly eventId: Id;
  readonly pharmacy: MemberName;
  /** Block time. */
  readonly timeMs: Timestamp;
  readonly items: readonly DispensedItem[];
  /** The parcel that it left in, or null at the counter. */
  readonly parcelId: Id | null;
  readonly receivedMs: Timestamp | null;
  /** The claim that it was submitted under. */
  readonly claimId: Id | null;
}

const fillEnds = ['cancelled', 'complete', 'partial'] as const;
type FillEnd = (typeof fillEnds)[number];

export interface Fill extends FillPlan {
  /** The last one granted; it may have lapsed. */
  readonly reservation: Reservation | null;
  readonly ended: FillEnd | null;
  /** In the order of their blocks. */
  readonly events: readonly DispenseEvent[];
}

const prescriptionStatuses = ['pendingReview', 'open', 'refused'] as const;
type PrescriptionStatus = (typeof prescriptionStatuses)[number];

export interface Prescription {
  readonly rxId: Id;
  readonly hospital: MemberName;
  readonly prescriber: Id;
  readonly class: PrescriptionClass;
  /** Block time of the issue. */
  readonly issuedMs: Timestamp;
  readonly authoredOn: Timestamp;
  readonly validUntil: Timestamp;
  readonly items: readonly Item[];
  readonly fills: readonly Fill[];
  /** Derived from the patient's token; cancels and confirms receipt. */
  readonly ownerKey: PublicKey;
  readonly status: PrescriptionStatus;
  /** Who approved or refused. */
  readonly reviewer: Id | null;
  readonly replaces: Id | null;
  /** Sealed documents that came with the issue. */
  readonly blobHashes: readonly Digest[];
}

export const fillIndexSchema: z.ZodType<number> = z
  .int()
  .min(0)
  .max(fillsMax - 1);
export const itemIdSchema: z.ZodType<number> = z.int().min(0).max(255);

export const itemSchema: z.ZodType<Item> = z.strictObject({
  itemId: itemIdSchema,
  units: unitsSchema,
  repeats: z
    .int()
    .min(0)
    .max(fillsMax - 1),
  intervalDays: z.int().min(0).max(366),
  substitutionAllowed: z.boolean(),
});

const planShape = {
  k: fillIndexSchema,
  start: timestampSchema,
  end: timestampSchema,
  redeemKey: publicKeySchema,
  receiptHash: digestSchema,
};

export const fillPlanSchema: z.ZodType<FillPlan> = z.strictObject(planShape);

const eventSchema: z.ZodType<DispenseEvent> = z.strictObject({
  eventId: idSchema,
  pharmacy: nameSchema,
  timeMs: timestampSchema,
  items: z
    .array(z.strictObject({ itemId: itemIdSchema, units: unitsSchema }))
    .min(1)
    .max(itemsMax),
  parcelId: idSchema.nullable(),
  receivedMs: timestampSchema.nullable(),
  claimId: idSchema.nullable(),
});

const fillSchema: z.ZodType<Fill> = z.strictObject({
  ...planShape,
  reservation: z
    .strictObject({ pharmacy: nameSchema, until: timestampSchema, mode: z.enum(reservationModes) })
    .nullable(),
  ended: z.enum(fillEnds).nullable(),
  events: z.array(eventSchema).max(dispenseEventsMax),
});

const prescriptionSchema: z.ZodType<Prescription> = z.strictObject({
  rxId: idSchema,
  hospital: nameSchema,
  prescriber: idSchema,
  class: z.enum(prescriptionClasses),
  issuedMs: timestampSchema,
  authoredOn: timestampSchema,
  validUntil: timestampSchema,
  items: z.array(itemSchema).min(1).max(itemsMax),
  fills: z.array(fillSchema).min(1).max(fillsMax),
  ownerKey: publicKeySchema,
  status: z.enum(prescriptionStatuses),
  reviewer: idSchema.nullable(),
  replaces: idSchema.nullable(),
  blobHashes: z.array(digestSchema).max(transactionSealsMax),
});

const prescriptionCodec: RecordCodec<Prescription> = recordCodec(prescriptionSchema);

export function prescriptionRecordKey(rxId: Id): string {
  return `rx/${rxId}`;
}

export function readPrescription(state: RecordReader, rxId: Id): Prescription | null {
  return readRecord(state, prescriptionRecordKey(rxId), prescriptionCodec);
}

export function prescriptionRecord(prescription: Prescription): RecordWrite {
  return [prescriptionRecordKey(prescription.rxId), prescriptionCodec.encode(prescription)];
}

export interface FoundFill {
  readonly prescription: Prescription;
  readonly fill: Fill;
}

/** Refusals: `prescriptionUnknown`, `fillUnknown`. */
export function findFill(state: RecordReader, rxId: Id, k: number): Result<FoundFill> {
  const prescription = readPrescription(state, rxId);
  if (prescription === null) return refused('prescriptionUnknown');
  const fill = prescription.fills[k];
  return fill === undefined ? refused('fillUnknown') : accepted({ prescription, fill });
}

/** The prescription with one of its fills replaced. */
export function withFill(prescription: Prescription, fill: Fill): Prescription {
  const fills = prescription.fills.map((other) => (other.k === fill.k ? fill : other));
  return { ...prescription, fills };
}

/** Units of an item that fill `k` entitles to: none in fills beyond the item's repeats, nor of an unknown item. */
export function unitsPrescribed(prescription: Prescription, k: number, itemId: number): number {
  const item = prescription.items.find((candidate) => candidate.itemId === itemId);
  return item === undefined || k > item.repeats ? 0 : item.units;
}

/** Units of an item over some of a fill's events. */
export function unitsOfEvents(events: readonly DispenseEvent[], itemId: number): number {
  let units = 0;
  for (const event of events) {
    for (const item of event.items) if (item.itemId === itemId) units += item.units;
  }
  return units;
}

export function unitsRemaining(prescription: Prescription, fill: Fill, itemId: number): number {
  return unitsPrescribed(prescription, fill.k, itemId) - unitsOfEvents(fill.events, itemId);
}

export function isWhollyDispensed(prescription: Prescription, fill: Fill): boolean {
  return prescription.items.every((item) => unitsRemaining(prescription, fill, item.itemId) === 0);
}

export type FillStatus =
  | 'pendingReview'
  | 'refused'
  | 'ready'
  | 'reserved'
  | 'dispensing'
  | 'dispensed'
  /** Ended by the pharmacy with a part supplied and the rest given up. */
  | 'closed'
  | 'cancelled'
  | 'expired';

/**
 * The one answer to "what may be done with this fill now". Ends come first (I4); a live reservation outlives the
 * prescription up to its own `until`; lapse and expiry need no transaction. `timeMs` is block time.
 */
export function statusOfFill(prescription: Prescription, fill: Fill, timeMs: Timestamp): FillStatus {
  if (fill.ended === 'cancelled') return 'cancelled';
  if (fill.ended === 'partial') return 'closed';
  if (isWhollyDispensed(prescription, fill)) return 'dispensed';
  if (prescription.status === 'refused') return 'refused';
  if (holderOfFill(fill, timeMs) !== null) return fill.events.length === 0 ? 'reserved' : 'dispensing';
  if (timeMs >= prescription.validUntil || timeMs >= fill.end) return 'expired';
  return prescription.status === 'pendingReview' ? 'pendingReview' : 'ready';
}

/** `statusOfFill` of fill `k`, or null if there is no such fill. */
export function fillStatus(prescription: Prescription, k: number, timeMs: Timestamp): FillStatus | null {
  const fill = prescription.fills[k];
  return fill === undefined ? null : statusOfFill(prescription, fill, timeMs);
}

/** The pharmacy whose reservation is live (I1: at most one), or null. */
export function holderOfFill(fill: Fill, timeMs: Timestamp): MemberName | null {
  const { reservation } = fill;
  return reservation !== null && timeMs < reservation.until ? reservation.pharmacy : null;
}

/** Who may have the sealed documents opened: the hospital, and each pharmacy that holds or supplied a fill. */
export function mayRead(prescription: Prescription, member: MemberName, timeMs: Timestamp): boolean {
  if (prescription.hospital === member) return true;
  return prescription.fills.some(
    (fill) =>
      (holderOfFill(fill, timeMs) === member && fill.ended !== 'cancelled') ||
      fill.events.some((event) => event.pharmacy === member),
  );
}
