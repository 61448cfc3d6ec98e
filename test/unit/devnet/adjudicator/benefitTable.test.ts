import assert from 'node:assert/strict';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseBenefitTable, readBenefitTable } from '../../../../devnet/adjudicator/benefitTable.ts';

// Compiled to dist/test/unit/devnet/adjudicator/, five folders below the top.
const top = fileURLToPath(new URL('../../../../..', import.meta.url));
const ordinary = { sharePercent: 80, copay: 300, unitPriceMax: 300 };
const good = { classes: { ordinary }, claimCoveredMax: 4_000, disputeReason: 'aboveCeiling' };

/** The path of the first field that is wrong; null if none is. */
function faultIn(table: unknown): string | null {
  const text = typeof table === 'string' ? table : JSON.stringify(table);
  const parsed = parseBenefitTable(Buffer.from(text));
  if (parsed.ok) return null;
  assert.equal(parsed.refusal.code, 'tableInvalid');
  return parsed.refusal.path;
}

describe('the benefit table', () => {
  it('is the example that comes with the program', () => {
    const read = readBenefitTable(join(top, 'devnet', 'adjudicator', 'benefits.json'));
    assert.ok(read.ok);
    assert.deepEqual(Object.keys(read.value.classes), ['ordinary', 'chronic', 'controlled']);
  });

  it('may leave classes out', () => {
    assert.deepEqual([faultIn(good), faultIn({ ...good, classes: {} })], [null, null]);
  });

  it('has no field and no class that nobody knows', () => {
    assert.deepEqual(
      [
        faultIn({ ...good, claimsCoveredMax: 1 }),
        faultIn({ ...good, classes: { ordinary: { ...ordinary, deductible: 1 } } }),
        faultIn({ ...good, classes: { herbal: ordinary } }),
      ],
      ['claimsCoveredMax', 'classes.ordinary.deductible', 'classes.herbal'],
    );
  });

  it('has whole numbers within their bounds', () => {
    const withOrdinary = (fields: object): unknown => ({
      ...good,
      classes: { ordinary: { ...ordinary, ...fields } },
    });
    const wrong = [{ sharePercent: 101 }, { sharePercent: 12.5 }, { copay: -1 }, { unitPriceMax: 1e12 + 1 }];
    assert.deepEqual(
      wrong.map((field) => faultIn(withOrdinary(field))),
      wrong.map((field) => `classes.ordinary.${Object.keys(field).join('')}`),
    );
    assert.deepEqual(
      [
        faultIn(withOrdinary({ sharePercent: 100, copay: 0, unitPriceMax: 1e12 })),
        faultIn({ ...good, claimCoveredMax: 0.5 }),
      ],
      [null, 'claimCoveredMax'],
    );
  });

  it('says everything once', () => {
    const twice = JSON.stringify(good).replace('{', '{"claimCoveredMax":9000,');
    assert.deepEqual([faultIn(twice), faultIn('{')], ['parseError', 'parseError']);
  });

  it('is told by its path if it cannot be read', () => {
    const read = readBenefitTable(join(top, 'no-such-table.json'));
    assert.ok(!read.ok);
    assert.deepEqual(
      [read.refusal.code, read.refusal.path],
      ['fileUnreadable', join(top, 'no-such-table.json')],
    );
  });
});
