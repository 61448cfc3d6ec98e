/**
 * Looks at JSON before it is parsed: depth, repeated keys, valid text. A megabyte of `[` would keep the parser busy for a third of a
 * second, and two parsers may read a repeated key differently; this pass stops both in microseconds. Full syntax is left to the parser.
 */
import { isUtf8 } from 'node:buffer';

export type ScanVerdict = 'ok' | 'tooDeep' | 'keyRepeated' | 'malformed';

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/** `depthMax` counts objects and arrays around a value. */
export function scanJson(bytes: Buffer, depthMax: number): ScanVerdict {
  if (!isUtf8(bytes)) return 'malformed';
  /** Keys seen so far, per open object; null for an array. */
  const open: (Set<string> | null)[] = [];
  let index = 0;
  while (index < bytes.length) {
    const byte = bytes[index];
    if (byte === quote) {
      const end = stringEnd(bytes, index);
      if (end < 0) return 'malformed';
      if (isFollowedByColon(bytes, end) && !addKey(open.at(-1) ?? null, bytes, [index, end]))
        return 'keyRepeated';
      index = end;
    } else if (byte === openBrace || byte === openBracket) {
      open.push(byte === openBrace ? new Set() : null);
      if (open.length > depthMax) return 'tooDeep';
    } else if (byte === closeBrace || byte === closeBracket) {
      open.pop();
    }
    index += 1;
  }
  return 'ok';
}

/** Index of the closing quote, or -1. An even run of backslashes before it leaves it unescaped. */
function stringEnd(bytes: Buffer, start: number): number {
  let end = bytes.indexOf(quote, start + 1);
  while (end >= 0) {
    let before = end - 1;
    while (bytes[before] === backslash) before -= 1;
    if ((end - 1 - before) % 2 === 0) return end;
    end = bytes.indexOf(quote, end + 1);
  }
  return -1;
}

function isFollowedByColon(bytes: Buffer, end: number): boolean {
  let index = end + 1;
  let byte = bytes[index];
  while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
    index += 1;
    byte = bytes[index];
  }
  return byte === colon;
}

/** False if the object has the key already, or if it is `__proto__`, which means something else to JavaScript. */
function addKey(keys: Set<string> | null, bytes: Buffer, [start, end]: readonly [number, number]): boolean {
  if (keys === null) return true;
  const raw = bytes.toString('utf8', start + 1, end);
  const key = raw.includes('\\') ? unescapeKey(raw) : raw;
  if (key === '__proto__' || keys.has(key)) return false;
  keys.add(key);
  return true;
}

function unescapeKey(raw: string): string {
  try {
    return String(JSON.parse(`"${raw}"`));
  } catch {
    return raw; // the parser will refuse it
  }
}

/** True if some text holds half of a surrogate pair, which has no UTF-8. Only an escape can smuggle one in. */
export function hasLoneSurrogate(value: unknown): boolean {
  if (typeof value === 'string') return /\p{Surrogate}/u.test(value);
  if (Array.isArray(value)) return value.some(hasLoneSurrogate);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, item]) => hasLoneSurrogate(key) || hasLoneSurrogate(item));
}
