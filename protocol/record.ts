/**
 * Records of the state: how they are written, and what a transition reads and gives back. A record is a CBOR array of its
 * fields in the order of its shape, without their names: records are hashed and stored by every node at every step, so
 * they are compact and cost no validation. They are our own bytes: one that does not decode is a broken invariant.
 */
import { decode, encode } from 'cborg';
import * as z from 'zod';
import type { Id } from './brand.ts';
import { bytesToHex, hexToBytes } from './bytes.ts';
import { invariant } from './invariant.ts';

/** What transitions see of a state; every `StateView` is one. */
export interface RecordReader {
  /** Encoded record under a key, or null if there is none. */
  readonly get: (key: string) => Uint8Array | null;
}

/** What an accepted transaction changes. */
export interface Applied {
  /** Record key to encoded record; null deletes. */
  readonly writes: ReadonlyMap<string, Uint8Array | null>;
  /** What the history index files the transaction under: prescription, parcel, claim or practitioner. */
  readonly subjects: readonly Id[];
}

/** One encoded record and its key. */
export type RecordWrite = readonly [key: string, record: Uint8Array];

export interface RecordCodec<T> {
  readonly encode: (record: T) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => T;
}

/** How a part of a record is written and read. */
interface Shape {
  readonly toWire: (value: unknown) => unknown;
  readonly fromWire: (wire: unknown) => unknown;
}

/** The order of the fields in `schema` is their order in the record, so it is part of the protocol. */
export function recordCodec<T>(schema: z.ZodType<T>): RecordCodec<T> {
  const shape = shapeOf(schema);
  return {
    encode: (record) => encode(shape.toWire(record)),
    decode: (bytes) => shape.fromWire(decode(bytes)) as T,
  };
}

const plainShape: Shape = { toWire: (value) => value, fromWire: (wire) => wire };

/** Lower-case hex in memory, bytes in the record. */
const hexShape: Shape = {
  toWire: (value) => hexToBytes(value as string),
  fromWire: (wire) => bytesToHex(wire as Uint8Array),
};

/** Reads a schema once, so that records are then written and read without it. The codecs of codec.ts are all of hex. */
function shapeOf(schema: unknown): Shape {
  if (schema instanceof z.ZodObject) return objectShape(schema.shape);
  if (schema instanceof z.ZodArray) return listShape(shapeOf(schema.element));
  if (schema instanceof z.ZodNullable) return nullableShape(shapeOf(schema.unwrap()));
  if (schema instanceof z.ZodCodec) return hexShape;
  const isPlain =
    schema instanceof z.ZodNumber ||
    schema instanceof z.ZodString ||
    schema instanceof z.ZodEnum ||
    schema instanceof z.ZodBoolean;
  invariant(isPlain, 'records are made of objects, arrays, hex, words, integers and Booleans');
  return plainShape;
}

function listShape(item: Shape): Shape {
  return {
    toWire: (values) => (values as readonly unknown[]).map((value) => item.toWire(value)),
    fromWire: (wire) => (wire as readonly unknown[]).map((value) => item.fromWire(value)),
  };
}

function nullableShape(inner: Shape): Shape {
  return {
    toWire: (value) => (value === null ? null : inner.toWire(value)),
    fromWire: (wire) => (wire === null ? null : inner.fromWire(wire)),
  };
}

function objectShape(parts: Readonly<Record<string, unknown>>): Shape {
  const fields = Object.entries(parts).map(([name, part]) => [name, shapeOf(part)] as const);
  return {
    toWire: (value) => fields.map(([name, shape]) => shape.toWire((value as Record<string, unknown>)[name])),
    fromWire: (wire) => {
      const items = wire as readonly unknown[];
      invariant(items.length === fields.length, 'a record has the fields of its shape');
      const value: Record<string, unknown> = {};
      for (const [index, [name, shape]] of fields.entries()) value[name] = shape.fromWire(items[index]);
      return value;
    },
  };
}

/** The record under `key`, or null if there is none. */
export function readRecord<T>(state: RecordReader, key: string, codec: RecordCodec<T>): T | null {
  const bytes = state.get(key);
  return bytes === null ? null : codec.decode(bytes);
}

export function applied(subjects: readonly Id[], writes: readonly RecordWrite[]): Applied {
  return { subjects, writes: new Map(writes) };
}
