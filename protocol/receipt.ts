/** Receipts: what the ledger answered to one transaction. Refusals have receipts too: ordered, certified, provable. */
import * as z from 'zod';
import type { Digest, Height, Timestamp } from './brand.ts';
import { hexToBytes, uint64Bytes } from './bytes.ts';
import { decodeWith, digestSchema, encodeWith, heightSchema, timestampSchema } from './codec.ts';
import { taggedDigest } from './hash.ts';
import { merkleRoot } from './merkle.ts';
import { refusalCodes, type RefusalCode } from './refusal.ts';
import type { Result } from './result.ts';

export interface Receipt {
  readonly txId: Digest;
  readonly height: Height;
  /** Position among the receipts of its block, from 0. */
  readonly index: number;
  /** Block time. */
  readonly timeMs: Timestamp;
  readonly outcome: 'committed' | 'refused';
  /** Null iff committed. */
  readonly code: RefusalCode | null;
  /** Version of the policy that it was judged by. */
  readonly policyVersion: number;
}

export const receiptSchema: z.ZodType<Receipt> = z
  .strictObject({
    txId: digestSchema,
    height: heightSchema,
    index: z.int().min(0),
    timeMs: timestampSchema,
    outcome: z.enum(['committed', 'refused']),
    code: z.enum(refusalCodes).nullable(),
    policyVersion: z.int().min(1),
  })
  .refine((receipt) => (receipt.outcome === 'committed') === (receipt.code === null));

export const receiptBytesMax = 512;

export function encodeReceipt(receipt: Receipt): Uint8Array {
  return encodeWith(receiptSchema, receipt);
}

/** Refusals: `tooLarge`, `malformed`. */
export function decodeReceipt(bytes: Uint8Array): Result<Receipt> {
  return decodeWith(receiptSchema, bytes, receiptBytesMax);
}

/** What a header commits to as `receiptsRoot`, from the root of the receipts' Merkle tree. */
export function receiptsDigest(count: number, root: Digest): Digest {
  // The size of the tree is hashed too (as in RFC 9162's tree heads), or a path would fit trees of several sizes.
  return taggedDigest('receipt', uint64Bytes(count), hexToBytes(root));
}

/** What a header commits to as `receiptsRoot`. */
export function receiptsRoot(receiptBytes: readonly Uint8Array[]): Digest {
  return receiptsDigest(receiptBytes.length, merkleRoot(receiptBytes));
}
