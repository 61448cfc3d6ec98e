import assert from 'node:assert/strict';
import { UnfinalBlocks } from '../../../node/blockBook.ts';
import { isTimely, Validator, type Validation } from '../../../node/validator.ts';
import { headerDigest, type Block } from '../../../protocol/block.ts';
import type { Digest, Height, Timestamp, View } from '../../../protocol/brand.ts';
import { aDigest, aHeader, later, noon, testChainId } from '../../support/chain.ts';
import {
  aChain,
  aFetcher,
  aLog,
  aName,
  holderOf,
  settled,
  someBlocks,
  type Answerer,
  type Chain,
} from '../../support/nodeParts.ts';

const deltaMs = 500;

interface Setting extends Chain {
  readonly validator: Validator;
  readonly stored: Digest[];
  readonly asked: readonly string[];
  readonly warnings: readonly string[];
  readonly blocks: UnfinalBlocks;
}

function aValidator(
  peers: Readonly<Record<string, Answerer>>,
  storeBatches: () => Promise<void> = async () => undefined,
): Setting {
  const chain = aChain();
  const { fetcher, asked } = aFetcher(peers, { pool: chain.pool });
  const log = aLog();
  const stored: Digest[] = [];
  const blocks = new UnfinalBlocks();
  const validator = new Validator({
    clock: chain.clock,
    log,
    executor: chain.executor,
    fetcher,
    blocks,
    finalHeight: () => chain.ledger.head().height,
    deltaMs,
    leaderOf: () => [aName('insurer')],
    storeBatches: async (digests) => {
      await storeBatches();
      stored.push(...digests);
    },
  });
  return { ...chain, validator, stored, asked, warnings: log.warnings, blocks };
}

function digestOf(block: Block): Digest {
  return headerDigest(block.header);
}

function verdictOn(block: Block, verdict: Validation['verdict']): Validation {
  return { digest: digestOf(block), verdict };
}

/** Three blocks; the peers `clinic` and `insurer` have their batches, the insurer the blocks too. */
function aStory(): {
  readonly blocks: readonly [Block, Block, Block];
  readonly peers: Readonly<Record<string, Answerer>>;
} {
  const { blocks, batches } = someBlocks(3);
  const [first, second, third] = blocks;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  const insurer: Answerer = (request) => {
    if (request.kind !== 'ancestors') return holderOf(...batches)(request);
    const known = blocks.filter((block) => block.header.height > request.aboveHeight).toReversed();
    const start = known.findIndex((block) => digestOf(block) === request.digest);
    const found = start === -1 ? [] : known.slice(start);
    return { kind: 'blocks', blocks: found.map((block) => ({ block, certificate: null })) };
  };
  return { blocks: [first, second, third], peers: { clinic: holderOf(...batches), insurer } };
}

describe('the time of a block', () => {
  const now = later(60_000);
  const isGood = (timeMs: number, skippedViews = 0): boolean => {
    const view = (2 + skippedViews) as View;
    const header = aHeader({ view, parentView: 1 as View, timeMs: timeMs as Timestamp });
    return isTimely(header, now, deltaMs);
  };

  it('is at most 2 s ahead of our clock', () => {
    assert.deepEqual([isGood(now + 2_000), isGood(now + 2_001)], [true, false]);
  });

  it('is at most 2 s and the time of a view behind our clock', () => {
    assert.deepEqual([isGood(now - 3_500), isGood(now - 3_501)], [true, false]);
  });

  it('may be the older, the more views were skipped before it', () => {
    assert.deepEqual([isGood(now - 2_000 - 2_250, 1), isGood(now - 2_000 - 2_251, 1)], [true, false]);
    assert.deepEqual([isGood(now - 2_000 - 3_375, 2), isGood(now - 2_000 - 3_376, 2)], [true, false]);
    assert.deepEqual([isGood(now - 12_000, 30), isGood(now - 12_001, 30)], [true, false]);
  });
});

describe('the validator', () => {
  it('finds a block valid whose roots it reproduces, with its batches from the leader made durable', async () => {
    const { blocks, peers } = aStory();
    const setting = aValidator(peers);
    assert.deepEqual(await setting.validator.validate(blocks[0]), verdictOn(blocks[0], 'valid'));
    assert.deepEqual(setting.asked, ['insurer batches']);
    assert.deepEqual(setting.stored, blocks[0].batchDigests);
  });

  it('executes ancestors that it has missed first, oldest first', async () => {
    const { blocks, peers } = aStory();
    const setting = aValidator(peers);
    assert.deepEqual(await setting.validator.validate(blocks[2]), verdictOn(blocks[2], 'valid'));
    assert.deepEqual(
      blocks.map((block) => setting.executor.get(digestOf(block))?.block),
      blocks,
    );
  });

  it('does not ask others for ancestors that it knows', async () => {
    const { blocks, peers } = aStory();
    const setting = aValidator(peers);
    setting.blocks.keep(blocks);
    assert.equal(await setting.validator.reach(digestOf(blocks[1])), true);
    assert.deepEqual(setting.asked, ['insurer batches', 'insurer batches']);
  });

  it('does not condemn a block whose batches nobody gives it', async () => {
    const { blocks } = aStory();
    const setting = aValidator({ clinic: () => new Error('disconnected') });
    assert.deepEqual(await setting.validator.validate(blocks[0]), verdictOn(blocks[0], 'unavailable'));
    assert.deepEqual(setting.stored, []);
  });

  it('does not condemn a block whose parent nobody gives it', async () => {
    const { blocks, peers } = aStory();
    const setting = aValidator({ clinic: peers['clinic'] ?? assert.fail('a clinic') });
    assert.deepEqual(await setting.validator.validate(blocks[1]), verdictOn(blocks[1], 'unavailable'));
  });

  it('condemns a block whose roots are not ours', async () => {
    const { blocks, peers } = aStory();
    const [{ header, batchDigests }] = blocks;
    const wrong = { header: { ...header, stateRoot: aDigest(1) }, batchDigests };
    const setting = aValidator(peers);
    assert.deepEqual(await setting.validator.validate(wrong), verdictOn(wrong, 'invalid'));
    assert.deepEqual(setting.warnings, ['proposal refused']);
  });

  it('condemns a block whose time is far from our clock, and fetches nothing for it', async () => {
    const { blocks, peers } = aStory();
    const setting = aValidator(peers);
    setting.clock.jumpWall(60_000);
    assert.deepEqual(await setting.validator.validate(blocks[0]), verdictOn(blocks[0], 'invalid'));
    assert.deepEqual(setting.asked, []);
  });

  it('does not follow a fork below what is final', async () => {
    const { blocks, peers } = aStory();
    const setting = aValidator(peers);
    const fork = { ...blocks[0], header: { ...blocks[0].header, height: 0 as Height } };
    setting.blocks.keep([fork]);
    assert.equal(await setting.validator.reach(digestOf(fork)), false);
    assert.equal(await setting.validator.reach(testChainId), true);
  });

  it('runs once for a block, however often it is asked meanwhile', async () => {
    const { blocks, peers } = aStory();
    const setting = aValidator(peers);
    const both = [setting.validator.validate(blocks[0]), setting.validator.validate(blocks[0])];
    assert.deepEqual(await Promise.all(both), [verdictOn(blocks[0], 'valid'), verdictOn(blocks[0], 'valid')]);
    assert.deepEqual(setting.stored, blocks[0].batchDigests);
  });

  it('gives no verdict until the batches are durable, and none if they cannot be (W3, W7)', async () => {
    const { blocks, peers } = aStory();
    const failure = new Error('no space left');
    const setting = aValidator(peers, async () => {
      throw failure;
    });
    await assert.rejects(setting.validator.validate(blocks[0]), failure);
    let finish: () => void = () => undefined;
    const slow = aValidator(peers, async () => new Promise((resolve) => (finish = resolve)));
    let isJudged = false;
    const judging = slow.validator.validate(blocks[0]).finally(() => (isJudged = true));
    await settled();
    assert.equal(isJudged, false);
    finish();
    assert.deepEqual(await judging, verdictOn(blocks[0], 'valid'));
  });

  it('takes a time that is ours for what it is', () => {
    assert.equal(isTimely(aHeader({ timeMs: noon }), noon, deltaMs), true);
  });
});
