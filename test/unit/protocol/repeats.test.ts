import assert from 'node:assert/strict';
import {
  aDispense,
  aFillPlan,
  anIssue,
  aReserve,
  aRivalReserve,
  dispensed,
  rxId,
} from '../../support/acts.ts';
import {
  after,
  at,
  dayMs,
  hourMs,
  idOf,
  keyOf,
  later,
  newWorld,
  noon,
  refusalOf,
  rival,
  statusIn,
  units,
  type Act,
} from '../../support/domain.ts';

const anItem = {
  itemId: 0,
  units: units(1),
  repeats: 0,
  intervalDays: 0,
  substitutionAllowed: false,
  validUntil: null,
};
describe('a prescription with a repeat', () => {
  const chronic = anIssue({
    body: {
      class: 'chronic',
      validUntil: at(noon + 60 * dayMs),
      items: [
        {
          itemId: 0,
          units: units(30),
          repeats: 1,
          intervalDays: 28,
          substitutionAllowed: false,
          validUntil: null,
        },
        {
          itemId: 1,
          units: units(20),
          repeats: 0,
          intervalDays: 0,
          substitutionAllowed: false,
          validUntil: null,
        },
      ],
      fills: [
        aFillPlan(rxId, 0, { start: noon, end: at(noon + 30 * dayMs) }),
        aFillPlan(rxId, 1, { start: at(noon + 20 * dayMs), end: at(noon + 60 * dayMs) }),
      ],
    },
  });
  const once = after(newWorld, chronic, aReserve(), aDispense());
  const again = (days: number): Act =>
    aReserve({
      keys: [keyOf('pharmacist'), keyOf('redeem 1')],
      body: { k: 1, until: at(noon + days * dayMs + hourMs) },
    });

  it('opens the second fill when it starts and the interval is over (I18)', () => {
    assert.equal(refusalOf(later(after(newWorld, chronic), 20 * dayMs - 1), again(20)), 'fillOutOfWindow');
    assert.equal(refusalOf(later(after(newWorld, chronic), 20 * dayMs), again(20)), null);
    assert.equal(refusalOf(later(once, 28 * dayMs - 1), again(28)), 'fillOutOfWindow');
    assert.equal(refusalOf(later(once, 28 * dayMs), again(28)), null);
  });

  it('does not let the key of the first fill open the second', () => {
    assert.equal(refusalOf(later(once, 28 * dayMs), aReserve({ body: { k: 1 } })), 'redeemKeyWrong');
  });

  it('supplies in the second fill only what is repeated (I3)', () => {
    const world = after(later(once, 28 * dayMs), again(28));
    const supply = (itemId: number, count: number): Act =>
      aDispense({ body: { k: 1, eventId: idOf('again'), items: [dispensed(itemId, count)] } });
    assert.equal(refusalOf(world, supply(1, 1)), 'itemUnknown');
    assert.equal(refusalOf(world, supply(0, 31)), 'quantityExceeded');
    assert.equal(statusIn(after(world, supply(0, 30)), 1), 'dispensed');
  });
});

describe('two fills at two pharmacies at the same time', () => {
  const fills = [0, 1].map((k) => aFillPlan(rxId, k, { start: noon, end: at(noon + 60 * dayMs) }));
  const anIssueEvery = (intervalDays: number): Act =>
    anIssue({
      body: {
        class: 'chronic',
        validUntil: at(noon + 60 * dayMs),
        items: [{ ...anItem, units: units(30), repeats: 1, intervalDays }],
        fills,
      },
    });
  const second = aRivalReserve({ keys: [keyOf('rival pharmacist'), keyOf('redeem 1')], body: { k: 1 } });
  const supply = aDispense({ body: { items: [dispensed(0, 30)] } });
  const secondSupply = aDispense({
    member: rival,
    keys: [keyOf('rival pharmacist')],
    body: { k: 1, eventId: idOf('second'), items: [dispensed(0, 30)] },
  });

  it('keep their interval at the supply, in whatever order they come (I18)', () => {
    const both = after(newWorld, anIssueEvery(28), aReserve(), second);
    assert.equal(refusalOf(after(both, supply), secondSupply), 'fillOutOfWindow');
    assert.equal(refusalOf(after(both, secondSupply), supply), 'fillOutOfWindow');
  });

  it('are independent parts where there is no interval', () => {
    const both = after(newWorld, anIssueEvery(0), aReserve(), second);
    assert.deepEqual(
      [0, 1].map((k) => statusIn(after(both, secondSupply, supply), k)),
      ['dispensed', 'dispensed'],
    );
  });
});

describe('an item with an end of its own', () => {
  const short = anIssue({
    body: {
      items: [
        { ...anItem, itemId: 0, units: units(30), validUntil: at(noon + dayMs) },
        { ...anItem, itemId: 1, units: units(20) },
      ],
    },
  });
  const world = after(newWorld, short);
  const first = aDispense({ body: { items: [dispensed(0, 30)] } });
  const second = aDispense({ body: { eventId: idOf('second'), items: [dispensed(1, 20)] } });
  const reserveAt = (ms: number): Act => aReserve({ body: { until: at(noon + ms) } });

  it('can be supplied up to its end, and the others after it', () => {
    const late = after(later(world, dayMs), reserveAt(dayMs + hourMs));
    assert.equal(refusalOf(late, first), 'itemExpired');
    assert.equal(refusalOf(late, second), null);
  });

  it('can be supplied within the grace if it was reserved before', () => {
    const held = after(later(world, dayMs - 1), reserveAt(dayMs + 23 * hourMs));
    assert.equal(refusalOf(later(held, 22 * hourMs), first), null);
  });

  it('ends the fill when nothing else remains', () => {
    const done = later(after(world, aReserve(), second), dayMs);
    assert.equal(statusIn(later(world, dayMs)), 'ready');
    assert.equal(statusIn(done), 'expired');
  });
});
