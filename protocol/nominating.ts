/** The patient's choice of a pharmacy, under the owner key: nominated beforehand, or moved from one that holds a fill to another. */
import * as z from 'zod';
import { authoriseKeys, type Context } from './authorisation.ts';
import type { Id } from './brand.ts';
import { codeSchema, idSchema } from './codec.ts';
import { findFill, statusOfFill } from './fillStatus.ts';
import { requireMember } from './membership.ts';
import {
  fillIndexSchema,
  nominationSchema,
  prescriptionRecord,
  readPrescription,
  withFill,
  type Nomination,
  type Prescription,
} from './prescription.ts';
import { applied, type Applied } from './record.ts';
import { accepted, refused, type Result } from './result.ts';
import { openFills } from './stopping.ts';

/** `rx.nominate`, signed by the owner key: all fills go to this pharmacy until then, or null for any pharmacy again. */
export interface NominateBody {
  readonly rxId: Id;
  readonly nomination: Nomination | null;
}

/** `rx.redirect`, signed by the owner key: the fill leaves its holder, what remains of it goes to the pharmacy nominated here. */
export interface RedirectBody {
  readonly rxId: Id;
  readonly k: number;
  readonly nomination: Nomination;
  readonly reason: string;
}

export const nominateBodySchema: z.ZodType<NominateBody> = z.strictObject({
  rxId: idSchema,
  nomination: nominationSchema.nullable(),
});

export const redirectBodySchema: z.ZodType<RedirectBody> = z.strictObject({
  rxId: idSchema,
  k: fillIndexSchema,
  nomination: nominationSchema,
  reason: codeSchema,
});

/**
 * A reservation that another pharmacy holds already stands. Refusals: `prescriptionUnknown`, `wrongSigners`,
 * `memberUnknown`, `memberNotActive`, `roleMissing` (the pharmacy), `timeInvalid`, `prescriptionNotOpen` (no fill is open).
 */
export function nominate(context: Context, body: NominateBody): Result<Applied> {
  const prescription = readPrescription(context.state, body.rxId);
  if (prescription === null) return refused('prescriptionUnknown');
  const allowed = authoriseKeys(context, [prescription.ownerKey]);
  if (!allowed.ok) return allowed;
  if (openFills(context, prescription).length === 0) return refused('prescriptionNotOpen');
  const { nomination } = body;
  const sound = nomination === null ? accepted(null) : checkNomination(context, prescription, nomination);
  if (!sound.ok) return sound;
  return accepted(applied([body.rxId], [prescriptionRecord({ ...prescription, nomination })]));
}

/** Refusals: `prescriptionUnknown`, `fillUnknown`, `wrongSigners`, those of `nominate` about the pharmacy, `fillNotReserved`. */
export function redirect(context: Context, body: RedirectBody): Result<Applied> {
  const found = findFill(context.state, body.rxId, body.k);
  if (!found.ok) return found;
  const { prescription, fill } = found.value;
  const allowed = authoriseKeys(context, [prescription.ownerKey]);
  if (!allowed.ok) return allowed;
  const status = statusOfFill(found.value, context.timeMs);
  if (status !== 'reserved' && status !== 'dispensing') return refused('fillNotReserved');
  const { nomination } = body;
  const sound = checkNomination(context, prescription, nomination);
  if (!sound.ok) return sound;
  const moved = withFill({ ...prescription, nomination }, { ...fill, reservation: null });
  return accepted(applied([body.rxId], [prescriptionRecord(moved)]));
}

function checkNomination(
  { state, timeMs }: Context,
  prescription: Prescription,
  { pharmacy, until }: Nomination,
): Result<unknown> {
  const member = requireMember(state, pharmacy, ['pharmacy']);
  if (!member.ok) return member;
  const isSound = timeMs < until && until <= prescription.validUntil;
  return isSound ? accepted(null) : refused('timeInvalid', 'until');
}
