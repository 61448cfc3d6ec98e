/** Settlement of a pair: every node sums the accepted claims itself; a statement is these sums, signed by both sides. */
import * as z from 'zod';
import { authoriseOne, type Context, type Place } from './authorisation.ts';
import type { Amount, Digest, Id, MemberName } from './brand.ts';
import { hexToBytes, uint64Bytes } from './bytes.ts';
import type { Claim, ClaimStatus } from './claim.ts';
import { amountSchema, codeSchema, digestSchema, nameSchema } from './codec.ts';
import { appendLeaf, emptyFrontier, frontierRoot, type Frontier } from './frontier.ts';
import { taggedHash } from './hash.ts';
import { invariant, present } from './invariant.ts';
import { amountMax, statementClaimsMax } from './limits.ts';
import { requireMember } from './membership.ts';
import {
  applied,
  readRecord,
  recordCodec,
  type Applied,
  type RecordCodec,
  type RecordReader,
  type RecordWrite,
} from './record.ts';
import { accepted, refused, type Result } from './result.ts';

/** Body of `settle.propose` (signed by the insurer) and of `settle.confirm` (signed by the pharmacy), who sign the same sums. */
export interface StatementBody {
  readonly insurer: MemberName;
  readonly pharmacy: MemberName;
  /** A label that is unique for the pair, for example `2026-11`. */
  readonly period: string;
  /** Number of claims. */
  readonly count: number;
  readonly total: Amount;
  /** Merkle root over the claims in the order of their acceptance. */
  readonly claimsRoot: Digest;
}

/** `settle.paid`, signed by the insurer. */
export interface PaidBody {
  readonly insurer: MemberName;
  readonly pharmacy: MemberName;
  readonly period: string;
  readonly total: Amount;
  /** Reference of the bank transfer. */
  readonly paymentRef: string;
}

const statementStatuses = ['proposed', 'confirmed', 'paid'] as const;
type StatementStatus = (typeof statementStatuses)[number];

/** The sums of some claims of a pair, frozen when it was proposed. */
export interface Statement extends StatementBody {
  /** Number of the pair's statement, from 0. */
  readonly index: number;
  readonly status: StatementStatus;
  readonly paymentRef: string | null;
}

/** What the pair's accepted claims sum up to since the last statement. */
export interface OpenPosition {
  /** Number that the pair's next statement will have, from 0. */
  readonly statementIndex: number;
  /** Number of claims. */
  readonly count: number;
  readonly total: Amount;
  readonly claimsRoot: Digest;
}

interface PositionRecord {
  readonly statementIndex: number;
  readonly total: Amount;
  readonly frontier: Frontier;
}

export const statementBodySchema: z.ZodType<StatementBody> = z.strictObject({
  insurer: nameSchema,
  pharmacy: nameSchema,
  period: codeSchema,
  count: z.int().min(0).max(statementClaimsMax),
  total: amountSchema,
  claimsRoot: digestSchema,
});

export const paidBodySchema: z.ZodType<PaidBody> = z.strictObject({
  insurer: nameSchema,
  pharmacy: nameSchema,
  period: codeSchema,
  total: amountSchema,
  paymentRef: codeSchema,
});

const statementSchema: z.ZodType<Statement> = z.strictObject({
  insurer: nameSchema,
  pharmacy: nameSchema,
  period: codeSchema,
  count: z.int().min(1).max(statementClaimsMax),
  total: amountSchema,
  claimsRoot: digestSchema,
  index: z.int().min(0),
  status: z.enum(statementStatuses),
  paymentRef: codeSchema.nullable(),
});

const statementCodec: RecordCodec<Statement> = recordCodec(statementSchema);

const positionCodec: RecordCodec<PositionRecord> = recordCodec<PositionRecord>(
  z.strictObject({
    statementIndex: z.int().min(0),
    total: amountSchema,
    frontier: z.strictObject({ count: z.int().min(0), roots: z.array(digestSchema) }),
  }),
);

const periodCodec: RecordCodec<string> = recordCodec(codeSchema);

export interface Pair {
  readonly insurer: MemberName;
  readonly pharmacy: MemberName;
}

function statementRecordKey({ insurer, pharmacy }: Pair, period: string): string {
  return `statement/${insurer}/${pharmacy}/${period}`;
}

export function positionRecordKey({ insurer, pharmacy }: Pair): string {
  return `open/${insurer}/${pharmacy}`;
}

/** From the number of a statement to its period: claims know the number before the period has a name. */
function periodRecordKey({ insurer, pharmacy }: Pair, index: number): string {
  return `period/${insurer}/${pharmacy}/${index}`;
}

export function readStatement(state: RecordReader, pair: Pair, period: string): Statement | null {
  return readRecord(state, statementRecordKey(pair, period), statementCodec);
}

/** The running sums of a pair; zero claims for a pair that never had one. */
export function readOpenPosition(state: RecordReader, pair: Pair): OpenPosition {
  const { statementIndex, total, frontier } = readPosition(state, pair);
  return { statementIndex, count: frontier.count, total, claimsRoot: frontierRoot(frontier) };
}

/** A claim's status with what follows from its statement: `netted` once it is in one, `paid` once that is paid. */
export function settledStatus(state: RecordReader, claim: Claim): ClaimStatus | 'netted' | 'paid' {
  if (claim.statementIndex === null) return claim.status;
  const period = readRecord(state, periodRecordKey(claim, claim.statementIndex), periodCodec);
  if (period === null) return claim.status;
  const statement = present(readStatement(state, claim, period), 'a period has its statement');
  return statement.status === 'paid' ? 'paid' : 'netted';
}

export interface SettledClaim extends Pair {
  readonly claimId: Id;
  /** What the insurer pays. */
  readonly covered: Amount;
}

/** The leaf of a claim under a statement's `claimsRoot`. 32 bytes. */
export function claimLeaf({ claimId, covered }: SettledClaim): Uint8Array {
  return taggedHash('claims', hexToBytes(claimId), uint64Bytes(covered));
}

export interface PositionChange {
  /** Number of the statement that the claim will be in. */
  readonly statementIndex: number;
  readonly write: RecordWrite;
}

/** The position with one more accepted claim. Refusal: `tooLarge`, when a statement can hold no more. */
export function addToPosition(state: RecordReader, claim: SettledClaim): Result<PositionChange> {
  const { statementIndex, total, frontier } = readPosition(state, claim);
  const totalNext = total + claim.covered;
  if (frontier.count >= statementClaimsMax) return refused('tooLarge', 'claims');
  if (totalNext > amountMax) return refused('tooLarge', 'total');
  const next = appendLeaf(frontier, claimLeaf(claim));
  invariant(next.count === frontier.count + 1, 'one claim more');
  const record = positionCodec.encode({ statementIndex, total: totalNext as Amount, frontier: next });
  return accepted({ statementIndex, write: [positionRecordKey(claim), record] });
}

/**
 * Freezes the open position as a statement and opens the next, so that each claim is in exactly one. Refusals: those of
 * `authorise`, `claimPartyWrong`, `memberUnknown` (pharmacy), `statementExists`, `nothingToSettle`, `statementMismatch`.
 */
export function propose(context: Context, body: StatementBody): Result<Applied> {
  const { state } = context;
  const signer = authoriseOne(context, insurerPlace(context));
  if (!signer.ok) return signer;
  if (body.insurer !== context.member) return refused('claimPartyWrong');
  const pharmacy = requireMember(state, body.pharmacy, ['pharmacy']);
  if (!pharmacy.ok) return pharmacy;
  if (readStatement(state, body, body.period) !== null) return refused('statementExists');
  const open = readOpenPosition(state, body);
  if (open.count === 0) return refused('nothingToSettle');
  if (!areSameSums(body, open)) return refused('statementMismatch');
  const index = open.statementIndex;
  const statement: Statement = { ...body, index, status: 'proposed', paymentRef: null };
  const nextPosition = { statementIndex: index + 1, total: 0 as Amount, frontier: emptyFrontier };
  return accepted(
    applied(
      [],
      [
        statementRecord(statement),
        [periodRecordKey(body, index), periodCodec.encode(body.period)],
        [positionRecordKey(body), positionCodec.encode(nextPosition)],
      ],
    ),
  );
}

/** Refusals: those of `authorise`, `claimPartyWrong`, `statementUnknown`, `statementState`, `statementMismatch`. */
export function confirm(context: Context, body: StatementBody): Result<Applied> {
  const signer = authoriseOne(context, {
    member: context.member,
    memberRoles: ['pharmacy'],
    roles: ['accountant', 'pharmacist'],
    scope: null,
    id: null,
  });
  if (!signer.ok) return signer;
  if (body.pharmacy !== context.member) return refused('claimPartyWrong');
  const statement = readStatement(context.state, body, body.period);
  if (statement === null) return refused('statementUnknown');
  if (statement.status !== 'proposed') return refused('statementState');
  if (!areSameSums(body, statement)) return refused('statementMismatch');
  return accepted(applied([], [statementRecord({ ...statement, status: 'confirmed' })]));
}

/** Refusals: those of `authorise`, `claimPartyWrong`, `statementUnknown`, `statementState`, `statementMismatch`. */
export function markPaid(context: Context, body: PaidBody): Result<Applied> {
  const signer = authoriseOne(context, insurerPlace(context));
  if (!signer.ok) return signer;
  if (body.insurer !== context.member) return refused('claimPartyWrong');
  const statement = readStatement(context.state, body, body.period);
  if (statement === null) return refused('statementUnknown');
  if (statement.status !== 'confirmed') return refused('statementState');
  if (body.total !== statement.total) return refused('statementMismatch');
  const { paymentRef } = body;
  return accepted(applied([], [statementRecord({ ...statement, status: 'paid', paymentRef })]));
}

function statementRecord(statement: Statement): RecordWrite {
  return [statementRecordKey(statement, statement.period), statementCodec.encode(statement)];
}

function readPosition(state: RecordReader, pair: Pair): PositionRecord {
  const position = readRecord(state, positionRecordKey(pair), positionCodec);
  return position ?? { statementIndex: 0, total: 0 as Amount, frontier: emptyFrontier };
}

function insurerPlace({ member }: Context): Place {
  return { member, memberRoles: ['insurer'], roles: ['accountant', 'adjudicator'], scope: null, id: null };
}

interface Sums {
  readonly count: number;
  readonly total: Amount;
  readonly claimsRoot: Digest;
}

function areSameSums(left: Sums, right: Sums): boolean {
  return left.count === right.count && left.total === right.total && left.claimsRoot === right.claimsRoot;
}
