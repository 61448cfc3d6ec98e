import assert from 'node:assert/strict';
import { defaultPolicy, policySchema } from '../../../protocol/policy.ts';
import { headerSchema } from '../../../protocol/block.ts';
import type { Timestamp } from '../../../protocol/brand.ts';
import { bytesJson, jsonSchema, timeOf, timestampJson, toJson } from '../../../node/rpc/json.ts';
import { aHeader } from '../../support/chain.ts';

describe('JSON from the schemas of the protocol', () => {
  it('writes hashes as 0x and hex, and times as RFC 3339 under a name that promises no milliseconds', () => {
    const header = aHeader();
    const json = toJson(headerSchema, header);
    assert.deepEqual(
      { parentDigest: json.parentDigest, time: json.time, height: json.height },
      {
        parentDigest: `0x${header.parentDigest}`,
        time: new Date(header.timeMs).toISOString(),
        height: header.height,
      },
    );
  });

  it('reads what it wrote', () => {
    const header = aHeader();
    assert.deepEqual(jsonSchema(headerSchema).parse(toJson(headerSchema, header)), header);
  });

  it('leaves what has no bytes and no times as it is', () => {
    assert.deepEqual(toJson(policySchema, defaultPolicy), defaultPolicy);
  });

  it('keeps the bounds of the protocol', () => {
    const json = toJson(policySchema, defaultPolicy);
    assert.equal(jsonSchema(policySchema).safeParse({ ...json, version: 0 }).success, false);
    assert.equal(jsonSchema(policySchema).safeParse({ ...json, more: 0 }).success, false);
  });

  it('takes whole bytes in lower case only', () => {
    const isTaken = (text: string): boolean => bytesJson.safeParse(text).success;
    assert.deepEqual(['0x', '0x00ff', '0x0', '0xAB', 'ab', '0x0g'].map(isTaken), [
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  it('takes times in UTC with milliseconds only', () => {
    const isTaken = (text: string): boolean => timestampJson.safeParse(text).success;
    const times = [
      '2026-01-05T12:00:00.000Z',
      '2026-01-05T12:00:00Z',
      '2026-01-05T12:00:00.000+08:00',
      '2026-02-30T12:00:00.000Z',
    ];
    assert.deepEqual(times.map(isTaken), [true, false, false, false]);
  });

  it('writes a time beyond the year 9999 as the last one that RFC 3339 knows', () => {
    assert.equal(timeOf(Number.MAX_SAFE_INTEGER as Timestamp), '9999-12-31T23:59:59.999Z');
  });
});
