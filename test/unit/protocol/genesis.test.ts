import assert from 'node:assert/strict';
import type { Epoch, MemberName, VoterIndex } from '../../../protocol/brand.ts';
import {
  chainIdOf,
  genesisFromJson,
  genesisToJson,
  genesisVoterSet,
  type Genesis,
} from '../../../protocol/genesis.ts';
import { jsonToWire, wireToJson } from '../../../protocol/json.ts';
import { voterAt, voterIndexOf, voterSetHash } from '../../../protocol/member.ts';
import { accepted, refused } from '../../../protocol/result.ts';
import { anId, aGenesis, aSignerKey, later, testGenesis, testVoters } from '../../support/chain.ts';

function parse(genesis: Genesis): unknown {
  return genesisFromJson(JSON.parse(JSON.stringify(genesisToJson(genesis))));
}

describe('the genesis file', () => {
  it('survives being written as JSON and read again, and keeps its chain id', () => {
    assert.deepEqual(parse(testGenesis), accepted(testGenesis));
    const spaced = genesisFromJson(JSON.parse(JSON.stringify(genesisToJson(testGenesis), null, 4)));
    assert.equal(spaced.ok && chainIdOf(spaced.value), chainIdOf(testGenesis));
  });

  it('gives every other genesis another chain id', () => {
    const [first, ...rest] = testGenesis.members;
    assert.ok(first !== undefined);
    const others = [
      testGenesis,
      aGenesis({ name: 'other' }),
      aGenesis({ createdAt: later(1) }),
      aGenesis({ isDevnet: false }),
      aGenesis({ voters: testGenesis.voters.toReversed() }),
      aGenesis({ members: [...rest, first] }),
      aGenesis({ consensus: { ...testGenesis.consensus, deltaMs: 501 } }),
      aGenesis({ policy: { ...testGenesis.policy, graceMs: 0 } }),
    ];
    assert.equal(new Set(others.map(chainIdOf)).size, others.length);
  });

  it('is refused with a name or a key twice, or with somebody who is no member', () => {
    const [first, second, ...rest] = testGenesis.members;
    assert.ok(first !== undefined && second !== undefined);
    const nobody = 'nobody' as MemberName;
    const practitioner = {
      id: anId(1),
      member: nobody,
      roles: ['doctor' as const],
      scopes: [],
      validUntil: later(1),
      suspensions: [],
      keys: [aSignerKey('doctor')],
    };
    const employed = { ...practitioner, member: first.name };
    const cases = [
      [aGenesis({ practitioners: [employed, employed] }), 'practitioners: an id twice'],
      [aGenesis({ practitioners: [employed, { ...employed, id: anId(2) }] }), 'practitioners: a key twice'],
      [aGenesis({ members: [first, { ...second, name: first.name }, ...rest] }), 'members: a name twice'],
      [
        aGenesis({ members: [first, { ...second, consensusKey: first.consensusKey }, ...rest] }),
        'members: a key twice',
      ],
      [
        aGenesis({ members: [{ ...first, consensusKey: first.networkKey }, second, ...rest] }),
        'members: a key twice',
      ],
      [aGenesis({ voters: [first.name, first.name] }), 'voters: a name twice'],
      [aGenesis({ voters: [first.name, nobody] }), 'voters: not a member'],
      [aGenesis({ practitioners: [practitioner] }), 'practitioners: not a member'],
    ] as const;
    for (const [genesis, detail] of cases) assert.deepEqual(parse(genesis), refused('malformed', detail));
  });

  it('is refused with a field too many, too few or out of range, and the refusal names it', () => {
    const json = genesisToJson(testGenesis) as Record<string, unknown>;
    assert.deepEqual(genesisFromJson({ ...json, version: 2 }), refused('malformed', 'version'));
    assert.deepEqual(genesisFromJson({ ...json, voters: [] }), refused('malformed', 'voters'));
    assert.deepEqual(
      genesisFromJson({ ...json, consensus: { ...testGenesis.consensus, deltaMs: 9 } }),
      refused('malformed', 'consensus.deltaMs'),
    );
    for (const broken of [{ ...json, extra: 1 }, null, [], 'genesis', {}]) {
      assert.equal(genesisFromJson(broken).ok, false);
    }
  });
});

describe('the voters', () => {
  it('stand in the order of the genesis file', () => {
    assert.deepEqual(
      genesisVoterSet(testGenesis).voters.map(({ name }) => name),
      testGenesis.voters,
    );
    assert.equal(genesisVoterSet(testGenesis).epoch, 1);
    assert.equal(voterIndexOf(testVoters, 'pharmacy' as MemberName), 2);
    assert.equal(voterIndexOf(testVoters, 'nobody' as MemberName), null);
    assert.equal(voterAt(testVoters, 3 as VoterIndex)?.name, 'insurer');
    assert.equal(voterAt(testVoters, 4 as VoterIndex), null);
  });

  it('have another hash in another epoch, order, number, name or key', () => {
    const { voters } = testVoters;
    const [first, second, ...rest] = voters;
    assert.ok(first !== undefined && second !== undefined);
    const sets = [
      testVoters,
      { ...testVoters, epoch: 2 as Epoch },
      { ...testVoters, voters: voters.toReversed() },
      { ...testVoters, voters: voters.slice(1) },
      { ...testVoters, voters: [{ ...first, name: 'x' as MemberName }, second, ...rest] },
      { ...testVoters, voters: [{ ...first, consensusKey: second.consensusKey }, second, ...rest] },
    ];
    assert.equal(new Set(sets.map(voterSetHash)).size, sets.length);
  });
});

describe('wire values as JSON', () => {
  it('write bytes as hex and leave the rest as it is', () => {
    const wire = {
      bytes: Uint8Array.of(0, 255),
      list: [1, null, true, 'text', '0x', '0xz'],
      inner: { a: new Uint8Array(0) },
    };
    const json = { bytes: '0x00ff', list: [1, null, true, 'text', '0x', '0xz'], inner: { a: '0x' } };
    assert.deepEqual(wireToJson(wire), json);
    assert.deepEqual(jsonToWire({ bytes: '0x00ff', odd: '0x0', upper: '0xAA' }), {
      bytes: Uint8Array.of(0, 255),
      odd: '0x0',
      upper: '0xAA',
    });
  });
});
