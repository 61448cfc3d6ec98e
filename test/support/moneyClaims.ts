/** Supplies and claims of the naive model of money, as the rows of domain.md say them, refusals in the order of the rows. */
import type { ActionBody } from '../../protocol/action.ts';
import type { StatementEntry } from '../../protocol/settlement.ts';
import { digestOf, keyOf, type Act } from './domain.ts';
import {
  insurers,
  leftOf,
  pharmacies,
  prescribed,
  standing,
  statusOfClaim,
  sum,
  unitsIn,
  unitsLeft,
  type Answer,
  type Books,
  type NaiveClaim,
  type NaiveFill,
  type Part,
} from './moneyBooks.ts';

type Lines = readonly { readonly itemId: number }[];

const isEmpty = (fill: NaiveFill): boolean => unitsLeft(fill, 0) === 0 && unitsLeft(fill, 1) === 0;
const isNothing = (part: Part): boolean => part.units === 0 && part.covered === 0 && part.patientPays === 0;
const hasTwice = (lines: Lines): boolean => new Set(lines.map(({ itemId }) => itemId)).size < lines.length;
const areOfClaim = (lines: Lines, claim: NaiveClaim): boolean =>
  lines.map(({ itemId }) => itemId).join() === claim.lines.map(({ itemId }) => itemId).join();

export function reserve(books: Books, member: string, body: ActionBody<'fill.reserve'>): Answer {
  const fill = books.fills.get(body.rxId);
  if (fill === undefined) return 'prescriptionUnknown';
  if (isEmpty(fill)) return 'fillNotReady';
  if (fill.holder !== null && fill.holder !== member) return 'fillReserved';
  fill.holder = member;
  return null;
}

export function giveBack(books: Books, member: string, body: ActionBody<'fill.return'>): Answer {
  const fill = books.fills.get(body.rxId);
  if (fill === undefined) return 'prescriptionUnknown';
  if (isEmpty(fill) || fill.holder === null) return 'fillNotReserved';
  if (fill.holder !== member) return 'notHolder';
  fill.holder = null;
  return null;
}

export function dispense(books: Books, member: string, body: ActionBody<'fill.dispense'>): Answer {
  const fill = books.fills.get(body.rxId);
  if (fill === undefined) return 'prescriptionUnknown';
  if (fill.supplies.some((one) => one.eventId === body.eventId)) return 'eventExists';
  if (isEmpty(fill) || fill.holder === null) return 'fillNotReserved';
  if (fill.holder !== member) return 'notHolder';
  if (fill.supplies.length >= 32) return 'tooLarge';
  if (body.items.some(({ itemId, units }) => units > unitsLeft(fill, itemId))) return 'quantityExceeded';
  const state = { isReceived: false, isWithdrawn: false, claimId: null };
  fill.supplies.push({ eventId: body.eventId, pharmacy: member, items: body.items, ...state });
  return null;
}

export function withdraw(books: Books, act: Act, body: ActionBody<'fill.withdraw'>): Answer {
  const fill = books.fills.get(body.rxId);
  if (fill === undefined) return 'prescriptionUnknown';
  const supply = fill.supplies.find((one) => one.eventId === body.eventId);
  if (supply?.pharmacy !== act.member) return 'dispenseEventUnknown';
  if (act.keys.includes(keyOf('owner')) !== supply.isReceived) return 'wrongSigners';
  if (supply.isWithdrawn) return 'eventWithdrawn';
  if (supply.claimId !== null) return 'dispenseEventClaimed';
  supply.isWithdrawn = true;
  return null;
}

/** At the counter, by the owner key. */
export function receive(books: Books, body: ActionBody<'delivery.receive'>): Answer {
  const fill = books.fills.get(body.rxId);
  if (fill === undefined) return 'prescriptionUnknown';
  const live = fill.supplies.filter((one) => !one.isWithdrawn);
  if (live.length === 0) return 'nothingDispensed';
  if (live.every((one) => one.isReceived)) return 'alreadyReceived';
  for (const supply of live) supply.isReceived = true;
  return null;
}

/** The patient knows the price before the hand-over. */
function unitsAnswer(fill: NaiveFill, lines: NaiveClaim['lines']): Answer {
  for (const { itemId, units } of lines) {
    const most = prescribed[itemId];
    if (most === undefined) return 'itemUnknown';
    if (units > most) return 'quantityExceeded';
    const received = fill.supplies.filter((one) => one.isReceived);
    if (units > most - unitsIn(received, itemId)) return 'tooLate';
  }
  return null;
}

export function estimate(books: Books, member: string, body: ActionBody<'claim.estimate'>): Answer {
  if (books.claims.some((one) => one.claimId === body.claimId)) return 'claimExists';
  const fill = books.fills.get(body.rxId);
  if (fill === undefined) return 'prescriptionUnknown';
  if (!pharmacies.includes(member) || !insurers.includes(body.insurer)) return 'roleMissing';
  const hasSupplied = fill.supplies.some((one) => one.pharmacy === member && !one.isWithdrawn);
  if (fill.holder !== member && !hasSupplied) return 'notHolder';
  if (hasTwice(body.lines)) return 'itemsInvalid';
  const answer = unitsAnswer(fill, body.lines);
  if (answer !== null) return answer;
  if (sum(body.lines.map((line) => line.price)) !== body.total) return 'amountsDoNotAdd';
  const { claimId, rxId, insurer, lines } = body;
  const named = { claimId, rxId, pharmacy: member, insurer, lines, sinceMs: books.now };
  const nothing = { covered: [], patientPays: [], events: [], offer: null, settled: [], back: [] };
  books.claims.push({ ...named, ...nothing, status: 'estimated', backCount: 0 });
  return null;
}

export function adjudicate(books: Books, member: string, body: ActionBody<'claim.adjudicate'>): Answer {
  const claim = books.claims.find((one) => one.claimId === body.claimId);
  if (claim === undefined) return 'claimUnknown';
  if (!insurers.includes(member)) return 'roleMissing';
  if (claim.insurer !== member) return 'claimPartyWrong';
  if (claim.status !== 'estimated') return 'claimState';
  if (statusOfClaim(books, claim) === 'unknown') return 'tooLate';
  const fill = books.fills.get(claim.rxId);
  if (fill === undefined || unitsAnswer(fill, claim.lines) !== null) return 'tooLate';
  const covered = body.lines.map((line) => line.covered);
  if (body.outcome === 'unknown') {
    if (covered.length > 0) return 'itemsInvalid';
    claim.status = 'unknown';
    return null;
  }
  if (!areOfClaim(body.lines, claim)) return 'itemsInvalid';
  const isSplit = body.lines.every((line, at) => line.covered + line.patientPays === claim.lines[at]?.price);
  if (!isSplit || (body.outcome === 'reject' && sum(covered) > 0)) return 'amountsDoNotAdd';
  claim.status = body.outcome === 'approve' ? 'adjudicated' : 'rejected';
  claim.covered = covered;
  claim.patientPays = body.lines.map((line) => line.patientPays);
  return null;
}

/** The claim, if a pharmacist of its pharmacy signed. */
function ofPharmacy(books: Books, member: string, claimId: string): NaiveClaim | Answer {
  const claim = books.claims.find((one) => one.claimId === claimId);
  if (claim === undefined) return 'claimUnknown';
  if (!pharmacies.includes(member)) return 'roleMissing';
  return claim.pharmacy === member ? claim : 'claimPartyWrong';
}

/** The claim, if a side of it signed. An insurer that is no side has nobody who may. */
function ofEither(books: Books, member: string, claimId: string): NaiveClaim | Answer {
  const claim = books.claims.find((one) => one.claimId === claimId);
  return claim?.insurer === member ? claim : ofPharmacy(books, member, claimId);
}

const isAnswer = (found: NaiveClaim | Answer): found is Answer => found === null || typeof found === 'string';

export function pay(books: Books, member: string, body: ActionBody<'claim.pay'>): Answer {
  const claim = ofPharmacy(books, member, body.claimId);
  if (isAnswer(claim)) return claim;
  if (claim.status !== 'adjudicated') return 'claimState';
  if (body.patientPaid !== sum(claim.patientPays)) return 'amountMismatch';
  const given = body.payments.map((payment) => payment.amount);
  if (sum(given) !== body.patientPaid) return 'amountsDoNotAdd';
  if (body.patientPaid > 0 && given.includes(0 as (typeof given)[number])) return 'amountsDoNotAdd';
  claim.status = 'patientPaid';
  return null;
}

export function submit(books: Books, member: string, body: ActionBody<'claim.submit'>): Answer {
  const claim = ofPharmacy(books, member, body.claimId);
  if (isAnswer(claim)) return claim;
  const isFree = claim.status === 'adjudicated' && sum(claim.patientPays) === 0;
  if (claim.status !== 'patientPaid' && !isFree) return 'claimState';
  const isSame = JSON.stringify(body.lines) === JSON.stringify(claim.lines);
  if (!isSame || body.total !== sum(claim.lines.map((line) => line.price))) return 'amountMismatch';
  if (new Set(body.eventIds).size < body.eventIds.length) return 'dispenseEventClaimed';
  const supplies = books.fills.get(claim.rxId)?.supplies ?? [];
  for (const eventId of body.eventIds) {
    const supply = supplies.find((one) => one.eventId === eventId);
    if (supply?.pharmacy !== member || supply.isWithdrawn) return 'dispenseEventUnknown';
    if (supply.claimId !== null) return 'dispenseEventClaimed';
  }
  const named = supplies.filter((one) => body.eventIds.some((eventId) => eventId === one.eventId));
  if (claim.lines.some(({ itemId, units }) => units > unitsIn(named, itemId))) return 'quantityExceeded';
  for (const supply of named) supply.claimId = claim.claimId;
  claim.events = body.eventIds;
  claim.status = 'submitted';
  return null;
}

const isUndecided = ({ status }: NaiveClaim): boolean => status === 'submitted' || status === 'disputed';

export function dispute(books: Books, member: string, body: ActionBody<'claim.dispute'>): Answer {
  const claim = ofEither(books, member, body.claimId);
  if (isAnswer(claim)) return claim;
  if (!isUndecided(claim)) return 'claimState';
  if (!areOfClaim(body.lines, claim)) return 'itemsInvalid';
  if (body.lines.some((line, index) => line.covered > (claim.covered[index] ?? 0))) return 'amountMismatch';
  claim.status = 'disputed';
  claim.offer = { by: member, covered: body.lines.map((line) => line.covered) };
  return null;
}

function enter(books: Books, { insurer, pharmacy }: NaiveClaim, entry: StatementEntry): void {
  books.entries.push({ insurer, pharmacy, entry, period: null });
}

export function accept(books: Books, member: string, body: ActionBody<'claim.accept'>): Answer {
  const claim = ofEither(books, member, body.claimId);
  if (isAnswer(claim)) return claim;
  if (!isUndecided(claim)) return 'claimState';
  const settled = standing(claim, member);
  if (body.covered !== sum(settled)) return 'amountMismatch';
  claim.status = 'accepted';
  claim.settled = settled;
  claim.offer = null;
  enter(books, claim, { kind: 'accepted', claimId: body.claimId, covered: body.covered });
  return null;
}

function setFree(books: Books, claim: NaiveClaim, eventIds: readonly string[]): void {
  for (const supply of books.fills.get(claim.rxId)?.supplies ?? [])
    if (eventIds.includes(supply.eventId)) supply.claimId = null;
  claim.events = claim.events.filter((eventId) => !eventIds.includes(eventId));
}

export function reverse(books: Books, member: string, body: ActionBody<'claim.reverse'>): Answer {
  const claim = ofPharmacy(books, member, body.claimId);
  if (isAnswer(claim)) return claim;
  if (claim.status === 'accepted')
    return body.lines.length === 0 ? 'itemsInvalid' : takeBack(books, claim, body);
  if (['reversed', 'rejected', 'unknown'].includes(statusOfClaim(books, claim))) return 'claimState';
  if (body.lines.length > 0 || body.eventIds.length > 0) return 'itemsInvalid';
  setFree(books, claim, claim.events);
  claim.offer = null;
  claim.status = 'reversed';
  return null;
}

export function recoup(books: Books, act: Act, body: ActionBody<'claim.recoup'>): Answer {
  const claim = books.claims.find((one) => one.claimId === body.claimId);
  if (claim === undefined) return 'claimUnknown';
  if (![claim.insurer, claim.pharmacy].includes(act.member)) return 'claimPartyWrong';
  if (act.keys.length !== 2) return 'wrongSigners';
  if (claim.status !== 'accepted') return 'claimState';
  const lines = body.lines.map((line) => ({ ...line, units: 0, patientPays: 0 }));
  return takeBack(books, claim, { lines, eventIds: [] });
}

/** When nothing is left of a claim, none of its supplies is claimed any more. */
function takeBack(
  books: Books,
  claim: NaiveClaim,
  body: {
    readonly lines: readonly (Part & { readonly itemId: number })[];
    readonly eventIds: readonly string[];
  },
): Answer {
  const { lines, eventIds } = body;
  const isTwice = new Set(eventIds).size < eventIds.length;
  if (isTwice || !eventIds.every((eventId) => claim.events.includes(eventId))) return 'dispenseEventUnknown';
  if (claim.backCount >= 32) return 'tooLarge';
  if (hasTwice(lines)) return 'itemsInvalid';
  const left = leftOf(claim);
  for (const line of lines) {
    const own = left[claim.lines.findIndex(({ itemId }) => itemId === line.itemId)];
    if (own === undefined) return 'itemUnknown';
    if (isNothing(line)) return 'itemsInvalid';
    if (line.units > own.units || line.covered > own.covered || line.patientPays > own.patientPays)
      return 'reversalTooLarge';
  }
  const staying = claim.events.filter((eventId) => !eventIds.includes(eventId));
  const supplies = (books.fills.get(claim.rxId)?.supplies ?? []).filter((one) =>
    staying.includes(one.eventId),
  );
  const backOf = (itemId: number): Part =>
    lines.find((line) => line.itemId === itemId) ?? { units: 0, covered: 0, patientPays: 0 };
  const isUncovered = claim.lines.some(
    ({ itemId }, index) => (left[index]?.units ?? 0) - backOf(itemId).units > unitsIn(supplies, itemId),
  );
  if (isUncovered) return 'quantityExceeded';
  claim.back = claim.lines.map(({ itemId }, index) => {
    const before = claim.back[index] ?? { units: 0, covered: 0, patientPays: 0 };
    const { units, covered, patientPays } = backOf(itemId);
    return {
      units: before.units + units,
      covered: before.covered + covered,
      patientPays: before.patientPays + patientPays,
    };
  });
  claim.backCount += 1;
  const isOver = leftOf(claim).every(isNothing);
  setFree(books, claim, isOver ? claim.events : eventIds);
  if (isOver) claim.status = 'reversed';
  const covered = sum(lines.map((line) => line.covered));
  const { claimId } = claim;
  enter(books, claim, {
    kind: 'reversed',
    claimId,
    txId: digestOf('transaction'),
    covered,
  } as StatementEntry);
  return null;
}
