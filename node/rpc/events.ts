/**
 * Events: the receipts of finalized blocks in their order, read from the ledger by cursor, so that nothing is lost silently and
 * nothing is kept per reader. A cursor `height.index` names the next event to read.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ActionKind } from '../../protocol/action.ts';
import type { Digest, Height, Id, MemberName, Timestamp } from '../../protocol/brand.ts';
import type { RefusalCode } from '../../protocol/refusal.ts';
import type { Transaction } from '../../protocol/transaction.ts';
import {
  eventBlocksScannedMax,
  eventDecodesPerTurnMax,
  eventReceiptsScannedMax,
  eventWaitersMax,
  historyRowsMax,
} from './limits.ts';
import type { LedgerPort, TransactionLocation } from './ports.ts';

export interface Cursor {
  readonly height: Height;
  readonly index: number;
}

export interface EventFilter {
  /** Null: every kind. */
  readonly kinds: readonly ActionKind[] | null;
  /** Null: every subject. A prescription, parcel, claim or practitioner. */
  readonly subject: Id | null;
}

export interface LedgerEvent {
  readonly height: Height;
  readonly index: number;
  readonly timeMs: Timestamp;
  readonly txId: Digest;
  readonly kind: ActionKind;
  readonly member: MemberName;
  readonly outcome: 'committed' | 'refused';
  readonly code: RefusalCode | null;
  readonly subjects: readonly Id[];
}

export interface EventPage {
  readonly events: readonly LedgerEvent[];
  readonly next: Cursor;
  /** Events between the asked cursor and the first one were pruned from this node. */
  readonly isLagged: boolean;
  readonly asOfHeight: Height;
}

export interface EventFeed {
  /** The place of the next event that will happen. */
  readonly end: () => Cursor;
  readonly read: (cursor: Cursor, filter: EventFilter, countMax: number) => Promise<EventPage>;
  /** Resolves at the next finalized block or after `waitMs`, with true; with false at once if too many wait. */
  readonly wait: (waitMs: number) => Promise<boolean>;
  readonly isClosed: () => boolean;
  /** Answers all who wait, and stops listening. */
  readonly close: () => void;
}

const blocksCachedMax = 256;

export function eventFeed(ledger: LedgerPort): EventFeed {
  const waiters = new Set<() => void>();
  const cache = new Map<Height, Promise<readonly LedgerEvent[]>>();
  const wakeAll = (): void => {
    for (const wake of waiters) wake();
  };
  let isClosed = false;
  const unlisten = ledger.onFinalized(wakeAll);
  const eventsAt = (height: Height): Promise<readonly LedgerEvent[]> => {
    const known = cache.get(height);
    if (known !== undefined) return known;
    const events = blockEvents(ledger, height);
    for (const oldest of cache.keys()) if (cache.size >= blocksCachedMax) cache.delete(oldest);
    cache.set(height, events);
    events.catch(() => cache.delete(height)); // who asked is told
    return events;
  };
  return {
    end: () => ({ height: (ledger.height() + 1) as Height, index: 0 }),
    read: (cursor, filter, countMax) => readPage(ledger, { cursor, filter, countMax }, eventsAt),
    wait: (waitMs) => waitForWake(waiters, waitMs),
    isClosed: () => isClosed,
    close: () => {
      isClosed = true;
      unlisten();
      wakeAll();
    },
  };
}

function waitForWake(waiters: Set<() => void>, waitMs: number): Promise<boolean> {
  if (waiters.size >= eventWaitersMax) return Promise.resolve(false);
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      waiters.delete(wake);
      resolve(true);
    };
    const timer = setTimeout(wake, waitMs);
    waiters.add(wake);
  });
}

interface PageRequest {
  readonly cursor: Cursor;
  readonly filter: EventFilter;
  readonly countMax: number;
}

async function readPage(
  ledger: LedgerPort,
  request: PageRequest,
  eventsAt: (height: Height) => Promise<readonly LedgerEvent[]>,
): Promise<EventPage> {
  const isWanted = await matcher(ledger, request.filter);
  const head = ledger.height();
  const lowest = ledger.heightMin();
  const isLagged = request.cursor.height > 0 && request.cursor.height < lowest;
  const first: number = Math.max(lowest, request.cursor.height);
  const last = Math.min(head, first + eventBlocksScannedMax - 1);
  const events: LedgerEvent[] = [];
  let scanned = 0;
  let height = first;
  while (height <= last && scanned < eventReceiptsScannedMax) {
    const start = height === request.cursor.height ? request.cursor.index : 0;
    const inBlock = await eventsAt(height as Height);
    for (const event of inBlock) {
      if (event.index < start || !isWanted(event)) continue;
      if (events.length === request.countMax) {
        return { events, next: { height: event.height, index: event.index }, isLagged, asOfHeight: head };
      }
      events.push(event);
    }
    scanned += inBlock.length;
    height += 1;
  }
  const next = first > head ? request.cursor : { height: height as Height, index: 0 };
  return { events, next, isLagged, asOfHeight: head };
}

/** The ledger's index knows more subjects than a body names (a delivery belongs to its prescription); a refusal is only in its body. */
async function matcher(ledger: LedgerPort, filter: EventFilter): Promise<(event: LedgerEvent) => boolean> {
  const { kinds, subject } = filter;
  const places =
    subject === null ? [] : await ledger.history(subject, { after: null, limit: historyRowsMax });
  const indexed = new Set(places.map(({ height, index }) => `${height}.${index}`));
  return (event) => {
    if (kinds !== null && !kinds.includes(event.kind)) return false;
    if (subject === null) return true;
    return event.subjects.includes(subject) || indexed.has(`${event.height}.${event.index}`);
  };
}

/** The event of one transaction, or null if the node no longer holds it. */
export function eventAt(ledger: LedgerPort, location: TransactionLocation): LedgerEvent | null {
  const receipt = ledger.receiptAt(location);
  const transaction = receipt === null ? null : ledger.transactionOf(receipt.txId);
  return receipt === null || transaction === null ? null : eventOf(transaction, receipt);
}

/** A full block takes a tenth of a second to decode: in turns, so that votes are not late for a reader of history. */
async function blockEvents(ledger: LedgerPort, height: Height): Promise<readonly LedgerEvent[]> {
  const events: LedgerEvent[] = [];
  for (const [position, receipt] of ledger.receiptsAt(height).entries()) {
    if (position % eventDecodesPerTurnMax === eventDecodesPerTurnMax - 1) await nextTurn();
    const transaction = ledger.transactionOf(receipt.txId);
    if (transaction !== null) events.push(eventOf(transaction, receipt));
  }
  return events;
}

function eventOf(
  transaction: Transaction,
  receipt: Pick<LedgerEvent, 'height' | 'index' | 'timeMs' | 'txId' | 'outcome' | 'code'>,
): LedgerEvent {
  const { height, index, timeMs, txId, outcome, code } = receipt;
  const { action, member } = transaction;
  return {
    height,
    index,
    timeMs,
    txId,
    kind: action.kind,
    member,
    outcome,
    code,
    subjects: subjectsOf(action),
  };
}

/** The identifiers of records that a body names. */
function subjectsOf(action: Transaction['action']): readonly Id[] {
  const body: Readonly<Record<string, unknown>> = { ...action.body };
  const names = ['rxId', 'parcelId', 'claimId', 'id'];
  return names.flatMap((name) => (typeof body[name] === 'string' ? [body[name] as Id] : []));
}

/** `12.3`; null if it is no cursor. */
export function parseCursor(text: string): Cursor | null {
  const match = /^(0|[1-9][0-9]{0,15})\.(0|[1-9][0-9]{0,9})$/.exec(text);
  if (match === null) return null;
  const height = Number(match[1]);
  return Number.isSafeInteger(height) ? { height: height as Height, index: Number(match[2]) } : null;
}

export function formatCursor(cursor: Cursor): string {
  return `${cursor.height}.${cursor.index}`;
}
