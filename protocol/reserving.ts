/** How a pharmacy comes to hold a fill, keeps it, and gives it back. */
import { authoriseOne, type Context } from './authorisation.ts';
import type { MemberName, Timestamp } from './brand.ts';
import {
  changedFill,
  pharmacistOf,
  requireHolder,
  type ExtendBody,
  type ReserveBody,
  type ReturnBody,
} from './fill.ts';
import {
  endOfFill,
  findFill,
  holderOfFill,
  nominatedPharmacy,
  statusOfFill,
  type FoundFill,
} from './fillStatus.ts';
import { invariant, present, unreachable } from './invariant.ts';
import { isIntervalOver } from './interval.ts';
import { readPolicy, type ReservationMode } from './policy.ts';
import { applied, type Applied } from './record.ts';
import { accepted, refused, type Result } from './result.ts';

/**
 * The same pharmacy again gets the same answer, without a change. Refusals: `prescriptionUnknown`, `fillUnknown`,
 * `notPermitted` (for another pharmacy), `nominatedElsewhere`, `redeemKeyWrong`, those of `authorise`, by the fill's
 * status `fillReserved`, `reviewPending`, `prescriptionExpired`, `prescriptionNotOpen`, `prescriptionVoided`,
 * `fillNotReady` (dispensed or closed), and `onHold`, `fillOutOfWindow`, `reservationTooLong`.
 */
export function reserve(context: Context, body: ReserveBody): Result<Applied> {
  const { state, member, timeMs } = context;
  const found = findFill(state, body.rxId, body.k);
  if (!found.ok) return found;
  const { prescription, fill } = found.value;
  if (body.pharmacy !== member) return refused('notPermitted');
  const signed = authoriseReserve(context, found.value);
  if (!signed.ok) return signed;
  if (isHeldBy(found.value, member, timeMs)) return accepted(applied([body.rxId], []));
  const ready = requireReady(found.value, timeMs);
  if (!ready.ok) return ready;
  if (fill.holds.length > 0) return refused('onHold');
  if (timeMs < fill.start) return refused('fillOutOfWindow', 'start');
  const isDue = prescription.items.some((item) => isIntervalOver(found.value, item, timeMs));
  if (!isDue) return refused('fillOutOfWindow', 'intervalDays');
  const bounded = checkUntil(context, found.value, body);
  if (!bounded.ok) return bounded;
  invariant(holderOfFill(fill, timeMs) === null, 'at most one live reservation');
  const { until, mode } = body;
  const reservation = { pharmacy: member, sinceMs: timeMs, until, mode };
  return accepted(changedFill(prescription, { ...fill, reservation }));
}

/** From now by the mode's limit again at most. Refusals: `prescriptionUnknown`, `fillUnknown`, those of `authorise` and of `requireHolder`, `fillOutOfWindow` (no later than before), `reservationTooLong`. */
export function extend(context: Context, body: ExtendBody): Result<Applied> {
  const found = findFill(context.state, body.rxId, body.k);
  if (!found.ok) return found;
  const { prescription, fill } = found.value;
  const signer = authoriseOne(context, pharmacistOf(context, prescription));
  if (!signer.ok) return signer;
  const held = requireHolder(context, found.value);
  if (!held.ok) return held;
  const before = present(fill.reservation, 'a holder has a reservation');
  if (body.until <= before.until) return refused('fillOutOfWindow', 'until');
  const bounded = checkUntil(context, found.value, { until: body.until, mode: before.mode });
  if (!bounded.ok) return bounded;
  return accepted(changedFill(prescription, { ...fill, reservation: { ...before, until: body.until } }));
}

/** Refusals: `prescriptionUnknown`, `fillUnknown`, those of `authorise` and of `requireHolder`. */
export function returnFill(context: Context, body: ReturnBody): Result<Applied> {
  const found = findFill(context.state, body.rxId, body.k);
  if (!found.ok) return found;
  const { prescription, fill } = found.value;
  const signer = authoriseOne(context, pharmacistOf(context, prescription));
  if (!signer.ok) return signer;
  const held = requireHolder(context, found.value);
  if (!held.ok) return held;
  return accepted(changedFill(prescription, { ...fill, reservation: null }));
}

/** With the patient's redeem key, or by the patient's nomination; against a nomination the redeem key opens nothing. */
function authoriseReserve(context: Context, { prescription, fill }: FoundFill): Result<unknown> {
  const place = pharmacistOf(context, prescription);
  const nominated = nominatedPharmacy(prescription, context.timeMs);
  if (nominated !== null && nominated !== context.member) return refused('nominatedElsewhere');
  if (context.keys.includes(fill.redeemKey)) return authoriseOne(context, place, [fill.redeemKey]);
  return nominated === null ? refused('redeemKeyWrong') : authoriseOne(context, place);
}

/** A live reservation may outlive the prescription, by the grace only. */
function checkUntil(
  { state, timeMs }: Context,
  { prescription, fill }: FoundFill,
  wanted: { readonly until: Timestamp; readonly mode: ReservationMode },
): Result<null> {
  if (wanted.until <= timeMs) return refused('fillOutOfWindow', 'until');
  const policy = readPolicy(state);
  const end = endOfFill(prescription, fill) + policy.graceMs;
  const untilMax = Math.min(timeMs + policy.reserveMsMax[wanted.mode], end);
  return wanted.until > untilMax ? refused('reservationTooLong') : accepted(null);
}

function isHeldBy(found: FoundFill, pharmacy: MemberName, timeMs: Timestamp): boolean {
  const status = statusOfFill(found, timeMs);
  return (status === 'reserved' || status === 'dispensing') && holderOfFill(found.fill, timeMs) === pharmacy;
}

function requireReady(found: FoundFill, timeMs: Timestamp): Result<null> {
  const status = statusOfFill(found, timeMs);
  switch (status) {
    case 'ready':
      return accepted(null);
    case 'pendingReview':
      return refused('reviewPending');
    case 'reserved':
    case 'dispensing':
      return refused('fillReserved');
    case 'expired':
      return refused('prescriptionExpired');
    case 'cancelled':
    case 'refused':
      return refused('prescriptionNotOpen');
    case 'voided':
      return refused('prescriptionVoided');
    case 'dispensed':
    case 'closed':
      return refused('fillNotReady');
    default:
      return unreachable(status);
  }
}
