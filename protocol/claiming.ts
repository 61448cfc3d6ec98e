/** The steps of a claim, from the estimate to the amount that both sides will settle. */
import { authoriseOne, type Context, type Place, type Signer } from './authorisation.ts';
import type { Amount } from './brand.ts';
import {
  claimRecord,
  readClaim,
  type AcceptBody,
  type AdjudicateBody,
  type Adjudication,
  type Claim,
  type ClaimLine,
  type EstimateBody,
  type PayBody,
  type SubmitBody,
} from './claim.ts';
import { invariant, present } from './invariant.ts';
import { requireMember } from './membership.ts';
import { amountMax } from './limits.ts';
import { readPolicy } from './policy.ts';
import { findFill, holderOfFill, unitsOfEvents, unitsPrescribed, type FoundFill } from './fillStatus.ts';
import { prescriptionRecord, withFill, type DispenseEvent } from './prescription.ts';
import { applied, type Applied } from './record.ts';
import { accepted, refused, type Result } from './result.ts';
import { addToPosition } from './settlement.ts';

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
  const signer = authoriseOne(context, pharmacistPlace(context));
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
    patientPaid: null,
    eventIds: [],
    statementIndex: null,
  };
  return accepted(changed(claim));
}

/**
 * I8: price = covered + patientPays, per line and so in total; a rejected claim covers nothing. Refusals:
 * `claimUnknown`, those of `authorise`, `claimPartyWrong`, `claimState`, `tooLate` (estimate too old, or handed over
 * before), `itemsInvalid` (other lines than the estimate's), `amountsDoNotAdd`.
 */
export function adjudicate(context: Context, body: AdjudicateBody): Result<Applied> {
  const { state, member, timeMs } = context;
  const claim = readClaim(state, body.claimId);
  if (claim === null) return refused('claimUnknown');
  const signer = authoriseOne(context, adjudicatorPlace(context));
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
  const status = body.outcome === 'approve' ? 'adjudicated' : 'rejected';
  return accepted(changed({ ...claim, status, adjudication: adjudication.value }));
}

/** Refusals: `claimUnknown`, those of `authorise`, `claimPartyWrong`, `claimState`, `amountMismatch`. */
export function pay(context: Context, body: PayBody): Result<Applied> {
  const own = ownClaim(context, body.claimId);
  if (!own.ok) return own;
  const claim = own.value;
  if (claim.status !== 'adjudicated') return refused('claimState');
  if (body.patientPaid !== adjudicationIn(claim).patientPays) return refused('amountMismatch');
  return accepted(changed({ ...claim, status: 'patientPaid', patientPaid: body.patientPaid }));
}

/**
 * I9: claimed units ≤ units of the named events, each event in one claim. Refusals: `claimUnknown`, those of
 * `authorise`, `claimPartyWrong`, `claimState` (also: the patient has not paid their part), `amountMismatch` (other
 * lines than adjudicated), `dispenseEventUnknown`, `dispenseEventClaimed`, `quantityExceeded`.
 */
export function submit(context: Context, body: SubmitBody): Result<Applied> {
  const own = ownClaim(context, body.claimId);
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
  return accepted(applied(subjectsOf(claim), [claimRecord(submitted), prescriptionWrite]));
}

/**
 * By either side: the insurer fixed the amount when it adjudicated, the ledger proved the supply when it was submitted.
 * Refusals: `claimUnknown`, those of `authorise`, `claimPartyWrong`, `claimState`, `tooLarge` (settle first).
 */
export function accept(context: Context, body: AcceptBody): Result<Applied> {
  const claim = readClaim(context.state, body.claimId);
  if (claim === null) return refused('claimUnknown');
  const isInsurer = context.member === claim.insurer;
  const signer = authoriseOne(context, isInsurer ? adjudicatorPlace(context) : pharmacistPlace(context));
  if (!signer.ok) return signer;
  if (!isInsurer && context.member !== claim.pharmacy) return refused('claimPartyWrong');
  if (claim.status !== 'submitted') return refused('claimState');
  const { covered } = adjudicationIn(claim);
  const position = addToPosition(context.state, { ...claim, covered });
  if (!position.ok) return position;
  const { statementIndex, write } = position.value;
  const final: Claim = { ...claim, status: 'accepted', statementIndex };
  return accepted(applied(subjectsOf(claim), [claimRecord(final), write]));
}

function subjectsOf(claim: Claim): Applied['subjects'] {
  return [claim.rxId, claim.claimId];
}

function changed(claim: Claim): Applied {
  return applied(subjectsOf(claim), [claimRecord(claim)]);
}

function pharmacistPlace({ member }: Context): Place {
  return { member, memberRoles: ['pharmacy'], roles: ['pharmacist'], scope: null, id: null };
}

function adjudicatorPlace({ member }: Context): Place {
  return { member, memberRoles: ['insurer'], roles: ['adjudicator'], scope: null, id: null };
}

/** The claim, if a pharmacist of its pharmacy signed. Refusals: `claimUnknown`, those of `authorise`, `claimPartyWrong`. */
function ownClaim(context: Context, claimId: Claim['claimId']): Result<Claim> {
  const claim = readClaim(context.state, claimId);
  if (claim === null) return refused('claimUnknown');
  const signer: Result<Signer> = authoriseOne(context, pharmacistPlace(context));
  if (!signer.ok) return signer;
  return claim.pharmacy === context.member ? accepted(claim) : refused('claimPartyWrong');
}

function adjudicationIn(claim: Claim): Adjudication {
  return present(claim.adjudication, 'a claim past its estimate has been adjudicated');
}

/** At most 20 amounts of at most 10^12 each: a safe integer. */
function sumOf(amounts: readonly Amount[]): number {
  let sum = 0;
  for (const amount of amounts) sum += amount;
  return sum;
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

function adjudicationOf(claim: Claim, body: AdjudicateBody): Result<Adjudication> {
  const { outcome, lines } = body;
  const isSameOrder =
    lines.length === claim.lines.length &&
    lines.every((line, index) => line.itemId === claim.lines[index]?.itemId);
  if (!isSameOrder) return refused('itemsInvalid', 'lines');
  const isSplit = lines.every((line, index) => line.covered + line.patientPays === claim.lines[index]?.price);
  if (!isSplit) return refused('amountsDoNotAdd');
  const covered = sumOf(lines.map((line) => line.covered));
  const patientPays = sumOf(lines.map((line) => line.patientPays));
  if (outcome === 'reject' && covered > 0) return refused('amountsDoNotAdd', 'outcome');
  invariant(covered + patientPays === claim.total, 'price = covered + patientPays');
  invariant(claim.total <= amountMax, 'a total is within bounds');
  return accepted({ outcome, lines, covered: covered as Amount, patientPays: patientPays as Amount });
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
