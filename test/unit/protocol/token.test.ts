import assert from 'node:assert/strict';
import { hkdfSync } from 'node:crypto';
import { createToken, fillKeys, patientKeys } from '../../../node/patient.ts';
import type { Id } from '../../../protocol/brand.ts';
import { bytesToHex } from '../../../protocol/bytes.ts';
import { receiptCodeHash } from '../../../protocol/receiptCode.ts';
import { refused } from '../../../protocol/result.ts';
import {
  deriveFillSecret,
  deriveFillSeeds,
  deriveOwnerSeed,
  deriveReceiptCode,
  formatFillSecret,
  formatToken,
  parseFillSecret,
  parseToken,
  type PatientToken,
} from '../../../protocol/token.ts';
import { aSeed } from '../../support/keys.ts';

const rxId = '0190a8c4b7e27c3f8a5d1e2f3a4b5c6d' as Id;
const token: PatientToken = { rxId, secret: aSeed('token') };
const alphabet = '023456789acdefghjklmnpqrstuvwxyz1bio';

/** Every text that differs from `text` in one character. */
function withOneCharacterChanged(text: string): readonly string[] {
  return Array.from(text, (own, index) =>
    Array.from(alphabet)
      .filter((other) => other !== own)
      .map((other) => text.slice(0, index) + other + text.slice(index + 1)),
  ).flat();
}

function everySecretOf(source: PatientToken, fillCount: number): readonly string[] {
  const ks = Array.from({ length: fillCount }, (_, k) => k);
  return [
    bytesToHex(deriveOwnerSeed(source)),
    ...ks.flatMap((k) => {
      const fill = deriveFillSecret(source, k);
      const seeds = deriveFillSeeds(fill);
      return [
        bytesToHex(fill.secret),
        bytesToHex(seeds.redeemSeed),
        bytesToHex(seeds.unwrapSeed),
        deriveReceiptCode(source, k),
      ];
    }),
  ];
}

describe('the patient token', () => {
  it('gives secrets by HKDF-SHA256, as another implementation computes it', () => {
    const fill = deriveFillSecret(token, 3);
    const fromToken = (label: string): string => expand(token.secret, label);
    const fromFill = (label: string): string => expand(fill.secret, label);
    assert.deepEqual(
      [
        deriveOwnerSeed(token),
        fill.secret,
        deriveFillSeeds(fill).redeemSeed,
        deriveFillSeeds(fill).unwrapSeed,
      ].map(bytesToHex),
      [fromToken('owner'), fromToken('fill/3'), fromFill('redeem/3'), fromFill('unwrap/3')],
    );

    function expand(secret: Uint8Array, label: string): string {
      const okm = hkdfSync('sha256', secret, Buffer.from(rxId, 'hex'), `rxledger/token/1/${label}`, 32);
      return Buffer.from(okm).toString('hex');
    }
  });

  it('spells the receipt code in the base 32 of Crockford', () => {
    const code = Array.from(deriveReceiptCode(token, 0), (character) =>
      '0123456789ABCDEFGHJKMNPQRSTVWXYZ'.indexOf(character).toString(2).padStart(5, '0'),
    ).join('');
    const salt = Buffer.from(rxId, 'hex');
    const bytes = hkdfSync('sha256', token.secret, salt, 'rxledger/token/1/receipt/0', 10);
    assert.equal(BigInt(`0b${code}`), BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
  });

  it('gives different secrets for every purpose, fill, prescription and token', () => {
    const secrets = [
      ...everySecretOf(token, 24),
      ...everySecretOf({ ...token, rxId: '0190a8c4b7e27c3f8a5d1e2f3a4b5c6e' as Id }, 24),
      ...everySecretOf({ ...token, secret: aSeed('another token') }, 24),
    ];
    assert.equal(new Set(secrets).size, secrets.length);
  });

  it('gives a pharmacy that has one fill secret nothing of another fill or of the owner', () => {
    const shown = deriveFillSecret(token, 0);
    const own = [shown.secret, ...Object.values(deriveFillSeeds(shown))].map(bytesToHex);
    // All that the rules derive, started from what the pharmacy has.
    const reachable = new Set(everySecretOf({ rxId, secret: shown.secret }, 24));
    const hidden = everySecretOf(token, 24).filter((secret) => !own.includes(secret));
    assert.equal(hidden.length, 1 + 24 * 4 - 3);
    assert.deepEqual(
      hidden.filter((secret) => reachable.has(secret)),
      [],
    );
  });

  it('has receipt codes of 16 characters that nobody misreads', () => {
    for (let k = 0; k < 24; k += 1) {
      assert.match(deriveReceiptCode(token, k), /^[0-9A-HJKMNP-TV-Z]{16}$/);
    }
  });

  it('reads the text that it writes, in either case', () => {
    const text = formatToken(token);
    assert.deepEqual(parseToken(text), { ok: true, value: token });
    assert.deepEqual(parseToken(text.toUpperCase()), { ok: true, value: token });
  });

  it('refuses a token text with any one character changed', () => {
    const accepted = withOneCharacterChanged(formatToken(token)).filter((text) => parseToken(text).ok);
    assert.deepEqual(accepted, []);
  });

  it('refuses a fill secret text with any one character changed', () => {
    const text = formatFillSecret(deriveFillSecret(token, 23));
    assert.deepEqual(
      withOneCharacterChanged(text).filter((changed) => parseFillSecret(changed).ok),
      [],
    );
  });

  it('keeps the two kinds of text apart', () => {
    const fillText = formatFillSecret(deriveFillSecret(token, 1));
    assert.deepEqual(parseFillSecret(fillText), { ok: true, value: deriveFillSecret(token, 1) });
    assert.equal(parseToken(fillText).ok, false);
    assert.equal(parseFillSecret(formatToken(token)).ok, false);
  });

  it('refuses a fill beyond the last', () => {
    const text = formatFillSecret({ rxId, k: 24, secret: aSeed('fill') });
    assert.deepEqual(parseFillSecret(text), refused('malformed', 'fill index'));
  });
});

describe("the patient's keys", () => {
  it('are the public part that an issue carries, and what the patient and the pharmacy sign with', () => {
    const keys = patientKeys(token, 2);
    const second = fillKeys(deriveFillSecret(token, 1));
    assert.deepEqual(
      keys.fills.map(({ redeemKey, receiptHash }) => ({ redeemKey, receiptHash })),
      [
        {
          redeemKey: fillKeys(deriveFillSecret(token, 0)).redeemSigner.publicKey,
          receiptHash: receiptCodeHash(rxId, 0, deriveReceiptCode(token, 0)),
        },
        {
          redeemKey: second.redeemSigner.publicKey,
          receiptHash: receiptCodeHash(rxId, 1, deriveReceiptCode(token, 1)),
        },
      ],
    );
    assert.equal(keys.tokenKeys[1], second.unwrap.publicKey);
    assert.notEqual(keys.owner.publicKey, keys.fills[0]?.redeemKey);
  });

  it('are fresh for every prescription', () => {
    const [one, two] = [createToken(rxId), createToken(rxId)];
    assert.equal(one.secret.length, 32);
    assert.notDeepEqual(one.secret, two.secret);
  });
});
