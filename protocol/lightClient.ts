/**
 * The light client: from the genesis file to any certified header, without a ledger. It begins with the genesis voters, goes from
 * closing header to closing header, each with its CC under the voters before it, and so knows the voters of any epoch
 * (consensus/README.md §5). Every certificate is checked in full: a quorum of distinct voters of that very epoch.
 */
import * as z from 'zod';
import { headerDigest, headerSchema, type Header } from './block.ts';
import type { Digest, Height, Timestamp } from './brand.ts';
import { certificateSchema, verifyCertificate, type Certificate } from './certificate.ts';
import { decodeWith, encodeWith } from './codec.ts';
import { chainIdOf, genesisVoterSet, type Genesis } from './genesis.ts';
import { bulkFrameBytesMax, stampClosingsMax, stampHeadersMax } from './limits.ts';
import { voterSetHash, type VoterSet } from './member.ts';
import { accepted, refused, type Result } from './result.ts';
import type { SignatureScheme } from './signature.ts';

/** Headers from the block that matters to the one that the certificate is of: nearly always just one. */
export interface FinalityProof {
  readonly headers: readonly Header[];
  /** CC of the last header. */
  readonly certificate: Certificate;
}

/** A proof that needs the genesis file only: whatever the epoch, its voters are followed from the genesis. */
export interface GenesisProof extends FinalityProof {
  /** The closing block of epoch 1 and of each epoch after it, up to the one before the headers'. */
  readonly closings: readonly FinalityProof[];
}

export const headersSchema: z.ZodType<readonly Header[]> = z.array(headerSchema).min(1).max(stampHeadersMax);

export const finalityProofSchema: z.ZodType<FinalityProof> = z.strictObject({
  headers: headersSchema,
  certificate: certificateSchema,
});

export function encodeFinality(proof: FinalityProof): Uint8Array {
  return encodeWith(finalityProofSchema, proof);
}

/** Refusals: `tooLarge`, `malformed`. Nothing is verified yet. */
export function decodeFinality(bytes: Uint8Array): Result<FinalityProof> {
  return decodeWith(finalityProofSchema, bytes, bulkFrameBytesMax);
}

export const closingsSchema: z.ZodType<readonly FinalityProof[]> = z
  .array(finalityProofSchema)
  .max(stampClosingsMax);

/** What a light client believes: the voters of one epoch, and the block that the epoch starts on. */
export interface Trust {
  readonly chainId: Digest;
  readonly voters: VoterSet;
  /** Genesis, or the closing block of the epoch before: every block of this epoch descends from it. */
  readonly start: { readonly digest: Digest; readonly height: Height; readonly timeMs: Timestamp };
}

/** Where a light client begins: epoch 1, on the word of the genesis file alone. */
export function trustGenesis(genesis: Genesis): Trust {
  const chainId = chainIdOf(genesis);
  const start = { digest: chainId, height: 0 as Height, timeMs: genesis.createdAt };
  return { chainId, voters: genesisVoterSet(genesis), start };
}

/**
 * The first header is final: the headers are linked, and a quorum of the trusted voters committed the last. Gives the first.
 * Refusals: `wrongChain`, `wrongEpoch`, `headerInvalid`, `certificateInvalid`; the detail names what is wrong.
 */
export function verifyFinality(proof: FinalityProof, trust: Trust, scheme: SignatureScheme): Result<Header> {
  const { headers, certificate } = proof;
  const [first] = headers;
  const last = headers.at(-1);
  if (first === undefined || last === undefined) return refused('headerInvalid', 'headers');
  if (headers.length > stampHeadersMax) return refused('headerInvalid', 'headers');
  const votersDigest = voterSetHash(trust.voters);
  let parent: Header | null = null;
  for (const header of headers) {
    const verdict = checkHeader(header, trust, votersDigest);
    if (!verdict.ok) return verdict;
    const fault = parent === null ? null : linkFault(parent, header);
    if (fault !== null) return refused('headerInvalid', fault);
    parent = header;
  }
  if (certificate.kind !== 'commit') return refused('certificateInvalid', 'kind');
  if (certificate.digest !== headerDigest(last)) return refused('certificateInvalid', 'digest');
  if (certificate.view !== last.view) return refused('certificateInvalid', 'view');
  const verdict = verifyCertificate(certificate, trust, scheme);
  return verdict.ok ? accepted(first) : verdict;
}

/** The whole check, with the genesis file only. Gives the first header. Refusals: those of `followClosing` and `verifyFinality`. */
export function verifyFromGenesis(
  proof: GenesisProof,
  genesis: Genesis,
  scheme: SignatureScheme,
): Result<Header> {
  let trust = trustGenesis(genesis);
  for (const closing of proof.closings) {
    const next = followClosing(trust, closing, scheme);
    if (!next.ok) return next;
    trust = next.value;
  }
  return verifyFinality(proof, trust, scheme);
}

/**
 * One epoch further: `proof` begins with the closing header of the trusted epoch, which names the voters of the next. Refusals: those
 * of `verifyFinality`, and `headerInvalid` for a header that closes nothing.
 */
export function followClosing(trust: Trust, proof: FinalityProof, scheme: SignatureScheme): Result<Trust> {
  const verified = verifyFinality(proof, trust, scheme);
  if (!verified.ok) return verified;
  const closing = verified.value;
  const voters = closing.nextVoterSet;
  if (voters === null) return refused('headerInvalid', 'nextVoterSet');
  if (voters.epoch !== trust.voters.epoch + 1) return refused('wrongEpoch', 'nextVoterSet');
  const { height, timeMs } = closing;
  return accepted({
    chainId: trust.chainId,
    voters,
    start: { digest: headerDigest(closing), height, timeMs },
  });
}

/** What every header of the epoch has, whatever stands before it in the proof. */
function checkHeader(header: Header, { chainId, voters, start }: Trust, votersDigest: Digest): Result<null> {
  if (header.chainId !== chainId) return refused('wrongChain');
  if (header.epoch !== voters.epoch) return refused('wrongEpoch');
  if (header.voterSetHash !== votersDigest) return refused('headerInvalid', 'voterSetHash');
  if (header.height <= start.height) return refused('headerInvalid', 'height');
  if (header.timeMs <= start.timeMs) return refused('headerInvalid', 'timeMs');
  const isFirst = header.parentView === 0;
  if (isFirst !== (header.parentDigest === start.digest)) return refused('headerInvalid', 'parentDigest');
  if (isFirst && header.height !== start.height + 1) return refused('headerInvalid', 'height');
  return accepted(null);
}

/** The field in which a header does not follow the one before it in the proof; null if it does. */
function linkFault(before: Header, header: Header): string | null {
  const digest = headerDigest(before);
  if (header.view <= before.view) return 'view';
  if (header.timeMs <= before.timeMs) return 'timeMs';
  // After the closing block there are only extensions, which take no height. Each names it, so those between are not needed.
  if (before.nextVoterSet !== null || header.extensionOf !== null) {
    if (header.extensionOf !== digest) return 'extensionOf';
    return header.height === before.height ? null : 'height';
  }
  if (header.parentDigest !== digest) return 'parentDigest';
  if (header.parentView !== before.view) return 'parentView';
  return header.height === before.height + 1 ? null : 'height';
}
