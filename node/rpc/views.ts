/** Records of the ledger as JSON, with what follows from them at a block time: nobody else needs to compute a status. */
import type { Id, MemberName, Timestamp } from '../../protocol/brand.ts';
import type { Claim } from '../../protocol/claim.ts';
import {
  holderOfFill,
  isAtCounter,
  isVoided,
  nominatedPharmacy,
  statusOfFill,
  unitsRemaining,
  type FillStatus,
} from '../../protocol/fillStatus.ts';
import { isOverdue, isUnconfirmed, parcelSchema, type Parcel } from '../../protocol/parcel.ts';
import { readPolicy, type Policy } from '../../protocol/policy.ts';
import type { DispenseEvent, Fill, Prescription } from '../../protocol/prescription.ts';
import type { RecordReader } from '../../protocol/record.ts';
import type { settledStatus } from '../../protocol/settlement.ts';
import { hexOf, timeOf, toJson, type JsonOf } from './json.ts';

interface EventView extends JsonOf<DispenseEvent> {
  /** Handed out, and not confirmed by the patient in the time that the policy gives. */
  readonly isUnconfirmed: boolean;
}

interface FillView extends Omit<JsonOf<Fill>, 'events'> {
  /** At the time of the latest block. */
  readonly status: FillStatus;
  readonly holder: MemberName | null;
  readonly remaining: readonly { readonly itemId: number; readonly units: number }[];
  readonly events: readonly EventView[];
}

export interface PrescriptionView extends Omit<JsonOf<Prescription>, 'fills'> {
  /** Issued under a key that was compromised by then: of what was supplied, this is the flag. */
  readonly isVoided: boolean;
  /** The pharmacy that alone may reserve now. */
  readonly nominated: MemberName | null;
  readonly fills: readonly FillView[];
}

export interface ParcelView extends JsonOf<Parcel> {
  readonly isOverdue: boolean;
  readonly isUnconfirmed: boolean;
}

export interface ClaimView extends Omit<JsonOf<Claim>, 'status'> {
  /** With what follows from its statement. */
  readonly status: ReturnType<typeof settledStatus>;
}

export function prescriptionView(
  state: RecordReader,
  prescription: Prescription,
  timeMs: Timestamp,
): PrescriptionView {
  const { issuedMs, authoredOn, validUntil, reviewer, replaces, ...same } = prescription;
  const isVoid = isVoided(state, prescription);
  const policy = readPolicy(state);
  return {
    ...same,
    rxId: hexOf(prescription.rxId),
    prescriber: hexOf(prescription.prescriber),
    signedBy: prescription.signedBy.map(hexOf),
    issuedAt: timeOf(issuedMs),
    authoredOn: timeOf(authoredOn),
    validUntil: timeOf(validUntil),
    items: prescription.items.map((item) => ({ ...item, validUntil: timeOrNull(item.validUntil) })),
    isVoided: isVoid,
    fills: prescription.fills.map((fill) => ({
      ...fillJson(fill),
      status: statusOfFill({ prescription, fill, isVoided: isVoid }, timeMs),
      holder: holderOfFill(fill, timeMs),
      remaining: prescription.items.map(({ itemId }) => ({
        itemId,
        units: unitsRemaining(prescription, fill, itemId),
      })),
      events: fill.events.map((event) => ({
        ...eventJson(event),
        isUnconfirmed: isAtCounter(event) && timeMs >= event.timeMs + policy.confirmMs,
      })),
    })),
    ownerKey: hexOf(prescription.ownerKey),
    reviewer: hexOrNull(reviewer),
    replaces: hexOrNull(replaces),
    blobHashes: prescription.blobHashes.map(hexOf),
    nominated: nominatedPharmacy(prescription, timeMs),
    nomination: nominationJson(prescription.nomination),
    renewal: renewalJson(prescription.renewal),
  };
}

function nominationJson(nomination: Prescription['nomination']): PrescriptionView['nomination'] {
  return nomination === null ? null : { ...nomination, until: timeOf(nomination.until) };
}

function renewalJson(renewal: Prescription['renewal']): PrescriptionView['renewal'] {
  if (renewal === null) return null;
  const { askedMs, decision, nextRxId } = renewal;
  return { askedAt: timeOf(askedMs), decision, nextRxId: hexOrNull(nextRxId) };
}

function fillJson(fill: Fill): Omit<JsonOf<Fill>, 'events'> {
  return {
    k: fill.k,
    start: timeOf(fill.start),
    end: timeOf(fill.end),
    redeemKey: hexOf(fill.redeemKey),
    receiptHash: hexOf(fill.receiptHash),
    reservation: reservationJson(fill.reservation),
    ended: fill.ended,
    holds: fill.holds,
  };
}

function reservationJson(reservation: Fill['reservation']): FillView['reservation'] {
  if (reservation === null) return null;
  const { pharmacy, sinceMs, until, mode } = reservation;
  return { pharmacy, sinceAt: timeOf(sinceMs), until: timeOf(until), mode };
}

function eventJson(event: DispenseEvent): JsonOf<DispenseEvent> {
  return {
    eventId: hexOf(event.eventId),
    pharmacy: event.pharmacy,
    time: timeOf(event.timeMs),
    items: event.items,
    parcelId: hexOrNull(event.parcelId),
    isReturned: event.isReturned,
    receivedAt: timeOrNull(event.receivedMs),
    withdrawnAt: timeOrNull(event.withdrawnMs),
    claimId: hexOrNull(event.claimId),
  };
}

export function parcelView(parcel: Parcel, policy: Policy, timeMs: Timestamp): ParcelView {
  return {
    ...toJson(parcelSchema, parcel),
    isOverdue: isOverdue(parcel, timeMs),
    isUnconfirmed: isUnconfirmed(parcel, policy, timeMs),
  };
}

export function claimView(claim: Claim, status: ClaimView['status']): ClaimView {
  const { estimatedMs, ...same } = claim;
  return {
    ...same,
    claimId: hexOf(claim.claimId),
    rxId: hexOf(claim.rxId),
    status,
    estimatedAt: timeOf(estimatedMs),
    eventIds: claim.eventIds.map(hexOf),
  };
}

export function timeOrNull(time: Timestamp | null): string | null {
  return time === null ? null : timeOf(time);
}

export function hexOrNull(id: Id | null): string | null {
  return id === null ? null : hexOf(id);
}
