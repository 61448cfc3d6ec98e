/** A region from a seed: hospitals, pharmacies, insurers and couriers of very unequal size, their people, and the genesis that follows. */
import { publicKeyFromSeed, sealingKeyPairFromSeed, signerFromSeed } from '../../node/ed25519.ts';
import { devnetSeed } from '../../node/keystore.ts';
import type { Digest, Id, MemberName, Timestamp } from '../../protocol/brand.ts';
import { bytesToHex } from '../../protocol/bytes.ts';
import { chainIdOf, type Genesis } from '../../protocol/genesis.ts';
import type { Member, MemberRole } from '../../protocol/member.ts';
import { defaultPolicy, type Policy } from '../../protocol/policy.ts';
import type { Practitioner, PractitionerRole } from '../../protocol/practitioner.ts';
import type { Signer } from '../../protocol/signature.ts';

export interface RegionOptions {
  readonly seed: string;
  readonly hospitalCount: number;
  readonly pharmacyCount: number;
  readonly insurerCount: number;
  readonly courierCount: number;
  /** At the largest hospital; the others have fewer, the n-th about an n-th. */
  readonly doctorCount: number;
  readonly createdAt: Timestamp;
  readonly policy?: Partial<Policy>;
}

/** Somebody who signs. */
export interface Person {
  readonly id: Id;
  readonly member: MemberName;
  /** The second key of a doctor is for controlled prescriptions. */
  readonly signers: readonly [Signer, ...Signer[]];
}

interface House {
  readonly name: MemberName;
  /** How many patients come here, against the others of its kind. */
  readonly weight: number;
}

export interface Hospital extends House {
  readonly doctors: readonly Person[];
  readonly reviewers: readonly Person[];
}

export interface Pharmacy extends House {
  /** At least two: controlled medicines are dispensed by two. */
  readonly pharmacists: readonly Person[];
  readonly accountant: Person;
}

export interface Insurer extends House {
  readonly adjudicator: Person;
  readonly accountant: Person;
}

export interface Courier extends House {
  readonly riders: readonly Person[];
}

export interface Region {
  readonly genesis: Genesis;
  readonly chainId: Digest;
  readonly hospitals: readonly Hospital[];
  readonly pharmacies: readonly Pharmacy[];
  readonly insurers: readonly Insurer[];
  readonly couriers: readonly Courier[];
}

interface Founding {
  readonly seed: string;
  readonly members: Member[];
  readonly practitioners: Practitioner[];
}

interface Post {
  readonly name: string;
  readonly role: PractitionerRole;
  readonly scopes: readonly string[];
  readonly keyCount: number;
}

const practitionersUntil = Date.UTC(2099, 0, 1) as Timestamp;
const everyScope = ['ordinary', 'controlled'];
const idSize = 16;
const votersMin = 4;

export function createRegion(options: RegionOptions): Region {
  const founding: Founding = { seed: options.seed, members: [], practitioners: [] };
  const hospitals = houses(options.hospitalCount, 'hospital', (name, weight) =>
    foundHospital(founding, { name, weight }, Math.max(1, Math.round(weight * options.doctorCount))),
  );
  const pharmacies = houses(options.pharmacyCount, 'pharmacy', (name, weight) =>
    foundPharmacy(founding, { name, weight }),
  );
  const insurers = houses(options.insurerCount, 'insurer', (name, weight) =>
    foundInsurer(founding, { name, weight }),
  );
  const couriers = houses(options.courierCount, 'courier', (name, weight) =>
    foundCourier(founding, { name, weight }),
  );
  const genesis: Genesis = {
    version: 1,
    name: 'generated-region',
    createdAt: options.createdAt,
    isDevnet: true,
    members: founding.members,
    voters: founding.members.slice(0, votersMin).map(({ name }) => name),
    practitioners: founding.practitioners,
    policy: { ...defaultPolicy, ...options.policy },
    consensus: { deltaMs: 500, blockIntervalMsMin: 100, heartbeatMs: 30_000 },
  };
  return { genesis, chainId: chainIdOf(genesis), hospitals, pharmacies, insurers, couriers };
}

/** The first has weight 1, the n-th 1/n: sizes of institutions are spread like that. */
export function weightOf(index: number): number {
  return 1 / (index + 1);
}

function houses<T>(
  count: number,
  kind: string,
  found: (name: MemberName, weight: number) => T,
): readonly T[] {
  return Array.from({ length: count }, (_, index) =>
    found(`${kind}-${index + 1}` as MemberName, weightOf(index)),
  );
}

function foundHospital(founding: Founding, house: House, doctorCount: number): Hospital {
  addMember(founding, house.name, 'hospital');
  const doctors = Array.from({ length: doctorCount }, (_, index) =>
    employ(founding, house.name, {
      name: `doctor-${index + 1}`,
      role: 'doctor',
      scopes: everyScope,
      keyCount: 2,
    }),
  );
  const reviewer = { name: 'reviewer', role: 'pharmacist', scopes: everyScope, keyCount: 1 } as const;
  return { ...house, doctors, reviewers: [employ(founding, house.name, reviewer)] };
}

function foundPharmacy(founding: Founding, house: House): Pharmacy {
  addMember(founding, house.name, 'pharmacy');
  const pharmacists = [1, 2].map((number) =>
    employ(founding, house.name, {
      name: `pharmacist-${number}`,
      role: 'pharmacist',
      scopes: everyScope,
      keyCount: 1,
    }),
  );
  return { ...house, pharmacists, accountant: employAccountant(founding, house.name) };
}

function foundInsurer(founding: Founding, house: House): Insurer {
  addMember(founding, house.name, 'insurer');
  const post = { name: 'adjudicator', role: 'adjudicator', scopes: ['ordinary'], keyCount: 1 } as const;
  const adjudicator = employ(founding, house.name, post);
  return { ...house, adjudicator, accountant: employAccountant(founding, house.name) };
}

function foundCourier(founding: Founding, house: House): Courier {
  addMember(founding, house.name, 'courier');
  const riders = [1, 2].map((number) =>
    employ(founding, house.name, {
      name: `rider-${number}`,
      role: 'courier',
      scopes: ['ordinary'],
      keyCount: 1,
    }),
  );
  return { ...house, riders };
}

function employAccountant(founding: Founding, member: MemberName): Person {
  return employ(founding, member, {
    name: 'accountant',
    role: 'accountant',
    scopes: ['ordinary'],
    keyCount: 1,
  });
}

function addMember({ seed, members }: Founding, name: MemberName, role: MemberRole): void {
  const publicKeyFor = (purpose: 'network' | 'consensus' | 'admin'): Member['adminKey'] =>
    publicKeyFromSeed(devnetSeed(seed, name, { purpose, name: purpose }));
  members.push({
    name,
    roles: [role],
    status: 'active',
    networkKey: publicKeyFor('network'),
    consensusKey: publicKeyFor('consensus'),
    sealingKey: sealingKeyPairFromSeed(devnetSeed(seed, name, { purpose: 'sealing', name: 'sealing' }))
      .publicKey,
    adminKey: publicKeyFor('admin'),
  });
}

function employ(founding: Founding, member: MemberName, post: Post): Person {
  const seedOf = (name: string): Uint8Array =>
    devnetSeed(founding.seed, member, { purpose: 'practitioner', name });
  const id = bytesToHex(seedOf(`${post.name}-id`).subarray(0, idSize)) as Id;
  const first = signerFromSeed(seedOf(post.name));
  const others = Array.from({ length: post.keyCount - 1 }, (_, index) =>
    signerFromSeed(seedOf(`${post.name}-${index + 2}`)),
  );
  const signers = [first, ...others] as const;
  founding.practitioners.push({
    id,
    member,
    roles: [post.role],
    scopes: post.scopes,
    validUntil: practitionersUntil,
    suspensions: [],
    keys: signers.map(({ publicKey }) => publicKey),
  });
  return { id, member, signers };
}
