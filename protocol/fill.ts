/** What pharmacies do with a fill: the bodies of `fill.*`, and the checks that they share. */
import * as z from 'zod';
import type { Context, Place } from './authorisation.ts';
import { scopeOfClass } from './authorisation.ts';
import type { Digest, Id, MemberName, Timestamp, Units } from './brand.ts';
import { codeSchema, digestSchema, idSchema, nameSchema, timestampSchema, unitsSchema } from './codec.ts';
import { holderOfFill, statusOfFill, type FoundFill } from './fillStatus.ts';
import { unreachable } from './invariant.ts';
import { itemsMax, packHashesMax } from './limits.ts';
import { reservationModes, type ReservationMode } from './policy.ts';
import {
  fillIndexSchema,
  itemIdSchema,
  prescriptionRecord,
  withFill,
  type Fill,
  type Prescription,
} from './prescription.ts';
import { applied, type Applied } from './record.ts';
import { accepted, refused, type Result } from './result.ts';

/** `fill.reserve`, signed by a pharmacist of `pharmacy` and by the fill's redeem key; without it if the patient nominated the pharmacy. */
export interface ReserveBody {
  readonly rxId: Id;
  readonly k: number;
  readonly pharmacy: MemberName;
  readonly until: Timestamp;
  readonly mode: ReservationMode;
}

/** `fill.extend`, signed by a pharmacist of the holder. */
export interface ExtendBody {
  readonly rxId: Id;
  readonly k: number;
  readonly until: Timestamp;
  readonly reason: string;
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
  /** Prescribed units that this supply stands for. */
  readonly units: Units;
  readonly equivalence: Equivalence;
  /** Hashes of pack serials; each is spent once. */
  readonly packHashes: readonly Digest[];
}

/** `fill.dispense`, signed by a pharmacist of the holder; a controlled class by two. */
export interface DispenseBody {
  readonly rxId: Id;
  readonly k: number;
  readonly eventId: Id;
  readonly items: readonly DispenseItem[];
  /** Given if and only if an item is `equivalent`: a reason, or the shortage rule that allows it. */
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

/** `fill.withdraw`, signed by a pharmacist of the pharmacy that supplied it; what was received also by the owner key. */
export interface WithdrawBody {
  readonly rxId: Id;
  readonly k: number;
  readonly eventId: Id;
  /** Packs of this event that go back on the shelf, and can be dispensed again. The others are destroyed. */
  readonly restockedHashes: readonly Digest[];
  readonly reason: string;
}

const fillShape = { rxId: idSchema, k: fillIndexSchema };

export const reserveBodySchema: z.ZodType<ReserveBody> = z.strictObject({
  ...fillShape,
  pharmacy: nameSchema,
  until: timestampSchema,
  mode: z.enum(reservationModes),
});

export const extendBodySchema: z.ZodType<ExtendBody> = z.strictObject({
  ...fillShape,
  until: timestampSchema,
  reason: codeSchema,
});

export const returnBodySchema: z.ZodType<ReturnBody> = z.strictObject({ ...fillShape, reason: codeSchema });

export const dispenseBodySchema: z.ZodType<DispenseBody> = z.strictObject({
  ...fillShape,
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
  ...fillShape,
  outcome: z.enum(closeOutcomes),
  reason: codeSchema,
});

export const withdrawBodySchema: z.ZodType<WithdrawBody> = z.strictObject({
  ...fillShape,
  eventId: idSchema,
  restockedHashes: z.array(digestSchema).max(packHashesMax * itemsMax),
  reason: codeSchema,
});

/** A pharmacist of the acting pharmacy, in scope of the class. */
export function pharmacistOf(context: Context, prescription: Prescription): Place {
  const scope = scopeOfClass(prescription.class);
  return { member: context.member, memberRoles: ['pharmacy'], roles: ['pharmacist'], scope, id: null };
}

/** I5: by the status of the fill `notHolder`, `fillNotReserved`, `prescriptionNotOpen`, `prescriptionVoided`, `prescriptionExpired`. */
export function requireHolder(context: Context, found: FoundFill): Result<null> {
  const status = statusOfFill(found, context.timeMs);
  switch (status) {
    case 'reserved':
    case 'dispensing':
      return holderOfFill(found.fill, context.timeMs) === context.member
        ? accepted(null)
        : refused('notHolder');
    case 'cancelled':
    case 'refused':
      return refused('prescriptionNotOpen');
    case 'voided':
      return refused('prescriptionVoided');
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

/** The prescription with this fill in it, as the only change. */
export function changedFill(prescription: Prescription, fill: Fill): Applied {
  return applied([prescription.rxId], [prescriptionRecord(withFill(prescription, fill))]);
}
