/**
 * Multilateral netting: somebody proposes a round of confirmed statements, every member of it agrees to its own net, and then each
 * debtor pays what is left. Nobody is netted against their will: a round lapses by block time.
 */
import * as z from 'zod';
import { authoriseOne, type Context } from './authorisation.ts';
import type { Amount, Balance, MemberName, Timestamp } from './brand.ts';
import { amountSchema, balanceSchema, codeSchema, nameSchema, timestampSchema } from './codec.ts';
import { present } from './invariant.ts';
import { amountMax, roundMsMax } from './limits.ts';
import { applied, type Applied, type RecordWrite } from './record.ts';
import { accepted, refused, type Result } from './result.ts';
import {
  isInRound,
  isLapsed,
  netsOf,
  readRound,
  roundRecord,
  statementRefsSchema,
  transfersOf,
  type Round,
  type StatementRef,
} from './round.ts';
import { readStatement, statementRecord, statementSubjects, type Statement } from './settlement.ts';

/** `settle.net`, signed by an accountant of a member of the round. */
export interface NetBody {
  readonly round: string;
  readonly until: Timestamp;
  readonly statements: readonly StatementRef[];
}

/** `settle.agree`, signed by an accountant of another member: to this net of its own. */
export interface AgreeBody {
  readonly round: string;
  readonly net: Balance;
}

/** `settle.transfer`, signed by an accountant of the debtor: it has paid. */
export interface TransferBody {
  readonly round: string;
  readonly to: MemberName;
  readonly amount: Amount;
  readonly paymentRef: string;
}

export const netBodySchema: z.ZodType<NetBody> = z.strictObject({
  round: codeSchema,
  until: timestampSchema,
  statements: statementRefsSchema,
});

export const agreeBodySchema: z.ZodType<AgreeBody> = z.strictObject({
  round: codeSchema,
  net: balanceSchema,
});

export const transferBodySchema: z.ZodType<TransferBody> = z.strictObject({
  round: codeSchema,
  to: nameSchema,
  amount: amountSchema,
  paymentRef: codeSchema,
});

/**
 * Refusals: those of `authorise`, `roundExists`, `roundState` (`until` is over, or too far), `statementUnknown`, `statementState` (not
 * confirmed, in a round already, or named twice), `claimPartyWrong` (no statement of ours), `tooLarge` (a net).
 */
export function net(context: Context, body: NetBody): Result<Applied> {
  const { state, member, timeMs } = context;
  const signer = authoriseAccountant(context);
  if (!signer.ok) return signer;
  if (readRound(state, body.round) !== null) return refused('roundExists');
  if (body.until <= timeMs || body.until > timeMs + roundMsMax) return refused('roundState', 'until');
  const statements = confirmedStatements(context, body.statements);
  if (!statements.ok) return statements;
  const nets = netsOf(statements.value);
  if (!nets.some((one) => one.member === member)) return refused('claimPartyWrong');
  if (nets.some((one) => Math.abs(one.net) > amountMax)) return refused('tooLarge', 'net');
  const round: Round = {
    round: body.round,
    until: body.until,
    status: 'proposed',
    statements: body.statements,
    nets: nets.map((one) => ({ ...one, hasAgreed: one.member === member })),
    transfers: [],
  };
  const bound = statements.value.map((statement) => statementRecord({ ...statement, round: body.round }));
  return accepted(roundChanged(round, bound));
}

/** Refusals: those of `authorise`, `roundUnknown`, `claimPartyWrong`, `roundState` (lapsed, agreed already), `statementMismatch`. */
export function agree(context: Context, body: AgreeBody): Result<Applied> {
  const { state, member, timeMs } = context;
  const signer = authoriseAccountant(context);
  if (!signer.ok) return signer;
  const round = readRound(state, body.round);
  if (round === null) return refused('roundUnknown');
  const own = round.nets.find((one) => one.member === member);
  if (own === undefined) return refused('claimPartyWrong');
  if (round.status !== 'proposed' || own.hasAgreed || isLapsed(round, timeMs)) return refused('roundState');
  if (body.net !== own.net) return refused('statementMismatch');
  const nets = round.nets.map((one) => (one.member === member ? { ...one, hasAgreed: true } : one));
  if (!nets.every((one) => one.hasAgreed)) return accepted(roundChanged({ ...round, nets }, []));
  const transfers = transfersOf(nets);
  return accepted(settled(context, { ...round, nets, transfers, status: 'agreed' }));
}

/** Refusals: those of `authorise`, `roundUnknown`, `roundState` (not agreed), `transferUnknown` (none such, or made before). */
export function transfer(context: Context, body: TransferBody): Result<Applied> {
  const signer = authoriseAccountant(context);
  if (!signer.ok) return signer;
  const round = readRound(context.state, body.round);
  if (round === null) return refused('roundUnknown');
  if (round.status !== 'agreed') return refused('roundState');
  const index = round.transfers.findIndex(
    ({ from, to, amount, paymentRef }) =>
      from === context.member && to === body.to && amount === body.amount && paymentRef === null,
  );
  if (index < 0) return refused('transferUnknown');
  const { paymentRef } = body;
  const transfers = round.transfers.map((one, place) => (place === index ? { ...one, paymentRef } : one));
  return accepted(settled(context, { ...round, transfers }));
}

/** With the last transfer all statements are paid; a round of nets of 0 needs none. */
function settled(context: Context, round: Round): Applied {
  const isPaid = round.transfers.every(({ paymentRef }) => paymentRef !== null);
  if (!isPaid) return roundChanged(round, []);
  const paid = round.statements.map((ref) => {
    const statement = present(readStatement(context.state, ref, ref.period), 'a round has its statements');
    return statementRecord({ ...statement, status: 'paid', paymentRef: round.round });
  });
  return roundChanged({ ...round, status: 'paid' }, paid);
}

function confirmedStatements(context: Context, refs: readonly StatementRef[]): Result<readonly Statement[]> {
  const named = new Set<string>();
  const statements: Statement[] = [];
  for (const ref of refs) {
    const statement = readStatement(context.state, ref, ref.period);
    if (statement === null) return refused('statementUnknown');
    if (statement.status !== 'confirmed') return refused('statementState');
    if (isInRound(context.state, statement, context.timeMs)) return refused('statementState', 'round');
    named.add(`${ref.insurer}/${ref.pharmacy}/${ref.period}`);
    statements.push(statement);
  }
  return named.size === refs.length ? accepted(statements) : refused('statementState', 'statements');
}

function authoriseAccountant(context: Context): ReturnType<typeof authoriseOne> {
  const { member } = context;
  return authoriseOne(context, {
    member,
    memberRoles: ['insurer', 'pharmacy'],
    roles: ['accountant', 'adjudicator', 'pharmacist'],
    scope: null,
    id: null,
  });
}

/** Filed under every statement of the round, and its pair. */
function roundChanged(round: Round, writes: readonly RecordWrite[]): Applied {
  return applied(round.statements.flatMap(statementSubjects), [roundRecord(round), ...writes]);
}
