/** Requests and answers of the bulk channel: blocks, batches and sealed documents, with the same limits on both sides. */
import * as z from 'zod';
import { blockSchema, type Block } from './block.ts';
import type { Digest, Height, Id, MemberName } from './brand.ts';
import { certificateSchema, type Certificate } from './certificate.ts';
import {
  bytesSchema,
  decodeWith,
  digestSchema,
  encodeWith,
  heightSchema,
  idSchema,
  nameSchema,
} from './codec.ts';
import { batchesPerAnswerMax, bulkFrameBytesMax, headersPerAnswerMax } from './limits.ts';
import { refusalCodes, type RefusalCode } from './refusal.ts';
import type { Result } from './result.ts';

export type SyncRequest =
  /** Finalized blocks from this height up, at most `headersPerAnswerMax`; the last one of the answer carries its CC. */
  | { readonly kind: 'blocksFrom'; readonly height: Height }
  /** The block with this digest and its ancestors above a height, newest first, finalized or not. */
  | { readonly kind: 'ancestors'; readonly digest: Digest; readonly aboveHeight: Height }
  | { readonly kind: 'batches'; readonly digests: readonly Digest[] }
  /** Batches of one lane above a sequence that the answerer holds and that are not final yet. */
  | { readonly kind: 'lane'; readonly member: MemberName; readonly aboveSequence: number }
  /** The asker's own lane reaches this sequence and is not ordered yet: whoever misses a part of it asks for it. */
  | { readonly kind: 'laneTip'; readonly sequence: number }
  /** A sealed document, for a member that the ledger lets read the prescription. */
  | { readonly kind: 'sealed'; readonly rxId: Id; readonly blobHash: Digest }
  /** Hands a sealed document to a holder. `document` is an encoded SealedDocument. */
  | { readonly kind: 'sealedPut'; readonly rxId: Id; readonly document: Uint8Array };

export interface SyncedBlock {
  readonly block: Block;
  readonly certificate: Certificate | null;
}

export type SyncAnswer =
  | { readonly kind: 'blocks'; readonly blocks: readonly SyncedBlock[] }
  /** Those that the answerer holds, in the order asked, truncated to one frame. */
  | { readonly kind: 'batches'; readonly batches: readonly Uint8Array[] }
  | { readonly kind: 'sealed'; readonly document: Uint8Array }
  | { readonly kind: 'stored' }
  | { readonly kind: 'refused'; readonly code: RefusalCode };

const requestSchema: z.ZodType<SyncRequest> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('blocksFrom'), height: heightSchema }),
  z.strictObject({ kind: z.literal('ancestors'), digest: digestSchema, aboveHeight: heightSchema }),
  z.strictObject({
    kind: z.literal('batches'),
    digests: z.array(digestSchema).min(1).max(batchesPerAnswerMax),
  }),
  z.strictObject({ kind: z.literal('lane'), member: nameSchema, aboveSequence: z.int().min(0) }),
  z.strictObject({ kind: z.literal('laneTip'), sequence: z.int().min(1) }),
  z.strictObject({ kind: z.literal('sealed'), rxId: idSchema, blobHash: digestSchema }),
  z.strictObject({ kind: z.literal('sealedPut'), rxId: idSchema, document: bytesSchema }),
]);

const answerSchema: z.ZodType<SyncAnswer> = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('blocks'),
    blocks: z
      .array(z.strictObject({ block: blockSchema, certificate: certificateSchema.nullable() }))
      .max(headersPerAnswerMax),
  }),
  z.strictObject({ kind: z.literal('batches'), batches: z.array(bytesSchema).max(batchesPerAnswerMax) }),
  z.strictObject({ kind: z.literal('sealed'), document: bytesSchema }),
  z.strictObject({ kind: z.literal('stored') }),
  z.strictObject({ kind: z.literal('refused'), code: z.enum(refusalCodes) }),
]);

export function encodeRequest(request: SyncRequest): Uint8Array {
  return encodeWith(requestSchema, request);
}

/** Refusals: `tooLarge`, `malformed`. */
export function decodeRequest(bytes: Uint8Array): Result<SyncRequest> {
  return decodeWith(requestSchema, bytes, bulkFrameBytesMax);
}

export function encodeAnswer(answer: SyncAnswer): Uint8Array {
  return encodeWith(answerSchema, answer);
}

/** Refusals: `tooLarge`, `malformed`. */
export function decodeAnswer(bytes: Uint8Array): Result<SyncAnswer> {
  return decodeWith(answerSchema, bytes, bulkFrameBytesMax);
}
