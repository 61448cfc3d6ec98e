/** What goes to a verifying thread and back in one transferred buffer: per item message (32) ‖ signature (64) ‖ key (32). */
import type { PublicKey, Signature } from '../protocol/brand.ts';
import { invariant } from '../protocol/invariant.ts';
import { verifyBytes } from './ed25519.ts';

export interface VerifyItem {
  /** 32 bytes: every signed thing is signed by its tagged hash. */
  readonly message: Uint8Array;
  readonly signature: Signature;
  readonly key: PublicKey;
}

const messageSize = 32;
const signatureEnd = 96;
const itemSize = 128;

/** The items, in their order. Text that is not hex of the right length becomes a slot of zeros, which no rule accepts. */
export function packChunk(items: readonly VerifyItem[]): ArrayBuffer {
  const buffer = new ArrayBuffer(items.length * itemSize);
  for (const [index, item] of items.entries()) {
    invariant(item.message.length === messageSize, 'a signed message is a hash of 32 bytes');
    const slot = Buffer.from(buffer, index * itemSize, itemSize);
    const isHex =
      slot.write(item.signature, messageSize, 'hex') === 64 &&
      slot.write(item.key, signatureEnd, 'hex') === 32 &&
      item.signature.length === 128 &&
      item.key.length === 64;
    if (isHex) slot.set(item.message, 0);
    else slot.fill(0);
  }
  return buffer;
}

/** Verifies every item of a packed chunk and writes the verdicts (1 or 0), one byte each, over its start. */
export function verifyChunk(buffer: ArrayBuffer): void {
  const bytes = new Uint8Array(buffer);
  const count = bytes.length / itemSize;
  for (let index = 0; index < count; index += 1) {
    const slot = bytes.subarray(index * itemSize, (index + 1) * itemSize);
    const isGood = verifyBytes(
      slot.subarray(0, messageSize),
      slot.subarray(messageSize, signatureEnd),
      slot.subarray(signatureEnd),
    );
    // Verdict i lies within item i or before it, so it overwrites nothing that is still to be read.
    bytes[index] = isGood ? 1 : 0;
  }
}
