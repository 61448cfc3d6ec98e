/**
 * The patient's token: 32 random bytes for one prescription, from which every secret of the patient follows (HKDF-SHA256,
 * RFC 5869, salted with the rxId). This file gives seeds; their public keys are made in node/, where the curves are.
 *
 *   token ─┬─ owner seed             nominate, cancel, receive
 *          ├─ receipt code of fill k  confirm that it arrived
 *          └─ fill secret k ─┬─ redeem seed   reserve fill k
 *                            └─ unwrap secret open the sealed prescription
 *
 * A pharmacy gets one fill secret. The arrows go one way, so it learns neither another fill's, nor the owner's, nor the code.
 */
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { decodeBech32, encodeBech32 } from './bech32.ts';
import type { Id } from './brand.ts';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from './bytes.ts';
import { invariant } from './invariant.ts';
import { fillsMax } from './limits.ts';
import { accepted, refused, type Result } from './result.ts';

export const tokenSize = 32;
const idSize = 16;
const receiptCodeSize = 10;
const tokenPrefix = 'rxt';
const fillPrefix = 'rxf1';

export interface PatientToken {
  readonly rxId: Id;
  /** 32 random bytes. */
  readonly secret: Uint8Array;
}

/** What the patient shows to the pharmacy that shall supply one fill. */
export interface FillSecret {
  readonly rxId: Id;
  /** Index of the fill, from 0. */
  readonly k: number;
  /** 32 bytes. */
  readonly secret: Uint8Array;
}

export interface FillSeeds {
  /** Ed25519 seed, 32 bytes; its public key is the fill's `redeemKey`. */
  readonly redeemSeed: Uint8Array;
  /** X25519 secret, 32 bytes; the content key of the sealed documents is wrapped to its public key. */
  readonly unwrapSeed: Uint8Array;
}

/** Ed25519 seed of the prescription's `ownerKey`, 32 bytes. */
export function deriveOwnerSeed(token: PatientToken): Uint8Array {
  return derive(token, 'owner', 32);
}

/** `k` is 0 to `fillsMax` - 1. */
export function deriveFillSecret(token: PatientToken, k: number): FillSecret {
  return { rxId: token.rxId, k, secret: derive(token, fillLabel('fill', k), 32) };
}

export function deriveFillSeeds(fill: FillSecret): FillSeeds {
  return {
    redeemSeed: derive(fill, fillLabel('redeem', fill.k), 32),
    unwrapSeed: derive(fill, fillLabel('unwrap', fill.k), 32),
  };
}

/** The code that confirms the receipt of fill k without a key: 16 characters of Crockford's base 32, 80 bits. */
export function deriveReceiptCode(token: PatientToken, k: number): string {
  return crockford(derive(token, fillLabel('receipt', k), receiptCodeSize));
}

/** 87 characters; in upper case it fits a QR code's compact alphanumeric mode. */
export function formatToken(token: PatientToken): string {
  return encodeBech32(tokenPrefix, concatBytes(hexToBytes(token.rxId), token.secret));
}

/** Refusal `malformed`, also for any text with up to four wrong characters. */
export function parseToken(text: string): Result<PatientToken> {
  const decoded = decodeBech32(text, tokenPrefix, idSize + tokenSize);
  if (!decoded.ok) return decoded;
  const bytes = decoded.value;
  return accepted({ rxId: bytesToHex(bytes.subarray(0, idSize)) as Id, secret: bytes.slice(idSize) });
}

/** 90 characters. */
export function formatFillSecret(fill: FillSecret): string {
  return encodeBech32(fillPrefix, concatBytes(hexToBytes(fill.rxId), Uint8Array.of(fill.k), fill.secret));
}

/** Refusal `malformed`, also for any text with up to four wrong characters. */
export function parseFillSecret(text: string): Result<FillSecret> {
  const decoded = decodeBech32(text, fillPrefix, idSize + 1 + tokenSize);
  if (!decoded.ok) return decoded;
  const bytes = decoded.value;
  const k = bytes[idSize] ?? fillsMax;
  if (k >= fillsMax) return refused('malformed', 'fill index');
  return accepted({ rxId: bytesToHex(bytes.subarray(0, idSize)) as Id, k, secret: bytes.slice(idSize + 1) });
}

function fillLabel(name: string, k: number): string {
  invariant(Number.isInteger(k), 'a fill index is an integer');
  invariant(k >= 0, 'a fill index starts at 0');
  invariant(k < fillsMax, 'fill index beyond the last');
  return `${name}/${k}`;
}

function derive(
  source: { readonly rxId: Id; readonly secret: Uint8Array },
  label: string,
  size: number,
): Uint8Array {
  invariant(source.secret.length === tokenSize, 'a token is 32 bytes');
  return hkdf(sha256, source.secret, hexToBytes(source.rxId), utf8ToBytes(`rxledger/token/1/${label}`), size);
}

/** Five bits a character, no padding: the size is a multiple of 5 bytes. */
function crockford(bytes: Uint8Array): string {
  const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  let text = '';
  for (let bit = 0; bit < bytes.length * 8; bit += 5) {
    const index = bit >>> 3;
    const pair = ((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0);
    text += alphabet[(pair >>> (11 - (bit & 7))) & 31] ?? '';
  }
  return text;
}
