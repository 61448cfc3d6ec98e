/**
 * Pages of the state tree: four levels of the binary tree in one stored value, addressed by the nibbles that lead to it. A
 * slot holds what lies below one more nibble. The hashes between the slots and the page's root are kept in the page, so that a
 * change costs four hashes and not fifteen. Pages are local storage, not protocol: only the hashes are agreed.
 */
import { taggedHash } from './hash.ts';
import { invariant, present } from './invariant.ts';

/** One record, as the tree sees it. Both hashes are 32 bytes. */
export interface StateLeaf {
  readonly kind: 'leaf';
  readonly keyHash: Uint8Array;
  readonly valueHash: Uint8Array;
}

/** Two or more records further down, in a page of their own. */
export interface StateChild {
  readonly kind: 'child';
  readonly hash: Uint8Array;
}

export type StateSlot = StateLeaf | StateChild | null;

/**
 * The 31 nodes of a page stand in a heap: 1 is the page's root, 2k and 2k+1 are below k, 16..31 are the slots. `weights` says
 * how many records are below a node: 0, 1, or 2 for any more. `hashes` holds what is known already, null where it is not.
 */
export interface StatePage {
  readonly slots: readonly StateSlot[];
  readonly weights: Uint8Array;
  readonly hashes: (Uint8Array | null)[];
}

export const slotCount = 16;
const hashSize = 32;
const headSize = 5;
const formatVersion = 1;
/** The hash of a subtree without records. */
export const emptyHash: Uint8Array = new Uint8Array(hashSize);
const noSlots: readonly StateSlot[] = Array.from({ length: slotCount }, () => null);

export function stateKeyHash(key: Uint8Array): Uint8Array {
  return taggedHash('stateKey', key);
}

export function stateValueHash(value: Uint8Array): Uint8Array {
  return taggedHash('stateValue', value);
}

export function stateLeafHash(leaf: Omit<StateLeaf, 'kind'>): Uint8Array {
  return taggedHash('stateLeaf', leaf.keyHash, leaf.valueHash);
}

export function stateNodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return taggedHash('stateNode', left, right);
}

export function emptyPage(): StatePage {
  return { slots: noSlots, weights: new Uint8Array(2 * slotCount), hashes: noHashes() };
}

/** The page with other slots; hashes survive where the slots below them are the very same. */
export function withSlots(page: StatePage, slots: readonly StateSlot[]): StatePage {
  const hashes = [...page.hashes];
  for (let index = 0; index < slotCount; index += 1) {
    if (slots[index] !== page.slots[index]) forget(hashes, slotCount + index);
  }
  return { slots, weights: weigh(slots), hashes };
}

/** The hash of a node of the heap, computed once. */
export function hashAt(page: StatePage, node: number): Uint8Array {
  const weight = page.weights[node] ?? 0;
  if (weight === 0) return emptyHash;
  const known = page.hashes[node];
  if (known !== null && known !== undefined) return known;
  const hash = weight === 1 ? stateLeafHash(onlyLeaf(page, node)) : hashOfMany(page, node);
  page.hashes[node] = hash;
  return hash;
}

/** The one record below a node of weight 1. */
export function onlyLeaf(page: StatePage, node: number): StateLeaf {
  let place = node;
  while (place < slotCount) place = (page.weights[2 * place] ?? 0) > 0 ? 2 * place : 2 * place + 1;
  const slot = present(page.slots[place - slotCount], 'a weight without its record');
  invariant(slot.kind === 'leaf', 'a single record is a leaf');
  return slot;
}

function hashOfMany(page: StatePage, node: number): Uint8Array {
  if (node < slotCount) return stateNodeHash(hashAt(page, 2 * node), hashAt(page, 2 * node + 1));
  const slot = present(page.slots[node - slotCount], 'a weight without its page');
  invariant(slot.kind === 'child', 'many records are a page');
  return slot.hash;
}

function noHashes(): (Uint8Array | null)[] {
  return Array.from({ length: 2 * slotCount }, () => null);
}

/** Every node from a slot up to the root has to be hashed again; the caller owns `hashes`. */
function forget(hashes: (Uint8Array | null)[], slotNode: number): void {
  for (let node = slotNode; node >= 1; node >>= 1) hashes[node] = null;
}

function weigh(slots: readonly StateSlot[]): Uint8Array {
  const weights = new Uint8Array(2 * slotCount);
  for (const [index, slot] of slots.entries()) {
    if (slot !== null) weights[slotCount + index] = slot.kind === 'leaf' ? 1 : 2;
  }
  for (let node = slotCount - 1; node >= 1; node -= 1) {
    weights[node] = Math.min(2, (weights[2 * node] ?? 0) + (weights[2 * node + 1] ?? 0));
  }
  return weights;
}

/** Inner nodes whose hash is stored: those with many records below, but for the root, whose hash the page above holds. */
function storedNodes(weights: Uint8Array): readonly number[] {
  const nodes: number[] = [];
  for (let node = 2; node < slotCount; node += 1) if (weights[node] === 2) nodes.push(node);
  return nodes;
}

/** version (1) ‖ bits of leaf slots (2) ‖ bits of child slots (2) ‖ slots in order (64 or 32 each) ‖ inner hashes (32 each). */
export function encodePage(page: StatePage): Uint8Array {
  const inner = storedNodes(page.weights);
  let size = headSize + hashSize * inner.length;
  for (const slot of page.slots) size += slotSize(slot);
  const bytes = new Uint8Array(size);
  bytes[0] = formatVersion;
  let offset = headSize;
  for (const [index, slot] of page.slots.entries()) {
    if (slot === null) continue;
    const bitsAt = (slot.kind === 'leaf' ? 1 : 3) + (index >> 3);
    bytes[bitsAt] = (bytes[bitsAt] ?? 0) | (1 << (index & 7));
    if (slot.kind === 'leaf') bytes.set(slot.valueHash, offset + hashSize);
    bytes.set(slot.kind === 'leaf' ? slot.keyHash : slot.hash, offset);
    offset += slotSize(slot);
  }
  for (const node of inner) {
    bytes.set(hashAt(page, node), offset);
    offset += hashSize;
  }
  return bytes;
}

function slotSize(slot: StateSlot): number {
  if (slot === null) return 0;
  return slot.kind === 'leaf' ? 2 * hashSize : hashSize;
}

/** Our own bytes back. Storage checks them against its checksum first; what is still wrong here is our fault. */
export function decodePage(bytes: Uint8Array): StatePage {
  invariant(bytes.length >= headSize && bytes[0] === formatVersion, 'a state page of another format');
  const slots: StateSlot[] = [];
  let offset = headSize;
  for (let index = 0; index < slotCount; index += 1) {
    const bit = 1 << (index & 7);
    const isLeaf = ((bytes[1 + (index >> 3)] ?? 0) & bit) !== 0;
    const isChild = ((bytes[3 + (index >> 3)] ?? 0) & bit) !== 0;
    invariant(!isLeaf || !isChild, 'a state slot of two kinds');
    const slot = isLeaf || isChild ? readSlot(bytes, offset, isLeaf) : null;
    offset += slotSize(slot);
    slots.push(slot);
  }
  const weights = weigh(slots);
  const hashes = noHashes();
  const inner = storedNodes(weights);
  invariant(bytes.length === offset + hashSize * inner.length, 'a state page of another length');
  for (const node of inner) {
    hashes[node] = bytes.subarray(offset, offset + hashSize);
    offset += hashSize;
  }
  return { slots, weights, hashes };
}

function readSlot(bytes: Uint8Array, offset: number, isLeaf: boolean): StateSlot {
  const first = bytes.subarray(offset, offset + hashSize);
  if (!isLeaf) return { kind: 'child', hash: first };
  return {
    kind: 'leaf',
    keyHash: first,
    valueHash: bytes.subarray(offset + hashSize, offset + 2 * hashSize),
  };
}
