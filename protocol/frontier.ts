/**
 * The right edge of a growing Merkle tree (RFC 9162 §2.1): enough to append a leaf and to name the root in log n hashes,
 * without keeping the leaves. Gives the same root as `merkleRoot` over all leaves.
 */
import type { Digest } from './brand.ts';
import { bytesToHex, hexToBytes } from './bytes.ts';
import { present } from './invariant.ts';
import { leafHash, merkleRoot, nodeHash } from './merkle.ts';

export interface Frontier {
  /** Number of leaves. */
  readonly count: number;
  /** Roots of the perfect subtrees that the leaves fall into, largest first: one for each 1 in `count` as a binary number. */
  readonly roots: readonly Digest[];
}

export const emptyFrontier: Frontier = { count: 0, roots: [] };

export function appendLeaf(frontier: Frontier, leaf: Uint8Array): Frontier {
  const roots = [...frontier.roots];
  let hash = leafHash(leaf);
  // Two perfect trees of one size become one of the next, as a carry does in an addition.
  for (let rest = frontier.count; rest % 2 === 1; rest = Math.floor(rest / 2)) {
    hash = nodeHash(hexToBytes(present(roots.pop(), 'one root for each 1 in the count')), hash);
  }
  return { count: frontier.count + 1, roots: [...roots, bytesToHex(hash) as Digest] };
}

export function frontierRoot(frontier: Frontier): Digest {
  const last = frontier.roots.at(-1);
  if (last === undefined) return merkleRoot([]);
  return frontier.roots
    .slice(0, -1)
    .reduceRight((right, left) => bytesToHex(nodeHash(hexToBytes(left), hexToBytes(right))) as Digest, last);
}
