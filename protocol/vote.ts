/** What voters sign: PROPOSE, PREPARE, COMMIT and SKIP, bound to chain, epoch and view (CONSENSUS rules §1). */
import * as z from 'zod';
import type { Digest, Epoch, Signature, Verified, View, VoterIndex } from './brand.ts';
import { hexToBytes, uint64Bytes } from './bytes.ts';
import { digestSchema, epochSchema, signatureSchema, viewSchema, voterIndexSchema } from './codec.ts';
import { taggedHash } from './hash.ts';
import { voterAt, type VoterSet } from './member.ts';
import { accepted, refused, type Result } from './result.ts';
import type { SignatureScheme } from './signature.ts';

export const voteKinds = ['prepare', 'commit', 'skip'] as const;
export type VoteKind = (typeof voteKinds)[number];
export type SignedKind = 'propose' | VoteKind;

/** A vote that is not signed yet: what the core asks for. `digest` is null for a skip and only then. */
export interface Ballot {
  readonly kind: VoteKind;
  readonly epoch: Epoch;
  readonly view: View;
  readonly digest: Digest | null;
}

export interface Vote extends Ballot {
  readonly voter: VoterIndex;
  readonly signature: Signature;
}

export const voteSchema: z.ZodType<Vote> = z
  .strictObject({
    kind: z.enum(voteKinds),
    epoch: epochSchema,
    view: viewSchema,
    digest: digestSchema.nullable(),
    voter: voterIndexSchema,
    signature: signatureSchema,
  })
  .refine((vote) => (vote.kind === 'skip') === (vote.digest === null));

const kindBytes: Readonly<Record<SignedKind, number>> = { propose: 1, prepare: 2, commit: 3, skip: 4 };
const noDigest = new Uint8Array(32);

export interface SignedStatement {
  readonly kind: SignedKind;
  readonly epoch: Epoch;
  readonly view: View;
  readonly digest: Digest | null;
}

/** The 32 bytes under a consensus signature: sha256(tag ‖ chainId ‖ epoch ‖ view ‖ kind ‖ digest). */
export function consensusSigningBytes(chainId: Digest, statement: SignedStatement): Uint8Array {
  return taggedHash(
    'consensus',
    hexToBytes(chainId),
    uint64Bytes(statement.epoch),
    uint64Bytes(statement.view),
    Uint8Array.of(kindBytes[statement.kind]),
    statement.digest === null ? noDigest : hexToBytes(statement.digest),
  );
}

/** Refusals: `wrongEpoch`, `notAVoter`, `badSignature`. */
export function verifyVote(
  vote: Vote,
  context: { readonly chainId: Digest; readonly voters: VoterSet },
  scheme: SignatureScheme,
): Result<Verified<Vote>> {
  if (vote.epoch !== context.voters.epoch) return refused('wrongEpoch');
  const voter = voterAt(context.voters, vote.voter);
  if (voter === null) return refused('notAVoter');
  const message = consensusSigningBytes(context.chainId, vote);
  if (!scheme.verify(message, vote.signature, voter.consensusKey)) return refused('badSignature');
  return accepted(vote as Verified<Vote>);
}
