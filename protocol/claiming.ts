/** The first steps of a claim, from the estimate to the submission; claimClosing.ts has the others. */
import { authoriseOne, type Context } from './authorisation.ts';
import type { Amount } from './brand.ts';
import {
  adjudicationIn,
  areLinesOf,
  readClaim,
  sumOf,
  type AdjudicateBody,
  type Adjudication,
  type Claim,
  type ClaimLine,
  type EstimateBody,
  type PayBody,
  type SubmitBody,
} from './claim.ts';
import { adjudicatorOf, claimChanged, claimOfPharmacy, pharmacistOf } from './claimParty.ts';
import { invariant } from './invariant.ts';
import { requireMember } from './membership.ts';
import { amountMax } from './limits.ts';
import { readPolicy } from './policy.ts';
import { findFill, holderOfFill, unitsOfEvents, unitsPrescribed, type FoundFill } from './fillStatus.ts';
import { prescriptionRecord, withFill, type DispenseEvent } from './prescription.ts';
import type { Applied } from './record.ts';
import { accepted, refused, type Result } from './result.ts';

/**
 * Refusals: `claimExists`, `prescriptionUnknown`, `fillUnknown`, those of `authorise`, `memberUnknown`,
 * `memberNotActive`, `roleMissing` (insurer), `notHolder`, `itemsInvalid`, `itemUnknown`, `quantityExceeded`, `tooLate`
 * (handed over before), `amountsDoNotAdd`.
 */
export function estimate(context: Context, body: EstimateBody): Result<Applied> {
  const { state, member, timeMs } = context;
  if (readClaim(state, body.claimId) !== null) return refused('claimExists');
  const found = findFill(state, body.rxId, body.k);
  if (!found.ok) return found;
  const signer = authoriseOne(context, pharmacistOf(member));
  if (!signer.ok) return signer;
  const insurer = requireMember(state, body.insurer, ['insurer']);
  if (!insurer.ok) return insurer;
  const { fill } = found.value;
  const isSupplier = fill.events.some((event) => event.pharmacy === member && event.withdrawnMs === null);
  if (holderOfFill(fill, timeMs) !== member && !isSupplier) return refused('notHolder');
  const itemIds = body.lines.map((line) => line.itemId);
  if (new Set(itemIds).size !== itemIds.length) return refused('itemsInvalid', 'lines');
  const units = checkUnits(found.value, body.lines);
  if (!units.ok) return units;
  if (sumOf(body.lines.map((line) => line.price)) !== body.total) return refused('amountsDoNotAdd');
  const claim: Claim = {
    claimId: body.claimId,
    rxId: body.rxId,
    k: body.k,
    pharmacy: member,
    insurer: body.insurer,
    status: 'estimated',
    estimatedMs: timeMs,
    lines: body.lines,
    total: body.total,
    adjudication: null,
    payments: [],
    eventIds: [],
    dispute: null,
    settled: null,
    statementIndex: null,
    reversalCount: 0,
    reversed: [],
  };
  return accepted(claimChanged(claim));
}

/**
 * I8: price = covered + patientPays, per line and so in total; a rejected claim covers nothing, and `unknown` says nothing. Refusals:
 * `claimUnknown`, those of `authorise`, `claimPartyWrong`, `claimState`, `tooLate` (estimate too old, or handed over
 * before), `itemsInvalid` (other lines than the estimate's), `amountsDoNotAdd`.
 */
export function adjudicate(context: Context, body: AdjudicateBody): Result<Applied> {
  const { state, member, timeMs } = context;
  const claim = readClaim(state, body.claimId);
  if (claim === null) return refused('claimUnknown');
  const signer = authoriseOne(context, adjudicatorOf(member));
  if (!signer.ok) return signer;
  if (claim.insurer !== member) return refused('claimPartyWrong');
  if (claim.status !== 'estimated') return refused('claimState');
  if (timeMs > claim.estimatedMs + readPolicy(state).adjudicationMs)
    return refused('tooLate', 'adjudicationMs');
  const found = findFill(state, claim.rxId, claim.k);
  invariant(found.ok, 'a claim has its fill');
  const units = checkUnits(found.value, claim.lines);
  if (!units.ok) return units;
  const adjudication = adjudicationOf(claim, body);
  if (!adjudication.ok) return adjudication;
  return accepted(claimChanged({ ...claim, ...adjudication.value }));
}

/**
 * Refusals: `claimUnknown`, those of `authorise`, `claimPartyWrong`, `claimState`, `amountMismatch`, `amountsDoNotAdd` (the sources
 * are not the sum, or one gives nothing).
 */
export function pay(context: Context, body: PayBody): Result<Applied> {
  const own = claimOfPharmacy(context, body.claimId);
  if (!own.ok) return own;
  const claim = own.value;
  if (claim.status !== 'adjudicated') return refused('claimState');
  if (body.patientPaid !== adjudicationIn(claim).patientPays) return refused('amountMismatch');
  const isSum = sumOf(body.payments.map((payment) => payment.amount)) === body.patientPaid;
  const isSound = body.payments.length > 0 && body.payments.every((payment) => payment.amount > 0);
  // A patient who has nothing to pay may be said to have paid it.
  if (!isSum || !(isSound || body.patientPaid === 0)) return refused('amountsDoNotAdd');
  return accepted(claimChanged({ ...claim, status: 'patientPaid', payments: body.payments }));
}

/**
 * I9: claimed units ≤ units of the named events, each event in one claim. Refusals: `claimUnknown`, those of
 * `authorise`, `claimPartyWrong`, `claimState` (also: the patient has not paid their part), `amountMismatch` (other
 * lines than adjudicated), `dispenseEventUnknown`, `dispenseEventClaimed`, `quantityExceeded`.
 */
export function submit(context: Context, body: SubmitBody): Result<Applied> {
  const own = claimOfPharmacy(context, body.claimId);
  if (!own.ok) return own;
  const claim = own.value;
  const isReady = claim.status === 'adjudicated' && adjudicationIn(claim).patientPays === 0;
  if (!isReady && claim.status !== 'patientPaid') return refused('claimState');
  if (body.total !== claim.total || !areSameLines(body.lines, claim.lines)) return refused('amountMismatch');
  const found = findFill(context.state, claim.rxId, claim.k);
  invariant(found.ok, 'a claim has its fill');
  const { prescription, fill } = found.value;
  const events = claimableEvents(found.value, claim, body);
  if (!events.ok) return events;
  const isCovered = claim.lines.every(({ itemId, units }) => units <= unitsOfEvents(events.value, itemId));
  if (!isCovered) return refused('quantityExceeded');
  const claimed = fill.events.map((event) =>
    body.eventIds.includes(event.eventId) ? { ...event, claimId: claim.claimId } : event,
  );
  const submitted: Claim = { ...claim, status: 'submitted', eventIds: body.eventIds };
  const prescriptionWrite = prescriptionRecord(withFill(prescription, { ...fill, events: claimed }));
  return accepted(claimChanged(submitted, [prescriptionWrite]));
}

/** The patient learns the price before hand-over: only units that are still in the pharmacy can be estimated. */
function checkUnits({ prescription, fill }: FoundFill, lines: readonly ClaimLine[]): Result<null> {
  const handedOver = fill.events.filter((event) => event.parcelId !== null || event.receivedMs !== null);
  for (const { itemId, units } of lines) {
    const prescribed = unitsPrescribed(prescription, fill.k, itemId);
    if (prescribed === 0) return refused('itemUnknown');
    if (units > prescribed) return refused('quantityExceeded');
    if (units > prescribed - unitsOfEvents(handedOver, itemId)) return refused('tooLate');
  }
  return accepted(null);
}

/** What an adjudication changes in its claim. */
function adjudicationOf(
  claim: Claim,
  body: AdjudicateBody,
): Result<Pick<Claim, 'status'> & { readonly adjudication: Adjudication }> {
  const { outcome, lines } = body;
  if (outcome === 'unknown') {
    if (lines.length > 0) return refused('itemsInvalid', 'lines');
    const nothing = { outcome, lines, covered: 0 as Amount, patientPays: 0 as Amount };
    return accepted({ status: 'unknown', adjudication: nothing });
  }
  if (!areLinesOf(claim, lines)) return refused('itemsInvalid', 'lines');
  const isSplit = lines.every((line, index) => line.covered + line.patientPays === claim.lines[index]?.price);
  if (!isSplit) return refused('amountsDoNotAdd');
  const covered = sumOf(lines.map((line) => line.covered)) as Amount;
  const patientPays = sumOf(lines.map((line) => line.patientPays)) as Amount;
  if (outcome === 'reject' && covered > 0) return refused('amountsDoNotAdd', 'outcome');
  invariant(covered + patientPays === claim.total, 'price = covered + patientPays');
  invariant(claim.total <= amountMax, 'a total is within bounds');
  const adjudication = { outcome, lines, covered, patientPays };
  return accepted({ status: outcome === 'approve' ? 'adjudicated' : 'rejected', adjudication });
}

function areSameLines(left: readonly ClaimLine[], right: readonly ClaimLine[]): boolean {
  return (
    left.length === right.length &&
    left.every((line, index) => {
      const other = right[index];
      return line.itemId === other?.itemId && line.units === other.units && line.price === other.price;
    })
  );
}

/** Events of this fill by the claim's pharmacy, named once each, in no claim yet. */
function claimableEvents(found: FoundFill, claim: Claim, body: SubmitBody): Result<readonly DispenseEvent[]> {
  if (new Set(body.eventIds).size !== body.eventIds.length) return refused('dispenseEventClaimed');
  const events: DispenseEvent[] = [];
  for (const eventId of body.eventIds) {
    const event = found.fill.events.find((candidate) => candidate.eventId === eventId);
    if (event?.pharmacy !== claim.pharmacy || event.withdrawnMs !== null)
      return refused('dispenseEventUnknown');
    if (event.claimId !== null) return refused('dispenseEventClaimed');
    events.push(event);
  }
  return accepted(events);
}
