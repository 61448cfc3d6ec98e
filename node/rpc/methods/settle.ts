/** Settlement: what is open between a pharmacy and an insurer, the statements they made of it, and rounds of netting. */
import * as z from 'zod';
import type { Height, MemberName } from '../../../protocol/brand.ts';
import { amountSchema, codeSchema, nameSchema } from '../../../protocol/codec.ts';
import { differencesOf } from '../../../protocol/reconciliation.ts';
import { accepted } from '../../../protocol/result.ts';
import { readRound, type Round } from '../../../protocol/round.ts';
import {
  readOpenPosition,
  readStatement,
  signedAmount,
  statementRecordKey,
  type Statement,
} from '../../../protocol/settlement.ts';
import { fault, type Outcome } from '../errors.ts';
import { formatCursor, parseCursor } from '../events.ts';
import { bytesText, hexOf, timeOf, type JsonOf } from '../json.ts';
import { pageItemsMax } from '../limits.ts';
import { method, type Method } from '../method.ts';
import { bookLinesMax, positionAt, statementLines, type BookLine } from '../pairBook.ts';
import type { LedgerPort } from '../ports.ts';
import { cursorJson } from './event.ts';
import { idJson } from './rx.ts';

const pairShape: {
  readonly insurer: z.ZodType<MemberName>;
  readonly pharmacy: z.ZodType<MemberName>;
} = { insurer: nameSchema, pharmacy: nameSchema };

/** More would not fit a request. */
const bookedClaimsMax = 2_000;

const position = method('settle_position', {
  summary:
    'Count, total and root of what a pair has accepted and reversed since its last statement: what settle_propose has to say. At any height.',
  params: z.strictObject({ ...pairShape, height: z.int().min(0).nullable().default(null) }),
  handle: async ({ height, ...pair }, { ports }) => {
    const asOfHeight = ports.ledger.height();
    if (height !== null && height > asOfHeight) return fault('notFound', 'height');
    const found =
      height === null || height === asOfHeight
        ? readOpenPosition(ports.ledger.state(), pair)
        : await positionAt(ports.ledger, pair, height as Height);
    if (found === null) return fault('tooLarge', 'height');
    const { claimsRoot, ...sums } = found;
    return accepted({
      asOfHeight: height ?? asOfHeight,
      position: { ...pair, ...sums, claimsRoot: hexOf(claimsRoot) },
    });
  },
});

const statement = method('settle_statement', {
  summary:
    'The statement of a pair and period: its sums, the stamp of its record, and its lines. All lines together give count, total and claimsRoot, so none is missing.',
  params: z.strictObject({
    ...pairShape,
    period: codeSchema,
    cursor: cursorJson.nullable().default(null),
    limit: z.int().min(1).max(pageItemsMax).default(pageItemsMax),
    format: z.enum(['json', 'csv']).default('json'),
  }),
  handle: async ({ period, cursor, limit, format, ...pair }, { ports }) => {
    const { ledger } = ports;
    const after = cursor === null ? null : parseCursor(cursor);
    if (cursor !== null && after === null) return fault('invalidParams', 'cursor');
    const found = readStatement(ledger.state(), pair, period);
    if (found === null) return fault('statementUnknown', 'period');
    const stateStamp = ledger.stateStamp(statementRecordKey(pair, period));
    const page = await statementLines(ledger, found, { after, limit });
    const isCsv = format === 'csv';
    return accepted({
      asOfHeight: ledger.height(),
      statement: statementView(found),
      stateStamp: stateStamp === null ? null : bytesText(stateStamp),
      items: isCsv ? [] : page.lines.map(lineView),
      csv: isCsv ? csvOf(page.lines, after === null) : null,
      nextCursor: page.next === null ? null : formatCursor(page.next),
    });
  },
});

const reconcile = method('settle_reconcile', {
  summary:
    'Compares the lines of a statement with the accounts of the caller: what the one has and the other has not.',
  params: z.strictObject({
    ...pairShape,
    period: codeSchema,
    claims: z.array(z.strictObject({ claimId: idJson, covered: amountSchema })).max(bookedClaimsMax),
  }),
  handle: async ({ period, claims, ...pair }, { ports }) => {
    const found = readStatement(ports.ledger.state(), pair, period);
    if (found === null) return fault('statementUnknown', 'period');
    const lines = await allLines(ports.ledger, found);
    if (!lines.ok) return lines;
    const booked = claims.map(({ claimId, covered }) => ({ claimId, amount: covered }));
    const entries = lines.value.map((line) => line.entry);
    const differences = differencesOf(booked, entries);
    const bookedTotal = booked.reduce((sum, { amount }) => sum + amount, 0);
    return accepted({
      asOfHeight: ports.ledger.height(),
      statement: statementView(found),
      isEqual: differences.length === 0,
      difference: bookedTotal - found.total,
      items: differences.map((one) => ({ ...one, claimId: hexOf(one.claimId) })),
    });
  },
});

const round = method('settle_round', {
  summary: 'A round of netting: what each member gets or owes, who has agreed, and the transfers.',
  params: z.strictObject({ round: codeSchema }),
  handle: (params, { ports }) => {
    const found = readRound(ports.ledger.state(), params.round);
    if (found === null) return fault('roundUnknown', 'round');
    return accepted({ asOfHeight: ports.ledger.height(), round: roundView(found) });
  },
});

export const settleMethods: readonly Method[] = [position, statement, reconcile, round];

async function allLines(ledger: LedgerPort, found: Statement): Promise<Outcome<readonly BookLine[]>> {
  if (found.count > bookLinesMax) return fault('tooLarge', 'period');
  const { lines } = await statementLines(ledger, found, { after: null, limit: bookLinesMax });
  return accepted(lines);
}

export function statementView(found: Statement): JsonOf<Statement> {
  return { ...found, claimsRoot: hexOf(found.claimsRoot) };
}

function roundView(found: Round): JsonOf<Round> {
  return { ...found, until: timeOf(found.until) };
}

function lineView({ entry, txId, place }: BookLine): {
  readonly kind: 'accepted' | 'reversed';
  readonly claimId: string;
  readonly txId: string;
  readonly amount: number;
  readonly height: number;
} {
  const { kind, claimId } = entry;
  const amount = signedAmount(entry);
  return { kind, claimId: hexOf(claimId), txId: hexOf(txId), amount, height: place.height };
}

/** RFC 4180; no field needs quotes. The first page has the head line. */
function csvOf(lines: readonly BookLine[], isFirst: boolean): string {
  const rows = lines
    .map(lineView)
    .map((line) => [line.height, line.kind, line.claimId, line.txId, line.amount].join(','));
  return [...(isFirst ? ['height,kind,claimId,txId,amount'] : []), ...rows, ''].join('\r\n');
}
