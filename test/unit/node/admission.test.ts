import assert from 'node:assert/strict';
import { activeMember, admittedMembers, mayChangeAdmission } from '../../../node/admission.ts';
import type { MemberName } from '../../../protocol/brand.ts';
import type { Member } from '../../../protocol/member.ts';
import { memberNamesRecord, memberRecords } from '../../../protocol/membership.ts';
import type { RecordReader, RecordWrite } from '../../../protocol/record.ts';
import { pendingVoterSetKey, voterSetCodec, voterSetKey } from '../../../protocol/voterSet.ts';
import { testGenesis, testVoters } from '../../support/chain.ts';
import { aName } from '../../support/nodeParts.ts';

const [hospital, clinic] = testGenesis.members;
assert.ok(hospital !== undefined && clinic !== undefined);

/** The members of the test genesis, with these instead of those of the same name; the voters are those of the genesis without `left`. */
function aState(changed: readonly Member[], left: readonly MemberName[] = []): RecordReader {
  const names = new Set(testGenesis.members.map(({ name }) => name));
  const members = [...testGenesis.members, ...changed];
  const voters = testVoters.voters.filter(({ name }) => !left.includes(name));
  const writes: readonly RecordWrite[] = [
    ...members.flatMap(memberRecords),
    memberNamesRecord([...names, ...changed.map(({ name }) => name).filter((name) => !names.has(name))]),
    [voterSetKey, voterSetCodec.encode({ ...testVoters, voters })],
  ];
  const records = new Map(writes);
  return { get: (key) => records.get(key) ?? null };
}

describe('admission', () => {
  const namesAdmitted = (state: RecordReader): readonly string[] => [
    ...admittedMembers(state, hospital.name).keys(),
  ];

  it('is for every active member but ourselves, under the key that it has now', () => {
    const rotated: Member = { ...clinic, networkKey: hospital.adminKey };
    const admitted = admittedMembers(aState([rotated]), hospital.name);
    assert.equal(admitted.size, testGenesis.members.length - 1);
    assert.equal(admitted.get(clinic.name), hospital.adminKey);
    assert.equal(admitted.has(hospital.name), false);
  });

  it('is not for a member that is only proposed', () => {
    const newcomer: Member = { ...clinic, name: aName('newcomer'), status: 'proposed' };
    assert.equal(namesAdmitted(aState([newcomer])).includes('newcomer'), false);
    assert.equal(namesAdmitted(aState([{ ...newcomer, status: 'active' }])).includes('newcomer'), true);
    assert.equal(activeMember(aState([newcomer]), newcomer.name), null);
  });

  it('lasts for a suspended voter until it is a voter no longer', () => {
    const suspended: Member = { ...clinic, status: 'suspended' };
    assert.equal(namesAdmitted(aState([suspended])).includes(clinic.name), true);
    assert.equal(namesAdmitted(aState([suspended], [clinic.name])).includes(clinic.name), false);
  });

  it('is looked at again after whatever wrote a member or the voters, and after nothing else', () => {
    const after = (...keys: readonly string[]): boolean => {
      const records = new Map(keys.map((key) => [key, new Uint8Array(1)]));
      return mayChangeAdmission([{ writes: { records, pages: new Map(), seen: [] } }]);
    };
    const [[memberKey] = ['']] = memberRecords(clinic);
    assert.deepEqual(
      [
        after(memberKey),
        after('motions', voterSetKey),
        after('members', 'member-key/00', pendingVoterSetKey),
      ],
      [true, true, false],
    );
  });
});
