import assert from 'node:assert/strict';
import { Epochs } from '../../../node/epochs.ts';
import type { Epoch } from '../../../protocol/brand.ts';
import { genesisState } from '../../../protocol/genesisBlock.ts';
import { consensusSignerOf, testChainId, testGenesis } from '../../support/chain.ts';
import { aName } from '../../support/nodeParts.ts';

/** A voter of the genesis whose ledger is at genesis, and whose safety log holds records of these epochs. */
function epochsWith(recorded: readonly number[]): Epochs {
  return new Epochs({
    chainId: testChainId,
    ownName: aName('clinic'),
    isObserver: false,
    signer: consensusSignerOf('clinic'),
    entries: recorded.map((epoch) => ({ epoch: epoch as Epoch })),
    genesis: testGenesis,
    ledger: { get: (key) => genesisState(testGenesis).writes.records.get(key) ?? null },
    closing: () => null,
  });
}

describe('the epoch in force', () => {
  it('is one in which we vote if its voters name us with our key', () => {
    for (const recorded of [[], [1, 1]]) {
      const { config, own } = epochsWith(recorded).current;
      assert.deepEqual([config.own, own?.index], [1, 1]);
    }
  });

  it('is one that we only observe while our log holds records of a later one: epochs do not go back (R7)', () => {
    const { config, own } = epochsWith([1, 2]).current;
    assert.deepEqual([config.own, own], [null, null]);
  });
});
