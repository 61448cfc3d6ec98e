/**
 * The prescription's record, with its fills inside. One record holds the whole life up to the receipt, so that the common
 * steps write one key. What follows from it at a block time is in fillStatus.ts.
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
import {
  dispenseEventsMax,
  fillsMax,
  itemsMax,
  transactionSealsMax,
  transactionSignaturesMax,
} from './limits.ts';
import {
  prescriptionClasses,
  reservationModes,
  type PrescriptionClass,
  type ReservationMode,
} from './policy.ts';
import { readRecord, recordCodec, type RecordCodec, type RecordReader, type RecordWrite } from './record.ts';

/** One prescribed medicine. What it is stands in the sealed document; the chain counts units only. */
export interface Item {
  readonly itemId: number;
  /** Per fill. */
  readonly units: Units;
  /** Fills beyond the first in which this item is supplied again. */
  readonly repeats: number;
  /** Least days between two supplies of it in different fills; 0 leaves the fills independent, each in its own window. */
  readonly intervalDays: number;
  readonly substitutionAllowed: boolean;
  /** Earlier than the prescription's own end, or null. */
  readonly validUntil: Timestamp | null;
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
  /** Block time of the grant. */
  readonly sinceMs: Timestamp;
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
  /** The parcel that it left in; null at the counter, also again, when the parcel came back sealed. */
  readonly parcelId: Id | null;
  /** It has left the pharmacy, and come back. */
  readonly isReturned: boolean;
  readonly receivedMs: Timestamp | null;
  /** Taken back: it counts no more. */
  readonly withdrawnMs: Timestamp | null;
  /** The claim that it was submitted under. */
  readonly claimId: Id | null;
}

const fillEnds = ['cancelled', 'complete', 'partial'] as const;
type FillEnd = (typeof fillEnds)[number];

const parties = ['prescriber', 'owner', 'regulator'] as const;
/** Who may stop a prescription; the owner is the patient. */
export type Party = (typeof parties)[number];

export interface Fill extends FillPlan {
  /** The last one granted; it may have lapsed. */
  readonly reservation: Reservation | null;
  readonly ended: FillEnd | null;
  /** Who holds it back; each lifts their own hold. */
  readonly holds: readonly Party[];
  /** In the order of their blocks. */
  readonly events: readonly DispenseEvent[];
}

/** While it is in force, this pharmacy alone may reserve, and needs no redeem key. */
export interface Nomination {
  readonly pharmacy: MemberName;
  readonly until: Timestamp;
}

const decisions = ['asked', 'allowed', 'denied'] as const;

/** What the prescriber said about substituting an item that they had not left to the pharmacy. */
interface SubstitutionDecision {
  readonly itemId: number;
  readonly decision: (typeof decisions)[number];
}

/** The last request for a prescription that follows this one. */
interface Renewal {
  readonly askedMs: Timestamp;
  readonly decision: (typeof decisions)[number];
  /** The prescription that was issued for it; null unless allowed. */
  readonly nextRxId: Id | null;
}

const prescriptionStatuses = ['pendingReview', 'open', 'refused'] as const;
type PrescriptionStatus = (typeof prescriptionStatuses)[number];

export interface Prescription {
  readonly rxId: Id;
  readonly hospital: MemberName;
  readonly prescriber: Id;
  /** The keys that issued it: if one was compromised by then, what is not supplied is void. */
  readonly signedBy: readonly PublicKey[];
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
  readonly nomination: Nomination | null;
  /** One for each item at most. */
  readonly substitutions: readonly SubstitutionDecision[];
  readonly renewal: Renewal | null;
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
  validUntil: timestampSchema.nullable(),
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
  isReturned: z.boolean(),
  receivedMs: timestampSchema.nullable(),
  withdrawnMs: timestampSchema.nullable(),
  claimId: idSchema.nullable(),
});

const fillSchema: z.ZodType<Fill> = z.strictObject({
  ...planShape,
  reservation: z
    .strictObject({
      pharmacy: nameSchema,
      sinceMs: timestampSchema,
      until: timestampSchema,
      mode: z.enum(reservationModes),
    })
    .nullable(),
  ended: z.enum(fillEnds).nullable(),
  holds: z.array(z.enum(parties)).max(parties.length),
  events: z.array(eventSchema).max(dispenseEventsMax),
});

export const nominationSchema: z.ZodType<Nomination> = z.strictObject({
  pharmacy: nameSchema,
  until: timestampSchema,
});

const prescriptionSchema: z.ZodType<Prescription> = z.strictObject({
  rxId: idSchema,
  hospital: nameSchema,
  prescriber: idSchema,
  signedBy: z.array(publicKeySchema).min(1).max(transactionSignaturesMax),
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
  nomination: nominationSchema.nullable(),
  substitutions: z.array(z.strictObject({ itemId: itemIdSchema, decision: z.enum(decisions) })).max(itemsMax),
  renewal: z
    .strictObject({
      askedMs: timestampSchema,
      decision: z.enum(decisions),
      nextRxId: idSchema.nullable(),
    })
    .nullable(),
});

const prescriptionCodec: RecordCodec<Prescription> = recordCodec(prescriptionSchema);

export const decodePrescription: (record: Uint8Array) => Prescription = prescriptionCodec.decode;

export function prescriptionRecordKey(rxId: Id): string {
  return `rx/${rxId}`;
}

export function readPrescription(state: RecordReader, rxId: Id): Prescription | null {
  return readRecord(state, prescriptionRecordKey(rxId), prescriptionCodec);
}

export function prescriptionRecord(prescription: Prescription): RecordWrite {
  return [prescriptionRecordKey(prescription.rxId), prescriptionCodec.encode(prescription)];
}

/** The prescription with one of its fills replaced. */
export function withFill(prescription: Prescription, fill: Fill): Prescription {
  const fills = prescription.fills.map((other) => (other.k === fill.k ? fill : other));
  return { ...prescription, fills };
}
