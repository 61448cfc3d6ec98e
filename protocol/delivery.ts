/** A parcel's way: shipped by pharmacy and courier together, delivered by the courier, received by the patient. */
import * as z from 'zod';
import type { Digest, Id, MemberName, Timestamp } from './brand.ts';
import { digestSchema, idSchema, nameSchema, timestampSchema } from './codec.ts';
import { fillIndexSchema } from './prescription.ts';

/** `delivery.ship`, signed by a pharmacist (hand-over) and by a person of `courier` (take-over). */
export interface ShipBody {
  readonly parcelId: Id;
  readonly rxId: Id;
  readonly k: number;
  readonly courier: MemberName;
  /** Hash of the number on the parcel's seal. */
  readonly sealHash: Digest;
  readonly deliverBy: Timestamp;
}

/** `delivery.deliver`, signed by a person of the courier that holds the parcel. */
export interface DeliverBody {
  readonly parcelId: Id;
}

/**
 * `delivery.receive`, signed by the owner key; or, with the patient's receipt code, by a pharmacist of the pharmacy or a
 * person of the courier. Without a parcel it is a pick-up at the counter.
 */
export interface ReceiveBody {
  readonly rxId: Id;
  readonly k: number;
  readonly parcelId: Id | null;
  readonly receiptCode: string | null;
}

export const shipBodySchema: z.ZodType<ShipBody> = z.strictObject({
  parcelId: idSchema,
  rxId: idSchema,
  k: fillIndexSchema,
  courier: nameSchema,
  sealHash: digestSchema,
  deliverBy: timestampSchema,
});

export const deliverBodySchema: z.ZodType<DeliverBody> = z.strictObject({ parcelId: idSchema });

export const receiveBodySchema: z.ZodType<ReceiveBody> = z.strictObject({
  rxId: idSchema,
  k: fillIndexSchema,
  parcelId: idSchema.nullable(),
  receiptCode: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[0-9A-Za-z-]+$/)
    .nullable(),
});
