/**
 * Deterministic CBOR (RFC 8949 §4.2.1) and zod schemas that map wire values to domain values and back. One value has
 * one encoding: the decoder refuses floats, tags, indefinite lengths, longer-than-needed integers and unsorted keys.
 */
import { decode, encode, Tokenizer, Type, type DecodeOptions, type Token } from 'cborg';
import * as z from 'zod';
import type {
  Amount,
  Digest,
  Epoch,
  Height,
  Id,
  MemberName,
  PublicKey,
  Sequence,
  Signature,
  Timestamp,
  Units,
  View,
  VoterIndex,
} from './brand.ts';
import { bytesToHex, equalBytes, hexToBytes } from './bytes.ts';
import { amountMax, cborDepthMax, nameBytesMax, unitsMax, votersMax } from './limits.ts';
import { accepted, refused, type Result } from './result.ts';

/** Walks tokens and refuses what the encoder would not write, and nesting deeper than `cborDepthMax`. */
class StrictTokenizer extends Tokenizer {
  readonly #bytes: Uint8Array;
  readonly #remaining: number[] = [];

  constructor(bytes: Uint8Array, options: DecodeOptions) {
    super(bytes, options);
    this.#bytes = bytes;
  }

  override next(): Token {
    const token = super.next();
    if (token.type === Type.float) throw new Error('float');
    if (token.type === Type.tag) throw new Error('tag');
    if (token.type === Type.undefined) throw new Error('undefined');
    if (token.type === Type.string) this.#checkText(token);
    this.#count(token);
    return token;
  }

  /** The library drops a byte order mark and mends broken UTF-8, so the text must be compared with its bytes. */
  #checkText(token: Token): void {
    const text = String(token.value);
    const end = this.pos();
    const start = end - text.length;
    const head = this.#bytes[end - (token.encodedLength ?? 0)] ?? 0;
    // Nearly all text is short and ASCII: one byte of length, then a byte a character.
    let isSame = token.encodedLength === text.length + 1 && head === 0x60 + text.length;
    for (let index = 0; isSame && index < text.length; index += 1) {
      isSame = this.#bytes[start + index] === text.charCodeAt(index);
    }
    if (isSame) return;
    const whole = this.#bytes.subarray(end - (token.encodedLength ?? 0), end);
    if (!equalBytes(encode(text), whole)) throw new Error('text');
  }

  #count(token: Token): void {
    const stack = this.#remaining;
    const last = stack.length - 1;
    if (last >= 0) stack[last] = (stack[last] ?? 0) - 1;
    if (token.type === Type.array) stack.push(Number(token.value));
    else if (token.type === Type.map) stack.push(2 * Number(token.value));
    if (stack.length > cborDepthMax) throw new Error('depth');
    while (stack.length > 0 && stack[stack.length - 1] === 0) stack.pop();
  }
}

const decodeOptions: DecodeOptions = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowBigInt: false,
  allowInfinity: false,
  allowNaN: false,
  rejectDuplicateMapKeys: true,
};

/** Keys of text sort by length, then by code unit: the order of their encodings as bytes. */
function areKeysSorted(keys: readonly string[]): boolean {
  for (let index = 1; index < keys.length; index += 1) {
    const before = keys[index - 1] ?? '';
    const key = keys[index] ?? '';
    if (before.length > key.length || (before.length === key.length && before >= key)) return false;
  }
  return true;
}

/** An object keeps the order in which its keys arrived; schemas have no keys that look like array indices. */
function isSorted(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return true;
  if (Array.isArray(value)) return value.every(isSorted);
  return areKeysSorted(Object.keys(value)) && Object.values(value).every(isSorted);
}

/** Plain data (maps with text keys, arrays, text, integers, bytes, booleans, null) as deterministic CBOR. */
export function encodeCbor(value: unknown): Uint8Array {
  const encoded = encode(value);
  // On Node the library gives a Buffer, whose slice is a view: what leaves this file is a plain Uint8Array everywhere.
  return new Uint8Array(encoded.buffer, encoded.byteOffset, encoded.byteLength);
}

/** One deterministic CBOR item that fills `bytes` exactly; refusals `tooLarge` and `malformed`. */
export function decodeCbor(bytes: Uint8Array, bytesMax: number): Result<unknown> {
  if (bytes.length > bytesMax) return refused('tooLarge', `at most ${bytesMax} bytes`);
  try {
    const options = { ...decodeOptions, tokenizer: new StrictTokenizer(bytes, decodeOptions) };
    const value: unknown = decode(bytes, options);
    return isSorted(value) ? accepted(value) : refused('malformed', 'map keys not sorted');
  } catch {
    return refused('malformed', 'not deterministic CBOR');
  }
}

/** The domain value as the wire bytes of `schema`. Throws on a value that the schema itself would refuse: that is ours. */
export function encodeWith<T>(schema: z.ZodType<T>, value: T): Uint8Array {
  return encodeCbor(z.encode(schema, value));
}

/** Bytes to a domain value; refusals `tooLarge` and `malformed` with the path of the first wrong field. */
export function decodeWith<T>(schema: z.ZodType<T>, bytes: Uint8Array, bytesMax: number): Result<T> {
  const decoded = decodeCbor(bytes, bytesMax);
  return decoded.ok ? parseWith(schema, decoded.value) : decoded;
}

/** A decoded wire value to a domain value. */
export function parseWith<T>(schema: z.ZodType<T>, value: unknown): Result<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return accepted(parsed.data);
  return refused('malformed', parsed.error.issues[0]?.path.join('.') ?? null);
}

function hexSchema<T extends string>(byteLength: number): z.ZodType<T> {
  const wire = z.instanceof(Uint8Array).refine((bytes) => bytes.length === byteLength);
  const hex = z.string().length(2 * byteLength) as unknown as z.ZodType<T>;
  return z.codec(wire, hex, {
    decode: (bytes) => bytesToHex(bytes) as T,
    encode: (text) => hexToBytes(text as string),
  });
}

function integerSchema<T extends number>(min: number, max: number): z.ZodType<T> {
  return z.int().min(min).max(max) as unknown as z.ZodType<T>;
}

export const digestSchema: z.ZodType<Digest> = hexSchema<Digest>(32);
export const publicKeySchema: z.ZodType<PublicKey> = hexSchema<PublicKey>(32);
export const signatureSchema: z.ZodType<Signature> = hexSchema<Signature>(64);
export const idSchema: z.ZodType<Id> = hexSchema<Id>(16);
export const bytesSchema: z.ZodType<Uint8Array> = z.instanceof(Uint8Array);

export const heightSchema: z.ZodType<Height> = integerSchema<Height>(0, Number.MAX_SAFE_INTEGER);
export const viewSchema: z.ZodType<View> = integerSchema<View>(0, Number.MAX_SAFE_INTEGER);
export const epochSchema: z.ZodType<Epoch> = integerSchema<Epoch>(1, Number.MAX_SAFE_INTEGER);
export const timestampSchema: z.ZodType<Timestamp> = integerSchema<Timestamp>(0, Number.MAX_SAFE_INTEGER);
export const sequenceSchema: z.ZodType<Sequence> = integerSchema<Sequence>(1, Number.MAX_SAFE_INTEGER);
export const voterIndexSchema: z.ZodType<VoterIndex> = integerSchema<VoterIndex>(0, votersMax - 1);
export const amountSchema: z.ZodType<Amount> = integerSchema<Amount>(0, amountMax);
export const unitsSchema: z.ZodType<Units> = integerSchema<Units>(1, unitsMax);
/** Lower-case ASCII words with hyphens, so a name can stand in a log, a metric and a file name. */
export const nameSchema: z.ZodType<MemberName> = z
  .string()
  .max(nameBytesMax)
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/) as unknown as z.ZodType<MemberName>;
/** A code word from a terminology (reason, method, outcome detail): never free text, so it cannot hold a patient's data (I22). */
export const codeSchema: z.ZodType<string> = z
  .string()
  .max(nameBytesMax)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]*$/);
