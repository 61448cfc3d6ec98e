/**
 * Records of the state: how they are written, and what a transition reads and gives back. A record is a CBOR array of its
 * fields in the order of its shape, without their names: records are hashed and stored by every node at every step, so
 * they are compact and cost no validation. They are our own bytes: one that does not decode is a broken invariant.
 */
import type * as z from 'zod';
import type { Id } from './brand.ts';
import { CborReader, CborWriter } from './cbor.ts';
import { leaves } from './codec.ts';
import { invariant } from './invariant.ts';
import { shapeOf } from './shape.ts';

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

/** The same, or the deletion of a record. */
export type RecordChange = readonly [key: string, record: Uint8Array | null];

export interface RecordCodec<T> {
  readonly encode: (record: T) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => T;
}

const writer = new CborWriter();

/** The order of the fields in `schema` is their order in the record, so it is part of the protocol. */
export function recordCodec<T>(schema: z.ZodType<T>): RecordCodec<T> {
  const shape = shapeOf(schema, { leaves, layout: 'positional' });
  invariant(shape !== null, 'records are made of objects, arrays, hex, words, integers and Booleans');
  // By identity of the bytes: a block reads the same records for transaction after transaction.
  const decoded = new WeakMap<Uint8Array, T>();
  return {
    encode: (record) => {
      writer.begin();
      shape.write(writer, record);
      return writer.take();
    },
    decode: (bytes) => {
      const known = decoded.get(bytes);
      if (known !== undefined) return known;
      const record = shape.read(new CborReader(bytes)) as T;
      decoded.set(bytes, record);
      return record;
    },
  };
}

/** The record under `key`, or null if there is none. */
export function readRecord<T>(state: RecordReader, key: string, codec: RecordCodec<T>): T | null {
  const bytes = state.get(key);
  return bytes === null ? null : codec.decode(bytes);
}

/** Of two changes of one record the later counts. */
export function applied(subjects: readonly Id[], writes: readonly RecordChange[]): Applied {
  return { subjects, writes: new Map(writes) };
}

/** The state as it is after these changes. */
export function withChanges(state: RecordReader, changes: readonly RecordChange[]): RecordReader {
  const changed = new Map(changes);
  return {
    get: (key) => {
      const record = changed.get(key);
      return record === undefined ? state.get(key) : record;
    },
  };
}
