import assert from 'node:assert/strict';
import { Pool } from '../../../node/pool.ts';
import type { Height } from '../../../protocol/brand.ts';
import { headerDigest } from '../../../protocol/block.ts';
import { batchesPerAnswerMax } from '../../../protocol/limits.ts';
import type { SyncAnswer } from '../../../protocol/sync.ts';
import { aDigest, anId } from '../../support/chain.ts';
import {
  aBatch,
  aFetcher,
  aName,
  anOpaqueTransaction,
  aGate,
  holderOf,
  someBlocks,
  type Answerer,
} from '../../support/nodeParts.ts';

const nobodyHasIt: Answerer = () => ({ kind: 'batches', batches: [] });
const disconnected: Answerer = () => new Error('disconnected');

function answering(answer: SyncAnswer): Answerer {
  return () => answer;
}

describe('fetching batches', () => {
  it('asks the preferred members first and the others in turn until all are there', async () => {
    const [one, two] = [aBatch(), aBatch({ sequence: 2 })];
    const pool = new Pool();
    const peers = { clinic: disconnected, pharmacy: holderOf(two), insurer: holderOf(one) };
    const { fetcher, asked, arrived } = aFetcher(peers, { pool });
    const digests = [one.batch.digest, two.batch.digest];
    assert.equal(await fetcher.batches(digests, [aName('insurer'), aName('nobody')]), true);
    assert.deepEqual(asked, ['insurer batches', 'insurer batches', 'clinic batches', 'pharmacy batches']);
    assert.deepEqual(arrived, [one, two]);
    assert.deepEqual(pool.get(one.batch.digest), one);
  });

  it('asks for nothing that it has', async () => {
    const batch = aBatch();
    const pool = new Pool();
    pool.add(batch, { isOrdered: false });
    const { fetcher, asked } = aFetcher({ clinic: disconnected }, { pool });
    assert.equal(await fetcher.batches([batch.batch.digest], []), true);
    assert.deepEqual(asked, []);
  });

  it('says so if nobody has one of them', async () => {
    const batch = aBatch();
    const { fetcher } = aFetcher({ clinic: holderOf(batch), pharmacy: nobodyHasIt });
    assert.equal(await fetcher.batches([batch.batch.digest, aDigest(1)], []), false);
  });

  it('has one request outstanding for each batch', async () => {
    const batch = aBatch();
    const { fetcher, asked } = aFetcher({ clinic: holderOf(batch) });
    const both = [fetcher.batches([batch.batch.digest], []), fetcher.batches([batch.batch.digest], [])];
    assert.deepEqual(await Promise.all(both), [true, true]);
    assert.deepEqual(asked, ['clinic batches']);
  });

  it('asks again for what did not fit into one answer', async () => {
    const batches = [1, 2, 3].map((sequence) => aBatch({ sequence }));
    const one: Answerer = async (request) => {
      const answer = await holderOf(...batches)(request);
      if (answer instanceof Error || answer.kind !== 'batches') throw new Error('no batches');
      return { kind: 'batches', batches: answer.batches.slice(0, 1) };
    };
    const { fetcher, asked } = aFetcher({ clinic: one });
    assert.equal(
      await fetcher.batches(
        batches.map(({ batch }) => batch.digest),
        [],
      ),
      true,
    );
    assert.equal(asked.length, 3);
  });

  it('asks for 32 at a time', async () => {
    const digests = Array.from({ length: batchesPerAnswerMax + 1 }, (_, index) => aDigest(index));
    const { fetcher, requests } = aFetcher({ clinic: nobodyHasIt });
    await fetcher.batches(digests, []);
    assert.deepEqual(requests, [
      { kind: 'batches', digests: digests.slice(0, batchesPerAnswerMax) },
      { kind: 'batches', digests: digests.slice(batchesPerAnswerMax) },
    ]);
  });

  it('believes no batch that it did not ask for, and no batch that is not good', async () => {
    const wanted = aBatch();
    const bad = aBatch({ transactions: [anOpaqueTransaction(1)] });
    const pool = new Pool();
    const peers = {
      clinic: answering({ kind: 'batches', batches: [aBatch({ sequence: 2 }).batch.bytes] }),
      pharmacy: answering({ kind: 'batches', batches: [bad.batch.bytes] }),
      insurer: holderOf(wanted),
    };
    const { fetcher, log } = aFetcher(peers, { pool });
    assert.equal(await fetcher.batches([wanted.batch.digest], []), true);
    assert.equal(pool.size, 1);
    assert.deepEqual(log.warnings, ['a batch that we asked for is refused']);
  });
});

describe('fetching a lane', () => {
  it('takes in what was missed, under the quota', async () => {
    const batches = [aBatch(), aBatch({ sequence: 2 })];
    const pool = new Pool();
    const answer = { kind: 'batches', batches: batches.map(({ batch }) => batch.bytes) } as const;
    const { fetcher, requests } = aFetcher({ hospital: answering(answer) }, { pool });
    await fetcher.lane(aName('hospital'), aName('hospital'), 0);
    assert.deepEqual(requests, [{ kind: 'lane', member: 'hospital', aboveSequence: 0 }]);
    assert.deepEqual(pool.run(aName('hospital'), 0, 10), batches);
  });

  it('has one request outstanding for each lane', async () => {
    const { fetcher, asked } = aFetcher({ clinic: nobodyHasIt, hospital: nobodyHasIt });
    const [clinic, hospital] = [aName('clinic'), aName('hospital')];
    await Promise.all([
      fetcher.lane(clinic, hospital, 0),
      fetcher.lane(hospital, hospital, 0),
      fetcher.lane(clinic, clinic, 0),
    ]);
    assert.deepEqual(asked, ['clinic lane', 'clinic lane']);
    await fetcher.lane(hospital, hospital, 0);
    assert.equal(asked.length, 3);
  });
});

describe('fetching blocks', () => {
  const { blocks } = someBlocks(3);
  const newestFirst = blocks.toReversed().map((block) => ({ block, certificate: null }));
  const newest = headerDigest(blocks[2]?.header ?? assert.fail('three blocks'));

  it('gets the ancestors of a block from whoever has them', async () => {
    const peers = {
      clinic: disconnected,
      pharmacy: answering({ kind: 'blocks', blocks: [] }),
      insurer: answering({ kind: 'blocks', blocks: newestFirst }),
    };
    const { fetcher, requests } = aFetcher(peers);
    assert.deepEqual(await fetcher.ancestors(newest, 0 as Height), blocks.toReversed());
    assert.deepEqual(requests[0], { kind: 'ancestors', digest: newest, aboveHeight: 0 });
  });

  it('believes ancestors only as far as the hashes reach', async () => {
    const [third, , first] = newestFirst;
    assert.ok(third !== undefined && first !== undefined);
    const { fetcher } = aFetcher({ clinic: answering({ kind: 'blocks', blocks: [third, first] }) });
    assert.deepEqual(await fetcher.ancestors(newest, 0 as Height), [third.block]);
  });

  it('believes no list of batches that the header does not commit to', async () => {
    const [third, second, first] = newestFirst;
    assert.ok(third !== undefined && second !== undefined && first !== undefined);
    const altered = { ...second, block: { ...second.block, batchDigests: [] } };
    const ancestors = { kind: 'blocks', blocks: [third, altered, first] } as const;
    const { fetcher } = aFetcher({
      clinic: answering(ancestors),
      insurer: answering({ kind: 'blocks', blocks: [first, altered, third] }),
    });
    assert.deepEqual(await fetcher.ancestors(newest, 0 as Height), [third.block]);
    assert.deepEqual(await fetcher.blocksFrom(aName('insurer'), 1 as Height), []);
  });

  it('gives nothing if nobody has the block that was asked for', async () => {
    const { fetcher, asked } = aFetcher({
      clinic: answering({ kind: 'blocks', blocks: newestFirst.slice(1) }),
      pharmacy: answering({ kind: 'refused', code: 'busy' }),
    });
    assert.deepEqual(await fetcher.ancestors(newest, 0 as Height), []);
    assert.deepEqual(asked, ['clinic ancestors', 'pharmacy ancestors']);
  });

  it('takes final blocks only in the heights that it asked for', async () => {
    const upward = newestFirst.toReversed();
    const { fetcher } = aFetcher({ clinic: answering({ kind: 'blocks', blocks: upward }) });
    assert.deepEqual(await fetcher.blocksFrom(aName('clinic'), 1 as Height), upward);
    assert.deepEqual(await fetcher.blocksFrom(aName('clinic'), 2 as Height), []);
  });
});

describe('asking one member', () => {
  const request = { kind: 'sealed', rxId: anId(1), blobHash: aDigest(1) } as const;
  const refusal = { kind: 'refused', code: 'notPermitted' } as const;

  it('gives a refusal only to who wants it', async () => {
    const { fetcher } = aFetcher({ clinic: answering(refusal) });
    assert.equal(await fetcher.ask(aName('clinic'), request), null);
    assert.deepEqual(await fetcher.askWhole(aName('clinic'), request), refusal);
  });

  it('gives nothing for a broken connection', async () => {
    const { fetcher } = aFetcher({ clinic: disconnected }, { gate: aGate() });
    assert.equal(await fetcher.askWhole(aName('clinic'), request), null);
  });
});
