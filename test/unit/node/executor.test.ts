import assert from 'node:assert/strict';
import { Executor } from '../../../node/executor.ts';
import type { VerifiedBatch } from '../../../node/gate.ts';
import { Pool } from '../../../node/pool.ts';
import { batchesRoot, headerDigest, type Block, type Header } from '../../../protocol/block.ts';
import type { Height, Timestamp, View } from '../../../protocol/brand.ts';
import { batchTransactionsMax } from '../../../protocol/limits.ts';
import { practitionerRecordKey } from '../../../protocol/practitioner.ts';
import { refused, type Result } from '../../../protocol/result.ts';
import { aDigest, anId, later, noon, testChainId, valueOf } from '../../support/chain.ts';
import {
  aBatch,
  aBuildRequest,
  aChain,
  aLedger,
  aManualClock,
  aName,
  aNumberedTransaction,
  anOpaqueTransaction,
  someBlocks,
  type Chain,
} from '../../support/nodeParts.ts';

/** The block that the leader built at another node. */
function aBlockOf(batches: readonly VerifiedBatch[]): Block {
  const block = aChain(batches).executor.build(aBuildRequest(null));
  assert.ok(block !== null);
  return block;
}

function altered(block: Block, header: Partial<Header>): Block {
  return { ...block, header: { ...block.header, ...header } };
}

function run({ executor }: Chain, block: Block): Result<unknown> {
  return executor.execute(block, headerDigest(block.header));
}

describe('the executor', () => {
  it('gives a voter the roots that its leader computed', () => {
    const batches = [aBatch(), aBatch({ member: 'clinic', transactions: [aNumberedTransaction(2)] })];
    const block = aBlockOf(batches);
    const executed = valueOf(aChain(batches).executor.execute(block, headerDigest(block.header)));
    assert.equal(executed.execution.receiptsRoot, block.header.receiptsRoot);
    assert.equal(executed.execution.stateRoot, block.header.stateRoot);
    assert.deepEqual(
      executed.execution.receipts.map(({ code }) => code),
      [null, null],
    );
  });

  it('builds a header that says what it stands on', () => {
    const { batches, blocks } = someBlocks(2);
    const [first, second] = blocks;
    const [, batch] = batches;
    assert.ok(first !== undefined && second !== undefined && batch !== undefined);
    const request = aBuildRequest(first);
    assert.deepEqual(second, {
      header: {
        chainId: testChainId,
        epoch: request.epoch,
        view: request.view,
        height: 2,
        parentDigest: headerDigest(first.header),
        parentView: first.header.view,
        timeMs: later(200),
        batchesRoot: batchesRoot([batch.batch.digest]),
        receiptsRoot: second.header.receiptsRoot,
        stateRoot: second.header.stateRoot,
        voterSetHash: request.voterSetHash,
        nextVoterSet: null,
        extensionOf: null,
        proposer: request.proposer,
      },
      batchDigests: [batch.batch.digest],
    });
  });

  it('does not execute its own block again', () => {
    const chain = aChain([aBatch()]);
    const block = chain.executor.build(aBuildRequest(null));
    assert.ok(block !== null);
    const digest = headerDigest(block.header);
    assert.equal(valueOf(chain.executor.execute(block, digest)), chain.executor.get(digest));
  });

  it('builds nothing without batches, unless an empty block is asked for', () => {
    const { executor } = aChain();
    assert.equal(executor.build(aBuildRequest(null)), null);
    const empty = executor.build(aBuildRequest(null, { isEmpty: true }));
    assert.deepEqual(empty?.batchDigests, []);
    const withWork = aChain([aBatch()]).executor.build(aBuildRequest(null, { isEmpty: true }));
    assert.deepEqual(withWork?.batchDigests, []);
  });

  it('builds on no parent that it has not executed', () => {
    const [parent] = someBlocks(1).blocks;
    assert.ok(parent !== undefined);
    assert.equal(aChain([aBatch({ sequence: 2 })]).executor.build(aBuildRequest(parent)), null);
  });

  it('puts a block above its parent in time, whatever the clock says', () => {
    const chain = aChain([aBatch()]);
    const block = chain.executor.build(aBuildRequest(null, { nowMs: noon - 5_000.5 }));
    assert.equal(block?.header.timeMs, noon + 1);
  });

  it('executes each block on the state after its parent, and changes nothing below', () => {
    const { blocks, batches } = someBlocks(3);
    const chain = aChain(batches);
    for (const block of blocks) valueOf(run(chain, block));
    const registered = [0, 1, 2].map((index) => {
      const block = blocks[index];
      const view =
        block === undefined ? null : (chain.executor.tip(headerDigest(block.header))?.view ?? null);
      return [1, 2, 3].map((number) => view?.get(practitionerRecordKey(anId(number))) !== null);
    });
    assert.deepEqual(registered, [
      [true, false, false],
      [true, true, false],
      [true, true, true],
    ]);
    assert.equal(chain.ledger.get(practitionerRecordKey(anId(1))), null);
  });

  it('keeps two children of one parent apart', () => {
    const left = aBatch({ transactions: [aNumberedTransaction(1)] });
    const right = aBatch({ member: 'clinic', transactions: [aNumberedTransaction(2)] });
    const chain = aChain([left, right]);
    const [leftBlock, rightBlock] = [aBlockOf([left]), aBlockOf([right])];
    valueOf(run(chain, leftBlock));
    valueOf(run(chain, rightBlock));
    const seen = [leftBlock, rightBlock].map((block) => {
      const view = chain.executor.tip(headerDigest(block.header))?.view;
      return [1, 2].map((number) => view?.get(practitionerRecordKey(anId(number))) !== null);
    });
    assert.deepEqual(seen, [
      [true, false],
      [false, true],
    ]);
  });

  it('reads on rightly when the ledger moves up along the chain, and forgets what is final', async () => {
    const { blocks, batches } = someBlocks(2);
    const chain = aChain(batches);
    for (const block of blocks) valueOf(run(chain, block));
    const [first, second] = blocks.map((block) => chain.executor.get(headerDigest(block.header)));
    assert.ok(first !== null && first !== undefined && second !== null && second !== undefined);
    const { block, digest, execution } = first;
    const { receipts, receiptBytes, subjects, writes } = execution;
    const view = chain.executor.tip(second.digest)?.view;
    const entry = {
      block,
      digest,
      receipts,
      receiptBytes,
      subjects,
      writes,
      certificate: null,
      extension: null,
      locations: [],
    };
    await chain.ledger.commit([entry]);
    chain.executor.finalize(block.header.height);
    assert.equal(chain.executor.get(digest), null);
    assert.equal(chain.executor.get(second.digest), second);
    assert.notEqual(view?.get(practitionerRecordKey(anId(1))), null);
    assert.equal(chain.executor.tip(second.digest)?.timeMs, second.block.header.timeMs);
  });

  it('does not judge a block on a parent that it does not know (batchUnknown)', () => {
    const { blocks, batches } = someBlocks(2);
    const [, second] = blocks;
    assert.ok(second !== undefined);
    assert.deepEqual(run(aChain(batches), second), refused('batchUnknown', 'parent'));
  });

  it('does not judge a block whose batch it does not hold (batchUnknown)', () => {
    assert.deepEqual(run(aChain(), aBlockOf([aBatch()])), refused('batchUnknown'));
  });

  it('refuses lanes that do not go on where the state stands (batchInvalid)', () => {
    const second = aBatch({ sequence: 2 });
    const chain = aChain([second]);
    const batchDigests = [second.batch.digest];
    const block = altered(
      { ...aBlockOf([aBatch()]), batchDigests },
      { batchesRoot: batchesRoot(batchDigests) },
    );
    assert.deepEqual(run(chain, block), refused('batchInvalid', 'sequence'));
  });

  it('refuses a time that is not above the parent’s (headerInvalid)', () => {
    const block = aBlockOf([aBatch()]);
    assert.deepEqual(
      run(aChain([aBatch()]), altered(block, { timeMs: noon })),
      refused('headerInvalid', 'timeMs'),
    );
  });

  it('refuses a height that does not follow the parent’s (headerInvalid)', () => {
    const block = aBlockOf([aBatch()]);
    for (const height of [0, 2] as Height[]) {
      assert.deepEqual(
        run(aChain([aBatch()]), altered(block, { height })),
        refused('headerInvalid', 'height'),
      );
    }
  });

  it('refuses a block of another chain (wrongChain)', () => {
    const block = altered(aBlockOf([aBatch()]), { chainId: aDigest(1) });
    assert.deepEqual(run(aChain([aBatch()]), block), refused('wrongChain'));
  });

  for (const root of ['batchesRoot', 'receiptsRoot', 'stateRoot'] as const) {
    it(`refuses a header whose ${root} is not ours (headerInvalid)`, () => {
      const chain = aChain([aBatch()]);
      const block = altered(aBlockOf([aBatch()]), { [root]: aDigest(1) });
      assert.deepEqual(run(chain, block), refused('headerInvalid', root));
      assert.equal(chain.executor.get(headerDigest(block.header)), null);
    });
  }

  it('has work until the batches that it holds are in the chain', () => {
    const batch = aBatch();
    const chain = aChain([batch]);
    assert.equal(chain.executor.hasWorkAfter(testChainId), true);
    const block = chain.executor.build(aBuildRequest(null));
    assert.ok(block !== null);
    assert.equal(chain.executor.hasWorkAfter(headerDigest(block.header)), false);
    assert.equal(chain.executor.hasWorkAfter(testChainId), true);
    assert.equal(aChain().executor.hasWorkAfter(testChainId), false);
  });

  it('has no work in a lane that waits for a missing batch', () => {
    assert.equal(aChain([aBatch({ sequence: 2 })]).executor.hasWorkAfter(testChainId), false);
  });
});

/** Expired: passed over in no time, as long as the clock stands still. */
function aLargeBatch(sequence: number, count = batchTransactionsMax): VerifiedBatch {
  const transactions = Array.from({ length: count }, (_, index) => {
    const opaque = anOpaqueTransaction(1_000 * sequence + index);
    return { ...opaque, chainId: testChainId, notAfter: (noon - 1) as Timestamp };
  });
  return aBatch({ sequence, transactions });
}

describe('the size of our own blocks', () => {
  it('follows from the time that a block may take', () => {
    const batches = [1, 2, 3].map((sequence) => aLargeBatch(sequence));
    // 0.3 ms a transaction until something was measured: 300 ms are room for two batches of 500.
    const block = aChain(batches, 300).executor.build(aBuildRequest(null));
    assert.equal(block?.batchDigests.length, 2);
  });

  it('shrinks when executing takes longer than was thought', () => {
    const clock = aManualClock();
    let readings = 0;
    // The clock is read once before and once after an execution: 10 s for the 20 transactions that have a receipt.
    const slow = { ...clock, monotonicMs: () => (readings += 1) * 10_000 };
    const pool = new Pool();
    const measured = Array.from({ length: 20 }, (_, index) => aNumberedTransaction(index + 1));
    const batches = [aBatch({ transactions: measured }), aLargeBatch(2), aLargeBatch(3)];
    for (const batch of batches) pool.add(batch, { isOrdered: false });
    const ledger = aLedger();
    const executor = new Executor({ chainId: testChainId, ledger, pool, clock: slow, blockMsTarget: 300 });
    const sizes = [1, 2].map((view) => {
      const request = aBuildRequest(null, { view: view as View });
      return executor.build(request)?.batchDigests.length;
    });
    assert.deepEqual(sizes, [2, 1]);
  });

  it('never leaves out the largest batch, however slow the machine', () => {
    const block = aChain([aLargeBatch(1), aLargeBatch(2)], 1).executor.build(aBuildRequest(null));
    assert.equal(block?.batchDigests.length, 1);
  });

  it('never passes the limit of the protocol, however fast the machine', () => {
    const batches = Array.from({ length: 9 }, (_, index) => aLargeBatch(index + 1));
    const block = aChain(batches, 1_000_000).executor.build(aBuildRequest(null));
    assert.equal(block?.batchDigests.length, 8);
  });

  it('does not keep one lane from having its turn', () => {
    const clinic = { ...aLargeBatch(1), batch: aBatch({ member: 'clinic' }).batch };
    const chain = aChain([aLargeBatch(1), aLargeBatch(2), clinic], 300);
    const block = chain.executor.build(aBuildRequest(null));
    const members = block?.batchDigests.map((digest) => chain.pool.get(digest)?.batch.member);
    assert.deepEqual(members?.toSorted(), [aName('clinic'), aName('hospital')]);
  });
});
