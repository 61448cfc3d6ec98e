import assert from 'node:assert/strict';
import { encode } from 'cborg';
import * as fc from 'fast-check';
import * as z from 'zod';
import {
  codeSchema,
  decodeCbor,
  decodeWith,
  digestSchema,
  encodeCbor,
  encodeWith,
  idSchema,
  nameSchema,
  unitsSchema,
} from '../../../protocol/codec.ts';
import { bytesToHex, concatBytes, hexToBytes } from '../../../protocol/bytes.ts';
import { cborDepthMax, nameBytesMax, unitsMax } from '../../../protocol/limits.ts';
import { accepted, refused, type Result } from '../../../protocol/result.ts';

const malformed = refused('malformed', 'not deterministic CBOR');

function decodeHex(hex: string): Result<unknown> {
  return decodeCbor(hexToBytes(hex.replaceAll(' ', '')), 1_000);
}

/** `depth` arrays, one in another. */
function nested(depth: number): Uint8Array {
  return new Uint8Array([...Array.from({ length: depth - 1 }, () => 0x81), 0x80]);
}

describe('deterministic CBOR', () => {
  it('reads what it writes', () => {
    const value = { a: [1, -1, 'text', true, null], b: new Uint8Array([1, 2]), longer: { x: 2 ** 53 - 1 } };
    assert.deepEqual(decodeCbor(encodeCbor(value), 1_000), accepted(value));
  });

  it('has one encoding for a value: whatever bytes are read are the bytes that are written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
        const decoded = decodeCbor(bytes, 1_000);
        if (decoded.ok) assert.equal(bytesToHex(encodeCbor(decoded.value)), bytesToHex(bytes));
      }),
      { numRuns: 3_000 },
    );
  });

  it('has one encoding for a value: a damaged encoding is refused, or is that of another value', () => {
    const bytes = encodeCbor({
      id: new Uint8Array(16),
      name: 'hospital',
      list: [0, 23, 24, 255, 65_536, -1, null],
    });
    for (let at = 0; at < bytes.length; at += 1) {
      for (let value = 0; value < 256; value += 1) {
        const decoded = decodeCbor(bytes.with(at, value), 1_000);
        if (decoded.ok) assert.deepEqual(encodeCbor(decoded.value), bytes.with(at, value));
      }
    }
  });

  it('writes map keys in order of their bytes, shorter first, however they were put in', () => {
    assert.equal(bytesToHex(encodeCbor({ b: 1, aa: 2, a: 3 })), 'a361610361620162616102');
  });

  for (const [what, hex] of [
    ['a float', 'f90000'],
    ['a double', 'fb3ff0000000000000'],
    ['infinity', 'f97c00'],
    ['not-a-number', 'f97e00'],
    ['a tag', 'c100'],
    ['a bignum', 'c249010000000000000000'],
    ['undefined', 'f7'],
    ['a simple value', 'f0'],
    ['an indefinite array', '9f01ff'],
    ['an indefinite map', 'bf616101ff'],
    ['indefinite bytes', '5f4101ff'],
    ['indefinite text', '7f6161ff'],
    ['a break alone', 'ff'],
    ['an integer in too many bytes', '1817'],
    ['an integer in two bytes that fits one', '190018'],
    ['an integer in four bytes that fits two', '1a0000ffff'],
    ['an integer in eight bytes that fits four', '1b00000000ffffffff'],
    ['a length in too many bytes', '580101'],
    ['a text length in too many bytes', '780161'],
    ['an array length in too many bytes', '980100'],
    ['a map length in too many bytes', 'b801616100'],
    ['an integer past 2^53', '1b0020000000000000'],
    ['a negative integer past 2^53', '3b001fffffffffffff'],
    ['a map key twice', 'a2616101616102'],
    ['a key that is a number', 'a10101'],
    ['a key that is bytes', 'a1416101'],
    ['no bytes', ''],
    ['two items', '0000'],
    ['an array cut short', '8201'],
    ['a map cut short', 'a16161'],
    ['bytes cut short', '4401'],
    ['an array of 2^32 items', '9affffffff'],
    ['a map of 2^53 pairs', 'bb0020000000000000'],
    ['a byte order mark before text', '66efbbbf616263'],
    ['a byte order mark before a key', 'a164efbbbf6101'],
    ['text that is not UTF-8', '61ff'],
    ['text with an overlong form', '62c080'],
    ['text with half a surrogate pair', '63eda080'],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.deepEqual(decodeHex(hex), malformed);
    });
  }

  it('refuses map keys that are not sorted', () => {
    assert.deepEqual(decodeHex('a2 6162 01 6161 02'), refused('malformed', 'map keys not sorted'));
    assert.deepEqual(decodeHex('a2 626161 01 6162 02'), refused('malformed', 'map keys not sorted'));
    assert.deepEqual(decodeHex('81 a2 6162 01 6161 02'), refused('malformed', 'map keys not sorted'));
  });

  it('keeps text that is not ASCII as it is', () => {
    assert.deepEqual(decodeCbor(encode('阿莫西林 é 𝄞'), 100), accepted('阿莫西林 é 𝄞'));
  });

  it('does not let a key reach an object’s prototype', () => {
    const decoded = decodeCbor(encode(new Map([['__proto__', { kind: 'vote' }]])), 100);
    assert.equal(decoded.ok && 'kind' in (decoded.value as object), false);
    const schema = z.strictObject({ kind: z.string() });
    const wire = encode(new Map([['__proto__', { kind: 'vote' }]]));
    assert.equal(decodeWith(schema, wire, 100).ok, false);
  });

  it(`accepts nesting of ${cborDepthMax} and refuses one more`, () => {
    assert.equal(decodeCbor(nested(cborDepthMax), 1_000).ok, true);
    assert.deepEqual(decodeCbor(nested(cborDepthMax + 1), 1_000), malformed);
  });

  it('does not count what stands side by side as nesting', () => {
    const wide = concatBytes(Uint8Array.of(0x98, 40), ...Array.from({ length: 40 }, () => nested(3)));
    assert.equal(decodeCbor(wide, 1_000).ok, true);
  });

  it('refuses a megabyte of open brackets without running out of stack', () => {
    assert.deepEqual(decodeCbor(new Uint8Array(1_000_000).fill(0x81), 2_000_000), malformed);
  });

  it('accepts bytes at the limit and refuses one more', () => {
    const bytes = encodeCbor(new Uint8Array(98));
    assert.equal(decodeCbor(bytes, bytes.length).ok, true);
    assert.deepEqual(
      decodeCbor(bytes, bytes.length - 1),
      refused('tooLarge', `at most ${bytes.length - 1} bytes`),
    );
  });
});

describe('schemas of the wire', () => {
  it('are hex in memory and bytes on the wire', () => {
    const digest = 'ab'.repeat(32);
    const bytes = encodeWith(z.strictObject({ digest: digestSchema }), { digest: digest as never });
    assert.deepEqual(bytes, encodeCbor({ digest: hexToBytes(digest) }));
    assert.deepEqual(decodeWith(z.strictObject({ digest: digestSchema }), bytes, 100), accepted({ digest }));
  });

  it('refuse bytes of another length, and text for bytes', () => {
    for (const wire of [new Uint8Array(15), new Uint8Array(17), '00'.repeat(16)]) {
      assert.equal(decodeWith(idSchema, encodeCbor(wire), 100).ok, false);
    }
  });

  it('refuse a field too many and a field too few', () => {
    const schema = z.strictObject({ a: z.int() });
    assert.equal(decodeWith(schema, encodeCbor({ a: 1, b: 2 }), 100).ok, false);
    assert.deepEqual(decodeWith(schema, encodeCbor({}), 100), refused('malformed', 'a'));
  });

  it('bound quantities: at the limit, one past it, and nothing', () => {
    assert.deepEqual(decodeWith(unitsSchema, encodeCbor(unitsMax), 100), accepted(unitsMax));
    assert.equal(decodeWith(unitsSchema, encodeCbor(unitsMax + 1), 100).ok, false);
    assert.equal(decodeWith(unitsSchema, encodeCbor(0), 100).ok, false);
  });

  it('bound names: at the limit and one past it', () => {
    assert.equal(decodeWith(nameSchema, encodeCbor('a'.repeat(nameBytesMax)), 100).ok, true);
    assert.equal(decodeWith(nameSchema, encodeCbor('a'.repeat(nameBytesMax + 1)), 100).ok, false);
  });

  it('keep names to lower-case words', () => {
    for (const name of ['', 'A', '-a', 'a-', 'a--b', 'a b', 'a/b', 'a\n', 'é']) {
      assert.equal(decodeWith(nameSchema, encodeCbor(name), 100).ok, false, name);
    }
  });

  it('keep codes to what is no sentence', () => {
    for (const code of ['', 'two words', '.x', 'a\n', 'x'.repeat(65)]) {
      assert.equal(decodeWith(codeSchema, encodeCbor(code), 100).ok, false, code);
    }
  });
});
