/** The receipt code: what the patient says at the door, and its commitment in the prescription. */
import type { Digest, Id } from './brand.ts';
import { hexToBytes, utf8ToBytes } from './bytes.ts';
import { taggedDigest } from './hash.ts';

/** What `fills[k].receiptHash` holds: bound to this fill, so that a code learnt at one door opens no other. */
export function receiptCodeHash(rxId: Id, k: number, code: string): Digest {
  return taggedDigest('receiptCode', hexToBytes(rxId), Uint8Array.of(k), utf8ToBytes(code));
}
