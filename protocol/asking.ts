/** What pharmacies and patients ask the prescriber for, and the answers: to substitute an item, and to renew a prescription. */
import * as z from 'zod';
import { authoriseKeys, authoriseOne, type Context } from './authorisation.ts';
import type { Id } from './brand.ts';
import { codeSchema, idSchema } from './codec.ts';
import { pharmacistOf, requireHolder } from './fill.ts';
import { findFill, isVoided } from './fillStatus.ts';
import { readPolicy } from './policy.ts';
import {
  fillIndexSchema,
  itemIdSchema,
  prescriptionRecord,
  readPrescription,
  type Prescription,
} from './prescription.ts';
import { applied, type Applied } from './record.ts';
import { accepted, refused, type Result } from './result.ts';
import { authorisePrescriber } from './stopping.ts';

/** `substitution.request`, signed by a pharmacist of the holder. */
export interface AskSubstitutionBody {
  readonly rxId: Id;
  readonly k: number;
  readonly itemId: number;
  readonly reason: string;
}

/** `substitution.decide`, signed by the prescriber. */
export interface DecideSubstitutionBody {
  readonly rxId: Id;
  readonly itemId: number;
  readonly isAllowed: boolean;
  readonly reason: string;
}

/** `renewal.request`, signed by the owner key, or by a pharmacist of a pharmacy that supplied from the prescription. */
export interface AskRenewalBody {
  readonly rxId: Id;
  readonly reason: string;
}

/** `renewal.decide`, signed by the prescriber. */
export interface DecideRenewalBody {
  readonly rxId: Id;
  /** The new prescription, which `replaces` this one; null denies it. */
  readonly nextRxId: Id | null;
  readonly reason: string;
}

export const askSubstitutionBodySchema: z.ZodType<AskSubstitutionBody> = z.strictObject({
  rxId: idSchema,
  k: fillIndexSchema,
  itemId: itemIdSchema,
  reason: codeSchema,
});

export const decideSubstitutionBodySchema: z.ZodType<DecideSubstitutionBody> = z.strictObject({
  rxId: idSchema,
  itemId: itemIdSchema,
  isAllowed: z.boolean(),
  reason: codeSchema,
});

export const askRenewalBodySchema: z.ZodType<AskRenewalBody> = z.strictObject({
  rxId: idSchema,
  reason: codeSchema,
});

export const decideRenewalBodySchema: z.ZodType<DecideRenewalBody> = z.strictObject({
  rxId: idSchema,
  nextRxId: idSchema.nullable(),
  reason: codeSchema,
});

/** After a denial it may be asked again. Refusals: `prescriptionUnknown`, `fillUnknown`, those of `authorise` and of `requireHolder`, `itemUnknown`, `requestPending`. */
export function askSubstitution(context: Context, body: AskSubstitutionBody): Result<Applied> {
  const found = findFill(context.state, body.rxId, body.k);
  if (!found.ok) return found;
  const { prescription } = found.value;
  const signer = authoriseOne(context, pharmacistOf(context, prescription));
  if (!signer.ok) return signer;
  const held = requireHolder(context, found.value);
  if (!held.ok) return held;
  if (!prescription.items.some(({ itemId }) => itemId === body.itemId)) return refused('itemUnknown');
  const before = prescription.substitutions.find(({ itemId }) => itemId === body.itemId);
  if (before !== undefined && before.decision !== 'denied') return refused('requestPending');
  return accepted(decided(prescription, body.itemId, 'asked'));
}

/** Refusals: `prescriptionUnknown`, `notPermitted`, those of `authorise`, `requestUnknown` (not asked, or answered). */
export function decideSubstitution(context: Context, body: DecideSubstitutionBody): Result<Applied> {
  const prescription = readPrescription(context.state, body.rxId);
  if (prescription === null) return refused('prescriptionUnknown');
  const allowed = authorisePrescriber(context, prescription);
  if (!allowed.ok) return allowed;
  const asked = prescription.substitutions.find(({ itemId }) => itemId === body.itemId);
  if (asked?.decision !== 'asked') return refused('requestUnknown');
  return accepted(decided(prescription, body.itemId, body.isAllowed ? 'allowed' : 'denied'));
}

/**
 * Also of a prescription that ended or expired: that is when it is asked for. Refusals: `prescriptionUnknown`,
 * `wrongSigners`, those of `authorise`, `notPermitted` (never supplied from it), `prescriptionVoided`,
 * `prescriptionNotOpen` (refused at its review), `requestPending`.
 */
export function askRenewal(context: Context, body: AskRenewalBody): Result<Applied> {
  const { state, timeMs } = context;
  const prescription = readPrescription(state, body.rxId);
  if (prescription === null) return refused('prescriptionUnknown');
  const allowed = authoriseRenewal(context, prescription);
  if (!allowed.ok) return allowed;
  if (isVoided(state, prescription)) return refused('prescriptionVoided');
  if (prescription.status === 'refused') return refused('prescriptionNotOpen');
  if (isRenewalPending(context, prescription)) return refused('requestPending');
  return accepted(
    changed({ ...prescription, renewal: { askedMs: timeMs, decision: 'asked', nextRxId: null } }),
  );
}

/**
 * Refusals: `prescriptionUnknown`, `notPermitted`, those of `authorise`, `requestUnknown` (not asked, answered, or waited
 * too long), `prescriptionUnknown` (the new one), `notPermitted` (the new one replaces another).
 */
export function decideRenewal(context: Context, body: DecideRenewalBody): Result<Applied> {
  const prescription = readPrescription(context.state, body.rxId);
  if (prescription === null) return refused('prescriptionUnknown');
  const allowed = authorisePrescriber(context, prescription);
  if (!allowed.ok) return allowed;
  const { renewal } = prescription;
  if (renewal === null || !isRenewalPending(context, prescription)) return refused('requestUnknown');
  const { nextRxId } = body;
  if (nextRxId === null)
    return accepted(changed({ ...prescription, renewal: { ...renewal, decision: 'denied' } }));
  const next = readPrescription(context.state, nextRxId);
  if (next === null) return refused('prescriptionUnknown', 'nextRxId');
  if (next.replaces !== body.rxId) return refused('notPermitted', 'nextRxId');
  return accepted(changed({ ...prescription, renewal: { ...renewal, decision: 'allowed', nextRxId } }));
}

function authoriseRenewal(context: Context, prescription: Prescription): Result<unknown> {
  const { ownerKey } = prescription;
  if (context.keys.includes(ownerKey)) return authoriseKeys(context, [ownerKey]);
  const signer = authoriseOne(context, pharmacistOf(context, prescription));
  if (!signer.ok) return signer;
  const isSupplier = prescription.fills.some((fill) =>
    fill.events.some((event) => event.pharmacy === context.member && event.withdrawnMs === null),
  );
  return isSupplier ? accepted(null) : refused('notPermitted');
}

function isRenewalPending({ state, timeMs }: Context, { renewal }: Prescription): boolean {
  if (renewal?.decision !== 'asked') return false;
  return timeMs < renewal.askedMs + readPolicy(state).renewalMs;
}

function decided(
  prescription: Prescription,
  itemId: number,
  decision: Prescription['substitutions'][number]['decision'],
): Applied {
  const others = prescription.substitutions.filter((other) => other.itemId !== itemId);
  return changed({ ...prescription, substitutions: [...others, { itemId, decision }] });
}

function changed(prescription: Prescription): Applied {
  return applied([prescription.rxId], [prescriptionRecord(prescription)]);
}
