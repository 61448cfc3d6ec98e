/** A prescription's life before and beside the pharmacies: issued by a doctor, reviewed by a pharmacist, cancelled. */
import * as z from 'zod';
import {
  authorise,
  authoriseKeys,
  authoriseOne,
  scopeOfClass,
  type Context,
  type Place,
} from './authorisation.ts';
import type { Id, PublicKey, Timestamp } from './brand.ts';
import { codeSchema, idSchema, publicKeySchema, timestampSchema } from './codec.ts';
import { invariant } from './invariant.ts';
import { authoredOnSkewMsMax, fillsMax, itemsMax } from './limits.ts';
import {
  prescriptionClasses,
  readPolicy,
  validityMsMaxOf,
  type Policy,
  type PrescriptionClass,
} from './policy.ts';
import { readPractitioner } from './practitioner.ts';
import {
  fillIndexSchema,
  fillPlanSchema,
  itemSchema,
  prescriptionRecord,
  prescriptionRecordKey,
  readPrescription,
  statusOfFill,
  type Fill,
  type FillPlan,
  type Item,
  type Prescription,
} from './prescription.ts';
import { countIssue } from './rate.ts';
import { applied, type Applied } from './record.ts';
import { accepted, refused, type Result } from './result.ts';

/** `rx.issue`, signed by the prescriber; a controlled class by a second key of the hospital with that scope. */
export interface IssueBody {
  readonly rxId: Id;
  readonly prescriber: Id;
  readonly class: PrescriptionClass;
  readonly authoredOn: Timestamp;
  readonly validUntil: Timestamp;
  readonly items: readonly Item[];
  /** One, and one more for each repeat. */
  readonly fills: readonly FillPlan[];
  readonly ownerKey: PublicKey;
  readonly reviewRequired: boolean;
  /** An earlier prescription of the same hospital. */
  readonly replaces: Id | null;
}

const reviewOutcomes = ['approve', 'refuse', 'query'] as const;
type ReviewOutcome = (typeof reviewOutcomes)[number];

/** `rx.review`, signed by a pharmacist. */
export interface ReviewBody {
  readonly rxId: Id;
  readonly outcome: ReviewOutcome;
  readonly reason: string;
}

/** `rx.cancel`, signed by the prescriber or by the owner key. */
export interface CancelBody {
  readonly rxId: Id;
  /** One fill, or null for every fill that can still be cancelled. */
  readonly k: number | null;
  readonly reason: string;
}

export const issueBodySchema: z.ZodType<IssueBody> = z.strictObject({
  rxId: idSchema,
  prescriber: idSchema,
  class: z.enum(prescriptionClasses),
  authoredOn: timestampSchema,
  validUntil: timestampSchema,
  items: z.array(itemSchema).min(1).max(itemsMax),
  fills: z.array(fillPlanSchema).min(1).max(fillsMax),
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

/**
 * Refusals: `prescriptionExists`, `practitionerUnknown`, those of `authorise`, `authoredOnOutOfWindow`,
 * `prescriptionExpired`, `validityTooLong`, `itemsInvalid`, `prescriptionUnknown` (replaces), `rateExceeded`.
 */
export function issue(context: Context, body: IssueBody): Result<Applied> {
  const { state, member, timeMs } = context;
  if (state.get(prescriptionRecordKey(body.rxId)) !== null) return refused('prescriptionExists');
  if (readPractitioner(state, body.prescriber) === null) return refused('practitionerUnknown');
  const signers = authorise(context, issuePlaces(context, body));
  if (!signers.ok) return signers;
  const policy = readPolicy(state);
  const checked = checkIssue(context, body, policy);
  if (!checked.ok) return checked;
  const prescriberKey = signers.value[0]?.key;
  invariant(prescriberKey !== undefined, 'the first place is the prescriber');
  const rate = countIssue(context, { key: prescriberKey, class: body.class, policy });
  if (!rate.ok) return rate;
  const isReviewed = body.reviewRequired || policy.reviewRequired.includes(body.class);
  const prescription: Prescription = {
    rxId: body.rxId,
    hospital: member,
    prescriber: body.prescriber,
    class: body.class,
    issuedMs: timeMs,
    authoredOn: body.authoredOn,
    validUntil: body.validUntil,
    items: body.items,
    fills: body.fills.map((plan) => ({ ...plan, reservation: null, ended: null, events: [] })),
    ownerKey: body.ownerKey,
    status: isReviewed ? 'pendingReview' : 'open',
    reviewer: null,
    replaces: body.replaces,
    blobHashes: context.seals.map((seal) => seal.blobHash),
  };
  return accepted(applied([body.rxId], [prescriptionRecord(prescription), rate.value]));
}

/**
 * `query` leaves it pending: it stands in the history only. Refusals: `prescriptionUnknown`, those of `authorise`,
 * `reviewerIsPrescriber`, `reviewNotPending`, `prescriptionExpired`.
 */
export function review(context: Context, body: ReviewBody): Result<Applied> {
  const prescription = readPrescription(context.state, body.rxId);
  if (prescription === null) return refused('prescriptionUnknown');
  const signer = authoriseOne(context, {
    member: context.member,
    memberRoles: ['hospital', 'pharmacy', 'reviewCentre'],
    roles: ['pharmacist'],
    scope: scopeOfClass(prescription.class),
    id: null,
  });
  if (!signer.ok) return signer;
  const reviewer = signer.value.practitioner.id;
  if (reviewer === prescription.prescriber) return refused('reviewerIsPrescriber');
  if (prescription.status !== 'pendingReview') return refused('reviewNotPending');
  if (prescription.fills.every((fill) => fill.ended === 'cancelled')) return refused('prescriptionNotOpen');
  if (context.timeMs >= prescription.validUntil) return refused('prescriptionExpired');
  if (body.outcome === 'query') return accepted(applied([body.rxId], []));
  const status = body.outcome === 'approve' ? 'open' : 'refused';
  return accepted(applied([body.rxId], [prescriptionRecord({ ...prescription, status, reviewer })]));
}

/**
 * One definite answer in every state: what is not supplied is cancelled, also out of a live reservation. Refusals:
 * `prescriptionUnknown`, `fillUnknown`, `wrongSigners`, `notPermitted`, those of `authorise`, and by the state of the
 * fills: `tooLate` (supplied or closed), `prescriptionExpired`, `prescriptionNotOpen` (cancelled or refused before).
 */
export function cancel(context: Context, body: CancelBody): Result<Applied> {
  const prescription = readPrescription(context.state, body.rxId);
  if (prescription === null) return refused('prescriptionUnknown');
  const allowed = authoriseCancel(context, prescription);
  if (!allowed.ok) return allowed;
  const targets = prescription.fills.filter((fill) => body.k === null || fill.k === body.k);
  if (targets.length === 0) return refused('fillUnknown');
  const open = targets.filter((fill) => isCancellable(prescription, fill, context.timeMs));
  if (open.length === 0) return refusedCancel(prescription, targets, context.timeMs);
  const fills = prescription.fills.map((fill): Fill =>
    open.includes(fill) ? { ...fill, ended: 'cancelled' } : fill,
  );
  return accepted(applied([body.rxId], [prescriptionRecord({ ...prescription, fills })]));
}

function issuePlaces(context: Context, body: IssueBody): readonly Place[] {
  const base = {
    member: context.member,
    memberRoles: ['hospital'],
    scope: scopeOfClass(body.class),
  } as const;
  const prescriber: Place = { ...base, roles: ['doctor'], id: body.prescriber };
  const second: Place = { ...base, roles: ['doctor', 'pharmacist'], id: null };
  return body.class === 'controlled' ? [prescriber, second] : [prescriber];
}

function checkIssue(context: Context, body: IssueBody, policy: Policy): Result<null> {
  const { state, member, timeMs } = context;
  const skewMs = Math.abs(body.authoredOn - timeMs);
  if (skewMs > authoredOnSkewMsMax) return refused('authoredOnOutOfWindow');
  if (body.validUntil <= timeMs) return refused('prescriptionExpired');
  if (body.validUntil - body.authoredOn > validityMsMaxOf(policy, body)) return refused('validityTooLong');
  const itemIds = body.items.map((item) => item.itemId);
  if (new Set(itemIds).size !== itemIds.length) return refused('itemsInvalid', 'items');
  if (!areFillsSound(body)) return refused('itemsInvalid', 'fills');
  if (body.replaces === null) return accepted(null);
  const replaced = readPrescription(state, body.replaces);
  if (replaced === null) return refused('prescriptionUnknown', 'replaces');
  return replaced.hospital === member ? accepted(null) : refused('notPermitted', 'replaces');
}

/** As many fills as the longest repeat asks for, numbered from 0, inside the validity, each with a key of its own. */
function areFillsSound(body: IssueBody): boolean {
  const repeatsMax = Math.max(...body.items.map((item) => item.repeats));
  const keys = new Set([body.ownerKey, ...body.fills.map((fill) => fill.redeemKey)]);
  return (
    body.fills.length === repeatsMax + 1 &&
    keys.size === body.fills.length + 1 &&
    body.fills.every((fill, k) => fill.k === k && fill.start < fill.end && fill.end <= body.validUntil)
  );
}

function authoriseCancel(context: Context, prescription: Prescription): Result<unknown> {
  if (context.keys.includes(prescription.ownerKey)) return authoriseKeys(context, [prescription.ownerKey]);
  if (context.member !== prescription.hospital) return refused('notPermitted');
  return authoriseOne(context, {
    member: prescription.hospital,
    memberRoles: ['hospital'],
    roles: ['doctor'],
    scope: null,
    id: prescription.prescriber,
  });
}

function isCancellable(prescription: Prescription, fill: Fill, timeMs: Timestamp): boolean {
  const status = statusOfFill(prescription, fill, timeMs);
  return status === 'pendingReview' || status === 'ready' || status === 'reserved' || status === 'dispensing';
}

function refusedCancel(
  prescription: Prescription,
  targets: readonly Fill[],
  timeMs: Timestamp,
): ReturnType<typeof refused> {
  const statuses = targets.map((fill) => statusOfFill(prescription, fill, timeMs));
  if (statuses.some((status) => status === 'dispensed' || status === 'closed')) return refused('tooLate');
  return refused(statuses.includes('expired') ? 'prescriptionExpired' : 'prescriptionNotOpen');
}
