import assert from 'node:assert/strict';
import { claimStatusAt, readClaim, type Claim } from '../../../protocol/claim.ts';
import { present } from '../../../protocol/invariant.ts';
import { amountMax, claimReversalsMax } from '../../../protocol/limits.ts';
import { readPrescription } from '../../../protocol/prescription.ts';
import {
  addToPosition,
  readOpenPosition,
  settledStatus,
  type StatementEntry,
  type Sums,
} from '../../../protocol/settlement.ts';
import {
  aConfirm,
  aDispense,
  aDispute,
  anAccept,
  anAdjudicate,
  anEstimate,
  anIssue,
  aPay,
  aPropose,
  aRecoup,
  aReserve,
  aReverse,
  aSubmit,
  aWithdraw,
  claimId,
  dispensed,
  pair,
  rxId,
} from '../../support/acts.ts';
import {
  after,
  amount,
  attempt,
  dayMs,
  digestOf,
  idOf,
  insurer,
  itRefuses,
  keyOf,
  later,
  name,
  newWorld,
  pharmacy,
  readerOf,
  refusalOf,
  rival,
  type World,
} from '../../support/domain.ts';

const estimated = after(newWorld, anIssue(), aReserve(), anEstimate());
const adjudicated = after(estimated, anAdjudicate());
const supplied = after(adjudicated, aPay(), aDispense());
const submitted = after(supplied, aSubmit());
const disputed = after(submitted, aDispute());
const accepted = after(submitted, anAccept());
const settled = after(accepted, aPropose(null), aConfirm(sumsIn(accepted)));
const byRival = { member: rival, keys: [keyOf('rival pharmacist')] };
const byInsurer = { member: insurer, keys: [keyOf('adjudicator')] };
const bySecondInsurer = { member: name('second-insurer'), keys: [keyOf('second adjudicator')] };
const whole = {
  lines: [
    { itemId: 0, units: 30, covered: amount(4_000), patientPays: amount(500) },
    { itemId: 1, units: 20, covered: amount(900), patientPays: amount(300) },
  ],
  eventIds: [idOf('event')],
};

function sumsIn(world: World): Sums {
  const { count, total, claimsRoot } = readOpenPosition(readerOf(world), pair);
  return { count, total, claimsRoot };
}

function claimIn(world: World): Claim {
  return present(readClaim(readerOf(world), claimId), 'estimated');
}

function claimOfEvent(world: World): unknown {
  return readPrescription(readerOf(world), rxId)?.fills[0]?.events.map((event) => event.claimId);
}

describe('an insurer that cannot tell', () => {
  const unknown = anAdjudicate({ body: { outcome: 'unknown', lines: [] } });

  it('says so, and the pharmacy need not wait', () => {
    const world = after(estimated, unknown);
    assert.equal(claimIn(world).status, 'unknown');
    assert.equal(refusalOf(world, aPay()), 'claimState');
    assert.equal(refusalOf(world, anEstimate({ body: { claimId: idOf('again') } })), null);
  });

  it('is taken to have said so when its time is over, by block time alone', () => {
    const claim = claimIn(estimated);
    const statusAt = (waitMs: number): string => claimStatusAt(claim, later(estimated, waitMs).timeMs, dayMs);
    assert.deepEqual([statusAt(dayMs), statusAt(dayMs + 1)], ['estimated', 'unknown']);
    assert.equal(
      claimStatusAt(claimIn(adjudicated), later(estimated, 2 * dayMs).timeMs, dayMs),
      'adjudicated',
    );
  });

  itRefuses('lines with what nobody knows', 'itemsInvalid', [
    estimated,
    anAdjudicate({ body: { outcome: 'unknown' } }),
  ]);
});

describe('claim.pay', () => {
  const from = (...amounts: readonly number[]): ReturnType<typeof aPay> =>
    aPay({
      body: {
        payments: amounts.map((value, index) => ({ method: `source-${index}`, amount: amount(value) })),
      },
    });

  it('takes the patient’s part from several sources', () => {
    const world = after(adjudicated, from(500, 300));
    assert.deepEqual(
      claimIn(world).payments.map((payment) => payment.amount),
      [500, 300],
    );
  });

  itRefuses('sources that are not the sum', 'amountsDoNotAdd', [adjudicated, from(500, 299)]);
  itRefuses('no source', 'amountsDoNotAdd', [adjudicated, from()]);
  itRefuses('a source that gives nothing', 'amountsDoNotAdd', [adjudicated, from(800, 0)]);
});

describe('claim.dispute', () => {
  it('offers another amount, and the other side may take it', () => {
    assert.deepEqual(claimIn(disputed).dispute, {
      by: insurer,
      reason: 'over-tariff',
      covered: [3_100, 900],
    });
    const world = after(disputed, anAccept({ body: { covered: amount(4_000) } }));
    assert.deepEqual(claimIn(world).settled, [3_100, 900]);
    assert.equal(readOpenPosition(readerOf(world), pair).total, 4_000);
  });

  it('is given up by whoever raised it', () => {
    const world = after(disputed, anAccept(byInsurer));
    assert.deepEqual(claimIn(world).settled, [4_000, 900]);
  });

  it('can be answered by another offer, which takes the place of the first', () => {
    const lines = [
      { itemId: 0, covered: amount(3_800) },
      { itemId: 1, covered: amount(900) },
    ];
    const answered = after(
      disputed,
      aDispute({ member: pharmacy, keys: [keyOf('pharmacist')], body: { lines } }),
    );
    assert.equal(
      refusalOf(answered, anAccept({ ...byInsurer, body: { covered: amount(4_000) } })),
      'amountMismatch',
    );
    assert.equal(refusalOf(answered, anAccept({ ...byInsurer, body: { covered: amount(4_700) } })), null);
  });

  itRefuses('what nobody estimated', 'claimUnknown', [newWorld, aDispute()]);
  itRefuses('a third party', 'claimPartyWrong', [submitted, aDispute(byRival)]);
  itRefuses('a claim that was not submitted', 'claimState', [supplied, aDispute()]);
  itRefuses('a claim that was accepted', 'claimState', [accepted, aDispute()]);
  itRefuses('other lines than the claim’s', 'itemsInvalid', [
    submitted,
    aDispute({ body: { lines: [{ itemId: 1, covered: amount(900) }] } }),
  ]);
  itRefuses('more than was adjudicated', 'amountMismatch', [
    submitted,
    aDispute({
      body: {
        lines: [
          { itemId: 0, covered: amount(4_001) },
          { itemId: 1, covered: amount(0) },
        ],
      },
    }),
  ]);
});

/** The pair's next statement has no room for a positive, or for a negative, entry. */
function withFullPosition(world: World, entry: StatementEntry): World {
  const position = addToPosition(readerOf(world), pair, entry);
  assert.ok(position.ok);
  return { ...world, records: new Map([...world.records, position.value.write]) };
}

const allAccepted = { kind: 'accepted', claimId: idOf('all'), covered: amount(amountMax) } as const;
const allReversed = { ...allAccepted, kind: 'reversed', txId: digestOf('all') } as const;

describe('claim.accept', () => {
  itRefuses('what the next statement has no room for', 'tooLarge', [
    withFullPosition(submitted, allAccepted),
    anAccept(),
  ]);
  itRefuses('an amount that does not stand', 'amountMismatch', [
    submitted,
    anAccept({ body: { covered: amount(4_000) } }),
  ]);
  itRefuses('the offer of the other side unseen', 'amountMismatch', [disputed, anAccept()]);
});

describe('claim.reverse before the acceptance', () => {
  it('ends the claim and sets its events free, whatever state it is in', () => {
    for (const world of [estimated, adjudicated, supplied, submitted, disputed]) {
      const reversed = after(world, aReverse());
      assert.equal(claimIn(reversed).status, 'reversed');
      assert.equal(refusalOf(reversed, aReverse()), 'claimState');
    }
    assert.deepEqual(claimOfEvent(submitted), [claimId]);
    assert.deepEqual(claimOfEvent(after(submitted, aReverse())), [null]);
  });

  itRefuses('what nobody estimated', 'claimUnknown', [newWorld, aReverse()]);
  itRefuses('what ended by itself, adjudicated by nobody in time', 'claimState', [
    later(estimated, dayMs + 1),
    aReverse(),
  ]);
  itRefuses('another pharmacy', 'claimPartyWrong', [submitted, aReverse(byRival)]);
  itRefuses('the insurer', 'roleMissing', [submitted, aReverse(byInsurer)]);
  itRefuses('a part', 'itemsInvalid', [submitted, aReverse({ body: { lines: whole.lines } })]);
});

describe('claim.reverse after the acceptance', () => {
  it('takes the claim out of the next statement whole, and sets its events free', () => {
    const world = after(accepted, aReverse({ body: whole }));
    assert.equal(claimIn(world).status, 'reversed');
    assert.deepEqual([sumsIn(world).count, sumsIn(world).total], [2, 0]);
    assert.deepEqual(claimOfEvent(world), [null]);
  });

  it('takes a part out, and the claim stays accepted', () => {
    const lines = [{ itemId: 1, units: 20, covered: amount(900), patientPays: amount(300) }];
    const world = after(accepted, aReverse({ body: { lines } }));
    assert.equal(claimIn(world).status, 'accepted');
    assert.equal(sumsIn(world).total, 4_000);
    assert.equal(refusalOf(world, aReverse({ body: { lines } })), 'reversalTooLarge');
    assert.equal(refusalOf(world, aReverse({ body: { ...whole, lines: whole.lines.slice(0, 1) } })), null);
  });

  it('makes the pharmacy owe what was settled before', () => {
    const world = after(settled, aReverse({ body: whole }));
    assert.deepEqual(readOpenPosition(readerOf(world), pair).total, -4_900);
    assert.equal(settledStatus(readerOf(world), claimIn(world)), 'reversed');
  });

  it('sets an event free only if the others supplied what stays claimed (I9)', () => {
    const first = aDispense({ body: { eventId: idOf('first'), items: [dispensed(0, 30)] } });
    const second = aDispense({ body: { eventId: idOf('second'), items: [dispensed(1, 20)] } });
    const eventIds = [idOf('first'), idOf('second')];
    const world = after(adjudicated, aPay(), first, second, aSubmit({ body: { eventIds } }), anAccept());
    const lines = [{ itemId: 1, units: 20, covered: amount(900), patientPays: amount(300) }];
    assert.equal(
      refusalOf(world, aReverse({ body: { lines, eventIds: [idOf('first')] } })),
      'quantityExceeded',
    );
    const reversed = after(world, aReverse({ body: { lines, eventIds: [idOf('second')] } }));
    assert.deepEqual(claimOfEvent(reversed), [claimId, null]);
    assert.deepEqual(claimIn(reversed).eventIds, [idOf('first')]);
  });

  it('sets all events free when nothing is left, for no later reversal could name a line', () => {
    const world = after(accepted, aReverse({ body: { ...whole, eventIds: [] } }));
    assert.deepEqual([claimIn(world).status, claimIn(world).eventIds], ['reversed', []]);
    assert.deepEqual(claimOfEvent(world), [null]);
    assert.equal(refusalOf(world, aWithdraw()), null);
  });

  it('is filed under the pair, like the acceptance', () => {
    for (const [world, act] of [
      [submitted, anAccept()],
      [accepted, aReverse({ body: whole })],
      [accepted, aRecoup()],
    ] as const) {
      const result = attempt(world, act);
      assert.equal(result.ok && result.value.subjects.length, 3);
    }
  });

  const back = (line: Partial<(typeof whole.lines)[0]>): ReturnType<typeof aReverse> =>
    aReverse({
      body: { lines: [{ itemId: 0, units: 0, covered: amount(0), patientPays: amount(0), ...line }] },
    });

  itRefuses('what the next statement has no room for', 'tooLarge', [
    withFullPosition(settled, allReversed),
    aReverse({ body: whole }),
  ]);
  itRefuses('nothing at all', 'itemsInvalid', [accepted, aReverse()]);
  itRefuses('a line of nothing', 'itemsInvalid', [accepted, back({})]);
  itRefuses('one item in two lines', 'itemsInvalid', [
    accepted,
    aReverse({ body: { lines: [...whole.lines, ...whole.lines], eventIds: [] } }),
  ]);
  itRefuses('an item that was not claimed', 'itemUnknown', [accepted, back({ itemId: 7, units: 1 })]);
  itRefuses('more units than were claimed (I12)', 'reversalTooLarge', [accepted, back({ units: 31 })]);
  itRefuses('more than the insurer pays (I12)', 'reversalTooLarge', [
    accepted,
    back({ covered: amount(4_001) }),
  ]);
  itRefuses('more than the patient paid (I12)', 'reversalTooLarge', [
    accepted,
    back({ patientPays: amount(501) }),
  ]);
  itRefuses('an event of another claim', 'dispenseEventUnknown', [
    accepted,
    aReverse({ body: { ...whole, eventIds: [idOf('other')] } }),
  ]);
  itRefuses('an event named twice', 'dispenseEventUnknown', [
    accepted,
    aReverse({ body: { ...whole, eventIds: [idOf('event'), idOf('event')] } }),
  ]);
  itRefuses('an event whose units stay claimed', 'quantityExceeded', [
    accepted,
    aReverse({ body: { lines: whole.lines.slice(0, 1), eventIds: [idOf('event')] } }),
  ]);
});

describe('claim.recoup', () => {
  it('takes money back and leaves the units, with both signatures', () => {
    const world = after(accepted, aRecoup());
    assert.equal(claimIn(world).status, 'accepted');
    assert.deepEqual(claimIn(world).reversed[1], { itemId: 1, units: 0, covered: 100, patientPays: 0 });
    assert.equal(sumsIn(world).total, 4_800);
  });

  it('can be sent by either side', () => {
    assert.equal(refusalOf(accepted, aRecoup({ member: pharmacy })), null);
  });

  it('is bounded in number', () => {
    const penny = aRecoup({ body: { lines: [{ itemId: 0, covered: amount(1) }] } });
    const world = after(accepted, ...Array.from({ length: claimReversalsMax }, () => penny));
    assert.equal(refusalOf(world, penny), 'tooLarge');
  });

  itRefuses('what nobody estimated', 'claimUnknown', [newWorld, aRecoup()]);
  itRefuses('the insurer alone', 'wrongSigners', [accepted, aRecoup({ keys: [keyOf('adjudicator')] })]);
  itRefuses('another insurer', 'claimPartyWrong', [accepted, aRecoup(bySecondInsurer)]);
  itRefuses('a claim that is not accepted', 'claimState', [submitted, aRecoup()]);
  itRefuses('a line of nothing', 'itemsInvalid', [
    accepted,
    aRecoup({ body: { lines: [{ itemId: 1, covered: amount(0) }] } }),
  ]);
  itRefuses('an item that was not claimed', 'itemUnknown', [
    accepted,
    aRecoup({ body: { lines: [{ itemId: 7, covered: amount(1) }] } }),
  ]);
  itRefuses('more than the insurer pays (I12)', 'reversalTooLarge', [
    accepted,
    aRecoup({ body: { lines: [{ itemId: 1, covered: amount(901) }] } }),
  ]);
});
