/** Records of the ledger as JSON, with what follows from them at a block time: nobody else needs to compute a status. */
import type { Id, MemberName, Timestamp } from '../../protocol/brand.ts';
import type { Claim } from '../../protocol/claim.ts';
import type { Parcel } from '../../protocol/delivery.ts';
import {
  holderOfFill,
  statusOfFill,
  unitsRemaining,
  type DispenseEvent,
  type Fill,
  type FillStatus,
  type Prescription,
} from '../../protocol/prescription.ts';
import type { settledStatus } from '../../protocol/settlement.ts';
import { hexOf, timeOf, type JsonOf } from './json.ts';

interface FillView extends JsonOf<Fill> {
  /** At the time of the latest block. */
  readonly status: FillStatus;
  readonly holder: MemberName | null;
  readonly remaining: readonly { readonly itemId: number; readonly units: number }[];
}

export interface PrescriptionView extends Omit<JsonOf<Prescription>, 'fills'> {
  readonly fills: readonly FillView[];
}

export interface ClaimView extends Omit<JsonOf<Claim>, 'status'> {
  /** With what follows from its statement. */
  readonly status: ReturnType<typeof settledStatus>;
}

export function prescriptionView(prescription: Prescription, timeMs: Timestamp): PrescriptionView {
  const { issuedMs, authoredOn, validUntil, reviewer, replaces, ...same } = prescription;
  return {
    ...same,
    rxId: hexOf(prescription.rxId),
    prescriber: hexOf(prescription.prescriber),
    issuedAt: timeOf(issuedMs),
    authoredOn: timeOf(authoredOn),
    validUntil: timeOf(validUntil),
    fills: prescription.fills.map((fill) => ({
      ...fillJson(fill),
      status: statusOfFill(prescription, fill, timeMs),
      holder: holderOfFill(fill, timeMs),
      remaining: prescription.items.map(({ itemId }) => ({
        itemId,
        units: unitsRemaining(prescription, fill, itemId),
      })),
    })),
    ownerKey: hexOf(prescription.ownerKey),
    reviewer: hexOrNull(reviewer),
    replaces: hexOrNull(replaces),
    blobHashes: prescription.blobHashes.map(hexOf),
  };
}

function fillJson(fill: Fill): JsonOf<Fill> {
  const { reservation, events } = fill;
  return {
    k: fill.k,
    start: timeOf(fill.start),
    end: timeOf(fill.end),
    redeemKey: hexOf(fill.redeemKey),
    receiptHash: hexOf(fill.receiptHash),
    reservation: reservation === null ? null : { ...reservation, until: timeOf(reservation.until) },
    ended: fill.ended,
    events: events.map(eventJson),
  };
}

function eventJson(event: DispenseEvent): JsonOf<DispenseEvent> {
  return {
    eventId: hexOf(event.eventId),
    pharmacy: event.pharmacy,
    time: timeOf(event.timeMs),
    items: event.items,
    parcelId: hexOrNull(event.parcelId),
    receivedAt: timeOrNull(event.receivedMs),
    claimId: hexOrNull(event.claimId),
  };
}

export function parcelView(parcel: Parcel): JsonOf<Parcel> {
  const { shippedMs, deliveredMs, receivedMs, ...same } = parcel;
  return {
    ...same,
    parcelId: hexOf(parcel.parcelId),
    rxId: hexOf(parcel.rxId),
    sealHash: hexOf(parcel.sealHash),
    deliverBy: timeOf(parcel.deliverBy),
    shippedAt: timeOf(shippedMs),
    deliveredAt: timeOrNull(deliveredMs),
    receivedAt: timeOrNull(receivedMs),
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

function hexOrNull(id: Id | null): string | null {
  return id === null ? null : hexOf(id);
}
