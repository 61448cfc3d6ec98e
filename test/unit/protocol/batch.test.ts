import assert from 'node:assert/strict';
import { ed25519 } from '../../../node/ed25519.ts';
import { batchSigningBytes, decodeBatch, sealBatch, verifyBatch } from '../../../protocol/batch.ts';
import type { MemberName, Sequence, Signature } from '../../../protocol/brand.ts';
import { hexToBytes } from '../../../protocol/bytes.ts';
import { encodeCbor } from '../../../protocol/codec.ts';
import { taggedDigest } from '../../../protocol/hash.ts';
import { batchBytesMax, batchTransactionsMax } from '../../../protocol/limits.ts';
import { accepted, refused } from '../../../protocol/result.ts';
import { aDigest, anEnvelope, anId, consensusSignerOf, testChainId, valueOf } from '../../support/chain.ts';

const signer = consensusSignerOf('hospital');
const expected = { chainId: testChainId, consensusKey: signer.publicKey };

function seal(envelopes: readonly Uint8Array[], sequence = 1) {
  const member = 'hospital' as MemberName;
  return sealBatch({ chainId: testChainId, member, sequence: sequence as Sequence, envelopes }, signer);
}

const batch = seal([anEnvelope(), anEnvelope({ id: anId(2) })]);

/** A batch whose body is this, signed by its author. */
function signedBody(body: object): Uint8Array {
  const bytes = encodeCbor(body);
  const digest = taggedDigest('batch', bytes);
  return encodeCbor({
    body: bytes,
    signature: hexToBytes(signer.sign(batchSigningBytes(testChainId, digest))),
  });
}

const bodyWire = {
  chainId: hexToBytes(testChainId),
  member: 'hospital',
  sequence: 1,
  transactions: [new Uint8Array(1)],
};

describe('a batch', () => {
  it('is the same to its author and to its readers', () => {
    assert.deepEqual(valueOf(decodeBatch(batch.bytes)), batch);
    assert.deepEqual(verifyBatch(batch, expected, ed25519), accepted(batch));
  });

  it('is named by its body, not by its signature', () => {
    const other = encodeCbor({ body: bodyOf(batch.bytes), signature: new Uint8Array(64) });
    assert.equal(valueOf(decodeBatch(other)).digest, batch.digest);
    assert.notEqual(seal([anEnvelope()]).digest, batch.digest);
    assert.notEqual(seal(batch.envelopes, 2).digest, batch.digest);
  });

  it('is refused without its author’s signature', () => {
    const forged = { ...batch, signature: '00'.repeat(64) as Signature };
    assert.deepEqual(verifyBatch(forged, expected, ed25519), refused('badSignature'));
    const other = { ...expected, consensusKey: consensusSignerOf('clinic').publicKey };
    assert.deepEqual(verifyBatch(batch, other, ed25519), refused('badSignature'));
    assert.deepEqual(
      verifyBatch({ ...batch, digest: aDigest(1) }, expected, ed25519),
      refused('badSignature'),
    );
  });

  it('is refused on another chain', () => {
    assert.deepEqual(
      verifyBatch(batch, { ...expected, chainId: aDigest(1) }, ed25519),
      refused('wrongChain'),
    );
  });

  it(`may hold ${batchTransactionsMax} transactions, not one more, and not none`, () => {
    const many = (count: number) =>
      signedBody({ ...bodyWire, transactions: Array.from({ length: count }, () => new Uint8Array(1)) });
    assert.equal(decodeBatch(many(batchTransactionsMax)).ok, true);
    assert.equal(decodeBatch(many(batchTransactionsMax + 1)).ok, false);
    assert.equal(decodeBatch(many(0)).ok, false);
  });

  it('may be as large as the limit, and not one byte larger', () => {
    const overhead = signedBody({ ...bodyWire, transactions: [new Uint8Array(200_000)] }).length - 200_000;
    const full = signedBody({ ...bodyWire, transactions: [new Uint8Array(batchBytesMax - overhead)] });
    assert.equal(full.length, batchBytesMax);
    assert.equal(decodeBatch(full).ok, true);
    const over = signedBody({ ...bodyWire, transactions: [new Uint8Array(batchBytesMax - overhead + 1)] });
    assert.deepEqual(decodeBatch(over), refused('tooLarge', `at most ${batchBytesMax} bytes`));
  });

  it('is refused with a sequence below 1, a field too many, or a body that is not strict', () => {
    for (const changes of [
      { sequence: 0 },
      { sequence: -1 },
      { extra: 1 },
      { member: '' },
      { transactions: ['text'] },
    ]) {
      assert.equal(decodeBatch(signedBody({ ...bodyWire, ...changes })).ok, false, JSON.stringify(changes));
    }
    const body = new Uint8Array([...bodyOf(batch.bytes), 0]);
    assert.equal(decodeBatch(encodeCbor({ body, signature: new Uint8Array(64) })).ok, false);
  });

  it('signs other bytes on another chain', () => {
    assert.notDeepEqual(
      batchSigningBytes(testChainId, batch.digest),
      batchSigningBytes(aDigest(1), batch.digest),
    );
    assert.notDeepEqual(
      batchSigningBytes(testChainId, batch.digest),
      batchSigningBytes(batch.digest, testChainId),
    );
  });
});

/** `{ body, signature }`: 1 byte of map, the key, then the byte string of the body with its length in two bytes. */
function bodyOf(bytes: Uint8Array): Uint8Array {
  const start = 1 + 5 + 3;
  const size = ((bytes[start - 2] ?? 0) << 8) | (bytes[start - 1] ?? 0);
  return bytes.slice(start, start + size);
}
