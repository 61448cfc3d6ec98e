import assert from 'node:assert/strict';
import { UnfinalBlocks } from '../../../node/blockBook.ts';
import { headerDigest, type Block } from '../../../protocol/block.ts';
import type { Height } from '../../../protocol/brand.ts';
import { aHeader } from '../../support/chain.ts';

function aBlock(height: number): Block {
  return { header: aHeader({ height: height as Height }), batchDigests: [] };
}

function isHeld(book: UnfinalBlocks, block: Block): boolean {
  return book.find(headerDigest(block.header)) === block;
}

describe('the book of blocks that are not final', () => {
  it('finds what it was given, by digest', () => {
    const book = new UnfinalBlocks();
    const [one, two] = [aBlock(1), aBlock(2)];
    book.keep([one]);
    assert.deepEqual([isHeld(book, one), isHeld(book, two)], [true, false]);
  });

  it('forgets what is final', () => {
    const book = new UnfinalBlocks();
    const blocks = [1, 2, 3].map(aBlock);
    book.keep(blocks);
    book.forgetUpTo(2 as Height);
    assert.deepEqual(
      blocks.map((block) => isHeld(book, block)),
      [false, false, true],
    );
  });

  it('holds 2,048 blocks, the newest ones', () => {
    const book = new UnfinalBlocks();
    const blocks = Array.from({ length: 2_049 }, (_, index) => aBlock(index + 1));
    book.keep(blocks.slice(0, 2_048));
    assert.deepEqual(
      [blocks[0], blocks[2_047]].map((block) => block !== undefined && isHeld(book, block)),
      [true, true],
    );
    book.keep(blocks.slice(2_048));
    assert.deepEqual(
      [blocks[0], blocks[1], blocks[2_048]].map((block) => block !== undefined && isHeld(book, block)),
      [false, true, true],
    );
  });

  it('loses nothing for a block that it holds already', () => {
    const book = new UnfinalBlocks();
    const blocks = Array.from({ length: 2_048 }, (_, index) => aBlock(index + 1));
    book.keep(blocks);
    book.keep(blocks.slice(-1));
    assert.equal(
      blocks.every((block) => isHeld(book, block)),
      true,
    );
  });
});
