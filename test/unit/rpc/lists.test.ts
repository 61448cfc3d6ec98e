/** Lists through the methods: each filter, and pages of one state each. */
import assert from 'node:assert/strict';
import type { IssueResult, MethodParams } from '../../../node/rpc/contract.ts';
import { hexOf } from '../../../node/rpc/json.ts';
import { listRowsMax } from '../../../node/rpc/limits.ts';
import type { Id } from '../../../protocol/brand.ts';
import { present } from '../../../protocol/invariant.ts';
import { prescriptionRecord, readPrescription } from '../../../protocol/prescription.ts';
import { idOf } from './memoryNode.ts';
import {
  cast,
  day,
  dispense,
  estimate,
  hour,
  ids,
  issue,
  pass,
  reserve,
  settle,
  ship,
  sorted,
  time,
  write,
  type Cast,
} from './recordCast.ts';

describe('rx_list', () => {
  it('filters by state, class, people, pharmacy and time', async () => {
    const members = cast();
    const ready = await issue(members);
    const pending = await issue(members, { reviewRequired: true });
    const chronic = await issue(members, { class: 'chronic', practitioner: 'dr-li' });
    const reviewed = await issue(members, { reviewRequired: true });
    await write(members.pharmacy, 'rx_review', {
      practitioner: 'ph-feng',
      rxId: reviewed.rxId,
      outcome: 'approve',
      reason: 'checked',
    });
    await reserve(members, reviewed);
    const later = await pass(members, hour);
    const { insurer } = members;
    const list = async (params: MethodParams<'rx_list'>): Promise<readonly string[]> =>
      ids(await insurer.call('rx_list', params));
    assert.deepEqual(await list({}), sorted(ready, pending, chronic, reviewed, later));
    assert.deepEqual(await list({ status: ['pendingReview'] }), sorted(pending));
    assert.deepEqual(await list({ status: ['reserved', 'pendingReview'] }), sorted(pending, reviewed));
    assert.deepEqual(await list({ class: 'chronic' }), sorted(chronic));
    assert.deepEqual(await list({ hospital: 'hospital' }), await list({}));
    assert.deepEqual(await list({ hospital: 'rival' }), []);
    assert.deepEqual(await list({ prescriber: hexOf(idOf('dr-li')) }), sorted(chronic));
    assert.deepEqual(await list({ reviewer: hexOf(idOf('ph-feng')) }), sorted(reviewed));
    assert.deepEqual(await list({ pharmacy: 'pharmacy' }), sorted(reviewed));
    assert.deepEqual(await list({ pharmacy: 'pharmacy', status: ['ready'] }), []);
    assert.deepEqual(await list({ since: time(hour) }), sorted(later));
    assert.deepEqual(await list({ until: time(hour) }), sorted(ready, pending, chronic, reviewed));
  });

  it('shows a pharmacy what it is nominated for, and what it supplied', async () => {
    const members = cast();
    const chosen = await issue(members);
    await write(members.insurer, 'rx_nominate', {
      token: chosen.token ?? '',
      rxId: chosen.rxId,
      nomination: { pharmacy: 'rival', until: time(day) },
    });
    const supplied = await issue(members);
    await reserve(members, supplied);
    await dispense(members, supplied);
    await pass(members, 13 * hour);
    assert.deepEqual(ids(await members.rival.call('rx_list', { pharmacy: 'rival' })), sorted(chosen));
    const own = await members.pharmacy.call('rx_list', { pharmacy: 'pharmacy' });
    assert.deepEqual(
      own.items.map(({ rxId, fills }) => [rxId, fills[0]?.status, fills[0]?.holder]),
      [[supplied.rxId, 'dispensed', null]],
    );
  });

  it('leads from page to page, each prescription once', async () => {
    const members = cast();
    const issued: IssueResult[] = [];
    for (let count = 0; count < 5; count += 1) issued.push(await issue(members));
    const found: string[] = [];
    let cursor: string | null = null;
    let pageCount = 0;
    do {
      const page: Awaited<ReturnType<typeof next>> = await next(members, cursor);
      found.push(...page.items.map(({ rxId }) => rxId));
      cursor = page.nextCursor;
      pageCount += 1;
      assert.equal(page.asOfHeight, 5);
    } while (cursor !== null);
    assert.deepEqual(found, sorted(...issued));
    assert.equal(pageCount, 3);
  });

  it('leads on from a page with nothing in it: so many records are looked at, and no more', async () => {
    const members = cast();
    const { rxId } = await issue(members);
    const record = present(readPrescription(members.chain.state, rxId.slice(2) as Id), 'issued');
    for (let number = 0; number < listRowsMax; number += 1) {
      const copy = { ...record, rxId: `f${number.toString(16).padStart(31, '0')}` as Id };
      members.chain.records.set(...prescriptionRecord(copy));
    }
    const nobody = { hospital: 'rival' };
    const first = await members.hospital.call('rx_list', nobody);
    assert.deepEqual(first.items, []);
    assert.ok(first.nextCursor !== null);
    const second = await members.hospital.call('rx_list', { ...nobody, cursor: first.nextCursor });
    assert.deepEqual([second.items, second.nextCursor], [[], null]);
  });

  it('refuses a cursor that is none, or of another list', async () => {
    const members = cast();
    const { rxId } = await issue(members);
    for (const cursor of ['yesterday', '12.0', 'rx/', `claim/${rxId.slice(2)}`]) {
      const { data } = await members.hospital.refusal('rx_list', { cursor });
      assert.deepEqual([cursor, data.name, data.path], [cursor, 'invalidParams', 'cursor']);
    }
  });
});

function next(
  { hospital }: Cast,
  cursor: string | null,
): Promise<{
  readonly items: readonly { readonly rxId: string }[];
  readonly nextCursor: string | null;
  readonly asOfHeight: number;
}> {
  return hospital.call('rx_list', { limit: 2, ...(cursor === null ? {} : { cursor }) });
}

describe('claim_list', () => {
  it('filters by state, prescription, parties and time', async () => {
    const members = cast();
    const [open, done] = [await issue(members), await issue(members)];
    for (const issued of [open, done]) {
      await reserve(members, issued);
      await estimate(members, issued);
    }
    await settle(members, done);
    const list = async (params: MethodParams<'claim_list'>): Promise<readonly string[]> =>
      ids(await members.insurer.call('claim_list', params));
    assert.deepEqual(await list({}), sorted(open, done));
    assert.deepEqual(await list({ status: ['accepted'] }), sorted(done));
    assert.deepEqual(await list({ status: ['estimated'], insurer: 'insurer' }), sorted(open));
    assert.deepEqual(await list({ rxId: open.rxId }), sorted(open));
    assert.deepEqual(await list({ pharmacy: 'pharmacy' }), sorted(open, done));
    assert.deepEqual(await list({ pharmacy: 'rival' }), []);
    assert.deepEqual(await list({ insurer: 'rival' }), []);
    assert.deepEqual(await list({ since: time(hour) }), []);
    const pair = { insurer: 'insurer', pharmacy: 'pharmacy' };
    const by = { practitioner: 'acc-sun', ...pair, sums: null };
    await write(members.insurer, 'settle_propose', { ...by, period: '2026-01' });
    assert.deepEqual(await list({ status: ['netted'] }), sorted(done));
    await pass(members, 2 * day);
    assert.deepEqual(await list({ status: ['unknown'] }), sorted(open));
  });
});

describe('delivery_list', () => {
  it('filters by state, prescription, parties and time', async () => {
    const members = cast();
    const sent = await issue(members);
    await reserve(members, sent, 'courier');
    await dispense(members, sent);
    await ship(members, sent);
    const list = async (params: MethodParams<'delivery_list'>): Promise<readonly string[]> =>
      ids(await members.courier.call('delivery_list', params));
    assert.deepEqual(await list({ status: ['inTransit'], rxId: sent.rxId }), sorted(sent));
    assert.deepEqual(await list({ courier: 'courier', pharmacy: 'pharmacy' }), sorted(sent));
    assert.deepEqual(await list({ until: time(hour) }), sorted(sent));
    for (const other of [{ courier: 'rival' }, { pharmacy: 'rival' }, { rxId: hexOf(idOf('other')) }])
      assert.deepEqual(await list(other), []);
    assert.deepEqual(await list({ status: ['delivered'] }), []);
    assert.deepEqual(await list({ since: time(hour) }), []);
  });
});

describe('settle_list', () => {
  it('filters by state, parties and period, and leads from page to page', async () => {
    const members = cast();
    const { insurer, pharmacy } = members;
    const pair = { insurer: 'insurer', pharmacy: 'pharmacy' };
    for (const period of ['2026-01', '2026-02']) {
      const issued = await issue(members);
      await reserve(members, issued);
      await estimate(members, issued);
      await settle(members, issued);
      await write(insurer, 'settle_propose', { practitioner: 'acc-sun', ...pair, period, sums: null });
    }
    const by = { practitioner: 'acc-zhou', ...pair, period: '2026-01', reason: 'check' };
    await write(pharmacy, 'settle_dispute', by);
    const list = async (params: MethodParams<'settle_list'>): Promise<readonly string[]> =>
      (await pharmacy.call('settle_list', params)).items.map(({ period }) => period);
    assert.deepEqual(await list({}), ['2026-01', '2026-02']);
    assert.deepEqual(await list({ status: ['disputed'] }), ['2026-01']);
    assert.deepEqual(await list({ period: '2026-02', pharmacy: 'pharmacy' }), ['2026-02']);
    assert.deepEqual(await list({ insurer: 'insurer' }), ['2026-01', '2026-02']);
    for (const other of [{ insurer: 'rival' }, { pharmacy: 'rival' }, { status: ['paid'] } as const])
      assert.deepEqual(await list(other), []);
    const first = await pharmacy.call('settle_list', { limit: 1 });
    const cursor = first.nextCursor ?? '';
    assert.deepEqual(await list({ cursor }), ['2026-02']);
    assert.deepEqual(await list({ cursor, insurer: 'insurer' }), ['2026-02']);
    const { data } = await pharmacy.refusal('settle_list', { cursor, insurer: 'rival' });
    assert.deepEqual([data.name, data.path], ['invalidParams', 'cursor']);
  });
});
