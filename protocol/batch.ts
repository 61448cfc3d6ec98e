/**
 * Batches: one member's transactions, sealed and signed by that member, as one blob. Batches of a member form a lane with a
 * gapless sequence; a member vouches for its batches, so one bad transaction refuses the whole batch.
 */
import * as z from 'zod';
import type { Digest, MemberName, PublicKey, Sequence, Signature, Verified } from './brand.ts';
import { hexToBytes, uint64Bytes, utf8ToBytes } from './bytes.ts';
import {
  bytesSchema,
  decodeWith,
  digestSchema,
  encodeCbor,
  encodeWith,
  nameSchema,
  sequenceSchema,
  signatureSchema,
} from './codec.ts';
import { taggedDigest, taggedHash } from './hash.ts';
import { batchBytesMax, batchTransactionsMax } from './limits.ts';
import { accepted, refused, type Result } from './result.ts';
import type { SignatureScheme, Signer } from './signature.ts';

export interface Batch {
  /** Binds member, sequence and body bytes; what proposals and headers name it by. */
  readonly digest: Digest;
  readonly bodyHash: Digest;
  readonly chainId: Digest;
  readonly member: MemberName;
  readonly sequence: Sequence;
  /** Envelopes in the order in which they execute. */
  readonly envelopes: readonly Uint8Array[];
  readonly signature: Signature;
  /** The whole batch as received; what is stored and gossiped. */
  readonly bytes: Uint8Array;
}

interface BatchBody {
  readonly chainId: Digest;
  readonly member: MemberName;
  readonly sequence: Sequence;
  readonly transactions: readonly Uint8Array[];
}

const bodySchema: z.ZodType<BatchBody> = z.strictObject({
  chainId: digestSchema,
  member: nameSchema,
  sequence: sequenceSchema,
  transactions: z.array(bytesSchema).min(1).max(batchTransactionsMax),
});

interface BatchWire {
  readonly body: Uint8Array;
  readonly signature: Signature;
}

const wireSchema: z.ZodType<BatchWire> = z.strictObject({ body: bytesSchema, signature: signatureSchema });

export interface BatchInput {
  readonly chainId: Digest;
  readonly member: MemberName;
  readonly sequence: Sequence;
  readonly envelopes: readonly Uint8Array[];
}

/** What a batch's digest binds: two bodies signed under one name are the proof of a lie, without the bodies. */
export interface BatchName {
  readonly member: MemberName;
  readonly sequence: Sequence;
  readonly bodyHash: Digest;
}

export function batchDigest({ member, sequence, bodyHash }: BatchName): Digest {
  return taggedDigest('batch', uint64Bytes(sequence), hexToBytes(bodyHash), utf8ToBytes(member));
}

/** The 32 bytes that a member signs to vouch for a batch. */
export function batchSigningBytes(chainId: Digest, digest: Digest): Uint8Array {
  return taggedHash('batchSigning', hexToBytes(chainId), hexToBytes(digest));
}

/** Seals envelopes into a signed batch. The caller keeps within the limits; the decoder of every other node checks them. */
export function sealBatch(input: BatchInput, signer: Signer): Batch {
  const { chainId, member, sequence, envelopes } = input;
  const body = encodeWith(bodySchema, { chainId, member, sequence, transactions: envelopes });
  const bodyHash = taggedDigest('batchBody', body);
  const digest = batchDigest({ member, sequence, bodyHash });
  const signature = signer.sign(batchSigningBytes(chainId, digest));
  const bytes = encodeCbor({ body, signature: hexToBytes(signature) });
  return { digest, bodyHash, chainId, member, sequence, envelopes, signature, bytes };
}

/** Refusals: `tooLarge`, `malformed`. The signature is not yet checked. */
export function decodeBatch(bytes: Uint8Array): Result<Batch> {
  const wire = decodeWith(wireSchema, bytes, batchBytesMax);
  if (!wire.ok) return wire;
  const body = decodeWith(bodySchema, wire.value.body, batchBytesMax);
  if (!body.ok) return body;
  const { chainId, member, sequence, transactions } = body.value;
  const bodyHash = taggedDigest('batchBody', wire.value.body);
  const digest = batchDigest({ member, sequence, bodyHash });
  return accepted({
    digest,
    bodyHash,
    chainId,
    member,
    sequence,
    envelopes: transactions,
    signature: wire.value.signature,
    bytes,
  });
}

/** The author vouches for these bytes. Refusals: `wrongChain`, `badSignature`. */
export function verifyBatch(
  batch: Batch,
  expected: { readonly chainId: Digest; readonly consensusKey: PublicKey },
  scheme: SignatureScheme,
): Result<Verified<Batch>> {
  if (batch.chainId !== expected.chainId) return refused('wrongChain');
  const message = batchSigningBytes(batch.chainId, batch.digest);
  if (!scheme.verify(message, batch.signature, expected.consensusKey)) return refused('badSignature');
  return accepted(batch as Verified<Batch>);
}
