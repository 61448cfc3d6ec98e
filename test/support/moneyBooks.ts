/** The books of the naive model of money: lists and numbers of what pharmacies supplied, claimed, settled and netted. */
import { sumsOf, type StatementEntry, type Sums } from '../../protocol/settlement.ts';

/** The code of a refusal, or null: committed. */
export type Answer = string | null;

export const pharmacies: readonly string[] = ['pharmacy', 'rival-pharmacy'];
export const insurers: readonly string[] = ['insurer', 'second-insurer'];

export const adjudicationMs = 43_200_000;
const day = 86_400_000;
export const roundMsMax: number = 31 * day;
/** Of each prescription: item 0 and item 1. */
export const prescribed: readonly number[] = [30, 20];

export interface NaiveSupply {
  readonly eventId: string;
  readonly pharmacy: string;
  readonly items: readonly { readonly itemId: number; readonly units: number }[];
  isReceived: boolean;
  isWithdrawn: boolean;
  claimId: string | null;
}

export interface NaiveFill {
  holder: string | null;
  readonly supplies: NaiveSupply[];
}

/** What went back, or what is left, of one line. */
export interface Part {
  readonly units: number;
  readonly covered: number;
  readonly patientPays: number;
}

export interface NaiveClaim {
  readonly claimId: string;
  readonly rxId: string;
  readonly pharmacy: string;
  readonly insurer: string;
  readonly sinceMs: number;
  readonly lines: readonly { readonly itemId: number; readonly units: number; readonly price: number }[];
  status: string;
  /** By line; empty until adjudicated. */
  covered: readonly number[];
  patientPays: readonly number[];
  events: readonly string[];
  offer: { readonly by: string; readonly covered: readonly number[] } | null;
  /** By line; empty until accepted. */
  settled: readonly number[];
  back: readonly Part[];
  backCount: number;
}

export interface Pair {
  readonly insurer: string;
  readonly pharmacy: string;
}

interface NaiveEntry extends Pair {
  readonly entry: StatementEntry;
  /** Of its statement; null while it is open. */
  period: string | null;
}

export interface NaiveStatement extends Pair {
  readonly period: string;
  status: string;
  round: string | null;
}

export interface NaiveTransfer {
  readonly from: string;
  readonly to: string;
  readonly amount: number;
  isMade: boolean;
}

export interface NaiveRound {
  readonly round: string;
  readonly untilMs: number;
  readonly statements: readonly NaiveStatement[];
  readonly nets: ReadonlyMap<string, number>;
  readonly agreed: Set<string>;
  status: string;
  transfers: readonly NaiveTransfer[];
}

export interface Books {
  now: number;
  /** By prescription. */
  readonly fills: ReadonlyMap<string, NaiveFill>;
  readonly claims: NaiveClaim[];
  readonly entries: NaiveEntry[];
  readonly statements: NaiveStatement[];
  readonly rounds: NaiveRound[];
}

/** `holders`: by prescription, who holds its fill. */
export function newBooks(nowMs: number, holders: ReadonlyMap<string, string>): Books {
  const fills = new Map([...holders].map(([rxId, holder]) => [rxId, { holder, supplies: [] }]));
  return { now: nowMs, fills, claims: [], entries: [], statements: [], rounds: [] };
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

/** Units that stand, of some supplies. */
export function unitsIn(supplies: readonly NaiveSupply[], itemId: number): number {
  const items = supplies.filter((one) => !one.isWithdrawn).flatMap((one) => one.items);
  return sum(items.filter((item) => item.itemId === itemId).map((item) => item.units));
}

export function unitsLeft(fill: NaiveFill, itemId: number): number {
  return (prescribed[itemId] ?? 0) - unitsIn(fill.supplies, itemId);
}

export function statusOfClaim(books: Books, claim: NaiveClaim): string {
  const isLate = claim.status === 'estimated' && books.now > claim.sinceMs + adjudicationMs;
  return isLate ? 'unknown' : claim.status;
}

/** By line, of an accepted claim. */
export function leftOf(claim: NaiveClaim): readonly Part[] {
  return claim.lines.map(({ units }, index) => {
    const back = claim.back[index] ?? { units: 0, covered: 0, patientPays: 0 };
    return {
      units: units - back.units,
      covered: (claim.settled[index] ?? 0) - back.covered,
      patientPays: (claim.patientPays[index] ?? 0) - back.patientPays,
    };
  });
}

/** What the side would accept: the other's offer, or what was adjudicated. */
export function standing(claim: NaiveClaim, member: string): readonly number[] {
  return claim.offer === null || claim.offer.by === member ? claim.covered : claim.offer.covered;
}

export function isSamePair(one: Pair, other: Pair): boolean {
  return one.insurer === other.insurer && one.pharmacy === other.pharmacy;
}

/** Count and total are added up here; the root is that of the ledger's own list (RFC 9162), which has tests of its own. */
export function sumsIn(books: Books, pair: Pair, period: string | null): Sums {
  const own = books.entries.filter((one) => isSamePair(one, pair) && one.period === period);
  const amounts = own.map(({ entry }) => (entry.kind === 'accepted' ? entry.covered : 0 - entry.covered));
  const { claimsRoot } = sumsOf(own.map(({ entry }) => entry));
  return { count: own.length, total: sum(amounts) as Sums['total'], claimsRoot };
}

export function isLapsed(books: Books, round: NaiveRound): boolean {
  return round.status === 'proposed' && books.now >= round.untilMs;
}

/** Bound to a round that is under way. */
export function isBound(books: Books, statement: NaiveStatement): boolean {
  const round = books.rounds.find((one) => one.round === statement.round);
  return round !== undefined && !isLapsed(books, round);
}
