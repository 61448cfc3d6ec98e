import assert from 'node:assert/strict';
import { readClaim, type Claim } from '../../../protocol/claim.ts';
import { pairSubject } from '../../../protocol/settlement.ts';
import { readPrescription } from '../../../protocol/prescription.ts';
import {
  aDeliver,
  aDispense,
  anAccept,
  anAdjudicate,
  anEstimate,
  anIssue,
  aPay,
  aReceive,
  aReserve,
  aReturn,
  aShip,
  aSubmit,
  claimId,
  claimLines,
  dispensed,
  rxId,
} from '../../support/acts.ts';
import {
  after,
  amount,
  attempt,
  dayMs,
  hospital,
  hourMs,
  idOf,
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
  units,
  type World,
} from '../../support/domain.ts';

const reserved = after(newWorld, anIssue(), aReserve());
const estimated = after(reserved, anEstimate());
const adjudicated = after(estimated, anAdjudicate());
const paid = after(adjudicated, aPay());
const supplied = after(paid, aDispense());
const submitted = after(supplied, aSubmit());
const accepted = after(submitted, anAccept());
const byRival = { member: rival, keys: [keyOf('rival pharmacist')] };
const [lineOne, lineTwo] = claimLines;
assert.ok(lineOne !== undefined && lineTwo !== undefined);

function claimIn(world: World): Claim | null {
  return readClaim(readerOf(world), claimId);
}

const rejection = anAdjudicate({
  body: {
    outcome: 'reject',
    lines: [
      { itemId: 0, covered: amount(0), patientPays: amount(4_500), code: 'not-covered' },
      { itemId: 1, covered: amount(0), patientPays: amount(1_200), code: 'not-covered' },
    ],
  },
});

describe('a claim', () => {
  it('goes from the estimate to the acceptance', () => {
    assert.deepEqual(claimIn(accepted), {
      claimId,
      rxId,
      k: 0,
      pharmacy,
      insurer,
      status: 'accepted',
      estimatedMs: noon,
      lines: claimLines,
      total: 5_700,
      adjudication: {
        outcome: 'approve',
        lines: [
          { itemId: 0, covered: 4_000, patientPays: 500, code: 'plan-a' },
          { itemId: 1, covered: 900, patientPays: 300, code: 'plan-a' },
        ],
        covered: 4_900,
        patientPays: 800,
      },
      payments: [{ method: 'card', amount: 800 }],
      eventIds: [idOf('event')],
      dispute: null,
      settled: [4_000, 900],
      statementIndex: 0,
      reversalCount: 0,
      reversed: [],
    });
  });

  it('has a status for each step', () => {
    assert.deepEqual(
      [estimated, adjudicated, paid, submitted, accepted].map((world) => claimIn(world)?.status),
      ['estimated', 'adjudicated', 'patientPaid', 'submitted', 'accepted'],
    );
  });

  it('marks the dispense events that it is for', () => {
    const events = readPrescription(readerOf(submitted), rxId)?.fills[0]?.events ?? [];
    assert.deepEqual(
      events.map((event) => event.claimId),
      [claimId],
    );
  });

  it('stands in the history of the prescription and in its own, and accepted in that of the pair', () => {
    const steps = [
      [reserved, anEstimate()],
      [estimated, anAdjudicate()],
      [adjudicated, aPay()],
      [supplied, aSubmit()],
    ] as const;
    for (const [world, act] of steps) {
      const result = attempt(world, act);
      assert.deepEqual(result.ok && result.value.subjects, [rxId, claimId]);
    }
    const result = attempt(submitted, anAccept());
    assert.deepEqual(result.ok && result.value.subjects, [rxId, claimId, pairSubject({ insurer, pharmacy })]);
  });
});

describe('claim.estimate', () => {
  it('can be made before or after the supply, as long as nothing left the pharmacy', () => {
    const inHand = after(reserved, aDispense());
    assert.equal(refusalOf(inHand, anEstimate()), null);
    assert.equal(refusalOf(after(inHand, aShip()), anEstimate()), 'tooLate');
    assert.equal(refusalOf(after(inHand, aReceive({ body: { parcelId: null } })), anEstimate()), 'tooLate');
  });

  it('can still be made for the rest, once a part has left', () => {
    const part = aDispense({ body: { items: [dispensed(0, 30)] } });
    const world = after(reserved, part, aShip());
    const lines = [lineTwo];
    assert.equal(refusalOf(world, anEstimate({ body: { lines, total: amount(1_200) } })), null);
  });

  it('can be made by a pharmacy that supplied and holds no more', () => {
    const world = later(after(reserved, aDispense()), 2 * hourMs);
    assert.equal(refusalOf(world, anEstimate()), null);
  });

  itRefuses('a claim twice', 'claimExists', [estimated, anEstimate()]);
  itRefuses('what nobody issued', 'prescriptionUnknown', [newWorld, anEstimate()]);
  itRefuses('a fill that is not there', 'fillUnknown', [reserved, anEstimate({ body: { k: 1 } })]);
  itRefuses('an unknown insurer', 'memberUnknown', [
    reserved,
    anEstimate({ body: { insurer: name('nobody') } }),
  ]);
  itRefuses('an insurer that is none', 'roleMissing', [
    reserved,
    anEstimate({ body: { insurer: hospital } }),
  ]);
  itRefuses('a suspended insurer', 'memberNotActive', [
    reserved,
    anEstimate({ body: { insurer: name('suspended-pharmacy') } }),
  ]);
  itRefuses('a pharmacy that does not hold it', 'notHolder', [reserved, anEstimate(byRival)]);
  itRefuses('a pharmacy that gave it back', 'notHolder', [after(reserved, aReturn()), anEstimate()]);
  itRefuses('one item in two lines', 'itemsInvalid', [
    reserved,
    anEstimate({ body: { lines: [lineOne, lineOne] } }),
  ]);
  itRefuses('an item that nobody prescribed', 'itemUnknown', [
    reserved,
    anEstimate({ body: { lines: [{ ...lineOne, itemId: 7 }] } }),
  ]);
  itRefuses('more than is prescribed', 'quantityExceeded', [
    reserved,
    anEstimate({ body: { lines: [{ ...lineOne, units: units(31) }] } }),
  ]);
  itRefuses('a total that is not the sum', 'amountsDoNotAdd', [
    reserved,
    anEstimate({ body: { total: amount(5_701) } }),
  ]);
});

describe('claim.adjudicate', () => {
  it('ends a rejected claim', () => {
    const world = after(estimated, rejection);
    assert.equal(claimIn(world)?.status, 'rejected');
    assert.equal(refusalOf(world, aPay({ body: { patientPaid: amount(5_700) } })), 'claimState');
  });

  it('holds good for as long as the policy says', () => {
    assert.equal(refusalOf(later(estimated, dayMs), anAdjudicate()), null);
    assert.equal(refusalOf(later(estimated, dayMs + 1), anAdjudicate()), 'tooLate');
  });

  const split = (covered: number, patientPays: number): ReturnType<typeof anAdjudicate> =>
    anAdjudicate({
      body: {
        lines: [
          { itemId: 0, covered: amount(covered), patientPays: amount(patientPays), code: 'plan-a' },
          { itemId: 1, covered: amount(900), patientPays: amount(300), code: 'plan-a' },
        ],
      },
    });

  itRefuses('an unknown claim', 'claimUnknown', [reserved, anAdjudicate()]);
  itRefuses('the pharmacy as its own judge', 'roleMissing', [
    estimated,
    anAdjudicate({ member: pharmacy, keys: [keyOf('pharmacist')] }),
  ]);
  itRefuses('another insurer', 'claimPartyWrong', [
    estimated,
    anAdjudicate({ member: name('second-insurer'), keys: [keyOf('second adjudicator')] }),
  ]);
  itRefuses('a second adjudication', 'claimState', [adjudicated, anAdjudicate()]);
  itRefuses('one after the hand-over', 'tooLate', [after(estimated, aDispense(), aShip()), anAdjudicate()]);
  itRefuses('lines that are missing', 'itemsInvalid', [estimated, anAdjudicate({ body: { lines: [] } })]);
  itRefuses('lines in another order', 'itemsInvalid', [
    estimated,
    anAdjudicate({
      body: {
        lines: [
          { itemId: 1, covered: amount(900), patientPays: amount(300), code: 'plan-a' },
          { itemId: 0, covered: amount(4_000), patientPays: amount(500), code: 'plan-a' },
        ],
      },
    }),
  ]);
  itRefuses('parts that are less than the price (I8)', 'amountsDoNotAdd', [estimated, split(4_000, 499)]);
  itRefuses('parts that are more than the price (I8)', 'amountsDoNotAdd', [estimated, split(4_501, 0)]);
  itRefuses('a rejection that covers something', 'amountsDoNotAdd', [
    estimated,
    anAdjudicate({ body: { outcome: 'reject' } }),
  ]);
});

describe('claim.pay', () => {
  itRefuses('an unknown claim', 'claimUnknown', [reserved, aPay()]);
  itRefuses('another pharmacy', 'claimPartyWrong', [adjudicated, aPay(byRival)]);
  itRefuses('to be paid before the adjudication', 'claimState', [estimated, aPay()]);
  itRefuses('to be paid twice', 'claimState', [paid, aPay()]);
  itRefuses('another amount than the patient’s part', 'amountMismatch', [
    adjudicated,
    aPay({ body: { patientPaid: amount(801) } }),
  ]);
});

describe('claim.submit', () => {
  it('needs no payment when the patient has nothing to pay', () => {
    const lines = [
      { itemId: 0, covered: amount(4_500), patientPays: amount(0), code: 'plan-a' },
      { itemId: 1, covered: amount(1_200), patientPays: amount(0), code: 'plan-a' },
    ];
    const world = after(estimated, anAdjudicate({ body: { lines } }), aDispense());
    assert.equal(refusalOf(world, aSubmit()), null);
  });

  it('works after the parcel was received', () => {
    const world = after(supplied, aShip(), aDeliver(), aReceive());
    assert.equal(refusalOf(world, aSubmit()), null);
  });

  it('adds up the events that it names (I9)', () => {
    const part = (text: string, count: number): ReturnType<typeof aDispense> =>
      aDispense({ body: { eventId: idOf(text), items: [dispensed(0, count), dispensed(1, count - 5)] } });
    const world = after(paid, part('first', 15), part('second', 15));
    const both = aSubmit({ body: { eventIds: [idOf('first'), idOf('second')] } });
    assert.equal(refusalOf(world, aSubmit({ body: { eventIds: [idOf('first')] } })), 'quantityExceeded');
    assert.equal(refusalOf(world, both), null);
  });

  itRefuses('an unknown claim', 'claimUnknown', [reserved, aSubmit()]);
  itRefuses('another pharmacy', 'claimPartyWrong', [supplied, aSubmit(byRival)]);
  itRefuses('to submit before the patient paid', 'claimState', [after(adjudicated, aDispense()), aSubmit()]);
  itRefuses('to submit twice', 'claimState', [submitted, aSubmit()]);
  itRefuses('another total than adjudicated', 'amountMismatch', [
    supplied,
    aSubmit({ body: { total: amount(5_701) } }),
  ]);
  itRefuses('other lines than adjudicated', 'amountMismatch', [
    supplied,
    aSubmit({ body: { lines: [lineOne] } }),
  ]);
  itRefuses('before anything was supplied', 'dispenseEventUnknown', [paid, aSubmit()]);
  itRefuses('one event named twice', 'dispenseEventClaimed', [
    supplied,
    aSubmit({ body: { eventIds: [idOf('event'), idOf('event')] } }),
  ]);

  const second = { claimId: idOf('second claim') };
  const twice = after(
    reserved,
    anEstimate(),
    anEstimate({ body: second }),
    anAdjudicate(),
    anAdjudicate({ body: second }),
    aPay(),
    aPay({ body: second }),
    aDispense(),
    aSubmit(),
  );
  itRefuses('one supply in two claims (I10)', 'dispenseEventClaimed', [twice, aSubmit({ body: second })]);
});

describe('claim.accept', () => {
  it('can be done by the pharmacy or by the insurer', () => {
    const byInsurer = anAccept({ member: insurer, keys: [keyOf('adjudicator')] });
    assert.equal(refusalOf(submitted, anAccept()), null);
    assert.equal(refusalOf(submitted, byInsurer), null);
  });

  itRefuses('an unknown claim', 'claimUnknown', [reserved, anAccept()]);
  itRefuses('another pharmacy', 'claimPartyWrong', [submitted, anAccept(byRival)]);
  itRefuses('before it is submitted', 'claimState', [supplied, anAccept()]);
  itRefuses('twice', 'claimState', [accepted, anAccept()]);
});
