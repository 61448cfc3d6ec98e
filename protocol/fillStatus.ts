/** What may be done with a fill now: the one answer that every transition and every view asks for, from record, keys and block time. */
import type { Id, MemberName, Timestamp } from './brand.ts';
import { wasCompromised } from './practitionerKey.ts';
import {
  readPrescription,
  type DispenseEvent,
  type Fill,
  type Item,
  type Prescription,
} from './prescription.ts';
import type { RecordReader } from './record.ts';
import { accepted, refused, type Result } from './result.ts';

export interface FoundFill {
  readonly prescription: Prescription;
  readonly fill: Fill;
  /** Issued under a key that was compromised by then. */
  readonly isVoided: boolean;
}

/** Refusals: `prescriptionUnknown`, `fillUnknown`. */
export function findFill(state: RecordReader, rxId: Id, k: number): Result<FoundFill> {
  const prescription = readPrescription(state, rxId);
  if (prescription === null) return refused('prescriptionUnknown');
  const fill = prescription.fills[k];
  if (fill === undefined) return refused('fillUnknown');
  return accepted({ prescription, fill, isVoided: isVoided(state, prescription) });
}

/**
 * Judged when it is asked, by the present standing of the keys: a revocation touches no prescription, however many were
 * signed. What was supplied by then stands, and is shown with this flag.
 */
export function isVoided(state: RecordReader, { signedBy, issuedMs }: Prescription): boolean {
  return signedBy.some((key) => wasCompromised(state, key, issuedMs));
}

/** Units of an item that fill `k` entitles to: none in fills beyond the item's repeats, nor of an unknown item. */
export function unitsPrescribed(prescription: Prescription, k: number, itemId: number): number {
  const item = prescription.items.find((candidate) => candidate.itemId === itemId);
  return item === undefined || k > item.repeats ? 0 : item.units;
}

/** Units of an item over some of a fill's events, without those that were withdrawn. */
export function unitsOfEvents(events: readonly DispenseEvent[], itemId: number): number {
  let units = 0;
  for (const event of events) {
    if (event.withdrawnMs !== null) continue;
    for (const item of event.items) if (item.itemId === itemId) units += item.units;
  }
  return units;
}

export function unitsRemaining(prescription: Prescription, fill: Fill, itemId: number): number {
  return unitsPrescribed(prescription, fill.k, itemId) - unitsOfEvents(fill.events, itemId);
}

export function isWhollyDispensed(prescription: Prescription, fill: Fill): boolean {
  return prescription.items.every((item) => unitsRemaining(prescription, fill, item.itemId) === 0);
}

/** Some of it was supplied, and not taken back. */
export function isSupplied(fill: Fill): boolean {
  return fill.events.some((event) => event.withdrawnMs === null);
}

/** Dispensed, and neither shipped nor received nor taken back; or back again under its seal. */
export function isAtCounter({ parcelId, receivedMs, withdrawnMs }: DispenseEvent): boolean {
  return parcelId === null && receivedMs === null && withdrawnMs === null;
}

/** When this fill's right to this item ends. */
export function endOfItem(prescription: Prescription, fill: Fill, item: Item): number {
  return Math.min(item.validUntil ?? prescription.validUntil, prescription.validUntil, fill.end);
}

/** The last end of an item of which something remains; 0 if nothing does. */
export function endOfFill(prescription: Prescription, fill: Fill): number {
  let end = 0;
  for (const item of prescription.items) {
    if (unitsRemaining(prescription, fill, item.itemId) > 0)
      end = Math.max(end, endOfItem(prescription, fill, item));
  }
  return end;
}

export const fillStatuses = [
  'pendingReview',
  'ready',
  'reserved',
  'dispensing',
  'dispensed',
  /** Ended by the pharmacy with a part supplied and the rest given up. */
  'closed',
  'refused',
  'cancelled',
  'expired',
  /** Issued under a compromised key, and not wholly supplied before that was known. */
  'voided',
] as const;
export type FillStatus = (typeof fillStatuses)[number];

/**
 * The one answer to "what may be done with this fill now". Ends come first (I4); a live reservation outlives the
 * prescription up to its own `until`; lapse and expiry need no transaction. `timeMs` is block time.
 */
export function statusOfFill(
  { prescription, fill, isVoided: isVoid }: FoundFill,
  timeMs: Timestamp,
): FillStatus {
  if (fill.ended === 'cancelled') return 'cancelled';
  if (fill.ended === 'partial') return 'closed';
  if (isWhollyDispensed(prescription, fill)) return 'dispensed';
  if (prescription.status === 'refused') return 'refused';
  if (isVoid) return 'voided';
  if (holderOfFill(fill, timeMs) !== null) return isSupplied(fill) ? 'dispensing' : 'reserved';
  if (timeMs >= endOfFill(prescription, fill)) return 'expired';
  return prescription.status === 'pendingReview' ? 'pendingReview' : 'ready';
}

/** Neither ended nor over: something may still happen to it. */
export function isOpen(found: FoundFill, timeMs: Timestamp): boolean {
  const status = statusOfFill(found, timeMs);
  return status === 'pendingReview' || status === 'ready' || status === 'reserved' || status === 'dispensing';
}

/** The pharmacy whose reservation is live (I1: at most one), or null. */
export function holderOfFill(fill: Fill, timeMs: Timestamp): MemberName | null {
  const { reservation } = fill;
  return reservation !== null && timeMs < reservation.until ? reservation.pharmacy : null;
}

/** The pharmacy that the patient chose, while the choice is in force. */
export function nominatedPharmacy({ nomination }: Prescription, timeMs: Timestamp): MemberName | null {
  return nomination !== null && timeMs < nomination.until ? nomination.pharmacy : null;
}

/** Who may have the sealed documents opened: the hospital, and each pharmacy that holds or supplied a fill. */
export function mayRead(prescription: Prescription, member: MemberName, timeMs: Timestamp): boolean {
  if (prescription.hospital === member) return true;
  return prescription.fills.some(
    (fill) =>
      (holderOfFill(fill, timeMs) === member && fill.ended !== 'cancelled') ||
      fill.events.some((event) => event.pharmacy === member),
  );
}
