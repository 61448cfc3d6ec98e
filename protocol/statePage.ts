/**
 * Pages of the state tree: four levels of the binary tree in one stored value, addressed by the nibbles that lead to it. A
 * slot holds what lies below one more nibble. The hashes between the slots and the page's root are kept in the page, so that a
 * change costs four hashes and not fifteen. Pages are local storage, not protocol: only the hashes are agreed.
 */
import { hashPair, taggedHash, type Pair } from './hash.ts';
import { invariant, present } from './invariant.ts';

/** One record, as the tree sees it. Both hashes are 32 bytes. */
export interface StateLeaf {
  readonly keyHash: Uint8Array;
  readonly valueHash: Uint8Array;
}

export const slotCount = 16;
const nodeCount = 2 * slotCount;
const hashSize = 32;
const leafSize = 2 * hashSize;
const headSize = 5;
const formatVersion = 1;
/** The hash of a subtree without records. */
export const emptyHash: Uint8Array = new Uint8Array(hashSize);

export function stateKeyHash(key: Uint8Array): Uint8Array {
  return taggedHash('stateKey', key);
}

export function stateValueHash(value: Uint8Array): Uint8Array {
  return taggedHash('stateValue', value);
}

export function stateLeafHash(leaf: StateLeaf): Uint8Array {
  return taggedHash('stateLeaf', leaf.keyHash, leaf.valueHash);
}

export function stateNodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return taggedHash('stateNode', left, right);
}

/** The slots below each node of the heap, as bits. */
const slotsBelow: readonly number[] = Array.from({ length: nodeCount }, (_, node) => {
  if (node === 0) return 0;
  const level = 31 - Math.clz32(node);
  const width = slotCount >> level;
  return ((1 << width) - 1) << ((node - (1 << level)) * width);
});

// The memory of a page: the hash of every node of the heap, then key hash and value hash of every slot that is a leaf.
const hashPlace = (node: number): number => hashSize * node;
const leafPlace = (slot: number): number => hashSize * nodeCount + leafSize * slot;
const memorySize = leafPlace(slotCount);
/** Two halves stand beside each other, and so do the hashes of a leaf: each is hashed where it stands. */
const halvesOf: readonly Pair[] = Array.from({ length: slotCount }, (_, node) => ({
  from: hashPlace(2 * node),
  to: hashPlace(node),
}));
const leafOf: readonly Pair[] = Array.from({ length: slotCount }, (_, slot) => ({
  from: leafPlace(slot),
  to: hashPlace(slotCount + slot),
}));
const emptyPageBytes = Uint8Array.of(formatVersion, 0, 0, 0, 0);

/**
 * One page to read or to change. Its 31 nodes stand in a heap: 1 is the root, 2k and 2k+1 are below k, 16..31 are the slots. It is
 * the stored bytes and what changed since; a hash is read or computed when it is asked for. A block changes thousands of pages, so
 * one object serves for many, one after another, and all hashes stand in one memory.
 */
export class StatePage {
  readonly #memory = new Uint8Array(memorySize);
  #bytes: Uint8Array = emptyPageBytes;
  /** Bit i: slot i is a leaf (a child) in the stored bytes. */
  #storedLeaves = 0;
  #storedChildren = 0;
  /** Bit k: the stored bytes hold the hash of inner node k. */
  #storedInner = 0;
  /** Where the hashes of inner nodes begin in the stored bytes. */
  #innerOffset = headSize;
  #leaves = 0;
  #children = 0;
  /** Bit i: slot i is not what the bytes say. */
  #changed = 0;
  /** Bit k: the hash of node k is in the memory. */
  #known = 0;

  /** From here on the page that is stored so, or an empty one. What is wrong with our own bytes, storage's checksum has found before. */
  open(stored: Uint8Array | null): this {
    const bytes = stored ?? emptyPageBytes;
    invariant(bytes.length >= headSize && bytes[0] === formatVersion, 'a state page of another format');
    const leaves = bits16(bytes, 1);
    const children = bits16(bytes, 3);
    invariant((leaves & children) === 0, 'a state slot of two kinds');
    this.#bytes = bytes;
    this.#storedLeaves = leaves;
    this.#storedChildren = children;
    this.#leaves = leaves;
    this.#children = children;
    this.#changed = 0;
    this.#known = 0;
    this.#storedInner = this.#heavyInner();
    this.#innerOffset = headSize + leafSize * bitCount(leaves) + hashSize * bitCount(children);
    invariant(bytes.length === this.#size(), 'a state page of another length');
    return this;
  }

  /** How many records are below a node: 0, 1, or 2 for any more. */
  weight(node: number): 0 | 1 | 2 {
    const below = slotsBelow[node] ?? 0;
    if ((this.#children & below) !== 0) return 2;
    const leaves = this.#leaves & below;
    if (leaves === 0) return 0;
    return (leaves & (leaves - 1)) === 0 ? 1 : 2;
  }

  /** Two or more records are below the slot, in a page of their own. */
  isChild(slot: number): boolean {
    return ((this.#children >> slot) & 1) === 1;
  }

  /** The one record below a node, or null if there is none or more than one. */
  onlyLeaf(node: number): StateLeaf | null {
    if (this.weight(node) !== 1) return null;
    const at = this.#loadLeaf(this.#onlySlot(node));
    return {
      keyHash: this.#memory.slice(at, at + hashSize),
      valueHash: this.#memory.slice(at + hashSize, at + leafSize),
    };
  }

  /** The hash of a node. 32 bytes of their own. */
  hash(node: number): Uint8Array {
    this.#settle(node);
    return this.#memory.slice(hashPlace(node), hashPlace(node + 1));
  }

  clear(slot: number): void {
    this.#change(slot, { leaf: 0, child: 0 });
  }

  setLeaf(slot: number, { keyHash, valueHash }: StateLeaf): void {
    this.#change(slot, { leaf: 1, child: 0 });
    const at = leafPlace(slot);
    this.#memory.set(keyHash, at);
    this.#memory.set(valueHash, at + hashSize);
  }

  /**
   * What the page below shows in this one: a page with a single record gives it up to the slot, so that nothing is ever deeper than it
   * must be, and one without any leaves the slot empty.
   */
  adopt(slot: number, page: StatePage): void {
    const weight = page.weight(1);
    const leaf = page.onlyLeaf(1);
    if (leaf !== null) this.setLeaf(slot, leaf);
    else if (weight === 0) this.clear(slot);
    else {
      this.#change(slot, { leaf: 0, child: 1 });
      page.#settle(1);
      const node = slotCount + slot;
      copy(page.#memory, hashPlace(1), { out: this.#memory, at: hashPlace(node), size: hashSize });
      this.#known |= 1 << node;
    }
  }

  /**
   * version (1) ‖ bits of leaf slots (2) ‖ bits of child slots (2) ‖ slots in order (leaf: key hash, value hash; child: hash) ‖
   * hashes of the inner nodes 2..15 that have two or more records below them, in order.
   */
  encode(): Uint8Array {
    if (this.#changed === 0) return this.#bytes;
    const isSameLayout = this.#leaves === this.#storedLeaves && this.#children === this.#storedChildren;
    return isSameLayout ? this.#patched() : this.#written();
  }

  /** Most changes leave every slot of its kind: then the bytes stay where they are, and few of them change. */
  #patched(): Uint8Array {
    const out = this.#bytes.slice();
    for (let slot = 0; slot < slotCount; slot += 1) {
      if (((this.#changed >> slot) & 1) === 1) this.#writeSlot(slot, out, this.#slotOffset(slot));
    }
    let at = this.#innerOffset;
    for (let node = 2; node < slotCount; node += 1) {
      if (((this.#storedInner >> node) & 1) === 0) continue;
      if ((this.#changed & (slotsBelow[node] ?? 0)) !== 0) this.#writeHash(node, out, at);
      at += hashSize;
    }
    return out;
  }

  #written(): Uint8Array {
    const out = new Uint8Array(this.#size());
    out[0] = formatVersion;
    writeBits16(out, 1, this.#leaves);
    writeBits16(out, 3, this.#children);
    let at = headSize;
    for (let slot = 0; slot < slotCount; slot += 1) at = this.#writeSlot(slot, out, at);
    for (let node = 2; node < slotCount; node += 1) {
      if (this.weight(node) === 2) at = this.#writeHash(node, out, at);
    }
    return out;
  }

  /** Gives the offset after what was written. */
  #writeSlot(slot: number, out: Uint8Array, at: number): number {
    if (this.isChild(slot)) return this.#writeHash(slotCount + slot, out, at);
    if (((this.#leaves >> slot) & 1) === 0) return at;
    copy(this.#memory, this.#loadLeaf(slot), { out, at, size: leafSize });
    return at + leafSize;
  }

  #writeHash(node: number, out: Uint8Array, at: number): number {
    this.#settle(node);
    copy(this.#memory, hashPlace(node), { out, at, size: hashSize });
    return at + hashSize;
  }

  /** Size of the encoding. */
  #size(): number {
    const hashCount = bitCount(this.#children) + bitCount(this.#heavyInner());
    return headSize + leafSize * bitCount(this.#leaves) + hashSize * hashCount;
  }

  /** Inner nodes but the root with two or more records below them, as bits. */
  #heavyInner(): number {
    let bits = 0;
    for (let node = 2; node < slotCount; node += 1) if (this.weight(node) === 2) bits |= 1 << node;
    return bits;
  }

  #change(slot: number, { leaf, child }: { readonly leaf: 0 | 1; readonly child: 0 | 1 }): void {
    const bit = 1 << slot;
    this.#changed |= bit;
    this.#leaves = (this.#leaves & ~bit) | (leaf << slot);
    this.#children = (this.#children & ~bit) | (child << slot);
    for (let node = slotCount + slot; node >= 1; node >>= 1) this.#known &= ~(1 << node);
  }

  #onlySlot(node: number): number {
    return 31 - Math.clz32(this.#leaves & (slotsBelow[node] ?? 0));
  }

  /** Sees to it that a leaf's hashes are in the memory; gives where. */
  #loadLeaf(slot: number): number {
    const at = leafPlace(slot);
    const isStored = ((this.#changed >> slot) & 1) === 0;
    if (isStored) copy(this.#bytes, this.#slotOffset(slot), { out: this.#memory, at, size: leafSize });
    return at;
  }

  /** Sees to it that the hash of a node is in the memory. */
  #settle(node: number): void {
    if (((this.#known >>> node) & 1) === 1) return;
    this.#known |= 1 << node;
    const at = hashPlace(node);
    const weight = this.weight(node);
    if (weight === 0) this.#memory.fill(0, at, at + hashSize);
    else if (weight === 1) this.#settleLeaf(node);
    else if (node === 1 || (this.#changed & (slotsBelow[node] ?? 0)) !== 0) {
      invariant(node < slotCount, 'the hash of a child that changed is known');
      this.#settle(2 * node);
      this.#settle(2 * node + 1);
      hashPair('stateNode', this.#memory, present(halvesOf[node], 'an inner node has two halves'));
    } else copy(this.#bytes, this.#hashOffset(node), { out: this.#memory, at, size: hashSize });
  }

  #settleLeaf(node: number): void {
    const slot = this.#onlySlot(node);
    const leafNode = slotCount + slot;
    if (node !== leafNode) {
      this.#settle(leafNode);
      const from = hashPlace(leafNode);
      this.#memory.copyWithin(hashPlace(node), from, from + hashSize);
      return;
    }
    this.#loadLeaf(slot);
    hashPair('stateLeaf', this.#memory, present(leafOf[slot], 'a slot may be a leaf'));
  }

  #slotOffset(slot: number): number {
    const before = (1 << slot) - 1;
    const leafCount = bitCount(this.#storedLeaves & before);
    return headSize + leafSize * leafCount + hashSize * bitCount(this.#storedChildren & before);
  }

  /** Where the stored bytes hold the hash of a node with many records. */
  #hashOffset(node: number): number {
    if (node >= slotCount) return this.#slotOffset(node - slotCount);
    return this.#innerOffset + hashSize * bitCount(this.#storedInner & ((1 << node) - 1));
  }
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

function bits16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}

function writeBits16(out: Uint8Array, at: number, bits: number): void {
  // Assignment to an element of a Uint8Array keeps the lowest eight bits.
  out[at] = bits;
  out[at + 1] = bits >> 8;
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}
