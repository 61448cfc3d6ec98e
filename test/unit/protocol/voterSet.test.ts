import assert from 'node:assert/strict';
import type { Epoch, Height } from '../../../protocol/brand.ts';
import { genesisState } from '../../../protocol/genesisBlock.ts';
import { BrokenInvariant } from '../../../protocol/invariant.ts';
import { executeBlock, type Execution } from '../../../protocol/ledger.ts';
import type { VoterSet } from '../../../protocol/member.ts';
import { emptyState, overlay, type StateView } from '../../../protocol/state.ts';
import {
  currentVoterSet,
  pendingVoterSet,
  pendingVoterSetKey,
  voterSetCodec,
} from '../../../protocol/voterSet.ts';
import { later, testChainId, testGenesis, testVoters } from '../../support/chain.ts';

const genesisView: StateView = overlay(emptyState, genesisState(testGenesis).writes);

/** Genesis and a set that governance decided upon. */
function pending(set: VoterSet): StateView {
  const records = new Map([[pendingVoterSetKey, voterSetCodec.encode(set)]]);
  return overlay(genesisView, { records, pages: new Map(), seen: [] });
}

function setOf(epoch: number): VoterSet {
  return { epoch: epoch as Epoch, voters: testVoters.voters.toReversed() };
}

function execute(view: StateView): Execution {
  const block = { chainId: testChainId, height: 1 as Height, timeMs: later(1), parentDigest: testChainId };
  return executeBlock(view, block, []);
}

describe('the voters in the state', () => {
  it('are those of the genesis at first, and none wait', () => {
    assert.deepEqual(currentVoterSet(genesisView), testVoters);
    assert.equal(pendingVoterSet(genesisView), null);
    assert.equal(execute(genesisView).nextVoterSet, null);
  });

  it('are replaced by the block after the one that decided upon others (E11)', () => {
    const before = pending(setOf(2));
    const execution = execute(before);
    assert.deepEqual(execution.nextVoterSet, setOf(2));
    const after = overlay(before, execution.writes);
    assert.deepEqual(currentVoterSet(after), setOf(2));
    assert.equal(pendingVoterSet(after), null);
    assert.equal(execute(after).nextVoterSet, null);
  });

  it('are a part of the state root', () => {
    const other = { ...setOf(2), voters: testVoters.voters.slice(1) };
    assert.notEqual(execute(pending(setOf(2))).stateRoot, execute(pending(other)).stateRoot);
  });

  it('never skip an epoch', () => {
    assert.throws(() => execute(pending(setOf(3))), BrokenInvariant);
    assert.throws(() => execute(pending(setOf(1))), BrokenInvariant);
  });
});
