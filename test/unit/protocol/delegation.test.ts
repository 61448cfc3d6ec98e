import assert from 'node:assert/strict';
import { readDelegation } from '../../../protocol/delegation.ts';
import { readPrescription } from '../../../protocol/prescription.ts';
import { anIssue } from '../../support/acts.ts';
import {
  after,
  at,
  dayMs,
  hospital,
  idOf,
  itRefuses,
  keyOf,
  later,
  newWorld,
  noon,
  readerOf,
  refusalOf,
  type Act,
  type World,
} from '../../support/domain.ts';
import { aGrant, aRevokeGrant, aRevokeKey, aSuspend } from '../../support/people.ts';

const granted = after(newWorld, aGrant());
const byAdmin = { member: hospital, keys: [keyOf('hospital admin')] };

/** The assistant issues in the doctor's name, at the time of the world. */
function anAssisted(text: string, world: World = newWorld, body: Parameters<typeof anIssue>[0] = {}): Act {
  const times = { authoredOn: world.timeMs, validUntil: at(world.timeMs + dayMs) };
  const usual = anIssue({ body: { rxId: idOf(text) } });
  const fills = usual.action.kind === 'rx.issue' ? usual.action.body.fills : [];
  const moved = fills.map((fill) => ({ ...fill, start: times.authoredOn, end: times.validUntil }));
  return anIssue({
    keys: [keyOf('assistant')],
    body: { rxId: idOf(text), ...times, fills: moved, ...body.body },
  });
}

describe('delegation.grant', () => {
  it('lets the delegate issue in the delegator’s name, under the delegate’s own key', () => {
    const world = after(granted, anAssisted('rx 1'));
    const prescription = readPrescription(readerOf(world), idOf('rx 1'));
    assert.deepEqual(
      [prescription?.prescriber, prescription?.signedBy],
      [idOf('doctor'), [keyOf('assistant')]],
    );
  });

  it('caps a day, and begins anew with the next', () => {
    const two = after(granted, anAssisted('rx 1'), anAssisted('rx 2'));
    assert.equal(refusalOf(two, anAssisted('rx 3')), 'delegationExceeded');
    const tomorrow = later(two, dayMs);
    assert.equal(refusalOf(tomorrow, anAssisted('rx 3', tomorrow)), null);
  });

  it('counts on when its terms are changed', () => {
    const two = after(granted, anAssisted('rx 1'), anAssisted('rx 2'));
    const three = after(two, aGrant({ body: { perDayMax: 3 } }), anAssisted('rx 3'));
    assert.equal(refusalOf(three, anAssisted('rx 4')), 'delegationExceeded');
  });

  it('ends by itself', () => {
    const over = later(granted, 30 * dayMs);
    assert.equal(refusalOf(over, anAssisted('rx 1', over)), 'delegationUnknown');
  });

  it('opens no other class, and never the controlled one', () => {
    const chronic = anAssisted('rx 1', newWorld, { body: { class: 'chronic' } });
    const controlled = anAssisted('rx 1', newWorld, { body: { class: 'controlled' } });
    assert.equal(refusalOf(granted, chronic), 'delegationUnknown');
    assert.equal(refusalOf(granted, controlled), 'wrongSigners');
  });

  it('is never handed on', () => {
    const handedOn = aGrant({
      keys: [keyOf('assistant')],
      body: { delegatorId: idOf('assistant'), delegateId: idOf('junior') },
    });
    assert.equal(refusalOf(granted, handedOn), 'roleMissing');
  });

  it('is worth nothing if the key that granted it was stolen by then', () => {
    const stolen = aRevokeKey({ body: { compromisedSince: noon } });
    const before = aRevokeKey({ body: { compromisedSince: at(noon + 1) } });
    assert.equal(refusalOf(after(granted, stolen), anAssisted('rx 1')), 'delegationUnknown');
    assert.equal(refusalOf(after(later(granted, 1), before), anAssisted('rx 1')), null);
  });

  it('is worth what the delegator may do at that time', () => {
    const practitionerId = idOf('doctor');
    const suspended = after(granted, aSuspend({ ...byAdmin, body: { practitionerId } }));
    assert.equal(refusalOf(suspended, anAssisted('rx 1')), 'practitionerNotActive');
    const closed = after(granted, aSuspend({ ...byAdmin, body: { practitionerId, scope: 'ordinary' } }));
    assert.equal(refusalOf(closed, anAssisted('rx 1')), 'scopeMissing');
  });

  itRefuses('another signer', 'wrongSigners', [newWorld, aGrant({ keys: [keyOf('colleague')] })]);
  itRefuses('a delegate whom nobody knows', 'practitionerUnknown', [
    newWorld,
    aGrant({ body: { delegateId: idOf('nobody') } }),
  ]);
  itRefuses('a delegate of another member', 'notPermitted', [
    newWorld,
    aGrant({ body: { delegateId: idOf('elsewhere') } }),
  ]);
  itRefuses('oneself', 'notPermitted', [newWorld, aGrant({ body: { delegateId: idOf('doctor') } })]);
  itRefuses('an end that is past', 'timeInvalid', [newWorld, aGrant({ body: { until: noon } })]);
  itRefuses('more than a year', 'timeInvalid', [
    newWorld,
    aGrant({ body: { until: at(noon + 366 * dayMs + 1) } }),
  ]);
});

describe('delegation.revoke', () => {
  it('ends it, by the delegator or by the hospital', () => {
    for (const act of [aRevokeGrant(), aRevokeGrant(byAdmin)]) {
      const world = after(granted, act);
      const pair = { delegatorId: idOf('doctor'), delegateId: idOf('assistant') };
      assert.equal(readDelegation(readerOf(world), pair), null);
      assert.equal(refusalOf(world, anAssisted('rx 1')), 'delegationUnknown');
    }
  });

  itRefuses('another doctor', 'wrongSigners', [granted, aRevokeGrant({ keys: [keyOf('colleague')] })]);
  itRefuses('somebody unknown', 'practitionerUnknown', [
    granted,
    aRevokeGrant({ body: { delegatorId: idOf('nobody') } }),
  ]);
  itRefuses('another hospital’s delegation', 'notPermitted', [
    granted,
    aRevokeGrant({ body: { delegatorId: idOf('elsewhere') } }),
  ]);
  itRefuses('what was never granted', 'delegationUnknown', [newWorld, aRevokeGrant()]);
});
