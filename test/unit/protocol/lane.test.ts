import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Digest, MemberName, Sequence } from '../../../protocol/brand.ts';
import { uint64Bytes } from '../../../protocol/bytes.ts';
import {
  blockLimits,
  checkLanes,
  isLaneOpen,
  chooseBatches,
  laneCursor,
  laneKey,
  type OfferedBatch,
} from '../../../protocol/lane.ts';
import { blockBatchesMax, blockTransactionsMax } from '../../../protocol/limits.ts';
import { memberRecords } from '../../../protocol/membership.ts';
import { accepted, refused } from '../../../protocol/result.ts';
import { testGenesis } from '../../support/chain.ts';

const start = '00'.repeat(32) as Digest;

function aBatch(name: string, sequence: number, transactionCount = 1): OfferedBatch {
  return { member: name as MemberName, sequence: sequence as Sequence, transactionCount };
}

function aLane(name: string, sequences: readonly number[], cursor = 0) {
  return { member: name as MemberName, cursor, batches: sequences.map((sequence) => aBatch(name, sequence)) };
}

function namesOf(batches: readonly OfferedBatch[]): readonly string[] {
  return batches.map(({ member, sequence }) => `${member}-${sequence}`);
}

/** Every name is an active member's, but for those that are given as suspended. */
function viewAt(cursors: Readonly<Record<string, number>>, suspended: readonly string[] = []) {
  const records = new Map(
    Object.entries(cursors).map(([name, cursor]) => [laneKey(name as MemberName), uint64Bytes(cursor)]),
  );
  const memberRecord = (key: string): Uint8Array | null => {
    const name = key.slice('member/'.length) as MemberName;
    const [own] = testGenesis.members;
    assert.ok(own !== undefined);
    const status = suspended.includes(name) ? 'suspended' : 'active';
    return new Map<string, Uint8Array>(memberRecords({ ...own, name, status })).get(key) ?? null;
  };
  return {
    get: (key: string) => (key.startsWith('member/') ? memberRecord(key) : (records.get(key) ?? null)),
  };
}

/** Batches as the ledger gets them. */
function withBodies(batches: readonly OfferedBatch[]) {
  return batches.map(({ member, sequence, transactionCount }) => ({
    member,
    sequence,
    transactions: Array.from({ length: transactionCount }, () => null),
  }));
}

/** A parent digest whose first four bytes are this number. */
function pointingTo(number: number): Digest {
  return (number.toString(16).padStart(8, '0') + '0'.repeat(56)) as Digest;
}

describe('lanes', () => {
  it('are closed for who is not an active member (L4)', () => {
    const batches = withBodies([aBatch('a', 1), aBatch('b', 1)]);
    assert.deepEqual(checkLanes(viewAt({}), batches, start), accepted(null));
    assert.deepEqual(checkLanes(viewAt({}, ['b']), batches, start), refused('batchInvalid', 'member'));
    assert.equal(isLaneOpen(viewAt({}, ['b']), 'b' as MemberName), false);
    assert.equal(isLaneOpen({ get: () => null }, 'a' as MemberName), false);
  });

  it('begin at 0 and stand where the state says', () => {
    assert.equal(laneCursor(viewAt({}), 'clinic' as MemberName), 0);
    assert.equal(laneCursor(viewAt({ clinic: 7 }), 'clinic' as MemberName), 7);
  });

  it('take turns in order of their members’ names', () => {
    const lanes = [aLane('c', [1]), aLane('a', [1, 2, 3]), aLane('b', [1, 2])];
    const chosen = chooseBatches({ lanes, parentDigest: start, limits: blockLimits });
    assert.deepEqual(namesOf(chosen), ['a-1', 'b-1', 'c-1', 'a-2', 'b-2', 'a-3']);
  });

  it('take turns from where the parent’s digest points', () => {
    const lanes = [aLane('a', [1, 2]), aLane('b', [1]), aLane('c', [1])];
    const chosen = chooseBatches({ lanes, parentDigest: pointingTo(4), limits: blockLimits });
    assert.deepEqual(namesOf(chosen), ['b-1', 'c-1', 'a-1', 'a-2']);
  });

  it('continue at their cursors, and stop at a gap', () => {
    const lanes = [aLane('a', [4, 5, 6, 8], 4), aLane('b', [3], 1)];
    const chosen = chooseBatches({ lanes, parentDigest: start, limits: blockLimits });
    assert.deepEqual(namesOf(chosen), ['a-5', 'a-6']);
  });

  it('keep to the number of batches in a block', () => {
    const lanes = [aLane('a', [1, 2, 3]), aLane('b', [1, 2, 3])];
    const limits = { batchesMax: 3, transactionsMax: 100 };
    assert.deepEqual(namesOf(chooseBatches({ lanes, parentDigest: start, limits })), ['a-1', 'b-1', 'a-2']);
  });

  it('keep to the number of transactions: what does not fit ends its lane, not the others', () => {
    const a = {
      member: 'a' as MemberName,
      cursor: 0,
      batches: [aBatch('a', 1, 6), aBatch('a', 2, 5), aBatch('a', 3)],
    };
    const b = { member: 'b' as MemberName, cursor: 0, batches: [aBatch('b', 1, 2), aBatch('b', 2, 2)] };
    const limits = { batchesMax: 9, transactionsMax: 10 };
    const chosen = chooseBatches({ lanes: [a, b], parentDigest: start, limits });
    assert.deepEqual(namesOf(chosen), ['a-1', 'b-1', 'b-2']);
  });

  it('give nothing when nothing is there', () => {
    assert.deepEqual(chooseBatches({ lanes: [], parentDigest: start, limits: blockLimits }), []);
    assert.deepEqual(checkLanes(viewAt({}), [], start), accepted(null));
  });

  it('are accepted by every voter as every leader chose them', () => {
    const laneOf = fc.record({
      count: fc.nat(12),
      cursor: fc.nat(5),
      size: fc.integer({ min: 1, max: 500 }),
    });
    fc.assert(
      fc.property(fc.array(laneOf, { maxLength: 6 }), fc.nat(0xffff_ffff), (specs, pointer) => {
        const lanes = specs.map(({ count, cursor, size }, lane) => ({
          member: `m${lane}` as MemberName,
          cursor,
          batches: Array.from({ length: count }, (_, index) => aBatch(`m${lane}`, cursor + index + 1, size)),
        }));
        const parentDigest = pointingTo(pointer);
        const chosen = chooseBatches({ lanes, parentDigest, limits: blockLimits });
        const view = viewAt(Object.fromEntries(specs.map(({ cursor }, lane) => [`m${lane}`, cursor])));
        assert.deepEqual(checkLanes(view, withBodies(chosen), parentDigest), accepted(null));
        const isNothingOffered = lanes.every(({ batches }) => batches.length === 0);
        assert.equal(chosen.length === 0, isNothingOffered);
      }),
    );
  });

  it('are refused out of turn', () => {
    const batches = withBodies([aBatch('b', 1), aBatch('a', 1)]);
    assert.deepEqual(checkLanes(viewAt({}), batches, start), refused('batchInvalid', 'order'));
    assert.deepEqual(checkLanes(viewAt({}), batches, pointingTo(1)), accepted(null));
  });

  it('are refused with one lane first and then the other', () => {
    const batches = withBodies([aBatch('a', 1), aBatch('a', 2), aBatch('b', 1)]);
    assert.deepEqual(checkLanes(viewAt({}), batches, start), refused('batchInvalid', 'order'));
  });

  it('are refused with a gap, a repetition, and what the chain has already', () => {
    const broken = [
      [aBatch('a', 3)],
      [aBatch('a', 2), aBatch('a', 2)],
      [aBatch('a', 1)],
      [aBatch('a', 2), aBatch('a', 4)],
    ];
    for (const batches of broken) {
      assert.deepEqual(
        checkLanes(viewAt({ a: 1 }), withBodies(batches), start),
        refused('batchInvalid', 'sequence'),
      );
    }
  });

  it(`are accepted with ${blockBatchesMax} batches and refused with one more`, () => {
    const many = Array.from({ length: blockBatchesMax + 1 }, (_, index) => aBatch('a', index + 1));
    assert.deepEqual(checkLanes(viewAt({}), withBodies(many.slice(0, -1)), start), accepted(null));
    assert.equal(checkLanes(viewAt({}), withBodies(many), start).ok, false);
  });

  it(`are accepted with ${blockTransactionsMax} transactions and refused with one more`, () => {
    const full = [aBatch('a', 1, blockTransactionsMax - 1), aBatch('a', 2, 1)];
    const over = [aBatch('a', 1, blockTransactionsMax - 1), aBatch('a', 2, 2)];
    assert.deepEqual(checkLanes(viewAt({}), withBodies(full), start), accepted(null));
    assert.equal(checkLanes(viewAt({}), withBodies(over), start).ok, false);
  });
});
