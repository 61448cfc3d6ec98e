import assert from 'node:assert/strict';
import type { Height } from '../../../protocol/brand.ts';
import type { IssueParams } from '../../../node/rpc/contract.ts';
import { eventFeed, parseCursor, type Cursor } from '../../../node/rpc/events.ts';
import { hexOf } from '../../../node/rpc/json.ts';
import { eventBlocksScannedMax, eventReceiptsScannedMax, eventWaitersMax } from '../../../node/rpc/limits.ts';
import type { LedgerPort } from '../../../node/rpc/ports.ts';
import { noon } from '../../support/chain.ts';
import { callerOf, memberOn } from './caller.ts';
import { idOf, memoryChain, memoryPorts, type MemoryChain } from './memoryNode.ts';

const everything = { kinds: null, subject: null };
const start: Cursor = { height: 0 as Height, index: 0 };

const issue: IssueParams = {
  practitioner: 'dr-zhang',
  class: 'ordinary',
  validUntil: new Date(noon + 86_400_000).toISOString(),
  items: [{ itemId: 1, units: 30, repeats: 0, intervalDays: 0, substitutionAllowed: false }],
  documents: [{ resourceType: 'MedicationRequest' }],
};

/** A chain with so many prescriptions, one in a block; their rxIds. */
async function withPrescriptions(chain: MemoryChain, count: number): Promise<readonly string[]> {
  const hospital = memberOn(chain, 'hospital');
  const rxIds: string[] = [];
  for (let issued = 0; issued < count; issued += 1) {
    const { rxId } = await hospital.call('rx_issue', issue);
    rxIds.push(rxId);
  }
  return rxIds;
}

function ledgerOf(chain: MemoryChain, overrides: Partial<LedgerPort> = {}): LedgerPort {
  return { ...memoryPorts(chain).ledger, ...overrides };
}

describe('events', () => {
  it('are read from the beginning in the order of the ledger, and the cursor reads on', async () => {
    const chain = memoryChain();
    await withPrescriptions(chain, 3);
    const feed = eventFeed(ledgerOf(chain));
    const first = await feed.read(start, everything, 2);
    const second = await feed.read(first.next, everything, 2);
    assert.deepEqual(
      [first, second].map(({ events, next }) => [events.map(({ height }) => height), next]),
      [
        [[1, 2], { height: 3, index: 0 }],
        [[3], { height: 4, index: 0 }],
      ],
    );
  });

  it('of one subject are found by what the ledger knows of it', async () => {
    const chain = memoryChain();
    const [, second = ''] = await withPrescriptions(chain, 3);
    const { items } = await memberOn(chain, 'hospital').call('event_poll', {
      cursor: '0.0',
      filter: { subject: second },
    });
    assert.deepEqual(
      items.map(({ cursor, kind, outcome, subjects }) => ({ cursor, kind, outcome, subjects })),
      [{ cursor: '2.0', kind: 'rx.issue', outcome: 'committed', subjects: [second] }],
    );
  });

  it('of another kind are passed over', async () => {
    const chain = memoryChain();
    await withPrescriptions(chain, 1);
    const params = { cursor: '0.0', filter: { kinds: ['fill.reserve'] } } as const;
    const page = await memberOn(chain, 'hospital').call('event_poll', params);
    assert.deepEqual(page, { items: [], nextCursor: '2.0', lagged: false, asOfHeight: 1 });
  });

  it('without a cursor are those to come', async () => {
    const chain = memoryChain();
    await withPrescriptions(chain, 2);
    const page = await memberOn(chain, 'hospital').call('event_poll', {});
    assert.deepEqual(page, { items: [], nextCursor: '3.0', lagged: false, asOfHeight: 2 });
  });

  it('answer who waits for them as soon as they happen', async () => {
    const chain = memoryChain();
    const waiting = memberOn(chain, 'pharmacy').call('event_poll', { waitMs: 30_000 });
    await withPrescriptions(chain, 1);
    const { items } = await waiting;
    assert.deepEqual(
      items.map(({ height, kind }) => [height, kind]),
      [[1, 'rx.issue']],
    );
  });

  it('that were pruned are told as a gap, and the cursor goes on after it', async () => {
    const chain = memoryChain();
    await withPrescriptions(chain, 3);
    const feed = eventFeed(ledgerOf(chain, { heightMin: () => 3 as Height }));
    const page = await feed.read({ height: 1 as Height, index: 0 }, everything, 10);
    assert.deepEqual([page.isLagged, page.events.map(({ height }) => height)], [true, [3]]);
  });

  it('have no room for one waiting reader too many', async () => {
    const feed = eventFeed(ledgerOf(memoryChain()));
    const waits = Array.from({ length: eventWaitersMax }, () => feed.wait(30_000));
    assert.equal(await feed.wait(30_000), false);
    feed.close();
    assert.equal((await Promise.all(waits)).every(Boolean), true);
  });

  it('are looked for in so many blocks at a time, and the cursor tells where the look stopped', async () => {
    const ledger = ledgerOf(memoryChain(), { height: () => (eventBlocksScannedMax + 5) as Height });
    const page = await eventFeed(ledger).read(start, everything, 10);
    assert.deepEqual(page.next, { height: eventBlocksScannedMax + 1, index: 0 });
  });

  it('are looked for in so many receipts at a time, whole blocks of them', async () => {
    const chain = memoryChain();
    await withPrescriptions(chain, 1);
    const [receipt] = ledgerOf(chain).receiptsAt(1 as Height);
    const receipts = Array.from({ length: eventReceiptsScannedMax - 1 }, () => receipt ?? assert.fail());
    const ledger = ledgerOf(chain, { height: () => 9 as Height, receiptsAt: () => receipts });
    const page = await eventFeed(ledger).read(start, { kinds: ['fill.close'], subject: null }, 10);
    assert.deepEqual([page.events, page.next], [[], { height: 3, index: 0 }]);
  });

  it('are asked for by a cursor that is one', async () => {
    const caller = callerOf(memoryPorts(memoryChain()));
    const error = await caller.refusal('event_poll', { cursor: '1,2' });
    assert.deepEqual([error.data.name, error.data.path], ['invalidParams', 'cursor']);
    assert.deepEqual(
      ['0.0', '12.3', '01.0', '1', '-1.0', '1.1.1'].map((text) => parseCursor(text) !== null),
      [true, true, false, false, false, false],
    );
  });

  it('make the history of a prescription, page by page', async () => {
    const chain = memoryChain();
    const [rxId = ''] = await withPrescriptions(chain, 1);
    const hospital = memberOn(chain, 'hospital');
    await hospital.call('rx_cancel', { practitioner: 'dr-zhang', rxId, k: null, reason: 'error' });
    const first = await hospital.call('rx_history', { rxId, limit: 1 });
    const second = await hospital.call('rx_history', { rxId, cursor: first.nextCursor ?? '', limit: 1 });
    assert.deepEqual(
      [first, second].map(({ items, nextCursor }) => [items.map(({ kind }) => kind), nextCursor]),
      [
        [['rx.issue'], '2.0'],
        [['rx.cancel'], null],
      ],
    );
  });

  it('of an unknown subject are none', async () => {
    const history = await memberOn(memoryChain(), 'hospital').call('rx_history', {
      rxId: hexOf(idOf('none')),
    });
    assert.deepEqual(history, { items: [], nextCursor: null, asOfHeight: 0 });
  });
});
