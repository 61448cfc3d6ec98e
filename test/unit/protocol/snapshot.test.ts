/** Snapshots: one stream for one state, and every lie about it refused. */
import assert from 'node:assert/strict';
import type { Digest } from '../../../protocol/brand.ts';
import { concatBytes } from '../../../protocol/bytes.ts';
import { encodeIdRow, idHourOf, linkIds } from '../../../protocol/executedId.ts';
import { snapshotChunkBytes, snapshotChunksMax, snapshotValueBytesMax } from '../../../protocol/limits.ts';
import { refused } from '../../../protocol/result.ts';
import {
  beginCheck,
  checkManifest,
  checkRows,
  chunkDigest,
  concludeCheck,
  decodeManifest,
  encodeManifest,
  encodeSnapshotRow,
  isChunkOf,
  manifestDigest,
  takeSnapshotRows,
  type SnapshotManifest,
  type SnapshotRow,
} from '../../../protocol/snapshot.ts';
import { aDigest, aHeader, anId, later, noon, testChainId, valueOf } from '../../support/chain.ts';

const { height } = aHeader();

function aManifest(change: Partial<SnapshotManifest> = {}): SnapshotManifest {
  const stateRoot = aDigest(3);
  const chunks = [aDigest(7), aDigest(8)];
  const size = snapshotChunkBytes + 5;
  return { version: 1, chainId: testChainId, height, digest: aDigest(2), stateRoot, size, chunks, ...change };
}

const first = encodeIdRow({ key: anId(1), txId: aDigest(1), until: later(1) });
const second = encodeIdRow({ key: anId(2), txId: aDigest(2), until: later(2) });
const hour = idHourOf(noon);
const hourText = hour.toString(16).padStart(12, '0');
const nextHourText = (hour + 1).toString(16).padStart(12, '0');

/** Two blocks with ids of one hour, the record of their chain, and one more record. */
const rows: readonly SnapshotRow[] = [
  { key: `ids/${hourText}/000000000001`, value: first },
  { key: `ids/${hourText}/000000000002`, value: second },
  { key: `record/ids/${hour}`, value: linkIds(linkIds(null, first), second) },
  { key: 'record/policy', value: Uint8Array.of(1) },
];

function verdictOn(given: readonly SnapshotRow[]): unknown {
  const checked = checkRows(beginCheck(noon), given);
  return checked.ok ? concludeCheck(checked.value.check) : checked;
}

describe('the manifest of a snapshot', () => {
  it('survives its encoding, with as many chunks as the limit allows', () => {
    const chunks = Array.from({ length: snapshotChunksMax }, (_, index) => aDigest(index));
    const manifest = aManifest({ chunks, size: snapshotChunksMax * snapshotChunkBytes });
    assert.deepEqual(valueOf(decodeManifest(encodeManifest(manifest))), manifest);
    assert.notEqual(manifestDigest(manifest), manifestDigest(aManifest()));
  });

  it('is refused when size and number of chunks disagree', () => {
    assert.ok(checkManifest(aManifest()).ok);
    for (const size of [1, snapshotChunkBytes, 2 * snapshotChunkBytes + 1]) {
      assert.deepEqual(checkManifest(aManifest({ size })), refused('snapshotInvalid', 'size'));
    }
  });

  it('takes a chunk only with its own hash, at its own place, in its own size', () => {
    const whole = new Uint8Array(snapshotChunkBytes).fill(1);
    const rest = Uint8Array.of(1, 2, 3, 4, 5);
    const manifest = aManifest({ chunks: [chunkDigest(whole), chunkDigest(rest)] });
    assert.ok(isChunkOf(manifest, 0, whole));
    assert.ok(isChunkOf(manifest, 1, rest));
    assert.ok(!isChunkOf(manifest, 0, rest));
    assert.ok(!isChunkOf(manifest, 1, rest.subarray(1)));
    assert.ok(!isChunkOf(manifest, 1, rest.with(0, 9)));
    assert.ok(!isChunkOf(manifest, 2, rest));
  });
});

describe('the rows of a snapshot', () => {
  it('come back from the stream, wherever it is cut', () => {
    const stream = concatBytes(...rows.map(encodeSnapshotRow));
    for (let cut = 0; cut <= stream.length; cut += 1) {
      const head = valueOf(takeSnapshotRows(stream.subarray(0, cut)));
      const tail = valueOf(takeSnapshotRows(concatBytes(head.rest, stream.subarray(cut))));
      assert.deepEqual([...head.rows, ...tail.rows], rows);
      assert.equal(tail.rest.length, 0);
    }
  });

  it('are refused with a key or a value beyond its limit, before they are held', () => {
    const head = (keySize: number, valueSize: number): Uint8Array => {
      const bytes = new Uint8Array(6);
      new DataView(bytes.buffer).setUint16(0, keySize);
      new DataView(bytes.buffer).setUint32(2, valueSize);
      return bytes;
    };
    const rowKeyMax = 'record/'.length + 256;
    assert.ok(takeSnapshotRows(head(rowKeyMax, snapshotValueBytesMax)).ok);
    assert.deepEqual(takeSnapshotRows(head(0, 1)), refused('snapshotInvalid', 'key'));
    assert.deepEqual(takeSnapshotRows(head(rowKeyMax + 1, 1)), refused('snapshotInvalid', 'key'));
    assert.deepEqual(
      takeSnapshotRows(head(1, snapshotValueBytesMax + 1)),
      refused('snapshotInvalid', 'value'),
    );
    const blank = encodeSnapshotRow({ key: 'record/a b', value: first });
    assert.deepEqual(takeSnapshotRows(blank), refused('snapshotInvalid', 'key'));
  });

  it('give records and ids when every chain is as its record says, in one part or in many', () => {
    assert.deepEqual(verdictOn(rows), { ok: true, value: null });
    let check = beginCheck(noon);
    const seen: Digest[] = [];
    for (const row of rows) {
      const checked = valueOf(checkRows(check, [row]));
      ({ check } = checked);
      for (const { txId } of checked.seen) seen.push(txId);
    }
    assert.ok(concludeCheck(check).ok);
    assert.deepEqual(seen, [aDigest(1), aDigest(2)]);
  });

  const [one, two, chain, policy] = rows;
  assert.ok(one !== undefined && two !== undefined && chain !== undefined && policy !== undefined);
  const longer = encodeIdRow({ key: anId(2), txId: aDigest(2), until: later(3) });
  const lies: readonly (readonly [string, readonly SnapshotRow[], string])[] = [
    ['a row twice', [one, one, two, chain, policy], 'order'],
    ['rows out of order', [two, one, chain, policy], 'order'],
    ['an id left out', [one, chain, policy], 'idChain'],
    ['an id that counts a millisecond longer', [one, { ...two, value: longer }, chain, policy], 'idChain'],
    [
      'ids of one block in place of two',
      [{ ...one, value: concatBytes(first, second) }, chain, policy],
      'idChain',
    ],
    ['no ids below a record of them', [chain, policy], 'idChain'],
    ['ids without a record', [one, two, policy], 'idChain'],
    ['ids in another hour than theirs', [{ ...one, key: `ids/${nextHourText}/000000000001` }], 'ids'],
    ['ids that are cut short', [{ ...one, value: first.subarray(1) }], 'ids'],
    ['no ids in a row of ids', [{ ...one, value: new Uint8Array(0) }], 'ids'],
    ['a row of another kind', [{ key: 'seen/1', value: first }], 'key'],
  ];
  for (const [lie, given, detail] of lies) {
    it(`are refused with ${lie}`, () => {
      assert.deepEqual(verdictOn(given), refused('snapshotInvalid', detail));
    });
  }

  it('are refused with ids of hours that are over, and need none for those', () => {
    const late = beginCheck(later(3_600_000));
    assert.deepEqual(checkRows(late, [one]), refused('snapshotInvalid', 'ids'));
    assert.ok(checkRows(late, [chain, policy]).ok);
  });
});
