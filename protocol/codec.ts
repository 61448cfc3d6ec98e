/**
 * Deterministic CBOR (RFC 8949 §4.2.1) and zod schemas that map wire values to domain values and back. One value has
 * one encoding: the decoder refuses floats, tags, indefinite lengths, longer-than-needed integers and unsorted keys.
 */
import { encode } from 'cborg';
import * as z from 'zod';
import type {
  Amount,
  Balance,
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
import { bytesToHex, hexToBytes } from './bytes.ts';
import { CborReader, CborWriter, unsortedKeys } from './cbor.ts';
import { amountMax, nameBytesMax, unitsMax, votersMax } from './limits.ts';
import { accepted, refused, type Result } from './result.ts';
import { shapeOf, type Shape } from './shape.ts';

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
    const reader = new CborReader(bytes);
    const value = reader.item();
    reader.end();
    return accepted(value);
  } catch (error) {
    const isUnsorted = error instanceof Error && error.message === unsortedKeys;
    return refused('malformed', isUnsorted ? unsortedKeys : 'not deterministic CBOR');
  }
}

/** Schemas that are read and written as a whole. */
export const leaves: Map<z.ZodType, Shape> = new Map<z.ZodType, Shape>();
const shapes = new WeakMap<z.ZodType, { readonly shape: Shape | null }>();
const writer = new CborWriter();

function wireShape(schema: z.ZodType): Shape | null {
  const known = shapes.get(schema);
  if (known !== undefined) return known.shape;
  const shape = shapeOf(schema, { leaves, layout: 'keyed' });
  shapes.set(schema, { shape });
  return shape;
}

/** The domain value as the wire bytes of `schema`. Throws on a value that the schema itself would refuse: that is ours. */
export function encodeWith<T>(schema: z.ZodType<T>, value: T): Uint8Array {
  return write(wireShape(schema), value) ?? encodeCbor(z.encode(schema, value));
}

/** Bytes to a domain value; refusals `tooLarge` and `malformed` with the path of the first wrong field. */
export function decodeWith<T>(schema: z.ZodType<T>, bytes: Uint8Array, bytesMax: number): Result<T> {
  if (bytes.length > bytesMax) return refused('tooLarge', `at most ${bytesMax} bytes`);
  const value = readWith(schema, bytes);
  if (value !== null) return accepted(value);
  const decoded = decodeCbor(bytes, bytesMax);
  return decoded.ok ? parseWith(schema, decoded.value) : decoded;
}

/** What `decodeWith` accepts, at a tenth of its time; null where only `decodeWith` can tell whether it does, and why not. */
export function readWith<T>(schema: z.ZodType<T>, bytes: Uint8Array): T | null {
  const shape = wireShape(schema);
  if (shape === null) return null;
  try {
    const reader = new CborReader(bytes);
    const value = shape.read(reader);
    reader.end();
    return value as T;
  } catch {
    return null;
  }
}

/** The text under a key of a map; null if the bytes are no such map. */
export function textUnder(key: string, mapBytes: Uint8Array): string | null {
  try {
    return new CborReader(mapBytes).textUnder(key);
  } catch {
    return null;
  }
}

/** Null where there is no shape, or it refuses. */
function write(shape: Shape | null, value: unknown): Uint8Array | null {
  if (shape === null) return null;
  try {
    writer.begin();
    shape.write(writer, value);
    return writer.take();
  } catch {
    return null;
  }
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
  const schema = z.codec(wire, hex, {
    decode: (bytes) => bytesToHex(bytes) as T,
    encode: (text) => hexToBytes(text as string),
  });
  leaves.set(schema, {
    read: (reader) => reader.hex(byteLength),
    write: (own, text) => own.hex(text as string, byteLength),
  });
  return schema;
}

function integerSchema<T extends number>(min: number, max: number): z.ZodType<T> {
  return z.int().min(min).max(max) as unknown as z.ZodType<T>;
}

export const digestSchema: z.ZodType<Digest> = hexSchema<Digest>(32);
export const publicKeySchema: z.ZodType<PublicKey> = hexSchema<PublicKey>(32);
export const signatureSchema: z.ZodType<Signature> = hexSchema<Signature>(64);
export const idSchema: z.ZodType<Id> = hexSchema<Id>(16);
export const bytesSchema: z.ZodType<Uint8Array> = z.instanceof(Uint8Array);
leaves.set(bytesSchema, {
  read: (reader) => reader.bytes(),
  write: (own, value) => own.bytes(value as Uint8Array),
});

export const heightSchema: z.ZodType<Height> = integerSchema<Height>(0, Number.MAX_SAFE_INTEGER);
export const viewSchema: z.ZodType<View> = integerSchema<View>(0, Number.MAX_SAFE_INTEGER);
export const epochSchema: z.ZodType<Epoch> = integerSchema<Epoch>(1, Number.MAX_SAFE_INTEGER);
export const timestampSchema: z.ZodType<Timestamp> = integerSchema<Timestamp>(0, Number.MAX_SAFE_INTEGER);
export const sequenceSchema: z.ZodType<Sequence> = integerSchema<Sequence>(1, Number.MAX_SAFE_INTEGER);
export const voterIndexSchema: z.ZodType<VoterIndex> = integerSchema<VoterIndex>(0, votersMax - 1);
export const amountSchema: z.ZodType<Amount> = integerSchema<Amount>(0, amountMax);
export const balanceSchema: z.ZodType<Balance> = integerSchema<Balance>(-amountMax, amountMax);
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
