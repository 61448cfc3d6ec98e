/** Where a node keeps what. What can be had again from the others stands under data/; keys and the safety log stand apart. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { PublicKey } from '../../protocol/brand.ts';
import { storageFailure } from './failure.ts';

export interface Layout {
  readonly home: string;
  /** Key files; out of reach of every reset and restore (W6). */
  readonly keys: string;
  /** The safety log; out of reach of every reset and restore (W6). */
  readonly safety: string;
  readonly data: string;
  readonly ledger: string;
  readonly batches: string;
  /** Sealed documents and local secrets: outside the chain, erasable. */
  readonly sealed: string;
  /** State after certain blocks for members that join, and what was fetched of others'. */
  readonly snapshots: string;
  /** Where a repair builds what will take the place of `data` and `anchor`. */
  readonly repair: string;
  /** File that says how far the ledger had come; outside the database that it guards. */
  readonly anchor: string;
}

export function layoutOf(home: string): Layout {
  const data = join(home, 'data');
  return {
    home,
    keys: join(home, 'keys'),
    safety: join(home, 'safety'),
    data,
    ledger: join(data, 'ledger'),
    batches: join(data, 'batches'),
    sealed: join(data, 'sealed'),
    snapshots: join(data, 'snapshots'),
    repair: join(home, 'repair'),
    anchor: join(home, 'anchor'),
  };
}

/** Where the safety log of a key is that took the place of another: the first one's is `safety` itself. */
export function rotatedSafetyOf({ safety }: Layout, consensusKey: PublicKey): string {
  return join(safety, consensusKey);
}

/** Readable by the node's own user only: LevelDB makes its files readable to all, so the directories must not be. */
export const directoryMode = 0o700;

/** Makes it and those above it; nothing happens if it exists. */
export function makePrivateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: directoryMode });
}

/** Makes home, keys, safety and data; the stores make their own. Throws StorageFailure. */
export function makeDirectories(
  layout: Layout,
  makeDirectory: (path: string) => void = makePrivateDirectory,
): void {
  try {
    for (const directory of [layout.home, layout.keys, layout.safety, layout.data]) {
      makeDirectory(directory);
    }
  } catch (error) {
    throw storageFailure(error, 'make the directories of the node');
  }
}
