import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import {
  bytesToHex,
  compareBytes,
  compareText,
  equalBytes,
  uint64Bytes,
  uint64FromBytes,
  utf8ToBytes,
} from '../../../protocol/bytes.ts';
import { BrokenInvariant } from '../../../protocol/invariant.ts';
import { useNativeSha256 } from '../../../node/nativeSha256.ts';
import { plainHash, taggedDigest, taggedHash, useHostSha256 } from '../../../protocol/hash.ts';

/** The definition of README.md, by another library. */
function naive(tag: string, ...parts: readonly Uint8Array[]): string {
  const block = Buffer.alloc(64);
  block.write(tag);
  const hash = createHash('sha256').update(block);
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

describe('tagged hashes', () => {
  it('are sha256 of the tag, filled up to a block, and of the parts', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 150 }), { maxLength: 4 }), (parts) => {
        assert.equal(taggedDigest('header', ...parts), naive('rxledger/header/1', ...parts));
        assert.equal(bytesToHex(taggedHash('stateNode', ...parts)), naive('rxledger/state-node/1', ...parts));
      }),
    );
  });

  it('give a result that later hashes leave alone', () => {
    const first = taggedHash('batch', Uint8Array.of(1));
    const copy = Uint8Array.from(first);
    taggedHash('batch', Uint8Array.of(2));
    taggedHash('receipt', new Uint8Array(200));
    assert.deepEqual(first, copy);
  });

  it('differ from tag to tag, and from a hash without one', () => {
    const bytes = utf8ToBytes('the same');
    const hashes = [
      taggedDigest('transaction', bytes),
      taggedDigest('batch', bytes),
      taggedDigest('merkleLeaf', bytes),
      bytesToHex(plainHash(bytes)),
    ];
    assert.equal(new Set(hashes).size, 4);
    assert.equal(hashes[3], createHash('sha256').update(bytes).digest('hex'));
  });
});

describe('SHA-256 of the host', () => {
  it('gives the same digests as ours, of inputs of every size', () => {
    const sizes = [0, 1, 55, 56, 63, 64, 65, 119, 128, 1_000, 4_032, 4_033, 70_000];
    const inputs = sizes.map((size) => new Uint8Array(randomBytes(size)));
    const digests = (): readonly string[] => [
      ...inputs.flatMap((bytes) => [taggedDigest('header', bytes), taggedDigest('stateNode', bytes, bytes)]),
      ...inputs.map((bytes) => bytesToHex(taggedHash('batch', bytes))),
      ...inputs.map((bytes) => bytesToHex(plainHash(bytes))),
    ];
    const expected = [
      ...inputs.flatMap((bytes) => [
        naive('rxledger/header/1', bytes),
        naive('rxledger/state-node/1', bytes, bytes),
      ]),
      ...inputs.map((bytes) => naive('rxledger/batch/1', bytes)),
      ...inputs.map((bytes) => createHash('sha256').update(bytes).digest('hex')),
    ];
    assert.deepEqual(digests(), expected);
    useNativeSha256();
    assert.deepEqual(digests(), expected);
  });

  it('is not taken if it gives another digest', () => {
    assert.throws(() => useHostSha256(() => '00'.repeat(32)), BrokenInvariant);
  });
});

describe('bytes', () => {
  it('are ordered as unsigned numbers, a prefix first', () => {
    const sorted = ['', '00', '0000', '01', '7f', '80', '80ff', 'ff'].map((hex) => Buffer.from(hex, 'hex'));
    for (const [i, a] of sorted.entries()) {
      for (const [j, b] of sorted.entries()) {
        assert.equal(Math.sign(compareBytes(a, b)), Math.sign(i - j));
        assert.equal(equalBytes(a, b), i === j);
      }
    }
  });

  it('order ASCII text as its bytes are ordered', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), fc.string({ unit: 'binary-ascii' }), (a, b) => {
        assert.equal(compareText(a, b), Math.sign(compareBytes(utf8ToBytes(a), utf8ToBytes(b))));
      }),
    );
  });

  it('hold a safe integer in eight, in the order of the numbers', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
        assert.equal(uint64FromBytes(uint64Bytes(a)), a);
        assert.equal(Math.sign(compareBytes(uint64Bytes(a), uint64Bytes(b))), Math.sign(a - b));
      }),
    );
    assert.equal(bytesToHex(uint64Bytes(Number.MAX_SAFE_INTEGER)), '001fffffffffffff');
  });

  it('are no integer when they are not eight, or hold more than is safe', () => {
    for (const hex of ['', '00000000000000', '000000000000000001', '0020000000000000', 'ffffffffffffffff']) {
      assert.equal(uint64FromBytes(Buffer.from(hex, 'hex')), null);
    }
  });
});
