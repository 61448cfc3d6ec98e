import assert from 'node:assert/strict';
import { ed25519 } from '../../../node/ed25519.ts';
import type { Digest, Id, MemberName } from '../../../protocol/brand.ts';
import { bytesToHex, hexToBytes } from '../../../protocol/bytes.ts';
import { decodeCbor, encodeCbor } from '../../../protocol/codec.ts';
import {
  transactionBytesMax,
  transactionSealsMax,
  transactionSignaturesMax,
} from '../../../protocol/limits.ts';
import { refused } from '../../../protocol/result.ts';
import {
  asVerified,
  decodePayload,
  decodeTransaction,
  encodeEnvelope,
  encodePayload,
  shortId,
  transactionId,
  transactionSigningBytes,
  verifyTransaction,
} from '../../../protocol/transaction.ts';
import {
  aDigest,
  adminOf,
  anEnvelope,
  anId,
  aRegistration,
  aTransaction,
  later,
  testChainId,
  valueOf,
} from '../../support/chain.ts';
import { aSigner } from '../../support/keys.ts';

type Wire = Readonly<Record<string, unknown>>;

const input = {
  chainId: testChainId,
  id: anId(1),
  member: 'hospital' as MemberName,
  notAfter: later(60_000),
  action: aRegistration(1),
  seals: [],
};

function wireOf(bytes: Uint8Array): Wire {
  return valueOf(decodeCbor(bytes, transactionBytesMax)) as Wire;
}

/** The envelope with its payload altered and one signature that need not be good. */
function withPayload(changes: Wire): Uint8Array {
  const payload = encodeCbor({ ...wireOf(encodePayload(input)), ...changes });
  return encodeCbor({ payload, signatures: [{ key: new Uint8Array(32), sig: new Uint8Array(64) }] });
}

function withSignatures(count: number): Uint8Array {
  const signatures = Array.from({ length: count }, (_, index) => ({
    key: new Uint8Array(32).fill(index),
    sig: new Uint8Array(64),
  }));
  return encodeCbor({ payload: encodePayload(input), signatures });
}

describe('a transaction', () => {
  it('says what was put in, under the hash of its payload', () => {
    const transaction = aTransaction();
    const { txId, signatures, payloadBytes, envelopeBytes, ...said } = transaction;
    assert.deepEqual(said, input);
    assert.equal(txId, transactionId(payloadBytes));
    assert.deepEqual(envelopeBytes, encodeEnvelope(payloadBytes, signatures));
    assert.equal(shortId(txId), txId.slice(0, 12));
  });

  it('has one id whoever signed it, in whatever order', () => {
    const [a, b] = [adminOf('hospital'), adminOf('clinic')];
    const envelopes = [[a], [b], [a, b], [b, a]].map((signers) => aTransaction({ signers }));
    assert.equal(new Set(envelopes.map(({ txId }) => txId)).size, 1);
    assert.equal(new Set(envelopes.map(({ envelopeBytes }) => bytesToHex(envelopeBytes))).size, 4);
  });

  it('is read from its payload alone, for whoever is asked to sign it', () => {
    assert.deepEqual(valueOf(decodePayload(encodePayload(input))), input);
  });

  it('is signed over its chain and its id', () => {
    const txId = transactionId(encodePayload(input));
    const signed = [
      transactionSigningBytes(testChainId, txId),
      transactionSigningBytes(aDigest(1), txId),
      transactionSigningBytes(testChainId, aDigest(1)),
      transactionSigningBytes(txId, testChainId),
    ].map(bytesToHex);
    assert.equal(new Set(signed).size, 4);
  });

  it('is refused on another chain', () => {
    const foreign = valueOf(decodeTransaction(anEnvelope({ chainId: aDigest(3) })));
    assert.deepEqual(verifyTransaction(foreign, testChainId, ed25519), refused('wrongChain'));
  });

  it('is refused when any one signature is not good', () => {
    const payload = encodePayload(input);
    const message = transactionSigningBytes(testChainId, transactionId(payload));
    const signers = [aSigner('a'), aSigner('b')];
    const good = signers.map((signer) => ({ key: signer.publicKey, sig: signer.sign(message) }));
    assert.equal(
      verifyTransaction(valueOf(decodeTransaction(encodeEnvelope(payload, good))), testChainId, ed25519).ok,
      true,
    );
    for (const [index, signature] of good.entries()) {
      const sig = signers[index]?.sign(hexToBytes(testChainId)) ?? signature.sig;
      const bad = encodeEnvelope(payload, good.with(index, { key: signature.key, sig }));
      assert.deepEqual(
        verifyTransaction(valueOf(decodeTransaction(bad)), testChainId, ed25519),
        refused('badSignature'),
      );
    }
  });

  it('is verified by the outcomes of a verifier elsewhere only if there is a good one for each signature', () => {
    const transaction = aTransaction({ signers: [aSigner('a'), aSigner('b')] });
    assert.equal(asVerified(transaction, [true, true]).ok, true);
    for (const outcomes of [[true, false], [false, true], [true], [], [true, true, true]]) {
      assert.deepEqual(asVerified(transaction, outcomes), refused('badSignature'));
    }
  });

  it('is refused with one key twice', () => {
    const signer = adminOf('hospital');
    assert.deepEqual(
      decodeTransaction(anEnvelope({ signers: [signer, signer] })),
      refused('malformed', 'signatures'),
    );
  });

  it(`may have ${transactionSignaturesMax} signatures, not one more, and not none`, () => {
    assert.equal(decodeTransaction(withSignatures(transactionSignaturesMax)).ok, true);
    assert.equal(decodeTransaction(withSignatures(transactionSignaturesMax + 1)).ok, false);
    assert.equal(decodeTransaction(withSignatures(0)).ok, false);
  });

  it(`may have ${transactionSealsMax} seals and not one more`, () => {
    const seal = {
      docType: 'MedicationRequest',
      commitment: new Uint8Array(32),
      blobHash: new Uint8Array(32),
      size: 1,
    };
    const seals = (count: number) => withPayload({ seals: Array.from({ length: count }, () => seal) });
    assert.equal(decodeTransaction(seals(transactionSealsMax)).ok, true);
    assert.equal(decodeTransaction(seals(transactionSealsMax + 1)).ok, false);
  });

  it('is refused with one byte more than the limit', () => {
    assert.deepEqual(
      decodeTransaction(new Uint8Array(transactionBytesMax + 1)),
      refused('tooLarge', `at most ${transactionBytesMax} bytes`),
    );
    assert.equal(decodeTransaction(new Uint8Array(transactionBytesMax)).ok, false);
  });

  it('is refused when nobody knows its kind', () => {
    assert.deepEqual(decodeTransaction(withPayload({ kind: 'rx.unknown' })), refused('unknownKind'));
  });

  it('is refused with another version, member, time or id than there can be', () => {
    assert.equal(decodeTransaction(withPayload({})).ok, true);
    const cases: readonly Wire[] = [
      { v: 2 },
      { member: 'Not A Name' },
      { notAfter: -1 },
      { id: new Uint8Array(15) },
      { chainId: new Uint8Array(31) },
      { body: {} },
      { body: null },
      { extra: 1 },
    ];
    for (const changes of cases) {
      const decoded = decodeTransaction(withPayload(changes));
      assert.equal(decoded.ok ? null : decoded.refusal.code, 'malformed', JSON.stringify(changes));
    }
  });

  it('is refused when its payload is not deterministic CBOR, though the envelope is', () => {
    const sorted = encodePayload(input);
    const signatures = [{ key: new Uint8Array(32), sig: new Uint8Array(64) }];
    const trailing = encodeCbor({ payload: new Uint8Array([...sorted, 0]), signatures });
    assert.deepEqual(decodeTransaction(trailing), refused('malformed', 'not deterministic CBOR'));
  });

  it('is never two transactions in the eyes of two readers: a byte changed is another id or a refusal', () => {
    const bytes = anEnvelope();
    const original = valueOf(decodeTransaction(bytes));
    for (let at = 0; at < bytes.length; at += 1) {
      const altered = decodeTransaction(bytes.with(at, (bytes[at] ?? 0) ^ 0x01));
      if (!altered.ok) continue;
      const isOtherId = altered.value.txId !== original.txId;
      const isRefused = !verifyTransaction(altered.value, testChainId, ed25519).ok;
      assert.ok(isRefused, `byte ${at}`);
      assert.ok(isOtherId || bytesToHex(altered.value.payloadBytes) === bytesToHex(original.payloadBytes));
    }
  });

  it('throws on what its own schema would refuse: that is our fault', () => {
    assert.throws(() => encodePayload({ ...input, id: 'short' as Id }));
    assert.throws(() => encodePayload({ ...input, chainId: '' as Digest }));
  });
});
