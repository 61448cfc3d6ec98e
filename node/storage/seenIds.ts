/**
 * Ids seen, and how they go again: ids of transactions that expire in the same hour stand together in one row per block, as the id
 * chains hash them, so that what has expired is found and deleted without looking at what has not, and whoever restores the
 * state can check them. Nobody's outcome depends on when a row goes: execution does not count a row whose time has passed.
 */
import type { Height, Timestamp } from '../../protocol/brand.ts';
import { concatBytes } from '../../protocol/bytes.ts';
import { decodeIdRows, encodeIdRow, idHourMs, idHourOf } from '../../protocol/executedId.ts';
import type { SeenId } from '../../protocol/state.ts';
import type { Database, RowWrite } from './database.ts';
import { StorageFailure } from './failure.ts';
import { idsKey, seenKey } from './keyspace.ts';
import { decodeSeenId, encodeSeenId } from './ledgerRows.ts';

const rowsPerCommitMax = 4;

/** Rows for the ids of one block, in order of execution. */
export function seenWrites(seen: readonly SeenId[], height: Height): readonly RowWrite[] {
  const hours = new Map<number, Uint8Array[]>();
  for (const row of seen) {
    const hour = idHourOf(row.until);
    const rows = hours.get(hour) ?? [];
    rows.push(encodeIdRow(row));
    hours.set(hour, rows);
  }
  return [
    ...seen.map((row) => ({ key: seenKey(row.key), value: encodeSeenId(row) })),
    ...[...hours].map(([hour, rows]) => ({ key: idsKey(hour, height), value: concatBytes(...rows) })),
  ];
}

export interface Pruning {
  readonly writes: readonly RowWrite[];
  /** False if there may be more that has expired. */
  readonly isComplete: boolean;
}

/** Deletions of ids that expired before `time`, for a bounded number of rows. */
export async function expiredWrites(database: Database, time: Timestamp): Promise<Pruning> {
  const range = { above: idsKey(0, 0), below: idsKey(idHourOf(time), 0), isReversed: false };
  const rows = await database.rows({ ...range, limit: rowsPerCommitMax });
  const writes: RowWrite[] = rows.map((row) => ({ key: row.key, value: null }));
  for (const id of rows.flatMap((row) => idsOf(row.value))) {
    // An id that expired may have been used anew since: then its row lives on under a later time.
    const row = database.get(seenKey(id));
    if (row !== null && decodeSeenId(id, row).until < time) writes.push({ key: seenKey(id), value: null });
  }
  return { writes, isComplete: rows.length < rowsPerCommitMax };
}

function idsOf(value: Uint8Array): readonly string[] {
  const rows = decodeIdRows(value);
  if (rows === null) throw new StorageFailure('corrupt', 'a row of ids does not decode');
  return rows.map(({ key }) => key);
}

/** The block time from which a further look for expired ids can find something. */
export function nextExpiry(time: Timestamp): Timestamp {
  return ((idHourOf(time) + 1) * idHourMs) as Timestamp;
}
