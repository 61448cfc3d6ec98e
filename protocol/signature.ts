/**
 * The one acceptance rule for Ed25519 signatures, as a port. Every node gives the same answer for every input, or a member
 * could fork the ledger with an odd key; so there is one implementation (libsodium, in node/), never two libraries.
 */
import type { PublicKey, Signature } from './brand.ts';

export interface SignatureScheme {
  /** True iff `signature` is good for exactly these bytes under `publicKey`. Never throws, whatever the lengths. */
  readonly verify: (message: Uint8Array, signature: Signature, publicKey: PublicKey) => boolean;
}

export interface Signer {
  readonly publicKey: PublicKey;
  readonly sign: (message: Uint8Array) => Signature;
}

/** One signature to check. */
export interface SignatureCheck {
  /** 32 bytes. */
  readonly message: Uint8Array;
  readonly signature: Signature;
  readonly key: PublicKey;
}
