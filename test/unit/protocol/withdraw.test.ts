import assert from 'node:assert/strict';
import { readPrescription, type DispenseEvent } from '../../../protocol/prescription.ts';
import {
  aCancel,
  aClose,
  aDeliver,
  aDispense,
  aFail,
  aFillPlan,
  anAdjudicate,
  anEstimate,
  anIssue,
  aPay,
  aReceive,
  aReserve,
  aRivalReserve,
  aShip,
  aSubmit,
  aTakeBack,
  aWithdraw,
  dispensed,
  rxId,
} from '../../support/acts.ts';
import {
  after,
  at,
  dayMs,
  digestOf,
  hourMs,
  idOf,
  itRefuses,
  keyOf,
  later,
  newWorld,
  noon,
  readerOf,
  refusalOf,
  rival,
  statusIn,
  underPolicy,
  type World,
} from '../../support/domain.ts';

const reserved = after(newWorld, anIssue(), aReserve());
const supplied = after(reserved, aDispense());
const withdrawn = after(supplied, aWithdraw());
const shipped = after(supplied, aShip());
const returned = after(shipped, aFail(), aTakeBack());
const broken = after(shipped, aFail(), aTakeBack({ body: { isSealIntact: false } }));
const received = after(supplied, aReceive({ body: { parcelId: null } }));
const claimed = after(supplied, anEstimate(), anAdjudicate(), aPay(), aSubmit());
const withPatient = { keys: [keyOf('pharmacist'), keyOf('owner')] };
const restocked = { restockedHashes: [digestOf('pack 1'), digestOf('pack 2')] };

function eventIn(world: World): DispenseEvent | undefined {
  return readPrescription(readerOf(world), rxId)?.fills[0]?.events[0];
}

/** The same packs in another supply. */
const again = aDispense({
  body: { eventId: idOf('again'), items: [dispensed(0, 30, { packHashes: [digestOf('pack 1')] })] },
});

describe('fill.withdraw', () => {
  it('gives the units back to the fill: the one end that is not for ever (I4)', () => {
    assert.deepEqual([statusIn(supplied), statusIn(withdrawn)], ['dispensed', 'reserved']);
    assert.equal(eventIn(withdrawn)?.withdrawnMs, noon);
    assert.equal(statusIn(after(supplied, aClose(), aWithdraw())), 'reserved');
  });

  it('lets another pharmacy supply what came back, when the reservation is over', () => {
    const world = later(withdrawn, 2 * hourMs);
    assert.equal(statusIn(world), 'ready');
    assert.equal(
      refusalOf(world, aRivalReserve({ body: { until: eventIn(world)?.timeMs ?? noon } })),
      'fillOutOfWindow',
    );
  });

  it('opens nothing that was cancelled or given up', () => {
    const part = after(reserved, aDispense({ body: { items: [dispensed(0, 10)] } }));
    assert.equal(statusIn(after(part, aCancel(), aWithdraw())), 'cancelled');
    assert.equal(statusIn(after(part, aClose({ body: { outcome: 'partial' } }), aWithdraw())), 'closed');
  });

  it('frees the packs that go back on the shelf, and no others (I15)', () => {
    const one = after(supplied, aWithdraw({ body: { restockedHashes: [digestOf('pack 1')] } }));
    assert.equal(refusalOf(withdrawn, again), 'packSpent');
    assert.equal(refusalOf(one, again), null);
    assert.deepEqual(
      ['pack 1', 'pack 2'].map((text) => one.records.has(`pack/${digestOf(text)}`)),
      [false, true],
    );
  });

  it('frees no pack of another prescription, though its event may have the same id (I15)', () => {
    const other = idOf('other');
    const bare = { rxId: other, items: [dispensed(0, 30)] };
    const window = { start: noon, end: at(noon + 3 * dayMs) };
    const world = after(
      supplied,
      anIssue({ body: { rxId: other, fills: [aFillPlan(other, 0, window)] } }),
      aReserve({ body: { rxId: other } }),
      aDispense({ body: bare }),
    );
    const act = aWithdraw({ body: { rxId: other, restockedHashes: [digestOf('pack 1')] } });
    assert.equal(refusalOf(world, act), 'packUnknown');
    assert.equal(refusalOf(world, aWithdraw({ body: { rxId: other } })), null);
  });

  it('restocks what came back sealed if the policy says so', () => {
    const act = aWithdraw({ body: restocked });
    assert.equal(refusalOf(returned, act), 'restockNotAllowed');
    assert.equal(refusalOf(underPolicy(returned, { isRestockAllowed: true }), act), null);
  });

  it('takes back what the patient had received only with the patient, and restocks none of it', () => {
    assert.equal(refusalOf(received, aWithdraw()), 'wrongSigners');
    assert.equal(refusalOf(received, aWithdraw(withPatient)), null);
    assert.equal(refusalOf(received, aWithdraw({ ...withPatient, body: restocked })), 'restockNotAllowed');
  });

  it('leaves nothing to claim', () => {
    assert.equal(
      refusalOf(after(supplied, anEstimate(), anAdjudicate(), aPay(), aWithdraw()), aSubmit()),
      'dispenseEventUnknown',
    );
  });

  itRefuses('nothing', 'prescriptionUnknown', [newWorld, aWithdraw()]);
  itRefuses('a fill that is not there', 'fillUnknown', [supplied, aWithdraw({ body: { k: 1 } })]);
  itRefuses('a supply that never was', 'dispenseEventUnknown', [reserved, aWithdraw()]);
  itRefuses('what another pharmacy supplied', 'dispenseEventUnknown', [
    supplied,
    aWithdraw({ member: rival, keys: [keyOf('rival pharmacist')] }),
  ]);
  itRefuses('the patient’s key where nothing was received', 'wrongSigners', [
    supplied,
    aWithdraw(withPatient),
  ]);
  itRefuses('the same twice', 'eventWithdrawn', [withdrawn, aWithdraw()]);
  itRefuses('what stands in a claim', 'dispenseEventClaimed', [claimed, aWithdraw()]);
  itRefuses('what is on its way', 'parcelState', [shipped, aWithdraw()]);
  itRefuses('what lies at the door', 'parcelState', [after(shipped, aDeliver()), aWithdraw()]);
  itRefuses('to restock what came back broken', 'restockNotAllowed', [
    broken,
    aWithdraw({ body: restocked }),
  ]);
  itRefuses('to restock a pack of another supply', 'packUnknown', [
    supplied,
    aWithdraw({ body: { restockedHashes: [digestOf('pack 3')] } }),
  ]);
  itRefuses('to restock a pack twice', 'packUnknown', [
    supplied,
    aWithdraw({ body: { restockedHashes: [digestOf('pack 1'), digestOf('pack 1')] } }),
  ]);
});
