/** What happens when two acts meet: each scene with its transcript, in both orders where there are two. */
import assert from 'node:assert/strict';
import { defaultPolicy } from '../../../protocol/policy.ts';
import {
  aCancel,
  aDispense,
  anAdjudicate,
  anEstimate,
  anIssue,
  aNominate,
  aPay,
  aReceive,
  aRedirect,
  aReserve,
  aRivalReserve,
  aShip,
  aSubmit,
  aWithdraw,
  dispensed,
  rxId,
} from '../../support/acts.ts';
import {
  after,
  at,
  attempt,
  digestOf,
  hospital,
  hourMs,
  idOf,
  keyOf,
  later,
  newWorld,
  noon,
  refusalOf,
  regulator,
  rival,
  statusIn,
  withWrites,
  type Act,
  type World,
} from '../../support/domain.ts';
import { aPolicyMotion, begun, policyCarried } from '../../support/motions.ts';
import { aGrant, aRevokeKey, aRotateKey, aSuspend } from '../../support/people.ts';

/** One line an act: what was done, the answer, and how the fill stands after it. */
function played(start: World, scene: readonly (readonly [title: string, act: Act])[]): readonly string[] {
  let world = start;
  return scene.map(([title, act]) => {
    const result = attempt(world, act);
    if (result.ok) world = withWrites(world, result.value);
    return `${title}: ${result.ok ? 'committed' : result.refusal.code}, ${statusIn(world)}`;
  });
}

const issued = after(newWorld, anIssue());
const reserved = after(issued, aReserve());
const supplied = after(reserved, aDispense());
const byOwner = { keys: [keyOf('owner')] };

describe('a cancellation that meets', () => {
  const part = aDispense({ body: { items: [dispensed(0, 10)] } });
  const rest = aDispense({
    body: { eventId: idOf('rest'), items: [dispensed(0, 20), dispensed(1, 20)] },
  });

  it('a supply: whoever comes first in the block', () => {
    assert.deepEqual(
      played(reserved, [
        ['the doctor cancels', aCancel()],
        ['the pharmacy supplies', aDispense()],
      ]),
      ['the doctor cancels: committed, cancelled', 'the pharmacy supplies: prescriptionNotOpen, cancelled'],
    );
    assert.deepEqual(
      played(reserved, [
        ['the pharmacy supplies', aDispense()],
        ['the doctor cancels', aCancel()],
      ]),
      ['the pharmacy supplies: committed, dispensed', 'the doctor cancels: tooLate, dispensed'],
    );
  });

  it('a supply in parts: the rest is cancelled, the part stays', () => {
    assert.deepEqual(
      played(reserved, [
        ['the pharmacy supplies a part', part],
        ['the patient cancels', aCancel(byOwner)],
        ['the pharmacy supplies the rest', rest],
        ['the doctor cancels, too', aCancel()],
        ['the patient receives the part', aReceive({ body: { parcelId: null } })],
      ]),
      [
        'the pharmacy supplies a part: committed, dispensing',
        'the patient cancels: committed, cancelled',
        'the pharmacy supplies the rest: prescriptionNotOpen, cancelled',
        'the doctor cancels, too: prescriptionNotOpen, cancelled',
        'the patient receives the part: committed, cancelled',
      ],
    );
  });

  it('a replacement: only one of the two prescriptions can be supplied', () => {
    const replacement = anIssue({ body: { rxId: idOf('second'), replaces: rxId } });
    assert.deepEqual(
      played(reserved, [
        ['the doctor replaces it', replacement],
        ['the pharmacy supplies the old one', aDispense()],
        ['the doctor cancels the old one', aCancel()],
      ]),
      [
        'the doctor replaces it: committed, cancelled',
        'the pharmacy supplies the old one: prescriptionNotOpen, cancelled',
        'the doctor cancels the old one: prescriptionNotOpen, cancelled',
      ],
    );
  });
});

describe('two pharmacies that meet', () => {
  it('at one fill: the first has it, and gets the same answer again', () => {
    assert.deepEqual(
      played(issued, [
        ['pharmacy', aReserve()],
        ['rival', aRivalReserve()],
        ['pharmacy again', aReserve()],
      ]),
      [
        'pharmacy: committed, reserved',
        'rival: fillReserved, reserved',
        'pharmacy again: committed, reserved',
      ],
    );
  });

  it('when the patient moves the fill while the first supplies', () => {
    const rivalSupply = aDispense({ member: rival, keys: [keyOf('rival pharmacist')] });
    assert.deepEqual(
      played(reserved, [
        ['the patient moves it to the rival', aRedirect()],
        ['pharmacy supplies', aDispense()],
        ['pharmacy reserves again', aReserve()],
        ['rival reserves', aRivalReserve()],
        ['rival supplies', rivalSupply],
      ]),
      [
        'the patient moves it to the rival: committed, ready',
        'pharmacy supplies: fillNotReserved, ready',
        'pharmacy reserves again: nominatedElsewhere, ready',
        'rival reserves: committed, reserved',
        'rival supplies: committed, dispensed',
      ],
    );
  });

  it('when the reservation of the first runs out', () => {
    const world = later(reserved, 2 * hourMs);
    const rivals = aRivalReserve({ body: { until: at(noon + 4 * hourMs) } });
    assert.deepEqual(
      played(world, [
        ['pharmacy supplies too late', aDispense()],
        ['rival reserves', rivals],
      ]),
      ['pharmacy supplies too late: fillNotReserved, ready', 'rival reserves: committed, reserved'],
    );
  });
});

describe('a withdrawal that meets', () => {
  const judged = [anEstimate(), anAdjudicate(), aPay()];

  it('a claim: either the supply is claimed, or it is taken back', () => {
    const world = after(supplied, ...judged);
    assert.deepEqual(
      played(world, [
        ['the pharmacy claims', aSubmit()],
        ['the pharmacy withdraws', aWithdraw()],
      ]),
      [
        'the pharmacy claims: committed, dispensed',
        'the pharmacy withdraws: dispenseEventClaimed, dispensed',
      ],
    );
    assert.deepEqual(
      played(world, [
        ['the pharmacy withdraws', aWithdraw()],
        ['the pharmacy claims', aSubmit()],
      ]),
      ['the pharmacy withdraws: committed, reserved', 'the pharmacy claims: dispenseEventUnknown, reserved'],
    );
  });

  it('a courier: what has left cannot be withdrawn, what is withdrawn cannot leave', () => {
    assert.deepEqual(
      played(supplied, [
        ['the courier takes it over', aShip()],
        ['the pharmacy withdraws', aWithdraw()],
      ]),
      ['the courier takes it over: committed, dispensed', 'the pharmacy withdraws: parcelState, dispensed'],
    );
    assert.deepEqual(
      played(supplied, [
        ['the pharmacy withdraws', aWithdraw()],
        ['the courier takes it over', aShip()],
      ]),
      [
        'the pharmacy withdraws: committed, reserved',
        'the courier takes it over: nothingDispensed, reserved',
      ],
    );
  });

  it('its own packs: one pack is in one supply that stands', () => {
    const restocked = aWithdraw({ body: { restockedHashes: [digestOf('pack 1')] } });
    const again = (text: string): Act =>
      aDispense({
        body: {
          eventId: idOf(text),
          items: [dispensed(0, 10, { packHashes: [digestOf('pack 1')] })],
        },
      });
    assert.deepEqual(
      played(supplied, [
        ['the pack goes back', restocked],
        ['the pack is supplied', again('second')],
        ['the pack is supplied again', again('third')],
        ['the first supply gives it back again', restocked],
      ]),
      [
        'the pack goes back: committed, reserved',
        'the pack is supplied: committed, dispensing',
        'the pack is supplied again: packSpent, dispensing',
        'the first supply gives it back again: eventWithdrawn, dispensing',
      ],
    );
  });
});

describe('a stolen key that is found out in mid-flight', () => {
  const stolen = aRevokeKey({ body: { compromisedSince: noon } });

  it('stops what is held, and leaves what is supplied', () => {
    assert.deepEqual(
      played(reserved, [
        ['the hospital revokes the doctor’s key', stolen],
        ['the pharmacy supplies', aDispense()],
        ['the pharmacy reserves again', aReserve()],
        ['the patient nominates another', aNominate()],
      ]),
      [
        'the hospital revokes the doctor’s key: committed, voided',
        'the pharmacy supplies: prescriptionVoided, voided',
        'the pharmacy reserves again: prescriptionVoided, voided',
        'the patient nominates another: prescriptionNotOpen, voided',
      ],
    );
    assert.deepEqual(
      played(supplied, [
        ['the hospital revokes the doctor’s key', stolen],
        ['the patient receives', aReceive({ body: { parcelId: null } })],
      ]),
      [
        'the hospital revokes the doctor’s key: committed, dispensed',
        'the patient receives: committed, dispensed',
      ],
    );
  });

  it('gives its thief neither a second key nor a delegate', () => {
    const rotated = aRotateKey({
      member: hospital,
      keys: [keyOf('doctor'), keyOf('thief')],
      body: { key: keyOf('doctor'), newKey: keyOf('thief') },
    });
    assert.equal(refusalOf(issued, rotated), 'wrongSigners');
    const delegated = after(issued, aGrant(), stolen);
    const byAssistant = anIssue({ keys: [keyOf('assistant')], body: { rxId: idOf('other') } });
    assert.equal(refusalOf(delegated, byAssistant), 'delegationUnknown');
  });
});

describe('a licence that is suspended between the reservation and the supply', () => {
  const suspended = aSuspend({ member: regulator, keys: [keyOf('regulator admin')] });

  it('stops the pharmacist, not the pharmacy', () => {
    assert.deepEqual(
      played(reserved, [
        ['the regulator suspends the pharmacist', suspended],
        ['the pharmacist supplies', aDispense()],
        ['a colleague supplies', aDispense({ keys: [keyOf('second pharmacist')] })],
      ]),
      [
        'the regulator suspends the pharmacist: committed, reserved',
        'the pharmacist supplies: practitionerNotActive, reserved',
        'a colleague supplies: committed, dispensed',
      ],
    );
  });
});

describe('a policy that changes between the estimate and the answer', () => {
  const policy = { ...defaultPolicy, version: 2, adjudicationMs: hourMs };
  /** From height 10 on an insurer has an hour, and no longer a day. */
  const voted = (world: World): World => policyCarried(after(world, aPolicyMotion({ body: { policy } })));
  const inForce = (world: World): World => begun(world, 10);
  const estimated = after(reserved, anEstimate());

  it('judges the answer by what is in force then, and nothing that was answered before', () => {
    assert.deepEqual(
      played(later(voted(estimated), 2 * hourMs), [
        ['the insurer answers before it is in force', anAdjudicate()],
      ]),
      ['the insurer answers before it is in force: committed, ready'],
    );
    const changed = later(inForce(voted(estimated)), 2 * hourMs);
    assert.deepEqual(
      played(changed, [
        ['the insurer answers two hours late', anAdjudicate()],
        ['the pharmacy reserves again', aReserve({ body: { until: at(noon + 4 * hourMs) } })],
        ['the pharmacy estimates anew', anEstimate({ body: { claimId: idOf('second claim') } })],
        ['the insurer answers at once', anAdjudicate({ body: { claimId: idOf('second claim') } })],
      ]),
      [
        'the insurer answers two hours late: tooLate, ready',
        'the pharmacy reserves again: committed, reserved',
        'the pharmacy estimates anew: committed, reserved',
        'the insurer answers at once: committed, reserved',
      ],
    );
    const agreed = later(inForce(voted(after(estimated, anAdjudicate()))), 2 * hourMs);
    assert.deepEqual(played(agreed, [['the patient pays what was answered under the old rule', aPay()]]), [
      'the patient pays what was answered under the old rule: committed, ready',
    ]);
  });
});
