/**
 * A claim's life: estimated before hand-over, adjudicated by the insurer, paid by the patient, submitted, disputed or accepted, and
 * perhaps reversed. The transitions are in claiming.ts and claimClosing.ts.
 */
import * as z from 'zod';
import type { Amount, Id, MemberName, Timestamp, Units } from './brand.ts';
import { amountSchema, codeSchema, idSchema, nameSchema, timestampSchema, unitsSchema } from './codec.ts';
import { present } from './invariant.ts';
import { claimLinesMax, claimReversalsMax, dispenseEventsMax, paymentsMax, unitsMax } from './limits.ts';
import { fillIndexSchema, itemIdSchema } from './prescription.ts';
import { readRecord, recordCodec, type RecordCodec, type RecordReader, type RecordWrite } from './record.ts';

/** `netted` and `paid` follow from the statement that the claim is in (settlement.ts); they are never stored. */
export const claimStatuses = [
  'estimated',
  'unknown',
  'adjudicated',
  'rejected',
  'patientPaid',
  'submitted',
  'disputed',
  'accepted',
  'reversed',
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

const adjudicationOutcomes = ['approve', 'reject', 'unknown'] as const;
type AdjudicationOutcome = (typeof adjudicationOutcomes)[number];

interface AdjudicatedLine {
  readonly itemId: number;
  readonly covered: Amount;
  readonly patientPays: Amount;
  /** Reason from the insurer's terminology. */
  readonly code: string;
}

/**
 * `claim.adjudicate`, signed by an adjudicator of the insurer; lines in the order of the estimate. `unknown` says that the insurer
 * cannot tell, with no lines: the pharmacy need not wait any longer.
 */
export interface AdjudicateBody {
  readonly claimId: Id;
  readonly outcome: AdjudicationOutcome;
  readonly lines: readonly AdjudicatedLine[];
}

/** One source of the patient's part. */
interface Payment {
  /** For example `cash`, `card`, `employer-fund`. */
  readonly method: string;
  readonly amount: Amount;
}

/** `claim.pay`, signed by a pharmacist: the patient paid their own part, from one source or several. */
export interface PayBody {
  readonly claimId: Id;
  readonly patientPaid: Amount;
  readonly payments: readonly Payment[];
}

/** `claim.submit`, signed by a pharmacist: what was dispensed, with the lines and the total of the estimate. */
export interface SubmitBody {
  readonly claimId: Id;
  readonly eventIds: readonly Id[];
  readonly lines: readonly ClaimLine[];
  readonly total: Amount;
}

/** What the insurer is to pay for one line. */
interface CoveredLine {
  readonly itemId: number;
  readonly covered: Amount;
}

/** `claim.dispute`, signed by either side: what it would settle for, in the order of the claim's lines. */
export interface DisputeBody {
  readonly claimId: Id;
  readonly reason: string;
  readonly lines: readonly CoveredLine[];
}

/** `claim.accept`, signed by a pharmacist of the pharmacy or an adjudicator of the insurer: the amount is final. */
export interface AcceptBody {
  readonly claimId: Id;
  /** What the insurer pays in total, so that nobody accepts an offer that they have not seen. */
  readonly covered: Amount;
}

/** What goes back of one line. */
export interface ReversedLine {
  readonly itemId: number;
  readonly units: number;
  /** To the insurer. */
  readonly covered: Amount;
  /** To the patient. */
  readonly patientPays: Amount;
}

/**
 * `claim.reverse`, signed by a pharmacist. Before the acceptance a claim is reversed whole: no lines, no events. After it, by lines;
 * `eventIds` are the dispense events that are in no claim afterwards, so that they can be withdrawn.
 */
export interface ReverseBody {
  readonly claimId: Id;
  readonly reason: string;
  readonly lines: readonly ReversedLine[];
  readonly eventIds: readonly Id[];
}

/** `claim.recoup`, signed by an adjudicator and a pharmacist: the insurer takes back what an audit found, and both agree. */
export interface RecoupBody {
  readonly claimId: Id;
  readonly reason: string;
  readonly lines: readonly CoveredLine[];
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
  .max(claimLinesMax);

const coveredLinesSchema = z
  .array(z.strictObject({ itemId: itemIdSchema, covered: amountSchema }))
  .min(1)
  .max(claimLinesMax);

const reversedLinesSchema = z
  .array(
    z.strictObject({
      itemId: itemIdSchema,
      units: z.int().min(0).max(unitsMax),
      covered: amountSchema,
      patientPays: amountSchema,
    }),
  )
  .max(claimLinesMax);

const paymentsSchema = z.array(z.strictObject({ method: codeSchema, amount: amountSchema })).max(paymentsMax);

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
  payments: paymentsSchema,
});

export const submitBodySchema: z.ZodType<SubmitBody> = z.strictObject({
  claimId: idSchema,
  eventIds: z.array(idSchema).min(1).max(dispenseEventsMax),
  lines: linesSchema,
  total: amountSchema,
});

export const disputeBodySchema: z.ZodType<DisputeBody> = z.strictObject({
  claimId: idSchema,
  reason: codeSchema,
  lines: coveredLinesSchema,
});

export const acceptBodySchema: z.ZodType<AcceptBody> = z.strictObject({
  claimId: idSchema,
  covered: amountSchema,
});

export const reverseBodySchema: z.ZodType<ReverseBody> = z.strictObject({
  claimId: idSchema,
  reason: codeSchema,
  lines: reversedLinesSchema,
  eventIds: z.array(idSchema).max(dispenseEventsMax),
});

export const recoupBodySchema: z.ZodType<RecoupBody> = z.strictObject({
  claimId: idSchema,
  reason: codeSchema,
  lines: coveredLinesSchema,
});

export interface Adjudication {
  readonly outcome: AdjudicationOutcome;
  /** In the order of the claim's lines. */
  readonly lines: readonly AdjudicatedLine[];
  /** What the insurer pays. */
  readonly covered: Amount;
  readonly patientPays: Amount;
}

/** The newest offer of a dispute. */
interface Dispute {
  readonly by: MemberName;
  readonly reason: string;
  /** In the order of the claim's lines. */
  readonly covered: readonly Amount[];
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
  /** Empty until the patient paid, and for ever if the patient has nothing to pay. */
  readonly payments: readonly Payment[];
  /** The dispense events that it was submitted with, without those that a reversal set free. */
  readonly eventIds: readonly Id[];
  readonly dispute: Dispute | null;
  /** What the insurer pays, in the order of the lines; null until accepted. */
  readonly settled: readonly Amount[] | null;
  /** Number of the pair's statement that the acceptance is in, from 0; null until accepted. */
  readonly statementIndex: number | null;
  readonly reversalCount: number;
  /** Sums of all reversals and recoupments, in the order of the lines; empty while there are none. */
  readonly reversed: readonly ReversedLine[];
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
  payments: paymentsSchema,
  eventIds: z.array(idSchema).max(dispenseEventsMax),
  dispute: z
    .strictObject({ by: nameSchema, reason: codeSchema, covered: z.array(amountSchema).max(claimLinesMax) })
    .nullable(),
  settled: z.array(amountSchema).max(claimLinesMax).nullable(),
  statementIndex: z.int().min(0).nullable(),
  reversalCount: z.int().min(0).max(claimReversalsMax),
  reversed: reversedLinesSchema,
});

const claimCodec: RecordCodec<Claim> = recordCodec(claimSchema);

export const decodeClaim: (record: Uint8Array) => Claim = claimCodec.decode;

function claimRecordKey(claimId: Id): string {
  return `claim/${claimId}`;
}

export function readClaim(state: RecordReader, claimId: Id): Claim | null {
  return readRecord(state, claimRecordKey(claimId), claimCodec);
}

export function claimRecord(claim: Claim): RecordWrite {
  return [claimRecordKey(claim.claimId), claimCodec.encode(claim)];
}

/** An estimate that nobody adjudicated in time is `unknown` by block time, without a transaction. `adjudicationMs` is the policy's. */
export function claimStatusAt(claim: Claim, timeMs: Timestamp, adjudicationMs: number): ClaimStatus {
  const isLate = claim.status === 'estimated' && timeMs > claim.estimatedMs + adjudicationMs;
  return isLate ? 'unknown' : claim.status;
}

/** At most 20 amounts of at most 10^12 each: a safe integer. */
export function sumOf(amounts: readonly number[]): number {
  let sum = 0;
  for (const amount of amounts) sum += amount;
  return sum;
}

/** Whether lines are the claim's own, in its order. */
export function areLinesOf(claim: Claim, lines: readonly { readonly itemId: number }[]): boolean {
  return (
    lines.length === claim.lines.length &&
    lines.every((line, index) => line.itemId === claim.lines[index]?.itemId)
  );
}

export function adjudicationIn(claim: Claim): Adjudication {
  return present(claim.adjudication, 'a claim past its estimate has been adjudicated');
}
