import assert from 'node:assert/strict';
import type { VerifiedBatch } from '../../../node/gate.ts';
import { NodeFailure } from '../../../node/nodeFailure.ts';
import { laneBatchesMax, Pool } from '../../../node/pool.ts';
import { acceptedBatchKeys } from '../../../node/admission.ts';
import { loadLanes, replayLog } from '../../../node/reload.ts';
import { ballotEntry, signBallot, type OwnVoter } from '../../../node/statement.ts';
import type { LogEntry } from '../../../node/storage/safetyRecord.ts';
import type { Stores } from '../../../node/stores.ts';
import type { Digest, Epoch, MemberName, PublicKey, View, VoterIndex } from '../../../protocol/brand.ts';
import { batchKeysOf as knownKeysOf } from '../../../protocol/standing.ts';
import { genesisState } from '../../../protocol/genesisBlock.ts';
import { uint64Bytes } from '../../../protocol/bytes.ts';
import { laneKey } from '../../../protocol/lane.ts';
import { consensusSignerOf, testChainId, testGenesis, testVoters } from '../../support/chain.ts';
import { aBatch, aGate, aLog, aName, anOpaqueTransaction } from '../../support/nodeParts.ts';

const own: OwnVoter = { chainId: testChainId, index: 1 as VoterIndex, signer: consensusSignerOf('clinic') };
const inForce = { voters: testVoters, own };
const ballot = { kind: 'skip', epoch: 1 as Epoch, view: 3 as View, digest: null } as const;

/** Stores that hold these batches, and a state in which lanes have got so far. */
function aStore(batches: readonly VerifiedBatch[], cursors: Readonly<Record<string, number>> = {}): Stores {
  const held = new Map<Digest, Uint8Array>(batches.map(({ batch }) => [batch.digest, batch.bytes]));
  const lane = async (
    member: MemberName,
    above: number,
    limit: number,
  ): Promise<readonly { readonly digest: Digest }[]> =>
    batches
      .filter(({ batch }) => batch.member === member && batch.sequence > above)
      .map(({ batch }) => ({ digest: batch.digest }))
      .slice(0, limit);
  const lanes = new Map(
    Object.entries(cursors).map(([name, cursor]) => [laneKey(aName(name)), uint64Bytes(cursor)]),
  );
  const stores = {
    batches: { lane, get: (digest: Digest) => held.get(digest) ?? null },
    ledger: {
      get: (key: string) => lanes.get(key) ?? genesisState(testGenesis).writes.records.get(key) ?? null,
    },
  };
  return stores as unknown as Stores;
}

async function loaded(
  stores: Stores,
  ownName = 'hospital',
): Promise<{ readonly pool: Pool; readonly warnings: readonly string[] }> {
  const pool = new Pool();
  const log = aLog();
  const own = { name: aName(ownName) };
  const batchKeysOf = (name: MemberName): readonly PublicKey[] => {
    const ours = { name: own.name, key: consensusSignerOf(ownName).publicKey };
    return acceptedBatchKeys(knownKeysOf(stores.ledger, name), ours, name);
  };
  await loadLanes({ own, stores, log }, { pool, gate: aGate({ batchKeysOf }) });
  return { pool, warnings: log.warnings };
}

describe('taking up the safety log', () => {
  it('signs the recorded statements again, in their order', () => {
    const second = { ...ballot, view: 4 as View };
    assert.deepEqual(replayLog([ballotEntry(ballot), ballotEntry(second)], inForce), [
      { kind: 'vote', vote: signBallot(ballot, own) },
      { kind: 'vote', vote: signBallot(second, own) },
    ]);
  });

  it('signs nothing for an observer', () => {
    assert.deepEqual(replayLog([ballotEntry(ballot)], { voters: testVoters, own: null }), []);
  });

  it('takes up nothing of another epoch, in which we may have had another place', () => {
    const entries = [ballotEntry(ballot), ballotEntry({ ...ballot, epoch: 2 as Epoch })];
    const next = { ...testVoters, epoch: 2 as Epoch };
    assert.deepEqual(
      replayLog(entries, { voters: next, own }).map((record) => record.kind === 'vote' && record.vote.epoch),
      [2],
    );
    assert.equal(replayLog(entries, inForce).length, 1);
  });

  it('does not start on a log that other code wrote', () => {
    const entry: LogEntry = { ...ballotEntry(ballot), body: new Uint8Array([0xff]) };
    assert.throws(
      () => replayLog([entry], inForce),
      (error) =>
        error instanceof NodeFailure && error.code === 'storage' && error.message === 'safety log: malformed',
    );
  });
});

describe('taking up batches', () => {
  it('brings back every lane above what is final', async () => {
    const batches = [1, 2, 3].map((sequence) => aBatch({ sequence }));
    const other = aBatch({ member: 'clinic' });
    const { pool, warnings } = await loaded(aStore([...batches, other], { hospital: 1 }));
    assert.deepEqual(pool.run(aName('hospital'), 1, 10), batches.slice(1));
    assert.deepEqual(pool.run(aName('clinic'), 0, 10), [other]);
    assert.deepEqual(warnings, []);
  });

  it('knows how far a lane is final when it holds no batch of it', async () => {
    const { pool } = await loaded(aStore([], { hospital: 7 }));
    assert.equal(pool.highest(aName('hospital')), 7);
    assert.equal(pool.add(aBatch({ sequence: 7 }), { isOrdered: false }), 'final');
  });

  it('passes its own disk through the gate, and leaves out what is not good', async () => {
    const bad = aBatch({ sequence: 2, transactions: [anOpaqueTransaction(1)] });
    const { pool, warnings } = await loaded(aStore([aBatch(), bad]));
    assert.equal(pool.size, 1);
    assert.deepEqual(warnings, ['a stored batch is not good and is left out']);
  });

  it('takes up our own lane where the ledger does not know us yet, or has suspended us', async () => {
    const newcomer = aBatch({ member: 'stranger' });
    const { pool, warnings } = await loaded(aStore([newcomer]), 'stranger');
    assert.deepEqual(pool.run(aName('stranger'), 0, 10), [newcomer]);
    assert.deepEqual(warnings, []);
  });

  it('takes up at most 256 batches of a lane', async () => {
    const batches = Array.from({ length: laneBatchesMax + 1 }, (_, index) => aBatch({ sequence: index + 1 }));
    const { pool } = await loaded(aStore(batches));
    assert.equal(pool.laneSize(aName('hospital')), laneBatchesMax);
  });
});
