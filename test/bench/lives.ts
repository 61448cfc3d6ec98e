/** The load: whole lives of ordinary prescriptions, from the issue to the accepted claim, signed before the clock runs. */
import { randomBytes } from 'node:crypto';
import type { CastMember, Consortium } from '../../devnet/cast.ts';
import { memberOf } from '../../devnet/homes.ts';
import { signerFromSeed } from '../../node/ed25519.ts';
import type { Action } from '../../protocol/action.ts';
import type { Amount, Digest, Id, MemberName, Timestamp, Units } from '../../protocol/brand.ts';
import { bytesToHex } from '../../protocol/bytes.ts';
import type { PractitionerRole } from '../../protocol/practitioner.ts';
import type { Signer } from '../../protocol/signature.ts';
import { signAct } from '../support/transactions.ts';

/** One signed transaction and the member whose application sends it. */
export interface SignedStep {
  readonly member: MemberName;
  /** `0x` hex of the envelope. */
  readonly transaction: string;
}

/** In the order in which they must be committed. */
export type Life = readonly SignedStep[];

interface Doctor {
  readonly member: MemberName;
  readonly practitioner: Id;
  readonly signer: Signer;
}

interface Staff {
  readonly chainId: Digest;
  readonly doctors: readonly Doctor[];
  readonly pharmacist: Signer;
  readonly adjudicator: Signer;
}

const dayMs = 86_400_000;
const hourMs = 3_600_000;
const pharmacy = 'pharmacy' as MemberName;
const insurer = 'insurer' as MemberName;
const units = 30 as Units;
const price = 2_400 as Amount;
const covered = 1_800 as Amount;
const patientPays = 600 as Amount;

/** Steps of one life. */
export const stepsPerLife = 9;

/** `count` lives, the doctors in turn. */
export function signedLives(consortium: Consortium, count: number): readonly Life[] {
  const staff = staffOf(consortium);
  return Array.from({ length: count }, (_, index) => signedLife(staff, index));
}

/** Issues alone, for a load of single transactions that depend on nothing. */
export function signedIssues(consortium: Consortium, count: number): readonly SignedStep[] {
  const staff = staffOf(consortium);
  return Array.from({ length: count }, (_, index) => signedIssue(staff, { ...newIds(), index }));
}

function staffOf(consortium: Consortium): Staff {
  return {
    chainId: consortium.chainId,
    doctors: consortium.members.flatMap(doctorsOf),
    pharmacist: signerInRole(memberOf(consortium, pharmacy), 'pharmacist'),
    adjudicator: signerInRole(memberOf(consortium, insurer), 'adjudicator'),
  };
}

function doctorsOf(member: CastMember): readonly Doctor[] {
  const doctors = member.practitioners.filter(({ practitioner }) => practitioner.roles.includes('doctor'));
  return doctors.flatMap(({ keys, practitioner }) => {
    const [key] = keys;
    if (key === undefined) return [];
    return [{ member: member.name, practitioner: practitioner.id, signer: signerFromSeed(key.seed) }];
  });
}

function signerInRole(member: CastMember, role: PractitionerRole): Signer {
  const key = member.practitioners.find(({ practitioner }) => practitioner.roles.includes(role))?.keys[0];
  if (key === undefined) throw new Error(`nobody at ${member.name} is ${role}`);
  return signerFromSeed(key.seed);
}

interface LifeIds {
  readonly rxId: Id;
  readonly claimId: Id;
  readonly eventId: Id;
  readonly owner: Signer;
  readonly redeem: Signer;
}

function newIds(): LifeIds {
  return {
    rxId: newId(),
    claimId: newId(),
    eventId: newId(),
    owner: signerFromSeed(randomBytes(32)),
    redeem: signerFromSeed(randomBytes(32)),
  };
}

function newId(): Id {
  return bytesToHex(randomBytes(16)) as Id;
}

function signedIssue(staff: Staff, life: LifeIds & { readonly index: number }): SignedStep {
  const doctor = staff.doctors[life.index % staff.doctors.length];
  if (doctor === undefined) throw new Error('the consortium has no doctor');
  const start = Date.now() as Timestamp;
  const end = (start + dayMs) as Timestamp;
  const receiptHash = bytesToHex(randomBytes(32)) as Digest;
  const fills = [{ k: 0, start, end, redeemKey: life.redeem.publicKey, receiptHash }];
  const action: Action = {
    kind: 'rx.issue',
    body: {
      rxId: life.rxId,
      prescriber: doctor.practitioner,
      class: 'ordinary',
      authoredOn: start,
      validUntil: end,
      items: [{ itemId: 0, units, repeats: 0, intervalDays: 0, substitutionAllowed: true, validUntil: null }],
      fills,
      ownerKey: life.owner.publicKey,
      reviewRequired: false,
      replaces: null,
    },
  };
  return signed(staff.chainId, { member: doctor.member, action }, [doctor.signer]);
}

function signedLife(staff: Staff, index: number): Life {
  const life = newIds();
  const { rxId, claimId, eventId, owner, redeem } = life;
  const { pharmacist, adjudicator, chainId } = staff;
  const until = (Date.now() + hourMs) as Timestamp;
  const lines = [{ itemId: 0, units, price }];
  const dispensed = [{ itemId: 0, units, equivalence: 'same' as const, packHashes: [packHash()] }];
  const judged = [{ itemId: 0, covered, patientPays, code: 'benefit' }];
  const atPharmacy = (action: Action, signers: readonly Signer[]): SignedStep =>
    signed(chainId, { member: pharmacy, action }, signers);
  return [
    signedIssue(staff, { ...life, index }),
    atPharmacy({ kind: 'fill.reserve', body: { rxId, k: 0, pharmacy, until, mode: 'counter' } }, [
      pharmacist,
      redeem,
    ]),
    atPharmacy({ kind: 'claim.estimate', body: { claimId, rxId, k: 0, insurer, lines, total: price } }, [
      pharmacist,
    ]),
    signed(
      chainId,
      {
        member: insurer,
        action: { kind: 'claim.adjudicate', body: { claimId, outcome: 'approve', lines: judged } },
      },
      [adjudicator],
    ),
    atPharmacy(
      { kind: 'fill.dispense', body: { rxId, k: 0, eventId, items: dispensed, substitution: null } },
      [pharmacist],
    ),
    atPharmacy(
      {
        kind: 'claim.pay',
        body: { claimId, patientPaid: patientPays, payments: [{ method: 'cash', amount: patientPays }] },
      },
      [pharmacist],
    ),
    atPharmacy({ kind: 'delivery.receive', body: { rxId, k: 0, parcelId: null, receiptCode: null } }, [
      owner,
    ]),
    atPharmacy({ kind: 'claim.submit', body: { claimId, eventIds: [eventId], lines, total: price } }, [
      pharmacist,
    ]),
    signed(chainId, { member: insurer, action: { kind: 'claim.accept', body: { claimId, covered } } }, [
      adjudicator,
    ]),
  ];
}

function packHash(): Digest {
  return bytesToHex(randomBytes(32)) as Digest;
}

function signed(
  chainId: Digest,
  act: { readonly member: MemberName; readonly action: Action },
  signers: readonly Signer[],
): SignedStep {
  const { bytes } = signAct(chainId, act, signers);
  return { member: act.member, transaction: `0x${bytesToHex(bytes)}` };
}
