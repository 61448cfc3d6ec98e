/**
 * The state as the ledger sees it: records under text keys, the pages of the authenticated tree over them, and the ids seen.
 * All access is synchronous and pure: the host puts a database behind it, a block puts its writes in front of it.
 */
import type { Digest, Timestamp } from './brand.ts';

export interface StateView {
  /** Encoded record, or null if there is none. */
  readonly get: (key: string) => Uint8Array | null;
  /** Encoded page of the state tree at a path of nibbles (text of hex digits, '' is the root page), or null. */
  readonly page: (path: string) => Uint8Array | null;
  /**
   * The row of the transaction that took the id of this key (`takenIdKey`), or that was executed under this txId. Hosts prune
   * at different times, so the ledger judges by `until` whether a row still counts, never by whether it is still there.
   */
  readonly seen: (key: string) => SeenId | null;
}

export interface SeenId {
  readonly key: string;
  readonly txId: Digest;
  /** notAfter of the transaction: the row can go once block time has passed it. */
  readonly until: Timestamp;
}

/** What one block changes. Maps are filled in an order of our making (sorted keys), never in order of arrival. */
export interface StateWrites {
  readonly records: ReadonlyMap<string, Uint8Array | null>;
  readonly pages: ReadonlyMap<string, Uint8Array | null>;
  readonly seen: readonly SeenId[];
}

/** The state after `writes`, in front of the state before. */
export function overlay(before: StateView, writes: StateWrites): StateView {
  const seen = new Map(writes.seen.map((row) => [row.key, row]));
  return {
    get: (key) => {
      const record = writes.records.get(key);
      return record === undefined ? before.get(key) : record;
    },
    page: (path) => {
      const page = writes.pages.get(path);
      return page === undefined ? before.page(path) : page;
    },
    seen: (key) => seen.get(key) ?? before.seen(key),
  };
}

/** The state before genesis. */
export const emptyState: StateView = { get: () => null, page: () => null, seen: () => null };
