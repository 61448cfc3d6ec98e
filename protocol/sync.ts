/** Requests and answers of the bulk channel: blocks, batches, snapshots and sealed documents, with the same limits on both sides. */
import * as z from 'zod';
import { blockSchema, type Block } from './block.ts';
import type { Digest, Epoch, Height, Id, MemberName } from './brand.ts';
import { certificateSchema, type Certificate } from './certificate.ts';
import {
  bytesSchema,
  decodeWith,
  digestSchema,
  encodeWith,
  epochSchema,
  heightSchema,
  idSchema,
  nameSchema,
} from './codec.ts';
import { finalityProofSchema, type FinalityProof } from './lightClient.ts';
import {
  batchesPerAnswerMax,
  bulkFrameBytesMax,
  closingsPerAnswerMax,
  headersPerAnswerMax,
  snapshotChunksMax,
} from './limits.ts';
import { refusalCodes, type RefusalCode } from './refusal.ts';
import type { Result } from './result.ts';
import { snapshotManifestSchema, type SnapshotManifest } from './snapshot.ts';

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
  /** The newest snapshot that the answerer holds. */
  | { readonly kind: 'snapshot' }
  /** One chunk of a snapshot, by the digest of its manifest. */
  | { readonly kind: 'snapshotChunk'; readonly snapshot: Digest; readonly index: number }
  /** The final block at a height with the proof that it is final. */
  | { readonly kind: 'finality'; readonly height: Height }
  /** The closing headers of this epoch and the ones after it, each with its proof, at most `closingsPerAnswerMax`. */
  | { readonly kind: 'closings'; readonly fromEpoch: Epoch }
  /** Hands a sealed document to a holder. `document` is an encoded SealedDocument. */
  | { readonly kind: 'sealedPut'; readonly rxId: Id; readonly document: Uint8Array };

export interface SyncedBlock {
  readonly block: Block;
  readonly certificate: Certificate | null;
}

/** A block and what proves it final: the first header of the proof is the block's. */
export interface FinalBlock {
  readonly block: Block;
  readonly proof: FinalityProof;
}

export type SyncAnswer =
  | { readonly kind: 'blocks'; readonly blocks: readonly SyncedBlock[] }
  /** Those that the answerer holds, in the order asked, truncated to one frame. */
  | { readonly kind: 'batches'; readonly batches: readonly Uint8Array[] }
  | { readonly kind: 'sealed'; readonly document: Uint8Array }
  /** Null: the answerer holds none. */
  | { readonly kind: 'snapshot'; readonly manifest: SnapshotManifest | null }
  | { readonly kind: 'snapshotChunk'; readonly bytes: Uint8Array }
  /** The header of the block is the first of the proof; null if the answerer does not hold it. */
  | { readonly kind: 'finality'; readonly final: FinalBlock | null }
  | { readonly kind: 'closings'; readonly proofs: readonly FinalityProof[] }
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
  z.strictObject({ kind: z.literal('snapshot') }),
  z.strictObject({
    kind: z.literal('snapshotChunk'),
    snapshot: digestSchema,
    index: z
      .int()
      .min(0)
      .max(snapshotChunksMax - 1),
  }),
  z.strictObject({ kind: z.literal('finality'), height: heightSchema }),
  z.strictObject({ kind: z.literal('closings'), fromEpoch: epochSchema }),
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
  z.strictObject({ kind: z.literal('snapshot'), manifest: snapshotManifestSchema.nullable() }),
  z.strictObject({ kind: z.literal('snapshotChunk'), bytes: bytesSchema }),
  z.strictObject({
    kind: z.literal('finality'),
    final: z.strictObject({ block: blockSchema, proof: finalityProofSchema }).nullable(),
  }),
  z.strictObject({
    kind: z.literal('closings'),
    proofs: z.array(finalityProofSchema).max(closingsPerAnswerMax),
  }),
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
