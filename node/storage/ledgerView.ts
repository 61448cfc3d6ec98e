/** The state after one block, to be looked through while later blocks are committed. */
import type { Height } from '../../protocol/brand.ts';
import { present } from '../../protocol/invariant.ts';
import type { RecordReader } from '../../protocol/record.ts';
import type { DatabaseView, Row } from './database.ts';
import { headKey, recordKey, recordPlace, recordsAfter } from './keyspace.ts';
import { decodeHead } from './ledgerRows.ts';

interface RecordRange {
  /** Ends in a slash: `rx/`, `statement/insurer/pharmacy/`. */
  readonly prefix: string;
  /** The key to begin after; null begins with the first. */
  readonly after: string | null;
  readonly limit: number;
}

/** Close it: while it is open, the database gives up nothing of this state. All methods throw StorageFailure. */
export interface LedgerView extends RecordReader {
  /** Of the block that left this state. */
  readonly height: Height;
  /** Records in the order of their keys. */
  readonly records: (range: RecordRange) => Promise<readonly Row[]>;
  readonly close: () => Promise<void>;
}

export function ledgerView(view: DatabaseView): LedgerView {
  // Not the ledger's own head, which follows a moment after the rows.
  const head = present(view.get(headKey), 'a ledger has a head');
  return {
    height: decodeHead(head).height,
    get: (key) => view.get(recordKey(key)),
    records: async ({ prefix, after, limit }) => {
      const rows = await view.rows({ ...recordsAfter(prefix, after), limit, isReversed: false });
      return rows.map(({ key, value }) => ({ key: recordPlace(key), value }));
    },
    close: view.close,
  };
}
