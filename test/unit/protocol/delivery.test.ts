import assert from 'node:assert/strict';
import { readParcel } from '../../../protocol/parcel.ts';
import { readPrescription, type DispenseEvent } from '../../../protocol/prescription.ts';
import {
  aDeliver,
  aDispense,
  aReceive,
  aReserve,
  aReturn,
  aRivalReserve,
  aShip,
  anIssue,
  dispensed,
  parcelId,
  receiptCode,
  rxId,
} from '../../support/acts.ts';
import {
  after,
  at,
  attempt,
  courier,
  secondCourier,
  dayMs,
  digestOf,
  hourMs,
  idOf,
  insurer,
  itRefuses,
  keyOf,
  later,
  newWorld,
  noon,
  pharmacy,
  readerOf,
  refusalOf,
  rival,
  type World,
} from '../../support/domain.ts';

const reserved = after(newWorld, anIssue(), aReserve());
const supplied = after(reserved, aDispense());
const shipped = after(supplied, aShip());
const delivered = after(later(shipped, hourMs), aDeliver());
const received = after(later(delivered, hourMs), aReceive());
const atCounter = aReceive({ body: { parcelId: null } });
const withCode = { keys: [keyOf('rider')], member: courier, body: { receiptCode } };

function eventsIn(world: World): readonly DispenseEvent[] {
  return readPrescription(readerOf(world), rxId)?.fills[0]?.events ?? [];
}

describe('a parcel', () => {
  it('has exactly one custodian on its way: the courier, then the patient (I16)', () => {
    const parcel = {
      parcelId,
      rxId,
      k: 0,
      pharmacy,
      courier,
      custodian: courier,
      place: null,
      sealHash: digestOf('seal number'),
      deliverBy: noon + dayMs,
      status: 'inTransit',
      isSealIntact: null,
      shippedMs: noon,
      deliveredMs: null,
      failedMs: null,
      returnedMs: null,
      receivedMs: null,
      breachMs: null,
    };
    const deliveredMs = noon + hourMs;
    const receivedMs = noon + 2 * hourMs;
    const inWorld = (world: World): unknown => readParcel(readerOf(world), parcelId);
    assert.deepEqual(inWorld(shipped), parcel);
    assert.deepEqual(inWorld(delivered), { ...parcel, status: 'delivered', deliveredMs });
    assert.deepEqual(inWorld(received), {
      ...parcel,
      status: 'received',
      custodian: null,
      deliveredMs,
      receivedMs,
    });
  });

  it('marks what is inside as shipped, and as received', () => {
    assert.deepEqual(
      [supplied, shipped, received].map((world) =>
        eventsIn(world).map((event) => [event.parcelId, event.receivedMs]),
      ),
      [[[null, null]], [[parcelId, null]], [[parcelId, noon + 2 * hourMs]]],
    );
  });

  it('stands in the history of the prescription and in its own', () => {
    const subjects = [
      [supplied, aShip()],
      [shipped, aDeliver()],
      [delivered, aReceive()],
    ] as const;
    for (const [world, act] of subjects) {
      const result = attempt(world, act);
      assert.deepEqual(result.ok && result.value.subjects, [rxId, parcelId]);
    }
  });
});

describe('delivery.ship', () => {
  it('takes only what this pharmacy has still in its hands', () => {
    const part = (text: string, itemId: number, count: number): ReturnType<typeof aDispense> =>
      aDispense({ body: { eventId: idOf(text), items: [dispensed(itemId, count)] } });
    const first = after(reserved, part('first', 0, 30), aShip(), part('second', 1, 20));
    const world = after(first, aShip({ body: { parcelId: idOf('second parcel') } }));
    assert.deepEqual(
      eventsIn(world).map((event) => event.parcelId),
      [parcelId, idOf('second parcel')],
    );
  });

  itRefuses('to ship nothing', 'prescriptionUnknown', [newWorld, aShip()]);
  itRefuses('a fill that is not there', 'fillUnknown', [supplied, aShip({ body: { k: 1 } })]);
  itRefuses('a hand-over without a take-over', 'wrongSigners', [
    supplied,
    aShip({ keys: [keyOf('pharmacist')] }),
  ]);
  itRefuses('a take-over without a hand-over', 'wrongSigners', [supplied, aShip({ keys: [keyOf('rider')] })]);
  itRefuses('before the supply', 'nothingDispensed', [reserved, aShip()]);
  itRefuses('what another pharmacy supplied', 'nothingDispensed', [
    supplied,
    aShip({ member: rival, keys: [keyOf('rival pharmacist'), keyOf('rider')] }),
  ]);
  itRefuses('a parcel twice', 'parcelExists', [shipped, aShip()]);
  itRefuses('one supply in two parcels', 'nothingDispensed', [
    shipped,
    aShip({ body: { parcelId: idOf('two') } }),
  ]);
  itRefuses('what was picked up', 'nothingDispensed', [after(supplied, atCounter), aShip()]);
  itRefuses('what is due already', 'timeInvalid', [supplied, aShip({ body: { deliverBy: noon } })]);
  itRefuses('what is due later than the policy allows', 'timeInvalid', [
    supplied,
    aShip({ body: { deliverBy: at(noon + 7 * dayMs + 1) } }),
  ]);
});

describe('delivery.deliver', () => {
  itRefuses('an unknown parcel', 'parcelUnknown', [supplied, aDeliver()]);
  itRefuses('a pharmacy that delivers itself', 'roleMissing', [
    shipped,
    aDeliver({ member: pharmacy, keys: [keyOf('pharmacist')] }),
  ]);
  itRefuses('to deliver twice', 'parcelState', [delivered, aDeliver()]);
  itRefuses('to deliver what was received', 'parcelState', [received, aDeliver()]);
  itRefuses('a courier that does not have it', 'notCustodian', [
    shipped,
    aDeliver({ member: secondCourier, keys: [keyOf('other rider')] }),
  ]);
});

describe('delivery.receive', () => {
  it('can be confirmed with the receipt code by who handed over', () => {
    assert.equal(refusalOf(delivered, aReceive(withCode)), null);
    const body = { parcelId: null, receiptCode };
    assert.equal(refusalOf(supplied, aReceive({ keys: [keyOf('pharmacist')], body })), null);
  });

  it('confirms a pick-up at the counter', () => {
    assert.deepEqual(
      eventsIn(after(supplied, atCounter)).map((event) => event.receivedMs),
      [noon],
    );
  });

  it('confirms what two pharmacies supplied at their counters', () => {
    const rest = aDispense({
      member: rival,
      keys: [keyOf('rival pharmacist')],
      body: { eventId: idOf('rest'), items: [dispensed(0, 20)] },
    });
    const part = aDispense({ body: { items: [dispensed(0, 10)] } });
    const world = after(reserved, part, aReturn(), aRivalReserve(), rest, atCounter);
    assert.deepEqual(
      eventsIn(world).map((event) => event.receivedMs),
      [noon, noon],
    );
  });

  itRefuses('nothing', 'prescriptionUnknown', [newWorld, aReceive()]);
  itRefuses('a fill that is not there', 'fillUnknown', [delivered, aReceive({ body: { k: 1 } })]);
  itRefuses('an unknown parcel', 'parcelUnknown', [supplied, aReceive()]);
  itRefuses('the parcel of another prescription', 'parcelUnknown', [
    after(shipped, anIssue({ body: { rxId: idOf('other') } }), aDeliver()),
    aReceive({ body: { rxId: idOf('other') } }),
  ]);
  itRefuses('another key than the owner key', 'wrongSigners', [
    delivered,
    aReceive({ keys: [keyOf('redeem 0')] }),
  ]);
  itRefuses('the pharmacist without the code', 'wrongSigners', [
    delivered,
    aReceive({ keys: [keyOf('pharmacist')] }),
  ]);
  itRefuses('a wrong code', 'receiptCodeWrong', [
    delivered,
    aReceive({ ...withCode, body: { receiptCode: 'K7QM-2RTX-92' } }),
  ]);
  itRefuses('the code from somebody who had no part', 'notPermitted', [
    delivered,
    aReceive({ ...withCode, member: rival, keys: [keyOf('rival pharmacist')] }),
  ]);
  itRefuses('the code from a member that hands nothing over', 'roleMissing', [
    delivered,
    aReceive({ ...withCode, member: insurer, keys: [keyOf('adjudicator')] }),
  ]);
  itRefuses('before the delivery (I17)', 'parcelState', [shipped, aReceive()]);
  itRefuses('twice', 'alreadyReceived', [received, aReceive()]);
  itRefuses('a pick-up before the supply', 'nothingDispensed', [reserved, atCounter]);
  itRefuses('a pick-up of what is in a parcel', 'parcelState', [shipped, atCounter]);
  itRefuses('a pick-up twice', 'alreadyReceived', [after(supplied, atCounter), atCounter]);
});
