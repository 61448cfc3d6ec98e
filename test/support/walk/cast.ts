/** Who takes part in the walk: members and their people, whose keys follow from their names. */
import type { Consortium } from '../../../devnet/cast.ts';
import type { MemberName, Timestamp } from '../../../protocol/brand.ts';
import { chainIdOf, type Genesis } from '../../../protocol/genesis.ts';
import type { Member, MemberKeys, MemberRole } from '../../../protocol/member.ts';
import type { Practitioner, PractitionerRole } from '../../../protocol/practitioner.ts';
import { aGenesis } from '../chain.ts';
import { idOf } from '../domain.ts';
import { aSealingKeyPair, aSeed, aSigner } from '../keys.ts';

/** The rival is a house of many trades: its own riders bring its parcels, and its own insurance pays for them. */
const roles: readonly (readonly [member: string, roles: readonly MemberRole[]])[] = [
  ['hospital', ['hospital']],
  ['pharmacy', ['pharmacy']],
  ['rival', ['pharmacy', 'courier', 'insurer']],
  ['insurer', ['insurer']],
  ['courier', ['courier']],
  ['regulator', ['regulator']],
];

const staff: readonly (readonly [member: string, name: string, role: PractitionerRole])[] = [
  ['hospital', 'dr-zhang', 'doctor'],
  ['hospital', 'dr-li', 'doctor'],
  ['pharmacy', 'ph-wang', 'pharmacist'],
  ['rival', 'ph-chen', 'pharmacist'],
  ['rival', 'rider-lu', 'courier'],
  ['rival', 'adj-he', 'adjudicator'],
  ['insurer', 'adj-wu', 'adjudicator'],
  ['insurer', 'acc-sun', 'accountant'],
  ['pharmacy', 'acc-zhou', 'accountant'],
  ['courier', 'rider-ma', 'courier'],
  ['courier', 'rider-guo', 'courier'],
  ['hospital', 'rev-he', 'pharmacist'],
  ['hospital', 'as-yu', 'assistant'],
  ['pharmacy', 'ph-feng', 'pharmacist'],
];

const validUntil = Date.UTC(2099, 0, 1) as Timestamp;

/** The names of a member's keys that are no practitioner's in the genesis; nobody has registered the card yet. */
const ownKeyNames: readonly string[] = ['admin', 'card'];

/** What the key is made of: `admin` and `card` are of their member, every other name is a person's. */
export function keyTextOf(member: string, name: string): string {
  return ownKeyNames.includes(name) ? `${member} ${name}` : name;
}

export function peopleOf(member: string): readonly string[] {
  return staff.filter(([employer]) => employer === member).map(([, person]) => person);
}

export function memberKeysOf(member: string): MemberKeys {
  return {
    networkKey: aSigner(`${member} network`).publicKey,
    consensusKey: aSigner(`${member} consensus`).publicKey,
    sealingKey: aSealingKeyPair(member).publicKey,
    adminKey: aSigner(`${member} admin`).publicKey,
  };
}

function practitioner([member, name, role]: (typeof staff)[number]): Practitioner {
  return {
    id: idOf(name),
    member: member as MemberName,
    roles: [role],
    scopes: ['ordinary', 'controlled'],
    validUntil,
    suspensions: [],
    keys: [aSigner(name).publicKey],
  };
}

/** The first so many members vote; the others observe. */
export function castGenesis(voterCount: number): Genesis {
  const members = roles.map(([name, own]): Member => ({
    name: name as MemberName,
    roles: own,
    status: 'active',
    ...memberKeysOf(name),
  }));
  const voters = members.slice(0, voterCount).map(({ name }) => name);
  return aGenesis({ members, voters, practitioners: staff.map(practitioner) });
}

/**
 * The same for real nodes, of which four vote. With `arePeopleInKeystores` each node holds the keys of its people and its card;
 * otherwise it holds the member's own keys alone, and everybody signs for themselves.
 */
export function castConsortium({
  arePeopleInKeystores,
}: {
  readonly arePeopleInKeystores: boolean;
}): Consortium {
  const genesis = castGenesis(4);
  const members = genesis.members.map((member): Consortium['members'][number] => {
    const { name } = member;
    const sealing = { secret: aSeed(`sealing ${name}`), publicKey: member.sealingKey };
    const keys = [
      { name: 'network', purpose: 'network', ...keyPair(`${name} network`) },
      { name: 'consensus', purpose: 'consensus', ...keyPair(`${name} consensus`) },
      { name: 'sealing', purpose: 'sealing', seed: sealing.secret, publicKey: sealing.publicKey },
      { name: 'admin', purpose: 'admin', ...keyPair(`${name} admin`) },
    ] as const;
    const card = { name: 'card', purpose: 'practitioner', ...keyPair(`${name} card`) } as const;
    return {
      name,
      member,
      isVoter: genesis.voters.includes(name),
      keys: arePeopleInKeystores ? [...keys, card] : keys,
      practitioners: staff
        .filter(([employer]) => employer === name)
        .map((person) => ({
          name: person[1],
          practitioner: practitioner(person),
          keys: [{ name: person[1], purpose: 'practitioner', ...keyPair(person[1]) }],
          isInKeystore: arePeopleInKeystores,
        })),
    };
  });
  return { seed: 'walk', genesis, chainId: chainIdOf(genesis), members };
}

function keyPair(text: string): {
  readonly seed: Uint8Array;
  readonly publicKey: Practitioner['keys'][number];
} {
  return { seed: aSeed(text), publicKey: aSigner(text).publicKey };
}
