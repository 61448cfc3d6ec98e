/** A round of multilateral netting: confirmed statements of many pairs, what each member gets or owes over all of them, and who pays whom. */
import * as z from 'zod';
import type { Amount, Balance, MemberName, Timestamp } from './brand.ts';
import { amountSchema, balanceSchema, codeSchema, nameSchema, timestampSchema } from './codec.ts';
import { compareText } from './bytes.ts';
import { invariant } from './invariant.ts';
import { roundStatementsMax } from './limits.ts';
import { readRecord, recordCodec, type RecordCodec, type RecordReader, type RecordWrite } from './record.ts';

export interface StatementRef {
  readonly insurer: MemberName;
  readonly pharmacy: MemberName;
  readonly period: string;
}

/** What a member gets (positive) or owes over all statements of a round. */
export interface Net {
  readonly member: MemberName;
  readonly net: Balance;
  readonly hasAgreed: boolean;
}

export interface Transfer {
  readonly from: MemberName;
  readonly to: MemberName;
  readonly amount: Amount;
  /** Reference of the bank transfer, once it is made. */
  readonly paymentRef: string | null;
}

const roundStatuses = ['proposed', 'agreed', 'paid'] as const;

export interface Round {
  readonly round: string;
  /** Unless all have agreed before, the statements are free again. */
  readonly until: Timestamp;
  readonly status: (typeof roundStatuses)[number];
  readonly statements: readonly StatementRef[];
  /** In the order of the names; their sum is 0 (I11). */
  readonly nets: readonly Net[];
  readonly transfers: readonly Transfer[];
}

export const statementRefsSchema: z.ZodType<readonly StatementRef[]> = z
  .array(z.strictObject({ insurer: nameSchema, pharmacy: nameSchema, period: codeSchema }))
  .min(1)
  .max(roundStatementsMax);

const membersPerRoundMax = 2 * roundStatementsMax;

const roundSchema: z.ZodType<Round> = z.strictObject({
  round: codeSchema,
  until: timestampSchema,
  status: z.enum(roundStatuses),
  statements: statementRefsSchema,
  nets: z
    .array(z.strictObject({ member: nameSchema, net: balanceSchema, hasAgreed: z.boolean() }))
    .max(membersPerRoundMax),
  transfers: z
    .array(
      z.strictObject({
        from: nameSchema,
        to: nameSchema,
        amount: amountSchema,
        paymentRef: codeSchema.nullable(),
      }),
    )
    .max(membersPerRoundMax),
});

const roundCodec: RecordCodec<Round> = recordCodec(roundSchema);

function roundRecordKey(round: string): string {
  return `round/${round}`;
}

export function readRound(state: RecordReader, round: string): Round | null {
  return readRecord(state, roundRecordKey(round), roundCodec);
}

export function roundRecord(round: Round): RecordWrite {
  return [roundRecordKey(round.round), roundCodec.encode(round)];
}

/** True once its time has passed without everybody's agreement. */
export function isLapsed(round: Round, timeMs: Timestamp): boolean {
  return round.status === 'proposed' && timeMs >= round.until;
}

/** Whether a statement is bound to a round that is under way; one that lapsed binds nobody. */
export function isInRound(
  state: RecordReader,
  statement: { readonly round: string | null },
  timeMs: Timestamp,
): boolean {
  if (statement.round === null) return false;
  const round = readRound(state, statement.round);
  invariant(round !== null, 'a statement names a round that is there');
  return !isLapsed(round, timeMs);
}

/** Insurers owe the totals of their statements, pharmacies get them: the nets of all sum to 0. */
export function netsOf(
  statements: readonly (StatementRef & { readonly total: Balance })[],
): readonly Pick<Net, 'member' | 'net'>[] {
  const nets = new Map<MemberName, number>();
  for (const { insurer, pharmacy, total } of statements) {
    nets.set(insurer, (nets.get(insurer) ?? 0) - total);
    nets.set(pharmacy, (nets.get(pharmacy) ?? 0) + total);
  }
  let sum = 0;
  for (const net of nets.values()) sum += net;
  invariant(sum === 0, 'the nets of a round sum to 0 (I11)');
  return [...nets]
    .toSorted(([a], [b]) => compareText(a, b))
    .map(([member, net]) => ({ member, net: net as Balance }));
}

/** Who pays whom, so that everybody's net is settled: both sides in the order of their names, fewer transfers than members. */
export function transfersOf(nets: readonly Pick<Net, 'member' | 'net'>[]): readonly Transfer[] {
  const debtors = nets.filter(({ net }) => net < 0).map(({ member, net }) => ({ member, left: 0 - net }));
  const creditors = nets
    .filter(({ net }) => net > 0)
    .map(({ member, net }) => ({ member, left: net as number }));
  const transfers: Transfer[] = [];
  let debtor = debtors.shift();
  let creditor = creditors.shift();
  while (debtor !== undefined && creditor !== undefined) {
    const amount = Math.min(debtor.left, creditor.left);
    transfers.push({ from: debtor.member, to: creditor.member, amount: amount as Amount, paymentRef: null });
    debtor.left -= amount;
    creditor.left -= amount;
    if (debtor.left === 0) debtor = debtors.shift();
    if (creditor.left === 0) creditor = creditors.shift();
  }
  invariant(debtor === undefined && creditor === undefined, 'what is owed is what is due');
  return transfers;
}
