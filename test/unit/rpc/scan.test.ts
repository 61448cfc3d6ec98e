import assert from 'node:assert/strict';
import { hasLoneSurrogate, scanJson } from '../../../node/rpc/scan.ts';

const depthMax = 3;
const scan = (text: string): string => scanJson(Buffer.from(text), depthMax);

describe('the look at JSON before it is parsed', () => {
  const cases: readonly (readonly [what: string, text: string, verdict: string])[] = [
    ['nesting up to the limit', '[{"a":[1]}]', 'ok'],
    ['nesting one past the limit', '[{"a":[{}]}]', 'tooDeep'],
    ['brackets inside text', '"[[[[[[{{{{"', 'ok'],
    ['an escaped quote before brackets', '"\\"[[[[[["', 'ok'],
    ['an escaped backslash before the end of a text', '["\\\\",[[["a"]]]]', 'tooDeep'],
    ['the same key in two objects', '[{"a":1},{"a":2}]', 'ok'],
    ['the same key in an object and its child', '{"a":{"a":1}}', 'ok'],
    ['a key twice', '{"a":1,"b":{},"a":2}', 'keyRepeated'],
    ['a key twice, once escaped', '{"a":1,"\\u0061":2}', 'keyRepeated'],
    ['a key twice with space before its colon', '{"a" :1,"a"\t\n:2}', 'keyRepeated'],
    ['a text that is repeated as a value', '{"a":"b","c":"b"}', 'ok'],
    ['__proto__', '{"__proto__":1}', 'keyRepeated'],
    ['a text without an end', '{"a', 'malformed'],
  ];
  for (const [what, text, verdict] of cases) {
    it(`finds ${what} to be ${verdict}`, () => {
      assert.equal(scan(text), verdict);
    });
  }

  it('finds bytes that are no UTF-8 malformed', () => {
    assert.equal(scanJson(Buffer.from([0x22, 0xc3, 0x22]), depthMax), 'malformed');
  });

  it('finds half a surrogate pair in keys and values', () => {
    assert.deepEqual([{ a: ['\ud800'] }, { '\udc00': 1 }, { a: '\ud83d\ude00' }].map(hasLoneSurrogate), [
      true,
      true,
      false,
    ]);
  });
});
