/** The history of a prescription: the loop from the order to the payment, step by step, each with its stamp. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as z from 'zod';
import type { Height, Id } from '../../../protocol/brand.ts';
import { readClaim } from '../../../protocol/claim.ts';
import { readPrescription } from '../../../protocol/prescription.ts';
import type { RecordReader } from '../../../protocol/record.ts';
import { accepted } from '../../../protocol/result.ts';
import { statementNumbered, statementSubject } from '../../../protocol/settlement.ts';
import type { List } from '../contract.ts';
import { fault } from '../errors.ts';
import { eventAt, formatCursor, parseCursor, type Cursor } from '../events.ts';
import { isHistoryCut } from '../history.ts';
import { bytesText } from '../json.ts';
import { historyRowsMax, historyStampsMax, pageItemsMax } from '../limits.ts';
import { method, type Method } from '../method.ts';
import type { LedgerPort, TransactionLocation } from '../ports.ts';
import type { HistoryItem } from '../queryContract.ts';
import { historySchema } from '../resultSchemas.ts';
import { cursorJson, eventView } from './event.ts';
import { idJson } from './rx.ts';

const history = method('rx_history', {
  summary:
    'What was done with a prescription, its parcels and claims, and the statements that its claims are in, oldest first; with the stamp of each step, if asked for.',
  params: z.strictObject({
    rxId: idJson,
    cursor: cursorJson.nullable().default(null),
    limit: z.int().min(1).max(pageItemsMax).default(pageItemsMax),
    withStamps: z.boolean().default(false),
  }),
  result: historySchema,
  handle: async ({ rxId, cursor, limit, withStamps }, { ports: { ledger } }) => {
    const start = cursor === null ? null : parseCursor(cursor);
    if (cursor !== null && start === null) return fault('invalidParams', 'cursor');
    if (await isIssueMissing(ledger, rxId)) return fault('historyMissing', 'rxId');
    const countMax = withStamps ? Math.min(limit, historyStampsMax) : limit;
    return accepted(await historyPage(ledger, rxId, { start, countMax, withStamps }));
  },
});

export const historyMethods: readonly Method[] = [history];

/** A prescription that is older than what this node holds: its history would begin in the middle. */
async function isIssueMissing(ledger: LedgerPort, rxId: Id): Promise<boolean> {
  if (!isHistoryCut(ledger) || readPrescription(ledger.state(), rxId) === null) return false;
  const [first] = await ledger.history(rxId, { after: null, limit: 1 });
  return first === undefined || eventAt(ledger, first)?.kind !== 'rx.issue';
}

interface Page {
  /** Null: from the first. */
  readonly start: Cursor | null;
  readonly countMax: number;
  readonly withStamps: boolean;
}

async function historyPage(
  ledger: LedgerPort,
  rxId: Id,
  { start, countMax, withStamps }: Page,
): Promise<List<HistoryItem>> {
  const asOfHeight = ledger.height();
  // Read in the same turn as the height, so that the statements are those of that height.
  const subjects = [rxId, ...statementsOf(ledger.state(), rxId)];
  const places = (await placesOf(ledger, subjects, asOfHeight)).filter(
    (place) => start === null || comparePlaces(place, start) >= 0,
  );
  const items: HistoryItem[] = [];
  for (const place of places.slice(0, countMax)) {
    const event = eventAt(ledger, place);
    if (event === null) continue;
    // A stamp hashes all receipts of its block.
    if (withStamps) await nextTurn();
    const stamp = withStamps ? ledger.stamp(event.txId) : null;
    items.push({ ...eventView(event), stamp: stamp === null ? null : bytesText(stamp) });
  }
  const next = places[countMax];
  return { items, nextCursor: next === undefined ? null : formatCursor(next), asOfHeight };
}

/** The subjects of the statements of the claims that stand for its supplies: what a reversal set free is in no claim any more. */
function statementsOf(state: RecordReader, rxId: Id): ReadonlySet<Id> {
  const fills = readPrescription(state, rxId)?.fills ?? [];
  const claimIds = new Set(fills.flatMap(({ events }) => events.flatMap(({ claimId }) => claimId ?? [])));
  const subjects = new Set<Id>();
  for (const claimId of claimIds) {
    const claim = readClaim(state, claimId);
    if (claim === null || claim.statementIndex === null) continue;
    const statement = statementNumbered(state, claim, claim.statementIndex);
    if (statement !== null) subjects.add(statementSubject(statement));
  }
  return subjects;
}

/** Each place once, oldest first, up to a height. */
async function placesOf(
  ledger: LedgerPort,
  subjects: readonly Id[],
  height: Height,
): Promise<readonly TransactionLocation[]> {
  const places = new Map<string, TransactionLocation>();
  for (const subject of subjects) {
    for (const place of await ledger.history(subject, { after: null, limit: historyRowsMax }))
      if (place.height <= height) places.set(formatCursor(place), place);
  }
  return [...places.values()].toSorted(comparePlaces);
}

function comparePlaces(left: TransactionLocation, right: TransactionLocation): number {
  return left.height - right.height || left.index - right.index;
}
