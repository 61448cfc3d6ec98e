import assert from 'node:assert/strict';
import { answerRequest, type AnswerPorts } from '../../../node/answers.ts';
import type { Documents } from '../../../node/documents.ts';
import type { VerifiedBatch } from '../../../node/gate.ts';
import { Pool } from '../../../node/pool.ts';
import { headerDigest, type Block } from '../../../protocol/block.ts';
import type { Digest, Height } from '../../../protocol/brand.ts';
import { batchesPerAnswerMax, bulkFrameBytesMax, headersPerAnswerMax } from '../../../protocol/limits.ts';
import { decodeAnswer, encodeRequest, type SyncAnswer, type SyncRequest } from '../../../protocol/sync.ts';
import { aChildOf, aCommitOf, aDigest, aHeader, anId, valueOf } from '../../support/chain.ts';
import { aBatch, aName, anOpaqueTransaction } from '../../support/nodeParts.ts';

const clinic = aName('clinic');
const hospital = aName('hospital');

const noDocuments: Documents = {
  serve: async () => ({ kind: 'refused', code: 'prescriptionUnknown' }),
  accept: async () => ({ kind: 'stored' }),
} as Partial<Documents> as Documents;

async function answerTo(request: SyncRequest, ports: Partial<AnswerPorts> = {}): Promise<SyncAnswer> {
  const bytes = await answerRequest(
    {
      pool: new Pool(),
      documents: noDocuments,
      blocksFrom: () => [],
      findBlock: () => null,
      findBatch: () => null,
      archive: { finalBlock: () => null, closings: () => [] },
      snapshots: { newest: () => null, chunk: () => null },
      onLaneTip: () => undefined,
      ...ports,
    },
    clinic,
    encodeRequest(request),
  );
  assert.ok(bytes.length <= bulkFrameBytesMax);
  return valueOf(decodeAnswer(bytes));
}

function someHeaders(count: number): readonly Block[] {
  const blocks: Block[] = [{ header: aHeader(), batchDigests: [] }];
  for (let height = 2; height <= count; height += 1) {
    const parent = blocks.at(-1)?.header ?? aHeader();
    blocks.push({ header: aChildOf(parent), batchDigests: [] });
  }
  return blocks;
}

function finding(blocks: readonly Block[]): AnswerPorts['findBlock'] {
  const known = new Map(blocks.map((block) => [headerDigest(block.header), block]));
  return (digest) => known.get(digest) ?? null;
}

/** Batches of so many bytes each, in one lane. */
function batchesOf(count: number, size: number): readonly VerifiedBatch[] {
  return Array.from({ length: count }, (_, index) =>
    aBatch({ sequence: index + 1, transactions: [anOpaqueTransaction(index, size)] }),
  );
}

function poolOf(batches: readonly VerifiedBatch[]): Pool {
  const pool = new Pool();
  for (const batch of batches) pool.add(batch, { isOrdered: false });
  return pool;
}

describe('answers to other members', () => {
  it('refuse what is no request (malformed)', async () => {
    const ports = { pool: new Pool(), documents: noDocuments } as AnswerPorts;
    const bytes = await answerRequest(ports, clinic, new Uint8Array([0xff]));
    assert.deepEqual(valueOf(decodeAnswer(bytes)), { kind: 'refused', code: 'malformed' });
  });

  it('give final blocks from a height with their certificates, at most 100', async () => {
    const header = aHeader();
    const synced = { block: { header, batchDigests: [] }, certificate: aCommitOf(header) };
    const asked: (readonly [number, number])[] = [];
    const blocksFrom: AnswerPorts['blocksFrom'] = (height, countMax) => {
      asked.push([height, countMax]);
      return [synced];
    };
    const answer = await answerTo({ kind: 'blocksFrom', height: 1 as Height }, { blocksFrom });
    assert.deepEqual(answer, { kind: 'blocks', blocks: [synced] });
    assert.deepEqual(asked, [[1, headersPerAnswerMax]]);
  });

  it('give a block and its ancestors above a height, newest first', async () => {
    const blocks = someHeaders(5);
    const digest = headerDigest(blocks[3]?.header ?? assert.fail('four blocks'));
    const request = { kind: 'ancestors', digest, aboveHeight: 1 as Height } as const;
    const expected = [blocks[3], blocks[2], blocks[1]].map((block) => ({ block, certificate: null }));
    assert.deepEqual(await answerTo(request, { findBlock: finding(blocks) }), {
      kind: 'blocks',
      blocks: expected,
    });
  });

  it('give at most 100 ancestors', async () => {
    const blocks = someHeaders(headersPerAnswerMax + 1);
    const digest = headerDigest(blocks.at(-1)?.header ?? aHeader());
    const request = { kind: 'ancestors', digest, aboveHeight: 0 as Height } as const;
    const answer = await answerTo(request, { findBlock: finding(blocks) });
    assert.equal(answer.kind === 'blocks' ? answer.blocks.length : 0, headersPerAnswerMax);
  });

  it('say that a block is not known by giving none', async () => {
    const request = { kind: 'ancestors', digest: aDigest(1), aboveHeight: 0 as Height } as const;
    assert.deepEqual(await answerTo(request), { kind: 'blocks', blocks: [] });
  });

  it('give the batches that are held, in the order asked', async () => {
    const [one, two] = [aBatch(), aBatch({ sequence: 2 })];
    const held = new Map<Digest, Uint8Array>([one, two].map(({ batch }) => [batch.digest, batch.bytes]));
    const digests = [two.batch.digest, aDigest(1), one.batch.digest];
    assert.deepEqual(
      await answerTo({ kind: 'batches', digests }, { findBatch: (digest) => held.get(digest) ?? null }),
      {
        kind: 'batches',
        batches: [two.batch.bytes, one.batch.bytes],
      },
    );
  });

  it('are cut to one frame, and hold one batch of the largest size', async () => {
    const batches = batchesOf(3, 130_000);
    const bytes = batches.map(({ batch }) => batch.bytes);
    const run = await answerTo(
      { kind: 'lane', member: hospital, aboveSequence: 0 },
      { pool: poolOf(batches) },
    );
    assert.deepEqual(run, { kind: 'batches', batches: bytes.slice(0, 2) });
    const [large] = batchesOf(1, 262_144 - 400);
    assert.ok(large !== undefined);
    const findBatch = (): Uint8Array => large.batch.bytes;
    const digests = [large.batch.digest, aDigest(1)];
    const one = await answerTo({ kind: 'batches', digests }, { findBatch });
    assert.deepEqual(one, { kind: 'batches', batches: [large.batch.bytes] });
  });

  it('give the gapless run of a lane, at most 32 batches', async () => {
    const batches = batchesOf(batchesPerAnswerMax + 2, 10);
    const pool = poolOf(batches);
    const answer = await answerTo({ kind: 'lane', member: hospital, aboveSequence: 1 }, { pool });
    const run = batches.slice(1, batchesPerAnswerMax + 1).map(({ batch }) => batch.bytes);
    assert.deepEqual(answer, { kind: 'batches', batches: run });
  });

  it('hear how far a lane reaches', async () => {
    const tips: unknown[] = [];
    const onLaneTip: AnswerPorts['onLaneTip'] = (from, sequence) => tips.push([from, sequence]);
    assert.deepEqual(await answerTo({ kind: 'laneTip', sequence: 9 }, { onLaneTip }), { kind: 'stored' });
    assert.deepEqual(tips, [['clinic', 9]]);
  });

  it('leave sealed documents to the documents', async () => {
    const rxId = anId(1);
    const asked: unknown[] = [];
    const documents = {
      serve: async (...order: unknown[]) => {
        asked.push(order);
        return { kind: 'refused', code: 'notPermitted' };
      },
      accept: async (...order: unknown[]) => {
        asked.push(order);
        return { kind: 'stored' };
      },
    } as Partial<Documents> as Documents;
    const document = new Uint8Array([1, 2, 3]);
    assert.deepEqual(await answerTo({ kind: 'sealed', rxId, blobHash: aDigest(1) }, { documents }), {
      kind: 'refused',
      code: 'notPermitted',
    });
    assert.deepEqual(await answerTo({ kind: 'sealedPut', rxId, document }, { documents }), {
      kind: 'stored',
    });
    assert.deepEqual(asked, [
      [clinic, rxId, aDigest(1)],
      [clinic, rxId, document],
    ]);
  });
});
