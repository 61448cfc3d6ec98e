/** Parcels: what the record of one says, and what follows from it at a block time. */
import * as z from 'zod';
import type { Digest, Id, MemberName, Timestamp } from './brand.ts';
import { codeSchema, digestSchema, idSchema, nameSchema, timestampSchema } from './codec.ts';
import type { Policy } from './policy.ts';
import { fillIndexSchema } from './prescription.ts';
import { readRecord, recordCodec, type RecordCodec, type RecordReader, type RecordWrite } from './record.ts';

export const parcelStatuses = ['inTransit', 'delivered', 'received', 'failed', 'returned'] as const;
type ParcelStatus = (typeof parcelStatuses)[number];

export interface Parcel {
  readonly parcelId: Id;
  readonly rxId: Id;
  readonly k: number;
  readonly pharmacy: MemberName;
  /** Who took it over from the pharmacy. */
  readonly courier: MemberName;
  /** Who has it (I16); null once the patient confirmed receipt. */
  readonly custodian: MemberName | null;
  /** Where it was last handed over between couriers or hubs; null before. */
  readonly place: string | null;
  readonly sealHash: Digest;
  readonly deliverBy: Timestamp;
  readonly status: ParcelStatus;
  /** As the pharmacy found it when it came back; null before. */
  readonly isSealIntact: boolean | null;
  /** Block times. */
  readonly shippedMs: Timestamp;
  readonly deliveredMs: Timestamp | null;
  readonly failedMs: Timestamp | null;
  readonly returnedMs: Timestamp | null;
  readonly receivedMs: Timestamp | null;
  /** When it was reported that it was due and not delivered. */
  readonly breachMs: Timestamp | null;
}

export const parcelSchema: z.ZodType<Parcel> = z.strictObject({
  parcelId: idSchema,
  rxId: idSchema,
  k: fillIndexSchema,
  pharmacy: nameSchema,
  courier: nameSchema,
  custodian: nameSchema.nullable(),
  place: codeSchema.nullable(),
  sealHash: digestSchema,
  deliverBy: timestampSchema,
  status: z.enum(parcelStatuses),
  isSealIntact: z.boolean().nullable(),
  shippedMs: timestampSchema,
  deliveredMs: timestampSchema.nullable(),
  failedMs: timestampSchema.nullable(),
  returnedMs: timestampSchema.nullable(),
  receivedMs: timestampSchema.nullable(),
  breachMs: timestampSchema.nullable(),
});

const parcelCodec: RecordCodec<Parcel> = recordCodec(parcelSchema);

export const decodeParcel: (record: Uint8Array) => Parcel = parcelCodec.decode;

function parcelRecordKey(parcelId: Id): string {
  return `parcel/${parcelId}`;
}

export function readParcel(state: RecordReader, parcelId: Id): Parcel | null {
  return readRecord(state, parcelRecordKey(parcelId), parcelCodec);
}

export function parcelRecord(parcel: Parcel): RecordWrite {
  return [parcelRecordKey(parcel.parcelId), parcelCodec.encode(parcel)];
}

/** Due, and neither delivered nor given up. */
export function isOverdue({ status, deliverBy }: Parcel, timeMs: Timestamp): boolean {
  return (status === 'inTransit' || status === 'failed') && timeMs > deliverBy;
}

/** Delivered, and nobody has confirmed the receipt in the time that the policy gives: shown as such, never guessed. */
export function isUnconfirmed(parcel: Parcel, policy: Policy, timeMs: Timestamp): boolean {
  const { status, deliveredMs } = parcel;
  return status === 'delivered' && deliveredMs !== null && timeMs >= deliveredMs + policy.confirmMs;
}
