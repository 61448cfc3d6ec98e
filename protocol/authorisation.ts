/**
 * Who signed (I13). Exactly the signers that an action needs have signed, no strangers: named keys (a patient's, an
 * administrator's) and places for practitioners, each taken by another key of an active practitioner, in role and scope.
 */
import type { Digest, Height, Id, MemberName, PublicKey, Timestamp } from './brand.ts';
import { invariant, present } from './invariant.ts';
import type { MemberRole } from './member.ts';
import { requireMember } from './membership.ts';
import type { PrescriptionClass } from './policy.ts';
import {
  hasScope,
  isPractitionerActive,
  readPractitioner,
  type Practitioner,
  type PractitionerRole,
} from './practitioner.ts';
import { readKey } from './practitionerKey.ts';
import type { RecordReader } from './record.ts';
import type { RefusalCode } from './refusal.ts';
import { accepted, refused, type Result } from './result.ts';
import type { Seal } from './seal.ts';

/** What a transition knows besides the body. Signatures over the txId have been verified; who must sign has not. */
export interface Context {
  readonly state: RecordReader;
  /** The transaction's member, known to be active. */
  readonly member: MemberName;
  /** Keys that signed, all different. */
  readonly keys: readonly PublicKey[];
  readonly seals: readonly Seal[];
  readonly txId: Digest;
  /** Of the block. */
  readonly height: Height;
  /** Block time. */
  readonly timeMs: Timestamp;
}

/** A place for one practitioner. */
export interface Place {
  /** The employer. */
  readonly member: MemberName;
  /** The employer is in one of these roles. */
  readonly memberRoles: readonly MemberRole[];
  /** The practitioner is in one of these roles. */
  readonly roles: readonly PractitionerRole[];
  /** Null asks for no scope. */
  readonly scope: string | null;
  /** Null is anybody who fits. */
  readonly id: Id | null;
}

export interface Signer {
  readonly practitioner: Practitioner;
  readonly key: PublicKey;
}

/** What an act can be refused for because of who signed it: whoever signs another's payload brings these about at will. */
export const signerRefusals: ReadonlySet<RefusalCode> = new Set<RefusalCode>([
  'wrongSigners',
  'keyUnknown',
  'keyRevoked',
  'practitionerNotActive',
  'roleMissing',
  'scopeMissing',
  'notPermitted',
  'redeemKeyWrong',
]);

/** Scope that opens a class of prescriptions. */
export function scopeOfClass(prescriptionClass: PrescriptionClass): string {
  return prescriptionClass === 'controlled' ? 'controlled' : 'ordinary';
}

/** Exactly these keys signed and nobody else. Refusal: `wrongSigners`. */
export function authoriseKeys(
  context: Context,
  required: readonly PublicKey[],
): Result<readonly PublicKey[]> {
  const isExact =
    context.keys.length === required.length && required.every((key) => context.keys.includes(key));
  return isExact ? accepted(context.keys) : refused('wrongSigners');
}

/**
 * `namedKeys` signed, and each place is taken by another of the remaining keys; the places come in order, the strictest
 * first. Gives the signers in the order of the places. Refusals: `wrongSigners`, `keyUnknown`, `keyRevoked`,
 * `practitionerNotActive`, `roleMissing`, `scopeMissing`, `memberUnknown`, `memberNotActive`.
 */
export function authorise(
  context: Context,
  places: readonly Place[],
  namedKeys: readonly PublicKey[] = [],
): Result<readonly Signer[]> {
  // Named keys are set aside before any look-up: a key that somebody registered as a practitioner's stays the patient's.
  const rest = context.keys.filter((key) => !namedKeys.includes(key));
  if (rest.length + namedKeys.length !== context.keys.length) return refused('wrongSigners');
  if (rest.length !== places.length) return refused('wrongSigners');
  let free: readonly Signer[] = [];
  for (const key of rest) {
    const signer = activeSigner(context, key);
    if (!signer.ok) return signer;
    free = [...free, signer.value];
  }
  const taken: Signer[] = [];
  for (const place of places) {
    const employer = requireMember(context.state, place.member, place.memberRoles);
    if (!employer.ok) return employer;
    const found = takePlace(place, free);
    if (!found.ok) return found;
    taken.push(found.value);
    free = free.filter((signer) => signer.key !== found.value.key);
  }
  invariant(free.length === 0, 'as many places as signers');
  return accepted(taken);
}

/** The one practitioner who signed. Refusals as `authorise`. */
export function authoriseOne(
  context: Context,
  place: Place,
  namedKeys: readonly PublicKey[] = [],
): Result<Signer> {
  const signers = authorise(context, [place], namedKeys);
  return signers.ok ? accepted(present(signers.value[0], 'one place gives one signer')) : signers;
}

/** The practitioner behind a key, active, with the key active, at block time. */
function activeSigner(context: Context, key: PublicKey): Result<Signer> {
  const standing = readKey(context.state, key);
  if (standing === null) return refused('keyUnknown');
  if (standing.revokedMs !== null) return refused('keyRevoked');
  const practitioner = present(
    readPractitioner(context.state, standing.practitionerId),
    'a key has its practitioner',
  );
  if (!isPractitionerActive(practitioner, context.timeMs)) return refused('practitionerNotActive');
  return accepted({ practitioner, key });
}

/** Narrows step by step, so that the refusal names the first thing that nobody has. */
function takePlace(place: Place, free: readonly Signer[]): Result<Signer> {
  const employed = free.filter(
    ({ practitioner }) =>
      practitioner.member === place.member && (place.id === null || practitioner.id === place.id),
  );
  if (employed.length === 0) return refused('wrongSigners');
  const inRole = employed.filter(({ practitioner }) =>
    place.roles.some((role) => practitioner.roles.includes(role)),
  );
  if (inRole.length === 0) return refused('roleMissing');
  const { scope } = place;
  const inScope = inRole.filter(({ practitioner }) => scope === null || hasScope(practitioner, scope));
  const first = inScope[0];
  return first === undefined ? refused('scopeMissing') : accepted(first);
}
