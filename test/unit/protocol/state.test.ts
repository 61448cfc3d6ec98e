import assert from 'node:assert/strict';
import { emptyState, overlay, type StateWrites } from '../../../protocol/state.ts';
import { aDigest, later } from '../../support/chain.ts';

const row = { key: 'a', txId: aDigest(1), until: later(1) };
const bytes = Uint8Array.of(1);

function writesOf(changes: Partial<StateWrites>): StateWrites {
  return { records: new Map(), pages: new Map(), seen: [], ...changes };
}

describe('a state in front of another', () => {
  const before = overlay(
    emptyState,
    writesOf({ records: new Map([['r', bytes]]), pages: new Map([['', bytes]]), seen: [row] }),
  );

  it('shows what was there where nothing was written', () => {
    const after = overlay(before, writesOf({}));
    assert.deepEqual([after.get('r'), after.page(''), after.seen('a')], [bytes, bytes, row]);
    assert.deepEqual([after.get('x'), after.page('f'), after.seen('b')], [null, null, null]);
  });

  it('shows what was written, and nothing where it was deleted', () => {
    const other = { ...row, txId: aDigest(2) };
    const after = overlay(
      before,
      writesOf({ records: new Map([['r', null]]), pages: new Map([['', null]]), seen: [other] }),
    );
    assert.deepEqual([after.get('r'), after.page(''), after.seen('a')], [null, null, other]);
    assert.deepEqual([before.get('r'), before.page(''), before.seen('a')], [bytes, bytes, row]);
  });
});
