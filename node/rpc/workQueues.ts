/** Work queues: what waits for whom, from the records of one state at one block time. */
import type { Id, MemberName, Timestamp } from '../../protocol/brand.ts';
import { claimStatusAt, decodeClaim } from '../../protocol/claim.ts';
import { holderOfFill, isAtCounter, isVoided, statusOfFill } from '../../protocol/fillStatus.ts';
import { decodeParcel, isOverdue, isUnconfirmed } from '../../protocol/parcel.ts';
import { readPolicy, type Policy } from '../../protocol/policy.ts';
import { decodePrescription, type Fill, type Prescription } from '../../protocol/prescription.ts';
import type { RecordReader } from '../../protocol/record.ts';
import type { RecordSource } from './recordList.ts';

export const workQueues = ['review', 'dispense', 'ship', 'adjudicate', 'overdue'] as const;
export type WorkQueue = (typeof workQueues)[number];

/** The queue `overdue` has three kinds: supply not confirmed, a parcel not delivered, an estimate not answered. */
type WorkKind = Exclude<WorkQueue, 'overdue'> | 'unconfirmed' | 'lateParcel' | 'lateEstimate';

export interface WorkItem {
  readonly kind: WorkKind;
  readonly rxId: Id;
  /** Null: the whole prescription. */
  readonly k: number | null;
  readonly eventId: Id | null;
  readonly parcelId: Id | null;
  readonly claimId: Id | null;
  /** Whose it is, then whom it concerns. Any reviewer may review; the member is the hospital then. */
  readonly members: readonly MemberName[];
  readonly sinceMs: Timestamp;
  /** When it has to be done, or had to be; null if there is no such time. */
  readonly dueMs: Timestamp | null;
}

interface Moment {
  readonly state: RecordReader;
  readonly timeMs: Timestamp;
  readonly policy: Policy;
}

type Finder = (moment: Moment, record: Uint8Array) => readonly WorkItem[];

/** Where the work of a queue is found, in the order of the keys. */
export function workSources(
  queue: WorkQueue,
  state: RecordReader,
  timeMs: Timestamp,
): readonly RecordSource<WorkItem>[] {
  const moment = { state, timeMs, policy: readPolicy(state) };
  return finders[queue].map(({ prefix, find }) => ({ prefix, itemsOf: (record) => find(moment, record) }));
}

const finders: Readonly<Record<WorkQueue, readonly { readonly prefix: string; readonly find: Finder }[]>> = {
  review: [{ prefix: 'rx/', find: toReview }],
  dispense: [{ prefix: 'rx/', find: toDispense }],
  ship: [{ prefix: 'rx/', find: toShip }],
  adjudicate: [{ prefix: 'claim/', find: toAdjudicate }],
  overdue: [
    { prefix: 'claim/', find: lateEstimate },
    { prefix: 'parcel/', find: lateParcel },
    { prefix: 'rx/', find: unconfirmedSupply },
  ],
};

const nothing = { k: null, eventId: null, parcelId: null, claimId: null } as const;

function toReview({ state, timeMs }: Moment, record: Uint8Array): readonly WorkItem[] {
  const prescription = decodePrescription(record);
  if (prescription.status !== 'pendingReview') return [];
  const isWaiting = statusesOf(state, prescription, timeMs).includes('pendingReview');
  if (!isWaiting) return [];
  const { rxId, hospital, issuedMs: sinceMs, validUntil: dueMs } = prescription;
  return [{ ...nothing, kind: 'review', rxId, members: [hospital], sinceMs, dueMs }];
}

function statusesOf(
  state: RecordReader,
  prescription: Prescription,
  timeMs: Timestamp,
): readonly ReturnType<typeof statusOfFill>[] {
  const isVoid = isVoided(state, prescription);
  return prescription.fills.map((fill) => statusOfFill({ prescription, fill, isVoided: isVoid }, timeMs));
}

/** Held, not wholly supplied, and nobody holds it back. */
function toDispense({ state, timeMs }: Moment, record: Uint8Array): readonly WorkItem[] {
  const prescription = decodePrescription(record);
  if (!prescription.fills.some((fill) => holderOfFill(fill, timeMs) !== null)) return [];
  const statuses = statusesOf(state, prescription, timeMs);
  return prescription.fills.flatMap((fill, index) => {
    const { k, reservation, holds } = fill;
    const isOpen = statuses[index] === 'reserved' || statuses[index] === 'dispensing';
    if (!isOpen || reservation === null || holds.length > 0) return [];
    const { pharmacy, sinceMs, until: dueMs } = reservation;
    const { rxId } = prescription;
    return [{ ...nothing, kind: 'dispense', rxId, k, members: [pharmacy], sinceMs, dueMs }];
  });
}

/** Reserved for a courier, and still at the counter. */
function toShip(_moment: Moment, record: Uint8Array): readonly WorkItem[] {
  return atCounter(decodePrescription(record))
    .filter(({ fill, event }) => {
      const { reservation } = fill;
      return reservation?.mode === 'courier' && reservation.pharmacy === event.pharmacy;
    })
    .map(({ rxId, fill: { k }, event: { eventId, pharmacy, timeMs: sinceMs } }) => ({
      ...nothing,
      kind: 'ship',
      rxId,
      k,
      eventId,
      members: [pharmacy],
      sinceMs,
      dueMs: null,
    }));
}

/** Handed out, and not confirmed by the patient in time. */
function unconfirmedSupply({ timeMs, policy }: Moment, record: Uint8Array): readonly WorkItem[] {
  return atCounter(decodePrescription(record)).flatMap(({ rxId, fill: { k }, event }) => {
    const { eventId, pharmacy, timeMs: sinceMs } = event;
    const dueMs = (sinceMs + policy.confirmMs) as Timestamp;
    if (timeMs < dueMs) return [];
    return [{ ...nothing, kind: 'unconfirmed', rxId, k, eventId, members: [pharmacy], sinceMs, dueMs }];
  });
}

function atCounter({ rxId, fills }: Prescription): readonly {
  readonly rxId: Id;
  readonly fill: Fill;
  readonly event: Fill['events'][number];
}[] {
  return fills.flatMap((fill) => fill.events.filter(isAtCounter).map((event) => ({ rxId, fill, event })));
}

function toAdjudicate({ timeMs, policy }: Moment, record: Uint8Array): readonly WorkItem[] {
  const claim = decodeClaim(record);
  return claimStatusAt(claim, timeMs, policy.adjudicationMs) === 'estimated'
    ? [estimateItem('adjudicate', claim, policy)]
    : [];
}

/** `unknown` because nobody answered: what the insurer itself answered with `unknown` is not late. */
function lateEstimate({ timeMs, policy }: Moment, record: Uint8Array): readonly WorkItem[] {
  const claim = decodeClaim(record);
  const isLate =
    claim.status === 'estimated' && claimStatusAt(claim, timeMs, policy.adjudicationMs) === 'unknown';
  return isLate ? [estimateItem('lateEstimate', claim, policy)] : [];
}

function estimateItem(kind: WorkKind, claim: ReturnType<typeof decodeClaim>, policy: Policy): WorkItem {
  const { claimId, rxId, k, insurer, pharmacy, estimatedMs: sinceMs } = claim;
  const dueMs = (sinceMs + policy.adjudicationMs) as Timestamp;
  return { ...nothing, kind, rxId, k, claimId, members: [insurer, pharmacy], sinceMs, dueMs };
}

function lateParcel({ timeMs, policy }: Moment, record: Uint8Array): readonly WorkItem[] {
  const parcel = decodeParcel(record);
  const { parcelId, rxId, k, pharmacy, courier, custodian, shippedMs, deliveredMs, deliverBy } = parcel;
  const members = [...new Set([custodian ?? courier, courier, pharmacy])];
  const same = { ...nothing, rxId, k, parcelId, members };
  if (isOverdue(parcel, timeMs))
    return [{ ...same, kind: 'lateParcel', sinceMs: shippedMs, dueMs: deliverBy }];
  if (deliveredMs === null || !isUnconfirmed(parcel, policy, timeMs)) return [];
  const dueMs = (deliveredMs + policy.confirmMs) as Timestamp;
  return [{ ...same, kind: 'unconfirmed', sinceMs: deliveredMs, dueMs }];
}
