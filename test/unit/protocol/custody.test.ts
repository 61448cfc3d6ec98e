/** A parcel that changes hands, fails, comes back, or is late. */
import assert from 'node:assert/strict';
import { present } from '../../../protocol/invariant.ts';
import { isOverdue, isUnconfirmed, readParcel, type Parcel } from '../../../protocol/parcel.ts';
import { defaultPolicy } from '../../../protocol/policy.ts';
import { readPrescription, type DispenseEvent } from '../../../protocol/prescription.ts';
import {
  aDeliver,
  aDispense,
  aFail,
  anIssue,
  aReceive,
  aReport,
  aReserve,
  aScan,
  aShip,
  aTakeBack,
  aWithdraw,
  parcelId,
  rxId,
} from '../../support/acts.ts';
import {
  after,
  courier,
  dayMs,
  idOf,
  itRefuses,
  keyOf,
  later,
  newWorld,
  noon,
  pharmacy,
  readerOf,
  refusalOf,
  rival,
  secondCourier,
  type World,
} from '../../support/domain.ts';

const supplied = after(newWorld, anIssue(), aReserve(), aDispense());
const shipped = after(supplied, aShip());
const scanned = after(shipped, aScan());
const delivered = after(shipped, aDeliver());
const failed = after(shipped, aFail());
const returned = after(failed, aTakeBack());
const broken = after(failed, aTakeBack({ body: { isSealIntact: false } }));
const received = after(delivered, aReceive());
const bySecond = { member: secondCourier, keys: [keyOf('other rider')] };
const atCounter = aReceive({ body: { parcelId: null } });

function parcelIn(world: World): Parcel {
  return present(readParcel(readerOf(world), parcelId), 'shipped');
}

function eventIn(world: World): DispenseEvent {
  return present(readPrescription(readerOf(world), rxId)?.fills[0]?.events[0], 'supplied');
}

describe('delivery.scan', () => {
  it('moves the parcel from one custodian to the next, and notes where (I16)', () => {
    const { custodian, place, courier: first } = parcelIn(scanned);
    assert.deepEqual([first, custodian, place], [courier, secondCourier, 'hub-north']);
    assert.equal(refusalOf(scanned, aDeliver()), 'notCustodian');
    assert.equal(refusalOf(scanned, aDeliver(bySecond)), null);
  });

  it('also notes a hub of the same courier, where another person takes over', () => {
    const toHub = aScan({ keys: [keyOf('rider'), keyOf('hub clerk')], body: { to: courier } });
    assert.equal(parcelIn(after(shipped, toHub)).custodian, courier);
  });

  itRefuses('an unknown parcel', 'parcelUnknown', [supplied, aScan()]);
  itRefuses('a hand-over without a take-over', 'wrongSigners', [shipped, aScan({ keys: [keyOf('rider')] })]);
  itRefuses('from a courier that does not have it', 'notCustodian', [scanned, aScan()]);
  itRefuses('what is delivered', 'parcelState', [delivered, aScan()]);
  itRefuses('what was received', 'parcelState', [received, aScan()]);
});

describe('delivery.fail', () => {
  it('leaves the parcel with the courier, to be taken back', () => {
    const { status, custodian, failedMs } = parcelIn(failed);
    assert.deepEqual([status, custodian, failedMs], ['failed', courier, noon]);
    assert.equal(refusalOf(failed, aReceive()), 'parcelState');
  });

  it('can be said of a parcel that lay in a locker', () => {
    assert.equal(parcelIn(after(delivered, aFail())).status, 'failed');
  });

  itRefuses('an unknown parcel', 'parcelUnknown', [supplied, aFail()]);
  itRefuses('a courier that does not have it', 'notCustodian', [shipped, aFail(bySecond)]);
  itRefuses('the same twice', 'parcelState', [failed, aFail()]);
  itRefuses('what was received', 'parcelState', [received, aFail()]);
});

describe('delivery.return', () => {
  it('puts what came back sealed to the counter again', () => {
    assert.deepEqual([parcelIn(returned).status, parcelIn(returned).custodian], ['returned', pharmacy]);
    assert.deepEqual([eventIn(returned).parcelId, eventIn(returned).isReturned], [null, true]);
    assert.equal(refusalOf(returned, atCounter), null);
    assert.equal(refusalOf(returned, aShip({ body: { parcelId: idOf('second parcel') } })), null);
  });

  it('lets what came back broken only be withdrawn', () => {
    assert.equal(eventIn(broken).parcelId, parcelId);
    assert.equal(refusalOf(broken, atCounter), 'parcelState');
    assert.equal(refusalOf(broken, aShip({ body: { parcelId: idOf('second parcel') } })), 'nothingDispensed');
    assert.equal(refusalOf(broken, aWithdraw()), null);
  });

  itRefuses('an unknown parcel', 'parcelUnknown', [supplied, aTakeBack()]);
  itRefuses('a hand-over without a take-over', 'wrongSigners', [
    failed,
    aTakeBack({ keys: [keyOf('rider')] }),
  ]);
  itRefuses('a courier that does not have it', 'wrongSigners', [
    failed,
    aTakeBack({ keys: [keyOf('pharmacist'), keyOf('other rider')] }),
  ]);
  itRefuses('another pharmacy', 'notPermitted', [
    failed,
    aTakeBack({ member: rival, keys: [keyOf('rival pharmacist'), keyOf('rider')] }),
  ]);
  itRefuses('what has not failed', 'parcelState', [shipped, aTakeBack()]);
});

describe('delivery.report', () => {
  const late = later(shipped, dayMs + 1);

  it('notes once that a parcel is due and not delivered', () => {
    assert.deepEqual([isOverdue(parcelIn(late), late.timeMs), parcelIn(late).breachMs], [true, null]);
    assert.equal(parcelIn(after(late, aReport())).breachMs, noon + dayMs + 1);
    assert.equal(refusalOf(late, aReport({ keys: [keyOf('pharmacist')] })), null);
  });

  it('does not keep the parcel from being delivered late', () => {
    const world = after(late, aReport(), aDeliver());
    assert.equal(parcelIn(world).status, 'delivered');
    assert.equal(isOverdue(parcelIn(world), world.timeMs), false);
  });

  itRefuses('an unknown parcel', 'parcelUnknown', [supplied, aReport()]);
  itRefuses('the owner key in company', 'wrongSigners', [
    late,
    aReport({ keys: [keyOf('owner'), keyOf('pharmacist')] }),
  ]);
  itRefuses('another pharmacy', 'notPermitted', [
    late,
    aReport({ member: rival, keys: [keyOf('rival pharmacist')] }),
  ]);
  itRefuses('at the deadline', 'parcelNotDue', [later(shipped, dayMs), aReport()]);
  itRefuses('the same twice', 'parcelNotDue', [after(late, aReport()), aReport()]);
  itRefuses('what is delivered', 'parcelNotDue', [after(late, aDeliver()), aReport()]);
});

describe('a parcel that nobody confirms', () => {
  const shown = (world: World): boolean => isUnconfirmed(parcelIn(world), defaultPolicy, world.timeMs);

  it('is shown as unconfirmed after 72 hours, and can still be confirmed', () => {
    const world = later(delivered, 3 * dayMs);
    assert.deepEqual([shown(later(delivered, 3 * dayMs - 1)), shown(world)], [false, true]);
    assert.equal(shown(after(world, aReceive())), false);
  });
});
