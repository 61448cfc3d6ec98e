/** What a pharmacy supplies from the fill that it holds, takes back, and closes. */
import { authorise, authoriseOne, type Context, type Signer } from './authorisation.ts';
import { readParcel } from './parcel.ts';
import {
  changedFill,
  pharmacistOf,
  requireHolder,
  type CloseBody,
  type DispenseBody,
  type WithdrawBody,
} from './fill.ts';
import {
  endOfItem,
  findFill,
  isSupplied,
  isWhollyDispensed,
  statusOfFill,
  unitsPrescribed,
  unitsRemaining,
  type FoundFill,
} from './fillStatus.ts';
import { isIntervalOver } from './interval.ts';
import { invariant, present } from './invariant.ts';
import { dispenseEventsMax } from './limits.ts';
import { encodePack, packRecordKey, readPack } from './pack.ts';
import { readPolicy, type Policy } from './policy.ts';
import {
  prescriptionRecord,
  withFill,
  type DispenseEvent,
  type Fill,
  type Item,
  type Prescription,
} from './prescription.ts';
import { applied, type Applied, type RecordChange, type RecordWrite } from './record.ts';
import { accepted, refused, type Result } from './result.ts';

/**
 * Supply, whole or in part, by the holder only (I5). Refusals: `prescriptionUnknown`, `fillUnknown`, those of `authorise`,
 * `wrongSigners` (one person with two keys), `dispenserNotSeparate`, `eventExists`, those of `requireHolder`, `onHold`,
 * `tooLarge` (events), `itemsInvalid`, `itemUnknown`, `quantityExceeded`, `itemExpired`, `fillOutOfWindow`,
 * `substitutionNotAllowed`, `packSpent`.
 */
export function dispense(context: Context, body: DispenseBody): Result<Applied> {
  const { state, member, timeMs } = context;
  const found = findFill(state, body.rxId, body.k);
  if (!found.ok) return found;
  const { prescription, fill } = found.value;
  const policy = readPolicy(state);
  const signed = authoriseDispense(context, prescription, policy);
  if (!signed.ok) return signed;
  if (hasEvent(prescription, body.eventId)) return refused('eventExists');
  const held = requireHolder(context, found.value);
  if (!held.ok) return held;
  if (fill.holds.length > 0) return refused('onHold');
  if (fill.events.length >= dispenseEventsMax) return refused('tooLarge', 'events');
  const checked = checkSupply(context, found.value, body);
  if (!checked.ok) return checked;
  const packs = spendPacks(context, body);
  if (!packs.ok) return packs;
  const event: DispenseEvent = {
    eventId: body.eventId,
    pharmacy: member,
    timeMs,
    items: body.items.map(({ itemId, units }) => ({ itemId, units })),
    parcelId: null,
    isReturned: false,
    receivedMs: null,
    withdrawnMs: null,
    claimId: null,
  };
  const supplied: Fill = { ...fill, events: [...fill.events, event] };
  for (const { itemId } of prescription.items) {
    invariant(unitsRemaining(prescription, supplied, itemId) >= 0, 'dispensed exceeds prescribed');
  }
  const writes = [prescriptionRecord(withFill(prescription, supplied)), ...packs.value];
  return accepted(applied([body.rxId], writes));
}

/**
 * Refusals: `prescriptionUnknown`, `fillUnknown`, those of `authorise`, `notHolder`; for `complete` `fillNotReady`
 * (something remains) and `tooLate` (closed before); for `partial` `tooLate` (nothing remains), those of
 * `requireHolder`, and `nothingDispensed`.
 */
export function closeFill(context: Context, body: CloseBody): Result<Applied> {
  const found = findFill(context.state, body.rxId, body.k);
  if (!found.ok) return found;
  const { prescription, fill } = found.value;
  const signer = authoriseOne(context, pharmacistOf(context, prescription));
  if (!signer.ok) return signer;
  const allowed =
    body.outcome === 'complete' ? checkComplete(context, found.value) : checkPartial(context, found.value);
  if (!allowed.ok) return allowed;
  return accepted(changedFill(prescription, { ...fill, ended: body.outcome }));
}

/**
 * The supply counts no more, and its units are the fill's again: also of a fill that was wholly dispensed, the one end that
 * is not for ever (I4). Refusals: `prescriptionUnknown`, `fillUnknown`, `dispenseEventUnknown` (also: another pharmacy's),
 * those of `authorise`, `eventWithdrawn`, `dispenseEventClaimed`, `parcelState` (on its way), `restockNotAllowed`,
 * `packUnknown`.
 */
export function withdraw(context: Context, body: WithdrawBody): Result<Applied> {
  const found = findFill(context.state, body.rxId, body.k);
  if (!found.ok) return found;
  const { prescription, fill } = found.value;
  const event = fill.events.find((candidate) => candidate.eventId === body.eventId);
  if (event?.pharmacy !== context.member) return refused('dispenseEventUnknown');
  const named = event.receivedMs === null ? [] : [prescription.ownerKey];
  const signer = authoriseOne(context, pharmacistOf(context, prescription), named);
  if (!signer.ok) return signer;
  if (event.withdrawnMs !== null) return refused('eventWithdrawn');
  if (event.claimId !== null) return refused('dispenseEventClaimed');
  const isShipped = event.parcelId !== null && event.receivedMs === null;
  if (isShipped && !isBack(context, event)) return refused('parcelState');
  const packs = restock(context, event, body);
  if (!packs.ok) return packs;
  const withdrawn: DispenseEvent = { ...event, withdrawnMs: context.timeMs };
  const events = fill.events.map((other) => (other.eventId === event.eventId ? withdrawn : other));
  const ended = fill.ended === 'complete' ? null : fill.ended;
  const write = prescriptionRecord(withFill(prescription, { ...fill, events, ended }));
  return accepted(applied([body.rxId], [write, ...packs.value]));
}

/** One pharmacist; for a controlled class two persons. By policy neither prescribed nor reviewed it. */
function authoriseDispense(context: Context, prescription: Prescription, policy: Policy): Result<unknown> {
  const place = pharmacistOf(context, prescription);
  const isControlled = prescription.class === 'controlled';
  const signers = authorise(context, isControlled ? [place, place] : [place]);
  if (!signers.ok) return signers;
  const [first, second] = signers.value;
  if (first?.practitioner.id === second?.practitioner.id) return refused('wrongSigners');
  const isApart = ({ practitioner: { id } }: Signer): boolean =>
    id !== prescription.prescriber && id !== prescription.reviewer;
  if (policy.isDispenserSeparate && !signers.value.every(isApart)) return refused('dispenserNotSeparate');
  return accepted(null);
}

function hasEvent(prescription: Prescription, eventId: string): boolean {
  return prescription.fills.some((fill) => fill.events.some((event) => event.eventId === eventId));
}

function checkSupply(context: Context, found: FoundFill, body: DispenseBody): Result<null> {
  const { prescription, fill } = found;
  const itemIds = body.items.map((item) => item.itemId);
  if (new Set(itemIds).size !== itemIds.length) return refused('itemsInvalid', 'items');
  const isSubstituted = body.items.some((item) => item.equivalence === 'equivalent');
  if (isSubstituted !== (body.substitution !== null)) return refused('itemsInvalid', 'substitution');
  for (const { itemId, units, equivalence } of body.items) {
    const item = prescription.items.find((candidate) => candidate.itemId === itemId);
    if (item === undefined || unitsPrescribed(prescription, fill.k, itemId) === 0)
      return refused('itemUnknown');
    if (units > unitsRemaining(prescription, fill, itemId)) return refused('quantityExceeded');
    if (!isInTime(context, found, item)) return refused('itemExpired');
    if (!isIntervalOver(found, item, context.timeMs)) return refused('fillOutOfWindow', 'intervalDays');
    if (equivalence === 'equivalent' && !maySubstitute(context, prescription, { item, body }))
      return refused('substitutionNotAllowed');
  }
  return accepted(null);
}

/** Before the item's end, or reserved before it and within the grace. */
function isInTime({ state, timeMs }: Context, { prescription, fill }: FoundFill, item: Item): boolean {
  const end = endOfItem(prescription, fill, item);
  if (timeMs < end) return true;
  const { sinceMs } = present(fill.reservation, 'a holder has a reservation');
  return sinceMs < end && timeMs < end + readPolicy(state).graceMs;
}

interface Substitution {
  readonly item: Item;
  readonly body: DispenseBody;
}

/** I19: by the prescriber's flag, by their decision, or by the shortage rule that the pharmacist names, while it is in force. */
function maySubstitute(
  { state, timeMs }: Context,
  prescription: Prescription,
  { item, body }: Substitution,
): boolean {
  if (item.substitutionAllowed) return true;
  const decided = prescription.substitutions.find(({ itemId }) => itemId === item.itemId);
  if (decided?.decision === 'allowed') return true;
  return readPolicy(state).shortages.some(
    ({ rule, start, end }) => rule === body.substitution && start <= timeMs && timeMs < end,
  );
}

/** I15: each pack serial's hash is spent once, over all prescriptions. Refusal: `packSpent`. */
function spendPacks(context: Context, body: DispenseBody): Result<readonly RecordWrite[]> {
  const hashes = body.items.flatMap((item) => item.packHashes);
  if (new Set(hashes).size !== hashes.length) return refused('packSpent');
  const keys = hashes.map(packRecordKey);
  if (keys.some((key) => context.state.get(key) !== null)) return refused('packSpent');
  const { rxId, k, eventId } = body;
  const record = encodePack({ rxId, k, eventId });
  return accepted(keys.map((key) => [key, record] as const));
}

/** Its parcel came back broken; one that came back sealed is at the counter again. */
function isBack({ state }: Context, { parcelId }: DispenseEvent): boolean {
  return parcelId !== null && readParcel(state, parcelId)?.status === 'returned';
}

/**
 * Packs that never left the pharmacy may be spent again, since their supply never took place; packs that came back sealed,
 * if the policy says so; packs that the patient had or that came back broken, never.
 */
function restock(
  { state }: Context,
  event: DispenseEvent,
  { rxId, k, restockedHashes: hashes }: WithdrawBody,
): Result<readonly RecordChange[]> {
  if (hashes.length === 0) return accepted([]);
  const isInHand = event.receivedMs === null && event.parcelId === null;
  const isAllowed = isInHand && (!event.isReturned || readPolicy(state).isRestockAllowed);
  if (!isAllowed) return refused('restockNotAllowed');
  const keys = hashes.map(packRecordKey);
  // Another prescription may have an event of the same id: its packs are not ours to free.
  const isOwn = hashes.every((hash) => {
    const pack = readPack(state, hash);
    return pack?.rxId === rxId && pack.k === k && pack.eventId === event.eventId;
  });
  if (!isOwn || new Set(keys).size !== keys.length) return refused('packUnknown');
  return accepted(keys.map((key) => [key, null] as const));
}

function checkComplete(context: Context, found: FoundFill): Result<null> {
  if (statusOfFill(found, context.timeMs) !== 'dispensed') return refused('fillNotReady');
  const last = found.fill.events.findLast((event) => event.withdrawnMs === null);
  if (last?.pharmacy !== context.member) return refused('notHolder');
  return found.fill.ended === null ? accepted(null) : refused('tooLate');
}

function checkPartial(context: Context, found: FoundFill): Result<null> {
  if (isWhollyDispensed(found.prescription, found.fill)) return refused('tooLate');
  const held = requireHolder(context, found);
  if (!held.ok) return held;
  return isSupplied(found.fill) ? accepted(null) : refused('nothingDispensed');
}
