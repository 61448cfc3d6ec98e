/**
 * Records of the state: their codec, and what a transition reads from and gives back. Each domain file keeps the keys and
 * the readers of its own records. Records are our own bytes: a record that does not decode is a broken invariant.
 */
import { decode } from 'cborg';
import * as z from 'zod';
import type { Id } from './brand.ts';
import { encodeWith } from './codec.ts';

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

export interface RecordCodec<T> {
  readonly encode: (record: T) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => T;
}

/** Our own bytes were written by `encode`, so they are decoded without the checks that a peer's bytes need. */
export function recordCodec<T>(schema: z.ZodType<T>): RecordCodec<T> {
  return {
    encode: (record) => encodeWith(schema, record),
    decode: (bytes) => schema.parse(decode(bytes)),
  };
}

/** The record under `key`, or null if there is none. */
export function readRecord<T>(state: RecordReader, key: string, codec: RecordCodec<T>): T | null {
  const bytes = state.get(key);
  return bytes === null ? null : codec.decode(bytes);
}

export function applied(
  subjects: readonly Id[],
  writes: readonly (readonly [string, Uint8Array | null])[],
): Applied {
  return { subjects, writes: new Map(writes) };
}
