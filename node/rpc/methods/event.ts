/** Events: what finalized blocks did, by cursor. */
import * as z from 'zod';
import { actionKinds } from '../../../protocol/action.ts';
import type { Id } from '../../../protocol/brand.ts';
import { readPrescription } from '../../../protocol/prescription.ts';
import { accepted } from '../../../protocol/result.ts';
import type { EventPageJson, EventView } from '../contract.ts';
import { fault } from '../errors.ts';
import {
  eventAt,
  formatCursor,
  parseCursor,
  type Cursor,
  type EventFilter,
  type EventPage,
  type LedgerEvent,
} from '../events.ts';
import { isHistoryCut } from '../history.ts';
import { hexOf, timeOf } from '../json.ts';
import { eventItemsMax, eventWaitMsMax, historyRowsMax, pageItemsMax } from '../limits.ts';
import { method, type Method, type RpcContext } from '../method.ts';
import { eventListSchema, eventPageSchema } from '../resultSchemas.ts';
import { idJson } from './rx.ts';

export const eventFilterJson: z.ZodType<EventFilter> = z.strictObject({
  kinds: z.array(z.enum(actionKinds)).min(1).max(actionKinds.length).nullable().default(null),
  subject: idJson.nullable().default(null),
});

export const cursorJson: z.ZodType<string> = z.string().min(3).max(32);
const everything: EventFilter = { kinds: null, subject: null };

const poll = method('event_poll', {
  summary:
    'Events from a cursor on (0.0 is the beginning; without one, from now on), at once or as soon as there are some, within waitMs.',
  params: z.strictObject({
    cursor: cursorJson.nullable().default(null),
    filter: eventFilterJson.default(everything),
    waitMs: z.int().min(0).max(eventWaitMsMax).default(0),
    limit: z.int().min(1).max(eventItemsMax).default(pageItemsMax),
  }),
  result: eventPageSchema,
  handle: async (params, context) => {
    const { feed, ports } = context;
    const start = params.cursor === null ? feed.end() : parseCursor(params.cursor);
    if (start === null) return fault('invalidParams', 'cursor');
    const deadline = ports.now() + params.waitMs;
    let page = await feed.read(start, params.filter, params.limit);
    // A page that is empty because the scan has a bound is answered as it is: its cursor leads on.
    while (page.events.length === 0 && !page.isLagged && page.next.height > page.asOfHeight) {
      const waitMs = deadline - ports.now();
      if (waitMs <= 0 || feed.isClosed()) break;
      if (!(await feed.wait(waitMs))) return fault('overloaded', 'waitMs');
      page = await feed.read(page.next, params.filter, params.limit);
    }
    return accepted(eventPageView(page));
  },
});

const history = method('rx_history', {
  summary: 'What was done with a prescription, its parcels and claims, oldest first.',
  params: z.strictObject({
    rxId: idJson,
    cursor: cursorJson.nullable().default(null),
    limit: z.int().min(1).max(pageItemsMax).default(pageItemsMax),
  }),
  result: eventListSchema,
  handle: async ({ rxId, cursor, limit }, context) => {
    const start = cursor === null ? null : parseCursor(cursor);
    if (cursor !== null && start === null) return fault('invalidParams', 'cursor');
    if (await isIssueMissing(context, rxId)) return fault('historyMissing', 'rxId');
    return accepted(await historyOf(context, rxId, { start, limit }));
  },
});

/** A prescription that is older than what this node holds: its history would begin in the middle. */
async function isIssueMissing({ ports }: RpcContext, rxId: Id): Promise<boolean> {
  const { ledger } = ports;
  if (!isHistoryCut(ledger) || readPrescription(ledger.state(), rxId) === null) return false;
  const [first] = await ledger.history(rxId, { after: null, limit: 1 });
  return first === undefined || eventAt(ledger, first)?.kind !== 'rx.issue';
}

export const eventMethods: readonly Method[] = [poll, history];

async function historyOf(
  { ports }: RpcContext,
  subject: Id,
  page: { readonly start: Cursor | null; readonly limit: number },
): Promise<{
  readonly items: readonly EventView[];
  readonly nextCursor: string | null;
  readonly asOfHeight: number;
}> {
  const { start, limit } = page;
  const all = await ports.ledger.history(subject, { after: null, limit: historyRowsMax });
  const locations = all.filter(
    ({ height, index }) =>
      start === null || height > start.height || (height === start.height && index >= start.index),
  );
  const items = locations.slice(0, limit).flatMap((location) => {
    const event = eventAt(ports.ledger, location);
    return event === null ? [] : [eventView(event)];
  });
  const next = locations[limit];
  return {
    items,
    nextCursor: next === undefined ? null : formatCursor(next),
    asOfHeight: ports.ledger.height(),
  };
}

export function eventPageView(page: EventPage): EventPageJson {
  return {
    items: page.events.map(eventView),
    nextCursor: formatCursor(page.next),
    lagged: page.isLagged,
    asOfHeight: page.asOfHeight,
  };
}

function eventView(event: LedgerEvent): EventView {
  const { height, index, timeMs, txId, kind, member, outcome, code, subjects } = event;
  return {
    cursor: formatCursor(event),
    height,
    index,
    time: timeOf(timeMs),
    txId: hexOf(txId),
    kind,
    member,
    outcome,
    code,
    subjects: subjects.map(hexOf),
  };
}
