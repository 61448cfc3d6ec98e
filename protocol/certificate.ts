/** Certificates: q signatures of distinct voters of one epoch over one statement (PC, SC, CC), with a bitmap of who signed. */
import * as z from 'zod';
import type { Digest, Epoch, Signature, Verified, View, VoterIndex } from './brand.ts';
import {
  bytesSchema,
  decodeWith,
  digestSchema,
  encodeWith,
  epochSchema,
  signatureSchema,
  viewSchema,
} from './codec.ts';
import { votersMax } from './limits.ts';
import { voterAt, type VoterSet } from './member.ts';
import { accepted, refused, type Result } from './result.ts';
import type { SignatureScheme } from './signature.ts';
import { consensusSigningBytes, voteKinds, type Vote, type VoteKind } from './vote.ts';

export interface Certificate {
  readonly kind: VoteKind;
  readonly epoch: Epoch;
  readonly view: View;
  /** Null for a skip certificate and only then. */
  readonly digest: Digest | null;
  /** Bit i (least significant first) of byte i/8 is voter i; as many bytes as n voters need, no bit above n. */
  readonly bitmap: Uint8Array;
  /** In ascending order of voter index. */
  readonly signatures: readonly Signature[];
}

export const certificateSchema: z.ZodType<Certificate> = z
  .strictObject({
    kind: z.enum(voteKinds),
    epoch: epochSchema,
    view: viewSchema,
    digest: digestSchema.nullable(),
    bitmap: bytesSchema,
    signatures: z.array(signatureSchema).min(1).max(votersMax),
  })
  .refine((certificate) => (certificate.kind === 'skip') === (certificate.digest === null));

export const certificateBytesMax = 8_192;

/** q = ceil(2n/3): 4→3, 5→4, 7→5, 10→7, 50→34. */
export function quorumSize(voterCount: number): number {
  return Math.ceil((2 * voterCount) / 3);
}

/** f = floor((n-1)/3). */
export function faultyMax(voterCount: number): number {
  return Math.floor((voterCount - 1) / 3);
}

/** Joins votes for one statement by distinct voters; the caller has counted them. Uses the first q in order of voter index. */
export function makeCertificate(votes: readonly Verified<Vote>[], voterCount: number): Certificate | null {
  const first = votes[0];
  if (first === undefined) return null;
  const sorted = votes.toSorted((a, b) => a.voter - b.voter).slice(0, quorumSize(voterCount));
  const bitmap = new Uint8Array(Math.ceil(voterCount / 8));
  for (const vote of sorted) {
    bitmap[vote.voter >> 3] = (bitmap[vote.voter >> 3] ?? 0) | (1 << (vote.voter & 7));
  }
  const { kind, epoch, view, digest } = first;
  return { kind, epoch, view, digest, bitmap, signatures: sorted.map((vote) => vote.signature) };
}

/** Voters named by a bitmap in ascending order, or null if its length or a bit is out of range. */
export function votersInBitmap(bitmap: Uint8Array, voterCount: number): readonly VoterIndex[] | null {
  if (bitmap.length !== Math.ceil(voterCount / 8)) return null;
  const voters: VoterIndex[] = [];
  for (let index = 0; index < bitmap.length * 8; index += 1) {
    const isSet = ((bitmap[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
    if (isSet && index >= voterCount) return null;
    if (isSet) voters.push(index as VoterIndex);
  }
  return voters;
}

/**
 * Exactly q valid signatures of distinct voters of this epoch; every one is checked, always. Refusals: `wrongEpoch`,
 * `certificateInvalid`.
 */
export function verifyCertificate(
  certificate: Certificate,
  context: { readonly chainId: Digest; readonly voters: VoterSet },
  scheme: SignatureScheme,
): Result<Verified<Certificate>> {
  const { voters, chainId } = context;
  if (certificate.epoch !== voters.epoch) return refused('wrongEpoch');
  const signers = votersInBitmap(certificate.bitmap, voters.voters.length);
  if (signers === null) return refused('certificateInvalid', 'bitmap');
  if (signers.length !== quorumSize(voters.voters.length)) return refused('certificateInvalid', 'count');
  if (signers.length !== certificate.signatures.length) return refused('certificateInvalid', 'signatures');
  const message = consensusSigningBytes(chainId, certificate);
  for (const [position, signer] of signers.entries()) {
    const voter = voterAt(voters, signer);
    const signature = certificate.signatures[position];
    if (voter === null || signature === undefined) return refused('certificateInvalid', 'signers');
    if (!scheme.verify(message, signature, voter.consensusKey))
      return refused('certificateInvalid', 'signature');
  }
  return accepted(certificate as Verified<Certificate>);
}

export function encodeCertificate(certificate: Certificate): Uint8Array {
  return encodeWith(certificateSchema, certificate);
}

/** Refusals: `tooLarge`, `malformed`. Signatures are not yet checked. */
export function decodeCertificate(bytes: Uint8Array): Result<Certificate> {
  return decodeWith(certificateSchema, bytes, certificateBytesMax);
}
