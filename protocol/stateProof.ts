/** Proofs that the state holds a record, or holds none under a key: the siblings from the root down to where the key ends. */
import * as z from 'zod';
import type { Digest } from './brand.ts';
import { bytesToHex, equalBytes, hexToBytes, utf8ToBytes } from './bytes.ts';
import { digestSchema } from './codec.ts';
import { present } from './invariant.ts';
import {
  emptyHash,
  stateKeyHash,
  stateLeafHash,
  stateNodeHash,
  StatePage,
  stateValueHash,
} from './statePage.ts';
import { nibbleAt, type PageReader } from './stateTree.ts';

export interface StateProof {
  /** Of absence only: the one record that stands where the key would be, or null if nothing does. */
  readonly other: { readonly keyHash: Digest; readonly valueHash: Digest } | null;
  /** Hashes beside the way to the key, the one below the root first. At most 256. */
  readonly siblings: readonly Digest[];
}

const siblingsMax = 256;

export const stateProofSchema: z.ZodType<StateProof> = z.strictObject({
  other: z.strictObject({ keyHash: digestSchema, valueHash: digestSchema }).nullable(),
  siblings: z.array(digestSchema).max(siblingsMax),
});

/** Proves what the state behind `read` says about `key`: its record, or that there is none. */
export function proveState(read: PageReader, key: string): StateProof {
  const keyHash = stateKeyHash(utf8ToBytes(key));
  const siblings: Digest[] = [];
  let path = '';
  for (;;) {
    const page = new StatePage().open(read(path));
    const node = descend(page, nibbleAt(keyHash, path.length), siblings);
    if (node.weight < 2) return { other: otherLeaf(page, node.place, keyHash), siblings };
    path += nibbleAt(keyHash, path.length).toString(16);
    present(read(path), 'a page of the state tree is missing');
  }
}

/** From the page's root towards a slot, until a node has fewer than two records below it. Adds the siblings passed. */
function descend(
  page: StatePage,
  nibble: number,
  siblings: Digest[],
): { readonly place: number; readonly weight: number } {
  let place = 1;
  for (let level = 3; level >= 0 && page.weight(place) === 2; level -= 1) {
    const next = 2 * place + ((nibble >> level) & 1);
    siblings.push(bytesToHex(page.hash(next ^ 1)) as Digest);
    place = next;
  }
  return { place, weight: page.weight(place) };
}

function otherLeaf(page: StatePage, place: number, keyHash: Uint8Array): StateProof['other'] {
  const leaf = page.onlyLeaf(place);
  if (leaf === null || equalBytes(leaf.keyHash, keyHash)) return null;
  return { keyHash: bytesToHex(leaf.keyHash) as Digest, valueHash: bytesToHex(leaf.valueHash) as Digest };
}

/** True iff the state with this root holds exactly this value under the key; `value` null claims that it holds none. */
export function verifyStateProof(
  root: Digest,
  claim: { readonly key: string; readonly value: Uint8Array | null },
  proof: StateProof,
): boolean {
  if (proof.siblings.length > siblingsMax) return false;
  const keyHash = stateKeyHash(utf8ToBytes(claim.key));
  let hash = endHash(keyHash, claim.value, proof);
  if (hash === null) return false;
  for (let depth = proof.siblings.length - 1; depth >= 0; depth -= 1) {
    const sibling = hexToBytes(present(proof.siblings[depth], 'a sibling'));
    hash = bitAt(keyHash, depth) === 1 ? stateNodeHash(sibling, hash) : stateNodeHash(hash, sibling);
  }
  return bytesToHex(hash) === root;
}

/** The hash where the way of the key ends, or null if the proof does not fit the claim. */
function endHash(keyHash: Uint8Array, value: Uint8Array | null, proof: StateProof): Uint8Array | null {
  const { other, siblings } = proof;
  if (value !== null)
    return other === null ? stateLeafHash({ keyHash, valueHash: stateValueHash(value) }) : null;
  if (other === null) return emptyHash;
  const otherHash = hexToBytes(other.keyHash);
  if (equalBytes(otherHash, keyHash)) return null;
  // Another record proves absence only if it stands on the way of this key.
  for (let depth = 0; depth < siblings.length; depth += 1) {
    if (bitAt(otherHash, depth) !== bitAt(keyHash, depth)) return null;
  }
  return stateLeafHash({ keyHash: otherHash, valueHash: hexToBytes(other.valueHash) });
}

/** Bits from the most significant of the first byte on. */
function bitAt(keyHash: Uint8Array, depth: number): number {
  return ((keyHash[depth >> 3] ?? 0) >> (7 - (depth & 7))) & 1;
}
