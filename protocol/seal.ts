/**
 * What the chain knows of a sealed document: a salted commitment and the hash and size of the stored blob. Neither
 * ciphertext nor wrapped keys are ever in a block. The container's wire format, for whoever stores and opens it, is here too.
 */
import * as z from 'zod';
import type { Digest, MemberName, PublicKey } from './brand.ts';
import {
  bytesSchema,
  codeSchema,
  decodeWith,
  digestSchema,
  encodeWith,
  nameSchema,
  publicKeySchema,
} from './codec.ts';
import { taggedDigest } from './hash.ts';
import { sealedDocumentBytesMax, sealRecipientsMax } from './limits.ts';
import type { Result } from './result.ts';

/** Stands in a transaction's `seals[]`. */
export interface Seal {
  /** FHIR resource type, for example `MedicationRequest`. */
  readonly docType: string;
  /** sha256(tag ‖ salt (32 bytes) ‖ canonical JSON, RFC 8785). */
  readonly commitment: Digest;
  /** Hash of the ciphertext blob. */
  readonly blobHash: Digest;
  /** Size of the ciphertext blob in bytes. */
  readonly size: number;
}

export const sealSchema: z.ZodType<Seal> = z.strictObject({
  docType: codeSchema,
  commitment: digestSchema,
  blobHash: digestSchema,
  size: z.int().min(1).max(sealedDocumentBytesMax),
});

/**
 * One HPKE wrap (RFC 9180, base mode, X25519 + HKDF-SHA256 + AES-256-GCM) of the 32-byte content key. Its `info` is
 * `rxledger/seal/1` ‖ chain id (32) ‖ commitment (32).
 */
export interface KeyWrap {
  /** A member's name, or null for a key derived from the patient's token. */
  readonly member: MemberName | null;
  /** The X25519 key that it is wrapped to. */
  readonly recipientKey: PublicKey;
  readonly encapsulated: Uint8Array;
  readonly wrapped: Uint8Array;
}

/** What holders store and hand over: never part of a block. */
export interface SealedDocument {
  readonly docType: string;
  readonly commitment: Digest;
  /**
   * AES-256-GCM: nonce (12) ‖ ciphertext ‖ tag (16); associated data: docType ‖ `/` ‖ commitment in hex. Its plaintext:
   * salt (32) ‖ size (u32, big-endian) of the deflated canonical JSON ‖ that (raw, RFC 1951) ‖ zeros to 1 KiB steps.
   */
  readonly blob: Uint8Array;
  readonly wraps: readonly KeyWrap[];
}

const sealedDocumentSchema: z.ZodType<SealedDocument> = z.strictObject({
  docType: codeSchema,
  commitment: digestSchema,
  blob: bytesSchema,
  wraps: z
    .array(
      z.strictObject({
        member: nameSchema.nullable(),
        recipientKey: publicKeySchema,
        encapsulated: bytesSchema,
        wrapped: bytesSchema,
      }),
    )
    .min(1)
    .max(sealRecipientsMax),
});

export function encodeSealedDocument(document: SealedDocument): Uint8Array {
  return encodeWith(sealedDocumentSchema, document);
}

/** Refusals: `tooLarge`, `malformed`. */
export function decodeSealedDocument(bytes: Uint8Array): Result<SealedDocument> {
  return decodeWith(sealedDocumentSchema, bytes, sealedDocumentBytesMax);
}

export function blobHash(blob: Uint8Array): Digest {
  return taggedDigest('blob', blob);
}

/** Salted, so that nobody can guess the document from its commitment. `salt` is 32 bytes. */
export function documentCommitment(salt: Uint8Array, canonicalJson: Uint8Array): Digest {
  return taggedDigest('commitment', salt, canonicalJson);
}

/** The seal that a transaction carries for this document. */
export function sealOf(document: SealedDocument): Seal {
  return {
    docType: document.docType,
    commitment: document.commitment,
    blobHash: blobHash(document.blob),
    size: document.blob.length,
  };
}

/** True iff the container is the one that the chain committed to. */
export function matchesSeal(document: SealedDocument, seal: Seal): boolean {
  const own = sealOf(document);
  return (
    own.blobHash === seal.blobHash &&
    own.commitment === seal.commitment &&
    own.size === seal.size &&
    own.docType === seal.docType
  );
}
