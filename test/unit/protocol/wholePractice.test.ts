/** Random careers: people, keys and members come and go while they prescribe, review and supply. Judged by the code and by a naive model of domain.md. */
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { ActionBody } from '../../../protocol/action.ts';
import type { Id, PublicKey } from '../../../protocol/brand.ts';
import { present } from '../../../protocol/invariant.ts';
import { readMember } from '../../../protocol/membership.ts';
import { hasScope, isPractitionerActive, readPractitioner } from '../../../protocol/practitioner.ts';
import { readKey } from '../../../protocol/practitionerKey.ts';
import { readPrescription, type Prescription } from '../../../protocol/prescription.ts';
import { defaultPolicy } from '../../../protocol/policy.ts';
import { genesisRecords } from '../../../protocol/transition.ts';
import {
  attempt,
  dayMs,
  genesis,
  hospital,
  later,
  newWorld,
  noon,
  readerOf,
  withWrites,
  type Act,
  type World,
} from '../../support/domain.ts';
import { naivePractice, type PracticeCommand } from '../../support/naivePractice.ts';
import { practiceActs, practiceArbitrary } from '../../support/practiceActs.ts';

/** The hospital has a pharmacy of its own, and nothing is over before the career is. */
const start: World = {
  ...newWorld,
  records: genesisRecords({
    ...genesis,
    members: genesis.members.map((member) =>
      member.name === hospital ? { ...member, roles: ['hospital', 'pharmacy'] } : member,
    ),
    policy: {
      ...defaultPolicy,
      validityMsMax: {
        ordinary: 90 * dayMs,
        controlled: 90 * dayMs,
        antibiotic: 90 * dayMs,
        chronic: 90 * dayMs,
      },
    },
  }),
};

/** All but waiting. */
const kindCount = 13;
/** Those that practitioners sign, with the named keys set aside. */
const practised: readonly string[] = ['issue', 'review', 'reserve', 'return', 'cancel', 'dispense'];

/** Refusals that careers must meet, to prove anything. */
const telling: readonly string[] = [
  'reviewerIsPrescriber',
  'dispenserNotSeparate',
  'keyUnknown',
  'keyRevoked',
  'practitionerNotActive',
  'roleMissing',
  'scopeMissing',
  'wrongSigners',
  'memberNotActive',
  'prescriptionVoided',
  'notPermitted',
  'notSuspended',
];

/** Who did what to a prescription, found from the keys on the acts that the ledger accepted. */
interface Recorded {
  readonly prescriber: Id;
  readonly reviewers: Id[];
  readonly dispensers: Id[];
}

/** I13, from the records as they stood when the act was accepted. */
function checkSigners(world: World, command: PracticeCommand, act: Act): readonly Id[] {
  const state = readerOf(world);
  const { rxId } = act.action.body as ActionBody<'fill.dispense'>;
  const fill = readPrescription(state, rxId)?.fills[0];
  assert.equal(readMember(state, act.member)?.status, 'active', 'I13: the member');
  const keys = act.keys.filter((key) => key !== fill?.redeemKey);
  return keys.map((key) =>
    checkSigner(world, { key, scope: command.kind === 'cancel' ? null : scopeOf(world, act) }),
  );
}

function scopeOf(world: World, { action }: Act): string {
  const { rxId } = action.body as ActionBody<'fill.dispense'>;
  const known = readPrescription(readerOf(world), rxId) ?? (action.body as Prescription);
  return known.class === 'controlled' ? 'controlled' : 'ordinary';
}

function checkSigner(
  world: World,
  { key, scope }: { readonly key: PublicKey; readonly scope: string | null },
): Id {
  const state = readerOf(world);
  const standing = present(readKey(state, key), 'I13: the key is known');
  assert.equal(standing.revokedMs, null, 'I13: the key');
  const person = present(readPractitioner(state, standing.practitionerId), 'a key has its practitioner');
  assert.ok(isPractitionerActive(person, world.timeMs), 'I13: the practitioner');
  assert.ok(scope === null || hasScope(person, scope), 'I13: the scope');
  assert.equal(readMember(state, person.member)?.status, 'active', 'I13: the employer');
  return person.id;
}

function record(records: Map<Id, Recorded>, act: Act, signers: readonly Id[]): void {
  const { kind, body } = act.action;
  if (kind === 'rx.issue') {
    records.set(body.rxId, { prescriber: body.prescriber, reviewers: [], dispensers: [] });
    assert.ok(signers.includes(body.prescriber), 'I13: the prescriber signed');
  }
  if (kind === 'rx.review') records.get(body.rxId)?.reviewers.push(...signers);
  if (kind === 'fill.dispense') records.get(body.rxId)?.dispensers.push(...signers);
}

/** I7, over all that was recorded. */
function checkApart(world: World, records: ReadonlyMap<Id, Recorded>): void {
  for (const [rxId, { prescriber, reviewers, dispensers }] of records) {
    const { reviewer } = present(readPrescription(readerOf(world), rxId), 'issued');
    assert.ok(!reviewers.includes(prescriber), 'I7: reviewer and prescriber');
    assert.ok(reviewer === null || reviewers.includes(reviewer), 'the reviewer on record signed a review');
    assert.ok(!dispensers.includes(prescriber), 'I7: dispenser and prescriber');
    assert.ok(reviewer === null || !dispensers.includes(reviewer), 'I7: dispenser and reviewer');
  }
}

describe('the practice of a region', () => {
  it('is what a naive model of the specification says, act by act, and so keeps I7 and I13', function wholePractice() {
    this.timeout(300_000);
    const acceptedKinds = new Set<string>();
    const codes = new Set<string>();
    fc.assert(
      fc.property(practiceArbitrary, (career) => {
        const model = naivePractice(noon);
        const records = new Map<Id, Recorded>();
        let world = start;
        for (const command of career) {
          const isExpected = model.apply(command);
          if (command.kind === 'wait') {
            world = later(world, command.ms);
            continue;
          }
          for (const act of practiceActs(world, command)) {
            const result = attempt(world, act);
            if (result.ok !== isExpected) assert.fail(`${JSON.stringify(command)} ${JSON.stringify(result)}`);
            if (!result.ok) {
              codes.add(result.refusal.code);
              break;
            }
            acceptedKinds.add(command.kind);
            if (practised.includes(command.kind)) record(records, act, checkSigners(world, command, act));
            world = withWrites(world, result.value);
          }
        }
        checkApart(world, records);
      }),
      { numRuns: 1_000 },
    );
    // Else the careers would prove little.
    assert.equal(acceptedKinds.size, kindCount, [...acceptedKinds].join());
    assert.deepEqual(
      telling.filter((code) => !codes.has(code)),
      [],
    );
  });
});
