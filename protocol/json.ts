/** Wire values as JSON and back: bytes are `0x` and lower-case hex, everything else is itself. Used for files that people read. */
import { bytesToHex, hexToBytes } from './bytes.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A wire value (what `z.encode` gives) to plain JSON data. */
export function wireToJson(value: unknown): Json {
  if (value instanceof Uint8Array) return `0x${bytesToHex(value)}`;
  if (Array.isArray(value)) return value.map(wireToJson);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, wireToJson(item)]));
  }
  return value as Json;
}

/** Parsed JSON to a wire value; text that is `0x` and an even number of lower-case hex digits becomes bytes. */
export function jsonToWire(value: unknown): unknown {
  if (typeof value === 'string') return /^0x([0-9a-f]{2})*$/.test(value) ? hexToBytes(value.slice(2)) : value;
  if (Array.isArray(value)) return value.map(jsonToWire);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonToWire(item)]));
  }
  return value;
}
