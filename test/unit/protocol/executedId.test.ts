/** Rows of executed ids: one byte form, and every bit of it in the chain. */
import assert from 'node:assert/strict';
import type { MemberName } from '../../../protocol/brand.ts';
import { concatBytes } from '../../../protocol/bytes.ts';
import {
  decodeIdRows,
  encodeIdRow,
  idHourOf,
  idRowSize,
  linkIds,
  takenIdKey,
} from '../../../protocol/executedId.ts';
import type { SeenId } from '../../../protocol/state.ts';
import { aDigest, anId, later, noon } from '../../support/chain.ts';

const member = 'hospital' as MemberName;
const executed: SeenId = { key: takenIdKey({ member, id: anId(1) }), txId: aDigest(2), until: later(60_000) };
const reused: SeenId = { key: aDigest(3), txId: aDigest(3), until: later(60_001) };

describe('the row of an executed id', () => {
  it('says under what it is seen, which transaction it was, and until when it counts', () => {
    const bytes = concatBytes(encodeIdRow(executed), encodeIdRow(reused));
    assert.equal(bytes.length, 2 * idRowSize);
    assert.deepEqual(decodeIdRows(bytes), [executed, reused]);
    assert.deepEqual(decodeIdRows(new Uint8Array(0)), []);
  });

  it('is under another key for another member, and for another id', () => {
    const other = 'clinic' as MemberName;
    const keys = [
      takenIdKey({ member, id: anId(1) }),
      takenIdKey({ member, id: anId(2) }),
      takenIdKey({ member: other, id: anId(1) }),
    ];
    assert.equal(new Set(keys).size, 3);
    for (const key of keys) assert.match(key, /^[0-9a-f]{32}$/);
  });

  it('has one form', () => {
    const row = encodeIdRow(executed);
    assert.equal(decodeIdRows(row.subarray(1)), null);
    assert.equal(decodeIdRows(row.with(0, 2)), null);
    assert.equal(decodeIdRows(row.with(0, 1)), null);
    assert.equal(decodeIdRows(row.with(idRowSize - 8, 255)), null);
  });

  it('is in the chain with every bit', () => {
    const row = encodeIdRow(executed);
    const chains = new Set([linkIds(null, row).join()]);
    for (let index = 0; index < row.length; index += 1) {
      chains.add(linkIds(null, row.with(index, (row[index] ?? 0) ^ 1)).join());
    }
    assert.equal(chains.size, idRowSize + 1);
    const [before, after] = [linkIds(null, row), encodeIdRow(reused)];
    assert.notDeepEqual(linkIds(before, after), linkIds(null, row, after));
  });

  it('stands in the hour of its notAfter', () => {
    assert.equal(idHourOf(noon), noon / 3_600_000);
    assert.equal(idHourOf(later(-1)), noon / 3_600_000 - 1);
  });
});
