/** Settlement through the methods: statements with their lines, positions in the past, two books side by side, a round of netting. */
import assert from 'node:assert/strict';
import type { MethodResult } from '../../../node/rpc/contract.ts';
import { hexOf } from '../../../node/rpc/json.ts';
import type { Amount, Balance, Digest, Id } from '../../../protocol/brand.ts';
import { sumsOf, type StatementEntry } from '../../../protocol/settlement.ts';
import { idOf } from './memoryNode.ts';
import { cast, hour, time, type Cast } from './recordCast.ts';

const pair = { insurer: 'insurer', pharmacy: 'pharmacy' };
const period = '2026-01';

async function committed(
  write: Promise<{ readonly status: string; readonly code: string | null }>,
): Promise<void> {
  const { status, code } = await write;
  assert.deepEqual([status, code], ['committed', null]);
}

const claimIdOf = (number: number): string => hexOf(idOf(`claim ${number}`));
const amountOf = (number: number): number => 1_000 + number;
const eventIdOf = (number: number): string => hexOf(idOf(`event ${number}`));

/** One prescription from the issue to the accepted claim, all of it covered. */
async function acceptClaim({ hospital, pharmacy, insurer }: Cast, number: number): Promise<void> {
  const [claimId, eventId, price] = [claimIdOf(number), eventIdOf(number), amountOf(number)];
  const lines = [{ itemId: 1, units: 30, price }];
  const by = { practitioner: 'ph-wang' };
  const issued = await hospital.call('rx_issue', {
    practitioner: 'dr-zhang',
    class: 'ordinary',
    validUntil: time(48 * hour),
    items: [{ itemId: 1, units: 30, repeats: 0, intervalDays: 0, substitutionAllowed: false }],
    documents: [{ resourceType: 'MedicationRequest', status: 'active', intent: 'order' }],
  });
  const { rxId } = issued;
  const fillSecret = issued.fillSecrets[0] ?? '';
  await committed(
    pharmacy.call('fill_reserve', { ...by, fillSecret, until: time(12 * hour), mode: 'counter' }),
  );
  const estimate = { claimId, rxId, k: 0, insurer: 'insurer', lines, total: price };
  await committed(pharmacy.call('claim_estimate', { ...by, ...estimate }));
  await committed(
    insurer.call('claim_adjudicate', {
      practitioner: 'adj-wu',
      claimId,
      outcome: 'approve',
      lines: [{ itemId: 1, covered: price, patientPays: 0, code: 'tariff' }],
    }),
  );
  const items = [{ itemId: 1, units: 30, equivalence: 'same', packHashes: [] }] as const;
  await committed(pharmacy.call('fill_dispense', { ...by, rxId, k: 0, eventId, items, substitution: null }));
  await committed(
    pharmacy.call('claim_submit', { ...by, claimId, eventIds: [eventId], lines, total: price }),
  );
  await committed(pharmacy.call('claim_accept', { ...by, claimId, covered: price }));
}

async function reverseClaim({ pharmacy }: Cast, number: number): Promise<void> {
  await committed(
    pharmacy.call('claim_reverse', {
      practitioner: 'ph-wang',
      claimId: claimIdOf(number),
      reason: 'returned',
      lines: [{ itemId: 1, units: 30, covered: amountOf(number), patientPays: 0 }],
      eventIds: [eventIdOf(number)],
    }),
  );
}

async function propose({ insurer }: Cast, name: string): Promise<void> {
  await committed(
    insurer.call('settle_propose', { practitioner: 'acc-sun', ...pair, period: name, sums: null }),
  );
}

/** Three claims, of which the second is reversed, in one statement; a fourth after it. */
async function settledCast(): Promise<Cast> {
  const members = cast();
  for (const number of [1, 2, 3]) await acceptClaim(members, number);
  await reverseClaim(members, 2);
  await propose(members, period);
  await acceptClaim(members, 4);
  return members;
}

type Line = MethodResult<'settle_statement'>['items'][number];

async function allPages({ pharmacy }: Cast, name: string): Promise<readonly Line[]> {
  const lines: Line[] = [];
  let cursor: string | null = null;
  do {
    const page: MethodResult<'settle_statement'> = await pharmacy.call('settle_statement', {
      ...pair,
      period: name,
      limit: 3,
      ...(cursor === null ? {} : { cursor }),
    });
    lines.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return lines;
}

function entryOf(line: Line): StatementEntry {
  const claimId = line.claimId.slice(2) as Id;
  const covered = Math.abs(line.amount) as Amount;
  if (line.kind === 'accepted') return { kind: 'accepted', claimId, covered };
  return { kind: 'reversed', claimId, txId: line.txId.slice(2) as Digest, covered };
}

describe('settle_statement', () => {
  it('has totals first and lines after, page by page, and the lines prove that none is missing', async () => {
    const members = await settledCast();
    const lines = await allPages(members, period);
    assert.deepEqual(
      lines.map(({ claimId, amount }) => [claimId, amount]),
      [
        [claimIdOf(1), 1_001],
        [claimIdOf(2), 1_002],
        [claimIdOf(3), 1_003],
        [claimIdOf(2), -1_002],
      ],
    );
    const { statement } = await members.insurer.call('settle_statement', { ...pair, period });
    const sums = { count: 4, total: 2_004 as Balance, claimsRoot: statement.claimsRoot.slice(2) as Digest };
    assert.deepEqual([statement.count, statement.total], [4, 2_004]);
    assert.deepEqual(sumsOf(lines.map(entryOf)), sums);
    assert.notDeepEqual(sumsOf(lines.slice(1).map(entryOf)).claimsRoot, sums.claimsRoot);
  });

  it('begins after the statement before it', async () => {
    const members = await settledCast();
    await propose(members, '2026-02');
    const lines = await allPages(members, '2026-02');
    assert.deepEqual(
      lines.map(({ claimId }) => claimId),
      [claimIdOf(4)],
    );
  });

  it('comes as CSV with one head line', async () => {
    const { pharmacy } = await settledCast();
    const first = await pharmacy.call('settle_statement', { ...pair, period, limit: 2, format: 'csv' });
    const rows = (first.csv ?? '').split('\r\n');
    assert.deepEqual(rows[0], 'height,kind,claimId,txId,amount');
    assert.deepEqual(rows.length, 4);
    assert.ok(first.nextCursor !== null);
    const cursor = first.nextCursor;
    const rest = await pharmacy.call('settle_statement', { ...pair, period, format: 'csv', cursor });
    assert.match(
      rest.csv ?? '',
      /^\d+,accepted,0x[0-9a-f]{32},0x[0-9a-f]{64},1003\r\n\d+,reversed,.*,-1002\r\n$/,
    );
    assert.equal(rest.nextCursor, null);
  });

  it('refuses a period and a cursor that are none', async () => {
    const { pharmacy } = cast();
    const unknown = await pharmacy.refusal('settle_statement', { ...pair, period });
    assert.equal(unknown.data.name, 'statementUnknown');
    const wrong = await pharmacy.refusal('settle_statement', { ...pair, period, cursor: 'yesterday' });
    assert.deepEqual([wrong.data.name, wrong.data.path], ['invalidParams', 'cursor']);
  });
});

describe('settle_position', () => {
  it('tells what was open at any height', async () => {
    const members = await settledCast();
    const { insurer } = members;
    const now = await insurer.call('settle_position', pair);
    const totals = new Set<string>();
    for (let height = 0; height <= now.asOfHeight; height += 1) {
      const { position, asOfHeight } = await insurer.call('settle_position', { ...pair, height });
      assert.equal(asOfHeight, height);
      totals.add(`${position.statementIndex}: ${position.count}, ${position.total}`);
    }
    assert.deepEqual(
      [...totals],
      ['0: 0, 0', '0: 1, 1001', '0: 2, 2003', '0: 3, 3006', '0: 4, 2004', '1: 0, 0', '1: 1, 1004'],
    );
    const { position } = await insurer.call('settle_position', { ...pair, height: now.asOfHeight });
    assert.deepEqual(position, now.position);
  });

  it('refuses a height that is not there yet', async () => {
    const error = await cast().insurer.refusal('settle_position', { ...pair, height: 1 });
    assert.deepEqual([error.data.name, error.data.path], ['notFound', 'height']);
  });
});

describe('settle_reconcile', () => {
  it('tells two books apart, claim by claim', async () => {
    const { insurer } = await settledCast();
    const booked = (
      number: number,
      covered = amountOf(number),
    ): { readonly claimId: string; readonly covered: number } => ({
      claimId: claimIdOf(number),
      covered,
    });
    const equal = await insurer.call('settle_reconcile', {
      ...pair,
      period,
      claims: [booked(3), booked(2, 0), booked(1)],
    });
    assert.deepEqual([equal.isEqual, equal.difference, equal.items], [true, 0, []]);
    const other = await insurer.call('settle_reconcile', {
      ...pair,
      period,
      claims: [booked(1, 900), booked(9)],
    });
    const kinds = new Map(other.items.map(({ claimId, kind }) => [claimId, kind]));
    assert.equal(kinds.get(claimIdOf(1)), 'amount');
    assert.equal(kinds.get(claimIdOf(3)), 'notInBooks');
    assert.equal(kinds.get(claimIdOf(9)), 'notOnLedger');
    assert.equal(other.difference, 900 + 1_009 - 2_004);
  });
});

describe('a round', () => {
  it('is proposed, agreed to and paid through the methods', async () => {
    const members = await settledCast();
    const { insurer, pharmacy } = members;
    const { statement } = await insurer.call('settle_statement', { ...pair, period });
    const { count, total, claimsRoot } = statement;
    const sums = { count, total, claimsRoot };
    await committed(
      pharmacy.call('settle_dispute', { practitioner: 'acc-zhou', ...pair, period, reason: 'check' }),
    );
    await committed(pharmacy.call('settle_confirm', { practitioner: 'acc-zhou', ...pair, period, sums }));
    const round = 'round-1';
    const statements = [{ ...pair, period }];
    await committed(
      insurer.call('settle_net', { practitioner: 'acc-sun', round, until: time(48 * hour), statements }),
    );
    await committed(pharmacy.call('settle_agree', { practitioner: 'acc-zhou', round, net: total }));
    const payment = { to: 'pharmacy', amount: total, paymentRef: 'transfer-1' };
    await committed(insurer.call('settle_transfer', { practitioner: 'acc-sun', round, ...payment }));
    const found = await pharmacy.call('settle_round', { round });
    assert.deepEqual(
      [found.round.status, found.round.transfers],
      ['paid', [{ from: 'insurer', ...payment }]],
    );
    const paid = await pharmacy.call('settle_statement', { ...pair, period });
    assert.deepEqual([paid.statement.status, paid.statement.paymentRef], ['paid', round]);
    assert.equal((await pharmacy.refusal('settle_round', { round: 'none' })).data.name, 'roundUnknown');
  });
});
