/** Random lives of one prescription, for whoever compares them with the naive model (naiveLife.ts): any acts, in any order, at any time. */
import * as fc from 'fast-check';
import { aFillPlan, anIssue, rxId } from './acts.ts';
import { at, dayMs, hourMs, noon, units, type Act } from './domain.ts';
import type { Command, CommandOn, Courier, Pharmacy } from './naiveCommand.ts';
import { lifeDays, lifeUnits } from './naiveLife.ts';

export const pharmacies: readonly Pharmacy[] = ['pharmacy', 'rival-pharmacy'];
const couriers: readonly Courier[] = ['courier', 'second-courier'];
const fill = fc.nat(1);
const pharmacy = fc.constantFrom(...pharmacies);
const courier = fc.constantFrom(...couriers);
const parcel = fc.nat(3);
const event = fc.nat(7);
const reserveMs = fc.constantFrom(0, hourMs, 12 * hourMs, dayMs, dayMs + 1);
const scans = fc.constantFrom(
  { from: 'courier', to: 'second-courier' } as const,
  { from: 'courier', to: 'courier' } as const,
  { from: 'second-courier', to: 'courier' } as const,
);

function one<K extends Command['kind']>(
  kind: K,
  rest: { readonly [P in Exclude<keyof CommandOn<K>, 'kind'>]: fc.Arbitrary<unknown> },
): fc.Arbitrary<Command> {
  return fc.record({ kind: fc.constant(kind), ...rest }) as unknown as fc.Arbitrary<Command>;
}

const stopped = { k: fc.constantFrom(null, 0, 1), by: fc.constantFrom('prescriber', 'owner', 'regulator') };

/** Waits and ends are rare, so that lives get on; events, packs and parcels come from small pools, so that acts meet. */
const commandArbitrary: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: one('wait', { ms: fc.constantFrom(1, hourMs, 11 * hourMs, dayMs, 3 * dayMs) }) },
  {
    weight: 12,
    arbitrary: one('reserve', {
      k: fill,
      who: pharmacy,
      ms: reserveMs,
      hasCode: fc.constantFrom(true, true, false),
    }),
  },
  { weight: 2, arbitrary: one('extend', { k: fill, who: pharmacy, ms: reserveMs }) },
  { weight: 2, arbitrary: one('return', { k: fill, who: pharmacy }) },
  {
    weight: 16,
    arbitrary: one('dispense', {
      k: fill,
      who: pharmacy,
      event,
      item: fc.nat(1),
      units: fc.constantFrom(1, 10, 20, 30),
      pack: fc.nat(7),
      isEquivalent: fc.constantFrom(false, false, true),
    }),
  },
  {
    weight: 1,
    arbitrary: one('close', { k: fill, who: pharmacy, isPartial: fc.constantFrom(false, false, true) }),
  },
  {
    weight: 8,
    arbitrary: one('withdraw', {
      k: fill,
      who: pharmacy,
      event,
      isRestocked: fc.boolean(),
      isWithOwner: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.oneof(
      { weight: 1, arbitrary: one('cancel', stopped) },
      { weight: 4, arbitrary: one('hold', stopped) },
    ),
  },
  { weight: 3, arbitrary: one('release', stopped) },
  {
    weight: 1,
    arbitrary: one('nominate', {
      who: fc.constantFrom(null, ...pharmacies),
      ms: fc.constantFrom(0, dayMs, 30 * dayMs),
    }),
  },
  { weight: 1, arbitrary: one('redirect', { k: fill, who: pharmacy, ms: fc.constantFrom(hourMs, dayMs) }) },
  { weight: 2, arbitrary: one('ask', { k: fill, who: pharmacy }) },
  { weight: 2, arbitrary: one('decide', { isAllowed: fc.boolean() }) },
  { weight: 4, arbitrary: one('ship', { k: fill, who: pharmacy, parcel }) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(parcel, scans)
      .map(([number, way]): Command => ({ kind: 'scan', parcel: number, ...way })),
  },
  { weight: 4, arbitrary: one('deliver', { parcel, who: courier }) },
  { weight: 6, arbitrary: one('fail', { parcel, who: courier }) },
  {
    weight: 10,
    arbitrary: one('takeBack', { parcel, who: pharmacy, from: courier, isSealIntact: fc.boolean() }),
  },
  { weight: 2, arbitrary: one('receive', { k: fill, parcel: fc.constantFrom(null, 0, 1, 2, 3) }) },
  { weight: 1, arbitrary: one('suspend', { who: pharmacy }) },
  { weight: 3, arbitrary: one('reinstate', { who: pharmacy }) },
);

/** Most lives never meet a stolen key: it ends all that is open. */
export const lifeArbitrary: fc.Arbitrary<readonly Command[]> = fc
  .tuple(
    fc.array(commandArbitrary, { minLength: 100, maxLength: 140, size: 'max' }),
    fc.constantFrom<readonly number[]>([], [], [], [40], [40, 80]),
    fc.constantFrom(0, dayMs, 30 * dayMs),
  )
  .map(([commands, places, agoMs]) =>
    commands.flatMap((command, place): readonly Command[] =>
      places.includes(place) ? [{ kind: 'compromise', agoMs }, command] : [command],
    ),
  );

/** The prescription of the naive model: item 0 is repeated, item 1 ends early and may be substituted. */
export const lifeIssue: Act = anIssue({
  body: {
    class: 'chronic',
    validUntil: at(noon + lifeDays.end * dayMs),
    items: lifeUnits.map((count, itemId) => ({
      itemId,
      units: units(count),
      repeats: itemId === 0 ? 1 : 0,
      intervalDays: itemId === 0 ? 7 : 0,
      substitutionAllowed: itemId === 1,
      validUntil: itemId === 0 ? null : at(noon + lifeDays.itemEnd * dayMs),
    })),
    fills: [0, lifeDays.second].map((days, k) =>
      aFillPlan(rxId, k, { start: at(noon + days * dayMs), end: at(noon + lifeDays.end * dayMs) }),
    ),
  },
});
