/** Random lives of a prescription, judged by the code and by a naive model of domain.md: the same answer to every act, the same picture after it. */
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { findFill, statusOfFill, unitsRemaining } from '../../../protocol/fillStatus.ts';
import { readParcel } from '../../../protocol/parcel.ts';
import { rxId } from '../../support/acts.ts';
import {
  after,
  attempt,
  later,
  newWorld,
  noon,
  readerOf,
  withWrites,
  type World,
} from '../../support/domain.ts';
import { actOf, eventIdOf, parcelIdOf } from '../../support/naiveActs.ts';
import type { Picture } from '../../support/naiveCommand.ts';
import { naiveLife } from '../../support/naiveLife.ts';
import { lifeArbitrary, lifeIssue } from '../../support/naiveLives.ts';

/** All but waiting. */
const kindCount = 22;

const start = after(newWorld, lifeIssue);

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
