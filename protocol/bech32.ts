/**
 * Bech32m (BIP 350): bytes as text for QR codes and for typing, with a checksum that finds any four wrong characters in
 * a text of at most 90.
 */
import { accepted, refused, type Result } from './result.ts';

const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const textLengthMax = 90;
const checksumLength = 6;
const checksumConstant = 0x2bc830a3;
const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3] as const;

/** `prefix` is lower-case ASCII; the text is `prefix` ‖ `1` ‖ data ‖ checksum, in lower case. */
export function encodeBech32(prefix: string, bytes: Uint8Array): string {
  const digits = regroup(bytes, 8, 5);
  const remainder = polymod([...prefixDigits(prefix), ...digits, 0, 0, 0, 0, 0, 0]) ^ checksumConstant;
  const checksum = Array.from(
    { length: checksumLength },
    (_, index) => (remainder >>> (5 * (5 - index))) & 31,
  );
  return `${prefix}1${[...digits, ...checksum].map((digit) => alphabet[digit] ?? '').join('')}`;
}

/** Text in one case, upper or lower, to `byteLength` bytes; refusal `malformed` for whatever is not exactly that. */
export function decodeBech32(text: string, prefix: string, byteLength: number): Result<Uint8Array> {
  if (text.length > textLengthMax) return refused('malformed', 'too long');
  // ASCII before the change of case: there are other letters whose lower case is `k`.
  if (!/^[0-9A-Za-z]*$/.test(text)) return refused('malformed', 'alphabet');
  const isUpperCase = text === text.toUpperCase();
  if (!isUpperCase && text !== text.toLowerCase()) return refused('malformed', 'mixed case');
  const lower = text.toLowerCase();
  if (!lower.startsWith(`${prefix}1`)) return refused('malformed', 'prefix');
  const digits = Array.from(lower.slice(prefix.length + 1), (character) => alphabet.indexOf(character));
  if (digits.includes(-1)) return refused('malformed', 'alphabet');
  if (polymod([...prefixDigits(prefix), ...digits]) !== checksumConstant)
    return refused('malformed', 'checksum');
  const data = digits.slice(0, -checksumLength);
  if (data.length !== Math.ceil((byteLength * 8) / 5)) return refused('malformed', 'length');
  const bytes = Uint8Array.from(regroup(data, 5, 8).slice(0, byteLength));
  // The bits that fill the last digit are zero, so that one value has one text.
  const isCanonical = encodeBech32(prefix, bytes) === lower;
  return isCanonical ? accepted(bytes) : refused('malformed', 'padding');
}

/** The checksum's remainder (BIP 173), over digits of 5 bits. */
function polymod(digits: readonly number[]): number {
  let remainder = 1;
  for (const digit of digits) {
    const top = remainder >>> 25;
    remainder = ((remainder & 0x1ffffff) << 5) ^ digit;
    for (const [bit, generator] of generators.entries()) {
      if (((top >>> bit) & 1) === 1) remainder ^= generator;
    }
  }
  return remainder >>> 0;
}

function prefixDigits(prefix: string): readonly number[] {
  const codes = Array.from(prefix, (character) => character.charCodeAt(0));
  return [...codes.map((code) => code >>> 5), 0, ...codes.map((code) => code & 31)];
}

/** The same bits in groups of another size; the last group is filled with zeros. */
function regroup(groups: Iterable<number>, sizeFrom: number, sizeTo: number): readonly number[] {
  const result: number[] = [];
  let bits = 0;
  let bitCount = 0;
  for (const group of groups) {
    bits = ((bits << sizeFrom) | group) & 0xffff;
    bitCount += sizeFrom;
    while (bitCount >= sizeTo) {
      bitCount -= sizeTo;
      result.push((bits >>> bitCount) & ((1 << sizeTo) - 1));
    }
  }
  if (bitCount > 0) result.push((bits << (sizeTo - bitCount)) & ((1 << sizeTo) - 1));
  return result;
}
