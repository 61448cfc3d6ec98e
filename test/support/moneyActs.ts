/** Draws acts about money: mostly such as can be accepted now, by whoever may; sometimes by others, of others, or a unit off. */
import type { Amount, Id, PublicKey, Units } from '../../protocol/brand.ts';
import {
  aDispense,
  aDispute,
  anAccept,
  anAdjudicate,
  anEstimate,
  aPay,
  aReceive,
  aRecoup,
  aReserve,
  aReturn,
  aReverse,
  aSubmit,
  aWithdraw,
  dispensed,
} from './acts.ts';
import { at, dayMs, idOf, keyOf, name, noon, type Act } from './domain.ts';
import {
  insurers,
  leftOf,
  pharmacies,
  standing,
  statusOfClaim,
  sum,
  unitsIn,
  type Books,
  type NaiveClaim,
  type NaiveFill,
  type NaiveSupply,
} from './moneyBooks.ts';

/** Chance, from the seed of a command. */
export interface Draw {
  /** 0 to `count` - 1. */
  readonly below: (count: number) => number;
  readonly oneIn: (count: number) => boolean;
  readonly of: <T>(list: readonly [T, ...T[]] | readonly T[], other: T) => T;
}

/** Mulberry32: seeds that are close to each other draw differently from the first number on. */
export function drawFrom(seed: number): Draw {
  let state = seed;
  const below = (count: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * count);
  };
  return {
    below,
    oneIn: (count) => below(count) === 0,
    of: (list, other) => list[below(list.length)] ?? other,
  };
}

/** Mostly one of those that the act is for; at times any; null if there is none. */
export function oneOf<T>(draw: Draw, apt: readonly T[], all: readonly T[]): T | null {
  return draw.of<T | null>(apt.length === 0 || draw.oneIn(12) ? all : apt, null);
}

const everybody = [...pharmacies, ...insurers];
const keys = new Map(
  everybody.map((member, index) => [
    member,
    keyOf(['pharmacist', 'rival pharmacist', 'adjudicator', 'second adjudicator'][index] ?? ''),
  ]),
);

/** Mostly the one who may. */
export function by(
  draw: Draw,
  member: string,
): { readonly member: ReturnType<typeof name>; readonly keys: PublicKey[] } {
  const who = draw.oneIn(16) ? draw.of(everybody, member) : member;
  return { member: name(who), keys: [keys.get(who) ?? keyOf('nobody')] };
}

/** Mostly the amount itself, else one off. */
export function about(draw: Draw, exact: number): number {
  if (!draw.oneIn(12)) return exact;
  return exact > 0 && draw.oneIn(2) ? exact - 1 : exact + 1;
}

const amountOf = (value: number): Amount => value as Amount;

function ofFill(draw: Draw, books: Books): readonly [rxId: Id, fill: NaiveFill] {
  const nowhere: [string, NaiveFill] = [idOf('no prescription'), { holder: null, supplies: [] }];
  const [rxId, fill] = draw.oneIn(40) ? nowhere : draw.of([...books.fills], nowhere);
  return [rxId as Id, fill];
}

function aParty(draw: Draw, claim: NaiveClaim): string {
  return draw.oneIn(2) ? claim.insurer : claim.pharmacy;
}

function ofClaim(draw: Draw, books: Books, statuses: readonly string[]): NaiveClaim {
  const apt = books.claims.filter((claim) => statuses.includes(statusOfClaim(books, claim)));
  return oneOf(draw, apt, books.claims) ?? noClaim;
}

const noClaim: NaiveClaim = {
  claimId: idOf('no claim'),
  rxId: idOf('no prescription'),
  pharmacy: 'pharmacy',
  insurer: 'insurer',
  sinceMs: 0,
  lines: [{ itemId: 0, units: 1, price: 1 }],
  status: 'estimated',
  covered: [1],
  patientPays: [0],
  events: [],
  offer: null,
  settled: [1],
  back: [],
  backCount: 0,
};

export function drawReserve(draw: Draw, books: Books): Act {
  const [rxId] = ofFill(draw, books);
  const who = draw.of(pharmacies, 'pharmacy');
  const signers = [keys.get(who) ?? keyOf('nobody'), keyOf('redeem 0')];
  const body = { rxId, pharmacy: name(who), until: at(noon + 80 * dayMs) };
  return aReserve({ member: name(who), keys: signers, body });
}

export function drawReturn(draw: Draw, books: Books): Act {
  const [rxId, fill] = ofFill(draw, books);
  const who = draw.oneIn(4) ? 'rival-pharmacy' : (fill.holder ?? 'pharmacy');
  return aReturn({ member: name(who), keys: [keys.get(who) ?? keyOf('nobody')], body: { rxId } });
}

export function drawDispense(draw: Draw, books: Books): Act {
  const [rxId, fill] = ofFill(draw, books);
  const who = draw.oneIn(12) ? 'pharmacy' : (fill.holder ?? 'pharmacy');
  const eventId = idOf(`${rxId} event ${draw.oneIn(12) ? 0 : fill.supplies.length}`);
  const itemIds = draw.oneIn(2) ? [0, 1] : [draw.below(2)];
  const items = itemIds.map((itemId) =>
    dispensed(itemId, draw.oneIn(16) ? 31 : 1 + draw.below(5), { packHashes: [] }),
  );
  return aDispense({
    member: name(who),
    keys: [keys.get(who) ?? keyOf('nobody')],
    body: { rxId, eventId, items },
  });
}

export function drawWithdraw(draw: Draw, books: Books): Act {
  const [rxId, fill] = ofFill(draw, books);
  const free = fill.supplies.filter((one) => !one.isWithdrawn && one.claimId === null);
  const supply = oneOf(draw, free, fill.supplies);
  const who = draw.oneIn(8) ? 'pharmacy' : (supply?.pharmacy ?? 'pharmacy');
  const isReceived = supply?.isReceived === true;
  const signers = [keys.get(who) ?? keyOf('nobody')];
  if (draw.oneIn(12) !== isReceived) signers.push(keyOf('owner'));
  const eventId = (supply?.eventId ?? idOf('no event')) as Id;
  return aWithdraw({ member: name(who), keys: signers, body: { rxId, eventId } });
}

export function drawReceive(draw: Draw, books: Books): Act {
  const [rxId] = ofFill(draw, books);
  return aReceive({ body: { rxId, parcelId: null } });
}

export function drawEstimate(draw: Draw, books: Books): Act {
  const [rxId, fill] = ofFill(draw, books);
  const used = draw.oneIn(20) ? draw.of(books.claims, noClaim).claimId : idOf(`claim ${books.claims.length}`);
  const supplier = draw.of(fill.supplies, null as NaiveSupply | null)?.pharmacy ?? null;
  const who = by(draw, (draw.oneIn(3) ? supplier : fill.holder) ?? supplier ?? 'pharmacy');
  const itemIds = draw.oneIn(2) ? [0, 1] : [draw.below(2)];
  if (draw.oneIn(20)) itemIds.push(draw.below(3));
  const lines = itemIds.map((itemId) => ({
    itemId,
    units: (draw.oneIn(20) ? 31 : 1 + draw.below(4)) as Units,
    price: amountOf(draw.below(50)),
  }));
  const total = amountOf(about(draw, sum(lines.map((line) => line.price))));
  const payer = draw.oneIn(20) ? 'rival-pharmacy' : draw.of(insurers, 'insurer');
  return anEstimate({ ...who, body: { claimId: used as Id, rxId, insurer: name(payer), lines, total } });
}

export function drawAdjudicate(draw: Draw, books: Books): Act {
  const claim = ofClaim(draw, books, ['estimated']);
  const kind = draw.below(10);
  const outcome = kind === 0 ? 'reject' : kind === 1 ? 'unknown' : 'approve';
  const isFull = draw.oneIn(3);
  const lines = claim.lines.map(({ itemId, price }) => {
    const covered = outcome === 'reject' && !draw.oneIn(6) ? 0 : isFull ? price : draw.below(price + 1);
    const patientPays = amountOf(about(draw, price - covered));
    return { itemId, covered: amountOf(covered), patientPays, code: 'plan-a' };
  });
  const isWithout = (outcome === 'unknown') !== draw.oneIn(12);
  const body = { claimId: claim.claimId as Id, outcome, lines: isWithout ? [] : lines } as const;
  return anAdjudicate({ ...by(draw, claim.insurer), body });
}

export function drawPay(draw: Draw, books: Books): Act {
  const claim = ofClaim(draw, books, ['adjudicated']);
  const patientPaid = about(draw, sum(claim.patientPays));
  const first = draw.oneIn(3) ? draw.below(patientPaid + 1) : 0;
  const parts = [first, about(draw, patientPaid - first)].filter((part) => part > 0 || draw.oneIn(8));
  const payments = parts.map((part) => ({ method: 'card', amount: amountOf(part) }));
  const body = { claimId: claim.claimId as Id, patientPaid: amountOf(patientPaid), payments };
  return aPay({ ...by(draw, claim.pharmacy), body });
}

/** Supplies of the claim's fill until they cover it, if they do. */
function suppliesFor(draw: Draw, books: Books, claim: NaiveClaim): readonly Id[] {
  const supplies = books.fills.get(claim.rxId)?.supplies ?? [];
  const free = supplies.filter((one) => {
    return one.pharmacy === claim.pharmacy && !one.isWithdrawn && one.claimId === null;
  });
  const named: NaiveSupply[] = [];
  for (const supply of draw.oneIn(10) ? supplies : free) {
    if (claim.lines.every(({ itemId, units }) => units <= unitsIn(named, itemId))) break;
    named.push(supply);
  }
  if (draw.oneIn(16)) named.pop();
  if (draw.oneIn(16)) named.push(...named.slice(0, 1));
  const eventIds = named.slice(0, 32).map((one) => one.eventId as Id);
  return eventIds.length > 0 ? eventIds : [idOf('no event')];
}

export function drawSubmit(draw: Draw, books: Books): Act {
  const claim = ofClaim(draw, books, ['adjudicated', 'patientPaid']);
  const lines = claim.lines.map(({ itemId, units, price }) => ({
    itemId,
    units: (draw.oneIn(24) ? units + 1 : units) as Units,
    price: amountOf(price),
  }));
  const total = amountOf(about(draw, sum(claim.lines.map((line) => line.price))));
  const body = { claimId: claim.claimId as Id, eventIds: suppliesFor(draw, books, claim), lines, total };
  return aSubmit({ ...by(draw, claim.pharmacy), body });
}

const undecided = ['submitted', 'disputed'];

export function drawDispute(draw: Draw, books: Books): Act {
  const claim = ofClaim(draw, books, undecided);
  const lines = claim.lines.map(({ itemId }, index) => {
    const most = claim.covered[index] ?? 0;
    return { itemId, covered: amountOf(about(draw, draw.oneIn(4) ? most : draw.below(most + 1))) };
  });
  const isShort = draw.oneIn(16) && lines.length > 1;
  const body = { claimId: claim.claimId as Id, lines: isShort ? lines.slice(1) : lines };
  return aDispute({ ...by(draw, aParty(draw, claim)), body });
}

/** What stands for the side that accepts, what the other side might name, or one off. */
export function drawAccept(draw: Draw, books: Books): Act {
  const claim = ofClaim(draw, books, undecided);
  const who = aParty(draw, claim);
  const named = draw.oneIn(6) ? claim.covered : standing(claim, who);
  const body = { claimId: claim.claimId as Id, covered: amountOf(about(draw, sum(named))) };
  return anAccept({ ...by(draw, who), body });
}

export function drawReverse(draw: Draw, books: Books): Act {
  const early = ['estimated', 'adjudicated', 'patientPaid', ...undecided];
  const claim = ofClaim(draw, books, draw.oneIn(4) ? early : ['accepted']);
  const isEarly = claim.status !== 'accepted';
  const isWhole = draw.oneIn(3);
  const part = (most: number): number => about(draw, isWhole ? most : draw.below(most + 1));
  const lines = leftOf(claim)
    .map((left, index) => ({
      itemId: draw.oneIn(40) ? 2 : (claim.lines[index]?.itemId ?? 0),
      units: part(left.units),
      covered: amountOf(part(left.covered)),
      patientPays: amountOf(part(left.patientPays)),
    }))
    .filter((line) => sum([line.units, line.covered, line.patientPays]) > 0 || draw.oneIn(12));
  if (draw.oneIn(20)) lines.push(...lines.slice(0, 1));
  const isWithEvents = isWhole ? !draw.oneIn(3) : draw.oneIn(3);
  const named = isWithEvents ? claim.events.slice(isWhole ? 0 : draw.below(2)) : [];
  const isBare = isEarly !== draw.oneIn(12);
  const events = draw.oneIn(30) ? ['no event'].map(idOf) : isBare ? [] : named.map((one) => one as Id);
  const body = { claimId: claim.claimId as Id, lines: isBare ? [] : lines, eventIds: events };
  return aReverse({ ...by(draw, claim.pharmacy), body });
}

export function drawRecoup(draw: Draw, books: Books): Act {
  const claim = ofClaim(draw, books, ['accepted']);
  const lines = leftOf(claim)
    .map((left, index) => ({
      itemId: claim.lines[index]?.itemId ?? 0,
      covered: amountOf(about(draw, draw.oneIn(3) ? left.covered : draw.below(left.covered + 1))),
    }))
    .filter((line) => line.covered > 0 || draw.oneIn(12));
  const { member } = by(draw, aParty(draw, claim));
  const both = [claim.insurer, claim.pharmacy].map((side) => keys.get(side) ?? keyOf('nobody'));
  const signers = draw.oneIn(12) ? both.slice(1) : both;
  const body = { claimId: claim.claimId as Id, lines };
  return lines.length === 0 ? drawReverse(draw, books) : aRecoup({ member, keys: signers, body });
}
