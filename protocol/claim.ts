/** A claim's life: estimated before hand-over, adjudicated by the insurer, paid by the patient, submitted, accepted. */
import * as z from 'zod';
import type { Amount, Id, MemberName, Timestamp, Units } from './brand.ts';
import { amountSchema, codeSchema, idSchema, nameSchema, timestampSchema, unitsSchema } from './codec.ts';
import { claimLinesMax, dispenseEventsMax } from './limits.ts';
import { fillIndexSchema, itemIdSchema } from './prescription.ts';
import { readRecord, recordCodec, type RecordCodec, type RecordReader, type RecordWrite } from './record.ts';

/** `netted` and `paid` follow from the statement that the claim is in (settlement.ts); they are never stored. */
const claimStatuses = [
  'estimated',
  'adjudicated',
  'rejected',
  'patientPaid',
  'submitted',
  'accepted',
] as const;
export type ClaimStatus = (typeof claimStatuses)[number];

export interface ClaimLine {
  readonly itemId: number;
  readonly units: Units;
  /** For all units of the line together, in the minor unit. */
  readonly price: Amount;
}

/** `claim.estimate`, signed by a pharmacist of the pharmacy that holds the fill. */
export interface EstimateBody {
  readonly claimId: Id;
  readonly rxId: Id;
  readonly k: number;
  readonly insurer: MemberName;
  readonly lines: readonly ClaimLine[];
  readonly total: Amount;
}

const adjudicationOutcomes = ['approve', 'reject'] as const;
type AdjudicationOutcome = (typeof adjudicationOutcomes)[number];

interface AdjudicatedLine {
  readonly itemId: number;
  readonly covered: Amount;
  readonly patientPays: Amount;
  /** Reason from the insurer's terminology. */
  readonly code: string;
}

/** `claim.adjudicate`, signed by an adjudicator of the insurer; lines in the order of the estimate. */
export interface AdjudicateBody {
  readonly claimId: Id;
  readonly outcome: AdjudicationOutcome;
  readonly lines: readonly AdjudicatedLine[];
}

/** `claim.pay`, signed by a pharmacist: the patient paid their own part. */
export interface PayBody {
  readonly claimId: Id;
  readonly patientPaid: Amount;
  readonly method: string;
}

/** `claim.submit`, signed by a pharmacist: what was dispensed, with the lines and the total of the estimate. */
export interface SubmitBody {
  readonly claimId: Id;
  readonly eventIds: readonly Id[];
  readonly lines: readonly ClaimLine[];
  readonly total: Amount;
}

/** `claim.accept`, signed by a pharmacist of the pharmacy or an adjudicator of the insurer: the amount is final. */
export interface AcceptBody {
  readonly claimId: Id;
}

const linesSchema = z
  .array(z.strictObject({ itemId: itemIdSchema, units: unitsSchema, price: amountSchema }))
  .min(1)
  .max(claimLinesMax);

const adjudicatedLinesSchema = z
  .array(
    z.strictObject({
      itemId: itemIdSchema,
      covered: amountSchema,
      patientPays: amountSchema,
      code: codeSchema,
    }),
  )
  .min(1)
  .max(claimLinesMax);

export const estimateBodySchema: z.ZodType<EstimateBody> = z.strictObject({
  claimId: idSchema,
  rxId: idSchema,
  k: fillIndexSchema,
  insurer: nameSchema,
  lines: linesSchema,
  total: amountSchema,
});

export const adjudicateBodySchema: z.ZodType<AdjudicateBody> = z.strictObject({
  claimId: idSchema,
  outcome: z.enum(adjudicationOutcomes),
  lines: adjudicatedLinesSchema,
});

export const payBodySchema: z.ZodType<PayBody> = z.strictObject({
  claimId: idSchema,
  patientPaid: amountSchema,
  method: codeSchema,
});

export const submitBodySchema: z.ZodType<SubmitBody> = z.strictObject({
  claimId: idSchema,
  eventIds: z.array(idSchema).min(1).max(dispenseEventsMax),
  lines: linesSchema,
  total: amountSchema,
});

export const acceptBodySchema: z.ZodType<AcceptBody> = z.strictObject({ claimId: idSchema });

export interface Adjudication {
  readonly outcome: AdjudicationOutcome;
  /** In the order of the claim's lines. */
  readonly lines: readonly AdjudicatedLine[];
  /** What the insurer pays. */
  readonly covered: Amount;
  readonly patientPays: Amount;
}

export interface Claim {
  readonly claimId: Id;
  readonly rxId: Id;
  readonly k: number;
  readonly pharmacy: MemberName;
  readonly insurer: MemberName;
  readonly status: ClaimStatus;
  /** Block time of the estimate. */
  readonly estimatedMs: Timestamp;
  readonly lines: readonly ClaimLine[];
  readonly total: Amount;
  readonly adjudication: Adjudication | null;
  /** Null until the patient paid, and for ever if the patient has nothing to pay. */
  readonly patientPaid: Amount | null;
  /** The dispense events that it was submitted with. */
  readonly eventIds: readonly Id[];
  /** Number of the pair's statement that it is in, from 0; null until accepted. */
  readonly statementIndex: number | null;
}

const claimSchema: z.ZodType<Claim> = z.strictObject({
  claimId: idSchema,
  rxId: idSchema,
  k: fillIndexSchema,
  pharmacy: nameSchema,
  insurer: nameSchema,
  status: z.enum(claimStatuses),
  estimatedMs: timestampSchema,
  lines: linesSchema,
  total: amountSchema,
  adjudication: z
    .strictObject({
      outcome: z.enum(adjudicationOutcomes),
      lines: adjudicatedLinesSchema,
      covered: amountSchema,
      patientPays: amountSchema,
    })
    .nullable(),
  patientPaid: amountSchema.nullable(),
  eventIds: z.array(idSchema).max(dispenseEventsMax),
  statementIndex: z.int().min(0).nullable(),
});

const claimCodec: RecordCodec<Claim> = recordCodec(claimSchema);

function claimRecordKey(claimId: Id): string {
  return `claim/${claimId}`;
}

export function readClaim(state: RecordReader, claimId: Id): Claim | null {
  return readRecord(state, claimRecordKey(claimId), claimCodec);
}

export function claimRecord(claim: Claim): RecordWrite {
  return [claimRecordKey(claim.claimId), claimCodec.encode(claim)];
}
