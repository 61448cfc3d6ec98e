/**
 * Deterministic CBOR (RFC 8949 §4.2.1), an item at a time: integers, bytes, text, arrays, maps with text keys, Booleans and
 * null. The reader throws on whatever the writer would not write; nobody sees the error, `codec.ts` makes a refusal of it.
 */
import { decode, encode } from 'cborg';
import { equalBytes } from './bytes.ts';
import { cborDepthMax } from './limits.ts';

const major = { integer: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5 } as const;
type Major = (typeof major)[keyof typeof major];

const falseByte = 0xf4;
const trueByte = 0xf5;
const nullByte = 0xf6;
const asciiEnd = 0x80;
const uint32Range = 0x1_0000_0000;

const hexDigits = '0123456789abcdef';
const digitCodes: readonly number[] = Array.from({ length: hexDigits.length }, (_, digit) =>
  hexDigits.charCodeAt(digit),
);
/** Value of a lower-case hex digit by its code; 255 for what is none. */
const digitValues: Uint8Array = new Uint8Array(asciiEnd).fill(255);
for (const [value, code] of digitCodes.entries()) digitValues[code] = value;
/** Room for the digits of one value, by its size: text made from it in one go costs half of text made in pieces. */
const digitRooms: ReadonlyMap<number, number[]> = new Map(
  [16, 32, 64].map((size) => [size, Array.from({ length: 2 * size }, () => 0)]),
);

export const unsortedKeys = 'map keys not sorted';

export class CborReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    // Of a Buffer every slice would be a view, and a Buffer too.
    this.#bytes =
      bytes.constructor === Uint8Array
        ? bytes
        : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Any item; depth counts the arrays and maps around it. */
  item(depth = 0): unknown {
    const initial = this.#byte();
    switch (initial >> 5) {
      case major.integer:
      case major.negative:
        return this.integer();
      case major.bytes:
        return this.bytes();
      case major.text:
        return this.text();
      case major.array:
        return this.#array(depth + 1);
      case major.map:
        return this.#map(depth + 1);
      default:
        return this.isNull() ? null : this.boolean();
    }
  }

  integer(): number {
    if (this.#byte() >> 5 !== major.negative) return this.#argument(major.integer);
    const value = -1 - this.#argument(major.negative);
    if (!Number.isSafeInteger(value)) throw new Error('integer');
    return value;
  }

  boolean(): boolean {
    const byte = this.#byte();
    if (byte !== trueByte && byte !== falseByte) throw new Error('Boolean');
    this.#at += 1;
    return byte === trueByte;
  }

  /** Steps over a null; false, and no step, at anything else. */
  isNull(): boolean {
    if (this.#byte() !== nullByte) return false;
    this.#at += 1;
    return true;
  }

  /** A copy. */
  bytes(): Uint8Array {
    const end = this.#content(major.bytes);
    const bytes = this.#bytes.slice(this.#at, end);
    this.#at = end;
    return bytes;
  }

  /** Bytes of exactly this size, as lower-case hex. */
  hex(size: number): string {
    const end = this.#content(major.bytes);
    const digits = digitRooms.get(size);
    if (digits === undefined || end - this.#at !== size) throw new Error('size');
    for (let index = 0; index < size; index += 1) {
      const byte = this.#bytes[this.#at + index] ?? 0;
      digits[2 * index] = digitCodes[byte >> 4] ?? 0;
      digits[2 * index + 1] = digitCodes[byte & 15] ?? 0;
    }
    this.#at = end;
    return String.fromCharCode(...digits);
  }

  text(): string {
    const start = this.#at;
    const end = this.#content(major.text);
    let text = '';
    for (let at = this.#at; at < end; at += 1) {
      const byte = this.#bytes[at] ?? 0;
      if (byte >= asciiEnd) return this.#unicode(start, end);
      text += String.fromCharCode(byte);
    }
    this.#at = end;
    return text;
  }

  /** The library drops a byte order mark and mends broken UTF-8, so the text must be compared with its bytes. */
  #unicode(start: number, end: number): string {
    const bytes = this.#bytes.subarray(start, end);
    const text = String(decode(bytes));
    if (!equalBytes(encode(text), bytes)) throw new Error('text');
    this.#at = end;
    return text;
  }

  /** How many items follow. */
  arrayHead(): number {
    return this.#argument(major.array);
  }

  /** How many keys follow, each with its value. */
  mapHead(): number {
    return this.#argument(major.map);
  }

  /** Steps over these bytes; false, and no step, if others are here. */
  isNext(expected: Uint8Array): boolean {
    for (let index = 0; index < expected.length; index += 1) {
      if (this.#bytes[this.#at + index] !== expected[index]) return false;
    }
    this.#at += expected.length;
    return true;
  }

  /** Steps over any item. Its heads must be sound; whether its maps are sorted and its text is text is not looked at. */
  skip(): void {
    let left = 1;
    for (; left > 0; left -= 1) {
      const kind = this.#byte() >> 5;
      if (kind > major.map) {
        this.#at += 1;
        continue;
      }
      const argument = this.#argument(kind as Major);
      if (kind === major.bytes || kind === major.text) this.#at += argument;
      else if (kind === major.array) left += argument;
      else if (kind === major.map) left += 2 * argument;
    }
  }

  /** The text under a key of the map that begins here, which stays to be read; null if it has no such key. */
  textUnder(key: string): string | null {
    const start = this.#at;
    let text: string | null = null;
    const count = this.mapHead();
    for (let index = 0; index < count && text === null; index += 1) {
      if (this.text() === key) text = this.text();
      else this.skip();
    }
    this.#at = start;
    return text;
  }

  /** Throws unless everything was read. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw new Error('left over');
  }

  #array(depth: number): unknown[] {
    if (depth > cborDepthMax) throw new Error('depth');
    const count = this.arrayHead();
    const items: unknown[] = [];
    for (let index = 0; index < count; index += 1) items.push(this.item(depth));
    return items;
  }

  #map(depth: number): Record<string, unknown> {
    if (depth > cborDepthMax) throw new Error('depth');
    const count = this.mapHead();
    const map: Record<string, unknown> = {};
    let before: Uint8Array | null = null;
    for (let index = 0; index < count; index += 1) {
      const start = this.#at;
      const key = this.text();
      const keyBytes = this.#bytes.subarray(start, this.#at);
      if (before !== null) assertInOrder(before, keyBytes);
      before = keyBytes;
      const value = this.item(depth);
      // Assigned, this key would set the object's prototype.
      if (key === '__proto__')
        Object.defineProperty(map, key, { value, configurable: true, enumerable: true, writable: true });
      else map[key] = value;
    }
    return map;
  }

  /** Where the content that begins here ends. */
  #content(kind: Major): number {
    const length = this.#argument(kind);
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new Error('cut short');
    return end;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new Error('cut short');
    return byte;
  }

  /** The number in a head of this kind, in no more bytes than it needs. */
  #argument(kind: Major): number {
    const initial = this.#byte();
    if (initial >> 5 !== kind) throw new Error('kind');
    this.#at += 1;
    const minor = initial & 31;
    if (minor < 24) return minor;
    switch (minor) {
      case 24:
        return this.#number(1, 24);
      case 25:
        return this.#number(2, 0x100);
      case 26:
        return this.#number(4, 0x1_0000);
      case 27:
        return this.#number(8, uint32Range);
      default:
        throw new Error('indefinite');
    }
  }

  #number(size: number, min: number): number {
    const end = this.#at + size;
    if (end > this.#bytes.length) throw new Error('cut short');
    let value = 0;
    for (let at = this.#at; at < end; at += 1) value = value * 256 + (this.#bytes[at] ?? 0);
    if (value < min || value > Number.MAX_SAFE_INTEGER) throw new Error('integer');
    this.#at = end;
    return value;
  }
}

/** Keys sort as their encodings: the head holds the length, so shorter ones come first. */
function assertInOrder(before: Uint8Array, key: Uint8Array): void {
  for (let index = 0; index < key.length; index += 1) {
    const difference = (before[index] ?? 0) - (key[index] ?? 0);
    if (difference < 0) return;
    if (difference > 0) throw new Error(unsortedKeys);
  }
  throw new Error('key twice');
}

const writerSizeFirst = 4_096;

/** Writes items one after another into memory of its own, which it keeps for the next value. */
export class CborWriter {
  #bytes: Uint8Array = new Uint8Array(writerSizeFirst);
  #at = 0;

  /** Forgets what was written. */
  begin(): void {
    this.#at = 0;
  }

  /** A copy of what was written. */
  take(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  integer(value: number): void {
    if (!Number.isSafeInteger(value)) throw new Error('integer');
    if (value < 0) this.#head(major.negative, -1 - value);
    else this.#head(major.integer, value);
  }

  boolean(value: boolean): void {
    this.#reserve(1);
    this.#bytes[this.#at] = value ? trueByte : falseByte;
    this.#at += 1;
  }

  null(): void {
    this.#reserve(1);
    this.#bytes[this.#at] = nullByte;
    this.#at += 1;
  }

  bytes(value: Uint8Array): void {
    if (!(value instanceof Uint8Array)) throw new Error('bytes');
    this.#head(major.bytes, value.length);
    this.raw(value);
  }

  /** Lower-case hex as bytes of exactly this size. */
  hex(text: string, size: number): void {
    if (text.length !== 2 * size) throw new Error('size');
    this.#head(major.bytes, size);
    this.#reserve(size);
    for (let index = 0; index < text.length; index += 2) {
      const high = digitValues[text.charCodeAt(index)] ?? 255;
      const low = digitValues[text.charCodeAt(index + 1)] ?? 255;
      if (high > 15 || low > 15) throw new Error('hex');
      this.#bytes[this.#at] = high * 16 + low;
      this.#at += 1;
    }
  }

  text(text: string): void {
    const start = this.#at;
    this.#head(major.text, text.length);
    this.#reserve(text.length);
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code >= asciiEnd) {
        this.#at = start;
        this.raw(encode(text));
        return;
      }
      this.#bytes[this.#at] = code;
      this.#at += 1;
    }
  }

  arrayHead(count: number): void {
    this.#head(major.array, count);
  }

  mapHead(count: number): void {
    this.#head(major.map, count);
  }

  /** Bytes that are CBOR already. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #head(kind: Major, argument: number): void {
    this.#reserve(9);
    const initial = kind << 5;
    if (argument < 24) {
      this.#number(initial + argument, 1);
    } else if (argument < 0x100) {
      this.#number(initial + 24, 1);
      this.#number(argument, 1);
    } else if (argument < 0x1_0000) {
      this.#number(initial + 25, 1);
      this.#number(argument, 2);
    } else if (argument < uint32Range) {
      this.#number(initial + 26, 1);
      this.#number(argument, 4);
    } else {
      this.#number(initial + 27, 1);
      this.#number(argument, 8);
    }
  }

  #number(value: number, size: number): void {
    let rest = value;
    for (let at = this.#at + size - 1; at >= this.#at; at -= 1) {
      this.#bytes[at] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    this.#at += size;
  }

  #reserve(size: number): void {
    const needed = this.#at + size;
    if (needed <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    bytes.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = bytes;
  }
}
