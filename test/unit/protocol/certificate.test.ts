import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { ed25519 } from '../../../node/ed25519.ts';
import type { Digest, Epoch, Signature, View } from '../../../protocol/brand.ts';
import {
  certificateBytesMax,
  certificateSchema,
  decodeCertificate,
  encodeCertificate,
  faultyMax,
  makeCertificate,
  quorumSize,
  verifyCertificate,
  votersInBitmap,
  type Certificate,
} from '../../../protocol/certificate.ts';
import { encodeCbor } from '../../../protocol/codec.ts';
import { votersMax } from '../../../protocol/limits.ts';
import type { VoterSet } from '../../../protocol/member.ts';
import { accepted, refused, type Result } from '../../../protocol/result.ts';
import type { Ballot } from '../../../protocol/vote.ts';
import {
  aCertificate,
  aDigest,
  aVote,
  aVoterSet,
  testChainId,
  testVoters,
  valueOf,
} from '../../support/chain.ts';
import * as z from 'zod';

const ballot: Ballot = { kind: 'commit', epoch: 1 as Epoch, view: 7 as View, digest: aDigest(9) };
const good = aCertificate(ballot);

function verify(
  certificate: Certificate,
  voters: VoterSet = testVoters,
  chainId: Digest = testChainId,
): Result<unknown> {
  return verifyCertificate(certificate, { chainId, voters }, ed25519);
}

describe('the size of a quorum', () => {
  it('is two thirds, rounded up', () => {
    const sizes = [1, 2, 3, 4, 5, 6, 7, 10, 13, 16, 50, 64].map((count) => [
      count,
      quorumSize(count),
      faultyMax(count),
    ]);
    assert.deepEqual(sizes, [
      [1, 1, 0],
      [2, 2, 0],
      [3, 2, 0],
      [4, 3, 1],
      [5, 4, 1],
      [6, 4, 1],
      [7, 5, 2],
      [10, 7, 3],
      [13, 9, 4],
      [16, 11, 5],
      [50, 34, 16],
      [64, 43, 21],
    ]);
  });

  it('leaves an honest voter in the overlap of any two quorums, and a quorum without the faulty', () => {
    for (let count = 1; count <= votersMax; count += 1) {
      assert.ok(2 * quorumSize(count) - count > faultyMax(count), `${count} voters`);
      assert.ok(quorumSize(count) <= count - faultyMax(count), `${count} voters`);
    }
  });
});

describe('a certificate', () => {
  it('holds with the signatures of any three of four voters', () => {
    for (const signers of [
      [0, 1, 2],
      [0, 1, 3],
      [0, 2, 3],
      [1, 2, 3],
    ]) {
      const certificate = aCertificate(ballot, signers);
      assert.deepEqual(verify(certificate), accepted(certificate));
      assert.deepEqual(votersInBitmap(certificate.bitmap, 4), signers);
    }
  });

  it('is made of the first q votes in order of voters, in whatever order they came', () => {
    const votes = [3, 1, 0, 2].map((voter) => aVote(ballot, voter));
    assert.deepEqual(makeCertificate(votes, 4), good);
    assert.equal(makeCertificate([], 4), null);
  });

  it('holds for 64 voters', () => {
    const voters = aVoterSet(votersMax);
    const signers = Array.from({ length: quorumSize(votersMax) }, (_, index) => index + 21);
    const certificate = aCertificate(ballot, signers, voters);
    assert.deepEqual(verify(certificate, voters), accepted(certificate));
    assert.ok(encodeCertificate(certificate).length <= certificateBytesMax);
  });

  it('holds for every kind, and a skip names no block', () => {
    for (const kind of ['prepare', 'skip'] as const) {
      const certificate = aCertificate({ ...ballot, kind, digest: kind === 'skip' ? null : aDigest(9) });
      assert.deepEqual(verify(certificate), accepted(certificate));
      assert.deepEqual(valueOf(decodeCertificate(encodeCertificate(certificate))), certificate);
    }
    const wire = z.encode(certificateSchema, good) as Record<string, unknown>;
    assert.equal(decodeCertificate(encodeCbor({ ...wire, kind: 'skip' })).ok, false);
    assert.equal(decodeCertificate(encodeCbor({ ...wire, digest: null })).ok, false);
    assert.equal(decodeCertificate(encodeCbor({ ...wire, kind: 'propose' })).ok, false);
  });

  it('is refused with fewer than q signers, and with more', () => {
    assert.deepEqual(verify(aCertificate(ballot, [0, 1])), refused('certificateInvalid', 'count'));
    const four = [0, 1, 2, 3].map((voter) => aVote(ballot, voter).signature);
    assert.deepEqual(
      verify({ ...good, bitmap: Uint8Array.of(0b1111), signatures: four }),
      refused('certificateInvalid', 'count'),
    );
    assert.deepEqual(verify({ ...good, bitmap: Uint8Array.of(0) }), refused('certificateInvalid', 'count'));
  });

  it('is refused when one voter’s signature stands for two', () => {
    const [first, second] = good.signatures as readonly [Signature, Signature, Signature];
    assert.deepEqual(
      verify({ ...good, signatures: [first, second, second] }),
      refused('certificateInvalid', 'signature'),
    );
    assert.deepEqual(
      verify({ ...good, bitmap: Uint8Array.of(0b0011) }),
      refused('certificateInvalid', 'count'),
    );
  });

  it('is refused with signatures out of order, one too many, or one too few', () => {
    const [first, second, third] = good.signatures as readonly [Signature, Signature, Signature];
    const cases = [
      [second, first, third],
      [first, second, third, third],
      [first, second],
    ];
    const details = ['signature', 'signatures', 'signatures'];
    for (const [index, signatures] of cases.entries()) {
      assert.deepEqual(
        verify({ ...good, signatures }),
        refused('certificateInvalid', details[index] ?? null),
      );
    }
  });

  it('is refused with a bit for a voter who does not exist', () => {
    assert.deepEqual(
      verify({ ...good, bitmap: Uint8Array.of(0b10011) }),
      refused('certificateInvalid', 'bitmap'),
    );
    assert.equal(votersInBitmap(Uint8Array.of(0xff), 7), null);
    assert.deepEqual(votersInBitmap(Uint8Array.of(0x7f), 7), [0, 1, 2, 3, 4, 5, 6]);
  });

  it('is refused with a bitmap of another length', () => {
    for (const bitmap of [new Uint8Array(0), Uint8Array.of(0b111, 0), new Uint8Array(8_000)]) {
      assert.deepEqual(verify({ ...good, bitmap }), refused('certificateInvalid', 'bitmap'));
    }
    assert.deepEqual(votersInBitmap(new Uint8Array(2), 8), null);
    assert.deepEqual(votersInBitmap(Uint8Array.of(0, 1), 9), [8]);
  });

  it('is refused when any one signature is not good: none is left unchecked', () => {
    for (const index of good.signatures.keys()) {
      const other = aVote({ ...ballot, view: 8 as View }, index).signature;
      assert.deepEqual(
        verify({ ...good, signatures: good.signatures.with(index, other) }),
        refused('certificateInvalid', 'signature'),
      );
    }
  });

  it('is bound to its kind, epoch, view, digest and chain', () => {
    const invalid = refused('certificateInvalid', 'signature');
    assert.deepEqual(verify({ ...good, kind: 'prepare' }), invalid);
    assert.deepEqual(verify({ ...good, view: 8 as View }), invalid);
    assert.deepEqual(verify({ ...good, digest: aDigest(10) }), invalid);
    assert.deepEqual(verify(good, testVoters, aDigest(1)), invalid);
    assert.deepEqual(verify({ ...good, epoch: 2 as Epoch }), refused('wrongEpoch'));
    assert.deepEqual(verify(good, { ...testVoters, epoch: 2 as Epoch }), refused('wrongEpoch'));
  });

  it('is refused by other voters', () => {
    assert.deepEqual(verify(good, aVoterSet(4)), refused('certificateInvalid', 'signature'));
    assert.deepEqual(verify(good, aVoterSet(5)), refused('certificateInvalid', 'count'));
  });

  it('has one bitmap for each set of voters', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: votersMax }),
        (bitmap, count) => {
          const signers = votersInBitmap(bitmap, count);
          if (signers === null) return;
          const again = new Uint8Array(Math.ceil(count / 8));
          for (const signer of signers) again[signer >> 3] = (again[signer >> 3] ?? 0) | (1 << (signer & 7));
          assert.deepEqual(again, bitmap);
          assert.ok(signers.every((signer) => signer < count));
        },
      ),
    );
  });

  it('is refused when it is too large or has no or too many signatures', () => {
    assert.deepEqual(
      decodeCertificate(new Uint8Array(certificateBytesMax + 1)),
      refused('tooLarge', `at most ${certificateBytesMax} bytes`),
    );
    const wire = z.encode(certificateSchema, good) as Record<string, unknown>;
    const signatures = (count: number) => Array.from({ length: count }, () => new Uint8Array(64));
    assert.equal(decodeCertificate(encodeCbor({ ...wire, signatures: signatures(votersMax) })).ok, true);
    assert.equal(decodeCertificate(encodeCbor({ ...wire, signatures: signatures(votersMax + 1) })).ok, false);
    assert.equal(decodeCertificate(encodeCbor({ ...wire, signatures: [] })).ok, false);
  });
});
