/** Habits at the hospital: what is prescribed, to whom, what goes wrong there. */
import { signerFromSeed } from '../../node/ed25519.ts';
import type { ActionBody } from '../../protocol/action.ts';
import type { Digest, Id, Timestamp, Units } from '../../protocol/brand.ts';
import { bytesToHex } from '../../protocol/bytes.ts';
import type { PrescriptionClass } from '../../protocol/policy.ts';
import { receiptCodeHash } from '../../protocol/receiptCode.ts';
import type { Signer } from '../../protocol/signature.ts';
import type { Act } from './act.ts';
import type { Random } from './random.ts';
import type { Courier, Hospital, Insurer, Person, Pharmacy, Region } from './region.ts';

export const minuteMs = 60_000;
export const hourMs = 3_600_000;
export const dayMs = 86_400_000;

/** The beginning of a case. */
export interface Birth {
  readonly issuedAt: number;
  /**
   * For a ledger that runs now: the time that goes into everything that is signed. People choose as if days passed, but what only time
   * brings does not happen: no prescription expires, no parcel is late, and the next fill has no day to wait for. Null where days pass.
   */
  readonly moment: Timestamp | null;
}

/** One patient with one prescription. */
export interface Case extends Birth {
  readonly random: Random;
  readonly rxId: Id;
  readonly class: PrescriptionClass;
  readonly hospital: Hospital;
  readonly doctor: Person;
  readonly owner: Signer;
  readonly redeem: readonly Signer[];
  readonly receiptCodes: readonly string[];
  readonly items: ActionBody<'rx.issue'>['items'];
  /** Days between two fills. */
  readonly intervalDays: number;
  readonly validUntil: number;
  /** Where this patient always goes. */
  readonly pharmacy: Pharmacy;
  readonly otherPharmacy: Pharmacy;
  /** Null pays everything in cash. */
  readonly insurer: Insurer | null;
  readonly courier: Courier;
}

const classes: readonly (readonly [PrescriptionClass, number])[] = [
  ['ordinary', 0.7],
  ['chronic', 0.2],
  ['antibiotic', 0.08],
  ['controlled', 0.02],
];
const validityDays: Readonly<Record<PrescriptionClass, number>> = {
  ordinary: 3,
  chronic: 60,
  antibiotic: 3,
  controlled: 1,
};
const packSizes = [7, 10, 14, 20, 28, 30, 60, 90];
const repeatDays = 14;
const insuredShare = 0.85;
const seedSize = 32;

export function aCase(region: Region, random: Random, { issuedAt, moment }: Birth): Case {
  const kind = weighted(random, classes);
  const hospital = pickHouse(random, region.hospitals);
  const pharmacy = pickHouse(random, region.pharmacies);
  const others = region.pharmacies.filter((one) => one !== pharmacy);
  const repeats = kind === 'chronic' ? 1 + random.below(2) : 0;
  const fillCount = repeats + 1;
  const intervalDays = repeats > 0 && moment === null ? repeatDays : 0;
  const items = Array.from({ length: 1 + random.below(3) }, (_, itemId) => ({
    itemId,
    units: random.pick(packSizes) as Units,
    repeats,
    intervalDays,
    substitutionAllowed: random.chance(0.6),
    validUntil: null,
  }));
  return {
    random,
    rxId: newId(random),
    class: kind,
    hospital,
    doctor: random.pick(doctorsFor(kind, hospital)),
    owner: signerFromSeed(random.bytes(seedSize)),
    redeem: Array.from({ length: fillCount }, () => signerFromSeed(random.bytes(seedSize))),
    receiptCodes: Array.from({ length: fillCount }, () => bytesToHex(random.bytes(10))),
    items,
    intervalDays,
    issuedAt,
    moment,
    validUntil: issuedAt + validityDays[kind] * dayMs,
    pharmacy,
    otherPharmacy: others.length === 0 ? pharmacy : pickHouse(random, others),
    insurer: random.chance(insuredShare) ? pickHouse(random, region.insurers) : null,
    courier: pickHouse(random, region.couriers),
  };
}

/** The time that an act of this case signs when it happens at `at`. */
export function signedAt({ moment }: Case, at: number): number {
  return moment ?? at;
}

/** The end of the prescription as it is signed. */
export function signedEnd(one: Case): Timestamp {
  return (signedAt(one, one.issuedAt) + one.validUntil - one.issuedAt) as Timestamp;
}

export function issueAct(one: Case, change: Partial<ActionBody<'rx.issue'>> = {}): Act {
  const { doctor, intervalDays } = one;
  const authoredOn = signedAt(one, one.issuedAt) as Timestamp;
  const end = signedEnd(one);
  const fills = one.redeem.map((signer, k) => ({
    k,
    start: (authoredOn + k * intervalDays * dayMs) as Timestamp,
    end,
    redeemKey: signer.publicKey,
    receiptHash: receiptCodeHash(one.rxId, k, one.receiptCodes[k] ?? ''),
  }));
  const body: ActionBody<'rx.issue'> = {
    rxId: one.rxId,
    prescriber: doctor.id,
    class: one.class,
    authoredOn,
    validUntil: end,
    items: one.items,
    fills,
    ownerKey: one.owner.publicKey,
    reviewRequired: false,
    replaces: null,
    ...change,
  };
  const signers = one.class === 'controlled' ? doctor.signers : doctor.signers.slice(0, 1);
  return { member: doctor.member, action: { kind: 'rx.issue', body }, signers, expected: 'committed' };
}

export function reviewAct(one: Case, outcome: ActionBody<'rx.review'>['outcome']): Act {
  const [reviewer] = one.hospital.reviewers;
  if (reviewer === undefined) throw new Error('every hospital has a reviewer');
  return {
    member: one.hospital.name,
    action: { kind: 'rx.review', body: { rxId: one.rxId, outcome, reason: 'review' } },
    signers: [reviewer.signers[0]],
    expected: 'committed',
  };
}

export function cancelAct(one: Case): Act {
  return {
    member: one.hospital.name,
    action: { kind: 'rx.cancel', body: { rxId: one.rxId, k: null, reason: 'error' } },
    signers: [one.doctor.signers[0]],
    expected: 'committed',
  };
}

/** Controlled medicines take a second key. */
function doctorsFor(kind: PrescriptionClass, { doctors }: Hospital): readonly Person[] {
  return kind === 'controlled' ? doctors.filter(({ signers }) => signers.length > 1) : doctors;
}

export function newId(random: Random): Id {
  return bytesToHex(random.bytes(16)) as Id;
}

export function newDigest(random: Random): Digest {
  return bytesToHex(random.bytes(32)) as Digest;
}

/** During the hours in which people are about: 8 to 20 o'clock UTC. What falls into the night happens in the morning. */
export function openHour(random: Random, at: number): number {
  const inDay = at % dayMs;
  if (inDay >= 8 * hourMs && inDay < 20 * hourMs) return at;
  const morning = at - inDay + (inDay < 8 * hourMs ? 0 : dayMs) + 8 * hourMs;
  return morning + random.below(2 * hourMs);
}

function weighted<T>(random: Random, choices: readonly (readonly [T, number])[]): T {
  let left = random.fraction() * choices.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [choice, weight] of choices) {
    left -= weight;
    if (left < 0) return choice;
  }
  const last = choices.at(-1);
  if (last === undefined) throw new Error('nothing to choose from');
  return last[0];
}

function pickHouse<T extends { readonly weight: number }>(random: Random, houses: readonly T[]): T {
  return weighted(
    random,
    houses.map((house) => [house, house.weight] as const),
  );
}
