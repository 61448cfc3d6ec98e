/** The patient's keys: the seeds of protocol/token.ts with their public keys, for whoever issues, holds or redeems a token. */
import { randomBytes } from 'node:crypto';
import type { Digest, Id, PublicKey } from '../protocol/brand.ts';
import { receiptCodeHash } from '../protocol/receiptCode.ts';
import type { Signer } from '../protocol/signature.ts';
import {
  deriveFillSecret,
  deriveFillSeeds,
  deriveOwnerSeed,
  deriveReceiptCode,
  tokenSize,
  type FillSecret,
  type PatientToken,
} from '../protocol/token.ts';
import { sealingKeyPairFromSeed, signerFromSeed, type SealingKeyPair } from './ed25519.ts';

/** What a pharmacy can do with one fill secret. */
export interface FillKeys {
  /** Signs the reservation. */
  readonly redeemSigner: Signer;
  /** Opens the sealed documents. */
  readonly unwrap: SealingKeyPair;
}

/** The public part of one fill, as `rx.issue` carries it. */
interface FillPublic {
  readonly redeemKey: PublicKey;
  readonly receiptHash: Digest;
}

export interface PatientKeys {
  readonly owner: Signer;
  /** One per fill, in order of k. */
  readonly fills: readonly (FillKeys & FillPublic & { readonly receiptCode: string })[];
  /** X25519 keys to seal the documents to, one per fill. */
  readonly tokenKeys: readonly PublicKey[];
}

/** A fresh token: shown once to the patient, not kept. */
export function createToken(rxId: Id): PatientToken {
  return { rxId, secret: Uint8Array.from(randomBytes(tokenSize)) };
}

/** Every key of the patient; `fillCount` is 1 to `fillsMax`. */
export function patientKeys(token: PatientToken, fillCount: number): PatientKeys {
  const fills = Array.from({ length: fillCount }, (_, k) => {
    const keys = fillKeys(deriveFillSecret(token, k));
    const receiptCode = deriveReceiptCode(token, k);
    const receiptHash = receiptCodeHash(token.rxId, k, receiptCode);
    return { ...keys, redeemKey: keys.redeemSigner.publicKey, receiptHash, receiptCode };
  });
  return {
    owner: signerFromSeed(deriveOwnerSeed(token)),
    fills,
    tokenKeys: fills.map((fill) => fill.unwrap.publicKey),
  };
}

/** The keys of one fill, from the secret that the patient showed. */
export function fillKeys(fill: FillSecret): FillKeys {
  const seeds = deriveFillSeeds(fill);
  return {
    redeemSigner: signerFromSeed(seeds.redeemSeed),
    unwrap: sealingKeyPairFromSeed(seeds.unwrapSeed),
  };
}
