/**
 * The prescription's record, with its fills inside, and the status of a fill at a block time. One record holds the whole
 * life up to the receipt, so that the common steps write one key.
 */
import * as z from 'zod';
import type { Digest, Id, PublicKey, Timestamp, Units } from './brand.ts';
import {
  codeSchema,
  digestSchema,
  idSchema,
  publicKeySchema,
  timestampSchema,
  unitsSchema,
} from './codec.ts';
import { fillsMax, itemsMax } from './limits.ts';
import { prescriptionClasses, type PrescriptionClass } from './policy.ts';

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

export interface IssueBody {
  readonly rxId: Id;
  readonly prescriber: Id;
  readonly class: PrescriptionClass;
  readonly authoredOn: Timestamp;
  readonly validUntil: Timestamp;
  readonly items: readonly Item[];
  readonly fills: readonly FillPlan[];
  /** Derived from the patient's token; cancels and confirms receipt. */
  readonly ownerKey: PublicKey;
  readonly reviewRequired: boolean;
  /** An earlier prescription of the same hospital. */
  readonly replaces: Id | null;
}

export const reviewOutcomes = ['approve', 'refuse', 'query'] as const;
export type ReviewOutcome = (typeof reviewOutcomes)[number];

export interface ReviewBody {
  readonly rxId: Id;
  readonly outcome: ReviewOutcome;
  readonly reason: string;
}

export interface CancelBody {
  readonly rxId: Id;
  /** One fill, or null for every fill that can still be cancelled. */
  readonly k: number | null;
  readonly reason: string;
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

export const issueBodySchema: z.ZodType<IssueBody> = z.strictObject({
  rxId: idSchema,
  prescriber: idSchema,
  class: z.enum(prescriptionClasses),
  authoredOn: timestampSchema,
  validUntil: timestampSchema,
  items: z.array(itemSchema).min(1).max(itemsMax),
  fills: z
    .array(
      z.strictObject({
        k: fillIndexSchema,
        start: timestampSchema,
        end: timestampSchema,
        redeemKey: publicKeySchema,
        receiptHash: digestSchema,
      }),
    )
    .min(1)
    .max(fillsMax),
  ownerKey: publicKeySchema,
  reviewRequired: z.boolean(),
  replaces: idSchema.nullable(),
});

export const reviewBodySchema: z.ZodType<ReviewBody> = z.strictObject({
  rxId: idSchema,
  outcome: z.enum(reviewOutcomes),
  reason: codeSchema,
});

export const cancelBodySchema: z.ZodType<CancelBody> = z.strictObject({
  rxId: idSchema,
  k: fillIndexSchema.nullable(),
  reason: codeSchema,
});
