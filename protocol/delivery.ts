/** A parcel's way: shipped by pharmacy and courier together, delivered by the courier, received by the patient. */
import * as z from 'zod';
import { authorise, authoriseKeys, authoriseOne, scopeOfClass, type Context } from './authorisation.ts';
import type { Digest, Id, MemberName, Timestamp } from './brand.ts';
import { digestSchema, idSchema, nameSchema, timestampSchema } from './codec.ts';
import { invariant } from './invariant.ts';
import {
  fillIndexSchema,
  findFill,
  prescriptionRecord,
  withFill,
  type DispenseEvent,
  type Fill,
  type FoundFill,
} from './prescription.ts';
import { receiptCodeHash } from './receiptCode.ts';
import {
  applied,
  readRecord,
  recordCodec,
  type Applied,
  type RecordCodec,
  type RecordReader,
  type RecordWrite,
} from './record.ts';
import { accepted, refused, type Result } from './result.ts';

const parcelStatuses = ['inTransit', 'delivered', 'received'] as const;
type ParcelStatus = (typeof parcelStatuses)[number];

export interface Parcel {
  readonly parcelId: Id;
  readonly rxId: Id;
  readonly k: number;
  readonly pharmacy: MemberName;
  readonly courier: MemberName;
  /** Who has it (I16); null once the patient confirmed receipt. */
  readonly custodian: MemberName | null;
  readonly sealHash: Digest;
  readonly deliverBy: Timestamp;
  readonly status: ParcelStatus;
  /** Block times. */
  readonly shippedMs: Timestamp;
  readonly deliveredMs: Timestamp | null;
  readonly receivedMs: Timestamp | null;
}

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

const parcelSchema: z.ZodType<Parcel> = z.strictObject({
  parcelId: idSchema,
  rxId: idSchema,
  k: fillIndexSchema,
  pharmacy: nameSchema,
  courier: nameSchema,
  custodian: nameSchema.nullable(),
  sealHash: digestSchema,
  deliverBy: timestampSchema,
  status: z.enum(parcelStatuses),
  shippedMs: timestampSchema,
  deliveredMs: timestampSchema.nullable(),
  receivedMs: timestampSchema.nullable(),
});

const parcelCodec: RecordCodec<Parcel> = recordCodec(parcelSchema);

function parcelRecordKey(parcelId: Id): string {
  return `parcel/${parcelId}`;
}

export function readParcel(state: RecordReader, parcelId: Id): Parcel | null {
  return readRecord(state, parcelRecordKey(parcelId), parcelCodec);
}

function parcelRecord(parcel: Parcel): RecordWrite {
  return [parcelRecordKey(parcel.parcelId), parcelCodec.encode(parcel)];
}

/**
 * All that this pharmacy dispensed of the fill and that is still with it goes into one parcel. Refusals:
 * `prescriptionUnknown`, `fillUnknown`, those of `authorise`, `parcelExists`, `nothingDispensed`.
 */
export function ship(context: Context, body: ShipBody): Result<Applied> {
  const { state, member, timeMs } = context;
  const found = findFill(state, body.rxId, body.k);
  if (!found.ok) return found;
  const { prescription, fill } = found.value;
  const scope = scopeOfClass(prescription.class);
  const signers = authorise(context, [
    { member, memberRoles: ['pharmacy'], roles: ['pharmacist'], scope, id: null },
    { member: body.courier, memberRoles: ['courier'], roles: ['courier'], scope: null, id: null },
  ]);
  if (!signers.ok) return signers;
  if (readParcel(state, body.parcelId) !== null) return refused('parcelExists');
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
    sealHash,
    deliverBy,
    status: 'inTransit',
    shippedMs: timeMs,
    deliveredMs: null,
    receivedMs: null,
  };
  const writes = [prescriptionRecord(withFill(prescription, { ...fill, events })), parcelRecord(parcel)];
  return accepted(applied([rxId, parcelId], writes));
}

/** Refusals: `parcelUnknown`, those of `authorise`, `notCustodian`, `parcelState`. */
export function deliver(context: Context, body: DeliverBody): Result<Applied> {
  const { state, member, timeMs } = context;
  const parcel = readParcel(state, body.parcelId);
  if (parcel === null) return refused('parcelUnknown');
  const signer = authoriseOne(context, {
    member,
    memberRoles: ['courier'],
    roles: ['courier'],
    scope: null,
    id: null,
  });
  if (!signer.ok) return signer;
  if (parcel.courier !== member) return refused('notCustodian');
  if (parcel.status !== 'inTransit') return refused('parcelState');
  invariant(parcel.custodian === member, 'a parcel in transit is with its courier');
  const delivered: Parcel = { ...parcel, status: 'delivered', deliveredMs: timeMs };
  return accepted(applied([parcel.rxId, parcel.parcelId], [parcelRecord(delivered)]));
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
      : parcel.courier === member || parcel.pharmacy === member;
  if (!isParty) return refused('notPermitted');
  const hash = receiptCodeHash(body.rxId, body.k, body.receiptCode);
  return hash === fill.receiptHash ? accepted(null) : refused('receiptCodeWrong');
}

function receiveAtCounter(context: Context, { prescription, fill }: FoundFill): Result<Applied> {
  if (fill.events.length === 0) return refused('nothingDispensed');
  if (!fill.events.some(isAtCounter)) {
    const isAllShipped = fill.events.every((event) => event.parcelId !== null);
    return refused(isAllShipped ? 'parcelState' : 'alreadyReceived');
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

/** Dispensed and not handed over yet. */
function isAtCounter(event: DispenseEvent): boolean {
  return event.parcelId === null && event.receivedMs === null;
}

function markReceived(fill: Fill, isMeant: (event: DispenseEvent) => boolean, timeMs: Timestamp): Fill {
  const events = fill.events.map((event) => (isMeant(event) ? { ...event, receivedMs: timeMs } : event));
  return { ...fill, events };
}
