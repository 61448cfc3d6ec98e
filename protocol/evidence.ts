/**
 * Evidence: two signatures of one key that no honest node gives both (consensus/README.md, "Equivocation"). It is checked
 * offline, with the chain id alone: whose key it is, the ledger knows.
 */
import * as z from 'zod';
import { batchDigest, batchSigningBytes } from './batch.ts';
import type { Digest, Epoch, MemberName, PublicKey, Sequence, Signature, View } from './brand.ts';
import { compareText } from './bytes.ts';
import {
  decodeWith,
  digestSchema,
  encodeWith,
  epochSchema,
  nameSchema,
  publicKeySchema,
  sequenceSchema,
  signatureSchema,
  viewSchema,
} from './codec.ts';
import { taggedDigest } from './hash.ts';
import { unreachable } from './invariant.ts';
import { accepted, refused, type Result } from './result.ts';
import type { SignatureCheck, SignatureScheme } from './signature.ts';
import type { Offence } from './standing.ts';
import { consensusSigningBytes, type SignedKind } from './vote.ts';

const statementKinds = ['propose', 'prepare', 'commit', 'skip'] as const satisfies readonly SignedKind[];

export interface Statement {
  readonly kind: SignedKind;
  /** Null for a SKIP and only then. */
  readonly digest: Digest | null;
  readonly signature: Signature;
}

interface SignedBody {
  readonly bodyHash: Digest;
  readonly signature: Signature;
}

/** The two are in order (`orderedStatements`, `orderedBodies`), so that one lie has one form. */
export type Evidence =
  | {
      readonly kind: 'statements';
      /** Consensus key that signed both. */
      readonly key: PublicKey;
      readonly epoch: Epoch;
      readonly view: View;
      readonly first: Statement;
      readonly second: Statement;
    }
  | {
      readonly kind: 'batches';
      readonly key: PublicKey;
      readonly member: MemberName;
      readonly sequence: Sequence;
      readonly first: SignedBody;
      readonly second: SignedBody;
    };

const statementSchema: z.ZodType<Statement> = z
  .strictObject({
    kind: z.enum(statementKinds),
    digest: digestSchema.nullable(),
    signature: signatureSchema,
  })
  .refine((statement) => (statement.kind === 'skip') === (statement.digest === null));

const bodySchema: z.ZodType<SignedBody> = z.strictObject({
  bodyHash: digestSchema,
  signature: signatureSchema,
});

export const evidenceSchema: z.ZodType<Evidence> = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('statements'),
    key: publicKeySchema,
    epoch: epochSchema,
    view: viewSchema,
    first: statementSchema,
    second: statementSchema,
  }),
  z.strictObject({
    kind: z.literal('batches'),
    key: publicKeySchema,
    member: nameSchema,
    sequence: sequenceSchema,
    first: bodySchema,
    second: bodySchema,
  }),
]);

const evidenceBytesMax = 1_024;

/** By kind, then by digest. */
function compareStatements(a: Statement, b: Statement): number {
  const byKind = statementKinds.indexOf(a.kind) - statementKinds.indexOf(b.kind);
  return byKind === 0 ? compareText(a.digest ?? '', b.digest ?? '') : byKind;
}

/** What the two statements prove together, or null: one may be said beside the other. PREPARE with SKIP is legal, COMMIT is not. */
export function offenceOf(
  a: Pick<Statement, 'kind' | 'digest'>,
  b: Pick<Statement, 'kind' | 'digest'>,
): Offence | null {
  if (a.kind === b.kind) return a.kind === 'skip' || a.digest === b.digest ? null : a.kind;
  const kinds: readonly SignedKind[] = [a.kind, b.kind];
  return kinds.includes('commit') && kinds.includes('skip') ? 'commitSkip' : null;
}

/** Two conflicting statements of one key in one view, in order. The caller knows that they conflict. */
export function statementEvidence(
  place: { readonly key: PublicKey; readonly epoch: Epoch; readonly view: View },
  a: Statement,
  b: Statement,
): Evidence {
  const [first, second] = compareStatements(a, b) < 0 ? [a, b] : [b, a];
  return { kind: 'statements', ...place, first, second };
}

/** Two bodies that a member signed under one sequence, in order. */
export function batchEvidence(
  place: { readonly key: PublicKey; readonly member: MemberName; readonly sequence: Sequence },
  a: SignedBody,
  b: SignedBody,
): Evidence {
  const [first, second] = compareText(a.bodyHash, b.bodyHash) < 0 ? [a, b] : [b, a];
  return { kind: 'batches', ...place, first, second };
}

/** What it proves, but for its signatures. Refusal `evidenceInvalid`: the two do not conflict, or are not in order. */
export function judgeEvidence(evidence: Evidence): Result<Offence> {
  switch (evidence.kind) {
    case 'statements': {
      const { first, second } = evidence;
      const offence = offenceOf(first, second);
      if (offence === null) return refused('evidenceInvalid', 'no conflict');
      return compareStatements(first, second) < 0 ? accepted(offence) : refused('evidenceInvalid', 'order');
    }
    case 'batches': {
      const order = compareText(evidence.first.bodyHash, evidence.second.bodyHash);
      if (order === 0) return refused('evidenceInvalid', 'no conflict');
      return order < 0 ? accepted('batch') : refused('evidenceInvalid', 'order');
    }
    default:
      return unreachable(evidence);
  }
}

/** Both signatures, which must hold. */
export function evidenceChecks(chainId: Digest, evidence: Evidence): readonly SignatureCheck[] {
  const { key } = evidence;
  switch (evidence.kind) {
    case 'statements': {
      const { epoch, view, first, second } = evidence;
      return [first, second].map(({ kind, digest, signature }) => {
        const message = consensusSigningBytes(chainId, { kind, epoch, view, digest });
        return { message, signature, key };
      });
    }
    case 'batches': {
      const { member, sequence, first, second } = evidence;
      return [first, second].map(({ bodyHash, signature }) => {
        const message = batchSigningBytes(chainId, batchDigest({ member, sequence, bodyHash }));
        return { message, signature, key };
      });
    }
    default:
      return unreachable(evidence);
  }
}

/** The whole check, offline. Refusals: `evidenceInvalid`, `badSignature`. */
export function verifyEvidence(
  evidence: Evidence,
  chainId: Digest,
  scheme: SignatureScheme,
): Result<Offence> {
  const offence = judgeEvidence(evidence);
  if (!offence.ok) return offence;
  const isGood = evidenceChecks(chainId, evidence).every(({ message, signature, key }) =>
    scheme.verify(message, signature, key),
  );
  return isGood ? offence : refused('badSignature');
}

export function evidenceDigest(evidence: Evidence): Digest {
  return taggedDigest('evidence', encodeWith(evidenceSchema, evidence));
}

/** Refusals: `tooLarge`, `malformed`. Nothing is verified yet. */
export function decodeEvidence(bytes: Uint8Array): Result<Evidence> {
  return decodeWith(evidenceSchema, bytes, evidenceBytesMax);
}
