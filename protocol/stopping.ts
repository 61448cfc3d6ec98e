/** Who may stop a prescription, and how: cancelled for ever, or held until whoever holds it lets go. */
import * as z from 'zod';
import { authoriseKeys, authoriseOne, type Context } from './authorisation.ts';
import type { Id } from './brand.ts';
import { codeSchema, idSchema } from './codec.ts';
import { isOpen, isVoided, statusOfFill, type FoundFill } from './fillStatus.ts';
import { requireMember } from './membership.ts';
import {
  fillIndexSchema,
  prescriptionRecord,
  readPrescription,
  type Fill,
  type Party,
  type Prescription,
} from './prescription.ts';
import { applied, type Applied } from './record.ts';
import { accepted, refused, type Result } from './result.ts';

/** `rx.cancel`, `rx.hold` and `rx.release`, signed by the prescriber or by the owner key; hold and release also by a regulator's admin key. */
export interface StopBody {
  readonly rxId: Id;
  /** One fill, or null for every fill that it can still be done to. */
  readonly k: number | null;
  readonly reason: string;
}

export const stopBodySchema: z.ZodType<StopBody> = z.strictObject({
  rxId: idSchema,
  k: fillIndexSchema.nullable(),
  reason: codeSchema,
});

/**
 * One definite answer in every state: what is not supplied is cancelled, also out of a live reservation. Refusals:
 * `prescriptionUnknown`, `wrongSigners`, `notPermitted`, those of `authorise`, `fillUnknown`, and by the state of the
 * fills: `tooLate` (supplied or closed), `prescriptionVoided`, `prescriptionExpired`, `prescriptionNotOpen`
 * (cancelled or refused before).
 */
export function cancel(context: Context, body: StopBody): Result<Applied> {
  const stopped = stop(context, body);
  if (!stopped.ok) return stopped;
  const { prescription, open, party } = stopped.value;
  if (party === 'regulator') return refused('notPermitted');
  return accepted(changed(cancelled(prescription, open)));
}

/** Nothing can be reserved or supplied from the fill; time runs on. Refusals: as `cancel`, and `onHold` (by the same before). */
export function hold(context: Context, body: StopBody): Result<Applied> {
  const stopped = stop(context, body);
  if (!stopped.ok) return stopped;
  const { prescription, open, party } = stopped.value;
  const isHeld = (fill: Fill): boolean => fill.holds.includes(party);
  if (open.every(isHeld)) return refused('onHold');
  return accepted(
    changed(
      withFills(prescription, open, (fill) =>
        isHeld(fill) ? fill : { ...fill, holds: [...fill.holds, party] },
      ),
    ),
  );
}

/** Lifts one's own hold. Refusals: as `cancel`, and `notOnHold`. */
export function release(context: Context, body: StopBody): Result<Applied> {
  const stopped = stop(context, body);
  if (!stopped.ok) return stopped;
  const { prescription, open, party } = stopped.value;
  if (!open.some((fill) => fill.holds.includes(party))) return refused('notOnHold');
  return accepted(
    changed(
      withFills(prescription, open, (fill) => ({
        ...fill,
        holds: fill.holds.filter((holder) => holder !== party),
      })),
    ),
  );
}

/** Every fill of the prescription that is still open at this time. */
export function openFills(context: Context, prescription: Prescription): readonly Fill[] {
  const isVoid = isVoided(context.state, prescription);
  return prescription.fills.filter((fill) =>
    isOpen({ prescription, fill, isVoided: isVoid }, context.timeMs),
  );
}

export function cancelled(prescription: Prescription, fills: readonly Fill[]): Prescription {
  return withFills(prescription, fills, (fill) => ({ ...fill, ended: 'cancelled' }));
}

interface Stopped {
  readonly prescription: Prescription;
  /** Those asked for that are open; at least one. */
  readonly open: readonly Fill[];
  readonly party: Party;
}

function stop(context: Context, body: StopBody): Result<Stopped> {
  const prescription = readPrescription(context.state, body.rxId);
  if (prescription === null) return refused('prescriptionUnknown');
  const party = authoriseParty(context, prescription);
  if (!party.ok) return party;
  const targets = prescription.fills.filter((fill) => body.k === null || fill.k === body.k);
  if (targets.length === 0) return refused('fillUnknown');
  const open = openFills(context, prescription).filter((fill) => targets.includes(fill));
  if (open.length === 0) return refusedStop(context, prescription, targets);
  return accepted({ prescription, open, party: party.value });
}

function authoriseParty(context: Context, prescription: Prescription): Result<Party> {
  const { state, member, keys } = context;
  const { ownerKey, hospital } = prescription;
  if (keys.includes(ownerKey)) return asParty('owner', authoriseKeys(context, [ownerKey]));
  if (member === hospital) return asParty('prescriber', authorisePrescriber(context, prescription));
  const regulator = requireMember(state, member, ['regulator']);
  if (!regulator.ok) return refused('notPermitted');
  return asParty('regulator', authoriseKeys(context, [regulator.value.adminKey]));
}

function asParty(party: Party, signed: Result<unknown>): Result<Party> {
  return signed.ok ? accepted(party) : signed;
}

/** The prescriber signed, alone. Refusals: `notPermitted` (through another member), those of `authorise`. */
export function authorisePrescriber(context: Context, prescription: Prescription): Result<unknown> {
  if (context.member !== prescription.hospital) return refused('notPermitted');
  return authoriseOne(context, {
    member: prescription.hospital,
    memberRoles: ['hospital'],
    roles: ['doctor'],
    scope: null,
    id: prescription.prescriber,
  });
}

function refusedStop(
  context: Context,
  prescription: Prescription,
  targets: readonly Fill[],
): ReturnType<typeof refused> {
  const isVoid = isVoided(context.state, prescription);
  const statuses = targets.map((fill) => {
    const found: FoundFill = { prescription, fill, isVoided: isVoid };
    return statusOfFill(found, context.timeMs);
  });
  if (statuses.some((status) => status === 'dispensed' || status === 'closed')) return refused('tooLate');
  if (statuses.includes('voided')) return refused('prescriptionVoided');
  return refused(statuses.includes('expired') ? 'prescriptionExpired' : 'prescriptionNotOpen');
}

function withFills(
  prescription: Prescription,
  changing: readonly Fill[],
  change: (fill: Fill) => Fill,
): Prescription {
  const fills = prescription.fills.map((fill) => (changing.includes(fill) ? change(fill) : fill));
  return { ...prescription, fills };
}

function changed(prescription: Prescription): Applied {
  return applied([prescription.rxId], [prescriptionRecord(prescription)]);
}
