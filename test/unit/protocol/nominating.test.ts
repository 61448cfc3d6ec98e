import assert from 'node:assert/strict';
import { readPrescription } from '../../../protocol/prescription.ts';
import {
  aCancel,
  aDispense,
  aNominate,
  anIssue,
  aRedirect,
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
  insurer,
  itRefuses,
  keyOf,
  later,
  name,
  newWorld,
  noon,
  pharmacy,
  readerOf,
  refusalOf,
  rival,
  statusIn,
} from '../../support/domain.ts';

const issued = after(newWorld, anIssue());
const nominated = after(issued, aNominate());
const reserved = after(issued, aReserve());
const someOfIt = aDispense({ body: { items: [dispensed(0, 10)] } });
const withoutCode = aReserve({ keys: [keyOf('pharmacist')] });
const until = at(noon + dayMs);

describe('rx.nominate', () => {
  it('opens the fills to the pharmacy without their codes', () => {
    assert.equal(refusalOf(issued, withoutCode), 'redeemKeyWrong');
    assert.equal(statusIn(after(nominated, withoutCode)), 'reserved');
    assert.equal(statusIn(after(nominated, aReserve())), 'reserved');
  });

  it('closes them to every other, also with the code', () => {
    assert.equal(refusalOf(nominated, aRivalReserve()), 'nominatedElsewhere');
  });

  it('ends by itself, or with the next word of the patient', () => {
    const over = later(nominated, 2 * dayMs);
    const rivals = aRivalReserve({ body: { until: at(noon + 2 * dayMs + hourMs) } });
    assert.equal(refusalOf(over, rivals), null);
    assert.equal(
      refusalOf(after(nominated, aNominate({ body: { nomination: null } })), aRivalReserve()),
      null,
    );
  });

  it('leaves a reservation that stands', () => {
    const world = after(reserved, aNominate({ body: { nomination: { pharmacy: rival, until } } }));
    assert.equal(refusalOf(world, aDispense()), null);
  });

  itRefuses('nothing', 'prescriptionUnknown', [newWorld, aNominate()]);
  itRefuses('another key than the owner key', 'wrongSigners', [
    issued,
    aNominate({ keys: [keyOf('doctor')] }),
  ]);
  itRefuses('a pharmacy that nobody knows', 'memberUnknown', [
    issued,
    aNominate({ body: { nomination: { pharmacy: name('nobody'), until } } }),
  ]);
  itRefuses('a pharmacy that is suspended', 'memberNotActive', [
    issued,
    aNominate({ body: { nomination: { pharmacy: name('suspended-pharmacy'), until } } }),
  ]);
  itRefuses('a member that is no pharmacy', 'roleMissing', [
    issued,
    aNominate({ body: { nomination: { pharmacy: insurer, until } } }),
  ]);
  itRefuses('a time that is past', 'timeInvalid', [
    issued,
    aNominate({ body: { nomination: { pharmacy, until: noon } } }),
  ]);
  itRefuses('a time after the prescription', 'timeInvalid', [
    issued,
    aNominate({ body: { nomination: { pharmacy, until: at(noon + 3 * dayMs + 1) } } }),
  ]);
  itRefuses('of what has ended', 'prescriptionNotOpen', [after(issued, aCancel()), aNominate()]);
});

describe('rx.redirect', () => {
  it('moves a reserved fill to another pharmacy', () => {
    const world = after(reserved, aRedirect());
    assert.equal(statusIn(world), 'ready');
    assert.equal(refusalOf(world, aReserve()), 'nominatedElsewhere');
    assert.equal(refusalOf(world, aRivalReserve({ keys: [keyOf('rival pharmacist')] })), null);
  });

  it('moves the rest of what was supplied in part', () => {
    const world = after(
      reserved,
      someOfIt,
      aRedirect(),
      aRivalReserve(),
      aDispense({
        member: rival,
        keys: [keyOf('rival pharmacist')],
        body: { eventId: idOf('rest'), items: [dispensed(0, 20), dispensed(1, 20)] },
      }),
    );
    assert.equal(statusIn(world), 'dispensed');
    const events = readPrescription(readerOf(world), rxId)?.fills[0]?.events ?? [];
    assert.deepEqual(
      events.map((event) => event.pharmacy),
      [pharmacy, rival],
    );
  });

  itRefuses('nothing', 'prescriptionUnknown', [newWorld, aRedirect()]);
  itRefuses('a fill that is not there', 'fillUnknown', [reserved, aRedirect({ body: { k: 1 } })]);
  itRefuses('another key than the owner key', 'wrongSigners', [
    reserved,
    aRedirect({ keys: [keyOf('redeem 0')] }),
  ]);
  itRefuses('a pharmacy that nobody knows', 'memberUnknown', [
    reserved,
    aRedirect({ body: { nomination: { pharmacy: name('nobody'), until } } }),
  ]);
  itRefuses('a pharmacy that is suspended', 'memberNotActive', [
    reserved,
    aRedirect({ body: { nomination: { pharmacy: name('suspended-pharmacy'), until } } }),
  ]);
  itRefuses('a member that is no pharmacy', 'roleMissing', [
    reserved,
    aRedirect({ body: { nomination: { pharmacy: insurer, until } } }),
  ]);
  itRefuses('a time that is past', 'timeInvalid', [
    reserved,
    aRedirect({ body: { nomination: { pharmacy: rival, until: noon } } }),
  ]);
  itRefuses('what nobody holds', 'fillNotReserved', [issued, aRedirect()]);
  itRefuses('what is supplied', 'fillNotReserved', [after(reserved, aDispense()), aRedirect()]);
});
