/** The entries of a pair's statements, read from its history: the ledger keeps their sums, and the transactions are the lines. */
import type { Digest, Height } from '../../protocol/brand.ts';
import { present } from '../../protocol/invariant.ts';
import {
  pairSubject,
  statementNumbered,
  sumsOf,
  type Pair,
  type Statement,
  type StatementEntry,
  type Sums,
} from '../../protocol/settlement.ts';
import type { Transaction } from '../../protocol/transaction.ts';
import type { LedgerPort, TransactionLocation } from './ports.ts';

export interface BookLine {
  readonly place: TransactionLocation;
  readonly txId: Digest;
  readonly entry: StatementEntry;
}

interface Page {
  readonly lines: readonly BookLine[];
  /** Where the next page begins; null after the last line. */
  readonly next: TransactionLocation | null;
}

/** So many rows of a history are looked at in one turn of the event loop. */
const rowsPerTurn = 200;
/** A book that is longer is read page by page; nobody gets it in one answer. */
export const bookLinesMax = 20_000;

/** Lines of a statement after a place, or from its first; `limit` at most. */
export async function statementLines(
  ledger: LedgerPort,
  statement: Statement,
  page: { readonly after: TransactionLocation | null; readonly limit: number },
): Promise<Page> {
  const reader = new BookReader(ledger, statement);
  const after = page.after ?? startOf(ledger, statement, statement.index);
  const lines: BookLine[] = [];
  for await (const step of reader.from(after, page.after === null ? statement.index : null)) {
    if (step.kind === 'closed') return { lines, next: null };
    if (lines.length === page.limit) return { lines, next: present(lines.at(-1), 'a full page').place };
    lines.push(step.line);
  }
  return { lines, next: null };
}

/** What was open between the pair after the block at a height; null if that is more than `bookLinesMax` entries. */
export async function positionAt(
  ledger: LedgerPort,
  pair: Pair,
  height: Height,
): Promise<(Sums & { readonly statementIndex: number }) | null> {
  let index = 0;
  while ((statementNumbered(ledger.state(), pair, index)?.proposedHeight ?? Infinity) <= height) index += 1;
  const reader = new BookReader(ledger, pair);
  const entries: StatementEntry[] = [];
  for await (const step of reader.from(startOf(ledger, pair, index), index)) {
    if (step.kind === 'closed' || step.line.place.height > height) break;
    if (entries.length === bookLinesMax) return null;
    entries.push(step.line.entry);
  }
  return { statementIndex: index, ...sumsOf(entries) };
}

/** Just before the block that closed the statement before this one. */
function startOf(ledger: LedgerPort, pair: Pair, index: number): TransactionLocation | null {
  const before = index === 0 ? null : statementNumbered(ledger.state(), pair, index - 1);
  return before === null ? null : { height: (before.proposedHeight - 1) as Height, index: 0xffff };
}

type Step = { readonly kind: 'line'; readonly line: BookLine } | { readonly kind: 'closed' };

class BookReader {
  readonly #ledger: LedgerPort;
  readonly #pair: Pair;

  constructor(ledger: LedgerPort, pair: Pair) {
    this.#ledger = ledger;
    this.#pair = pair;
  }

  /**
   * Lines after a place. With `index`, those of that statement: what stands before the proposal of the one before it is passed over,
   * and its own proposal closes it. Without, from the place on to the next proposal.
   */
  async *from(start: TransactionLocation | null, index: number | null): AsyncGenerator<Step> {
    const before = index === null || index === 0 ? null : this.#periodOf(index - 1);
    let isWithin = before === null;
    let after = start;
    for (;;) {
      const places = await this.#ledger.history(pairSubject(this.#pair), { after, limit: rowsPerTurn });
      for (const place of places) {
        const found = this.#committedAt(place);
        if (found === null) continue;
        const { action } = found;
        if (action.kind === 'settle.propose') {
          if (isWithin) {
            yield { kind: 'closed' };
            return;
          }
          isWithin = action.body.period === before;
        }
        const entry = entryOf(found);
        if (isWithin && entry !== null) yield { kind: 'line', line: { place, txId: found.txId, entry } };
      }
      if (places.length < rowsPerTurn) return;
      after = places.at(-1) ?? null;
    }
  }

  #periodOf(index: number): string {
    return present(statementNumbered(this.#ledger.state(), this.#pair, index), 'an earlier statement').period;
  }

  #committedAt(place: TransactionLocation): Transaction | null {
    const receipt = this.#ledger.receiptAt(place);
    return receipt?.outcome === 'committed' ? this.#ledger.transactionOf(receipt.txId) : null;
  }
}

/** The entry that a committed transaction made; null for the steps of statements. */
function entryOf({ action, txId }: Transaction): StatementEntry | null {
  if (action.kind === 'claim.accept') return { kind: 'accepted', ...action.body };
  if (action.kind !== 'claim.reverse' && action.kind !== 'claim.recoup') return null;
  const { claimId, lines } = action.body;
  let covered = 0;
  for (const line of lines) covered += line.covered;
  return { kind: 'reversed', claimId, txId, covered: covered as StatementEntry['covered'] };
}
