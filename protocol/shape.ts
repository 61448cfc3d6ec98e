/**
 * Shapes: how values of a schema are read from CBOR and written as CBOR in one pass, without a tree of wire values between.
 * A schema is looked at once. The schema stays the definition: a shape takes only what its schema takes, and whoever needs to
 * know why something was refused asks the schema.
 */
import { encode } from 'cborg';
import * as z from 'zod';
import { compareBytes } from './bytes.ts';
import type { CborReader, CborWriter } from './cbor.ts';
import { invariant } from './invariant.ts';

/** How one value is read and written. Both throw on what the schema would refuse. */
export interface Shape {
  readonly read: (reader: CborReader) => unknown;
  readonly write: (writer: CborWriter, value: unknown) => void;
}

export interface ShapeOptions {
  /** Schemas that are read and written as a whole: hex, bytes. */
  readonly leaves: ReadonlyMap<z.ZodType, Shape>;
  /**
   * `keyed`: an object is a map of its fields, and every bound is checked. `positional`: an object is an array of its fields in
   * the order of its schema, and of bounds nothing is checked: such are our own records.
   */
  readonly layout: 'keyed' | 'positional';
}

/** What the checks of a schema ask for: of a number its value, of text and of an array its length. */
interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly pattern: RegExp | null;
}

interface Field {
  readonly name: string;
  /** The name as CBOR. */
  readonly key: Uint8Array;
  readonly shape: Shape;
}

/** The shape of a schema, or null where it has a part that no shape is known for. */
export function shapeOf(schema: unknown, options: ShapeOptions): Shape | null {
  const leaf = options.leaves.get(schema as z.ZodType);
  if (leaf !== undefined) return leaf;
  if (schema instanceof z.ZodNullable) return nullableShape(shapeOf(schema.unwrap(), options));
  if (schema instanceof z.ZodBoolean) return booleanShape;
  if (schema instanceof z.ZodEnum) return wordShape(schema.options.map(String));
  if (schema instanceof z.ZodLiteral) return literalShape([...schema.values]);
  if (schema instanceof z.ZodDiscriminatedUnion) return unionShape(schema, options);
  if (schema instanceof z.ZodObject) return objectShape(schema, options);
  const bounds = boundsOf(schema);
  if (bounds === null) return null;
  const isChecked = options.layout === 'keyed';
  if (schema instanceof z.ZodNumberFormat && schema.format === 'safeint')
    return isChecked ? boundedShape(bounds) : integerShape;
  if (schema instanceof z.ZodString) return isChecked ? patternShape(bounds) : textShape;
  if (!(schema instanceof z.ZodArray)) return null;
  return listShape(shapeOf(schema.element, options), isChecked ? bounds : unbounded);
}

const unbounded: Bounds = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY, pattern: null };

/** Null if the schema has a check that is none of these. */
function boundsOf(schema: unknown): Bounds | null {
  if (!(schema instanceof z.ZodType)) return null;
  let bounds = unbounded;
  for (const check of schema.def.checks ?? []) {
    const next = withCheck(bounds, { ...check._zod.def });
    if (next === null) return null;
    bounds = next;
  }
  return bounds;
}

function withCheck(bounds: Bounds, check: Readonly<Record<string, unknown>>): Bounds | null {
  const { value, minimum, maximum, pattern, inclusive } = check;
  const { min, max } = bounds;
  switch (check['check']) {
    case 'greater_than':
      return inclusive === true ? { ...bounds, min: Math.max(min, Number(value)) } : null;
    case 'less_than':
      return inclusive === true ? { ...bounds, max: Math.min(max, Number(value)) } : null;
    case 'min_length':
      return { ...bounds, min: Math.max(min, Number(minimum)) };
    case 'max_length':
      return { ...bounds, max: Math.min(max, Number(maximum)) };
    case 'string_format':
      return pattern instanceof RegExp && bounds.pattern === null ? { ...bounds, pattern } : null;
    default:
      return null;
  }
}

function assertWithin(value: number, { min, max }: Bounds): void {
  if (value < min || value > max) throw new Error('bounds');
}

const integerShape: Shape = {
  read: (reader) => reader.integer(),
  write: (writer, value) => writer.integer(value as number),
};

function boundedShape(bounds: Bounds): Shape {
  return {
    read: (reader) => {
      const value = reader.integer();
      assertWithin(value, bounds);
      return value;
    },
    write: (writer, value) => {
      assertWithin(value as number, bounds);
      writer.integer(value as number);
    },
  };
}

const textShape: Shape = { read: (reader) => reader.text(), write: writeText };

function writeText(writer: CborWriter, value: unknown): void {
  if (typeof value !== 'string') throw new Error('text');
  writer.text(value);
}

function patternShape(bounds: Bounds): Shape {
  const assertSound = (text: string): void => {
    assertWithin(text.length, bounds);
    if (bounds.pattern?.test(text) === false) throw new Error('pattern');
  };
  return {
    read: (reader) => {
      const text = reader.text();
      assertSound(text);
      return text;
    },
    write: (writer, value) => {
      assertSound(String(value));
      writeText(writer, value);
    },
  };
}

const booleanShape: Shape = {
  read: (reader) => reader.boolean(),
  write: (writer, value) => {
    if (typeof value !== 'boolean') throw new Error('Boolean');
    writer.boolean(value);
  },
};

/** One of a few words: compared as bytes, so that reading one makes no text. */
function wordShape(words: readonly string[]): Shape {
  const encoded = words.map((word) => [word, encode(word)] as const);
  const byWord = new Map(encoded);
  return {
    read: (reader) => {
      for (const [word, bytes] of encoded) if (reader.isNext(bytes)) return word;
      throw new Error('word');
    },
    write: (writer, value) => {
      const bytes = byWord.get(value as string);
      if (bytes === undefined) throw new Error('word');
      writer.raw(bytes);
    },
  };
}

function literalShape(values: readonly unknown[]): Shape | null {
  const [value] = values;
  if (values.length !== 1 || (typeof value !== 'string' && typeof value !== 'number')) return null;
  const bytes = encode(value);
  return {
    read: (reader) => {
      if (!reader.isNext(bytes)) throw new Error('literal');
      return value;
    },
    write: (writer, own) => {
      if (own !== value) throw new Error('literal');
      writer.raw(bytes);
    },
  };
}

function nullableShape(inner: Shape | null): Shape | null {
  if (inner === null) return null;
  return {
    read: (reader) => (reader.isNull() ? null : inner.read(reader)),
    write: (writer, value) => (value === null ? writer.null() : inner.write(writer, value)),
  };
}

function listShape(item: Shape | null, bounds: Bounds): Shape | null {
  if (item === null) return null;
  return {
    read: (reader) => {
      const count = reader.arrayHead();
      assertWithin(count, bounds);
      const items: unknown[] = [];
      for (let index = 0; index < count; index += 1) items.push(item.read(reader));
      return items;
    },
    write: (writer, value) => {
      if (!Array.isArray(value)) throw new Error('array');
      assertWithin(value.length, bounds);
      writer.arrayHead(value.length);
      for (const own of value) item.write(writer, own);
    },
  };
}

function objectShape(schema: z.ZodObject, options: ShapeOptions): Shape | null {
  const refinements = refinementsOf(schema);
  if (!(schema.def.catchall instanceof z.ZodNever) || refinements === null) return null;
  const fields: Field[] = [];
  for (const [name, part] of Object.entries(schema.shape)) {
    const shape = shapeOf(part, options);
    if (shape === null) return null;
    fields.push({ name, key: encode(name), shape });
  }
  if (options.layout === 'positional') return positionalShape(fields);
  return refinements.length === 0 ? keyedShape(fields) : refinedShape(keyedShape(fields), refinements);
}

type Refinement = (value: unknown) => unknown;

/** What the schema asks of a whole object; null if it asks in another way than by `refine`. */
function refinementsOf(schema: z.ZodObject): readonly Refinement[] | null {
  const refinements: Refinement[] = [];
  for (const check of schema.def.checks ?? []) {
    const { fn }: { readonly fn?: unknown } = { fn: null, ...check._zod.def };
    if (check._zod.def.check !== 'custom' || typeof fn !== 'function') return null;
    refinements.push(fn as Refinement);
  }
  return refinements;
}

function refinedShape(shape: Shape, refinements: readonly Refinement[]): Shape {
  const assertSound = (value: unknown): void => {
    if (!refinements.every((refinement) => refinement(value) === true)) throw new Error('refinement');
  };
  return {
    read: (reader) => {
      const value = shape.read(reader);
      assertSound(value);
      return value;
    },
    write: (writer, value) => {
      assertSound(value);
      shape.write(writer, value);
    },
  };
}

/** The case is told by a word that every case has under the same key. */
function unionShape(schema: z.ZodDiscriminatedUnion, options: ShapeOptions): Shape | null {
  const { discriminator } = schema.def;
  const cases = new Map<unknown, Shape>();
  for (const option of schema.options) {
    const shape = shapeOf(option, options);
    const word = option instanceof z.ZodObject ? option.shape[discriminator] : null;
    if (shape === null || !(word instanceof z.ZodLiteral)) return null;
    for (const value of word.values) cases.set(value, shape);
  }
  const caseOf = (word: unknown): Shape => {
    const shape = cases.get(word);
    if (shape === undefined) throw new Error('case');
    return shape;
  };
  return {
    read: (reader) => caseOf(reader.textUnder(discriminator)).read(reader),
    write: (writer, value) =>
      caseOf((value as Readonly<Record<string, unknown>>)[discriminator]).write(writer, value),
  };
}

/** The order of the keys is known, so a key is compared, not read. */
function keyedShape(unsorted: readonly Field[]): Shape {
  const fields = unsorted.toSorted((a, b) => compareBytes(a.key, b.key));
  return {
    read: (reader) => {
      if (reader.mapHead() !== fields.length) throw new Error('fields');
      const value: Record<string, unknown> = {};
      for (const { name, key, shape } of fields) {
        if (!reader.isNext(key)) throw new Error('key');
        value[name] = shape.read(reader);
      }
      return value;
    },
    write: (writer, value) => {
      const record = value as Readonly<Record<string, unknown>>;
      if (Object.keys(record).length !== fields.length) throw new Error('fields');
      writer.mapHead(fields.length);
      for (const { name, key, shape } of fields) {
        writer.raw(key);
        shape.write(writer, record[name]);
      }
    },
  };
}

function positionalShape(fields: readonly Field[]): Shape {
  return {
    read: (reader) => {
      invariant(reader.arrayHead() === fields.length, 'a record has the fields of its shape');
      const value: Record<string, unknown> = {};
      for (const { name, shape } of fields) value[name] = shape.read(reader);
      return value;
    },
    write: (writer, value) => {
      const record = value as Readonly<Record<string, unknown>>;
      writer.arrayHead(fields.length);
      for (const { name, shape } of fields) shape.write(writer, record[name]);
    },
  };
}
