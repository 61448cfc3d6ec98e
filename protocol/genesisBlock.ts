/** The state that a chain starts with, and the point that its first block builds on. */
import type { Digest, Height, Timestamp, View } from './brand.ts';
import { compareText } from './bytes.ts';
import { chainIdOf, type Genesis } from './genesis.ts';
import { emptyState, type StateWrites } from './state.ts';
import { stateValueHash } from './statePage.ts';
import { updateTree } from './stateTree.ts';
import { genesisRecords } from './transition.ts';

/** What stands in a parent's place before block 1: there is no block 0, its digest is the chain id. */
export interface GenesisPoint {
  readonly digest: Digest;
  readonly height: Height;
  readonly view: View;
  readonly timeMs: Timestamp;
}

export function genesisPoint(genesis: Genesis): GenesisPoint {
  return {
    digest: chainIdOf(genesis),
    height: 0 as Height,
    view: 0 as View,
    timeMs: genesis.createdAt,
  };
}

/** Members, practitioners, policy and voters as records, in one update of an empty tree. */
export function genesisState(genesis: Genesis): { readonly root: Digest; readonly writes: StateWrites } {
  const records = new Map([...genesisRecords(genesis)].toSorted(([a], [b]) => compareText(a, b)));
  const valueHashes = new Map<string, Uint8Array>();
  for (const [key, record] of records) valueHashes.set(key, stateValueHash(record));
  const { root, pages } = updateTree(emptyState.page, valueHashes);
  return { root, writes: { records, pages, seen: [] } };
}
