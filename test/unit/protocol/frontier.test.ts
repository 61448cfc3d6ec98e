import assert from 'node:assert/strict';
import { utf8ToBytes } from '../../../protocol/bytes.ts';
import { appendLeaf, emptyFrontier, frontierRoot } from '../../../protocol/frontier.ts';
import { merkleRoot } from '../../../protocol/merkle.ts';

describe('a frontier', () => {
  it('gives the root of the whole tree at every size', () => {
    const leaves: Uint8Array[] = [];
    let frontier = emptyFrontier;
    for (let size = 0; size <= 70; size += 1) {
      assert.equal(frontierRoot(frontier), merkleRoot(leaves));
      assert.equal(frontier.roots.length, size.toString(2).replaceAll('0', '').length);
      const leaf = utf8ToBytes(`leaf ${size}`);
      leaves.push(leaf);
      frontier = appendLeaf(frontier, leaf);
    }
  });
});
