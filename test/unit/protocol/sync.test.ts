import assert from 'node:assert/strict';
import type { Height, MemberName } from '../../../protocol/brand.ts';
import { encodeCbor } from '../../../protocol/codec.ts';
import { batchesPerAnswerMax, bulkFrameBytesMax, headersPerAnswerMax } from '../../../protocol/limits.ts';
import { refusalCodes } from '../../../protocol/refusal.ts';
import { refused } from '../../../protocol/result.ts';
import {
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  type SyncAnswer,
  type SyncRequest,
} from '../../../protocol/sync.ts';
import { aCommitOf, aDigest, aHeader, anId, valueOf } from '../../support/chain.ts';

const digests = (count: number) => Array.from({ length: count }, (_, index) => aDigest(index));
const header = aHeader();
const synced = { block: { header, batchDigests: digests(2) }, certificate: aCommitOf(header) };

describe('requests of the bulk channel', () => {
  const requests: readonly SyncRequest[] = [
    { kind: 'blocksFrom', height: 7 as Height },
    { kind: 'ancestors', digest: aDigest(1), aboveHeight: 0 as Height },
    { kind: 'batches', digests: digests(batchesPerAnswerMax) },
    { kind: 'lane', member: 'clinic' as MemberName, aboveSequence: 0 },
    { kind: 'sealed', rxId: anId(1), blobHash: aDigest(2) },
  ];

  it('survive their encoding', () => {
    for (const request of requests) assert.deepEqual(valueOf(decodeRequest(encodeRequest(request))), request);
  });

  it('ask for as many batches as an answer may hold, for not one more, and for at least one', () => {
    assert.throws(() => encodeRequest({ kind: 'batches', digests: digests(batchesPerAnswerMax + 1) }));
    assert.throws(() => encodeRequest({ kind: 'batches', digests: [] }));
    const many = Array.from({ length: batchesPerAnswerMax + 1 }, () => new Uint8Array(32));
    assert.equal(decodeRequest(encodeCbor({ kind: 'batches', digests: many })).ok, false);
  });

  it('are refused when they are of no kind, have a field too many, or are too large', () => {
    assert.equal(decodeRequest(encodeCbor({ kind: 'everything' })).ok, false);
    assert.equal(decodeRequest(encodeCbor({ kind: 'blocksFrom', height: 1, limit: 10 })).ok, false);
    assert.deepEqual(
      decodeRequest(new Uint8Array(bulkFrameBytesMax + 1)),
      refused('tooLarge', `at most ${bulkFrameBytesMax} bytes`),
    );
  });
});

describe('answers of the bulk channel', () => {
  const answers: readonly SyncAnswer[] = [
    { kind: 'blocks', blocks: [{ ...synced, certificate: null }, synced] },
    { kind: 'blocks', blocks: [] },
    { kind: 'batches', batches: [Uint8Array.of(1, 2)] },
    { kind: 'sealed', document: Uint8Array.of(3) },
    { kind: 'stored' },
    ...refusalCodes.map((code) => ({ kind: 'refused' as const, code })),
  ];

  it('survive their encoding, with every code there is', () => {
    for (const answer of answers) assert.deepEqual(valueOf(decodeAnswer(encodeAnswer(answer))), answer);
  });

  it('hold as many blocks and batches as their limits allow, and not one more', () => {
    const blocks = (count: number) => Array.from({ length: count }, () => ({ ...synced, certificate: null }));
    assert.equal(
      decodeAnswer(encodeAnswer({ kind: 'blocks', blocks: blocks(headersPerAnswerMax) })).ok,
      true,
    );
    assert.throws(() => encodeAnswer({ kind: 'blocks', blocks: blocks(headersPerAnswerMax + 1) }));
    const batches = (count: number) => Array.from({ length: count }, () => new Uint8Array(1));
    assert.equal(
      decodeAnswer(encodeAnswer({ kind: 'batches', batches: batches(batchesPerAnswerMax) })).ok,
      true,
    );
    assert.throws(() => encodeAnswer({ kind: 'batches', batches: batches(batchesPerAnswerMax + 1) }));
  });

  it('hold the largest batch in one frame', () => {
    const largest = encodeAnswer({ kind: 'batches', batches: [new Uint8Array(262_144)] });
    assert.equal(decodeAnswer(largest).ok, true);
  });
});
