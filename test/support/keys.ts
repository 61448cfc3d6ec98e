/** Deterministic keys for tests: a name always gives the same key. */
import { createHash } from 'node:crypto';
import { sealingKeyPairFromSeed, signerFromSeed, type SealingKeyPair } from '../../node/ed25519.ts';
import type { Signer } from '../../protocol/signature.ts';

/** 32 bytes. */
export function aSeed(name: string): Uint8Array {
  return Uint8Array.from(createHash('sha256').update(`test key ${name}`).digest());
}

export function aSigner(name: string): Signer {
  return signerFromSeed(aSeed(name));
}

export function aSealingKeyPair(name: string): SealingKeyPair {
  return sealingKeyPairFromSeed(aSeed(`sealing ${name}`));
}
