import assert from 'node:assert/strict';
import { decodeBech32, encodeBech32 } from '../../../protocol/bech32.ts';
import { refused } from '../../../protocol/result.ts';

describe('bech32m', () => {
  it('writes the text that BIP 350 gives for no data', () => {
    assert.equal(encodeBech32('a', new Uint8Array(0)), 'a1lqfn3a');
  });

  it('reads what it writes, in either case', () => {
    const bytes = Uint8Array.from({ length: 33 }, (_, index) => (index * 37) % 256);
    const text = encodeBech32('x', bytes);
    assert.deepEqual(decodeBech32(text, 'x', 33), { ok: true, value: bytes });
    assert.deepEqual(decodeBech32(text.toUpperCase(), 'x', 33), { ok: true, value: bytes });
  });

  it('refuses every text that is not exactly one it would write', () => {
    const text = encodeBech32('x', new Uint8Array(33));
    const wrong = [
      ['', 'prefix'],
      ['x', 'prefix'],
      ['x1', 'checksum'],
      [`${text}q`, 'checksum'],
      [text.slice(0, -1), 'checksum'],
      [`X${text.slice(1)}`, 'mixed case'],
      [`y${text.slice(1)}`, 'prefix'],
      [`x1b${text.slice(3)}`, 'alphabet'],
      [`x1\u212A${text.slice(3)}`, 'alphabet'],
      [`x1${'q'.repeat(89)}`, 'too long'],
      [encodeBech32('x', new Uint8Array(32)), 'length'],
    ] as const;
    for (const [candidate, detail] of wrong) {
      assert.deepEqual(decodeBech32(candidate, 'x', 33), refused('malformed', detail));
    }
  });

  it('refuses another text for the same bytes', () => {
    // 33 bytes fill 52.8 digits, so one bit is left. Set, it changes the checksum by the remainder of x^6 (BIP 173).
    const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
    const change = [1, ...Array.from({ length: 6 }, (_, index) => (0x3b6a57b2 >>> (5 * (5 - index))) & 31)];
    const text = encodeBech32('x', new Uint8Array(33));
    const tail = Array.from(text.slice(-7), (own, index) => alphabet.indexOf(own) ^ (change[index] ?? 0));
    const other = text.slice(0, -7) + tail.map((digit) => alphabet[digit]).join('');
    assert.deepEqual(decodeBech32(other, 'x', 33), refused('malformed', 'padding'));
  });
});
