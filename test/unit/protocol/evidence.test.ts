import assert from 'node:assert/strict';
import { ed25519 } from '../../../node/ed25519.ts';
import { encodeWith } from '../../../protocol/codec.ts';
import {
  decodeEvidence,
  evidenceSchema,
  offenceOf,
  verifyEvidence,
  type Evidence,
} from '../../../protocol/evidence.ts';
import { accepted, refused } from '../../../protocol/result.ts';
import type { SignedKind } from '../../../protocol/vote.ts';
import { aDigest, aTransaction, anEnvelope, consensusSignerOf, testChainId } from '../../support/chain.ts';
import { aBatchEvidence, anEvidence } from '../../support/evidence.ts';
import { decodeTransaction, verifyTransaction } from '../../../protocol/transaction.ts';

type Said = readonly [SignedKind, number | null];

function offenceIn(a: Said, b: Said): string | null {
  const [first, second] = [a, b].map(([kind, block]) => ({
    kind,
    digest: block === null ? null : aDigest(block),
  }));
  assert.ok(first !== undefined && second !== undefined);
  assert.equal(offenceOf(first, second), offenceOf(second, first));
  return offenceOf(first, second);
}

describe('evidence', () => {
  it('is two different statements of one kind, or a COMMIT and a SKIP', () => {
    assert.equal(offenceIn(['propose', 1], ['propose', 2]), 'propose');
    assert.equal(offenceIn(['prepare', 1], ['prepare', 2]), 'prepare');
    assert.equal(offenceIn(['commit', 1], ['commit', 2]), 'commit');
    assert.equal(offenceIn(['commit', 1], ['skip', null]), 'commitSkip');
  });

  it('is nothing that an honest voter says in one view', () => {
    const honest: readonly (readonly [Said, Said])[] = [
      [
        ['propose', 1],
        ['propose', 1],
      ],
      [
        ['propose', 1],
        ['prepare', 1],
      ],
      [
        ['propose', 1],
        ['skip', null],
      ],
      [
        ['prepare', 1],
        ['prepare', 1],
      ],
      [
        ['prepare', 1],
        ['skip', null],
      ],
      // Whoever prepared one block may see another certified, and commit to that.
      [
        ['prepare', 1],
        ['commit', 2],
      ],
      [
        ['commit', 1],
        ['commit', 1],
      ],
      [
        ['skip', null],
        ['skip', null],
      ],
    ];
    for (const [a, b] of honest) assert.equal(offenceIn(a, b), null);
  });

  it('is proven offline by the two signatures', () => {
    assert.deepEqual(verifyEvidence(anEvidence(), testChainId, ed25519), accepted('prepare'));
    const skipped = anEvidence({
      statements: [
        ['skip', null],
        ['commit', 1],
      ],
    });
    assert.deepEqual(verifyEvidence(skipped, testChainId, ed25519), accepted('commitSkip'));
    assert.deepEqual(verifyEvidence(aBatchEvidence(), testChainId, ed25519), accepted('batch'));
  });

  it('has one form, whichever of the two came first', () => {
    const [a, b] = [
      anEvidence(),
      anEvidence({
        statements: [
          ['prepare', 2],
          ['prepare', 1],
        ],
      }),
    ];
    assert.deepEqual(a, b);
  });

  it('survives its encoding', () => {
    for (const evidence of [anEvidence(), aBatchEvidence()]) {
      assert.deepEqual(decodeEvidence(encodeWith(evidenceSchema, evidence)), accepted(evidence));
    }
  });

  it('is refused with any byte changed', () => {
    for (const evidence of [anEvidence(), aBatchEvidence()]) {
      const bytes = encodeWith(evidenceSchema, evidence);
      for (let at = 0; at < bytes.length; at += 1) {
        const decoded = decodeEvidence(bytes.with(at, (bytes[at] ?? 0) ^ 1));
        const isGood = decoded.ok && verifyEvidence(decoded.value, testChainId, ed25519).ok;
        assert.equal(isGood, false, `byte ${at}`);
      }
    }
  });

  const flawed: readonly (readonly [string, Evidence, string])[] = [
    [
      'two equal statements',
      anEvidence({
        statements: [
          ['prepare', 1],
          ['prepare', 1],
        ],
      }),
      'evidenceInvalid',
    ],
    [
      'what is legal',
      anEvidence({
        statements: [
          ['prepare', 1],
          ['skip', null],
        ],
      }),
      'evidenceInvalid',
    ],
    ['statements that are not in order', swapped(anEvidence()), 'evidenceInvalid'],
    ['bodies that are not in order', swapped(aBatchEvidence()), 'evidenceInvalid'],
    ['one body twice', twice(aBatchEvidence()), 'evidenceInvalid'],
    ['the key of somebody else', framed(anEvidence()), 'badSignature'],
  ];
  for (const [what, evidence, code] of flawed) {
    it(`is refused for ${what} (${code})`, () => {
      const verdict = verifyEvidence(evidence, testChainId, ed25519);
      assert.equal(verdict.ok ? null : verdict.refusal.code, code);
    });
  }

  it('of another chain is refused', () => {
    assert.deepEqual(verifyEvidence(anEvidence(), aDigest(9), ed25519), refused('badSignature'));
  });
});

describe('a transaction with evidence', () => {
  const report = (evidence: Evidence) => ({
    action: { kind: 'evidence.report', body: { evidence } } as const,
    signers: [consensusSignerOf('hospital')],
  });

  it('is verified with the signatures within its body', () => {
    assert.equal(aTransaction(report(anEvidence())).action.kind, 'evidence.report');
  });

  it('is refused if one of them does not hold', () => {
    const decoded = decodeTransaction(anEnvelope(report(framed(anEvidence()))));
    assert.ok(decoded.ok);
    assert.deepEqual(verifyTransaction(decoded.value, testChainId, ed25519), refused('badSignature'));
  });
});

function swapped(evidence: Evidence): Evidence {
  const { first, second } = evidence;
  return { ...evidence, first: second, second: first } as Evidence;
}

function twice(evidence: Evidence): Evidence {
  return { ...evidence, second: evidence.first } as Evidence;
}

function framed(evidence: Evidence): Evidence {
  return { ...evidence, key: consensusSignerOf('hospital').publicKey };
}
