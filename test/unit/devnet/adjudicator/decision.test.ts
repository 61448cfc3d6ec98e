import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { BenefitTable } from '../../../../devnet/adjudicator/benefitTable.ts';
import { adjudicate, answerClaim, type ClaimJson } from '../../../../devnet/adjudicator/decision.ts';
import { amountMax, claimLinesMax, unitsMax } from '../../../../protocol/limits.ts';
import { prescriptionClasses } from '../../../../protocol/policy.ts';

const table: BenefitTable = {
  classes: {
    ordinary: { sharePercent: 80, copay: 300, unitPriceMax: 300 },
    controlled: 'notCovered',
  },
  claimCoveredMax: 4_000,
  disputeReason: 'aboveCeiling',
};

type DecidedClaim = Parameters<typeof answerClaim>[2];

/** One line of 20 units, adjudicated by the table. */
function aClaim(price: number, overrides: Partial<DecidedClaim> = {}): DecidedClaim {
  const lines = [{ itemId: 1, units: 20, price }];
  const decided = adjudicate(table, 'ordinary', lines);
  const sum = (field: 'covered' | 'patientPays'): number =>
    decided.lines.reduce((total, line) => total + line[field], 0);
  const adjudication = { ...decided, covered: sum('covered'), patientPays: sum('patientPays') };
  return { lines, adjudication, dispute: null, ...overrides };
}

function anOffer(covered: number): ClaimJson['dispute'] {
  return { by: 'pharmacy', reason: 'priceList', covered: [covered] };
}

const anyAmount = fc.integer({ min: 0, max: amountMax });
const anyBenefit = fc.record({
  sharePercent: fc.integer({ min: 0, max: 100 }),
  copay: anyAmount,
  unitPriceMax: fc.oneof(anyAmount, fc.integer({ min: 0, max: 1_000 })),
});
const anyTable: fc.Arbitrary<BenefitTable> = fc.record({
  classes: fc.record(
    Object.fromEntries(
      prescriptionClasses.map((one) => [one, fc.oneof(anyBenefit, fc.constant('notCovered' as const))]),
    ),
    { requiredKeys: [] },
  ),
  claimCoveredMax: anyAmount,
  disputeReason: fc.constant('aboveCeiling'),
});
const anyLines = fc.array(
  fc.record({
    itemId: fc.integer({ min: 0, max: 255 }),
    units: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: unitsMax })),
    price: fc.oneof(fc.integer({ min: 0, max: 10_000 }), anyAmount),
  }),
  { minLength: 1, maxLength: claimLinesMax },
);
const anyClass = fc.constantFrom(...prescriptionClasses);

describe('the decision of the adjudicator', () => {
  it('covers a share of the price without the copay', () => {
    assert.deepEqual(adjudicate(table, 'ordinary', [{ itemId: 1, units: 20, price: 3_000 }]), {
      outcome: 'approve',
      lines: [{ itemId: 1, covered: 2_100, patientPays: 900, code: 'share' }],
    });
  });

  it('leaves to the patient what a unit costs beyond the ceiling', () => {
    const atIt = adjudicate(table, 'ordinary', [{ itemId: 1, units: 20, price: 6_000 }]);
    const pastIt = adjudicate(table, 'ordinary', [{ itemId: 1, units: 20, price: 6_001 }]);
    assert.deepEqual(
      [atIt.lines, pastIt.lines],
      [
        [{ itemId: 1, covered: 4_500, patientPays: 1_500, code: 'share' }],
        [{ itemId: 1, covered: 4_500, patientPays: 1_501, code: 'aboveUnitPrice' }],
      ],
    );
  });

  it('rounds the share down', () => {
    const [line] = adjudicate(table, 'ordinary', [{ itemId: 1, units: 20, price: 999 }]).lines;
    assert.deepEqual(line, { itemId: 1, covered: 499, patientPays: 500, code: 'share' });
  });

  it('covers nothing of what costs less than the copay', () => {
    const [line] = adjudicate(table, 'ordinary', [{ itemId: 1, units: 20, price: 300 }]).lines;
    assert.deepEqual(line, { itemId: 1, covered: 0, patientPays: 300, code: 'share' });
  });

  it('rejects a class that is not covered, and does not know one that is not in the table', () => {
    const lines = [{ itemId: 1, units: 20, price: 500 }];
    assert.deepEqual(
      [adjudicate(table, 'controlled', lines), adjudicate(table, 'chronic', lines)],
      [
        {
          outcome: 'reject',
          lines: [{ itemId: 1, covered: 0, patientPays: 500, code: 'notCovered' }],
        },
        { outcome: 'unknown', lines: [] },
      ],
    );
  });

  it('splits every price into two amounts that are not negative, and the same way each time', () => {
    fc.assert(
      fc.property(anyTable, anyClass, anyLines, (table, prescriptionClass, lines) => {
        const { outcome, lines: decided } = adjudicate(table, prescriptionClass, lines);
        assert.deepEqual(adjudicate(table, prescriptionClass, lines), { outcome, lines: decided });
        const expected = outcome === 'unknown' ? [] : lines.map(({ itemId, price }) => [itemId, price]);
        assert.deepEqual(
          decided.map(({ itemId, covered, patientPays }) => [itemId, covered + patientPays]),
          expected,
        );
        assert.ok(decided.every(({ covered, patientPays }) => covered >= 0 && patientPays >= 0));
        assert.ok(decided.every(({ covered }) => Number.isSafeInteger(covered)));
      }),
    );
  });

  it('accepts a claim at the ceiling, and disputes one above it down to the ceiling', () => {
    const ceiling = { ...table, claimCoveredMax: 2_100 };
    assert.deepEqual(
      [answerClaim(ceiling, 'ordinary', aClaim(3_000)), answerClaim(ceiling, 'ordinary', aClaim(3_002))],
      [
        { act: 'accept', covered: 2_100 },
        { act: 'dispute', reason: 'aboveCeiling', lines: [{ itemId: 1, covered: 2_100 }] },
      ],
    );
  });

  it('accepts an offer of the pharmacy at the ceiling, and leaves one above it', () => {
    assert.deepEqual(
      [
        answerClaim(table, 'ordinary', aClaim(6_000, { dispute: anOffer(4_000) })),
        answerClaim(table, 'ordinary', aClaim(6_000, { dispute: anOffer(4_001) })),
      ],
      [{ act: 'accept', covered: 4_000 }, { act: 'leave' }],
    );
  });

  it('leaves a claim that was adjudicated by another table, or by a person', () => {
    const claim = aClaim(3_000);
    const generous: BenefitTable = { ...table, classes: {} };
    assert.deepEqual(
      [
        answerClaim(generous, 'ordinary', claim),
        answerClaim(table, 'controlled', claim),
        answerClaim(table, 'ordinary', { ...claim, adjudication: null }),
      ],
      [{ act: 'leave' }, { act: 'leave' }, { act: 'leave' }],
    );
  });

  it('never offers more for a line than was adjudicated, nor more in total than the ceiling', () => {
    fc.assert(
      fc.property(anyTable, anyClass, anyLines, (table, prescriptionClass, lines) => {
        const decided = adjudicate(table, prescriptionClass, lines);
        const covered = decided.lines.reduce((sum, line) => sum + line.covered, 0);
        const adjudication = { ...decided, covered, patientPays: 0 };
        const answer = answerClaim(table, prescriptionClass, { lines, adjudication, dispute: null });
        assert.notEqual(answer.act, 'leave');
        if (answer.act !== 'dispute') return;
        const offered = answer.lines.reduce((sum, line) => sum + line.covered, 0);
        assert.equal(offered, table.claimCoveredMax);
        const areWithin = answer.lines.map(
          (line, index) => line.covered >= 0 && line.covered <= (decided.lines[index]?.covered ?? 0),
        );
        assert.deepEqual(
          areWithin,
          lines.map(() => true),
        );
      }),
    );
  });
});
