/**
 * Pages over the records of the state: a bounded number of records is looked at in the order of their keys, and what they say is
 * filtered. A cursor is the key of the last record looked at, so nothing is kept between calls, and a page may be empty and lead on.
 */
import type { RecordView } from './ports.ts';
import { listRowsMax, listRowsPerTurn } from './limits.ts';

export interface RecordSource<Item> {
  /** Of the keys, with its slash. */
  readonly prefix: string;
  /** What the page shows of a record: nothing, or one item or more. */
  readonly itemsOf: (record: Uint8Array) => readonly Item[];
}

export interface RecordPage<Item> {
  readonly items: readonly Item[];
  /** Null when all records were looked at. */
  readonly nextCursor: string | null;
}

/** Whether a page of these sources can have ended with this cursor. */
export function isCursorOf(cursor: string, sources: readonly RecordSource<unknown>[]): boolean {
  return cursorPattern.test(cursor) && sources.some(({ prefix }) => cursor.startsWith(prefix));
}

const name = '[0-9A-Za-z][0-9A-Za-z._:-]{0,63}';
const cursorPattern = new RegExp(`^([a-z]+/[0-9a-f]{32}|statement/${name}/${name}/${name})$`);

/**
 * The items of the records after the cursor, one source after the other. A record's items come together, so a page can be longer than
 * `limit` by those of its last record.
 */
export async function recordPage<Item>(
  view: RecordView,
  /** In the order of their prefixes. */
  sources: readonly RecordSource<Item>[],
  { cursor, limit }: { readonly cursor: string | null; readonly limit: number },
): Promise<RecordPage<Item>> {
  const items: Item[] = [];
  let rowCount = 0;
  let last = cursor;
  for (const { prefix, itemsOf } of sources) {
    if (last !== null && last > prefix && !last.startsWith(prefix)) continue;
    let isEnd = false;
    while (!isEnd) {
      const after = last?.startsWith(prefix) === true ? last : null;
      const rows = await view.records({ prefix, after, limit: listRowsPerTurn });
      for (const { key, value } of rows) {
        items.push(...itemsOf(value));
        last = key;
        if (items.length >= limit) return { items, nextCursor: last };
      }
      rowCount += rows.length;
      isEnd = rows.length < listRowsPerTurn;
      if (rowCount >= listRowsMax) return { items, nextCursor: last };
    }
  }
  return { items, nextCursor: null };
}
