/**
 * The one acceptance rule for signatures: libsodium. It refuses keys and R of small order, keys and S that are not
 * canonical, and checks the equation without the cofactor. Also Ed25519 and X25519 keys from seeds, by the same library.
 */
import sodium from 'sodium-native';
import type { PublicKey, Signature } from '../protocol/brand.ts';
import { bytesToHex } from '../protocol/bytes.ts';
import { invariant } from '../protocol/invariant.ts';
import type { SignatureScheme, Signer } from '../protocol/signature.ts';

export const seedSize = 32;
const publicKeySize = 32;
const signatureSize = 64;
const secretKeySize = 64;

/** X25519, for sealed documents (HPKE). */
export interface SealingKeyPair {
  readonly publicKey: PublicKey;
  /** 32 bytes. */
  readonly secretKey: Uint8Array;
}

// Verification is synchronous and hot, so its two inputs in hex are decoded into the same memory each time.
const signatureBytes = Buffer.alloc(signatureSize);
const publicKeyBytes = Buffer.alloc(publicKeySize);

export const ed25519: SignatureScheme = { verify };

function verify(message: Uint8Array, signature: Signature, publicKey: PublicKey): boolean {
  if (!decodeHex(signature, signatureBytes) || !decodeHex(publicKey, publicKeyBytes)) return false;
  return sodium.crypto_sign_verify_detached(signatureBytes, asBuffer(message), publicKeyBytes);
}

/** The same rule on raw bytes; false on wrong lengths. */
export function verifyBytes(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== signatureSize || publicKey.length !== publicKeySize) return false;
  return sodium.crypto_sign_verify_detached(asBuffer(signature), asBuffer(message), asBuffer(publicKey));
}

/** `seed` is 32 bytes (RFC 8032 §5.1.5). The signer keeps the expanded key in memory. */
export function signerFromSeed(seed: Uint8Array): Signer {
  const { publicKey, secretKey } = keyPairFromSeed(seed);
  return {
    publicKey: bytesToHex(publicKey) as PublicKey,
    sign: (message) => {
      const signature = Buffer.alloc(signatureSize);
      sodium.crypto_sign_detached(signature, asBuffer(message), secretKey);
      return signature.toString('hex') as Signature;
    },
  };
}

/** The Ed25519 public key of a 32-byte seed. */
export function publicKeyFromSeed(seed: Uint8Array): PublicKey {
  return bytesToHex(keyPairFromSeed(seed).publicKey) as PublicKey;
}

/** The X25519 key pair whose secret scalar is `seed` (32 bytes, clamped when used: RFC 7748 §5). */
export function sealingKeyPairFromSeed(seed: Uint8Array): SealingKeyPair {
  invariant(seed.length === seedSize, 'a seed is 32 bytes');
  const publicKey = Buffer.alloc(publicKeySize);
  sodium.crypto_scalarmult_base(publicKey, asBuffer(seed));
  return { publicKey: bytesToHex(publicKey) as PublicKey, secretKey: Uint8Array.from(seed) };
}

function keyPairFromSeed(seed: Uint8Array): { readonly publicKey: Buffer; readonly secretKey: Buffer } {
  invariant(seed.length === seedSize, 'a seed is 32 bytes');
  const publicKey = Buffer.alloc(publicKeySize);
  const secretKey = Buffer.alloc(secretKeySize);
  sodium.crypto_sign_seed_keypair(publicKey, secretKey, asBuffer(seed));
  return { publicKey, secretKey };
}

/** Fills `target` from `text`; false if that is not exactly so many bytes in hex. */
function decodeHex(text: string, target: Buffer): boolean {
  return text.length === 2 * target.length && target.write(text, 'hex') === target.length;
}

/** The same memory as a Buffer, which is what the library's types ask for. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
