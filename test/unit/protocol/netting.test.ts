import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Balance, MemberName } from '../../../protocol/brand.ts';
import { amountMax, roundMsMax } from '../../../protocol/limits.ts';
import { isLapsed, netsOf, readRound, transfersOf } from '../../../protocol/round.ts';
import {
  readOpenPosition,
  readStatement,
  statementRecord,
  type Statement,
} from '../../../protocol/settlement.ts';
import {
  aConfirm,
  aDispense,
  anAccept,
  anAdjudicate,
  anAgree,
  anEstimate,
  anIssue,
  aNet,
  aPaid,
  aPay,
  aPropose,
  aReserve,
  aSubmit,
  aTransfer,
  pair,
  period,
} from '../../support/acts.ts';
import {
  after,
  amount,
  at,
  dayMs,
  digestOf,
  insurer,
  itRefuses,
  keyOf,
  later,
  name,
  newWorld,
  noon,
  pharmacy,
  readerOf,
  refusalOf,
  rival,
  type World,
} from '../../support/domain.ts';

const accepted = after(
  newWorld,
  anIssue(),
  aReserve(),
  anEstimate(),
  anAdjudicate(),
  aPay(),
  aDispense(),
  aSubmit(),
  anAccept(),
);
const { count, total, claimsRoot } = readOpenPosition(readerOf(accepted), pair);
const sums = { count, total, claimsRoot };
const proposed = after(accepted, aPropose(null));
/** The pharmacy gets 4,900 of the insurer, owes the second insurer 1,000 back, and the rival gets 300 of the first. */
const confirmed = [
  aStatement({ insurer: name('second-insurer'), pharmacy, total: -1_000 }),
  aStatement({ insurer, pharmacy: rival, total: 300 }),
].reduce(withStatement, after(proposed, aConfirm(sums)));
const statements = [
  { ...pair, period },
  { insurer: name('second-insurer'), pharmacy, period },
  { insurer, pharmacy: rival, period },
];
const round = aNet({ body: { statements } });
const bound = after(confirmed, round);
const bySecond = { member: name('second-insurer'), keys: [keyOf('second adjudicator')] };
const byRival = { member: rival, keys: [keyOf('rival pharmacist')] };
const agreed = after(bound, anAgree(3_900), anAgree(1_000, bySecond), anAgree(300, byRival));

function aStatement(more: {
  readonly insurer: MemberName;
  readonly pharmacy: MemberName;
  readonly total: number;
}): Statement {
  return {
    ...more,
    total: more.total as Balance,
    period,
    count: 1,
    claimsRoot: digestOf('entries'),
    index: 0,
    proposedHeight: 1 as Statement['proposedHeight'],
    status: 'confirmed',
    paymentRef: null,
    round: null,
  };
}

function withStatement(world: World, statement: Statement): World {
  return { ...world, records: new Map([...world.records, statementRecord(statement)]) };
}

function statusesIn(world: World): unknown {
  return statements.map((one) => readStatement(readerOf(world), one, one.period)?.status);
}

describe('a round of netting', () => {
  it('nets every member over all statements, and sums to nothing (I11)', () => {
    assert.deepEqual(
      readRound(readerOf(bound), 'round-1')?.nets.map(({ member, net, hasAgreed }) => [
        member,
        net,
        hasAgreed,
      ]),
      [
        [insurer, -5_200, true],
        [pharmacy, 3_900, false],
        [rival, 300, false],
        [name('second-insurer'), 1_000, false],
      ],
    );
  });

  it('names the transfers once everybody has agreed', () => {
    assert.equal(readRound(readerOf(bound), 'round-1')?.transfers.length, 0);
    assert.deepEqual(
      readRound(readerOf(agreed), 'round-1')?.transfers.map(({ from, to, amount: value }) => [
        from,
        to,
        value,
      ]),
      [
        [insurer, pharmacy, 3_900],
        [insurer, rival, 300],
        [insurer, name('second-insurer'), 1_000],
      ],
    );
  });

  it('pays all its statements with the last transfer', () => {
    const transfers = [
      aTransfer({ body: { amount: amount(3_900) } }),
      aTransfer({ body: { to: rival, amount: amount(300) } }),
      aTransfer({ body: { to: name('second-insurer'), amount: amount(1_000) } }),
    ];
    const almost = after(agreed, ...transfers.slice(0, 2));
    assert.deepEqual(statusesIn(almost), ['confirmed', 'confirmed', 'confirmed']);
    const paid = after(agreed, ...transfers);
    assert.deepEqual(statusesIn(paid), ['paid', 'paid', 'paid']);
    assert.equal(readRound(readerOf(paid), 'round-1')?.status, 'paid');
  });

  it('binds its statements until it lapses by block time, and nobody after that', () => {
    assert.equal(refusalOf(bound, aPaid(sums.total)), 'statementState');
    assert.equal(refusalOf(bound, aNet({ body: { round: 'round-2' } })), 'statementState');
    const lapsed = later(bound, dayMs);
    const found = readRound(readerOf(bound), 'round-1');
    assert.ok(found !== null);
    assert.deepEqual(
      [isLapsed(found, at(noon + dayMs - 1)), isLapsed(found, at(noon + dayMs))],
      [false, true],
    );
    assert.equal(refusalOf(lapsed, aPaid(sums.total)), null);
    assert.equal(refusalOf(lapsed, aNet({ body: { round: 'round-2', until: at(noon + 2 * dayMs) } })), null);
    assert.equal(refusalOf(lapsed, anAgree(3_900)), 'roundState');
  });

  it('stays agreed for as long as the transfers take', () => {
    assert.equal(refusalOf(later(agreed, 30 * dayMs), aTransfer({ body: { amount: amount(3_900) } })), null);
  });
});

describe('settle.net', () => {
  itRefuses('a round twice', 'roundExists', [bound, round]);
  itRefuses('a round that is over before it begins', 'roundState', [
    confirmed,
    aNet({ body: { until: noon } }),
  ]);
  itRefuses('a round that binds for too long', 'roundState', [
    confirmed,
    aNet({ body: { until: at(noon + roundMsMax + 1) } }),
  ]);
  itRefuses('a statement that is not there', 'statementUnknown', [
    confirmed,
    aNet({ body: { statements: [{ ...pair, period: '1999-01' }] } }),
  ]);
  itRefuses('a statement that is not confirmed', 'statementState', [proposed, aNet()]);
  itRefuses('a statement named twice', 'statementState', [
    confirmed,
    aNet({ body: { statements: [...statements, ...statements] } }),
  ]);
  it('refuses a net that no member could be asked to pay: tooLarge', () => {
    const huge = ['2026-07', '2026-08'].map((name) => ({
      ...aStatement({ insurer, pharmacy, total: amountMax }),
      period: name,
    }));
    const refs = huge.map((one) => ({ ...pair, period: one.period }));
    const world = huge.reduce(withStatement, confirmed);
    assert.equal(refusalOf(world, aNet({ body: { statements: refs } })), 'tooLarge');
  });

  itRefuses('somebody who has no statement in it', 'claimPartyWrong', [confirmed, aNet(byRival)]);
  itRefuses('a courier', 'roleMissing', [
    confirmed,
    aNet({ member: name('courier'), keys: [keyOf('rider')] }),
  ]);
});

describe('settle.agree', () => {
  itRefuses('to a round that is not there', 'roundUnknown', [confirmed, anAgree(3_900)]);
  itRefuses('to another net than the own one', 'statementMismatch', [bound, anAgree(3_901)]);
  itRefuses('twice', 'roundState', [after(bound, anAgree(3_900)), anAgree(3_900)]);
  itRefuses('once all have agreed', 'roundState', [agreed, anAgree(3_900)]);
  itRefuses('somebody who is not in it', 'claimPartyWrong', [after(confirmed, aNet()), anAgree(0, byRival)]);
});

describe('settle.transfer', () => {
  const first = aTransfer({ body: { amount: amount(3_900) } });
  itRefuses('in a round that is not there', 'roundUnknown', [confirmed, first]);
  itRefuses('before all have agreed', 'roundState', [bound, first]);
  itRefuses('of another amount', 'transferUnknown', [agreed, aTransfer()]);
  itRefuses('twice', 'transferUnknown', [after(agreed, first), first]);
  itRefuses('by somebody else', 'transferUnknown', [
    agreed,
    aTransfer({ ...byRival, body: { amount: amount(3_900) } }),
  ]);
});

describe('transfers', () => {
  it('settle every net with fewer transfers than members', () => {
    const member = fc.integer({ min: 0, max: 9 });
    const statement = fc.record({ from: member, to: member, total: fc.integer({ min: -1_000, max: 1_000 }) });
    fc.assert(
      fc.property(fc.array(statement, { minLength: 1, maxLength: 64 }), (drawn) => {
        const nets = netsOf(
          drawn.map(({ from, to, total }) => ({
            insurer: name(`insurer-${from}`),
            pharmacy: name(`pharmacy-${to}`),
            period,
            total: total as Balance,
          })),
        );
        const transfers = transfersOf(nets);
        assert.ok(transfers.length < nets.length);
        for (const one of nets) {
          const got = transfers.filter(({ to }) => to === one.member).reduce((sum, t) => sum + t.amount, 0);
          const gave = transfers
            .filter(({ from }) => from === one.member)
            .reduce((sum, t) => sum + t.amount, 0);
          assert.equal(got - gave, one.net);
        }
      }),
    );
  });
});
