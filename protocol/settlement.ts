/** Settlement of a pair: every node sums the accepted claims itself; a statement is these sums, signed by both sides. */
import * as z from 'zod';
import { authoriseOne, type Context, type Place } from './authorisation.ts';
import type { Amount, Balance, Digest, Height, Id, MemberName } from './brand.ts';
import { bytesToHex, hexToBytes, uint64Bytes, utf8ToBytes } from './bytes.ts';
import type { Claim, ClaimStatus } from './claim.ts';
import { balanceSchema, codeSchema, digestSchema, heightSchema, nameSchema } from './codec.ts';
import { appendLeaf, emptyFrontier, frontierRoot, type Frontier } from './frontier.ts';
import { taggedHash } from './hash.ts';
import { invariant, present } from './invariant.ts';
import { amountMax, statementEntriesMax } from './limits.ts';
import { requireMember } from './membership.ts';
import { merkleRoot } from './merkle.ts';
import { isInRound } from './round.ts';
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

export interface Pair {
  readonly insurer: MemberName;
  readonly pharmacy: MemberName;
}

/** What the entries of a statement come to. */
export interface Sums {
  /** Number of entries: acceptances, reversals, recoupments. */
  readonly count: number;
  /** Accepted less reversed: what the insurer owes the pharmacy; negative when more went back than came. */
  readonly total: Balance;
  /** Merkle root over the entries in the order of their transactions. */
  readonly claimsRoot: Digest;
}

/** `settle.propose`, signed by the insurer. */
export interface ProposeStatementBody extends Pair {
  /** A label that is unique for the pair, for example `2026-11`. */
  readonly period: string;
  /** What the insurer expects, or null to freeze whatever the ledger has: a busy pair's sums change with every block. */
  readonly sums: Sums | null;
}

/** `settle.confirm`, signed by the pharmacy, who names the sums that it found itself. */
export interface ConfirmBody extends Pair {
  readonly period: string;
  readonly sums: Sums;
}

/** `settle.dispute`, signed by the pharmacy before it confirms: the two look for the difference, and correct claims. */
export interface DisputeStatementBody extends Pair {
  readonly period: string;
  readonly reason: string;
}

/** `settle.paid`, signed by whoever owed: the insurer, or the pharmacy if the total is negative. */
export interface PaidBody extends Pair {
  readonly period: string;
  readonly total: Balance;
  /** Reference of the bank transfer. */
  readonly paymentRef: string;
}

const idSize = 16;

export const statementStatuses = ['proposed', 'disputed', 'confirmed', 'paid'] as const;
type StatementStatus = (typeof statementStatuses)[number];

/** The sums of some entries of a pair, frozen when it was proposed. */
export interface Statement extends Pair, Sums {
  readonly period: string;
  /** Number of the pair's statement, from 0. */
  readonly index: number;
  /** Of the block that proposed it. */
  readonly proposedHeight: Height;
  readonly status: StatementStatus;
  readonly paymentRef: string | null;
  /** The newest round of netting that it was put into (netting.ts). */
  readonly round: string | null;
}

/** What the pair's entries come to since the last statement. */
export interface OpenPosition extends Sums {
  /** Number that the pair's next statement will have, from 0. */
  readonly statementIndex: number;
}

interface PositionRecord {
  readonly statementIndex: number;
  readonly total: Balance;
  readonly frontier: Frontier;
}

const pairShape = { insurer: nameSchema, pharmacy: nameSchema };

const sumsShape = {
  count: z.int().min(0).max(statementEntriesMax),
  total: balanceSchema,
  claimsRoot: digestSchema,
};

const sumsSchema: z.ZodType<Sums> = z.strictObject(sumsShape);

export const proposeStatementBodySchema: z.ZodType<ProposeStatementBody> = z.strictObject({
  ...pairShape,
  period: codeSchema,
  sums: sumsSchema.nullable(),
});

export const confirmBodySchema: z.ZodType<ConfirmBody> = z.strictObject({
  ...pairShape,
  period: codeSchema,
  sums: sumsSchema,
});

export const disputeStatementBodySchema: z.ZodType<DisputeStatementBody> = z.strictObject({
  ...pairShape,
  period: codeSchema,
  reason: codeSchema,
});

export const paidBodySchema: z.ZodType<PaidBody> = z.strictObject({
  ...pairShape,
  period: codeSchema,
  total: balanceSchema,
  paymentRef: codeSchema,
});

const statementSchema: z.ZodType<Statement> = z.strictObject({
  ...pairShape,
  period: codeSchema,
  ...sumsShape,
  index: z.int().min(0),
  proposedHeight: heightSchema,
  status: z.enum(statementStatuses),
  paymentRef: codeSchema.nullable(),
  round: codeSchema.nullable(),
});

const statementCodec: RecordCodec<Statement> = recordCodec(statementSchema);

export const decodeStatement: (record: Uint8Array) => Statement = statementCodec.decode;

const positionCodec: RecordCodec<PositionRecord> = recordCodec<PositionRecord>(
  z.strictObject({
    statementIndex: z.int().min(0),
    total: balanceSchema,
    frontier: z.strictObject({ count: z.int().min(0), roots: z.array(digestSchema) }),
  }),
);

const periodCodec: RecordCodec<string> = recordCodec(codeSchema);

export function statementRecordKey({ insurer, pharmacy }: Pair, period: string): string {
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

/** The pair's statement of a number from 0, or null. */
export function statementNumbered(state: RecordReader, pair: Pair, index: number): Statement | null {
  const period = readRecord(state, periodRecordKey(pair, index), periodCodec);
  return period === null ? null : present(readStatement(state, pair, period), 'a period has its statement');
}

/** A claim's status with what follows from its statement: `netted` once it is in one, `paid` once that is paid. */
export function settledStatus(state: RecordReader, claim: Claim): ClaimStatus | 'netted' | 'paid' {
  if (claim.statementIndex === null) return claim.status;
  if (claim.status !== 'accepted') return claim.status;
  const statement = statementNumbered(state, claim, claim.statementIndex);
  if (statement === null) return claim.status;
  return statement.status === 'paid' ? 'paid' : 'netted';
}

/** One line of a statement. */
export type StatementEntry =
  | { readonly kind: 'accepted'; readonly claimId: Id; readonly covered: Amount }
  /** A reversal or recoupment, by the transaction that made it: a claim may have several. `covered` goes back to the insurer. */
  | { readonly kind: 'reversed'; readonly claimId: Id; readonly txId: Digest; readonly covered: Amount };

/** The leaf of an entry under a statement's `claimsRoot`. 32 bytes. */
export function entryLeaf(entry: StatementEntry): Uint8Array {
  const claimId = hexToBytes(entry.claimId);
  const covered = uint64Bytes(entry.covered);
  if (entry.kind === 'accepted') return taggedHash('claims', claimId, covered);
  return taggedHash('claimReversal', hexToBytes(entry.txId), claimId, covered);
}

/** Count, total and root of entries: whoever holds all lines of a statement finds its sums, and one line less gives others. */
export function sumsOf(entries: readonly StatementEntry[]): Sums {
  let total = 0;
  for (const entry of entries) total += signedAmount(entry);
  return { count: entries.length, total: total as Balance, claimsRoot: merkleRoot(entries.map(entryLeaf)) };
}

/** Positive for what the insurer owes. */
export function signedAmount(entry: StatementEntry): number {
  return entry.kind === 'accepted' ? entry.covered : 0 - entry.covered;
}

/** Under this id the history files every entry of the pair and every step of its statements. */
export function pairSubject({ insurer, pharmacy }: Pair): Id {
  return subjectOf(`${insurer}/${pharmacy}`);
}

/** Under these ids it files the steps of one statement: under its own, and under its pair's. */
export function statementSubjects(statement: Pair & { readonly period: string }): readonly Id[] {
  return [pairSubject(statement), statementSubject(statement)];
}

export function statementSubject({ insurer, pharmacy, period }: Pair & { readonly period: string }): Id {
  return subjectOf(`${insurer}/${pharmacy}/${period}`);
}

/** A slash stands in no name and in no period, so that two texts are never one. */
function subjectOf(text: string): Id {
  return bytesToHex(taggedHash('pair', utf8ToBytes(text)).subarray(0, idSize)) as Id;
}

export interface PositionChange {
  /** Number of the statement that the entry will be in. */
  readonly statementIndex: number;
  readonly write: RecordWrite;
}

/** The position with one more entry. Refusal: `tooLarge`, when a statement can hold no more. */
export function addToPosition(
  state: RecordReader,
  { insurer, pharmacy }: Pair,
  entry: StatementEntry,
): Result<PositionChange> {
  const pair = { insurer, pharmacy };
  const { statementIndex, total, frontier } = readPosition(state, pair);
  const totalNext = total + signedAmount(entry);
  if (frontier.count >= statementEntriesMax) return refused('tooLarge', 'claims');
  if (Math.abs(totalNext) > amountMax) return refused('tooLarge', 'total');
  const next = appendLeaf(frontier, entryLeaf(entry));
  invariant(next.count === frontier.count + 1, 'one entry more');
  const record = positionCodec.encode({ statementIndex, total: totalNext as Balance, frontier: next });
  return accepted({ statementIndex, write: [positionRecordKey(pair), record] });
}

/**
 * Freezes the open position as a statement and opens the next, so that each claim is in exactly one. Refusals: those of
 * `authorise`, `claimPartyWrong`, `memberUnknown` (pharmacy), `statementExists`, `nothingToSettle`, `statementMismatch`.
 */
export function propose(context: Context, body: ProposeStatementBody): Result<Applied> {
  const { state } = context;
  const signer = authoriseOne(context, insurerPlace(context));
  if (!signer.ok) return signer;
  if (body.insurer !== context.member) return refused('claimPartyWrong');
  const pharmacy = requireMember(state, body.pharmacy, ['pharmacy']);
  if (!pharmacy.ok) return pharmacy;
  if (readStatement(state, body, body.period) !== null) return refused('statementExists');
  const { statementIndex: index, ...sums } = readOpenPosition(state, body);
  if (sums.count === 0) return refused('nothingToSettle');
  if (body.sums !== null && !areSameSums(body.sums, sums)) return refused('statementMismatch');
  const { insurer, pharmacy: name, period } = body;
  const pair = { insurer, pharmacy: name };
  const frozen: Statement = {
    ...pair,
    period,
    ...sums,
    index,
    proposedHeight: context.height,
    status: 'proposed',
    paymentRef: null,
    round: null,
  };
  const nextPosition = { statementIndex: index + 1, total: 0 as Balance, frontier: emptyFrontier };
  return accepted(
    applied(statementSubjects(frozen), [
      statementRecord(frozen),
      [periodRecordKey(pair, index), periodCodec.encode(period)],
      [positionRecordKey(pair), positionCodec.encode(nextPosition)],
    ]),
  );
}

/** Refusals: those of `authorise`, `claimPartyWrong`, `statementUnknown`, `statementState`, `statementMismatch`. */
export function confirm(context: Context, body: ConfirmBody): Result<Applied> {
  const found = statementOfPharmacy(context, body);
  if (!found.ok) return found;
  const { status } = found.value;
  if (status !== 'proposed' && status !== 'disputed') return refused('statementState');
  if (!areSameSums(body.sums, found.value)) return refused('statementMismatch');
  return accepted(statementChanged({ ...found.value, status: 'confirmed' }));
}

/** Refusals: those of `authorise`, `claimPartyWrong`, `statementUnknown`, `statementState`. */
export function disputeStatement(context: Context, body: DisputeStatementBody): Result<Applied> {
  const found = statementOfPharmacy(context, body);
  if (!found.ok) return found;
  if (found.value.status !== 'proposed') return refused('statementState');
  return accepted(statementChanged({ ...found.value, status: 'disputed' }));
}

/**
 * Refusals: those of `authorise`, `claimPartyWrong`, `statementUnknown`, `statementState` (also: its round of netting is under way),
 * `statementMismatch`.
 */
export function markPaid(context: Context, body: PaidBody): Result<Applied> {
  const { state, member } = context;
  const statement = readStatement(state, body, body.period);
  const isOwedBack = statement !== null && statement.total < 0;
  const signer = authoriseOne(context, isOwedBack ? pharmacyPlace(context) : insurerPlace(context));
  if (!signer.ok) return signer;
  if (member !== (isOwedBack ? body.pharmacy : body.insurer)) return refused('claimPartyWrong');
  if (statement === null) return refused('statementUnknown');
  if (statement.status !== 'confirmed') return refused('statementState');
  if (isInRound(state, statement, context.timeMs)) return refused('statementState', 'round');
  if (body.total !== statement.total) return refused('statementMismatch');
  return accepted(statementChanged({ ...statement, status: 'paid', paymentRef: body.paymentRef }));
}

function statementOfPharmacy(context: Context, body: Pair & { readonly period: string }): Result<Statement> {
  const signer = authoriseOne(context, pharmacyPlace(context));
  if (!signer.ok) return signer;
  if (body.pharmacy !== context.member) return refused('claimPartyWrong');
  const statement = readStatement(context.state, body, body.period);
  return statement === null ? refused('statementUnknown') : accepted(statement);
}

function statementChanged(statement: Statement): Applied {
  return applied(statementSubjects(statement), [statementRecord(statement)]);
}

export function statementRecord(statement: Statement): RecordWrite {
  return [statementRecordKey(statement, statement.period), statementCodec.encode(statement)];
}

function readPosition(state: RecordReader, pair: Pair): PositionRecord {
  const position = readRecord(state, positionRecordKey(pair), positionCodec);
  return position ?? { statementIndex: 0, total: 0 as Balance, frontier: emptyFrontier };
}

function insurerPlace({ member }: Context): Place {
  return { member, memberRoles: ['insurer'], roles: ['accountant', 'adjudicator'], scope: null, id: null };
}

function pharmacyPlace({ member }: Context): Place {
  return { member, memberRoles: ['pharmacy'], roles: ['accountant', 'pharmacist'], scope: null, id: null };
}

function areSameSums(left: Sums, right: Sums): boolean {
  return left.count === right.count && left.total === right.total && left.claimsRoot === right.claimsRoot;
}
