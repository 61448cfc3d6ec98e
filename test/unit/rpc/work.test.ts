/** Work queues and recalls through the methods. */
import assert from 'node:assert/strict';
import type { MethodParams } from '../../../node/rpc/contract.ts';
import { hexOf } from '../../../node/rpc/json.ts';
import { recalledPacksMax } from '../../../node/rpc/limits.ts';
import { compareText } from '../../../protocol/bytes.ts';
import { digestOf } from './memoryNode.ts';
import {
  cast,
  claimOf,
  day,
  dispense,
  estimate,
  eventOf,
  hour,
  issue,
  parcelOf,
  pass,
  reserve,
  settle,
  ship,
  time,
  write,
  type Cast,
} from './recordCast.ts';

describe('work_list', () => {
  const queueOf = async (
    { pharmacy }: Cast,
    params: MethodParams<'work_list'>,
  ): Promise<readonly (readonly [kind: string, rxId: string, dueAt: string | null])[]> => {
    const { items } = await pharmacy.call('work_list', params);
    return items.map(({ kind, rxId, dueAt }) => [kind, rxId, dueAt] as const);
  };

  it('tells what is to be reviewed, until somebody has', async () => {
    const members = cast();
    await issue(members);
    const { rxId } = await issue(members, { reviewRequired: true });
    const queue = { queue: 'review' } as const;
    assert.deepEqual(await queueOf(members, queue), [['review', rxId, time(2 * day)]]);
    assert.deepEqual(await queueOf(members, { ...queue, member: 'rival' }), []);
    const review = { rxId, outcome: 'approve', reason: 'checked' } as const;
    await write(members.pharmacy, 'rx_review', { practitioner: 'ph-wang', ...review });
    assert.deepEqual(await queueOf(members, queue), []);
    await issue(members, { reviewRequired: true, validUntil: time(hour) });
    await pass(members, 2 * hour);
    assert.deepEqual(await queueOf(members, queue), []);
  });

  it('tells a pharmacy what it holds and has not dispensed, unless it is on hold', async () => {
    const members = cast();
    const [one, held] = [await issue(members), await issue(members)];
    for (const issued of [one, held]) await reserve(members, issued);
    const stop = { rxId: held.rxId, k: null, reason: 'query' };
    await write(members.hospital, 'rx_hold', { practitioner: 'dr-zhang', ...stop });
    const queue = { queue: 'dispense', member: 'pharmacy' } as const;
    assert.deepEqual(await queueOf(members, queue), [['dispense', one.rxId, time(12 * hour)]]);
    assert.deepEqual(await queueOf(members, { ...queue, member: 'rival' }), []);
    assert.deepEqual(await queueOf(members, { ...queue, since: time(hour) }), []);
    await dispense(members, one);
    assert.deepEqual(await queueOf(members, queue), []);
    await pass(members, 13 * hour);
    assert.deepEqual(await queueOf(members, { queue: 'dispense' }), []);
  });

  it('tells what waits for a courier, and nothing of the counter', async () => {
    const members = cast();
    const [sent, counter] = [await issue(members), await issue(members)];
    await reserve(members, sent, 'courier');
    await reserve(members, counter);
    for (const issued of [sent, counter]) await dispense(members, issued);
    assert.deepEqual(await queueOf(members, { queue: 'ship' }), [['ship', sent.rxId, null]]);
    await ship(members, sent);
    assert.deepEqual(await queueOf(members, { queue: 'ship' }), []);
  });

  it('tells an insurer what is to be adjudicated, and until when', async () => {
    const members = cast();
    const issued = await issue(members);
    await reserve(members, issued);
    await estimate(members, issued);
    const queue = { queue: 'adjudicate', member: 'insurer' } as const;
    const { items } = await members.insurer.call('work_list', queue);
    assert.deepEqual(
      items.map(({ kind, claimId, members: parties }) => ({ kind, claimId, parties })),
      [{ kind: 'adjudicate', claimId: claimOf(issued), parties: ['insurer', 'pharmacy'] }],
    );
    await settle(members, issued);
    assert.deepEqual(await queueOf(members, queue), []);
  });

  it('tells what is overdue, and a page ends between its kinds', async () => {
    const members = cast();
    const [estimated, sent, counter, delivered] = [
      await issue(members),
      await issue(members),
      await issue(members),
      await issue(members),
    ];
    for (const issued of [estimated, counter]) await reserve(members, issued);
    for (const issued of [sent, delivered]) await reserve(members, issued, 'courier');
    await estimate(members, estimated);
    for (const issued of [sent, counter, delivered]) await dispense(members, issued);
    for (const issued of [sent, delivered]) await ship(members, issued);
    const parcelId = parcelOf(delivered);
    await write(members.courier, 'delivery_deliver', { practitioner: 'rider-ma', parcelId });
    assert.deepEqual(await queueOf(members, { queue: 'overdue' }), []);
    await pass(members, 5 * day);
    const kinds = async (params: Partial<MethodParams<'work_list'>> = {}): Promise<readonly string[]> =>
      (await queueOf(members, { queue: 'overdue', ...params }))
        .map(([kind, rxId]) => `${kind} ${rxId}`)
        .toSorted(compareText);
    const all = [
      `lateEstimate ${estimated.rxId}`,
      `lateParcel ${sent.rxId}`,
      `unconfirmed ${counter.rxId}`,
      `unconfirmed ${delivered.rxId}`,
    ].toSorted(compareText);
    assert.deepEqual(await kinds(), all);
    assert.deepEqual(await kinds({ member: 'insurer' }), [`lateEstimate ${estimated.rxId}`]);
    assert.deepEqual(
      await kinds({ member: 'courier' }),
      [`lateParcel ${sent.rxId}`, `unconfirmed ${delivered.rxId}`].toSorted(compareText),
    );
    const paged: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof overduePage>> = await overduePage(members, cursor);
      paged.push(...page.items.map(({ kind, rxId }) => `${kind} ${rxId}`));
      cursor = page.nextCursor;
    } while (cursor !== null);
    assert.deepEqual(paged.toSorted(compareText), all);
  });
});

function overduePage(
  { pharmacy }: Cast,
  cursor: string | null,
): Promise<{
  readonly items: readonly { readonly kind: string; readonly rxId: string }[];
  readonly nextCursor: string | null;
}> {
  return pharmacy.call('work_list', {
    queue: 'overdue',
    limit: 1,
    ...(cursor === null ? {} : { cursor }),
  });
}

describe('recall_find', () => {
  it('takes 500 packs, and no more', async () => {
    const { pharmacy } = cast();
    const packHashes = Array.from({ length: recalledPacksMax }, (_, number) => hexOf(digestOf(`${number}`)));
    const found = await pharmacy.call('recall_find', { packHashes });
    assert.deepEqual([found.items, found.notDispensed], [[], packHashes]);
    const tooMany = [...packHashes, hexOf(digestOf('one more'))];
    const { data } = await pharmacy.refusal('recall_find', { packHashes: tooMany });
    assert.deepEqual([data.name, data.path], ['invalidParams', 'packHashes']);
  });

  it('leads from packs to the supplies that they went into, and to who has them', async () => {
    const members = cast();
    const [sent, counter, received, withdrawn] = [
      await issue(members),
      await issue(members),
      await issue(members),
      await issue(members),
    ];
    const supplies = { sent, counter, received, withdrawn };
    for (const [name, issued] of Object.entries(supplies)) {
      await reserve(members, issued, name === 'sent' ? 'courier' : 'counter');
      await dispense(members, issued, [`pack ${name}`, `second pack ${name}`]);
    }
    await ship(members, sent);
    const receipt = { token: received.token ?? '', k: 0, parcelId: null };
    await write(members.pharmacy, 'delivery_receive', receipt);
    await write(members.pharmacy, 'fill_withdraw', {
      practitioner: 'ph-wang',
      rxId: withdrawn.rxId,
      k: 0,
      eventId: eventOf(withdrawn),
      restockedHashes: [hexOf(digestOf('pack withdrawn'))],
      reason: 'error',
    });
    const packs = [...Object.keys(supplies).map((name) => `pack ${name}`), 'second pack withdrawn', 'other'];
    const packHashes = packs.map((pack) => hexOf(digestOf(pack)));
    const found = await members.insurer.call('recall_find', { packHashes });
    assert.deepEqual(
      found.items.map(({ packHash, rxId, holder, parcelStatus, fillStatus }) => [
        packs[packHashes.indexOf(packHash)],
        rxId,
        holder,
        parcelStatus,
        fillStatus,
      ]),
      [
        ['pack sent', sent.rxId, 'courier', 'inTransit', 'dispensed'],
        ['pack counter', counter.rxId, 'pharmacy', null, 'dispensed'],
        ['pack received', received.rxId, null, null, 'dispensed'],
        ['second pack withdrawn', withdrawn.rxId, 'pharmacy', null, 'reserved'],
      ],
    );
    assert.deepEqual(found.notDispensed, [hexOf(digestOf('pack withdrawn')), hexOf(digestOf('other'))]);
    const [first, , third, last] = found.items;
    assert.deepEqual(
      [first?.eventId, first?.parcelId, third?.receivedAt === null, last?.withdrawnAt === null],
      [eventOf(sent), parcelOf(sent), false, false],
    );
  });
});
