/** Pins the acceptance rule, on the odd inputs where Ed25519 libraries differ: changing it would fork a ledger. */
import assert from 'node:assert/strict';
import sodium from 'sodium-native';
import { ed25519, publicKeyFromSeed, sealingKeyPairFromSeed, signerFromSeed } from '../../../node/ed25519.ts';
import type { PublicKey, Signature } from '../../../protocol/brand.ts';
import { bytesToHex, concatBytes, hexToBytes } from '../../../protocol/bytes.ts';
import { aSeed, aSigner } from '../../support/keys.ts';

const message = aSeed('a message of 32 bytes');
const groupOrder = 2n ** 252n + 27742317777372353535851937790883648493n;
const zero32 = '00'.repeat(32);
const identity = `01${'00'.repeat(31)}`;
const orderTwo = `ec${'ff'.repeat(30)}7f`;
/** Points of order 1, 2, 4 and 8, and other encodings of the first: y is at least p, or the sign bit of x = 0 is set. */
const smallOrderPoints = [
  identity,
  orderTwo,
  zero32,
  `${'00'.repeat(31)}80`,
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
];
const nonCanonicalPoints = [
  `ee${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(31)}`,
  `ed${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(31)}`,
  `01${'00'.repeat(30)}80`,
  `ec${'ff'.repeat(31)}`,
];

function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${bytesToHex(bytes.toReversed())}`);
}

function toScalar(value: bigint): Buffer {
  return Buffer.from(hexToBytes(value.toString(16).padStart(64, '0')).toReversed());
}

function timesBase(scalar: bigint): Buffer {
  const point = Buffer.alloc(32);
  sodium.crypto_scalarmult_ed25519_base_noclamp(point, toScalar(scalar));
  return point;
}

function challenge(r: Uint8Array, key: Uint8Array): bigint {
  const hash = Buffer.alloc(64);
  sodium.crypto_hash_sha512(hash, Buffer.from(concatBytes(r, key, message)));
  return toNumber(hash) % groupOrder;
}

/** A signature by a key with a part of order two, whose challenge is odd or even: only an odd one leaves a residue. */
function aSignatureOfMixedKey(wanted: 'odd' | 'even'): { signature: Signature; key: PublicKey } {
  const secret = 1_234_567_891n;
  const key = Buffer.alloc(32);
  sodium.crypto_core_ed25519_add(key, timesBase(secret), Buffer.from(hexToBytes(orderTwo)));
  for (let nonce = 2n; nonce < 100n; nonce += 1n) {
    const r = timesBase(nonce);
    const k = challenge(r, key);
    if ((k % 2n === 1n) === (wanted === 'odd')) {
      const s = toScalar((nonce + k * secret) % groupOrder);
      return {
        signature: bytesToHex(concatBytes(r, s)) as Signature,
        key: bytesToHex(key) as PublicKey,
      };
    }
  }
  throw new Error('no such nonce');
}

describe('ed25519', () => {
  const signer = aSigner('alice');
  const signature = signer.sign(message);

  it('signs as RFC 8032 §7.1, test 1, says', () => {
    const rfc = signerFromSeed(
      hexToBytes('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'),
    );
    assert.deepEqual(
      { key: rfc.publicKey, signature: rfc.sign(new Uint8Array(0)) },
      {
        key: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
        signature:
          'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
      },
    );
  });

  it('accepts a signature under its key and message only', () => {
    assert.equal(ed25519.verify(message, signature, signer.publicKey), true);
    assert.equal(ed25519.verify(aSeed('another'), signature, signer.publicKey), false);
    assert.equal(ed25519.verify(message, signature, aSigner('bob').publicKey), false);
  });

  it('refuses a signature with any one bit changed', () => {
    const bytes = hexToBytes(signature);
    const accepted: number[] = [];
    for (let bit = 0; bit < 512; bit += 1) {
      const changed = Uint8Array.from(bytes);
      changed[bit >>> 3] = (changed[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      if (ed25519.verify(message, bytesToHex(changed) as Signature, signer.publicKey)) accepted.push(bit);
    }
    assert.deepEqual(accepted, []);
  });

  it('refuses S + L, the same signature in another form', () => {
    const s = toNumber(hexToBytes(signature.slice(64))) + groupOrder;
    const again = (signature.slice(0, 64) + bytesToHex(toScalar(s))) as Signature;
    assert.equal(ed25519.verify(message, again, signer.publicKey), false);
  });

  it('refuses keys of small order, also where the equation holds', () => {
    for (const key of [...smallOrderPoints, ...nonCanonicalPoints]) {
      for (const r of [...smallOrderPoints, ...nonCanonicalPoints]) {
        assert.equal(ed25519.verify(message, `${r}${zero32}` as Signature, key as PublicKey), false);
      }
    }
  });

  it('refuses R of small order under a good key, where the equation holds', () => {
    const secret = 987_654_321n;
    const key = timesBase(secret);
    const r = hexToBytes(identity);
    const s = toScalar((challenge(r, key) * secret) % groupOrder);
    const forged = bytesToHex(concatBytes(r, s)) as Signature;
    assert.equal(ed25519.verify(message, forged, bytesToHex(key) as PublicKey), false);
  });

  it('refuses R that is not canonical under a good key, where the equation holds', () => {
    const secret = 987_654_321n;
    const key = timesBase(secret);
    const r = hexToBytes(`ee${'ff'.repeat(30)}7f`);
    const s = toScalar((challenge(r, key) * secret) % groupOrder);
    const forged = bytesToHex(concatBytes(r, s)) as Signature;
    assert.equal(ed25519.verify(message, forged, bytesToHex(key) as PublicKey), false);
  });

  it('checks the equation without the cofactor', () => {
    const odd = aSignatureOfMixedKey('odd');
    const even = aSignatureOfMixedKey('even');
    assert.equal(ed25519.verify(message, odd.signature, odd.key), false);
    assert.equal(ed25519.verify(message, even.signature, even.key), true);
  });

  it('refuses, without throwing, what is not hex of the right length', () => {
    const texts = ['', '00', signature.slice(2), `${signature}00`, 'zz'.repeat(64), '\u{1F48A}'.repeat(64)];
    for (const text of texts) {
      assert.equal(ed25519.verify(message, text as Signature, signer.publicKey), false);
      assert.equal(ed25519.verify(message, signature, text as PublicKey), false);
    }
    assert.equal(ed25519.verify(new Uint8Array(0), signature, signer.publicKey), false);
  });

  it('gives the public key of a seed without its signer', () => {
    assert.equal(publicKeyFromSeed(aSeed('alice')), signerFromSeed(aSeed('alice')).publicKey);
  });
});

describe('sealing keys', () => {
  it('agree on one secret, each with the public key of the other', () => {
    const [alice, bob] = [sealingKeyPairFromSeed(aSeed('alice')), sealingKeyPairFromSeed(aSeed('bob'))];
    const [one, two] = [Buffer.alloc(32), Buffer.alloc(32)];
    sodium.crypto_scalarmult(one, Buffer.from(alice.secretKey), Buffer.from(hexToBytes(bob.publicKey)));
    sodium.crypto_scalarmult(two, Buffer.from(bob.secretKey), Buffer.from(hexToBytes(alice.publicKey)));
    assert.deepEqual(one, two);
  });

  it('are those of RFC 7748 §6.1', () => {
    const secret = hexToBytes('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a');
    assert.deepEqual(sealingKeyPairFromSeed(secret), {
      publicKey: '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
      secretKey: secret,
    });
  });
});
