/** Settlement of a pair: every node sums the accepted claims itself; a statement is these sums, signed by both sides. */
import * as z from 'zod';
import type { Amount, Digest, MemberName } from './brand.ts';
import { amountSchema, codeSchema, digestSchema, nameSchema } from './codec.ts';
import { statementClaimsMax } from './limits.ts';

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
