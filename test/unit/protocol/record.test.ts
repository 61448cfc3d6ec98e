import assert from 'node:assert/strict';
import * as z from 'zod';
import type { Digest } from '../../../protocol/brand.ts';
import { digestSchema } from '../../../protocol/codec.ts';
import { BrokenInvariant } from '../../../protocol/invariant.ts';
import { readMember } from '../../../protocol/membership.ts';
import { defaultPolicy, readPolicy } from '../../../protocol/policy.ts';
import { readPractitioner } from '../../../protocol/practitioner.ts';
import { readRecord, recordCodec, type RecordCodec } from '../../../protocol/record.ts';
import { digestOf, genesis, newWorld, readerOf } from '../../support/domain.ts';

interface Sample {
  readonly hash: Digest;
  readonly words: readonly string[];
  readonly count: number | null;
  readonly isOpen: boolean;
}

const codec: RecordCodec<Sample> = recordCodec<Sample>(
  z.strictObject({
    hash: digestSchema,
    words: z.array(z.string()),
    count: z.int().nullable(),
    isOpen: z.boolean(),
  }),
);

describe('records', () => {
  it('are arrays of fields in the order of the schema, with hex as bytes', () => {
    const hash = '00'.repeat(32) as Digest;
    const bytes = codec.encode({ hash, words: ['a'], count: null, isOpen: true });
    assert.deepEqual(
      bytes,
      Uint8Array.of(0x84, 0x58, 0x20, ...Array(32).fill(0), 0x81, 0x61, 0x61, 0xf6, 0xf5),
    );
  });

  it('read as they were written', () => {
    const sample = { hash: digestOf('sample'), words: ['a', 'b'], count: 7, isOpen: false };
    assert.deepEqual(codec.decode(codec.encode(sample)), sample);
  });

  it('break an invariant when they have other fields than their shape', () => {
    assert.throws(() => codec.decode(Uint8Array.of(0x80)), BrokenInvariant);
  });

  it('refuse a schema that no record can have', () => {
    assert.throws(() => recordCodec(z.map(z.string(), z.string())), BrokenInvariant);
  });

  it('are null where nothing was written', () => {
    assert.equal(readRecord(readerOf(newWorld), 'rx/none', codec), null);
  });
});

describe('the state of height 0', () => {
  it('holds the members, the practitioners and the policy of the genesis', () => {
    const state = readerOf(newWorld);
    for (const member of genesis.members) assert.deepEqual(readMember(state, member.name), member);
    for (const practitioner of genesis.practitioners) {
      assert.deepEqual(readPractitioner(state, practitioner.id), practitioner);
    }
    assert.deepEqual(readPolicy(state), defaultPolicy);
  });
});
