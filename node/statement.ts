/** Our statements: to bytes for the safety log before they are signed, and from there back, signed, when a node starts again. */
import * as z from 'zod';
import type { MemoryRecord, SafetyRecord } from '../consensus/record.ts';
import { blockSchema, decodeBlock, encodeBlock, headerDigest, type Block } from '../protocol/block.ts';
import type { Digest, Verified, VoterIndex } from '../protocol/brand.ts';
import { decodeCertificate, encodeCertificate, type Certificate } from '../protocol/certificate.ts';
import { decodeWith, digestSchema, encodeWith, epochSchema, viewSchema } from '../protocol/codec.ts';
import { unreachable } from '../protocol/invariant.ts';
import { consensusFrameBytesMax } from '../protocol/limits.ts';
import { justificationSchema, type Justification, type Proposal } from '../protocol/proposal.ts';
import { accepted, type Result } from '../protocol/result.ts';
import type { Signer } from '../protocol/signature.ts';
import { consensusSigningBytes, voteKinds, type Ballot, type Vote } from '../protocol/vote.ts';
import type { LogEntry } from './storage/safetyRecord.ts';

interface UnsignedProposal {
  readonly block: Block;
  readonly justification: Justification;
}

const ballotSchema: z.ZodType<Ballot> = z.strictObject({
  kind: z.enum(voteKinds),
  epoch: epochSchema,
  view: viewSchema,
  digest: digestSchema.nullable(),
});

const memorySchema: z.ZodType<MemoryRecord['memory']> = z.enum(['whole', 'lost', 'regained']);

const unsignedProposalSchema: z.ZodType<UnsignedProposal> = z.strictObject({
  block: blockSchema,
  justification: justificationSchema,
});

export function ballotEntry(ballot: Ballot): LogEntry {
  const { kind, epoch, view, digest } = ballot;
  return { kind: 'vote', epoch, view, body: encodeWith(ballotSchema, { kind, epoch, view, digest }) };
}

export function proposalEntry(block: Block, justification: Justification): LogEntry {
  const { epoch, view } = block.header;
  return {
    kind: 'proposal',
    epoch,
    view,
    body: encodeWith(unsignedProposalSchema, { block, justification }),
  };
}

export function certificateEntry(certificate: Certificate): LogEntry {
  const { epoch, view } = certificate;
  return { kind: 'certificate', epoch, view, body: encodeCertificate(certificate) };
}

export function blockEntry(block: Block): LogEntry {
  const { epoch, view } = block.header;
  return { kind: 'block', epoch, view, body: encodeBlock(block) };
}

export function memoryEntry({ memory, epoch, view }: MemoryRecord): LogEntry {
  return { kind: 'memory', epoch, view, body: encodeWith(memorySchema, memory) };
}

/** Whose statements these are, to sign them: the same statement gives the same bytes (Ed25519, RFC 8032). */
export interface OwnVoter {
  readonly chainId: Digest;
  readonly index: VoterIndex;
  readonly signer: Signer;
}

export function signBallot(ballot: Ballot, own: OwnVoter): Verified<Vote> {
  const signature = own.signer.sign(consensusSigningBytes(own.chainId, ballot));
  return { ...ballot, voter: own.index, signature } as Verified<Vote>;
}

export function signProposal(block: Block, justification: Justification, own: OwnVoter): Verified<Proposal> {
  const { epoch, view } = block.header;
  const statement = { kind: 'propose', epoch, view, digest: headerDigest(block.header) } as const;
  const signature = own.signer.sign(consensusSigningBytes(own.chainId, statement));
  return { block, justification, signature } as Verified<Proposal>;
}

/** A replayed entry; the log's checksum held, so a refusal here means that it was written by other code. */
export function replayEntry(entry: LogEntry, own: OwnVoter): Result<SafetyRecord> {
  switch (entry.kind) {
    case 'vote': {
      const ballot = decodeWith(ballotSchema, entry.body, consensusFrameBytesMax);
      return ballot.ok ? accepted({ kind: 'vote', vote: signBallot(ballot.value, own) }) : ballot;
    }
    case 'proposal': {
      const unsigned = decodeWith(unsignedProposalSchema, entry.body, consensusFrameBytesMax);
      if (!unsigned.ok) return unsigned;
      const { block, justification } = unsigned.value;
      return accepted({ kind: 'proposal', proposal: signProposal(block, justification, own) });
    }
    case 'certificate': {
      const certificate = decodeCertificate(entry.body);
      if (!certificate.ok) return certificate;
      return accepted({ kind: 'certificate', certificate: certificate.value as Verified<Certificate> });
    }
    case 'block': {
      const block = decodeBlock(entry.body);
      return block.ok ? accepted({ kind: 'block', block: block.value }) : block;
    }
    case 'memory': {
      const { kind, epoch, view } = entry;
      const memory = decodeWith(memorySchema, entry.body, consensusFrameBytesMax);
      return memory.ok ? accepted({ kind, memory: memory.value, epoch, view }) : memory;
    }
    default:
      return unreachable(entry.kind);
  }
}
