/** Modelled members, signatures and execution: cheap, and true to what the real ones promise. */
import { batchesRoot, type Block, type Header } from '../../protocol/block.ts';
import type { Digest, MemberName, PublicKey, Signature, Verified, VoterIndex } from '../../protocol/brand.ts';
import { votersInBitmap, type Certificate } from '../../protocol/certificate.ts';
import { voterSetHash, type Voter, type VoterSet } from '../../protocol/member.ts';
import type { Justification, Proposal } from '../../protocol/proposal.ts';
import type { Ballot, Vote } from '../../protocol/vote.ts';

export const chainId: Digest = '00'.repeat(32) as Digest;

export function votersOf(count: number): VoterSet {
  const voters = Array.from({ length: count }, (_unused, index) => voterOf(index));
  return { epoch: 1 as VoterSet['epoch'], voters };
}

/** The machine with this number, as a voter. */
export function voterOf(index: number): Voter {
  return { name: `voter-${index}` as MemberName, consensusKey: hexOf(index + 1) as string as PublicKey };
}

/** 32 bytes that hold a small number, as hex. */
export function hexOf(value: number): Digest {
  return value.toString(16).padStart(64, '0') as Digest;
}

export function asVerified<T>(value: T): Verified<T> {
  return value as Verified<T>;
}

/** The signature of a voter under one statement: only `sign` functions of this file write it, so nobody forges one. */
export function signVote(ballot: Ballot, voter: VoterIndex): Verified<Vote> {
  const signature = `${voter} ${ballot.kind} ${ballot.epoch} ${ballot.view} ${ballot.digest}` as Signature;
  return asVerified({ ...ballot, voter, signature });
}

export function signProposal(block: Block, justification: Justification): Verified<Proposal> {
  const signature = `${block.header.proposer} propose ${block.header.view}` as Signature;
  return asVerified({ block, justification, signature });
}

/** As `verifyCertificate`, with a quorum of the code under test; signatures are looked up instead of computed. */
export function isCertificateValid(
  certificate: Certificate,
  context: { readonly voterCount: number; readonly quorum: number },
): boolean {
  const signers = votersInBitmap(certificate.bitmap, context.voterCount);
  if (signers === null || signers.length !== context.quorum) return false;
  const { kind, epoch, view, digest } = certificate;
  return signers.every(
    (voter, position) => certificate.signatures[position] === `${voter} ${kind} ${epoch} ${view} ${digest}`,
  );
}

/** State root after a block: depends on the parent's root and on the batches, in their order. */
export function rootAfter(parentRoot: Digest, batchDigests: readonly Digest[]): Digest {
  if (batchDigests.length === 0) return parentRoot;
  let hash = 2_166_136_261;
  for (const text of [parentRoot, ...batchDigests]) {
    for (let index = 0; index < text.length; index += 1) {
      hash = Math.imul(hash ^ text.charCodeAt(index), 16_777_619) >>> 0;
    }
  }
  return hexOf(hash);
}

const hashes = new WeakMap<VoterSet, Digest>();

function hashOf(voters: VoterSet): Digest {
  const hash = hashes.get(voters) ?? voterSetHash(voters);
  hashes.set(voters, hash);
  return hash;
}

export interface BlockDraft {
  readonly view: number;
  readonly proposer: VoterIndex;
  readonly parent: { readonly digest: Digest; readonly view: number; readonly height: number };
  readonly timeMs: number;
  readonly batchDigests: readonly Digest[];
  readonly stateRoot: Digest;
  readonly voters: VoterSet;
  readonly nextVoterSet?: VoterSet | null;
  /** The closing block whose height it takes, if it extends one. */
  readonly extensionOf?: Digest | null;
}

export function draftBlock(draft: BlockDraft): Block {
  const { view, proposer, parent, timeMs, batchDigests, stateRoot, voters } = draft;
  const { nextVoterSet = null, extensionOf = null } = draft;
  const header = {
    chainId,
    epoch: voters.epoch,
    view,
    height: extensionOf === null ? parent.height + 1 : parent.height,
    parentDigest: parent.digest,
    parentView: parent.view,
    timeMs,
    batchesRoot: batchesRoot(batchDigests),
    receiptsRoot: hexOf(0),
    stateRoot,
    voterSetHash: hashOf(voters),
    nextVoterSet,
    extensionOf,
    proposer,
  } as unknown as Header;
  return { header, batchDigests };
}
