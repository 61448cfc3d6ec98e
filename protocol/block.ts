/** Block headers and blocks. A block names its batches by digest; their bodies travel and are stored apart. */
import * as z from 'zod';
import type { Digest, Epoch, Height, Timestamp, View, VoterIndex } from './brand.ts';
import { hexToBytes } from './bytes.ts';
import {
  decodeWith,
  digestSchema,
  encodeWith,
  epochSchema,
  heightSchema,
  timestampSchema,
  viewSchema,
  voterIndexSchema,
} from './codec.ts';
import { taggedDigest } from './hash.ts';
import { blockBatchesMax } from './limits.ts';
import { voterSetSchema, type VoterSet } from './member.ts';
import { merkleRoot } from './merkle.ts';
import type { Result } from './result.ts';

export interface Header {
  readonly chainId: Digest;
  readonly epoch: Epoch;
  readonly view: View;
  readonly height: Height;
  readonly parentDigest: Digest;
  /** View of the parent; 0 for the block that the epoch starts on. */
  readonly parentView: View;
  /** The leader's clock, Unix ms; strictly above the parent's. */
  readonly timeMs: Timestamp;
  readonly batchesRoot: Digest;
  readonly receiptsRoot: Digest;
  /** Root of the state after this block. */
  readonly stateRoot: Digest;
  readonly voterSetHash: Digest;
  /** Set in the closing block of an epoch only. */
  readonly nextVoterSet: VoterSet | null;
  /**
   * Digest of the closing block that this block exists to make final; null in all others. An extension has the height of the closing
   * block, no batches and no effect. Through this field two headers prove the closing block, however many extensions it took.
   */
  readonly extensionOf: Digest | null;
  readonly proposer: VoterIndex;
}

export interface Block {
  readonly header: Header;
  readonly batchDigests: readonly Digest[];
}

export const headerSchema: z.ZodType<Header> = z.strictObject({
  chainId: digestSchema,
  epoch: epochSchema,
  view: viewSchema,
  height: heightSchema,
  parentDigest: digestSchema,
  parentView: viewSchema,
  timeMs: timestampSchema,
  batchesRoot: digestSchema,
  receiptsRoot: digestSchema,
  stateRoot: digestSchema,
  voterSetHash: digestSchema,
  nextVoterSet: voterSetSchema.nullable(),
  extensionOf: digestSchema.nullable(),
  proposer: voterIndexSchema,
});

export const blockSchema: z.ZodType<Block> = z.strictObject({
  header: headerSchema,
  batchDigests: z.array(digestSchema).max(blockBatchesMax),
});

export const headerBytesMax = 16_384;
export const blockBytesMax: number = headerBytesMax + 64 * blockBatchesMax;

export function encodeHeader(header: Header): Uint8Array {
  return encodeWith(headerSchema, header);
}

/** Refusals: `tooLarge`, `malformed`. */
export function decodeHeader(bytes: Uint8Array): Result<Header> {
  return decodeWith(headerSchema, bytes, headerBytesMax);
}

export function headerDigest(header: Header): Digest {
  return taggedDigest('header', encodeHeader(header));
}

export function encodeBlock(block: Block): Uint8Array {
  return encodeWith(blockSchema, block);
}

/** Refusals: `tooLarge`, `malformed`. */
export function decodeBlock(bytes: Uint8Array): Result<Block> {
  return decodeWith(blockSchema, bytes, blockBytesMax);
}

/** The block that this one follows in the ledger: an extension follows its closing block, whatever views lie between. */
export function ledgerParent({ extensionOf, parentDigest }: Header): Digest {
  return extensionOf ?? parentDigest;
}

/** The closing block that this block is, or extends; null if it does not close its epoch. `digest` is the header's own. */
export function closingOf({ extensionOf, nextVoterSet }: Header, digest: Digest): Digest | null {
  return extensionOf ?? (nextVoterSet === null ? null : digest);
}

/** What a header commits to as `batchesRoot`. */
export function batchesRoot(batchDigests: readonly Digest[]): Digest {
  return merkleRoot(batchDigests.map((digest) => hexToBytes(digest)));
}

/** True iff these are the batches that the header commits to. A header's digest, signature or certificate does not cover the list. */
export function namesItsBatches({ header, batchDigests }: Block): boolean {
  return header.batchesRoot === batchesRoot(batchDigests);
}
