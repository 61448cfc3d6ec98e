/** The loop of one prescription from the order to the payment, as rx_history tells it. */
import assert from 'node:assert/strict';
import type { IssueResult, MethodResult } from '../../../node/rpc/contract.ts';
import { historyStampsMax } from '../../../node/rpc/limits.ts';
import { cast, estimate, issue, reserve, settle, write, type Cast } from './recordCast.ts';

const pair = { insurer: 'insurer', pharmacy: 'pharmacy' };

async function accept(members: Cast): Promise<IssueResult> {
  const issued = await issue(members);
  await reserve(members, issued);
  await estimate(members, issued);
  await settle(members, issued);
  return issued;
}

async function propose({ insurer }: Cast, period: string): Promise<void> {
  await write(insurer, 'settle_propose', { practitioner: 'acc-sun', ...pair, period, sums: null });
}

async function pay({ insurer, pharmacy }: Cast, period: string): Promise<void> {
  const { statement } = await pharmacy.call('settle_statement', { ...pair, period });
  const { count, total, claimsRoot } = statement;
  const sums = { count, total, claimsRoot };
  await write(pharmacy, 'settle_confirm', { practitioner: 'acc-zhou', ...pair, period, sums });
  const payment = { ...pair, period, total, paymentRef: 'transfer-1' };
  await write(insurer, 'settle_paid', { practitioner: 'acc-sun', ...payment });
}

const loop = [
  'rx.issue',
  'fill.reserve',
  'claim.estimate',
  'claim.adjudicate',
  'fill.dispense',
  'claim.submit',
  'claim.accept',
  'settle.propose',
  'settle.confirm',
  'settle.paid',
];

function kindsOf({ items }: MethodResult<'rx_history'>): readonly string[] {
  return items.map(({ kind }) => kind);
}

describe('rx_history', () => {
  it('tells the loop from the order to the payment, and nothing of other claims and statements', async () => {
    const members = cast();
    const first = await accept(members);
    const second = await accept(members);
    await propose(members, '2026-01');
    const third = await accept(members);
    await propose(members, '2026-02');
    await pay(members, '2026-01');
    for (const { rxId } of [first, second]) {
      const told = await members.hospital.call('rx_history', { rxId });
      assert.deepEqual([kindsOf(told), told.nextCursor], [loop, null]);
    }
    const { rxId } = third;
    const told = await members.hospital.call('rx_history', { rxId });
    assert.deepEqual(kindsOf(told), loop.slice(0, -2));
    assert.equal(told.asOfHeight, members.chain.blocks.length);
  });

  it('tells of a round of netting that pays the statement', async () => {
    const members = cast();
    const { insurer, pharmacy } = members;
    const { rxId } = await accept(members);
    const period = '2026-01';
    await propose(members, period);
    const { statement } = await pharmacy.call('settle_statement', { ...pair, period });
    const { count, total, claimsRoot } = statement;
    const sums = { count, total, claimsRoot };
    await write(pharmacy, 'settle_confirm', { practitioner: 'acc-zhou', ...pair, period, sums });
    const [round, until] = ['round-1', new Date(members.chain.timeMs + 86_400_000).toISOString()];
    const statements = [{ ...pair, period }];
    await write(insurer, 'settle_net', { practitioner: 'acc-sun', round, until, statements });
    await write(pharmacy, 'settle_agree', { practitioner: 'acc-zhou', round, net: total });
    const payment = { to: 'pharmacy', amount: total, paymentRef: 'transfer-1' };
    await write(insurer, 'settle_transfer', { practitioner: 'acc-sun', round, ...payment });
    const told = await members.hospital.call('rx_history', { rxId });
    const netted = ['settle.confirm', 'settle.net', 'settle.agree', 'settle.transfer'];
    assert.deepEqual(kindsOf(told), [...loop.slice(0, 8), ...netted]);
  });

  it('gives each step its stamp if asked for, page by page', async () => {
    const members = cast();
    const { rxId } = await accept(members);
    await propose(members, '2026-01');
    await pay(members, '2026-01');
    const bare = await members.hospital.call('rx_history', { rxId });
    assert.deepEqual(new Set(bare.items.map(({ stamp }) => stamp)), new Set([null]));
    const told: MethodResult<'rx_history'>['items'][number][] = [];
    let cursor: string | null = null;
    do {
      const params = { rxId, withStamps: true, limit: 4, ...(cursor === null ? {} : { cursor }) };
      const page: MethodResult<'rx_history'> = await members.hospital.call('rx_history', params);
      told.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== null);
    assert.deepEqual(
      told.map(({ stamp, ...step }) => [step, stamp !== null]),
      bare.items.map(({ stamp: _none, ...step }) => [step, true]),
    );
  });

  it('gives so many stamps a page, and no more', async () => {
    const members = cast();
    const { rxId } = await issue(members);
    const stop = { practitioner: 'dr-zhang', rxId, k: null, reason: 'query' };
    for (let count = 0; count < historyStampsMax / 2; count += 1) {
      await write(members.hospital, 'rx_hold', stop);
      await write(members.hospital, 'rx_release', stop);
    }
    const page = await members.hospital.call('rx_history', { rxId, withStamps: true });
    assert.deepEqual([page.items.length, page.nextCursor !== null], [historyStampsMax, true]);
    const whole = await members.hospital.call('rx_history', { rxId });
    assert.deepEqual([whole.items.length, whole.nextCursor], [historyStampsMax + 1, null]);
  });
});
