/**
 * An insurer's automatic adjudicator: reads the events of its node from a cursor on, answers every estimate by the benefit table, and
 * accepts or disputes what is claimed afterwards. The cursor is saved when all claims before it have been served, so that after a crash
 * some are looked at again and none is passed over.
 */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { ActionKind } from '../../protocol/action.ts';
import { accepted, type Result } from '../../protocol/result.ts';
import type { EventPageJson, EventView } from '../../node/rpc/contract.ts';
import { reaching, reasonOf, retryAfterMsOf } from './asking.ts';
import type { CursorStore } from './cursorFile.ts';
import { faulty, type Fault } from './fault.ts';
import { claimOf, serveClaim, type Desk, type InsurersDesk, type Served } from './serving.ts';

export interface AdjudicatorOptions extends Desk {
  readonly cursors: CursorStore;
  readonly onReport: (report: Report) => void;
  /** Ends the run: what is being answered is answered, what is waited for is not. */
  readonly signal: AbortSignal;
}

export type Report =
  | { readonly kind: 'began'; readonly insurer: string; readonly cursor: string }
  | ({ readonly kind: 'served' } & Served)
  /** The same is tried again, as long as it takes; told once for each time that it happens. */
  | { readonly kind: 'waits'; readonly reason: string }
  /** Events are no longer on this node: claims may have become `unknown` meanwhile. */
  | { readonly kind: 'lagged'; readonly cursor: string };

const kinds: readonly ActionKind[] = ['claim.estimate', 'claim.submit', 'claim.dispute'];
/** Events of one page; its claims are served at the same time. */
const eventsMax = 32;
const waitMs = 20_000;

/** Runs until `signal`. Faults, all before the first answer: those of the cursor store, `practitionerUnknown`. */
export async function runAdjudicator(options: AdjudicatorOptions): Promise<Result<null, Fault>> {
  const { cursors, practitioner, signal, onReport } = options;
  const client = reaching(options.client);
  const info = await persist(options, () => client.call('node_info', {}));
  if (info === null) return accepted(null);
  const { name, chainId, practitioners } = info;
  if (!practitioners.some((one) => one.name === practitioner)) {
    return faulty('practitionerUnknown', practitioner);
  }
  const saved = cursors.read(chainId);
  if (!saved.ok) return saved;
  const run: Run = { ...options, client, insurer: name };
  let page = await persist(run, () => poll(run, saved.value, 0));
  if (page !== null) onReport({ kind: 'began', insurer: name, cursor: saved.value ?? page.nextCursor });
  while (page !== null && (await servePage(run, page))) {
    const { nextCursor } = page;
    cursors.save(chainId, nextCursor);
    if (signal.aborted) break;
    page = await persist(run, () => poll(run, nextCursor, waitMs));
  }
  return accepted(null);
}

type Run = AdjudicatorOptions & InsurersDesk;

function poll({ client }: Run, cursor: string | null, waitMs: number): Promise<EventPageJson> {
  const from = cursor === null ? {} : { cursor };
  return client.call('event_poll', { ...from, filter: { kinds }, waitMs, limit: eventsMax });
}

/** False if it was stopped before every claim was served. */
async function servePage(run: Run, page: EventPageJson): Promise<boolean> {
  if (page.lagged) run.onReport({ kind: 'lagged', cursor: page.nextCursor });
  const latest = new Map<string, EventView>();
  for (const event of page.items) {
    const isForUs = event.outcome === 'committed' && event.member !== run.insurer;
    if (isForUs) latest.set(claimOf(event), event);
  }
  const areServed = await Promise.all([...latest.values()].map((event) => serve(run, event)));
  return areServed.every(Boolean);
}

/** Until it is served, or cannot be: then a person has to. False if stopped. */
async function serve(run: Run, event: EventView): Promise<boolean> {
  const { onReport, signal } = run;
  for (let tries = 1; !signal.aborted; tries += 1) {
    try {
      const served = await serveClaim(run, event);
      if (served !== null) onReport({ kind: 'served', ...served });
      return true;
    } catch (error) {
      const afterMs = retryAfterMsOf(error, tries);
      if (afterMs === null) {
        onReport({ kind: 'served', claimId: claimOf(event), act: 'leave', outcome: reasonOf(error) });
        return true;
      }
      onReport({ kind: 'waits', reason: reasonOf(error) });
      await pause(afterMs, signal);
    }
  }
  return false;
}

/** A call that only reads, until it is answered; null if stopped. What the node will never answer is thrown. */
async function persist<T>(
  { signal, onReport }: Pick<AdjudicatorOptions, 'signal' | 'onReport'>,
  read: () => Promise<T>,
): Promise<T | null> {
  for (let tries = 1; !signal.aborted; tries += 1) {
    try {
      return await orStopped(read(), signal);
    } catch (error) {
      const afterMs = retryAfterMsOf(error, tries);
      if (afterMs === null) throw error;
      onReport({ kind: 'waits', reason: reasonOf(error) });
      await pause(afterMs, signal);
    }
  }
  return null;
}

/** The answer, or null as soon as it is stopped: nobody misses an answer to a question about the present. */
async function orStopped<T>(answer: Promise<T>, signal: AbortSignal): Promise<T | null> {
  const stopped = new AbortController();
  const aborted = once(signal, 'abort', { signal: stopped.signal }).then(
    () => null,
    () => null,
  );
  try {
    return await Promise.race([answer, aborted]);
  } finally {
    stopped.abort();
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
