/** Random lives of a prescription, judged by the code and by a naive model of domain.md: the same answer to every act, the same picture after it. */
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { findFill, statusOfFill, unitsRemaining } from '../../../protocol/fillStatus.ts';
import { readParcel } from '../../../protocol/parcel.ts';
import { aFillPlan, anIssue, rxId } from '../../support/acts.ts';
import {
  after,
  at,
  attempt,
  dayMs,
  hourMs,
  later,
  newWorld,
  noon,
  readerOf,
  units,
  withWrites,
  type World,
} from '../../support/domain.ts';
import { actOf, eventIdOf, parcelIdOf } from '../../support/naiveActs.ts';
import type { Command, CommandOn, Courier, Pharmacy, Picture } from '../../support/naiveCommand.ts';
import { lifeDays, lifeUnits, naiveLife } from '../../support/naiveLife.ts';

const pharmacies: readonly Pharmacy[] = ['pharmacy', 'rival-pharmacy'];
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
const lifeArbitrary: fc.Arbitrary<readonly Command[]> = fc
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

/** All but waiting. */
const kindCount = 22;

const start = after(
  newWorld,
  anIssue({
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
  }),
);

/** What the code shows, in the words of the model. */
function pictureOf(world: World): Picture {
  const state = readerOf(world);
  const numberOf = new Map(Array.from({ length: 8 }, (_, number) => [eventIdOf(number), number]));
  const fills = [0, 1].map((k) => {
    const found = findFill(state, rxId, k);
    assert.ok(found.ok);
    const { prescription, fill: own } = found.value;
    return {
      status: statusOfFill(found.value, world.timeMs),
      remaining: [0, 1].map((item) => unitsRemaining(prescription, own, item)),
      holds: [...own.holds],
      supplies: own.events.map(
        ({ eventId, receivedMs, withdrawnMs }) =>
          [numberOf.get(eventId) ?? -1, receivedMs !== null, withdrawnMs !== null] as const,
      ),
    };
  });
  const parcels = [0, 1, 2, 3].flatMap((number) => {
    const own = readParcel(state, parcelIdOf(number));
    return own === null ? [] : [[number, own.status, own.custodian] as const];
  });
  return { fills, parcels };
}

describe('the whole life of a prescription', () => {
  it('is what a naive model of the specification says, act by act, and so keeps I1 to I6, I13 and I15 to I19', function wholeLife() {
    this.timeout(120_000);
    const acceptedKinds = new Set<string>();
    const refusedKinds = new Set<string>();
    const statuses = new Set<string>();
    fc.assert(
      fc.property(lifeArbitrary, (life) => {
        const model = naiveLife(noon);
        let world = start;
        for (const command of life) {
          const isExpected = model.apply(command);
          if (command.kind === 'wait') {
            world = later(world, command.ms);
            continue;
          }
          const result = attempt(world, actOf(world, command));
          assert.equal(result.ok, isExpected, `${JSON.stringify(command)} ${JSON.stringify(result)}`);
          (result.ok ? acceptedKinds : refusedKinds).add(command.kind);
          if (!result.ok) continue;
          world = withWrites(world, result.value);
          const picture = pictureOf(world);
          assert.deepEqual(picture, model.picture());
          for (const { status } of picture.fills) statuses.add(status);
        }
      }),
      { numRuns: 1_000 },
    );
    // Else the lives would prove little.
    assert.deepEqual([acceptedKinds.size, refusedKinds.size], [kindCount, kindCount]);
    assert.equal(statuses.size, 8);
  });
});
