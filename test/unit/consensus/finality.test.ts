import assert from 'node:assert/strict';
import { blocksHeldMax, digestOf } from '../../../consensus/chain.ts';
import { headersPerAnswerMax } from '../../../protocol/limits.ts';
import type { ConsensusEvent } from '../../../consensus/event.ts';
import type { Block } from '../../../protocol/block.ts';
import {
  aBlock,
  aReplica,
  committed,
  gains,
  ofKind,
  prepared,
  proposes,
  run,
  skipped,
  ticks,
  votes,
} from './builders.ts';

const first = aBlock({ view: 1 });
const second = aBlock({ view: 2, parent: first });
const third = aBlock({ view: 3, parent: second });

describe('R6: a block with q COMMITs is final with all its ancestors', () => {
  it('commits a block', () => {
    const result = run(
      aReplica(),
      proposes(first),
      gains(prepared(first)),
      ...votes('commit', first, 1, 2, 3),
    );
    assert.deepEqual(ofKind(result, 'commitBlocks'), [
      { kind: 'commitBlocks', blocks: [first], extension: null, certificate: committed(first) },
    ]);
    assert.deepEqual(result.state.final, {
      view: 1,
      height: 1,
      digest: digestOf(first),
      timeMs: first.header.timeMs,
      block: first,
      certificate: committed(first),
    });
  });

  it('commits ancestors first', () => {
    const result = run(
      aReplica(),
      proposes(first),
      proposes(second, prepared(first)),
      gains(prepared(second)),
      gains(committed(second)),
    );
    assert.deepEqual(ofKind(result, 'commitBlocks'), [
      { kind: 'commitBlocks', blocks: [first, second], extension: null, certificate: committed(second) },
    ]);
  });

  it('does not count COMMITs for different blocks together', () => {
    const other = aBlock({ view: 1, batchDigests: [digestOf(first)] });
    const result = run(aReplica(), ...votes('commit', first, 1, 2), ...votes('commit', other, 3));
    assert.deepEqual([result.effects, result.state.final.height], [[], 0]);
  });

  it('does not count one voter twice', () => {
    const knowing = run(aReplica(), proposes(first), gains(prepared(first))).state;
    const heights = [
      [1, 2, 2, 2],
      [1, 2, 3],
    ].map((voters) => run(knowing, ...votes('commit', first, ...voters)).state.final.height);
    assert.deepEqual(heights, [0, 1]);
  });

  it('fetches what is missing, and commits when it came', () => {
    const asked = run(aReplica(), gains(committed(third)));
    assert.deepEqual(ofKind(asked, 'fetchBlocks'), [
      { kind: 'fetchBlocks', digest: digestOf(third), aboveHeight: 0 },
    ]);
    const partly = run(asked.state, { kind: 'blocksReceived', blocks: [third, second] });
    assert.deepEqual(ofKind(partly, 'fetchBlocks'), [
      { kind: 'fetchBlocks', digest: digestOf(first), aboveHeight: 0 },
    ]);
    const wholly = run(partly.state, { kind: 'blocksReceived', blocks: [first] });
    assert.deepEqual(ofKind(wholly, 'commitBlocks'), [
      {
        kind: 'commitBlocks',
        blocks: [first, second, third],
        extension: null,
        certificate: committed(third),
      },
    ]);
  });

  it('commits when the proposal of a block comes after its COMMITs', () => {
    const result = run(aReplica(), gains(committed(first)), proposes(first));
    assert.deepEqual(ofKind(result, 'commitBlocks'), [
      { kind: 'commitBlocks', blocks: [first], extension: null, certificate: committed(first) },
    ]);
  });

  it('asks for the same block once between two ticks', () => {
    const asked = run(aReplica(), gains(committed(third)));
    const again = run(asked.state, { kind: 'blocksReceived', blocks: [] });
    assert.deepEqual(ofKind(again, 'fetchBlocks'), []);
    assert.equal(ofKind(run(again.state, ticks), 'fetchBlocks').length, 1);
  });

  it(`takes ${headersPerAnswerMax} blocks by height, whose certificate comes after them`, () => {
    const blocks: Block[] = [];
    for (let view = 1; view <= headersPerAnswerMax; view += 1) {
      blocks.push(aBlock({ view, parent: blocks.at(-1) ?? null }));
    }
    const last = blocks.at(-1) ?? first;
    const result = run(aReplica(), { kind: 'blocksReceived', blocks }, gains(committed(last)));
    assert.deepEqual(ofKind(result, 'commitBlocks'), [
      { kind: 'commitBlocks', blocks, extension: null, certificate: committed(last) },
    ]);
    assert.deepEqual(ofKind(result, 'fetchBlocks'), []);
  });

  it(`holds ${blocksHeldMax} fetched blocks and asks for no more: the loop by height closes the gap`, () => {
    const blocks: Block[] = [];
    for (let view = 1; view <= blocksHeldMax + headersPerAnswerMax; view += 1) {
      blocks.push(aBlock({ view, parent: blocks.at(-1) ?? null }));
    }
    const newestFirst = blocks.toReversed();
    let result = run(aReplica(), gains(committed(newestFirst[0] ?? first)));
    while (ofKind(result, 'fetchBlocks').length > 0) {
      const held = result.state.blocks.size;
      const answer = newestFirst.slice(held, held + headersPerAnswerMax);
      result = run(result.state, { kind: 'blocksReceived', blocks: answer });
    }
    assert.deepEqual([result.state.blocks.size, result.state.final.height], [blocksHeldMax, 0]);
    const lowest = blocks.slice(0, headersPerAnswerMax);
    const certificate = committed(lowest.at(-1) ?? first);
    const byHeight = run(result.state, { kind: 'blocksReceived', blocks: lowest }, gains(certificate), ticks);
    assert.equal(byHeight.state.final.height, blocks.length);
  });

  it('believes no block that no certificate reaches', () => {
    const result = run(aReplica(), { kind: 'blocksReceived', blocks: [first, second] });
    assert.deepEqual([result.state.blocks.size, result.state.candidates.size], [0, 2]);
    const replaced = run(result.state, { kind: 'blocksReceived', blocks: [third] });
    assert.equal(replaced.state.candidates.size, 1);
  });

  it('makes a lower block final while a higher CC waits for its block', () => {
    const came: ConsensusEvent = { kind: 'blocksReceived', blocks: [first] };
    const result = run(aReplica(), gains(committed(third)), came, gains(committed(first)));
    assert.equal(result.state.final.height, 1);
    assert.deepEqual(result.state.pendingCommit, committed(third));
  });

  it('forgets what finality overtook (W9)', () => {
    const { state } = run(
      aReplica(),
      ...votes('commit', first, 1),
      proposes(first),
      gains(skipped(1)),
      proposes(aBlock({ view: 2 }), null, [skipped(1)]),
      gains(committed(aBlock({ view: 2 }))),
    );
    const { prepared, skipped: skips, votes: tallies, blocks, ownCommits, proposals } = state;
    const sizes = [prepared, skips, tallies, blocks, ownCommits, proposals].map(({ size }) => size);
    assert.deepEqual(sizes, [0, 0, 0, 0, 0, 0]);
  });
});
