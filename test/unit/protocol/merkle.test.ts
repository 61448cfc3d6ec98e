import assert from 'node:assert/strict';
import type { Digest } from '../../../protocol/brand.ts';
import { bytesToHex, utf8ToBytes } from '../../../protocol/bytes.ts';
import { leafHash, merklePath, merkleRoot, nodeHash, rootFromPath } from '../../../protocol/merkle.ts';

const sizeMax = 64;

function leavesOf(count: number): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, index) => utf8ToBytes(`leaf ${index}`));
}

/** The largest power of two below n (RFC 9162 §2.1.1). */
function splitOf(count: number): number {
  let split = 1;
  while (split * 2 < count) split *= 2;
  return split;
}

/** MTH of RFC 9162 §2.1.1, as written there. */
function naiveHash(leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves;
  if (leaves.length === 1 && first !== undefined) return leafHash(first);
  const split = splitOf(leaves.length);
  return nodeHash(naiveHash(leaves.slice(0, split)), naiveHash(leaves.slice(split)));
}

/** PATH of RFC 9162 §2.1.3.1, as written there. */
function naivePath(index: number, leaves: readonly Uint8Array[]): readonly Uint8Array[] {
  if (leaves.length === 1) return [];
  const split = splitOf(leaves.length);
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  if (index < split) return [...naivePath(index, left), naiveHash(right)];
  return [...naivePath(index - split, right), naiveHash(left)];
}

describe('Merkle trees over lists', () => {
  it(`have the roots of RFC 9162, for every size up to ${sizeMax}`, () => {
    for (let count = 1; count <= sizeMax; count += 1) {
      assert.equal(merkleRoot(leavesOf(count)), bytesToHex(naiveHash(leavesOf(count))), `${count} leaves`);
    }
  });

  it(`have the paths of RFC 9162, for every leaf of every size up to ${sizeMax}, and they lead to the root`, () => {
    for (let count = 1; count <= sizeMax; count += 1) {
      const leaves = leavesOf(count);
      const root = merkleRoot(leaves);
      for (const [index, leaf] of leaves.entries()) {
        const path = merklePath(leaves, index);
        assert.deepEqual(path, naivePath(index, leaves).map(bytesToHex));
        assert.equal(rootFromPath(leaf, { index, count, path }), root);
      }
    }
  });

  it('lead no other leaf to the root, and this leaf from no other place', () => {
    for (let count = 2; count <= 20; count += 1) {
      const leaves = leavesOf(count);
      const root = merkleRoot(leaves);
      for (const [index, leaf] of leaves.entries()) {
        const path = merklePath(leaves, index);
        assert.notEqual(rootFromPath(utf8ToBytes('other'), { index, count, path }), root);
        for (let place = 0; place < count; place += 1) {
          if (place !== index) assert.notEqual(rootFromPath(leaf, { index: place, count, path }), root);
        }
      }
    }
  });

  it('refuse a path that is too long or too short, and a place outside the list', () => {
    const leaves = leavesOf(7);
    const path = merklePath(leaves, 6);
    const leaf = utf8ToBytes('leaf 6');
    assert.equal(rootFromPath(leaf, { index: 6, count: 7, path: path.slice(1) }), null);
    assert.equal(
      rootFromPath(leaf, { index: 6, count: 7, path: [...path, '00'.repeat(32) as Digest] }),
      null,
    );
    assert.equal(rootFromPath(leaf, { index: 7, count: 7, path }), null);
    assert.equal(rootFromPath(leaf, { index: -1, count: 7, path }), null);
    assert.equal(rootFromPath(leaf, { index: 0, count: 0, path: [] }), null);
  });

  it('tell no leaves from a leaf without bytes, and a leaf from the node above two', () => {
    const [a, b] = [leafHash(utf8ToBytes('a')), leafHash(utf8ToBytes('b'))];
    const node = new Uint8Array([1, ...a, ...b]);
    assert.notEqual(merkleRoot([node]), merkleRoot([utf8ToBytes('a'), utf8ToBytes('b')]));
    assert.notEqual(merkleRoot([]), merkleRoot([new Uint8Array(0)]));
  });

  it('depend on the order of their leaves, and on how often a leaf is there', () => {
    const [a, b] = [utf8ToBytes('a'), utf8ToBytes('b')];
    const roots = [
      [a, b],
      [b, a],
      [a, b, b],
      [a, a, b],
    ].map(merkleRoot);
    assert.equal(new Set(roots).size, roots.length);
  });
});
