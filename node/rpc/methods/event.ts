/** Events: what finalized blocks did, by cursor. */
import * as z from 'zod';
import { actionKinds } from '../../../protocol/action.ts';
import { accepted } from '../../../protocol/result.ts';
import type { EventPageJson, EventView } from '../contract.ts';
import { fault } from '../errors.ts';
import { formatCursor, parseCursor, type EventFilter, type EventPage, type LedgerEvent } from '../events.ts';
import { hexOf, timeOf } from '../json.ts';
import { eventItemsMax, eventWaitMsMax, pageItemsMax } from '../limits.ts';
import { method, type Method } from '../method.ts';
import { eventPageSchema } from '../resultSchemas.ts';
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

export const eventMethods: readonly Method[] = [poll];

export function eventPageView(page: EventPage): EventPageJson {
  return {
    items: page.events.map(eventView),
    nextCursor: formatCursor(page.next),
    lagged: page.isLagged,
    asOfHeight: page.asOfHeight,
  };
}

export function eventView(event: LedgerEvent): EventView {
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
