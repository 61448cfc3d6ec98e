/**
 * Rows of the state that were read or written lately, so that a block does not ask LevelDB for the same members, doctors and
 * pages as the block before. Two generations: memory is bounded, and what is used stays.
 */

/** Bytes of one generation, keys and all; one that is full becomes the old one. */
const generationBytesMax = 8_388_608;
/** What a row costs beside its bytes. */
const rowOverhead = 128;

export class RowCache {
  #young = new Map<string, Uint8Array>();
  #old = new Map<string, Uint8Array>();
  #youngBytes = 0;

  /** The row, or null if it is not here: then only the database knows whether there is one. */
  get(key: string): Uint8Array | null {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old === undefined) return null;
    this.#keep(key, old);
    return old;
  }

  /** The row as the database holds it from now on; null for one that is gone. */
  set(key: string, value: Uint8Array | null): void {
    if (value !== null) {
      this.#keep(key, value);
      return;
    }
    this.#young.delete(key);
    this.#old.delete(key);
  }

  #keep(key: string, value: Uint8Array): void {
    const before = this.#young.get(key);
    this.#youngBytes += value.length - (before?.length ?? -key.length - rowOverhead);
    this.#young.set(key, value);
    if (this.#youngBytes < generationBytesMax) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngBytes = 0;
  }
}
