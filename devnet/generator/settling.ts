/** The end of a month: every pair makes a statement, looks at it, and the whole region nets what is left. */
import type { Action } from '../../protocol/action.ts';
import type { MemberName, Timestamp } from '../../protocol/brand.ts';
import { readRound, type StatementRef } from '../../protocol/round.ts';
import { readOpenPosition, readStatement } from '../../protocol/settlement.ts';
import type { StateView } from '../../protocol/state.ts';
import type { Act, TimedAct } from './act.ts';
import { pairsOf } from './days.ts';
import { newId } from './prescribing.ts';
import { seededRandom, type Random } from './random.ts';
import type { Person, Region } from './region.ts';

export interface SettlementOptions {
  /** The state as it is when an act is asked for: statements are over what is open then. */
  readonly view: StateView;
  readonly at: number;
  readonly period: string;
  readonly seed: number;
}

const disputedShare = 0.1;
const statementsPerRoundMax = 64;
const dayMs = 86_400_000;

/** Each act must be executed before the next one is asked for. */
export function* settlementActs(region: Region, options: SettlementOptions): Generator<TimedAct, void> {
  const random = seededRandom(options.seed);
  let at = options.at;
  for (const act of acts(region, options, random)) {
    yield { ...act, at: at as Timestamp, id: newId(random) };
    at += 1_000;
  }
}

function* acts(region: Region, options: SettlementOptions, random: Random): Generator<Act, void> {
  const { view, period } = options;
  const confirmed: StatementRef[] = [];
  for (const pair of pairsOf(region)) {
    if (readOpenPosition(view, pair).count === 0) continue;
    const ref = { ...pair, period };
    yield actBy(region, pair.insurer, { kind: 'settle.propose', body: { ...ref, sums: null } });
    if (random.chance(disputedShare)) {
      yield actBy(region, pair.pharmacy, { kind: 'settle.dispute', body: { ...ref, reason: 'check' } });
    }
    const statement = readStatement(view, pair, period);
    if (statement === null) throw new Error('a proposal makes a statement');
    const { count, total, claimsRoot } = statement;
    const sums = { count, total, claimsRoot };
    yield actBy(region, pair.pharmacy, { kind: 'settle.confirm', body: { ...ref, sums } });
    confirmed.push(ref);
  }
  for (let from = 0; from < confirmed.length; from += statementsPerRoundMax) {
    const round = `${period}-${1 + from / statementsPerRoundMax}`;
    yield* netting(region, options, {
      round,
      statements: confirmed.slice(from, from + statementsPerRoundMax),
    });
  }
}

function* netting(
  region: Region,
  { view, at }: SettlementOptions,
  { round, statements }: { readonly round: string; readonly statements: readonly StatementRef[] },
): Generator<Act, void> {
  const [first] = statements;
  if (first === undefined) return;
  const until = (at + 10 * dayMs) as Timestamp;
  yield actBy(region, first.insurer, { kind: 'settle.net', body: { round, until, statements } });
  for (const { member, net, hasAgreed } of readRound(view, round)?.nets ?? []) {
    if (!hasAgreed) yield actBy(region, member, { kind: 'settle.agree', body: { round, net } });
  }
  for (const { from, to, amount } of readRound(view, round)?.transfers ?? []) {
    const body = { round, to, amount, paymentRef: `${round}:${from}:${to}` };
    yield actBy(region, from, { kind: 'settle.transfer', body });
  }
}

function actBy(region: Region, member: MemberName, action: Action): Act {
  return { member, action, signers: [accountantOf(region, member).signers[0]], expected: 'committed' };
}

function accountantOf({ insurers, pharmacies }: Region, member: MemberName): Person {
  const house = [...insurers, ...pharmacies].find(({ name }) => name === member);
  if (house === undefined) throw new Error(`${member} settles nothing`);
  return house.accountant;
}
