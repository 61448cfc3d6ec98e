/**
 * Captures: the state after one block, read while later blocks are committed. The database is seen as it was before the commit that
 * holds the block, with what the commit's blocks up to that one write in front, so that a height has one state, whichever
 * finalities brought it to this node.
 */
import type { Block } from '../../protocol/block.ts';
import type { Digest } from '../../protocol/brand.ts';
import { compareText } from '../../protocol/bytes.ts';
import { idHourOf } from '../../protocol/executedId.ts';
import { present } from '../../protocol/invariant.ts';
import type { DatabaseView, Row, RowWrite } from './database.ts';
import { idsBounds, recordBounds } from './keyspace.ts';
import { stateWrites, type CommitEntry } from './ledgerCommit.ts';
import { seenWrites } from './seenIds.ts';

/** Who wants to read the state after certain blocks. */
export interface CaptureTarget {
  readonly isDue: (block: Block) => boolean;
  /** After the commit is durable. The taker closes the capture. */
  readonly take: (capture: Capture) => void;
}

export interface Capture {
  readonly block: Block;
  readonly digest: Digest;
  /** All rows of the state in the order of their keys, a bounded number at a time. Throws StorageFailure. */
  readonly pages: () => AsyncGenerator<readonly Row[]>;
  readonly close: () => Promise<void>;
}

const rowsPerPage = 256;

/** The newest block among these that is due, as a capture; null if none is. The view is of the moment before they are written. */
export function captureOf(
  entries: readonly CommitEntry[],
  isDue: (block: Block) => boolean,
  view: () => DatabaseView,
): Capture | null {
  const index = entries.findLastIndex(({ block }) => isDue(block));
  if (index < 0) return null;
  const upTo = entries.slice(0, index + 1);
  const { block, digest } = present(upTo.at(-1), 'a block is due');
  const before = view();
  const changes = [...stateWrites(upTo.map(({ writes }) => writes)), ...upTo.flatMap(idRows)];
  const sorted = changes.toSorted((a, b) => compareText(a.key, b.key));
  const ranges = [idsBounds(idHourOf(block.header.timeMs)), recordBounds];
  return { block, digest, pages: () => pagesOf(before, sorted, ranges), close: before.close };
}

function idRows({ block, writes }: CommitEntry): readonly RowWrite[] {
  return seenWrites(writes.seen, block.header.height).filter(({ key }) => key.startsWith('ids/'));
}

interface Bounds {
  readonly above: string;
  readonly below: string;
}

async function* pagesOf(
  before: DatabaseView,
  changes: readonly RowWrite[],
  ranges: readonly Bounds[],
): AsyncGenerator<readonly Row[]> {
  for (const { above, below } of ranges) {
    let last = above;
    let position = changes.findIndex(({ key }) => key > above);
    if (position < 0) position = changes.length;
    for (let isEnd = false; !isEnd;) {
      const stored = await before.rows({ above: last, below, limit: rowsPerPage, isReversed: false });
      isEnd = stored.length < rowsPerPage;
      last = isEnd ? below : (stored.at(-1)?.key ?? below);
      const from = position;
      while (position < changes.length && isUpTo(changes[position], last)) position += 1;
      const page = merged(stored, changes.slice(from, position));
      if (page.length > 0) yield page;
    }
  }
}

function isUpTo(change: RowWrite | undefined, last: string): boolean {
  return change !== undefined && change.key <= last;
}

/** Stored rows with the changes of the same stretch of keys in front of them. */
function merged(stored: readonly Row[], changes: readonly RowWrite[]): readonly Row[] {
  if (changes.length === 0) return stored;
  const rows = new Map<string, Uint8Array>();
  for (const { key, value } of stored) rows.set(key, value);
  for (const { key, value } of changes) {
    if (value === null) rows.delete(key);
    else rows.set(key, value);
  }
  return [...rows].map(([key, value]) => ({ key, value })).toSorted((a, b) => compareText(a.key, b.key));
}
