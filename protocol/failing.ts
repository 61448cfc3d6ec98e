/** What goes wrong with a parcel: it cannot be delivered, it comes back, it is late. */
import * as z from 'zod';
import { authorise, authoriseKeys, authoriseOne, type Context } from './authorisation.ts';
import type { Id } from './brand.ts';
import { codeSchema, idSchema } from './codec.ts';
import { changedParcel, courierOf, ownParcel } from './delivery.ts';
import { findFill } from './fillStatus.ts';
import { invariant, present } from './invariant.ts';
import { isOverdue, parcelRecord, readParcel, type Parcel } from './parcel.ts';
import { prescriptionRecord, readPrescription, withFill, type Fill } from './prescription.ts';
import { applied, type Applied } from './record.ts';
import { accepted, refused, type Result } from './result.ts';

/** `delivery.fail`, signed by a person of the courier that holds the parcel: it goes back. */
export interface FailBody {
  readonly parcelId: Id;
  readonly reason: string;
}

/** `delivery.return`, signed by a person of the courier (hand-over) and by a pharmacist of the pharmacy (take-over). */
export interface TakeBackBody {
  readonly parcelId: Id;
  readonly isSealIntact: boolean;
}

/** `delivery.report`, signed by the owner key, or by a pharmacist of the pharmacy: the parcel is due and not delivered. */
export interface BreachBody {
  readonly parcelId: Id;
}

export const failBodySchema: z.ZodType<FailBody> = z.strictObject({ parcelId: idSchema, reason: codeSchema });

export const takeBackBodySchema: z.ZodType<TakeBackBody> = z.strictObject({
  parcelId: idSchema,
  isSealIntact: z.boolean(),
});

export const breachBodySchema: z.ZodType<BreachBody> = z.strictObject({ parcelId: idSchema });

/** Also out of a locker that nobody opened. Refusals: `parcelUnknown`, those of `authorise`, `notCustodian`, `parcelState`. */
export function fail(context: Context, body: FailBody): Result<Applied> {
  const found = ownParcel(context, body.parcelId);
  if (!found.ok) return found;
  const parcel = found.value;
  if (parcel.status !== 'inTransit' && parcel.status !== 'delivered') return refused('parcelState');
  return accepted(changedParcel({ ...parcel, status: 'failed', failedMs: context.timeMs }));
}

/**
 * Sealed, its content is at the counter again: to be picked up, shipped anew, or withdrawn. Broken, it can only be
 * withdrawn. Refusals: `parcelUnknown`, `parcelState`, those of `authorise`, `notPermitted` (another pharmacy's).
 */
export function takeBack(context: Context, body: TakeBackBody): Result<Applied> {
  const { state, member, timeMs } = context;
  const parcel = readParcel(state, body.parcelId);
  if (parcel === null) return refused('parcelUnknown');
  if (parcel.status !== 'failed') return refused('parcelState');
  const signers = authorise(context, [
    { member, memberRoles: ['pharmacy'], roles: ['pharmacist'], scope: null, id: null },
    courierOf(present(parcel.custodian, 'a parcel that failed is with a courier')),
  ]);
  if (!signers.ok) return signers;
  if (parcel.pharmacy !== member) return refused('notPermitted');
  const { isSealIntact } = body;
  const returned: Parcel = {
    ...parcel,
    status: 'returned',
    custodian: member,
    isSealIntact,
    returnedMs: timeMs,
  };
  if (!isSealIntact) return accepted(changedParcel(returned));
  const found = findFill(state, parcel.rxId, parcel.k);
  invariant(found.ok, 'a parcel has its fill');
  const { prescription, fill } = found.value;
  const write = prescriptionRecord(withFill(prescription, unpacked(fill, parcel.parcelId)));
  return accepted(applied([parcel.rxId, parcel.parcelId], [write, parcelRecord(returned)]));
}

function unpacked(fill: Fill, parcelId: Id): Fill {
  const events = fill.events.map((event) =>
    event.parcelId === parcelId ? { ...event, parcelId: null, isReturned: true } : event,
  );
  return { ...fill, events };
}

/** The breach of the deadline, stamped. Refusals: `parcelUnknown`, `wrongSigners`, those of `authorise`, `notPermitted`, `parcelNotDue` (in time, delivered, or reported before). */
export function reportBreach(context: Context, body: BreachBody): Result<Applied> {
  const parcel = readParcel(context.state, body.parcelId);
  if (parcel === null) return refused('parcelUnknown');
  const allowed = authoriseReport(context, parcel);
  if (!allowed.ok) return allowed;
  if (parcel.breachMs !== null || !isOverdue(parcel, context.timeMs)) return refused('parcelNotDue');
  return accepted(changedParcel({ ...parcel, breachMs: context.timeMs }));
}

function authoriseReport(context: Context, parcel: Parcel): Result<unknown> {
  const { state, member, keys } = context;
  const prescription = readPrescription(state, parcel.rxId);
  invariant(prescription !== null, 'a parcel has its prescription');
  const { ownerKey } = prescription;
  if (keys.includes(ownerKey)) return authoriseKeys(context, [ownerKey]);
  if (parcel.pharmacy !== member) return refused('notPermitted');
  return authoriseOne(context, {
    member,
    memberRoles: ['pharmacy'],
    roles: ['pharmacist'],
    scope: null,
    id: null,
  });
}
