/**
 * Ids seen, and how they go again: ids of transactions that expire in the same stretch of time stand together in one row per
 * block, so that what has expired is found and deleted without looking at what has not. Nobody's outcome depends on when a row
 * goes: execution does not count a row whose time has passed.
 */
import type { Height, Timestamp } from '../../protocol/brand.ts';
import { bytesToHex, hexToBytes } from '../../protocol/bytes.ts';
import type { SeenId } from '../../protocol/state.ts';
import type { Database, RowWrite } from './database.ts';
import { joinParts, splitParts } from './frame.ts';
import { expiryKey, seenKey } from './keyspace.ts';
import { decodeSeenId, encodeSeenId } from './ledgerRows.ts';

/** Length of a stretch of time; ids stay up to so much longer than they must. */
const bucketMs = 600_000;
const rowsPerCommitMax = 4;
const idsPerRowMax = 100_000;

function bucketOf(time: Timestamp): number {
  return Math.floor(time / bucketMs);
}

/** Rows for the ids of one block. Keys are hexadecimal. */
export function seenWrites(seen: readonly SeenId[], height: Height): readonly RowWrite[] {
  const buckets = new Map<number, Uint8Array[]>();
  for (const { key, until } of seen) {
    const bucket = bucketOf(until);
    const keys = buckets.get(bucket) ?? [];
    keys.push(hexToBytes(key));
    buckets.set(bucket, keys);
  }
  return [
    ...seen.map((row) => ({ key: seenKey(row.key), value: encodeSeenId(row) })),
    ...[...buckets].map(([bucket, keys]) => ({ key: expiryKey(bucket, height), value: joinParts(keys) })),
  ];
}

export interface Pruning {
  readonly writes: readonly RowWrite[];
  /** False if there may be more that has expired. */
  readonly isComplete: boolean;
}

/** Deletions of ids that expired before `time`, for a bounded number of rows. */
export async function expiredWrites(database: Database, time: Timestamp): Promise<Pruning> {
  const range = { above: expiryKey(0, 0), below: expiryKey(bucketOf(time), 0), isReversed: false };
  const rows = await database.rows({ ...range, limit: rowsPerCommitMax });
  const writes: RowWrite[] = rows.map((row) => ({ key: row.key, value: null }));
  for (const id of rows.flatMap((row) => splitParts(row.value, idsPerRowMax).map(bytesToHex))) {
    // An id that expired may have been used anew since: then its row lives on under a later time.
    const row = database.get(seenKey(id));
    if (row !== null && decodeSeenId(id, row).until < time) writes.push({ key: seenKey(id), value: null });
  }
  return { writes, isComplete: rows.length < rowsPerCommitMax };
}

/** The block time from which a further look for expired ids can find something. */
export function nextExpiry(time: Timestamp): Timestamp {
  return ((bucketOf(time) + 1) * bucketMs) as Timestamp;
}
