import assert from 'node:assert/strict';
import * as z from 'zod';
import {
  batchesRoot,
  blockBytesMax,
  decodeBlock,
  decodeHeader,
  encodeBlock,
  encodeHeader,
  headerBytesMax,
  headerDigest,
  headerSchema,
  type Header,
} from '../../../protocol/block.ts';
import type { Epoch, Height, Timestamp, View, VoterIndex } from '../../../protocol/brand.ts';
import { encodeCbor } from '../../../protocol/codec.ts';
import { blockBatchesMax, votersMax } from '../../../protocol/limits.ts';
import { refused } from '../../../protocol/result.ts';
import { aDigest, aHeader, aVoterSet, testVoters, valueOf } from '../../support/chain.ts';

const header = aHeader();

function wireWith(changes: object): Uint8Array {
  return encodeCbor({ ...(z.encode(headerSchema, header) as object), ...changes });
}

describe('a header', () => {
  it('survives its encoding, with and without new voters', () => {
    for (const sent of [header, aHeader({ nextVoterSet: testVoters, extensionOf: aDigest(7) })]) {
      assert.deepEqual(valueOf(decodeHeader(encodeHeader(sent))), sent);
    }
  });

  it('has another digest when any of its fields is another', () => {
    const changes: readonly Partial<Header>[] = [
      { chainId: aDigest(8) },
      { epoch: 2 as Epoch },
      { view: 2 as View },
      { height: 2 as Height },
      { parentDigest: aDigest(8) },
      { parentView: 1 as View },
      { timeMs: 1 as Timestamp },
      { batchesRoot: aDigest(8) },
      { receiptsRoot: aDigest(8) },
      { stateRoot: aDigest(8) },
      { voterSetHash: aDigest(8) },
      { nextVoterSet: testVoters },
      { extensionOf: aDigest(7) },
      { proposer: 1 as VoterIndex },
    ];
    const digests = [header, ...changes.map((change) => ({ ...header, ...change }))].map(headerDigest);
    assert.equal(new Set(digests).size, Object.keys(header).length + 1);
  });

  it('fits its limit with as many new voters as there can be', () => {
    const nextVoterSet = aVoterSet(votersMax);
    assert.ok(encodeHeader(aHeader({ nextVoterSet })).length <= headerBytesMax);
    assert.equal(decodeHeader(wireWith({ nextVoterSet: { epoch: 1, voters: [] } })).ok, false);
    assert.deepEqual(
      decodeHeader(new Uint8Array(headerBytesMax + 1)),
      refused('tooLarge', `at most ${headerBytesMax} bytes`),
    );
  });

  it('is refused with a field missing, too many, or out of range', () => {
    assert.equal(decodeHeader(wireWith({})).ok, true);
    for (const changes of [
      { epoch: 0 },
      { height: -1 },
      { proposer: votersMax },
      { extensionOf: 1 },
      { extra: null },
      { stateRoot: new Uint8Array(31) },
    ]) {
      assert.equal(decodeHeader(wireWith(changes)).ok, false, JSON.stringify(changes));
    }
    assert.equal(decodeHeader(wireWith({ proposer: votersMax - 1 })).ok, true);
  });
});

describe('a block', () => {
  const digests = (count: number) => Array.from({ length: count }, (_, index) => aDigest(index + 1));

  it('names its batches in order', () => {
    const block = { header, batchDigests: digests(3) };
    assert.deepEqual(valueOf(decodeBlock(encodeBlock(block))), block);
    assert.notEqual(batchesRoot(digests(3)), batchesRoot(digests(3).toReversed()));
    assert.notEqual(batchesRoot(digests(3)), batchesRoot(digests(2)));
    assert.notEqual(batchesRoot([]), batchesRoot([aDigest(0)]));
  });

  it(`may name ${blockBatchesMax} batches and not one more`, () => {
    const full = encodeBlock({
      header: aHeader({ nextVoterSet: aVoterSet(votersMax) }),
      batchDigests: digests(blockBatchesMax),
    });
    assert.ok(full.length <= blockBytesMax);
    assert.equal(decodeBlock(full).ok, true);
    assert.throws(() => encodeBlock({ header, batchDigests: digests(blockBatchesMax + 1) }));
    assert.deepEqual(
      decodeBlock(new Uint8Array(blockBytesMax + 1)),
      refused('tooLarge', `at most ${blockBytesMax} bytes`),
    );
  });
});
