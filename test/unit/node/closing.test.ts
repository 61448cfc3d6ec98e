import assert from 'node:assert/strict';
import type { Executor } from '../../../node/executor.ts';
import { headerDigest, type Block, type Header } from '../../../protocol/block.ts';
import type { Epoch, Height } from '../../../protocol/brand.ts';
import type { VoterSet } from '../../../protocol/member.ts';
import { refused } from '../../../protocol/result.ts';
import { pendingVoterSetKey, voterSetCodec } from '../../../protocol/voterSet.ts';
import { aDigest, noon, testChainId, testVoters, valueOf } from '../../support/chain.ts';
import { aBuildRequest, aChain, aLedger, type Chain } from '../../support/nodeParts.ts';

const next: VoterSet = { epoch: 2 as Epoch, voters: testVoters.voters.toReversed() };

/** A ledger in whose state `next` waits for a closing block. */
function aPendingChain(): Chain {
  return aChain([], 125, aLedger(new Map([[pendingVoterSetKey, voterSetCodec.encode(next)]])));
}

/** An extension of `closing` on top of `parent`, as its leader builds it. */
function extend(executor: Executor, closing: Block, parent: Block): Block {
  const { view } = parent.header;
  const point = { digest: headerDigest(parent.header), view, height: parent.header.height };
  const extensionOf = headerDigest(closing.header);
  const order = { parent: point, isEmpty: true, extensionOf, nowMs: noon };
  return executor.build(aBuildRequest(parent, order)) ?? assert.fail('an extension');
}

describe('the executor, when other voters were decided upon', () => {
  it('has work without a batch, and builds the block that closes the epoch', () => {
    const { executor } = aPendingChain();
    assert.equal(executor.hasWorkAfter(testChainId), true);
    const block = executor.build(aBuildRequest(null));
    assert.ok(block !== null);
    assert.deepEqual([block.header.nextVoterSet, block.batchDigests], [next, []]);
    assert.equal(executor.hasWorkAfter(headerDigest(block.header)), false);
  });

  it('refuses a block that names no next voters, or others', () => {
    const block = aPendingChain().executor.build(aBuildRequest(null));
    assert.ok(block !== null);
    const other = { ...next, voters: testVoters.voters };
    for (const nextVoterSet of [null, other, { ...next, epoch: 3 as Epoch }]) {
      const header: Header = { ...block.header, nextVoterSet };
      const verdict = aPendingChain().executor.execute({ ...block, header }, headerDigest(header));
      assert.deepEqual(verdict, refused('headerInvalid', 'nextVoterSet'));
    }
  });

  it('extends it at its height, with nothing but its state, above the newest extension in time', () => {
    const { executor } = aPendingChain();
    const closing = executor.build(aBuildRequest(null));
    assert.ok(closing !== null);
    const first = extend(executor, closing, closing);
    const second = extend(executor, closing, first);
    const { height, stateRoot, timeMs } = closing.header;
    for (const { header, batchDigests } of [first, second]) {
      assert.deepEqual([header.height, header.stateRoot, header.nextVoterSet], [height, stateRoot, null]);
      assert.deepEqual([header.extensionOf, batchDigests], [headerDigest(closing.header), []]);
    }
    assert.ok(first.header.timeMs > timeMs && second.header.timeMs > first.header.timeMs);
    assert.equal(executor.tip(headerDigest(second.header))?.height, height);
  });

  it('executes an extension of a closing block that it has executed, whatever extensions lie between', () => {
    const leader = aPendingChain().executor;
    const closing = leader.build(aBuildRequest(null));
    assert.ok(closing !== null);
    const second = extend(leader, closing, extend(leader, closing, closing));
    const { executor } = aPendingChain();
    const digest = headerDigest(second.header);
    assert.deepEqual(executor.execute(second, digest), refused('batchUnknown', 'parent'));
    valueOf(executor.execute(closing, headerDigest(closing.header)));
    assert.deepEqual(valueOf(executor.execute(second, digest)).execution.receipts, []);
  });

  const wrong: Readonly<Record<string, Partial<Header>>> = {
    nextVoterSet: { nextVoterSet: next },
    height: { height: 2 as Height },
    timeMs: { timeMs: noon },
    batchesRoot: { batchesRoot: aDigest(1) },
    receiptsRoot: { receiptsRoot: aDigest(1) },
    stateRoot: { stateRoot: aDigest(1) },
  };
  for (const [field, change] of Object.entries(wrong)) {
    it(`refuses an extension with a ${field} of its own`, () => {
      const { executor } = aPendingChain();
      const closing = executor.build(aBuildRequest(null));
      assert.ok(closing !== null);
      const { header } = extend(executor, closing, closing);
      const altered: Header = { ...header, ...change };
      const verdict = executor.execute({ header: altered, batchDigests: [] }, headerDigest(altered));
      assert.deepEqual(verdict, refused('headerInvalid', field));
    });
  }

  it('refuses an extension of a block that closes nothing', () => {
    const { executor } = aChain();
    const ordinary = executor.build(aBuildRequest(null, { isEmpty: true }));
    assert.ok(ordinary !== null);
    const header: Header = { ...ordinary.header, extensionOf: headerDigest(ordinary.header) };
    assert.deepEqual(
      executor.execute({ header, batchDigests: [] }, headerDigest(header)),
      refused('headerInvalid', 'extensionOf'),
    );
  });

  it('refuses a block that names next voters where none wait', () => {
    const block = aChain().executor.build(aBuildRequest(null, { isEmpty: true }));
    assert.ok(block !== null);
    const header: Header = { ...block.header, nextVoterSet: next };
    const verdict = aChain().executor.execute({ ...block, header }, headerDigest(header));
    assert.deepEqual(verdict, refused('headerInvalid', 'nextVoterSet'));
  });
});
