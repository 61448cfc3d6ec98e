/**
 * Rows of the state that were read or written lately, and that others are not there, so that a block does not ask LevelDB for the
 * same members, doctors and pages as the block before. Two generations: memory is bounded, and what is used stays.
 */

/** Bytes of one generation, keys and all; one that is full becomes the old one. */
const generationBytesMax = 8_388_608;
/** What a row costs beside its bytes. */
const rowOverhead = 128;

/** A row's bytes; null for one that is not there. */
type Known = Uint8Array | null;

export class RowCache {
  #young = new Map<string, Known>();
  #old = new Map<string, Known>();
  #youngBytes = 0;
  readonly #read: (key: string) => Known;

  /** `read` asks the database. */
  constructor(read: (key: string) => Known) {
    this.#read = read;
  }

  /** The row, or null if there is none. */
  get(key: string): Known {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    const row = old === undefined ? this.#read(key) : old;
    this.set(key, row);
    return row;
  }

  /** The row as the database holds it from now on; null for one that is gone. */
  set(key: string, value: Known): void {
    const before = this.#young.get(key);
    const beforeBytes = before === undefined ? -key.length - rowOverhead : sizeOf(before);
    this.#youngBytes += sizeOf(value) - beforeBytes;
    this.#young.set(key, value);
    if (this.#youngBytes < generationBytesMax) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngBytes = 0;
  }
}

function sizeOf(value: Known): number {
  return value === null ? 0 : value.length;
}
