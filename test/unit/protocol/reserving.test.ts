import assert from 'node:assert/strict';
import { present } from '../../../protocol/invariant.ts';
import { readPrescription, type Fill } from '../../../protocol/prescription.ts';
import {
  aCancel,
  aClose,
  aDispense,
  aFillPlan,
  anExtend,
  anIssue,
  aReserve,
  aReturn,
  aReview,
  aRivalReserve,
  dispensed,
  rxId,
} from '../../support/acts.ts';
import {
  after,
  at,
  attempt,
  dayMs,
  hourMs,
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
  statusIn,
  type Act,
  type World,
} from '../../support/domain.ts';
import { aRevokeKey } from '../../support/people.ts';

const issued = after(newWorld, anIssue());
const pending = after(newWorld, anIssue({ body: { reviewRequired: true } }));
const reserved = after(issued, aReserve());
const someOfIt = aDispense({ body: { eventId: idOf('first part'), items: [dispensed(0, 10)] } });
const partly = after(reserved, someOfIt);
const supplied = after(reserved, aDispense());
const cancelled = after(issued, aCancel());
const partial = aClose({ body: { outcome: 'partial' } });

function fillIn(world: World, k = 0): Fill {
  return present(readPrescription(readerOf(world), rxId)?.fills[k], 'issued');
}

const noWrites = { ok: true, value: { subjects: [rxId], writes: new Map() } };

describe('fill.reserve', () => {
  it('gives the fill to one pharmacy until a time', () => {
    assert.deepEqual(fillIn(reserved).reservation, {
      pharmacy,
      sinceMs: noon,
      until: noon + 2 * hourMs,
      mode: 'counter',
    });
    assert.equal(statusIn(reserved), 'reserved');
  });

  it('gives the same pharmacy the same answer again, without a change', () => {
    const longer = aReserve({ body: { until: at(noon + 3 * hourMs) } });
    assert.deepEqual(attempt(reserved, aReserve()), noWrites);
    assert.deepEqual(attempt(reserved, longer), noWrites);
    assert.deepEqual(attempt(partly, aReserve()), noWrites);
  });

  it('lapses by block time, so that another pharmacy gets it (I1)', () => {
    const rivals = aRivalReserve({ body: { until: at(noon + 4 * hourMs) } });
    assert.equal(refusalOf(later(reserved, 2 * hourMs - 1), rivals), 'fillReserved');
    assert.equal(refusalOf(later(reserved, 2 * hourMs), rivals), null);
  });

  it('lasts 24 h at the counter and 72 h for a courier at most', () => {
    const world = after(newWorld, anIssue({ body: { class: 'chronic', ...chronicTimes } }));
    const reserve = (mode: 'counter' | 'courier', ms: number): Act =>
      aReserve({ body: { mode, until: at(noon + ms) } });
    assert.equal(refusalOf(world, reserve('counter', dayMs)), null);
    assert.equal(refusalOf(world, reserve('counter', dayMs + 1)), 'reservationTooLong');
    assert.equal(refusalOf(world, reserve('courier', 3 * dayMs)), null);
    assert.equal(refusalOf(world, reserve('courier', 3 * dayMs + 1)), 'reservationTooLong');
  });

  it('may outlive the prescription by the grace, and can be supplied then', () => {
    const late = later(issued, 3 * dayMs - 1);
    const until = (ms: number): Act =>
      aReserve({ body: { mode: 'courier', until: at(noon + 3 * dayMs + ms) } });
    assert.equal(refusalOf(late, until(dayMs + 1)), 'reservationTooLong');
    const held = after(late, until(dayMs));
    assert.equal(refusalOf(later(held, dayMs), aDispense()), null);
    assert.equal(refusalOf(later(held, dayMs + 1), aDispense()), 'prescriptionExpired');
  });

  itRefuses('nothing', 'prescriptionUnknown', [newWorld, aReserve()]);
  itRefuses('a fill that is not there', 'fillUnknown', [issued, aReserve({ body: { k: 1 } })]);
  itRefuses('to reserve for another pharmacy', 'notPermitted', [
    issued,
    aReserve({ body: { pharmacy: rival } }),
  ]);
  itRefuses('a pharmacist without the patient', 'redeemKeyWrong', [
    issued,
    aReserve({ keys: [keyOf('pharmacist')] }),
  ]);
  itRefuses('the key of another fill', 'redeemKeyWrong', [
    issued,
    aReserve({ keys: [keyOf('pharmacist'), keyOf('redeem 1')] }),
  ]);
  itRefuses('the patient without a pharmacist', 'wrongSigners', [
    issued,
    aReserve({ keys: [keyOf('redeem 0')] }),
  ]);
  itRefuses('a second pharmacy (I1)', 'fillReserved', [reserved, aRivalReserve()]);
  itRefuses('a second pharmacy after a part', 'fillReserved', [partly, aRivalReserve()]);
  itRefuses('what waits for its review', 'reviewPending', [pending, aReserve()]);
  itRefuses('what expired', 'prescriptionExpired', [later(issued, 3 * dayMs), aReserve()]);
  itRefuses('what was cancelled', 'prescriptionNotOpen', [cancelled, aReserve()]);
  itRefuses('what a reviewer refused', 'prescriptionNotOpen', [
    after(pending, aReview({ body: { outcome: 'refuse' } })),
    aReserve(),
  ]);
  itRefuses('what was supplied, to use it twice', 'fillNotReady', [supplied, aRivalReserve()]);
  itRefuses('what was closed', 'fillNotReady', [after(partly, partial), aRivalReserve()]);
  itRefuses('a reservation that has ended', 'fillOutOfWindow', [issued, aReserve({ body: { until: noon } })]);
});

const chronicTimes = {
  validUntil: at(noon + 60 * dayMs),
  fills: [aFillPlan(rxId, 0, { start: noon, end: at(noon + 60 * dayMs) })],
};

describe('fill.extend', () => {
  it('keeps the fill for longer', () => {
    const world = after(reserved, anExtend());
    assert.equal(statusIn(later(world, 3 * hourMs - 1)), 'reserved');
    assert.equal(statusIn(later(world, 3 * hourMs)), 'ready');
  });

  itRefuses('nothing', 'prescriptionUnknown', [newWorld, anExtend()]);
  itRefuses('a fill that is not there', 'fillUnknown', [reserved, anExtend({ body: { k: 1 } })]);
  itRefuses('what nobody holds', 'fillNotReserved', [issued, anExtend()]);
  itRefuses('what was cancelled', 'prescriptionNotOpen', [after(reserved, aCancel()), anExtend()]);
  itRefuses('what is void', 'prescriptionVoided', [after(reserved, aRevokeKey()), anExtend()]);
  itRefuses('what expired', 'prescriptionExpired', [later(reserved, 3 * dayMs), anExtend()]);
  itRefuses('what another holds', 'notHolder', [
    reserved,
    anExtend({ member: rival, keys: [keyOf('rival pharmacist')] }),
  ]);
  itRefuses('no later end', 'fillOutOfWindow', [
    reserved,
    anExtend({ body: { until: at(noon + 2 * hourMs) } }),
  ]);
  itRefuses('more than the mode’s limit from now', 'reservationTooLong', [
    reserved,
    anExtend({ body: { until: at(noon + dayMs + 1) } }),
  ]);
});

describe('fill.return', () => {
  it('frees the fill for another pharmacy', () => {
    const world = after(reserved, aReturn());
    assert.equal(statusIn(world), 'ready');
    assert.equal(refusalOf(world, aRivalReserve()), null);
  });

  it('lets another pharmacy supply the rest', () => {
    const rest = aDispense({
      member: rival,
      keys: [keyOf('rival pharmacist')],
      body: { eventId: idOf('rest'), items: [dispensed(0, 20), dispensed(1, 20)] },
    });
    const world = after(partly, aReturn(), aRivalReserve(), rest);
    assert.equal(statusIn(world), 'dispensed');
    assert.deepEqual(
      fillIn(world).events.map((event) => event.pharmacy),
      [pharmacy, rival],
    );
  });

  itRefuses('nothing to return', 'prescriptionUnknown', [newWorld, aReturn()]);
  itRefuses('a fill that is not there', 'fillUnknown', [reserved, aReturn({ body: { k: 1 } })]);
  itRefuses('what nobody holds', 'fillNotReserved', [issued, aReturn()]);
  itRefuses('what waits for its review', 'fillNotReserved', [pending, aReturn()]);
  itRefuses('what is supplied', 'fillNotReserved', [supplied, aReturn()]);
  itRefuses('what was cancelled', 'prescriptionNotOpen', [after(reserved, aCancel()), aReturn()]);
  itRefuses('what expired', 'prescriptionExpired', [later(reserved, 3 * dayMs), aReturn()]);
  itRefuses('what lapsed', 'fillNotReserved', [later(reserved, 2 * hourMs), aReturn()]);
  itRefuses('what another holds', 'notHolder', [
    reserved,
    aReturn({ member: rival, keys: [keyOf('rival pharmacist')] }),
  ]);
});
