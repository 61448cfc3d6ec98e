import assert from 'node:assert/strict';
import type { Height } from '../../../protocol/brand.ts';
import { encodeCbor } from '../../../protocol/codec.ts';
import {
  decodeReceipt,
  encodeReceipt,
  receiptBytesMax,
  receiptsRoot,
  type Receipt,
} from '../../../protocol/receipt.ts';
import { refusalCodes } from '../../../protocol/refusal.ts';
import { refused } from '../../../protocol/result.ts';
import { aDigest, noon, valueOf } from '../../support/chain.ts';

const committed: Receipt = {
  txId: aDigest(1),
  height: 3 as Height,
  index: 0,
  timeMs: noon,
  outcome: 'committed',
  code: null,
  policyVersion: 1,
};
const wire = {
  txId: new Uint8Array(32),
  height: 3,
  index: 0,
  timeMs: 5,
  outcome: 'committed',
  code: null,
  policyVersion: 1,
};

describe('a receipt', () => {
  it('survives its encoding, with every code there is', () => {
    const receipts = [
      committed,
      ...refusalCodes.map((code) => ({ ...committed, outcome: 'refused' as const, code })),
    ];
    for (const receipt of receipts) assert.deepEqual(valueOf(decodeReceipt(encodeReceipt(receipt))), receipt);
  });

  it('has a code if it is a refusal, and only then', () => {
    assert.equal(decodeReceipt(encodeCbor(wire)).ok, true);
    assert.equal(decodeReceipt(encodeCbor({ ...wire, outcome: 'refused' })).ok, false);
    assert.equal(decodeReceipt(encodeCbor({ ...wire, code: 'expired' })).ok, false);
    assert.equal(decodeReceipt(encodeCbor({ ...wire, outcome: 'refused', code: 'nonsense' })).ok, false);
    assert.throws(() => encodeReceipt({ ...committed, outcome: 'refused' }));
  });

  it('is refused when it is too large', () => {
    assert.deepEqual(
      decodeReceipt(new Uint8Array(receiptBytesMax + 1)),
      refused('tooLarge', `at most ${receiptBytesMax} bytes`),
    );
  });

  it('counts in the root with its place and with the number of all', () => {
    const [a, b] = [encodeReceipt(committed), encodeReceipt({ ...committed, index: 1 })];
    const roots = [[], [new Uint8Array(0)], [a], [a, b], [b, a], [a, b, b]].map(receiptsRoot);
    assert.equal(new Set(roots).size, roots.length);
  });
});

describe('refusal codes', () => {
  it('are each there once', () => {
    assert.equal(new Set(refusalCodes).size, refusalCodes.length);
  });
});
