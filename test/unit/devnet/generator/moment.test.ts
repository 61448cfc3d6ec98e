import assert from 'node:assert/strict';
import { createConsortium } from '../../../../devnet/cast.ts';
import type { TimedAct } from '../../../../devnet/generator/act.ts';
import { regionOf } from '../../../../devnet/generator/consortiumRegion.ts';
import { livesAtOnce } from '../../../../devnet/generator/moment.ts';
import type { Timestamp } from '../../../../protocol/brand.ts';
import { compareText } from '../../../../protocol/bytes.ts';
import { Book } from '../../../simulation/month/book.ts';

const seed = 7;
const now = Date.UTC(2026, 10, 22, 3) as Timestamp;
const ratePerHour = { ordinary: 1_000_000, controlled: 1_000_000 };
const consortium = createConsortium({ seed: 'moment', voterCount: 4, policy: { ratePerHour } });
const region = regionOf(consortium);

function lives(count: number, at: Timestamp): readonly (readonly TimedAct[])[] {
  const source = livesAtOnce(region, { seed, at });
  return Array.from({ length: count }, () => source.next().value);
}

/** Acts by kind and what is expected of them. */
function outcomesOf(acts: readonly TimedAct[]): readonly string[] {
  return acts.map(({ member, action, expected }) => `${member} ${action.kind} ${expected}`);
}

describe('lives at once', () => {
  let acts: readonly TimedAct[];

  before(() => {
    acts = lives(1_000, now).flat();
  });

  it('are answered as planned by a ledger for which no time passes, in the order of each life', () => {
    const book = new Book(region);
    const wrong: string[] = [];
    const hear = (answers: ReturnType<Book['flush']>): void => {
      for (const { act, code } of answers) {
        const actual = code ?? 'committed';
        if (actual !== act.expected) wrong.push(`${act.action.kind}: ${actual}, not ${act.expected}`);
      }
    };
    for (const act of acts) hear(book.add(act));
    hear(book.flush());
    assert.deepEqual(wrong, [], `seed ${seed}`);
    assert.ok(book.timeMs - now < 1_000, 'no time has passed');
  });

  it('have everything that goes wrong but what only time brings', () => {
    const refused = new Set(acts.map(({ expected }) => expected));
    assert.deepEqual([...refused].toSorted(compareText), [
      'authoredOnOutOfWindow',
      'committed',
      'fillReserved',
      'packSpent',
      'prescriptionExists',
      'prescriptionNotOpen',
    ]);
    const kinds = new Set(acts.map(({ action }) => action.kind));
    assert.ok(kinds.has('claim.recoup') && kinds.has('delivery.return') && kinds.has('delivery.scan'));
    assert.ok(!kinds.has('delivery.report'), 'no parcel is late');
  });

  it('are the same from the same seed at another moment, but for the times in them', () => {
    const later = (now + 100_000_000) as Timestamp;
    const [one, other] = [lives(200, now).flat(), lives(200, later).flat()];
    assert.deepEqual(
      other.map(({ id }) => id),
      one.map(({ id }) => id),
    );
    assert.deepEqual(outcomesOf(other), outcomesOf(one));
    assert.deepEqual(
      other.filter(({ action }) => action.kind.startsWith('claim.')).map(({ action }) => action),
      one.filter(({ action }) => action.kind.startsWith('claim.')).map(({ action }) => action),
    );
  });

  it('give no id twice', () => {
    assert.equal(new Set(acts.map(({ id }) => id)).size, acts.length);
  });
});

describe('a consortium as a region', () => {
  it('has every member of the devnet with its people', () => {
    const { hospitals, pharmacies, insurers, couriers } = region;
    assert.deepEqual(
      hospitals.map(({ name, doctors, reviewers }) => [name, doctors.length, reviewers.length]),
      [
        ['hospital', 1, 1],
        ['clinic', 1, 1],
      ],
    );
    assert.deepEqual(
      pharmacies.map(({ name, weight, pharmacists }) => [name, weight, pharmacists.length]),
      [
        ['pharmacy', 1, 2],
        ['pharmacy-2', 1 / 2, 2],
      ],
    );
    assert.deepEqual(
      [insurers.map(({ name }) => name), couriers.map(({ name, riders }) => [name, riders.length])],
      [['insurer'], [['courier', 2]]],
    );
  });

  it('signs with keys that its genesis knows', () => {
    const { genesis } = region;
    const known = new Set(genesis.practitioners.flatMap(({ keys }) => keys));
    const people = region.hospitals.flatMap(({ doctors, reviewers }) => [...doctors, ...reviewers]);
    const keys = people.flatMap(({ signers }) => signers.map(({ publicKey }) => publicKey));
    assert.deepEqual(
      keys.filter((key) => !known.has(key)),
      [],
    );
  });

  it('leaves controlled medicines to doctors with a second key', () => {
    const crowded = regionOf(createConsortium({ seed: 'moment', voterCount: 4, extraDoctorCount: 20 }));
    const source = livesAtOnce(crowded, { seed, at: now });
    const issues = Array.from({ length: 1_000 }, () => source.next().value[0]).filter(
      (act) => act?.action.kind === 'rx.issue' && act.action.body.class === 'controlled',
    );
    assert.ok(issues.length > 5, `${issues.length} controlled prescriptions`);
    assert.ok(issues.every((act) => act?.signers.length === 2));
  });
});
