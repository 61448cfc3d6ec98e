/** Draws acts about statements and rounds of netting, as moneyActs.ts does about claims. */
import type { Amount, Balance } from '../../protocol/brand.ts';
import { aConfirm, aNet, anAgree, aPaid, aPropose, aStatementDispute, aTransfer } from './acts.ts';
import { at, hourMs, name, type Act } from './domain.ts';
import {
  about,
  by,
  drawAccept,
  drawAdjudicate,
  drawDispense,
  drawDispute,
  drawEstimate,
  drawPay,
  drawReceive,
  drawRecoup,
  drawReserve,
  drawReturn,
  drawReverse,
  drawSubmit,
  drawWithdraw,
  oneOf,
  type Draw,
} from './moneyActs.ts';
import {
  insurers,
  isBound,
  isLapsed,
  isSamePair,
  pharmacies,
  roundMsMax,
  statusOfClaim,
  sum,
  sumsIn,
  unitsLeft,
  type Books,
  type NaiveFill,
  type NaiveRound,
  type NaiveStatement,
  type Pair,
} from './moneyBooks.ts';

const pairs: readonly Pair[] = insurers.flatMap((insurer) =>
  pharmacies.map((pharmacy) => ({ insurer, pharmacy })),
);

interface PairNamed {
  readonly insurer: ReturnType<typeof name>;
  readonly pharmacy: ReturnType<typeof name>;
}

function named({ insurer, pharmacy }: Pair): PairNamed {
  return { insurer: name(insurer), pharmacy: name(pharmacy) };
}

function drawPropose(draw: Draw, books: Books): Act {
  const open = pairs.filter((pair) =>
    books.entries.some((one) => one.period === null && isSamePair(one, pair)),
  );
  const pair = oneOf(draw, open, pairs) ?? { insurer: 'insurer', pharmacy: 'pharmacy' };
  const sums = sumsIn(books, pair, null);
  const stated = { ...sums, total: about(draw, sums.total) as Balance };
  const period = `period-${draw.oneIn(12) ? 0 : books.statements.length}`;
  return aPropose(draw.oneIn(2) ? null : stated, {
    ...by(draw, pair.insurer),
    body: { ...named(pair), period },
  });
}

const noStatement: NaiveStatement = {
  insurer: 'insurer',
  pharmacy: 'pharmacy',
  period: 'never',
  status: 'proposed',
  round: null,
};

function ofStatement(draw: Draw, books: Books, statuses: readonly string[]): NaiveStatement {
  const apt = books.statements.filter((one) => statuses.includes(one.status));
  return oneOf(draw, apt, books.statements) ?? noStatement;
}

function drawStatementDispute(draw: Draw, books: Books): Act {
  const statement = ofStatement(draw, books, ['proposed']);
  const body = { ...named(statement), period: statement.period };
  return aStatementDispute({ ...by(draw, statement.pharmacy), body });
}

function drawConfirm(draw: Draw, books: Books): Act {
  const statement = ofStatement(draw, books, ['proposed', 'disputed']);
  const sums = sumsIn(books, statement, statement.period);
  const body = { ...named(statement), period: statement.period };
  const stated = draw.oneIn(12) ? { ...sums, count: sums.count + 1 } : sums;
  return aConfirm(stated, { ...by(draw, statement.pharmacy), body });
}

function drawPaid(draw: Draw, books: Books): Act {
  const statement = ofStatement(draw, books, ['confirmed']);
  const { total } = sumsIn(books, statement, statement.period);
  const debtor = total < 0 !== draw.oneIn(12) ? statement.pharmacy : statement.insurer;
  const body = { ...named(statement), period: statement.period };
  return aPaid(about(draw, total) as Balance, { ...by(draw, debtor), body });
}

function drawNet(draw: Draw, books: Books): Act {
  const free = books.statements.filter((one) => one.status === 'confirmed' && !isBound(books, one));
  const chosen = free.filter(() => !draw.oneIn(3));
  const statements = chosen.length === 0 ? [ofStatement(draw, books, ['confirmed'])] : chosen;
  if (draw.oneIn(12)) statements.push(ofStatement(draw, books, []));
  const untilMs = draw.of([hourMs, 12 * hourMs, 12 * hourMs, roundMsMax], hourMs);
  const offMs = draw.oneIn(16) ? draw.of([0, roundMsMax + 1], 0) : untilMs;
  const [first = noStatement] = statements;
  return aNet({
    ...by(draw, draw.oneIn(2) ? first.insurer : first.pharmacy),
    body: {
      round: `round-${draw.oneIn(12) ? 0 : books.rounds.length}`,
      until: at(books.now + offMs),
      statements: statements.map((one) => ({ ...named(one), period: one.period })),
    },
  });
}

function ofRound(draw: Draw, books: Books, status: string): NaiveRound | null {
  return oneOf(
    draw,
    books.rounds.filter((one) => one.status === status),
    books.rounds,
  );
}

function drawAgree(draw: Draw, books: Books): Act {
  const round = ofRound(draw, books, 'proposed');
  const waiting = [...(round?.nets ?? [])].filter(([member]) => round?.agreed.has(member) !== true);
  const [member, net] = oneOf(draw, waiting, [...(round?.nets ?? [])]) ?? ['pharmacy', 0];
  return anAgree(about(draw, net), { ...by(draw, member), body: { round: round?.round ?? 'no-round' } });
}

function drawTransfer(draw: Draw, books: Books): Act {
  const round = ofRound(draw, books, 'agreed');
  const due = (round?.transfers ?? []).filter(({ isMade }) => !isMade);
  const one = oneOf(draw, due, round?.transfers ?? []) ?? { from: 'insurer', to: 'pharmacy', amount: 1 };
  const body = {
    round: round?.round ?? 'no-round',
    to: name(one.to),
    amount: about(draw, one.amount) as Amount,
  };
  return aTransfer({ ...by(draw, one.from), body });
}

type Work = readonly [
  weight: number,
  draw: (draw: Draw, books: Books) => Act,
  hasWork: (books: Books) => boolean,
];

const hasClaim =
  (...statuses: readonly string[]) =>
  (books: Books): boolean =>
    books.claims.some((claim) => statuses.includes(statusOfClaim(books, claim)));
const hasStatement =
  (...statuses: readonly string[]) =>
  (books: Books): boolean =>
    books.statements.some((one) => statuses.includes(one.status) && !isBound(books, one));
const hasRound =
  (status: string) =>
  (books: Books): boolean =>
    books.rounds.some((one) => one.status === status && !isLapsed(books, one));
const always = (): boolean => true;
const isLeft = (fill: NaiveFill): boolean => unitsLeft(fill, 0) + unitsLeft(fill, 1) > 0;

/** How often an act is drawn, how, and when there is something for it to do. */
const works: readonly Work[] = [
  [3, drawReserve, (books) => [...books.fills.values()].some((fill) => fill.holder === null && isLeft(fill))],
  [1, drawReturn, always],
  [
    12,
    drawDispense,
    (books) => [...books.fills.values()].some((fill) => fill.holder !== null && isLeft(fill)),
  ],
  [2, drawWithdraw, (books) => [...books.fills.values()].some((fill) => fill.supplies.length > 0)],
  [1, drawReceive, (books) => books.claims.length > 8],
  [12, drawEstimate, always],
  [14, drawAdjudicate, hasClaim('estimated')],
  [14, drawPay, hasClaim('adjudicated')],
  [14, drawSubmit, hasClaim('patientPaid')],
  [5, drawDispute, hasClaim('submitted', 'disputed')],
  [10, drawAccept, hasClaim('submitted', 'disputed')],
  [4, drawReverse, hasClaim('accepted')],
  [3, drawRecoup, hasClaim('accepted')],
  [5, drawPropose, (books) => books.entries.some(({ period }) => period === null)],
  [3, drawStatementDispute, hasStatement('proposed')],
  [8, drawConfirm, hasStatement('proposed', 'disputed')],
  [2, drawPaid, hasStatement('confirmed')],
  [5, drawNet, hasStatement('confirmed')],
  [16, drawAgree, hasRound('proposed')],
  [14, drawTransfer, hasRound('agreed')],
];

/** One act, mostly of those for which there is something to do now. */
export function drawAct(draw: Draw, books: Books): Act {
  const isAny = draw.oneIn(8);
  const apt = works.filter(([, , hasWork]) => isAny || hasWork(books));
  let place = draw.below(sum(apt.map(([weight]) => weight)));
  for (const [weight, drawOne] of apt) {
    if (place < weight) return drawOne(draw, books);
    place -= weight;
  }
  return drawEstimate(draw, books);
}
