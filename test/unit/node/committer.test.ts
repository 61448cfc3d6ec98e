import assert from 'node:assert/strict';
import { Committer, type CommitterPorts, type Finality } from '../../../node/committer.ts';
import type { VerifiedBatch } from '../../../node/gate.ts';
import type { CommitEntry } from '../../../node/storage/ledgerCommit.ts';
import { headerDigest, type Block } from '../../../protocol/block.ts';
import type { Digest, Height } from '../../../protocol/brand.ts';
import type { Certificate } from '../../../protocol/certificate.ts';
import { aCommitOf, adminOf, aDigest, anId, aTransaction } from '../../support/chain.ts';
import { aSigner } from '../../support/keys.ts';
import {
  aBatch,
  aBuildRequest,
  aChain,
  aFetcher,
  aGate,
  aName,
  holderOf,
  settled,
  someBlocks,
  type Answerer,
  type Chain,
} from '../../support/nodeParts.ts';

interface Setting extends Chain {
  readonly committer: Committer;
  /** What was done, in order: "stored", "written 1..2", "told". */
  readonly journal: string[];
  readonly committed: (readonly CommitEntry[])[];
  readonly failures: unknown[];
}

function aCommitter(
  peers: Readonly<Record<string, Answerer>>,
  overrides: Partial<Pick<CommitterPorts, 'storeBatches' | 'certificateOf'>> = {},
): Setting {
  const chain = aChain();
  const gate = aGate({ batchKeysOf: (name) => chain.executor.batchKeysOf(name) });
  const { fetcher } = aFetcher(peers, { pool: chain.pool, gate });
  const journal: string[] = [];
  const committed: (readonly CommitEntry[])[] = [];
  const failures: unknown[] = [];
  const committer = new Committer({
    clock: chain.clock,
    ledger: {
      head: chain.ledger.head,
      commit: async (entries) => {
        await chain.ledger.commit(entries);
        journal.push(`written ${entries.map(({ block }) => block.header.height).join(' ')}`);
      },
    },
    executor: chain.executor,
    pool: chain.pool,
    fetcher,
    leaderOf: () => [],
    certificateOf: () => null,
    storeBatches: async () => void journal.push('stored'),
    onCommitted: (entries) => {
      journal.push('told');
      committed.push(entries);
    },
    onFailure: (cause) => failures.push(cause),
    ...overrides,
  });
  return { ...chain, committer, journal, committed, failures };
}

function heightsOf(committed: readonly (readonly CommitEntry[])[]): readonly (readonly number[])[] {
  return committed.map((entries) => entries.map(({ block }) => block.header.height));
}

/** These blocks, with the CC of `last`. */
function finalityOf(blocks: readonly Block[], last: Block): Finality {
  return { blocks, extension: null, certificate: commitOf(last) };
}

function commitOf(block: Block | undefined): Certificate {
  return aCommitOf(block?.header ?? assert.fail('a block'));
}

/** Block 1 rotates the keys of the pharmacy, and block 2 has a batch of the pharmacy under the new one. */
function aRotation(): { readonly blocks: readonly Block[]; readonly batches: readonly VerifiedBatch[] } {
  const [network, consensus, admin] = ['network', 'consensus', 'admin'].map((key) => aSigner(`new ${key}`));
  assert.ok(network !== undefined && consensus !== undefined && admin !== undefined);
  const keys = {
    networkKey: network.publicKey,
    consensusKey: consensus.publicKey,
    sealingKey: aSigner('new sealing').publicKey,
    adminKey: admin.publicKey,
  };
  const motionId = anId(100);
  const body = { motionId, expiresHeight: 1_000 as Height, member: aName('pharmacy'), keys };
  const rotation = aTransaction({
    id: anId(101),
    member: 'pharmacy',
    action: { kind: 'member.rotate', body },
    signers: [adminOf('pharmacy'), network, consensus, admin],
  });
  const approval = { kind: 'member.vote', body: { motionId, approve: true } } as const;
  const votes = ['hospital', 'clinic', 'insurer'].map((member, index) =>
    aTransaction({ id: anId(102 + index), member, action: approval }),
  );
  const { executor, pool } = aChain();
  const first = aBatch({ transactions: [rotation, ...votes] });
  const second = aBatch({ member: 'pharmacy', signer: consensus });
  const blocks: Block[] = [];
  for (const batch of [first, second]) {
    pool.add(batch, { isOrdered: false });
    blocks.push(executor.build(aBuildRequest(blocks.at(-1) ?? null)) ?? assert.fail('a block'));
  }
  return { blocks, batches: [first, second] };
}

describe('the committer', () => {
  const { blocks, batches } = someBlocks(3);
  const [first, second, third] = blocks;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  const holder = { clinic: holderOf(...batches) };

  it('makes bodies durable, then writes all blocks of a finality at once, then tells (W4)', async () => {
    const { committer, journal, committed, failures, ledger } = aCommitter(holder);
    committer.commit(finalityOf([first, second], second));
    assert.equal(committer.waiting, 1);
    await committer.idle();
    assert.deepEqual(failures, []);
    assert.deepEqual(journal, ['stored', 'written 1 2', 'told']);
    assert.equal(ledger.head().digest, headerDigest(second.header));
    assert.deepEqual(
      committed[0]?.map(({ certificate }) => certificate),
      [null, commitOf(second)],
    );
    assert.equal(committer.waiting, 0);
  });

  it('writes what the execution gave, and where each transaction stands', async () => {
    const { committer, committed } = aCommitter(holder);
    committer.commit(finalityOf([first], first));
    await committer.idle();
    const [entry] = committed[0] ?? [];
    const batchDigest = batches[0]?.batch.digest;
    const txId = batches[0]?.transactions[0]?.txId;
    assert.deepEqual(entry?.locations, [{ batchDigest, position: 0 }]);
    const { timeMs } = first.header;
    assert.deepEqual(entry?.receipts, [
      { txId, height: 1, index: 0, timeMs, outcome: 'committed', code: null, policyVersion: 1 },
    ]);
  });

  it('keeps the certificates that came with the blocks below the last', async () => {
    const proof = commitOf(first);
    const certificateOf = (digest: Digest): Certificate | null => (digest === proof.digest ? proof : null);
    const { committer, committed } = aCommitter(holder, { certificateOf });
    committer.commit(finalityOf([first, second], second));
    await committer.idle();
    assert.deepEqual(
      committed[0]?.map(({ certificate }) => certificate),
      [proof, commitOf(second)],
    );
  });

  it('writes one finality after the other, and no block twice', async () => {
    const { committer, committed, failures } = aCommitter(holder);
    committer.commit(finalityOf([first], first));
    committer.commit(finalityOf([first, second], second));
    committer.commit(finalityOf([second], second));
    committer.commit(finalityOf([third], third));
    await committer.idle();
    assert.deepEqual(failures, []);
    assert.deepEqual(heightsOf(committed), [[1], [2], [3]]);
  });

  it('forgets what is final: executions, lanes and batches', async () => {
    const { committer, executor, pool } = aCommitter(holder);
    committer.commit(finalityOf(blocks, third));
    await committer.idle();
    assert.deepEqual(
      blocks.map((block) => executor.get(headerDigest(block.header))),
      [null, null, null],
    );
    assert.equal(pool.size, 0);
    assert.equal(pool.highest(aName('hospital')), 3);
    assert.equal(pool.laneSize(aName('hospital')), 0);
  });

  it('takes a batch under a key that an earlier block of the same finality gave to its author', async () => {
    const { blocks: rotating, batches: signed } = aRotation();
    const last = rotating.at(-1) ?? assert.fail('a block');
    const { committer, committed, failures, ledger, executor } = aCommitter({ clinic: holderOf(...signed) });
    assert.equal(executor.batchKeysOf(aName('pharmacy')).length, 1);
    committer.commit(finalityOf(rotating, last));
    await settled();
    await committer.stop();
    assert.deepEqual([heightsOf(committed), failures], [[[1, 2]], []]);
    assert.equal(ledger.head().digest, headerDigest(last.header));
    assert.equal(executor.batchKeysOf(aName('pharmacy')).length, 2);
  });

  it('waits for a missing batch for as long as it takes', async () => {
    let isBack = false;
    const clinic: Answerer = (request) =>
      isBack ? holderOf(...batches)(request) : new Error('disconnected');
    const { committer, clock, committed, failures } = aCommitter({ clinic });
    committer.commit(finalityOf([first], first));
    for (let time = 0; time < 10; time += 1) {
      await settled();
      clock.advance(250);
    }
    await settled();
    assert.deepEqual(heightsOf(committed), []);
    isBack = true;
    clock.advance(249);
    await settled();
    assert.deepEqual(heightsOf(committed), []);
    clock.advance(1);
    await committer.idle();
    assert.deepEqual(heightsOf(committed), [[1]]);
    assert.deepEqual(failures, []);
  });

  it('stops waiting when the node stops, and writes nothing then', async () => {
    const { committer, clock, ledger, failures } = aCommitter({});
    committer.commit(finalityOf([first], first));
    await settled();
    await committer.stop();
    committer.commit(finalityOf([first], first));
    await committer.idle();
    assert.deepEqual(ledger.commits, []);
    assert.deepEqual(failures, []);
    assert.equal(clock.waiting(), 0);
  });

  it('breaks rather than write a certified block that it cannot reproduce', async () => {
    const wrong = { ...second, header: { ...second.header, stateRoot: aDigest(1) } };
    const { committer, journal, failures } = aCommitter(holder);
    committer.commit(finalityOf([first, wrong], wrong));
    committer.commit(finalityOf([third], third));
    await committer.idle();
    assert.deepEqual(journal, []);
    assert.equal(failures.length, 1);
    assert.match(
      String(failures[0]),
      /block 2 is certified and we cannot reproduce it: headerInvalid stateRoot/,
    );
  });

  it('breaks rather than write a certificate of another block', async () => {
    const { committer, journal, failures } = aCommitter(holder);
    committer.commit(finalityOf([first], second));
    await committer.idle();
    assert.deepEqual(journal, []);
    assert.match(String(failures[0]), /the certificate is not of the last block/);
  });

  it('writes nothing more after bodies could not be made durable (W7)', async () => {
    const cause = new Error('no space left');
    const storeBatches = async (): Promise<void> => {
      throw cause;
    };
    const { committer, journal, failures } = aCommitter(holder, { storeBatches });
    committer.commit(finalityOf([first], first));
    committer.commit(finalityOf([second], second));
    await committer.idle();
    assert.deepEqual(journal, []);
    assert.deepEqual(failures, [cause]);
  });
});
