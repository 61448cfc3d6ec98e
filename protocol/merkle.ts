/** Merkle trees over lists, as in RFC 9162 §2.1 (leaf prefix 0x00, node prefix 0x01): roots, inclusion paths, verification. */
import type { Digest } from './brand.ts';
import { bytesToHex, hexToBytes } from './bytes.ts';
import { plainHash, taggedHash } from './hash.ts';

/** Hash of a leaf: tagged, so that no leaf passes for an interior node. */
export function leafHash(leaf: Uint8Array): Uint8Array {
  return taggedHash('merkleLeaf', leaf);
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(65);
  bytes[0] = 1;
  bytes.set(left, 1);
  bytes.set(right, 33);
  return plainHash(bytes);
}

/** One level up; a last node without a sibling rises as it is, which gives RFC 9162's tree for every size. */
function parents(level: readonly Uint8Array[]): Uint8Array[] {
  const above: Uint8Array[] = [];
  for (let index = 0; index < level.length; index += 2) {
    const left = level[index];
    const right = level[index + 1];
    if (left !== undefined) above.push(right === undefined ? left : nodeHash(left, right));
  }
  return above;
}

/** Root over leaves in their order; for no leaves the hash of nothing, which no leaf has, not even one without bytes. */
export function merkleRoot(leaves: readonly Uint8Array[]): Digest {
  if (leaves.length === 0) return bytesToHex(plainHash(new Uint8Array(0))) as Digest;
  let level = leaves.map(leafHash);
  while (level.length > 1) level = parents(level);
  return bytesToHex(level[0] ?? new Uint8Array(32)) as Digest;
}

/** Siblings from the leaf at `index` up to the root; levels where the node has no sibling give none. */
export function merklePath(leaves: readonly Uint8Array[], index: number): readonly Digest[] {
  const path: Digest[] = [];
  let level = leaves.map(leafHash);
  let position = index;
  while (level.length > 1) {
    const sibling = level[position % 2 === 0 ? position + 1 : position - 1];
    if (sibling !== undefined) path.push(bytesToHex(sibling) as Digest);
    level = parents(level);
    position = Math.floor(position / 2);
  }
  return path;
}

/** Where a leaf stands among `count` leaves, with the siblings up to the root. */
export interface MerklePosition {
  readonly index: number;
  readonly count: number;
  readonly path: readonly Digest[];
}

/** RFC 9162 §2.1.3.2: the root that this leaf and position give, or null if the path has the wrong length. */
export function rootFromPath(leaf: Uint8Array, position: MerklePosition): Digest | null {
  const { index, count, path } = position;
  if (index < 0 || index >= count) return null;
  let hash = leafHash(leaf);
  let place = index;
  let last = count - 1;
  let used = 0;
  while (last > 0) {
    const hasSibling = place % 2 === 1 || place < last;
    const sibling = hasSibling ? path[used] : undefined;
    if (hasSibling && sibling === undefined) return null;
    if (sibling !== undefined) {
      const other = hexToBytes(sibling);
      hash = place % 2 === 1 ? nodeHash(other, hash) : nodeHash(hash, other);
      used += 1;
    }
    place = Math.floor(place / 2);
    last = Math.floor(last / 2);
  }
  return used === path.length ? (bytesToHex(hash) as Digest) : null;
}
