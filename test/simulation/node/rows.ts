/**
 * A database of rows as LevelDB promises it: a batch is atomic, a synced one is durable with all before it, and one that was under way
 * when the process ended is there whole or not at all.
 */
import type { RawBatch, RawDatabase, RawIterator, RawRange } from '../../../node/storage/disk.ts';
import { compareText } from '../../../protocol/bytes.ts';
import type { Random } from '../../../devnet/generator/random.ts';

interface Change {
  readonly key: string;
  /** Null deletes. */
  readonly value: Uint8Array | null;
}

/** How a write goes: it calls `apply` when it is on the disk, and resolves or rejects when the process is to know. */
export type WriteRows = (apply: () => void) => Promise<void>;

export class SimulatedRows {
  #rows = new Map<string, Uint8Array>();
  /** Writes whose outcome nobody knows yet. */
  #undecided: (() => void)[] = [];

  has(key: string): boolean {
    return this.#rows.has(key);
  }

  get size(): number {
    return this.#rows.size;
  }

  entries(): Iterable<[string, Uint8Array]> {
    return this.#rows;
  }

  clone(): SimulatedRows {
    const copy = new SimulatedRows();
    copy.#rows = new Map(this.#rows);
    return copy;
  }

  /** The process is gone: what was under way is there or not. */
  settle(random: Random): void {
    for (const apply of this.#undecided) if (random.chance(0.5)) apply();
    this.#undecided = [];
  }

  /** One bit of one row's value turns over; false if there is nothing to turn. */
  flipBit(random: Random): boolean {
    const key = [...this.#rows.keys()][random.below(Math.max(1, this.#rows.size))];
    const value = key === undefined ? undefined : this.#rows.get(key);
    if (key === undefined || value === undefined) return false;
    const flipped = new Uint8Array(value);
    const offset = random.below(flipped.length);
    flipped[offset] = (flipped[offset] ?? 0) ^ (1 << random.below(8));
    this.#rows.set(key, flipped);
    return true;
  }

  /** What one process opens. `beforeRead` may throw. */
  handle(ports: { readonly write: WriteRows; readonly beforeRead: () => void }): RawDatabase {
    const noSnapshot = { close: async (): Promise<void> => undefined };
    return {
      getSync: (key) => {
        ports.beforeRead();
        return this.#rows.get(key);
      },
      // Rows change only when a write ends, so that what is there is the state before the write under way.
      snapshot: () => noSnapshot,
      batch: () => this.#batch(ports.write),
      iterator: (range) => this.#iterator(range, ports.beforeRead),
      close: async () => undefined,
    };
  }

  #batch(write: WriteRows): RawBatch {
    const changes: Change[] = [];
    return {
      put: (key, value) => changes.push({ key, value }),
      del: (key) => changes.push({ key, value: null }),
      write: async () => {
        const apply = (): void => this.#apply(changes);
        this.#undecided.push(apply);
        await write(() => {
          this.#undecided = this.#undecided.filter((other) => other !== apply);
          apply();
        });
      },
    };
  }

  #apply(changes: readonly Change[]): void {
    for (const { key, value } of changes) {
      if (value === null) this.#rows.delete(key);
      else this.#rows.set(key, value);
    }
  }

  #iterator({ gt, lt, limit, reverse }: RawRange, beforeRead: () => void): RawIterator {
    return {
      all: async () => {
        beforeRead();
        const keys = [...this.#rows.keys()].filter((key) => key > gt && key < lt).toSorted(compareText);
        if (reverse) keys.reverse();
        return keys.slice(0, limit).map((key) => [key, this.#rows.get(key) ?? new Uint8Array(0)]);
      },
      close: async () => undefined,
    };
  }
}
