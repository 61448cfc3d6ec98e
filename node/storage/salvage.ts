/** What can still be read of a damaged database: every row whose own checksum holds. The database itself is left as it is. */
import { cpSync, existsSync, rmSync } from 'node:fs';
import { Level } from 'level';
import { openSound, type Database, type Row, type RowWrite } from './database.ts';
import { storageFailure } from './failure.ts';

export interface Salvage {
  readonly keptCount: number;
  readonly lostCount: number;
}

const rowsPerWrite = 64;
/** Known to LevelDB's binding, and not to the types that all of its bindings share. */
const repairable: typeof Level & { readonly repair?: (directory: string) => Promise<void> } = Level;

/**
 * Copies rows into a sound database, by way of a copy of the damaged one that LevelDB may repair as it likes; `isWanted` is asked for
 * each key. Throws StorageFailure for the sound one's disk only: from the damaged one comes what comes.
 */
export async function salvage(
  from: { readonly directory: string; readonly copy: string },
  into: Database,
  isWanted: (key: string) => boolean,
): Promise<Salvage> {
  const { directory, copy } = from;
  if (!existsSync(directory)) return { keptCount: 0, lostCount: 0 };
  let rows: readonly RowWrite[] = [];
  let keptCount = 0;
  let lostCount = 0;
  try {
    cpSync(directory, copy, { recursive: true });
    for await (const row of rowsOf(copy)) {
      if (row === null) lostCount += 1;
      else if (isWanted(row.key)) {
        keptCount += 1;
        rows = [...rows, row];
      }
      if (rows.length < rowsPerWrite) continue;
      await into.write(rows, false);
      rows = [];
    }
    await into.write(rows, true);
    return { keptCount, lostCount };
  } catch (error) {
    throw storageFailure(error, 'salvage rows');
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Null for a row that does not verify. Ends where LevelDB finds nothing more. */
async function* rowsOf(directory: string): AsyncGenerator<Row | null> {
  const level = new Level<string, Uint8Array>(directory, { keyEncoding: 'utf8', valueEncoding: 'view' });
  try {
    await repairable.repair?.(directory);
    await level.open({ createIfMissing: false, compression: false });
    for await (const [key, bytes] of level.iterator()) yield openSound(key, bytes);
  } catch {
    // Nothing can be read from here on.
  } finally {
    await level.close().catch(() => undefined);
  }
}
