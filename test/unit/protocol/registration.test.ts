import assert from 'node:assert/strict';
import { practitionerIdOfKey, readPractitioner } from '../../../protocol/practitioner.ts';
import { anIssue, aRegister, aReserve, aSuspend } from '../../support/acts.ts';
import {
  after,
  at,
  dayMs,
  idOf,
  itRefuses,
  keyOf,
  newWorld,
  noon,
  pharmacy,
  readerOf,
  refusalOf,
} from '../../support/domain.ts';

describe('practitioners', () => {
  it('registers a practitioner with the member that signs', () => {
    const state = readerOf(after(newWorld, aRegister()));
    assert.deepEqual(readPractitioner(state, idOf('newcomer')), {
      id: idOf('newcomer'),
      member: pharmacy,
      roles: ['pharmacist'],
      scopes: ['ordinary'],
      validUntil: noon + 365 * dayMs,
      status: 'active',
      keys: [{ key: keyOf('newcomer'), status: 'active', sinceMs: noon }],
    });
    assert.equal(practitionerIdOfKey(state, keyOf('newcomer')), idOf('newcomer'));
  });

  it('lets a new practitioner act from the next transaction on', () => {
    const keys = [keyOf('newcomer'), keyOf('redeem 0')];
    const world = after(newWorld, anIssue());
    assert.equal(refusalOf(world, aReserve({ keys })), 'keyUnknown');
    assert.equal(refusalOf(after(world, aRegister()), aReserve({ keys })), null);
  });

  it('stops a suspended practitioner', () => {
    const world = after(newWorld, anIssue(), aSuspend());
    assert.equal(refusalOf(world, aReserve()), 'practitionerNotActive');
  });

  const newcomer = after(newWorld, aRegister());
  itRefuses('another key than the admin key', 'wrongSigners', [
    newWorld,
    aRegister({ keys: [keyOf('pharmacist')] }),
  ]);
  itRefuses('the admin key of another member', 'wrongSigners', [
    newWorld,
    aSuspend({ keys: [keyOf('insurer admin')] }),
  ]);
  itRefuses('an id twice', 'practitionerExists', [
    newcomer,
    aRegister({ body: { keys: [keyOf('another')] } }),
  ]);
  itRefuses('a key twice', 'practitionerExists', [newcomer, aRegister({ body: { id: idOf('another') } })]);
  itRefuses('the same key twice in one registration', 'practitionerExists', [
    newWorld,
    aRegister({ body: { keys: [keyOf('newcomer'), keyOf('newcomer')] } }),
  ]);
  itRefuses('a registration that has ended', 'practitionerNotActive', [
    newWorld,
    aRegister({ body: { validUntil: at(noon) } }),
  ]);
  itRefuses('to suspend somebody unknown', 'practitionerUnknown', [
    newWorld,
    aSuspend({ body: { id: idOf('nobody') } }),
  ]);
  itRefuses('to suspend another member’s practitioner', 'notPermitted', [
    newWorld,
    aSuspend({ body: { id: idOf('doctor') } }),
  ]);
  itRefuses('to suspend twice', 'practitionerNotActive', [after(newWorld, aSuspend()), aSuspend()]);
});
