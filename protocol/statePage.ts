/**
 * Pages of the state tree: four levels of the binary tree in one stored value, addressed by the nibbles that lead to it. A
 * slot holds what lies below one more nibble. The hashes between the slots and the page's root are kept in the page, so that a
 * change costs four hashes and not fifteen. Pages are local storage, not protocol: only the hashes are agreed.
 */
import { taggedHash } from './hash.ts';
import { invariant } from './invariant.ts';

/** One record, as the tree sees it. Both hashes are 32 bytes. */
export interface StateLeaf {
  readonly kind: 'leaf';
  readonly keyHash: Uint8Array;
  readonly valueHash: Uint8Array;
}

/** Two or more records further down, in a page of their own. */
interface StateChild {
  readonly kind: 'child';
  readonly hash: Uint8Array;
}

export type StateSlot = StateLeaf | StateChild | null;

/**
 * The 31 nodes of a page stand in a heap: 1 is the page's root, 2k and 2k+1 are below k, 16..31 are the slots. A page is its
 * bytes and what changed since; slots and hashes are read from the bytes when they are asked for.
 */
export interface StatePage {
  readonly bytes: Uint8Array;
  /** Where in the bytes a slot or the stored hash of an inner node is; 0 where it is not. By heap node. */
  readonly offsets: Uint16Array;
  /** How many records are below a node: 0, 1, or 2 for any more. By heap node. */
  readonly weights: Uint8Array;
  /** Bit i: slot i is not what the bytes say. */
  readonly changed: number;
  /** What changed, and what was read already; by slot. */
  readonly slots: (StateSlot | undefined)[];
  /** What was computed or read already; by heap node. */
  readonly hashes: (Uint8Array | undefined)[];
}

export const slotCount = 16;
const hashSize = 32;
const leafSize = 2 * hashSize;
const headSize = 5;
const formatVersion = 1;
/** The hash of a subtree without records. */
export const emptyHash: Uint8Array = new Uint8Array(hashSize);
const emptyPageBytes = Uint8Array.of(formatVersion, 0, 0, 0, 0);

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
  return decodePage(emptyPageBytes);
}

/** Our own bytes back. Storage checks them against its checksum first; what is still wrong here is our fault. */
export function decodePage(bytes: Uint8Array): StatePage {
  invariant(bytes.length >= headSize && bytes[0] === formatVersion, 'a state page of another format');
  const leaves = bits16(bytes, 1);
  const children = bits16(bytes, 3);
  invariant((leaves & children) === 0, 'a state slot of two kinds');
  const offsets = new Uint16Array(2 * slotCount);
  const weights = weigh(leaves, children);
  let offset = headSize;
  for (let node = slotCount; node < 2 * slotCount; node += 1) {
    const weight = weights[node] ?? 0;
    if (weight === 0) continue;
    offsets[node] = offset;
    offset += weight === 1 ? leafSize : hashSize;
  }
  for (let node = 2; node < slotCount; node += 1) {
    if (weights[node] !== 2) continue;
    offsets[node] = offset;
    offset += hashSize;
  }
  invariant(bytes.length === offset, 'a state page of another length');
  return { bytes, offsets, weights, changed: 0, slots: [], hashes: [] };
}

/** The page with other slots; `changes` by slot, with no entry for a slot that stays. */
export function withSlots(page: StatePage, changes: ReadonlyMap<number, StateSlot>): StatePage {
  const slots = [...page.slots];
  let { changed } = page;
  let leaves = bitsOfWeight(page, 1);
  let children = bitsOfWeight(page, 2);
  for (const [index, slot] of changes) {
    const bit = 1 << index;
    slots[index] = slot;
    changed |= bit;
    leaves = slot?.kind === 'leaf' ? leaves | bit : leaves & ~bit;
    children = slot?.kind === 'child' ? children | bit : children & ~bit;
  }
  return { ...page, weights: weigh(leaves, children), changed, slots, hashes: [] };
}

/** What is at a slot, 0..15. */
export function slotAt(page: StatePage, index: number): StateSlot {
  const known = page.slots[index];
  if (known !== undefined) return known;
  const slot = readSlot(page, slotCount + index);
  page.slots[index] = slot;
  return slot;
}

function readSlot(page: StatePage, node: number): StateSlot {
  const { bytes } = page;
  const weight = page.weights[node] ?? 0;
  const offset = page.offsets[node] ?? 0;
  if (weight === 0) return null;
  const first = bytes.subarray(offset, offset + hashSize);
  if (weight === 2) return { kind: 'child', hash: first };
  return { kind: 'leaf', keyHash: first, valueHash: bytes.subarray(offset + hashSize, offset + leafSize) };
}

/** The hash of a node of the heap, computed once, or read if nothing below it changed. */
export function hashAt(page: StatePage, node: number): Uint8Array {
  const weight = page.weights[node] ?? 0;
  if (weight === 0) return emptyHash;
  const known = page.hashes[node];
  if (known !== undefined) return known;
  const hash = weight === 1 ? stateLeafHash(onlyLeaf(page, node)) : hashOfMany(page, node);
  page.hashes[node] = hash;
  return hash;
}

function hashOfMany(page: StatePage, node: number): Uint8Array {
  if (node >= slotCount) {
    const slot = slotAt(page, node - slotCount);
    invariant(slot !== null && slot.kind === 'child', 'many records are a page');
    return slot.hash;
  }
  if (node > 1 && (page.changed & slotsBelow(node)) === 0) {
    const offset = page.offsets[node] ?? 0;
    return page.bytes.subarray(offset, offset + hashSize);
  }
  return stateNodeHash(hashAt(page, 2 * node), hashAt(page, 2 * node + 1));
}

/** The one record below a node of weight 1. */
export function onlyLeaf(page: StatePage, node: number): StateLeaf {
  let place = node;
  while (place < slotCount) place = page.weights[2 * place] === 0 ? 2 * place + 1 : 2 * place;
  const slot = slotAt(page, place - slotCount);
  invariant(slot !== null && slot.kind === 'leaf', 'a single record is a leaf');
  return slot;
}

/**
 * version (1) ‖ bits of leaf slots (2) ‖ bits of child slots (2) ‖ slots in order (leaf: key hash, value hash; child: hash) ‖
 * hashes of the inner nodes 2..15 that have two or more records below them, in order.
 */
export function encodePage(page: StatePage): Uint8Array {
  if (page.changed === 0) return page.bytes;
  const { bytes, offsets, weights, changed } = page;
  const out = new Uint8Array(encodedSize(weights));
  out[0] = formatVersion;
  writeBits16(out, 1, bitsOfWeight(page, 1));
  writeBits16(out, 3, bitsOfWeight(page, 2));
  let at = headSize;
  for (let index = 0; index < slotCount; index += 1) {
    const weight = weights[slotCount + index] ?? 0;
    const size = slotSize(weight);
    if (weight > 0 && (changed & (1 << index)) === 0)
      copy(bytes, offsets[slotCount + index] ?? 0, { out, at, size });
    else if (weight > 0) writeSlot(out, at, slotAt(page, index));
    at += size;
  }
  for (let node = 2; node < slotCount; node += 1) {
    if (weights[node] !== 2) continue;
    if ((changed & slotsBelow(node)) === 0) copy(bytes, offsets[node] ?? 0, { out, at, size: hashSize });
    else out.set(hashAt(page, node), at);
    at += hashSize;
  }
  return out;
}

function encodedSize(weights: Uint8Array): number {
  let size = headSize;
  for (let node = 2; node < slotCount; node += 1) if (weights[node] === 2) size += hashSize;
  for (let node = slotCount; node < 2 * slotCount; node += 1) size += slotSize(weights[node] ?? 0);
  return size;
}

function slotSize(weight: number): number {
  if (weight === 0) return 0;
  return weight === 1 ? leafSize : hashSize;
}

/** A loop: for so few bytes it is faster than a view over them. */
function copy(
  bytes: Uint8Array,
  from: number,
  to: { readonly out: Uint8Array; readonly at: number; readonly size: number },
): void {
  const { out, at, size } = to;
  for (let index = 0; index < size; index += 1) out[at + index] = bytes[from + index] ?? 0;
}

function writeSlot(out: Uint8Array, at: number, slot: StateSlot): void {
  if (slot === null) return;
  out.set(slot.kind === 'leaf' ? slot.keyHash : slot.hash, at);
  if (slot.kind === 'leaf') out.set(slot.valueHash, at + hashSize);
}

function bits16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}

function writeBits16(out: Uint8Array, at: number, bits: number): void {
  // Assignment to an element of a Uint8Array keeps the lowest eight bits.
  out[at] = bits;
  out[at + 1] = bits >> 8;
}

/** Slots of this weight, as bits. */
function bitsOfWeight(page: StatePage, weight: number): number {
  let bits = 0;
  for (let index = 0; index < slotCount; index += 1) {
    if (page.weights[slotCount + index] === weight) bits |= 1 << index;
  }
  return bits;
}

/** The slots below an inner node, as bits. */
function slotsBelow(node: number): number {
  const level = 31 - Math.clz32(node);
  const width = slotCount >> level;
  return ((1 << width) - 1) << ((node - (1 << level)) * width);
}

function weigh(leaves: number, children: number): Uint8Array {
  const weights = new Uint8Array(2 * slotCount);
  for (let index = 0; index < slotCount; index += 1) {
    weights[slotCount + index] = ((leaves >> index) & 1) + 2 * ((children >> index) & 1);
  }
  for (let node = slotCount - 1; node >= 1; node -= 1) {
    weights[node] = Math.min(2, (weights[2 * node] ?? 0) + (weights[2 * node + 1] ?? 0));
  }
  return weights;
}
