/** Practitioners: the persons and automatic signers that members register, with what they may do and under which keys. */
import * as z from 'zod';
import type { Id, MemberName, PublicKey, Timestamp } from './brand.ts';
import { codeSchema, idSchema, nameSchema, publicKeySchema, timestampSchema } from './codec.ts';
import { practitionerKeysMax, transactionSignaturesMax } from './limits.ts';
import { keyRecord } from './practitionerKey.ts';
import { readRecord, recordCodec, type RecordCodec, type RecordReader, type RecordWrite } from './record.ts';

const practitionerRoles = [
  'doctor',
  /** Issues in a doctor's name, under a delegation of that doctor (delegation.ts). */
  'assistant',
  'pharmacist',
  'adjudicator',
  'accountant',
  'courier',
] as const;
export type PractitionerRole = (typeof practitionerRoles)[number];

const suspenders = ['employer', 'regulator'] as const;
export type Suspender = (typeof suspenders)[number];

/** Each suspender lifts its own suspensions only. */
interface Suspension {
  readonly by: Suspender;
  /** The scope that is closed, or null for everything. */
  readonly scope: string | null;
}

export interface Practitioner {
  /** Pseudonymous: name and licence number are sealed. */
  readonly id: Id;
  /** Who registered and employs the practitioner. */
  readonly member: MemberName;
  readonly roles: readonly PractitionerRole[];
  /** `ordinary` and `controlled` open the classes of prescriptions; others name departments. */
  readonly scopes: readonly string[];
  readonly validUntil: Timestamp;
  readonly suspensions: readonly Suspension[];
  /** Ed25519, in force. What became of the others stands under each key (practitionerKey.ts). */
  readonly keys: readonly PublicKey[];
}

const scopesMax = 8;
const rolesSchema = z.array(z.enum(practitionerRoles)).min(1).max(practitionerRoles.length);
const scopesSchema = z.array(codeSchema).max(scopesMax);

export const practitionerSchema: z.ZodType<Practitioner> = z.strictObject({
  id: idSchema,
  member: nameSchema,
  roles: rolesSchema,
  scopes: scopesSchema,
  validUntil: timestampSchema,
  suspensions: z
    .array(z.strictObject({ by: z.enum(suspenders), scope: codeSchema.nullable() }))
    .max(suspenders.length * (scopesMax + 1)),
  keys: z.array(publicKeySchema).max(practitionerKeysMax),
});

/**
 * `practitioner.register`, signed by the admin key of the transaction's member, who becomes the employer, and by each of
 * the keys: whoever registers a key has it.
 */
export interface RegisterBody {
  readonly practitionerId: Id;
  readonly roles: readonly PractitionerRole[];
  readonly scopes: readonly string[];
  readonly validUntil: Timestamp;
  /** None, if they are added later (`key.add`). */
  readonly keys: readonly PublicKey[];
}

export const registerBodySchema: z.ZodType<RegisterBody> = z.strictObject({
  practitionerId: idSchema,
  roles: rolesSchema,
  scopes: scopesSchema,
  validUntil: timestampSchema,
  keys: z.array(publicKeySchema).max(transactionSignaturesMax - 1),
});

/** `practitioner.scope`, signed by the admin key of the employer: what the practitioner may do from here on, and until when. */
export interface ScopeBody {
  readonly practitionerId: Id;
  readonly roles: readonly PractitionerRole[];
  readonly scopes: readonly string[];
  readonly validUntil: Timestamp;
}

export const scopeBodySchema: z.ZodType<ScopeBody> = z.strictObject({
  practitionerId: idSchema,
  roles: rolesSchema,
  scopes: scopesSchema,
  validUntil: timestampSchema,
});

/** `practitioner.suspend` and `practitioner.reinstate`, signed by the admin key of the employer or of a regulator. */
export interface SuspensionBody {
  readonly practitionerId: Id;
  /** One scope, or null for everything. */
  readonly scope: string | null;
  readonly reason: string;
}

export const suspensionBodySchema: z.ZodType<SuspensionBody> = z.strictObject({
  practitionerId: idSchema,
  scope: codeSchema.nullable(),
  reason: codeSchema,
});

export const practitionerCodec: RecordCodec<Practitioner> = recordCodec(practitionerSchema);

export function practitionerRecordKey(id: Id): string {
  return `practitioner/${id}`;
}

export function readPractitioner(state: RecordReader, id: Id): Practitioner | null {
  return readRecord(state, practitionerRecordKey(id), practitionerCodec);
}

export function practitionerRecord(practitioner: Practitioner): RecordWrite {
  return [practitionerRecordKey(practitioner.id), practitionerCodec.encode(practitioner)];
}

/** A new practitioner, and a record for each key, which counts from this block time on. */
export function practitionerRecords(practitioner: Practitioner, timeMs: Timestamp): readonly RecordWrite[] {
  const { id, keys } = practitioner;
  const added = { practitionerId: id, addedMs: timeMs, revokedMs: null, compromisedSince: null };
  return [practitionerRecord(practitioner), ...keys.map((key) => keyRecord(key, added))];
}

/** Not suspended, and the registration has not ended. Scopes are asked one by one (`hasScope`). */
export function isPractitionerActive(practitioner: Practitioner, timeMs: Timestamp): boolean {
  const isSuspended = practitioner.suspensions.some(({ scope }) => scope === null);
  return !isSuspended && timeMs < practitioner.validUntil;
}

export function hasScope(practitioner: Practitioner, scope: string): boolean {
  const isClosed = practitioner.suspensions.some((suspension) => suspension.scope === scope);
  return practitioner.scopes.includes(scope) && !isClosed;
}
