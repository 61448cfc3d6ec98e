/** Blocks that are not final yet, by digest: what proposals, fetches and the safety log brought. Bounded; final ones are forgotten. */
import { headerDigest, type Block } from '../protocol/block.ts';
import type { Digest, Height } from '../protocol/brand.ts';
import type { BlockBook } from './validator.ts';

const blocksKeptMax = 2_048;

export class UnfinalBlocks implements BlockBook {
  readonly #blocks = new Map<Digest, Block>();

  readonly find = (digest: Digest): Block | null => this.#blocks.get(digest) ?? null;

  readonly keep = (blocks: readonly Block[]): void => {
    for (const block of blocks) {
      const digest = headerDigest(block.header);
      if (this.#blocks.has(digest)) continue;
      const oldest = this.#blocks.keys().next();
      if (this.#blocks.size >= blocksKeptMax && oldest.done !== true) this.#blocks.delete(oldest.value);
      this.#blocks.set(digest, block);
    }
  };

  forgetUpTo(height: Height): void {
    for (const [digest, block] of this.#blocks) {
      if (block.header.height <= height) this.#blocks.delete(digest);
    }
  }
}
