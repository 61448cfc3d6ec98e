/** A deterministic consortium from a seed: who takes part, with which keys, and the genesis that follows. For devnets only. */
import type { Digest, Id, MemberName, PublicKey, Timestamp } from '../protocol/brand.ts';
import { bytesToHex } from '../protocol/bytes.ts';
import { chainIdOf, type ConsensusParameters, type Genesis } from '../protocol/genesis.ts';
import type { Member, MemberRole } from '../protocol/member.ts';
import { defaultPolicy, type Policy } from '../protocol/policy.ts';
import type { Practitioner, PractitionerRole } from '../protocol/practitioner.ts';
import { devnetSeed, type DevnetKey } from '../node/keystore.ts';
import type { KeyPurpose } from '../node/keyFile.ts';
import { publicKeyFromSeed, sealingKeyPairFromSeed } from '../node/ed25519.ts';

export const voterCountMin = 4;
export const voterCountMax = 16;

export interface CastOptions {
  readonly seed: string;
  /** 4 to 16. */
  readonly voterCount: number;
  /** Doctors at each hospital beyond the named one, for load; their keys are in no keystore. */
  readonly extraDoctorCount?: number;
  readonly policy?: Partial<Policy>;
  readonly consensus?: Partial<ConsensusParameters>;
}

interface CastKey {
  /** In the keystore. */
  readonly name: string;
  readonly purpose: KeyPurpose;
  /** 32 bytes: an Ed25519 seed, or for `sealing` an X25519 secret. */
  readonly seed: Uint8Array;
  readonly publicKey: PublicKey;
}

interface CastPractitioner {
  readonly name: string;
  readonly practitioner: Practitioner;
  /** The first has the practitioner's name; a second one, for controlled prescriptions, ends in `-controlled`. */
  readonly keys: readonly CastKey[];
  /** Whether the member's node signs for this practitioner. */
  readonly isInKeystore: boolean;
}

export interface CastMember {
  readonly name: MemberName;
  readonly isVoter: boolean;
  readonly member: Member;
  /** `network`, `consensus`, `sealing` and `admin`. */
  readonly keys: readonly CastKey[];
  readonly practitioners: readonly CastPractitioner[];
}

export interface Consortium {
  readonly seed: string;
  readonly genesis: Genesis;
  readonly chainId: Digest;
  readonly members: readonly CastMember[];
}

interface Role {
  readonly name: string;
  readonly kind: 'hospital' | 'clinic' | 'pharmacy' | 'insurer' | 'courier';
}

interface Person {
  readonly name: string;
  readonly roles: readonly PractitionerRole[];
  readonly scopes: readonly string[];
  readonly isInKeystore: boolean;
}

// Fixed, so that one seed gives one chain id; block time only has to rise from here.
const createdAt = Date.UTC(2026, 0, 1) as Timestamp;
const validUntil = Date.UTC(2099, 0, 1) as Timestamp;
const consensusDefaults: ConsensusParameters = { deltaMs: 500, blockIntervalMsMin: 100, heartbeatMs: 30_000 };

const memberRoleOf: Readonly<Record<Role['kind'], MemberRole>> = {
  hospital: 'hospital',
  clinic: 'hospital',
  pharmacy: 'pharmacy',
  insurer: 'insurer',
  courier: 'courier',
};

/** The second pharmacy and the courier observe, so voters beyond four are hospital-2, pharmacy-3, clinic-2, insurer-2, ... */
function voterRoles(voterCount: number): readonly Role[] {
  const roles: Role[] = [
    { name: 'hospital', kind: 'hospital' },
    { name: 'clinic', kind: 'clinic' },
    { name: 'pharmacy', kind: 'pharmacy' },
    { name: 'insurer', kind: 'insurer' },
  ];
  for (let round = 2; roles.length < voterCount; round += 1) {
    roles.push(
      { name: `hospital-${round}`, kind: 'hospital' },
      { name: `pharmacy-${round + 1}`, kind: 'pharmacy' },
      { name: `clinic-${round}`, kind: 'clinic' },
      { name: `insurer-${round}`, kind: 'insurer' },
    );
  }
  return roles.slice(0, voterCount);
}

const observerRoles: readonly Role[] = [
  { name: 'pharmacy-2', kind: 'pharmacy' },
  { name: 'courier', kind: 'courier' },
];

/** The persons whom the story names; a member that it does not name gets persons named after it. */
const familyNames: ReadonlyMap<string, readonly [first: string, second: string, third: string]> = new Map([
  ['hospital', ['zhang', 'chen', 'lin']],
  ['clinic', ['li', 'wu', 'he']],
  ['pharmacy', ['wang', 'zhou', 'feng']],
  ['pharmacy-2', ['liu', 'xu', 'tang']],
  ['insurer', ['zhao', 'sun', 'qian']],
  ['courier', ['ma', 'guo', 'deng']],
]);

function personsOf(role: Role, extraDoctorCount: number): readonly Person[] {
  const names = familyNames.get(role.name) ?? [role.name, role.name, `${role.name}-second`];
  const [first, second, third] = names;
  const person = (name: string, practitionerRole: PractitionerRole): Person => ({
    name,
    roles: [practitionerRole],
    scopes: ['ordinary'],
    isInKeystore: true,
  });
  switch (role.kind) {
    case 'hospital':
    case 'clinic':
      return [
        { ...person(`dr-${first}`, 'doctor'), scopes: ['ordinary', 'controlled'] },
        { ...person(`reviewer-${second}`, 'pharmacist'), scopes: ['ordinary', 'controlled'] },
        ...Array.from({ length: extraDoctorCount }, (_, index) => ({
          ...person(`doctor-${role.name}-${index + 1}`, 'doctor'),
          isInKeystore: false,
        })),
      ];
    case 'pharmacy':
      return [
        { ...person(`pharmacist-${first}`, 'pharmacist'), scopes: ['ordinary', 'controlled'] },
        person(`accountant-${second}`, 'accountant'),
        // Controlled medicines are dispensed by two.
        { ...person(`pharmacist-${third}`, 'pharmacist'), scopes: ['ordinary', 'controlled'] },
      ];
    case 'insurer':
      return [person(`adjudicator-${first}`, 'adjudicator'), person(`accountant-${second}`, 'accountant')];
    case 'courier':
      return [person(`rider-${first}`, 'courier'), person(`rider-${second}`, 'courier')];
    default:
      return role.kind satisfies never;
  }
}

function castKey(seed: string, memberName: string, key: DevnetKey): CastKey {
  const bytes = devnetSeed(seed, memberName, key);
  const isSealing = key.purpose === 'sealing';
  const publicKey = isSealing ? sealingKeyPairFromSeed(bytes).publicKey : publicKeyFromSeed(bytes);
  return { ...key, seed: bytes, publicKey };
}

/** Not a key, but made the same way: 16 bytes that nobody chose. */
function practitionerId(seed: string, memberName: string, name: string): Id {
  const bytes = devnetSeed(seed, memberName, { purpose: 'practitioner', name: `${name}-id` });
  return bytesToHex(bytes.subarray(0, 16)) as Id;
}

function castPractitioner(seed: string, member: MemberName, person: Person): CastPractitioner {
  const isControlledDoctor = person.roles.includes('doctor') && person.scopes.includes('controlled');
  const keyNames = isControlledDoctor ? [person.name, `${person.name}-controlled`] : [person.name];
  const keys = keyNames.map((name) => castKey(seed, member, { purpose: 'practitioner', name }));
  const practitioner: Practitioner = {
    id: practitionerId(seed, member, person.name),
    member,
    roles: person.roles,
    scopes: person.scopes,
    validUntil,
    suspensions: [],
    keys: keys.map(({ publicKey }) => publicKey),
  };
  return { name: person.name, practitioner, keys, isInKeystore: person.isInKeystore };
}

function castMember(options: CastOptions, role: Role, isVoter: boolean): CastMember {
  const name = role.name as MemberName;
  const key = (purpose: KeyPurpose): CastKey => castKey(options.seed, name, { purpose, name: purpose });
  const keys = {
    network: key('network'),
    consensus: key('consensus'),
    sealing: key('sealing'),
    admin: key('admin'),
  };
  const member: Member = {
    name,
    roles: [memberRoleOf[role.kind]],
    status: 'active',
    networkKey: keys.network.publicKey,
    consensusKey: keys.consensus.publicKey,
    sealingKey: keys.sealing.publicKey,
    adminKey: keys.admin.publicKey,
  };
  const persons = personsOf(role, options.extraDoctorCount ?? 0);
  return {
    name,
    isVoter,
    member,
    keys: Object.values(keys),
    practitioners: persons.map((person) => castPractitioner(options.seed, name, person)),
  };
}

/** The same options give the same keys and the same chain id, on every machine. */
export function createConsortium(options: CastOptions): Consortium {
  const { seed, voterCount } = options;
  if (voterCount < voterCountMin || voterCount > voterCountMax) {
    throw new RangeError(`a devnet has ${voterCountMin} to ${voterCountMax} voters`);
  }
  const members = [
    ...voterRoles(voterCount).map((role) => castMember(options, role, true)),
    ...observerRoles.map((role) => castMember(options, role, false)),
  ];
  const genesis: Genesis = {
    version: 1,
    name: 'devnet',
    createdAt,
    isDevnet: true,
    members: members.map(({ member }) => member),
    voters: members.filter(({ isVoter }) => isVoter).map(({ name }) => name),
    practitioners: members.flatMap(({ practitioners }) =>
      practitioners.map(({ practitioner }) => practitioner),
    ),
    policy: { ...defaultPolicy, ...options.policy },
    consensus: { ...consensusDefaults, ...options.consensus },
  };
  return { seed, genesis, chainId: chainIdOf(genesis), members };
}
