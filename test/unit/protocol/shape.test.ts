import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import * as z from 'zod';
import {
  bytesSchema,
  decodeCbor,
  encodeCbor,
  encodeWith,
  idSchema,
  readWith,
} from '../../../protocol/codec.ts';

const sample = z.strictObject({
  id: idSchema,
  longest: z.array(bytesSchema).min(1).max(2),
  kind: z.literal('sample'),
  word: z.enum(['yes', 'no']).nullable(),
  number: z.int(),
  text: z.string().max(8),
  isOpen: z.boolean(),
});

const fields = {
  id: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('hex')),
  longest: fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 2 }),
  kind: fc.constant('sample'),
  word: fc.constantFrom('yes', 'no', null),
  number: fc.maxSafeInteger().map((value) => (Object.is(value, -0) ? 0 : value)),
  text: fc.string({ unit: 'grapheme-composite', maxLength: 8 }).filter((text) => text.length <= 8),
  isOpen: fc.boolean(),
};
const values = fc.record(fields, { noNullPrototype: true });

describe('a shape', () => {
  it('writes what its schema writes, and reads it back', () => {
    fc.assert(
      fc.property(values, (value) => {
        const bytes = encodeWith<unknown>(sample, value);
        assert.deepEqual(bytes, encodeCbor(z.encode(sample, value as never)));
        assert.deepEqual(readWith<unknown>(sample, bytes), value);
      }),
    );
  });

  it('reads no bytes that its schema refuses, and those it accepts alike', () => {
    fc.assert(
      fc.property(values, fc.nat(), fc.nat(255), (value, place, byte) => {
        const bytes = encodeWith<unknown>(sample, value);
        const damaged = bytes.with(place % bytes.length, byte);
        const wire = decodeCbor(damaged, 10_000);
        const parsed = wire.ok ? sample.safeParse(wire.value) : { success: false, data: undefined };
        assert.deepEqual(readWith<unknown>(sample, damaged), parsed.success ? parsed.data : null);
      }),
      { numRuns: 2_000 },
    );
  });

  it('leaves bytes after the value, and a value cut short, to the schema', () => {
    const bytes = encodeCbor(7);
    assert.equal(readWith(z.int(), bytes), 7);
    assert.equal(readWith(z.int(), Uint8Array.of(7, 7)), null);
    assert.equal(readWith(z.int(), new Uint8Array(0)), null);
  });

  it('keeps every bound of a number and of a list', () => {
    const schema = z.array(z.int().min(2).max(4)).min(1).max(2);
    for (const good of [[2], [2, 4]]) assert.deepEqual(readWith(schema, encodeCbor(good)), good);
    for (const bad of [[], [1], [5], [2, 3, 4]]) assert.equal(readWith(schema, encodeCbor(bad)), null);
  });

  it('makes the refinements of an object', () => {
    const schema = z.strictObject({ low: z.int(), high: z.int() }).refine(({ low, high }) => low <= high);
    assert.deepEqual(readWith(schema, encodeCbor({ low: 1, high: 2 })), { low: 1, high: 2 });
    assert.equal(readWith(schema, encodeCbor({ low: 2, high: 1 })), null);
    assert.deepEqual(encodeWith(schema, { low: 1, high: 2 }), encodeCbor({ low: 1, high: 2 }));
    assert.throws(() => encodeWith(schema, { low: 2, high: 1 }));
  });

  it('finds the case of a union wherever its word stands among the keys', () => {
    const schema = z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('text'), a: z.string(), longer: z.boolean() }),
      z.strictObject({ kind: z.literal('number'), a: z.int() }),
    ]);
    const number = { kind: 'number', a: 1 } as const;
    assert.equal(readWith(schema, encodeCbor({ ...number, a: 'text' })), null);
    assert.equal(readWith(schema, encodeCbor({ ...number, kind: 'other' })), null);
    assert.equal(readWith(schema, encodeCbor([])), null);
    assert.equal(readWith(schema, encodeCbor({})), null);
    assert.deepEqual(readWith(schema, encodeCbor(number)), number);
    assert.deepEqual(encodeWith(schema, number), encodeCbor(number));
  });

  it('is not known for a schema whose checks it cannot make: that one is asked itself', () => {
    const even = z.int().refine((value) => value % 2 === 0);
    assert.equal(readWith(even, encodeCbor(2)), null);
    assert.deepEqual(encodeWith(even, 2), encodeCbor(2));
    assert.throws(() => encodeWith(even, 3));
  });

  it('refuses to write what its schema refuses', () => {
    for (const bad of [{ a: 1.5 }, { a: '1' }, { a: 1, b: 2 }, {}, { a: -1 }]) {
      assert.throws(() => encodeWith<unknown>(z.strictObject({ a: z.int().min(0) }), bad));
    }
  });
});
