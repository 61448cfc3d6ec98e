/** PROPOSE: a block, its leader's signature, and the certificates that prove its parent is the right one (R2). */
import * as z from 'zod';
import { blockSchema, headerDigest, type Block } from './block.ts';
import type { Digest, Signature, Verified } from './brand.ts';
import { signatureSchema } from './codec.ts';
import { certificateSchema, verifyCertificate, type Certificate } from './certificate.ts';
import { skipCertificatesInProposalMax } from './limits.ts';
import { voterAt, type VoterSet } from './member.ts';
import { accepted, refused, type Result } from './result.ts';
import type { SignatureScheme } from './signature.ts';
import { consensusSigningBytes } from './vote.ts';

export interface Justification {
  /** PC or CC of the parent; null when the parent is the block that the epoch starts on. */
  readonly parent: Certificate | null;
  /** SC of every view between the parent's and this one, ascending; empty when there are more than 64 (voters fetch them). */
  readonly skips: readonly Certificate[];
}

export interface Proposal {
  readonly block: Block;
  readonly justification: Justification;
  readonly signature: Signature;
}

export const justificationSchema: z.ZodType<Justification> = z.strictObject({
  parent: certificateSchema.nullable(),
  skips: z.array(certificateSchema).max(skipCertificatesInProposalMax),
});

export const proposalSchema: z.ZodType<Proposal> = z.strictObject({
  block: blockSchema,
  justification: justificationSchema,
  signature: signatureSchema,
});

/** The proposer's signature and every certificate hold. Refusals: `wrongEpoch`, `notAVoter`, `badSignature`, `certificateInvalid`. */
export function verifyProposal(
  proposal: Proposal,
  context: { readonly chainId: Digest; readonly voters: VoterSet },
  scheme: SignatureScheme,
): Result<Verified<Proposal>> {
  const { header } = proposal.block;
  if (header.chainId !== context.chainId) return refused('wrongChain');
  if (header.epoch !== context.voters.epoch) return refused('wrongEpoch');
  const voter = voterAt(context.voters, header.proposer);
  if (voter === null) return refused('notAVoter');
  const digest = headerDigest(header);
  const message = consensusSigningBytes(context.chainId, {
    kind: 'propose',
    epoch: header.epoch,
    view: header.view,
    digest,
  });
  if (!scheme.verify(message, proposal.signature, voter.consensusKey)) return refused('badSignature');
  const { parent, skips } = proposal.justification;
  for (const certificate of parent === null ? skips : [parent, ...skips]) {
    const verdict = verifyCertificate(certificate, context, scheme);
    if (!verdict.ok) return verdict;
  }
  return accepted(proposal as Verified<Proposal>);
}
