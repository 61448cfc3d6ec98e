import assert from 'node:assert/strict';
import type { Action } from '../../../protocol/action.ts';
import type { Digest, Height, MemberName, Verified } from '../../../protocol/brand.ts';
import { bytesToHex, compareText, hexToBytes, uint64Bytes, utf8ToBytes } from '../../../protocol/bytes.ts';
import { takenIdKey } from '../../../protocol/executedId.ts';
import { genesisPoint, genesisState } from '../../../protocol/genesisBlock.ts';
import { taggedDigest } from '../../../protocol/hash.ts';
import { laneCursor } from '../../../protocol/lane.ts';
import { executeBlock, type Execution, type LaneBatch } from '../../../protocol/ledger.ts';
import { notAfterAheadMsMaxInBlock } from '../../../protocol/limits.ts';
import { practitionerRecordKey } from '../../../protocol/practitioner.ts';
import { decodeReceipt, receiptsRoot, type Receipt } from '../../../protocol/receipt.ts';
import { defaultPolicy, readPolicy, schedulePolicy, waitingPolicy } from '../../../protocol/policy.ts';
import { emptyState, overlay, type StateView } from '../../../protocol/state.ts';
import { stateValueHash } from '../../../protocol/statePage.ts';
import { updateTree } from '../../../protocol/stateTree.ts';
import type { Transaction } from '../../../protocol/transaction.ts';
import {
  adminOf,
  aLaneBatch,
  anId,
  aRegistration,
  aTransaction,
  later,
  noon,
  testChainId,
  testGenesis,
  valueOf,
  type TransactionInput,
} from '../../support/chain.ts';

const hourMs = 3_600_000;
const genesisView: StateView = overlay(emptyState, genesisState(testGenesis).writes);

/** Executes a block `afterMs` after noon; its height plays no part in the rules. */
function execute(view: StateView, batches: readonly LaneBatch[], afterMs = 1_000): Execution {
  const block = {
    chainId: testChainId,
    height: 1 as Height,
    timeMs: later(afterMs),
    parentDigest: testChainId,
  };
  return executeBlock(view, block, batches);
}

function outcomesOf(execution: Execution): readonly (string | null)[] {
  return execution.receipts.map((receipt) => receipt.code ?? receipt.outcome);
}

/** A registration of practitioner `number` under transaction id `number`. */
function registering(number: number, input: TransactionInput = {}): Verified<Transaction> {
  return aTransaction({ id: anId(number), action: aRegistration(number), ...input });
}

function aSuspension(number: number): Action {
  const body = { practitionerId: anId(number), scope: null, reason: 'leave' };
  return { kind: 'practitioner.suspend', body };
}

/** A view whose host has forgotten every seen row. */
function pruned(view: StateView): StateView {
  return { ...view, seen: () => null };
}

describe('executing a block', () => {
  it('answers each transaction in the order of batches and positions, later ones seeing the earlier', () => {
    const first = registering(1);
    const again = aTransaction({ id: anId(2), action: aRegistration(1) });
    const other = aTransaction({ id: anId(3), member: 'clinic', action: aRegistration(3) });
    const execution = execute(genesisView, [
      aLaneBatch('hospital', 1, [first, again]),
      aLaneBatch('clinic', 1, [other]),
    ]);
    const at = { height: 1 as Height, timeMs: later(1_000), policyVersion: 1 };
    const receipts: readonly Receipt[] = [
      { txId: first.txId, ...at, index: 0, outcome: 'committed', code: null },
      { txId: again.txId, ...at, index: 1, outcome: 'refused', code: 'practitionerExists' },
      { txId: other.txId, ...at, index: 2, outcome: 'committed', code: null },
    ];
    assert.deepEqual(execution.receipts, receipts);
    assert.deepEqual(execution.subjects, [[anId(1)], [], [anId(3)]]);
    assert.deepEqual(execution.origins, [
      { batch: 0, position: 0 },
      { batch: 0, position: 1 },
      { batch: 1, position: 0 },
    ]);
    assert.deepEqual(
      execution.receiptBytes.map((bytes) => valueOf(decodeReceipt(bytes))),
      receipts,
    );
    assert.equal(execution.receiptsRoot, receiptsRoot(execution.receiptBytes));
  });

  it('commits to every record it wrote in the state root, and to nothing else', () => {
    const { writes, stateRoot } = execute(genesisView, [aLaneBatch('hospital', 1, [registering(1)])]);
    const records = new Map([...genesisState(testGenesis).writes.records, ...writes.records]);
    const hashes = new Map(
      [...records].map(([key, record]) => [key, record === null ? null : stateValueHash(record)]),
    );
    assert.equal(stateRoot, updateTree(emptyState.page, hashes).root);
    assert.deepEqual([...writes.records.keys()], [...writes.records.keys()].toSorted(compareText));
  });

  it('gives the same on the same, whatever was executed in between', () => {
    const batches = [aLaneBatch('hospital', 1, [registering(1), registering(2)])];
    const once = execute(genesisView, batches);
    execute(genesisView, [aLaneBatch('hospital', 1, [registering(9)])]);
    assert.deepEqual(execute(genesisView, batches), once);
  });

  it('gives the same roots in one chain of blocks as over written state', () => {
    const first = execute(genesisView, [aLaneBatch('hospital', 1, [registering(1)])]);
    const second = execute(
      overlay(genesisView, first.writes),
      [aLaneBatch('hospital', 2, [registering(2)])],
      2_000,
    );
    const written = overlay(overlay(emptyState, genesisState(testGenesis).writes), first.writes);
    assert.equal(
      execute(written, [aLaneBatch('hospital', 2, [registering(2)])], 2_000).stateRoot,
      second.stateRoot,
    );
    assert.notEqual(first.stateRoot, second.stateRoot);
  });

  it('writes nothing of a refused transaction but its id', () => {
    const stranger = aTransaction({ member: 'nobody' });
    const { writes, receipts } = execute(genesisView, [aLaneBatch('hospital', 1, [stranger])]);
    assert.deepEqual(
      receipts.map((receipt) => receipt.code),
      ['memberUnknown'],
    );
    const bucket = Math.floor(stranger.notAfter / hourMs);
    assert.deepEqual(
      [...writes.records.keys()],
      [`ids/${bucket}`, 'ids-oldest', 'lane/hospital'].toSorted(compareText),
    );
    assert.deepEqual(writes.seen, [{ key: stranger.txId, txId: stranger.txId, until: stranger.notAfter }]);
  });

  it('changes nothing but the cursor of old ids in an empty block, and nothing at all in the next', () => {
    const first = execute(genesisView, []);
    assert.deepEqual([...first.writes.records.keys()], ['ids-oldest']);
    const second = execute(overlay(genesisView, first.writes), [], 2_000);
    assert.deepEqual(second.writes, { records: new Map(), pages: new Map(), seen: [] });
    assert.equal(second.stateRoot, first.stateRoot);
  });

  it('moves the cursor of every lane in the block to its last batch', () => {
    const { writes } = execute(genesisView, [
      aLaneBatch('clinic', 1),
      aLaneBatch('hospital', 1),
      aLaneBatch('clinic', 2),
    ]);
    const after = overlay(genesisView, writes);
    assert.equal(laneCursor(after, 'clinic' as MemberName), 2);
    assert.equal(laneCursor(after, 'hospital' as MemberName), 1);
  });

  it('stops on a lane with a gap: the lanes were checked before', () => {
    assert.throws(() => execute(genesisView, [aLaneBatch('clinic', 2)]), { name: 'BrokenInvariant' });
  });

  it('stops on a transaction of another chain: the gate was before', () => {
    const foreign = aTransaction({ chainId: '11'.repeat(32) as Digest });
    assert.throws(() => execute(genesisView, [aLaneBatch('hospital', 1, [foreign])]), {
      name: 'BrokenInvariant',
    });
  });
});

describe('the time of a transaction', () => {
  it('is over after notAfter: executed at it, passed over one millisecond later', () => {
    const batches = [aLaneBatch('hospital', 1, [registering(1, { notAfter: later(5_000) })])];
    assert.deepEqual(outcomesOf(execute(genesisView, batches, 5_000)), ['committed']);
    const late = execute(genesisView, batches, 5_001);
    assert.deepEqual(late.receipts, []);
    assert.deepEqual(late.writes.seen, []);
  });

  it('is not yet come when notAfter is too far: executed at the limit, passed over one millisecond past it', () => {
    const at = (ahead: number) => [
      aLaneBatch('hospital', 1, [registering(1, { notAfter: later(1_000 + ahead) })]),
    ];
    assert.deepEqual(outcomesOf(execute(genesisView, at(notAfterAheadMsMaxInBlock))), ['committed']);
    assert.deepEqual(outcomesOf(execute(genesisView, at(notAfterAheadMsMaxInBlock + 1))), []);
  });
});

describe('a transaction that comes again', () => {
  const first = registering(1);

  it('is passed over in the same block, through whichever lane', () => {
    const execution = execute(genesisView, [
      aLaneBatch('clinic', 1, [first]),
      aLaneBatch('hospital', 1, [first, first]),
    ]);
    assert.deepEqual(outcomesOf(execution), ['committed']);
    assert.deepEqual(execution.origins, [{ batch: 0, position: 0 }]);
  });

  it('is passed over in a later block', () => {
    const before = execute(genesisView, [aLaneBatch('hospital', 1, [first])]);
    const after = execute(overlay(genesisView, before.writes), [aLaneBatch('clinic', 1, [first])], 2_000);
    assert.deepEqual(outcomesOf(after), []);
  });

  it('is refused with other bytes under the same id, with one receipt of its own', () => {
    const other = registering(2, { id: anId(1) });
    const execution = execute(genesisView, [aLaneBatch('hospital', 1, [first, other, other, first])]);
    assert.deepEqual(outcomesOf(execution), ['committed', 'idReused']);
    assert.deepEqual(execution.writes.seen, [
      { key: takenIdKey(first), txId: first.txId, until: first.notAfter },
      { key: other.txId, txId: other.txId, until: other.notAfter },
    ]);
    const after = execute(
      overlay(genesisView, execution.writes),
      [aLaneBatch('hospital', 2, [other])],
      2_000,
    );
    assert.deepEqual(outcomesOf(after), []);
  });

  it('is passed over after a refusal for its id, also when the first transaction under that id is long over', () => {
    const other = registering(2, { id: anId(1), notAfter: later(200_000) });
    const before = execute(genesisView, [aLaneBatch('hospital', 1, [first, other])]);
    const view = overlay(genesisView, before.writes);
    assert.deepEqual(outcomesOf(execute(view, [aLaneBatch('hospital', 2, [other])], 60_001)), []);
  });

  it('keeps its id after a refusal', () => {
    const refusedFirst = registering(5, { signers: [adminOf('clinic')] });
    const again = registering(6, { id: anId(5) });
    const execution = execute(genesisView, [aLaneBatch('hospital', 1, [refusedFirst, again])]);
    assert.deepEqual(outcomesOf(execution), ['wrongSigners', 'idReused']);
  });

  it('gives its id back when its time is over, on hosts that pruned the row and on those that did not', () => {
    const before = execute(genesisView, [aLaneBatch('hospital', 1, [first])]);
    const view = overlay(genesisView, before.writes);
    const successor = [
      aLaneBatch('hospital', 2, [registering(2, { id: anId(1), notAfter: later(200_000) })]),
    ];
    const kept = execute(view, successor, 60_001);
    assert.deepEqual(outcomesOf(kept), ['committed']);
    assert.deepEqual(execute(pruned(view), successor, 60_001), kept);
    assert.deepEqual(outcomesOf(execute(view, successor, 60_000)), ['idReused']);
  });
});

/** Whoever reads a batch that waits can have something of its own ordered before it, but only in its own lane. */
describe('a transaction that another member copies from a batch that waits', () => {
  const victim = registering(1);
  const lanes = (copies: readonly Verified<Transaction>[]): readonly LaneBatch[] => [
    aLaneBatch('clinic', 1, copies),
    aLaneBatch('hospital', 1, [victim]),
  ];

  it('keeps its id free, whatever others put under it in their own lanes', () => {
    const id = victim.id;
    const underItsId = aTransaction({ id, member: 'clinic', action: aRegistration(2) });
    const underItsName = registering(1, { id, notAfter: later(50_000), action: aSuspension(7) });
    const outcomes = outcomesOf(execute(genesisView, lanes([underItsId, underItsName])));
    assert.deepEqual(outcomes, ['committed', 'practitionerUnknown', 'committed']);
  });

  it('is not used up by a copy under signatures of others', () => {
    const copies = [[adminOf('clinic')], [adminOf('hospital'), adminOf('clinic')]].map((signers) =>
      registering(1, { signers }),
    );
    assert.deepEqual(new Set(copies.map(({ txId }) => txId)), new Set([victim.txId]));
    const first = execute(genesisView, lanes(copies));
    assert.deepEqual(outcomesOf(first), ['committed']);
    assert.deepEqual(first.origins, [{ batch: 1, position: 0 }]);
    const view = overlay(genesisView, execute(genesisView, [aLaneBatch('clinic', 1, copies)]).writes);
    assert.deepEqual(outcomesOf(execute(view, [aLaneBatch('hospital', 1, [victim])], 2_000)), ['committed']);
  });

  it('is executed once, if they are the same bytes, and still refuses other bytes under its id in any lane', () => {
    const carried = execute(genesisView, lanes([victim]));
    assert.deepEqual(outcomesOf(carried), ['committed']);
    assert.deepEqual(carried.writes.seen, [{ key: victim.txId, txId: victim.txId, until: victim.notAfter }]);
    const own = overlay(genesisView, execute(genesisView, [aLaneBatch('hospital', 1, [victim])]).writes);
    const other = registering(2, { id: victim.id });
    assert.deepEqual(outcomesOf(execute(own, [aLaneBatch('clinic', 1, [other])], 2_000)), ['idReused']);
  });

  it('leaves its refusal for its own signers in its own lane', () => {
    const wrong = registering(1, { signers: [adminOf('clinic')] });
    assert.deepEqual(outcomesOf(execute(genesisView, [aLaneBatch('hospital', 1, [wrong])])), [
      'wrongSigners',
    ]);
    const elsewhere = execute(genesisView, [aLaneBatch('clinic', 1, [wrong])]);
    assert.deepEqual([elsewhere.receipts, elsewhere.writes.seen], [[], []]);
  });
});

describe('the chain of executed ids', () => {
  const bucketOf = (time: number): string => `ids/${Math.floor(time / hourMs)}`;
  const takenOf = ({ id, member }: Transaction): string =>
    taggedDigest('takenId', hexToBytes(id), utf8ToBytes(member)).slice(0, 32);

  it('continues over blocks, by the hour of notAfter, in order of execution', () => {
    const [one, two, three] = [registering(1), registering(2), registering(3, { id: anId(1) })];
    const first = execute(genesisView, [aLaneBatch('hospital', 1, [one])]);
    const view = overlay(genesisView, first.writes);
    const second = execute(view, [aLaneBatch('hospital', 2, [two, three])], 2_000);
    const row = (flag: number, taken: string, { txId, notAfter }: Transaction): Uint8Array =>
      new Uint8Array([flag, ...hexToBytes(taken), ...hexToBytes(txId), ...uint64Bytes(notAfter)]);
    const link = taggedDigest('idChain', new Uint8Array(32), row(0, takenOf(one), one));
    const rows = [row(0, takenOf(two), two), row(1, '00'.repeat(16), three)];
    const chain = taggedDigest('idChain', hexToBytes(link), ...rows);
    const key = bucketOf(one.notAfter);
    assert.equal(bytesToHex(first.writes.records.get(key) ?? utf8ToBytes('none')), link);
    assert.equal(bytesToHex(second.writes.records.get(key) ?? utf8ToBytes('none')), chain);
  });

  it('is deleted when its hour and one more are over, four hours a block', () => {
    const first = execute(genesisView, [aLaneBatch('hospital', 1, [registering(1)])]);
    const view = overlay(genesisView, first.writes);
    const key = bucketOf(noon);
    assert.equal(execute(view, [], 2 * hourMs - 1).writes.records.has(key), false);
    assert.equal(execute(view, [], 2 * hourMs).writes.records.get(key), null);
    const late = execute(view, [], 100 * hourMs);
    const oldest = Math.floor(noon / hourMs);
    assert.deepEqual(
      late.writes.records,
      new Map([
        [key, null],
        ['ids-oldest', uint64Bytes(oldest + 4)],
      ]),
    );
  });
});

describe('the policy of a block', () => {
  const policy = { ...defaultPolicy, version: 2, currency: 'EUR' };
  const records = new Map(schedulePolicy({ policy, effectiveHeight: 2 as Height }));
  const waiting = overlay(genesisView, { records, pages: new Map(), seen: [] });
  const executeAt = (height: number): Execution => {
    const block = {
      chainId: testChainId,
      height: height as Height,
      timeMs: later(1_000),
      parentDigest: testChainId,
    };
    return executeBlock(waiting, block, [aLaneBatch('hospital', 1, [registering(1)])]);
  };

  it('takes effect at its height, for the whole block, and stands in the receipts (E12)', () => {
    assert.equal(executeAt(1).receipts[0]?.policyVersion, 1);
    assert.equal(executeAt(2).receipts[0]?.policyVersion, 2);
    const after = overlay(waiting, executeAt(2).writes);
    assert.deepEqual(readPolicy(after), policy);
    assert.equal(waitingPolicy(after), null);
  });
});

describe('the genesis state', () => {
  it('holds the members, the policy and the voters under a root that depends on them', () => {
    const { root, writes } = genesisState(testGenesis);
    // A member has a record and four keys; besides there are the list of names, the policy twice, and the voters.
    assert.equal(writes.records.size, 5 * testGenesis.members.length + 4);
    assert.equal(genesisView.get(practitionerRecordKey(anId(1))), null);
    const other = genesisState({ ...testGenesis, policy: { ...testGenesis.policy, currency: 'EUR' } });
    assert.notEqual(other.root, root);
  });

  it('stands at height 0, and its digest is the chain id', () => {
    assert.deepEqual(genesisPoint(testGenesis), { digest: testChainId, height: 0, view: 0, timeMs: noon });
  });
});
