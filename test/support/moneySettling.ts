/** Statements and rounds of the naive model of money, as the rows of domain.md say them, refusals in the order of the rows. */
import type { ActionBody, ActionKind } from '../../protocol/action.ts';
import type { Sums } from '../../protocol/settlement.ts';
import type { Act } from './domain.ts';
import {
  insurers,
  isBound,
  isLapsed,
  isSamePair,
  pharmacies,
  roundMsMax,
  sumsIn,
  type Answer,
  type Books,
  type NaiveRound,
  type NaiveStatement,
  type NaiveTransfer,
  type Pair,
} from './moneyBooks.ts';
import * as claims from './moneyClaims.ts';

type Named = Pair & { readonly period: string };

function find(books: Books, named: Named): NaiveStatement | undefined {
  return books.statements.find((one) => isSamePair(one, named) && one.period === named.period);
}

function areSame(left: Sums, right: Sums): boolean {
  return left.count === right.count && left.total === right.total && left.claimsRoot === right.claimsRoot;
}

function propose(books: Books, member: string, body: ActionBody<'settle.propose'>): Answer {
  if (!insurers.includes(member)) return 'roleMissing';
  if (body.insurer !== member) return 'claimPartyWrong';
  if (find(books, body) !== undefined) return 'statementExists';
  const sums = sumsIn(books, body, null);
  if (sums.count === 0) return 'nothingToSettle';
  if (body.sums !== null && !areSame(body.sums, sums)) return 'statementMismatch';
  for (const one of books.entries) if (isSamePair(one, body)) one.period ??= body.period;
  const { insurer, pharmacy, period } = body;
  books.statements.push({ insurer, pharmacy, period, status: 'proposed', round: null });
  return null;
}

function disputeStatement(books: Books, member: string, body: Named): Answer {
  if (!pharmacies.includes(member)) return 'roleMissing';
  if (body.pharmacy !== member) return 'claimPartyWrong';
  const statement = find(books, body);
  if (statement === undefined) return 'statementUnknown';
  if (statement.status !== 'proposed') return 'statementState';
  statement.status = 'disputed';
  return null;
}

function confirm(books: Books, member: string, body: ActionBody<'settle.confirm'>): Answer {
  if (!pharmacies.includes(member)) return 'roleMissing';
  if (body.pharmacy !== member) return 'claimPartyWrong';
  const statement = find(books, body);
  if (statement === undefined) return 'statementUnknown';
  if (!['proposed', 'disputed'].includes(statement.status)) return 'statementState';
  if (!areSame(body.sums, sumsIn(books, body, body.period))) return 'statementMismatch';
  statement.status = 'confirmed';
  return null;
}

function markPaid(books: Books, member: string, body: ActionBody<'settle.paid'>): Answer {
  const statement = find(books, body);
  const { total } = sumsIn(books, body, body.period);
  const isOwedBack = statement !== undefined && total < 0;
  if (!(isOwedBack ? pharmacies : insurers).includes(member)) return 'roleMissing';
  if (member !== (isOwedBack ? body.pharmacy : body.insurer)) return 'claimPartyWrong';
  if (statement === undefined) return 'statementUnknown';
  if (statement.status !== 'confirmed' || isBound(books, statement)) return 'statementState';
  if (body.total !== total) return 'statementMismatch';
  statement.status = 'paid';
  return null;
}

function netsOf(books: Books, statements: readonly NaiveStatement[]): ReadonlyMap<string, number> {
  const nets = new Map<string, number>();
  for (const statement of statements) {
    const { total } = sumsIn(books, statement, statement.period);
    nets.set(statement.insurer, (nets.get(statement.insurer) ?? 0) - total);
    nets.set(statement.pharmacy, (nets.get(statement.pharmacy) ?? 0) + total);
  }
  return nets;
}

function net(books: Books, member: string, body: ActionBody<'settle.net'>): Answer {
  if (books.rounds.some((one) => one.round === body.round)) return 'roundExists';
  if (body.until <= books.now || body.until > books.now + roundMsMax) return 'roundState';
  const statements: NaiveStatement[] = [];
  for (const named of body.statements) {
    const statement = find(books, named);
    if (statement === undefined) return 'statementUnknown';
    if (statement.status !== 'confirmed' || isBound(books, statement)) return 'statementState';
    statements.push(statement);
  }
  if (new Set(statements).size < statements.length) return 'statementState';
  const nets = netsOf(books, statements);
  if (!nets.has(member)) return 'claimPartyWrong';
  for (const statement of statements) statement.round = body.round;
  const named = { round: body.round, untilMs: body.until, statements, nets };
  books.rounds.push({ ...named, agreed: new Set([member]), status: 'proposed', transfers: [] });
  return null;
}

/** Debts and dues laid end to end in the order of the names: who stands opposite whom pays them. */
function transfersOf(nets: ReadonlyMap<string, number>): readonly NaiveTransfer[] {
  const names = [...nets.keys()].toSorted((a, b) => (a < b ? -1 : 1));
  const laid = (sign: number): readonly (readonly [name: string, from: number, to: number])[] => {
    let end = 0;
    return names.map((name) => {
      const from = end;
      end += Math.max(0, sign * (nets.get(name) ?? 0));
      return [name, from, end] as const;
    });
  };
  const dues = laid(1);
  return laid(-1).flatMap(([from, start, end]) =>
    dues
      .map(([to, begin, over]) => ({
        from,
        to,
        amount: Math.min(end, over) - Math.max(start, begin),
        isMade: false,
      }))
      .filter(({ amount }) => amount > 0),
  );
}

function finish(round: NaiveRound): void {
  if (!round.transfers.every(({ isMade }) => isMade)) return;
  round.status = 'paid';
  for (const statement of round.statements) statement.status = 'paid';
}

function agree(books: Books, member: string, body: ActionBody<'settle.agree'>): Answer {
  const round = books.rounds.find((one) => one.round === body.round);
  if (round === undefined) return 'roundUnknown';
  const own = round.nets.get(member);
  if (own === undefined) return 'claimPartyWrong';
  if (round.status !== 'proposed' || round.agreed.has(member) || isLapsed(books, round)) return 'roundState';
  if (body.net !== own) return 'statementMismatch';
  round.agreed.add(member);
  if (round.agreed.size < round.nets.size) return null;
  round.status = 'agreed';
  round.transfers = transfersOf(round.nets);
  finish(round);
  return null;
}

function transfer(books: Books, member: string, body: ActionBody<'settle.transfer'>): Answer {
  const round = books.rounds.find((one) => one.round === body.round);
  if (round === undefined) return 'roundUnknown';
  if (round.status !== 'agreed') return 'roundState';
  const one = round.transfers.find(({ from, to, amount, isMade }) => {
    return from === member && to === body.to && amount === body.amount && !isMade;
  });
  if (one === undefined) return 'transferUnknown';
  one.isMade = true;
  finish(round);
  return null;
}

type Judge<K extends ActionKind> = (books: Books, act: Act, body: ActionBody<K>) => Answer;

const judges: { readonly [K in ActionKind]?: Judge<K> } = {
  'fill.reserve': (books, { member }, body) => claims.reserve(books, member, body),
  'fill.return': (books, { member }, body) => claims.giveBack(books, member, body),
  'fill.dispense': (books, { member }, body) => claims.dispense(books, member, body),
  'fill.withdraw': claims.withdraw,
  'delivery.receive': (books, _act, body) => claims.receive(books, body),
  'claim.estimate': (books, { member }, body) => claims.estimate(books, member, body),
  'claim.adjudicate': (books, { member }, body) => claims.adjudicate(books, member, body),
  'claim.pay': (books, { member }, body) => claims.pay(books, member, body),
  'claim.submit': (books, { member }, body) => claims.submit(books, member, body),
  'claim.dispute': (books, { member }, body) => claims.dispute(books, member, body),
  'claim.accept': (books, { member }, body) => claims.accept(books, member, body),
  'claim.reverse': (books, { member }, body) => claims.reverse(books, member, body),
  'claim.recoup': claims.recoup,
  'settle.propose': (books, { member }, body) => propose(books, member, body),
  'settle.dispute': (books, { member }, body) => disputeStatement(books, member, body),
  'settle.confirm': (books, { member }, body) => confirm(books, member, body),
  'settle.paid': (books, { member }, body) => markPaid(books, member, body),
  'settle.net': (books, { member }, body) => net(books, member, body),
  'settle.agree': (books, { member }, body) => agree(books, member, body),
  'settle.transfer': (books, { member }, body) => transfer(books, member, body),
};

/** What the ledger must answer; if it is committed, the books hold it. */
export function judge(books: Books, act: Act): Answer {
  const { kind, body } = act.action;
  const judgeOne = judges[kind] as Judge<typeof kind> | undefined;
  if (judgeOne === undefined) throw new Error(`the model knows nothing of ${kind}`);
  return judgeOne(books, act, body);
}
