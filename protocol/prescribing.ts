/** A prescription's life before the pharmacies: issued by a doctor, or in a doctor's name, and reviewed by a pharmacist. */
import * as z from 'zod';
import { authorise, authoriseOne, scopeOfClass, type Context, type Place } from './authorisation.ts';
import type { Id, PublicKey, Timestamp } from './brand.ts';
import { codeSchema, idSchema, publicKeySchema, timestampSchema } from './codec.ts';
import { useDelegation } from './delegating.ts';
import { isVoided } from './fillStatus.ts';
import { invariant } from './invariant.ts';
import { authoredOnSkewMsMax, fillsMax, itemsMax } from './limits.ts';
import {
  prescriptionClasses,
  readPolicy,
  validityMsMaxOf,
  type Policy,
  type PrescriptionClass,
} from './policy.ts';
import { hasScope, isPractitionerActive, readPractitioner, type Practitioner } from './practitioner.ts';
import {
  fillPlanSchema,
  itemSchema,
  prescriptionRecord,
  prescriptionRecordKey,
  readPrescription,
  type FillPlan,
  type Item,
  type Prescription,
} from './prescription.ts';
import { countIssues } from './rate.ts';
import { applied, type Applied, type RecordWrite } from './record.ts';
import { accepted, refused, type Result } from './result.ts';
import { cancelled, openFills } from './stopping.ts';

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

/**
 * What it `replaces` is cancelled in the same act, as far as it is open. Refusals: `prescriptionExists`,
 * `practitionerUnknown`, those of `authorise`, `practitionerNotActive` and `scopeMissing` (the delegator),
 * `delegationUnknown`, `delegationExceeded`, `authoredOnOutOfWindow`, `prescriptionExpired`, `validityTooLong`,
 * `itemsInvalid`, `prescriptionUnknown` and `notPermitted` (replaces), `rateExceeded`.
 */
export function issue(context: Context, body: IssueBody): Result<Applied> {
  const { state, member, timeMs } = context;
  if (state.get(prescriptionRecordKey(body.rxId)) !== null) return refused('prescriptionExists');
  const prescriber = readPractitioner(state, body.prescriber);
  if (prescriber === null) return refused('practitionerUnknown');
  const signed = authoriseIssue(context, body, prescriber);
  if (!signed.ok) return signed;
  const policy = readPolicy(state);
  const checked = checkIssue(context, body, policy);
  if (!checked.ok) return checked;
  const replaced = replace(context, body);
  if (!replaced.ok) return replaced;
  const own = context.keys.filter((key) => prescriber.keys.includes(key));
  // A delegate's key stands for the prescriber's; whoever merely signs second is not counted.
  const keys = own.length > 0 ? own : context.keys;
  const rates = countIssues(context, { keys, class: body.class, policy });
  if (!rates.ok) return rates;
  const isReviewed = body.reviewRequired || policy.reviewRequired.includes(body.class);
  const prescription: Prescription = {
    rxId: body.rxId,
    hospital: member,
    prescriber: body.prescriber,
    signedBy: context.keys,
    class: body.class,
    issuedMs: timeMs,
    authoredOn: body.authoredOn,
    validUntil: body.validUntil,
    items: body.items,
    fills: body.fills.map((plan) => ({ ...plan, reservation: null, ended: null, holds: [], events: [] })),
    ownerKey: body.ownerKey,
    status: isReviewed ? 'pendingReview' : 'open',
    reviewer: null,
    replaces: body.replaces,
    blobHashes: context.seals.map((seal) => seal.blobHash),
    nomination: null,
    substitutions: [],
    renewal: null,
  };
  const writes = [
    prescriptionRecord(prescription),
    ...rates.value,
    ...signed.value,
    ...replaced.value.writes,
  ];
  return accepted(applied([body.rxId, ...replaced.value.subjects], writes));
}

/**
 * `query` leaves it pending: it stands in the history only. Refusals: `prescriptionUnknown`, those of `authorise`,
 * `reviewerIsPrescriber`, `reviewNotPending`, `prescriptionVoided`, `prescriptionNotOpen`, `prescriptionExpired`.
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
  if (isVoided(context.state, prescription)) return refused('prescriptionVoided');
  if (prescription.fills.every((fill) => fill.ended === 'cancelled')) return refused('prescriptionNotOpen');
  if (context.timeMs >= prescription.validUntil) return refused('prescriptionExpired');
  if (body.outcome === 'query') return accepted(applied([body.rxId], []));
  const status = body.outcome === 'approve' ? 'open' : 'refused';
  return accepted(applied([body.rxId], [prescriptionRecord({ ...prescription, status, reviewer })]));
}

/** By the prescriber, or by a delegate in the prescriber's name. Gives what the delegation's record becomes. */
function authoriseIssue(
  context: Context,
  body: IssueBody,
  prescriber: Practitioner,
): Result<readonly RecordWrite[]> {
  const isOwn = context.keys.some((key) => prescriber.keys.includes(key));
  if (!isOwn && body.class !== 'controlled') return authoriseDelegate(context, body, prescriber);
  const signers = authorise(context, issuePlaces(context, body));
  return signers.ok ? accepted([]) : signers;
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

/** The delegate needs no scope of their own: it is the delegator's that counts, and the delegator must be in office. */
function authoriseDelegate(
  context: Context,
  body: IssueBody,
  prescriber: Practitioner,
): Result<readonly RecordWrite[]> {
  const { member, timeMs } = context;
  const signer = authoriseOne(context, {
    member,
    memberRoles: ['hospital'],
    roles: ['doctor', 'assistant'],
    scope: null,
    id: null,
  });
  if (!signer.ok) return signer;
  invariant(signer.value.practitioner.id !== prescriber.id, 'a key in force stands with its practitioner');
  const pair = { delegatorId: prescriber.id, delegateId: signer.value.practitioner.id };
  const used = useDelegation(context, pair, body.class);
  if (!used.ok) return used;
  if (!isPractitionerActive(prescriber, timeMs)) return refused('practitionerNotActive', 'prescriber');
  if (prescriber.member !== member || !prescriber.roles.includes('doctor'))
    return refused('roleMissing', 'prescriber');
  const isInScope = hasScope(prescriber, scopeOfClass(body.class));
  return isInScope ? accepted([used.value]) : refused('scopeMissing', 'prescriber');
}

function checkIssue(context: Context, body: IssueBody, policy: Policy): Result<null> {
  const { timeMs } = context;
  const skewMs = Math.abs(body.authoredOn - timeMs);
  if (skewMs > authoredOnSkewMsMax) return refused('authoredOnOutOfWindow');
  if (body.validUntil <= timeMs) return refused('prescriptionExpired');
  if (body.validUntil - body.authoredOn > validityMsMaxOf(policy, body)) return refused('validityTooLong');
  const itemIds = body.items.map((item) => item.itemId);
  if (new Set(itemIds).size !== itemIds.length) return refused('itemsInvalid', 'items');
  if (!areFillsSound(body)) return refused('itemsInvalid', 'fills');
  const areEndsSound = body.items.every(
    ({ validUntil }) => validUntil === null || (timeMs < validUntil && validUntil <= body.validUntil),
  );
  if (!areEndsSound) return refused('itemsInvalid', 'validUntil');
  return accepted(null);
}

interface Replacement {
  readonly subjects: readonly Id[];
  readonly writes: readonly RecordWrite[];
}

/**
 * A prescription that another replaces must not be supplied beside it: what is open of it is cancelled, by its own prescriber
 * only. What ended before may be followed by anybody's at the same hospital.
 */
function replace(context: Context, body: IssueBody): Result<Replacement> {
  if (body.replaces === null) return accepted({ subjects: [], writes: [] });
  const before = readPrescription(context.state, body.replaces);
  if (before === null) return refused('prescriptionUnknown', 'replaces');
  if (before.hospital !== context.member) return refused('notPermitted', 'replaces');
  const open = openFills(context, before);
  if (open.length === 0) return accepted({ subjects: [before.rxId], writes: [] });
  if (before.prescriber !== body.prescriber) return refused('notPermitted', 'replaces');
  return accepted({ subjects: [before.rxId], writes: [prescriptionRecord(cancelled(before, open))] });
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
