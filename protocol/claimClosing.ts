/** The last steps of a claim: the amount that both sides will settle, disputes about it, and what goes back afterwards. */
import { authorise, type Context } from './authorisation.ts';
import type { Amount, Id } from './brand.ts';
import {
  adjudicationIn,
  areLinesOf,
  claimStatusAt,
  readClaim,
  sumOf,
  type AcceptBody,
  type Claim,
  type DisputeBody,
  type RecoupBody,
  type ReverseBody,
  type ReversedLine,
} from './claim.ts';
import {
  adjudicatorOf,
  claimChanged,
  claimOfEither,
  claimOfPharmacy,
  claimSettled,
  pharmacistOf,
} from './claimParty.ts';
import { invariant, present } from './invariant.ts';
import { claimReversalsMax } from './limits.ts';
import { findFill, unitsOfEvents } from './fillStatus.ts';
import { readPolicy } from './policy.ts';
import { prescriptionRecord, withFill } from './prescription.ts';
import type { Applied, RecordWrite } from './record.ts';
import { accepted, refused, type Result } from './result.ts';
import { addToPosition } from './settlement.ts';

/**
 * By either side, as often as they like: the newest offer stands. Refusals: `claimUnknown`, those of `authorise`, `claimPartyWrong`,
 * `claimState`, `itemsInvalid` (other lines than the claim's), `amountMismatch` (more than was adjudicated).
 */
export function dispute(context: Context, body: DisputeBody): Result<Applied> {
  const found = claimOfEither(context, body.claimId);
  if (!found.ok) return found;
  const claim = found.value;
  if (claim.status !== 'submitted' && claim.status !== 'disputed') return refused('claimState');
  if (!areLinesOf(claim, body.lines)) return refused('itemsInvalid', 'lines');
  const { lines } = adjudicationIn(claim);
  const isLess = body.lines.every((line, index) => line.covered <= (lines[index]?.covered ?? 0));
  if (!isLess) return refused('amountMismatch');
  const covered = body.lines.map((line) => line.covered);
  const offer = { by: context.member, reason: body.reason, covered };
  return accepted(claimChanged({ ...claim, status: 'disputed', dispute: offer }));
}

/**
 * By either side: the insurer fixed the amount when it adjudicated, the ledger proved the supply when it was submitted. In a dispute
 * one accepts the other's offer, or gives up one's own. Refusals: `claimUnknown`, those of `authorise`, `claimPartyWrong`,
 * `claimState`, `amountMismatch` (another amount than stands), `tooLarge` (settle first).
 */
export function accept(context: Context, body: AcceptBody): Result<Applied> {
  const found = claimOfEither(context, body.claimId);
  if (!found.ok) return found;
  const claim = found.value;
  if (claim.status !== 'submitted' && claim.status !== 'disputed') return refused('claimState');
  const { by, covered: offered } = claim.dispute ?? { by: context.member, covered: [] };
  const settled = by === context.member ? adjudicationIn(claim).lines.map((line) => line.covered) : offered;
  const covered = sumOf(settled) as Amount;
  if (body.covered !== covered) return refused('amountMismatch');
  const position = addToPosition(context.state, claim, { kind: 'accepted', claimId: claim.claimId, covered });
  if (!position.ok) return position;
  const { statementIndex, write } = position.value;
  const final: Claim = { ...claim, status: 'accepted', dispute: null, settled, statementIndex };
  return accepted(claimSettled(final, [write]));
}

/**
 * Units and amounts go back; what was accepted leaves the next statement, whatever statement it entered (I12). Refusals: `claimUnknown`,
 * those of `authorise`, `claimPartyWrong`, `claimState`, `itemsInvalid`, `itemUnknown`, `reversalTooLarge`, `dispenseEventUnknown`,
 * `quantityExceeded` (the events that stay do not cover what stays claimed), `tooLarge`.
 */
export function reverse(context: Context, body: ReverseBody): Result<Applied> {
  const own = claimOfPharmacy(context, body.claimId);
  if (!own.ok) return own;
  const claim = own.value;
  if (claim.status === 'accepted') return reverseAccepted(context, claim, body);
  const status = claimStatusAt(claim, context.timeMs, readPolicy(context.state).adjudicationMs);
  if (status === 'reversed' || status === 'rejected' || status === 'unknown') return refused('claimState');
  if (body.lines.length > 0 || body.eventIds.length > 0) return refused('itemsInvalid', 'lines');
  const reversed: Claim = { ...claim, status: 'reversed', dispute: null, eventIds: [] };
  return accepted(claimChanged(reversed, releasing(context, claim, claim.eventIds)));
}

/** As `reverse`, in money only. Refusals: those of `reverse`, without the events. */
export function recoup(context: Context, body: RecoupBody): Result<Applied> {
  const { state, member } = context;
  const claim = readClaim(state, body.claimId);
  if (claim === null) return refused('claimUnknown');
  if (member !== claim.insurer && member !== claim.pharmacy) return refused('claimPartyWrong');
  const signers = authorise(context, [adjudicatorOf(claim.insurer), pharmacistOf(claim.pharmacy)]);
  if (!signers.ok) return signers;
  if (claim.status !== 'accepted') return refused('claimState');
  const lines = body.lines.map((line) => ({ ...line, units: 0, patientPays: 0 as Amount }));
  return takeBack(context, claim, { lines, eventIds: [] });
}

function reverseAccepted(context: Context, claim: Claim, body: ReverseBody): Result<Applied> {
  if (body.lines.length === 0) return refused('itemsInvalid', 'lines');
  if (new Set(body.eventIds).size !== body.eventIds.length) return refused('dispenseEventUnknown');
  if (!body.eventIds.every((eventId) => claim.eventIds.includes(eventId))) {
    return refused('dispenseEventUnknown');
  }
  return takeBack(context, claim, body);
}

function takeBack(
  context: Context,
  claim: Claim,
  back: Pick<ReverseBody, 'lines' | 'eventIds'>,
): Result<Applied> {
  if (claim.reversalCount >= claimReversalsMax) return refused('tooLarge', 'reversals');
  const reversed = withReversed(claim, back.lines);
  if (!reversed.ok) return reversed;
  const changed: Claim = { ...claim, reversed: reversed.value, reversalCount: claim.reversalCount + 1 };
  // What claims nothing keeps no event: nothing would be left to name in a later reversal, and no event could be withdrawn any more.
  const isWhole = remaining(changed).every((line) => isNothing(line));
  const freed = isWhole ? claim.eventIds : back.eventIds;
  const eventIds = claim.eventIds.filter((eventId) => !freed.includes(eventId));
  const next: Claim = { ...changed, eventIds, status: isWhole ? 'reversed' : 'accepted' };
  if (!isCovered(context, next)) return refused('quantityExceeded');
  const covered = sumOf(back.lines.map((line) => line.covered)) as Amount;
  const { claimId } = claim;
  const entry = { kind: 'reversed', claimId, txId: context.txId, covered } as const;
  const position = addToPosition(context.state, claim, entry);
  if (!position.ok) return position;
  return accepted(claimSettled(next, [...releasing(context, claim, freed), position.value.write]));
}

/** Sums of what went back, with `lines` added. Refusals: `itemsInvalid`, `itemUnknown`, `reversalTooLarge`. */
function withReversed(claim: Claim, lines: readonly ReversedLine[]): Result<readonly ReversedLine[]> {
  if (new Set(lines.map((line) => line.itemId)).size !== lines.length)
    return refused('itemsInvalid', 'lines');
  for (const line of lines) {
    const left = remaining(claim).find((one) => one.itemId === line.itemId);
    if (left === undefined) return refused('itemUnknown');
    if (isNothing(line)) return refused('itemsInvalid', 'lines');
    const isWithin =
      line.units <= left.units && line.covered <= left.covered && line.patientPays <= left.patientPays;
    if (!isWithin) return refused('reversalTooLarge');
  }
  const sums = claim.lines.map(({ itemId }, index) => {
    const before = claim.reversed[index];
    const added = lines.find((line) => line.itemId === itemId);
    return {
      itemId,
      units: (before?.units ?? 0) + (added?.units ?? 0),
      covered: ((before?.covered ?? 0) + (added?.covered ?? 0)) as Amount,
      patientPays: ((before?.patientPays ?? 0) + (added?.patientPays ?? 0)) as Amount,
    };
  });
  return accepted(sums);
}

/** What has not gone back of each line of an accepted claim. */
function remaining(claim: Claim): readonly ReversedLine[] {
  const settled = present(claim.settled, 'an accepted claim has its amounts');
  const adjudicated = adjudicationIn(claim).lines;
  return claim.lines.map(({ itemId, units }, index) => {
    const back = claim.reversed[index];
    const line = {
      itemId,
      units: units - (back?.units ?? 0),
      covered: ((settled[index] ?? 0) - (back?.covered ?? 0)) as Amount,
      patientPays: ((adjudicated[index]?.patientPays ?? 0) - (back?.patientPays ?? 0)) as Amount,
    };
    invariant(Math.min(line.units, line.covered, line.patientPays) >= 0, 'no more goes back than came (I12)');
    return line;
  });
}

function isNothing(line: ReversedLine): boolean {
  return line.units === 0 && line.covered === 0 && line.patientPays === 0;
}

/** I9: what stays claimed was supplied by events that stay in the claim. */
function isCovered(context: Context, claim: Claim): boolean {
  const found = findFill(context.state, claim.rxId, claim.k);
  invariant(found.ok, 'a claim has its fill');
  const events = found.value.fill.events.filter((event) => claim.eventIds.includes(event.eventId));
  return remaining(claim).every(({ itemId, units }) => units <= unitsOfEvents(events, itemId));
}

/** The prescription with some of the claim's events in no claim. */
function releasing(context: Context, claim: Claim, eventIds: readonly Id[]): readonly RecordWrite[] {
  if (eventIds.length === 0) return [];
  const found = findFill(context.state, claim.rxId, claim.k);
  invariant(found.ok, 'a claim has its fill');
  const { prescription, fill } = found.value;
  const events = fill.events.map((event) =>
    eventIds.includes(event.eventId) ? { ...event, claimId: null } : event,
  );
  return [prescriptionRecord(withFill(prescription, { ...fill, events }))];
}
