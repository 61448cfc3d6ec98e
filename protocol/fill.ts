/** A fill's life in a pharmacy: reserved under the patient's redeem key, returned, dispensed whole or in parts, closed. */
import * as z from 'zod';
import type { Digest, Id, MemberName, Timestamp, Units } from './brand.ts';
import { codeSchema, digestSchema, idSchema, nameSchema, timestampSchema, unitsSchema } from './codec.ts';
import { itemsMax, packHashesMax } from './limits.ts';
import { reservationModes, type ReservationMode } from './policy.ts';
import { fillIndexSchema, itemIdSchema } from './prescription.ts';

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

export const equivalences = ['same', 'equivalent'] as const;
export type Equivalence = (typeof equivalences)[number];

export interface DispenseItem {
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

export const closeOutcomes = ['complete', 'partial'] as const;
export type CloseOutcome = (typeof closeOutcomes)[number];

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
