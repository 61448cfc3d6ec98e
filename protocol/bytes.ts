/** Bytes and their hexadecimal text. Identifiers are hex strings in memory (comparable, usable as keys) and bytes on the wire. */
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';

export { bytesToHex, concatBytes, hexToBytes, utf8ToBytes };

/** Order of unsigned bytes; a prefix comes first. Negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0;
}

/** Total order of ASCII text by code unit, which is its order as bytes. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Big-endian u64 of a safe integer; sorts as bytes the way the numbers sort. */
export function uint64Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  let rest = value;
  for (let index = 7; index >= 0; index -= 1) {
    bytes[index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return bytes;
}

/** The safe integer in 8 big-endian bytes, or null if they are not 8 or hold more. */
export function uint64FromBytes(bytes: Uint8Array): number | null {
  if (bytes.length !== 8) return null;
  const value = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  return Number.isSafeInteger(value) ? value : null;
}
