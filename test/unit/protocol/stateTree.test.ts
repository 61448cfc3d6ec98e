import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Digest } from '../../../protocol/brand.ts';
import { bytesToHex, compareBytes, compareText, utf8ToBytes } from '../../../protocol/bytes.ts';
import {
  stateKeyHash,
  stateLeafHash,
  stateNodeHash,
  StatePage,
  stateValueHash,
} from '../../../protocol/statePage.ts';
import { proveState, verifyStateProof, type StateProof } from '../../../protocol/stateProof.ts';
import { treeRoot, updateTree } from '../../../protocol/stateTree.ts';

type Records = ReadonlyMap<string, string>;
type Changes = readonly (readonly [string, string | null])[];

const emptyRoot = '00'.repeat(32) as Digest;

/** The definition of README.md, written down naively. */
function naiveRoot(records: Records): Digest {
  const leaves = [...records].map(([key, value]) => ({
    keyHash: stateKeyHash(utf8ToBytes(key)),
    valueHash: stateValueHash(utf8ToBytes(value)),
  }));
  return bytesToHex(naiveHash(leaves, 0)) as Digest;
}

function naiveHash(
  leaves: readonly { readonly keyHash: Uint8Array; readonly valueHash: Uint8Array }[],
  depth: number,
): Uint8Array {
  const [first] = leaves;
  if (first === undefined) return new Uint8Array(32);
  if (leaves.length === 1) return stateLeafHash(first);
  const isRight = ({ keyHash }: { readonly keyHash: Uint8Array }): boolean =>
    ((keyHash[depth >> 3] ?? 0) & (0x80 >> (depth & 7))) !== 0;
  return stateNodeHash(
    naiveHash(
      leaves.filter((leaf) => !isRight(leaf)),
      depth + 1,
    ),
    naiveHash(leaves.filter(isRight), depth + 1),
  );
}

/** A store of pages, as a host keeps it. */
class Pages {
  readonly stored = new Map<string, Uint8Array>();

  readonly read = (path: string): Uint8Array | null => this.stored.get(path) ?? null;

  apply(changes: Changes): Digest {
    const hashes = new Map(
      changes.map(([key, value]) => [key, value === null ? null : stateValueHash(utf8ToBytes(value))]),
    );
    const { root, pages } = updateTree(this.read, hashes);
    for (const [path, page] of pages) {
      if (page === null) this.stored.delete(path);
      else this.stored.set(path, page);
    }
    return root;
  }
}

function numbered(count: number): Map<string, string> {
  return new Map(Array.from({ length: count }, (_, index) => [`key/${index}`, `value ${index}`]));
}

function pagesOf(records: Records): { readonly pages: Pages; readonly root: Digest } {
  const pages = new Pages();
  return { pages, root: pages.apply([...records]) };
}

function applyTo(records: Map<string, string>, changes: Changes): void {
  for (const [key, value] of changes) {
    if (value === null) records.delete(key);
    else records.set(key, value);
  }
}

const keyOf = (number: number): string => `key/${number}`;
const changesOf: fc.Arbitrary<Changes> = fc
  .array(fc.tuple(fc.nat(60).map(keyOf), fc.option(fc.nat(5).map(String))), { maxLength: 40 })
  .map((changes) => [...new Map(changes)]);

describe('the state tree', () => {
  it('has a root of zeros when it is empty', () => {
    assert.equal(new Pages().apply([]), emptyRoot);
    assert.equal(naiveRoot(new Map()), emptyRoot);
  });

  it('has the leaf hash of a single record as its root', () => {
    const { pages, root } = pagesOf(new Map([['a', 'x']]));
    assert.equal(root, naiveRoot(new Map([['a', 'x']])));
    assert.equal(treeRoot(pages.read), root);
  });

  for (const count of [2, 3, 16, 17, 300]) {
    it(`has the root that its definition gives, for ${count} records at once`, () => {
      const records = numbered(count);
      assert.equal(pagesOf(records).root, naiveRoot(records));
    });
  }

  it('has the root that its definition gives after every block of inserts, updates and deletions', () => {
    fc.assert(
      fc.property(fc.array(changesOf, { maxLength: 8 }), (blocks) => {
        const pages = new Pages();
        const records = new Map<string, string>();
        for (const changes of blocks) {
          applyTo(records, changes);
          assert.equal(pages.apply(changes), naiveRoot(records));
          assert.equal(treeRoot(pages.read), naiveRoot(records));
        }
      }),
      { numRuns: 150 },
    );
  });

  it('keeps the same pages, byte for byte, in whatever order the records came', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...numbered(40)], { minLength: 40 }), fc.nat(39), (entries, cut) => {
        const pages = new Pages();
        pages.apply(entries.slice(0, cut));
        pages.apply([['key/extra', 'x']]);
        pages.apply(entries.slice(cut));
        pages.apply([['key/extra', null]]);
        const expected = pagesOf(numbered(40)).pages.stored;
        const sorted = (stored: ReadonlyMap<string, Uint8Array>): readonly string[] =>
          [...stored].map(([path, page]) => `${path} ${bytesToHex(page)}`).toSorted(compareText);
        assert.deepEqual(sorted(pages.stored), sorted(expected));
      }),
      { numRuns: 60 },
    );
  });

  it('leaves no page behind when everything is deleted', () => {
    const { pages } = pagesOf(numbered(200));
    assert.equal(pages.apply([...numbered(200).keys()].map((key) => [key, null] as const)), emptyRoot);
    assert.equal(pages.stored.size, 0);
  });

  it('is not changed by deleting what is not there, nor by writing what is there', () => {
    const { pages, root } = pagesOf(numbered(50));
    assert.equal(pages.apply([['nobody', null]]), root);
    assert.equal(pages.apply([['key/7', 'value 7']]), root);
  });

  it('writes only pages on the way of a change: a few for one record among a thousand', () => {
    const { pages } = pagesOf(numbered(1_000));
    const { pages: written } = updateTree(
      pages.read,
      new Map([['key/500', stateValueHash(utf8ToBytes('new'))]]),
    );
    assert.ok(written.size <= 5, `${written.size} pages`);
    const paths = [...written.keys()];
    assert.ok(paths.every((path, index) => index === 0 || (paths[index - 1] ?? '').startsWith(path)));
  });

  it('tells a leaf from an inner node and from a node of a list', () => {
    const left = new Uint8Array(32).fill(1);
    const right = new Uint8Array(32).fill(2);
    const hashes = [stateLeafHash({ keyHash: left, valueHash: right }), stateNodeHash(left, right)];
    assert.equal(compareBytes(hashes[0] ?? left, hashes[1] ?? left) === 0, false);
  });

  it('stops on pages that are not ours', () => {
    const page = pagesOf(numbered(20)).pages.read('') ?? new Uint8Array(0);
    const broken = [
      new Uint8Array(0),
      page.slice(0, -1),
      page.with(0, 9),
      new Uint8Array([...page, 0]),
      page.with(3, 0xff),
    ];
    for (const bytes of broken) assert.throws(() => new StatePage().open(bytes), { name: 'BrokenInvariant' });
  });
});

describe('proofs over the state tree', () => {
  it('prove every record, and that there is none under other keys', () => {
    fc.assert(
      fc.property(fc.nat(80), (count) => {
        const { pages, root } = pagesOf(numbered(count));
        for (let number = 0; number < 90; number += 1) {
          const key = keyOf(number);
          const value = number < count ? utf8ToBytes(`value ${number}`) : null;
          const proof = proveState(pages.read, key);
          assert.equal(verifyStateProof(root, { key, value }, proof), true);
          assert.equal(verifyStateProof(root, { key, value: utf8ToBytes('other') }, proof), false);
          if (value !== null) assert.equal(verifyStateProof(root, { key, value: null }, proof), false);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('prove that an empty state holds nothing', () => {
    const proof = proveState(new Pages().read, 'a');
    assert.deepEqual(proof, { other: null, siblings: [] });
    assert.equal(verifyStateProof(emptyRoot, { key: 'a', value: null }, proof), true);
  });

  it('prove after many blocks what they prove after one', () => {
    const pages = new Pages();
    for (const [key, value] of numbered(30)) pages.apply([[key, value]]);
    const atOnce = pagesOf(numbered(30)).pages;
    for (const key of numbered(30).keys()) {
      assert.deepEqual(proveState(pages.read, key), proveState(atOnce.read, key));
    }
  });

  it('fail with any of their bits changed, with a sibling more and with one less', () => {
    const { pages, root } = pagesOf(numbered(60));
    const claim = { key: 'key/5', value: utf8ToBytes('value 5') };
    const absent = { key: 'nobody', value: null };
    for (const current of [claim, absent]) {
      const proof = proveState(pages.read, current.key);
      assert.equal(verifyStateProof(root, current, proof), true);
      for (const altered of alterations(proof)) assert.equal(verifyStateProof(root, current, altered), false);
    }
  });

  it('cannot pass one record off as another’s absence', () => {
    const { pages, root } = pagesOf(numbered(60));
    const proof = proveState(pages.read, 'key/5');
    const keyHash = bytesToHex(stateKeyHash(utf8ToBytes('key/5'))) as Digest;
    const valueHash = bytesToHex(stateValueHash(utf8ToBytes('value 5'))) as Digest;
    const forged = { other: { keyHash, valueHash }, siblings: proof.siblings };
    assert.equal(verifyStateProof(root, { key: 'key/5', value: null }, forged), false);
    assert.equal(verifyStateProof(root, { key: 'key/6', value: null }, forged), false);
  });
});

function flipped(digest: Digest, bit: number): Digest {
  const at = bit >> 2;
  const nibble = Number.parseInt(digest[at] ?? '0', 16) ^ (1 << (bit & 3));
  return `${digest.slice(0, at)}${nibble.toString(16)}${digest.slice(at + 1)}` as Digest;
}

function* alterations(proof: StateProof): Generator<StateProof> {
  const { other, siblings } = proof;
  yield { other, siblings: [...siblings, emptyRoot] };
  yield { other, siblings: [emptyRoot, ...siblings] };
  yield { other, siblings: siblings.slice(1) };
  yield { other, siblings: siblings.slice(0, -1) };
  yield { other: { keyHash: emptyRoot, valueHash: emptyRoot }, siblings };
  for (let bit = 0; bit < 256; bit += 5) {
    for (const [index, sibling] of siblings.entries()) {
      yield { other, siblings: siblings.with(index, flipped(sibling, bit)) };
    }
    if (other === null) continue;
    yield { other: { ...other, keyHash: flipped(other.keyHash, bit) }, siblings };
    yield { other: { ...other, valueHash: flipped(other.valueHash, bit) }, siblings };
  }
}
