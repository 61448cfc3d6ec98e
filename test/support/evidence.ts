/** Conflicting statements, truly signed by a member of the test chain. */
import { batchDigest, batchSigningBytes } from '../../protocol/batch.ts';
import type { Digest, Epoch, MemberName, Sequence, View } from '../../protocol/brand.ts';
import { batchEvidence, statementEvidence, type Evidence, type Statement } from '../../protocol/evidence.ts';
import { consensusSigningBytes, type SignedKind } from '../../protocol/vote.ts';
import { aDigest, consensusSignerOf, testChainId } from './chain.ts';

const epoch = 1 as Epoch;

/** A statement of the member in this view, about the block that is a number; null for a SKIP. */
function aStatement(member: string, view: number, what: readonly [SignedKind, number | null]): Statement {
  const [kind, block] = what;
  const digest = block === null ? null : aDigest(block);
  const bytes = consensusSigningBytes(testChainId, { kind, epoch, view: view as View, digest });
  return { kind, digest, signature: consensusSignerOf(member).sign(bytes) };
}

/** By default two PREPAREs of one view. */
export function anEvidence(
  input: {
    readonly member?: string;
    readonly view?: number;
    readonly statements?: readonly [
      readonly [SignedKind, number | null],
      readonly [SignedKind, number | null],
    ];
  } = {},
): Evidence {
  const {
    member = 'clinic',
    view = 5,
    statements = [
      ['prepare', 1],
      ['prepare', 2],
    ],
  } = input;
  const [a, b] = statements.map((what) => aStatement(member, view, what));
  if (a === undefined || b === undefined) throw new Error('two statements');
  return statementEvidence({ key: consensusSignerOf(member).publicKey, epoch, view: view as View }, a, b);
}

export function aBatchEvidence(member = 'clinic', sequence = 7): Evidence {
  const name = { member: member as MemberName, sequence: sequence as Sequence };
  const body = (bodyHash: Digest) => {
    const message = batchSigningBytes(testChainId, batchDigest({ ...name, bodyHash }));
    return { bodyHash, signature: consensusSignerOf(member).sign(message) };
  };
  const key = consensusSignerOf(member).publicKey;
  return batchEvidence({ key, ...name }, body(aDigest(2)), body(aDigest(1)));
}
