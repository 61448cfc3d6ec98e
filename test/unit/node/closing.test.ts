import assert from 'node:assert/strict';
import { headerDigest, type Header } from '../../../protocol/block.ts';
import type { Epoch } from '../../../protocol/brand.ts';
import type { VoterSet } from '../../../protocol/member.ts';
import { refused } from '../../../protocol/result.ts';
import { pendingVoterSetKey, voterSetCodec } from '../../../protocol/voterSet.ts';
import { testChainId, testVoters } from '../../support/chain.ts';
import { aBuildRequest, aChain, aLedger, type Chain } from '../../support/nodeParts.ts';

const next: VoterSet = { epoch: 2 as Epoch, voters: testVoters.voters.toReversed() };

/** A ledger in whose state `next` waits for a closing block. */
function aPendingChain(): Chain {
  return aChain([], 125, aLedger(new Map([[pendingVoterSetKey, voterSetCodec.encode(next)]])));
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

  it('refuses a block that names next voters where none wait', () => {
    const block = aChain().executor.build(aBuildRequest(null, { isEmpty: true }));
    assert.ok(block !== null);
    const header: Header = { ...block.header, nextVoterSet: next };
    const verdict = aChain().executor.execute({ ...block, header }, headerDigest(header));
    assert.deepEqual(verdict, refused('headerInvalid', 'nextVoterSet'));
  });
});
