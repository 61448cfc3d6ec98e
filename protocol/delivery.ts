/**
 * A parcel's way out: handed over by the pharmacy, from courier to hub to courier, delivered, received by the patient. Every
 * hand-over has both signatures in one transaction, so exactly one member has the parcel at any height (I16).
 */
import * as z from 'zod';
import {
  authorise,
  authoriseKeys,
  authoriseOne,
  scopeOfClass,
  type Context,
  type Place,
} from './authorisation.ts';
import type { Digest, Id, MemberName, Timestamp } from './brand.ts';
import { codeSchema, digestSchema, idSchema, nameSchema, timestampSchema } from './codec.ts';
import { findFill, isAtCounter, isSupplied, type FoundFill } from './fillStatus.ts';
import { invariant } from './invariant.ts';
import { parcelRecord, readParcel, type Parcel } from './parcel.ts';
import { readPolicy } from './policy.ts';
import {
  fillIndexSchema,
  prescriptionRecord,
  withFill,
  type DispenseEvent,
  type Fill,
} from './prescription.ts';
import { receiptCodeHash } from './receiptCode.ts';
import { applied, type Applied } from './record.ts';
import { accepted, refused, type Result } from './result.ts';

/** `delivery.ship`, signed by a pharmacist (hand-over) and by a person of `courier` (take-over). */
export interface ShipBody {
  readonly parcelId: Id;
  readonly rxId: Id;
  readonly k: number;
  readonly courier: MemberName;
  /** Hash of the number on the parcel's seal. */
  readonly sealHash: Digest;
  readonly deliverBy: Timestamp;
}

/**
 * `delivery.scan`, signed by a person of `from` (hand-over) and by another person of `to` (take-over): a hub, another
 * courier, or another rider of the same one.
 */
export interface ScanBody {
  readonly parcelId: Id;
  readonly from: MemberName;
  readonly to: MemberName;
  /** Code of the hub. */
  readonly place: string;
}

/** `delivery.deliver`, signed by a person of the courier that holds the parcel. */
export interface DeliverBody {
  readonly parcelId: Id;
}

/**
 * `delivery.receive`, signed by the owner key; or, with the patient's receipt code, by a pharmacist of the pharmacy or a
 * person of the courier. Without a parcel it is a pick-up at the counter.
 */
export interface ReceiveBody {
  readonly rxId: Id;
  readonly k: number;
  readonly parcelId: Id | null;
  readonly receiptCode: string | null;
}

export const shipBodySchema: z.ZodType<ShipBody> = z.strictObject({
  parcelId: idSchema,
  rxId: idSchema,
  k: fillIndexSchema,
  courier: nameSchema,
  sealHash: digestSchema,
  deliverBy: timestampSchema,
});

export const scanBodySchema: z.ZodType<ScanBody> = z.strictObject({
  parcelId: idSchema,
  from: nameSchema,
  to: nameSchema,
  place: codeSchema,
});

export const deliverBodySchema: z.ZodType<DeliverBody> = z.strictObject({ parcelId: idSchema });

export const receiveBodySchema: z.ZodType<ReceiveBody> = z.strictObject({
  rxId: idSchema,
  k: fillIndexSchema,
  parcelId: idSchema.nullable(),
  receiptCode: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[0-9A-Za-z-]+$/)
    .nullable(),
});

/**
 * All that this pharmacy dispensed of the fill and that is still with it goes into one parcel. Refusals:
 * `prescriptionUnknown`, `fillUnknown`, those of `authorise`, `parcelExists`, `timeInvalid`, `nothingDispensed`.
 */
export function ship(context: Context, body: ShipBody): Result<Applied> {
  const { state, member, timeMs } = context;
  const found = findFill(state, body.rxId, body.k);
  if (!found.ok) return found;
  const { prescription, fill } = found.value;
  const scope = scopeOfClass(prescription.class);
  const signers = authorise(context, [
    { member, memberRoles: ['pharmacy'], roles: ['pharmacist'], scope, id: null },
    courierOf(body.courier),
  ]);
  if (!signers.ok) return signers;
  if (readParcel(state, body.parcelId) !== null) return refused('parcelExists');
  const dueMax = timeMs + readPolicy(state).deliverMsMax;
  if (body.deliverBy <= timeMs || body.deliverBy > dueMax) return refused('timeInvalid', 'deliverBy');
  const isPacked = (event: DispenseEvent): boolean => event.pharmacy === member && isAtCounter(event);
  if (!fill.events.some(isPacked)) return refused('nothingDispensed');
  const { parcelId, rxId, k, courier, sealHash, deliverBy } = body;
  const events = fill.events.map((event) => (isPacked(event) ? { ...event, parcelId } : event));
  const parcel: Parcel = {
    parcelId,
    rxId,
    k,
    pharmacy: member,
    courier,
    custodian: courier,
    place: null,
    sealHash,
    deliverBy,
    status: 'inTransit',
    isSealIntact: null,
    shippedMs: timeMs,
    deliveredMs: null,
    failedMs: null,
    returnedMs: null,
    receivedMs: null,
    breachMs: null,
  };
  const writes = [prescriptionRecord(withFill(prescription, { ...fill, events })), parcelRecord(parcel)];
  return accepted(applied([rxId, parcelId], writes));
}

/** Refusals: `parcelUnknown`, those of `authorise`, `wrongSigners` (one person with two keys), `notCustodian`, `parcelState`. */
export function scan(context: Context, body: ScanBody): Result<Applied> {
  const { from, to, place } = body;
  const parcel = readParcel(context.state, body.parcelId);
  if (parcel === null) return refused('parcelUnknown');
  const signers = authorise(context, [courierOf(from), courierOf(to)]);
  if (!signers.ok) return signers;
  const [hander, taker] = signers.value;
  if (hander?.practitioner.id === taker?.practitioner.id) return refused('wrongSigners');
  if (parcel.status !== 'inTransit') return refused('parcelState');
  if (parcel.custodian !== from) return refused('notCustodian');
  return accepted(changedParcel({ ...parcel, custodian: to, place }));
}

/** Refusals: `parcelUnknown`, those of `authorise`, `notCustodian`, `parcelState`. */
export function deliver(context: Context, body: DeliverBody): Result<Applied> {
  const found = ownParcel(context, body.parcelId);
  if (!found.ok) return found;
  const parcel = found.value;
  if (parcel.status !== 'inTransit') return refused('parcelState');
  return accepted(changedParcel({ ...parcel, status: 'delivered', deliveredMs: context.timeMs }));
}

/** The parcel, if a person of the courier that has it signed. Refusals: `parcelUnknown`, those of `authorise`, `notCustodian`. */
export function ownParcel(context: Context, parcelId: Id): Result<Parcel> {
  const parcel = readParcel(context.state, parcelId);
  if (parcel === null) return refused('parcelUnknown');
  const signer = authoriseOne(context, courierOf(context.member));
  if (!signer.ok) return signer;
  // A parcel that the patient has received is with nobody: its end says more than its custodian.
  if (parcel.custodian === null) return refused('parcelState');
  return parcel.custodian === context.member ? accepted(parcel) : refused('notCustodian');
}

export function courierOf(member: MemberName): Place {
  return { member, memberRoles: ['courier'], roles: ['courier'], scope: null, id: null };
}

export function changedParcel(parcel: Parcel): Applied {
  return applied([parcel.rxId, parcel.parcelId], [parcelRecord(parcel)]);
}

/**
 * The patient's confirmation (I17: after delivery, or at the counter). Refusals: `prescriptionUnknown`, `fillUnknown`,
 * `parcelUnknown`, `wrongSigners`, `receiptCodeWrong`, those of `authorise`, `notPermitted`, `parcelState`,
 * `alreadyReceived`, `nothingDispensed`.
 */
export function receive(context: Context, body: ReceiveBody): Result<Applied> {
  const found = findFill(context.state, body.rxId, body.k);
  if (!found.ok) return found;
  const parcel = body.parcelId === null ? null : readParcel(context.state, body.parcelId);
  const isOfFill = parcel?.rxId === body.rxId && parcel.k === body.k;
  if (body.parcelId !== null && !isOfFill) return refused('parcelUnknown');
  const allowed = authoriseReceive(context, found.value, { body, parcel });
  if (!allowed.ok) return allowed;
  return parcel === null
    ? receiveAtCounter(context, found.value)
    : receiveParcel(context, found.value, parcel);
}

interface Confirmation {
  readonly body: ReceiveBody;
  readonly parcel: Parcel | null;
}

/** The owner key, or the code told to somebody who handed the medicine over. */
function authoriseReceive(
  context: Context,
  found: FoundFill,
  { body, parcel }: Confirmation,
): Result<unknown> {
  const { prescription, fill } = found;
  if (body.receiptCode === null) return authoriseKeys(context, [prescription.ownerKey]);
  const { member } = context;
  const signer = authoriseOne(context, {
    member,
    memberRoles: ['pharmacy', 'courier'],
    roles: ['pharmacist', 'courier'],
    scope: null,
    id: null,
  });
  if (!signer.ok) return signer;
  const isParty =
    parcel === null
      ? fill.events.some((event) => event.pharmacy === member)
      : parcel.custodian === member || parcel.pharmacy === member;
  if (!isParty) return refused('notPermitted');
  const hash = receiptCodeHash(body.rxId, body.k, body.receiptCode);
  return hash === fill.receiptHash ? accepted(null) : refused('receiptCodeWrong');
}

function receiveAtCounter(context: Context, { prescription, fill }: FoundFill): Result<Applied> {
  if (!isSupplied(fill)) return refused('nothingDispensed');
  if (!fill.events.some(isAtCounter)) {
    const isSomeShipped = fill.events.some((event) => event.parcelId !== null && event.receivedMs === null);
    return refused(isSomeShipped ? 'parcelState' : 'alreadyReceived');
  }
  const received = markReceived(fill, isAtCounter, context.timeMs);
  return accepted(applied([prescription.rxId], [prescriptionRecord(withFill(prescription, received))]));
}

function receiveParcel(context: Context, found: FoundFill, parcel: Parcel): Result<Applied> {
  const { prescription, fill } = found;
  if (parcel.status === 'received') return refused('alreadyReceived');
  if (parcel.status !== 'delivered') return refused('parcelState');
  const isInside = (event: DispenseEvent): boolean => event.parcelId === parcel.parcelId;
  invariant(fill.events.some(isInside), 'a parcel holds something');
  const received: Parcel = { ...parcel, status: 'received', custodian: null, receivedMs: context.timeMs };
  const updated = withFill(prescription, markReceived(fill, isInside, context.timeMs));
  const writes = [prescriptionRecord(updated), parcelRecord(received)];
  return accepted(applied([prescription.rxId, parcel.parcelId], writes));
}

function markReceived(fill: Fill, isMeant: (event: DispenseEvent) => boolean, timeMs: Timestamp): Fill {
  const events = fill.events.map((event) => (isMeant(event) ? { ...event, receivedMs: timeMs } : event));
  return { ...fill, events };
}
