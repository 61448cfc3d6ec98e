/**
 * The authenticated state: a compressed sparse Merkle tree over the hashes of the record keys. A subtree without records is 32
 * zero bytes, one with a single record is that record's leaf hash, any other is the hash of its two halves; so the root
 * depends on the records alone, never on the order in which they came, and a change costs log n hashes.
 */
import type { Digest } from './brand.ts';
import { bytesToHex, compareBytes, utf8ToBytes } from './bytes.ts';
import { invariant, present } from './invariant.ts';
import { slotCount, stateKeyHash, StatePage, type StateLeaf } from './statePage.ts';

/** Encoded page at a path of nibbles in hex digits, '' for the root page, or null. */
export type PageReader = (path: string) => Uint8Array | null;

export interface TreeUpdate {
  readonly root: Digest;
  /** Pages that changed; null for those that are gone. In the order of a walk from left to right, children first. */
  readonly pages: ReadonlyMap<string, Uint8Array | null>;
}

interface Change {
  readonly keyHash: Uint8Array;
  /** Null deletes the record. */
  readonly valueHash: Uint8Array | null;
}

/** A page to update: where it is, and its bytes; null for one that is only being made. */
interface Target {
  readonly path: string;
  readonly stored: Uint8Array | null;
}

interface Walk {
  readonly read: PageReader;
  readonly pages: Map<string, Uint8Array | null>;
  /** By depth: of each depth one page is at work at a time. */
  readonly desks: StatePage[];
}

const nibbleDigits = '0123456789abcdef';
/** 256 bits of key hash in steps of four. */
const pathLengthMax = 64;

/**
 * The tree after `changes`: value hashes by record key, null to delete. Every page that lies on the way of a change is read
 * and hashed once, however many changes it has below it. Deleting what is not there changes nothing.
 */
export function updateTree(read: PageReader, changes: ReadonlyMap<string, Uint8Array | null>): TreeUpdate {
  if (changes.size === 0) return { root: treeRoot(read), pages: new Map() };
  const found: Change[] = [];
  for (const [key, valueHash] of changes) found.push({ keyHash: stateKeyHash(utf8ToBytes(key)), valueHash });
  const sorted = found.toSorted((a, b) => compareBytes(a.keyHash, b.keyHash));
  const walk: Walk = { read, pages: new Map(), desks: [] };
  const page = updatePage(walk, { path: '', stored: read('') }, sorted);
  // The root page stays even with a single record: nothing above it could hold that one.
  if (page.weight(1) === 1) walk.pages.set('', page.encode());
  return { root: bytesToHex(page.hash(1)) as Digest, pages: walk.pages };
}

/** The root that the stored pages give. */
export function treeRoot(read: PageReader): Digest {
  return bytesToHex(new StatePage().open(read('')).hash(1)) as Digest;
}

/**
 * `changes` are sorted, distinct, and all below the page. A page with fewer than two records is given up. The page that is given back
 * is as it is until the next update at this depth.
 */
function updatePage(walk: Walk, target: Target, changes: readonly Change[]): StatePage {
  const { path, stored } = target;
  invariant(path.length < pathLengthMax, 'two keys with one hash');
  const page = (walk.desks[path.length] ??= new StatePage()).open(stored);
  let from = 0;
  while (from < changes.length) {
    const nibble = nibbleAt(present(changes[from], 'a change').keyHash, path.length);
    let to = from + 1;
    while (to < changes.length && nibbleAt(present(changes[to], 'a change').keyHash, path.length) === nibble)
      to += 1;
    updateSlot(walk, { page, path, nibble }, changes.slice(from, to));
    from = to;
  }
  if (page.weight(1) === 2) walk.pages.set(path, page.encode());
  else if (stored !== null) walk.pages.set(path, null);
  return page;
}

/** What lies below one more nibble, after the changes there. */
function updateSlot(
  walk: Walk,
  place: { readonly page: StatePage; readonly path: string; readonly nibble: number },
  changes: readonly Change[],
): void {
  const { page, nibble } = place;
  const path = place.path + (nibbleDigits[nibble] ?? '');
  if (page.isChild(nibble)) {
    const stored = present(walk.read(path), 'a page of the state tree is missing');
    page.adopt(nibble, updatePage(walk, { path, stored }, changes));
    return;
  }
  const leaf = page.onlyLeaf(slotCount + nibble);
  const leaves = leavesOf(leaf === null ? changes : mergeLeaf(leaf, changes));
  const [first] = leaves;
  if (first === undefined) page.clear(nibble);
  else if (leaves.length === 1) page.setLeaf(nibble, first);
  else page.adopt(nibble, updatePage(walk, { path, stored: null }, leaves));
}

function leavesOf(changes: readonly Change[]): readonly StateLeaf[] {
  const leaves: StateLeaf[] = [];
  for (const { keyHash, valueHash } of changes) if (valueHash !== null) leaves.push({ keyHash, valueHash });
  return leaves;
}

/** The record that is there already as one more change, in its place, unless it is changed itself. */
function mergeLeaf(leaf: StateLeaf, changes: readonly Change[]): readonly Change[] {
  let at = 0;
  for (const change of changes) {
    const order = compareBytes(change.keyHash, leaf.keyHash);
    if (order === 0) return changes;
    if (order < 0) at += 1;
  }
  return changes.toSpliced(at, 0, leaf);
}

export function nibbleAt(keyHash: Uint8Array, position: number): number {
  const byte = keyHash[position >> 1] ?? 0;
  return position % 2 === 0 ? byte >> 4 : byte & (slotCount - 1);
}
