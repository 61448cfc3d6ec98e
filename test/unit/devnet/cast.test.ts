import assert from 'node:assert/strict';
import { createConsortium } from '../../../devnet/cast.ts';
import { chainIdOf, genesisFromJson, genesisToJson } from '../../../protocol/genesis.ts';

describe('the cast of a devnet', () => {
  it('is four voters, a second pharmacy and a courier', () => {
    const { members } = createConsortium({ seed: '1', voterCount: 4 });
    assert.deepEqual(
      members.map(({ name, isVoter, member }) => [name, isVoter, ...member.roles]),
      [
        ['hospital', true, 'hospital'],
        ['clinic', true, 'hospital'],
        ['pharmacy', true, 'pharmacy'],
        ['insurer', true, 'insurer'],
        ['pharmacy-2', false, 'pharmacy'],
        ['courier', false, 'courier'],
      ],
    );
  });

  it('employs the persons of the story', () => {
    const { members } = createConsortium({ seed: '1', voterCount: 4 });
    const persons = members.flatMap(({ practitioners }) =>
      practitioners.map(({ name, practitioner }) => [name, practitioner.member, ...practitioner.roles]),
    );
    assert.deepEqual(persons, [
      ['dr-zhang', 'hospital', 'doctor'],
      ['reviewer-chen', 'hospital', 'pharmacist'],
      ['dr-li', 'clinic', 'doctor'],
      ['reviewer-wu', 'clinic', 'pharmacist'],
      ['pharmacist-wang', 'pharmacy', 'pharmacist'],
      ['accountant-zhou', 'pharmacy', 'accountant'],
      ['pharmacist-feng', 'pharmacy', 'pharmacist'],
      ['adjudicator-zhao', 'insurer', 'adjudicator'],
      ['accountant-sun', 'insurer', 'accountant'],
      ['pharmacist-liu', 'pharmacy-2', 'pharmacist'],
      ['accountant-xu', 'pharmacy-2', 'accountant'],
      ['pharmacist-tang', 'pharmacy-2', 'pharmacist'],
      ['rider-ma', 'courier', 'courier'],
      ['rider-guo', 'courier', 'courier'],
    ]);
  });

  it('follows from its seed', () => {
    const one = createConsortium({ seed: '1', voterCount: 4 });
    assert.deepEqual(createConsortium({ seed: '1', voterCount: 4 }), one);
    assert.notEqual(createConsortium({ seed: '2', voterCount: 4 }).chainId, one.chainId);
  });

  it('founds a chain that nodes accept, marked as a devnet', () => {
    const { genesis, chainId } = createConsortium({ seed: '1', voterCount: 16, extraDoctorCount: 3 });
    const read = genesisFromJson(JSON.parse(JSON.stringify(genesisToJson(genesis))));
    assert.deepEqual(read, { ok: true, value: genesis });
    assert.deepEqual([chainIdOf(genesis), genesis.isDevnet, genesis.voters.length], [chainId, true, 16]);
  });

  it('gives no two keys twice', () => {
    const { members } = createConsortium({ seed: '1', voterCount: 16 });
    const keys = members.flatMap((member) => [
      ...member.keys.map(({ publicKey }) => publicKey),
      ...member.practitioners.flatMap((practitioner) => practitioner.keys.map(({ publicKey }) => publicKey)),
    ]);
    assert.equal(new Set(keys).size, keys.length);
  });

  it('takes as many doctors as a benchmark wants, outside the keystores', () => {
    const { members } = createConsortium({ seed: '1', voterCount: 4, extraDoctorCount: 100 });
    const [hospital] = members;
    const extra = hospital?.practitioners.filter(({ isInKeystore }) => !isInKeystore) ?? [];
    assert.deepEqual(
      [extra.length, extra[0]?.name, extra[99]?.name],
      [100, 'doctor-hospital-1', 'doctor-hospital-100'],
    );
  });

  it('lets the caller choose policy and timing', () => {
    const { genesis } = createConsortium({
      seed: '1',
      voterCount: 4,
      policy: { ratePerHour: { ordinary: 1_000, controlled: 10 } },
      consensus: { heartbeatMs: 0 },
    });
    assert.deepEqual(genesis.policy.ratePerHour, { ordinary: 1_000, controlled: 10 });
    assert.deepEqual(genesis.consensus, { deltaMs: 500, blockIntervalMsMin: 100, heartbeatMs: 0 });
  });

  it('has 4 to 16 voters', () => {
    assert.throws(() => createConsortium({ seed: '1', voterCount: 3 }), RangeError);
    assert.throws(() => createConsortium({ seed: '1', voterCount: 17 }), RangeError);
  });
});
