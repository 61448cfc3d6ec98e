/**
 * JSON of this interface from the protocol's own schemas: bytes are `0x` and lower-case hex, times RFC 3339 in UTC with milliseconds,
 * everything else is itself. One schema validates what arrives, encodes what leaves, and describes both in rpc.discover.
 */
import * as z from 'zod';
import type { Brand, Timestamp } from '../../protocol/brand.ts';
import {
  bytesSchema,
  digestSchema,
  idSchema,
  publicKeySchema,
  signatureSchema,
  timestampSchema,
} from '../../protocol/codec.ts';
import { unreachable } from '../../protocol/invariant.ts';

/** How a domain value looks in JSON. */
export type JsonOf<T> = T extends Uint8Array
  ? string
  : T extends Timestamp
    ? string
    : T extends Brand<string, string>
      ? string
      : T extends Brand<number, string>
        ? number
        : T extends string | number | boolean | null
          ? T
          : T extends readonly (infer Element)[]
            ? readonly JsonOf<Element>[]
            : { readonly [Key in keyof T as JsonKey<Key, T[Key]>]: JsonOf<T[Key]> };

/** A time's name must not promise milliseconds: `issuedMs` is `issuedAt` in JSON, `timeMs` is `time`. */
type JsonKey<Key, Value> = [Value] extends [Timestamp | null]
  ? Key extends 'timeMs'
    ? 'time'
    : Key extends `${infer Base}Ms`
      ? `${Base}At`
      : Key
  : Key;

type AnySchema = z.ZodType;

const hexSizes: ReadonlyMap<AnySchema, number> = new Map<AnySchema, number>([
  [digestSchema, 32],
  [publicKeySchema, 32],
  [signatureSchema, 64],
  [idSchema, 16],
]);

/** Hex text with its `0x`, of exactly so many bytes, to the bare hex that the protocol uses in memory. */
function hexJson(size: number): AnySchema {
  const text = z.string().regex(new RegExp(`^0x[0-9a-f]{${2 * size}}$`));
  return z.codec(text, z.string(), { decode: (value) => value.slice(2), encode: (value) => `0x${value}` });
}

/** The hot path of tx_submit: one simple pattern, and the platform's own hex, which is four times as fast as a portable one. */
export const bytesJson: z.ZodType<Uint8Array> = z.codec(
  z
    .string()
    .regex(/^0x[0-9a-f]*$/)
    .refine((text) => text.length % 2 === 0),
  z.instanceof(Uint8Array),
  { decode: bytesOf, encode: bytesText },
);

export const timestampJson: z.ZodType<Timestamp> = z.codec(
  z.iso.datetime({ precision: 3 }),
  timestampSchema as unknown as z.ZodType<number, number>,
  { decode: (text) => Date.parse(text), encode: timeText },
) as unknown as z.ZodType<Timestamp>;

const converted = new Map<AnySchema, AnySchema>();

/** The same domain values with their JSON as input instead of their wire values. Bounds and refinements are kept. */
export function jsonSchema<T>(wire: z.ZodType<T>): z.ZodType<T> {
  const known = converted.get(wire);
  if (known !== undefined) return known as z.ZodType<T>;
  const schema = convert(wire);
  converted.set(wire, schema);
  return schema as z.ZodType<T>;
}

function convert(wire: AnySchema): AnySchema {
  const size = hexSizes.get(wire);
  if (size !== undefined) return hexJson(size);
  if (wire === timestampSchema) return timestampJson;
  if (wire === bytesSchema) return bytesJson;
  if (wire instanceof z.ZodObject) return withChecks(convertObject(wire), wire);
  if (wire instanceof z.ZodArray) return withChecks(z.array(jsonSchema(wire.element as AnySchema)), wire);
  if (wire instanceof z.ZodNullable) return z.nullable(jsonSchema(wire.unwrap() as AnySchema));
  if (wire instanceof z.ZodDiscriminatedUnion) {
    const [first, ...rest] = wire.options.map((option) => jsonSchema(option as AnySchema));
    return first === undefined ? unreachable(first as never) : z.union([first, ...rest]);
  }
  if (wire instanceof z.ZodUnion)
    return z.union(wire.options.map((option) => jsonSchema(option as AnySchema)));
  if (wire instanceof z.ZodRecord) {
    return withChecks(z.record(wire.keyType as z.ZodString, jsonSchema(wire.valueType as AnySchema)), wire);
  }
  return wire; // text, integers, words: the same in JSON
}

function convertObject(wire: z.ZodObject): AnySchema {
  const fields = Object.entries(wire.shape) as [string, AnySchema][];
  const jsonKeys = new Map(fields.map(([key, field]) => [key, jsonKey(key, field)]));
  const shape = fields.map(([key, field]) => [jsonKey(key, field), jsonSchema(field)]);
  const json = z.strictObject(Object.fromEntries(shape) as Record<string, AnySchema>);
  if (fields.every(([key, field]) => key === jsonKey(key, field))) return json;
  const keys = new Map([...jsonKeys].map(([key, renamed]) => [renamed, key]));
  return z.codec(json, z.record(z.string(), z.unknown()), {
    decode: (value) => renamed(value, keys),
    encode: (value) => renamed(value, jsonKeys),
  });
}

function jsonKey(key: string, field: AnySchema): string {
  const inner = field instanceof z.ZodNullable ? field.unwrap() : field;
  if (inner !== timestampSchema || !key.endsWith('Ms')) return key;
  return key === 'timeMs' ? 'time' : `${key.slice(0, -2)}At`;
}

function renamed(
  value: Record<string, unknown>,
  names: ReadonlyMap<string, string>,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [names.get(key) ?? key, field]));
}

/** Lengths of arrays and refinements of objects judge the domain value, so they hold for its JSON too. */
function withChecks(schema: AnySchema, wire: AnySchema): AnySchema {
  const checks = wire.def.checks ?? [];
  return checks.length === 0 ? schema : schema.check(...(checks as z.core.$ZodCheck<unknown>[]));
}

/** A domain value as JSON. The schema is the protocol's. */
export function toJson<T>(wire: z.ZodType<T>, value: T): JsonOf<T> {
  return z.encode(jsonSchema(wire), value) as JsonOf<T>;
}

/** Bytes as this interface writes them. */
export function bytesText(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`;
}

/** Plain bytes with memory of their own: a transaction is kept, and a pooled buffer would keep its neighbours. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(text.slice(2), 'hex'));
}

/** Bare hex of the protocol as this interface writes it. */
export function hexOf(text: string): string {
  return `0x${text}`;
}

export function timeOf(time: Timestamp): string {
  return timeText(time);
}

// The last moment that RFC 3339 can write. The ledger's integers reach further.
const timeMsMax = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

function timeText(timeMs: number): string {
  return new Date(Math.min(timeMs, timeMsMax)).toISOString();
}
