/** Practitioners: the persons and automatic signers that members register, with what they may do and under which keys. */
import * as z from 'zod';
import type { Id, MemberName, PublicKey, Timestamp } from './brand.ts';
import { bytesToHex, hexToBytes } from './bytes.ts';
import { codeSchema, idSchema, nameSchema, publicKeySchema, timestampSchema } from './codec.ts';
import { readRecord, recordCodec, type RecordCodec, type RecordReader, type RecordWrite } from './record.ts';

const practitionerRoles = ['doctor', 'pharmacist', 'adjudicator', 'accountant', 'courier'] as const;
export type PractitionerRole = (typeof practitionerRoles)[number];

const practitionerStatuses = ['active', 'suspended'] as const;
type PractitionerStatus = (typeof practitionerStatuses)[number];

const keyStatuses = ['active', 'superseded', 'compromised'] as const;
type KeyStatus = (typeof keyStatuses)[number];

interface PractitionerKey {
  /** Ed25519. */
  readonly key: PublicKey;
  readonly status: KeyStatus;
  /** Block time since which the status holds. */
  readonly sinceMs: Timestamp;
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
  readonly status: PractitionerStatus;
  readonly keys: readonly PractitionerKey[];
}

const rolesSchema = z.array(z.enum(practitionerRoles)).min(1).max(practitionerRoles.length);
const scopesSchema = z.array(codeSchema).max(8);
const practitionerKeysMax = 4;

export const practitionerSchema: z.ZodType<Practitioner> = z.strictObject({
  id: idSchema,
  member: nameSchema,
  roles: rolesSchema,
  scopes: scopesSchema,
  validUntil: timestampSchema,
  status: z.enum(practitionerStatuses),
  keys: z
    .array(z.strictObject({ key: publicKeySchema, status: z.enum(keyStatuses), sinceMs: timestampSchema }))
    .min(1)
    .max(practitionerKeysMax),
});

/** `practitioner.register`, signed by the admin key of the transaction's member, who becomes the employer. */
export interface RegisterBody {
  readonly id: Id;
  readonly roles: readonly PractitionerRole[];
  readonly scopes: readonly string[];
  readonly validUntil: Timestamp;
  readonly keys: readonly PublicKey[];
}

export const registerBodySchema: z.ZodType<RegisterBody> = z.strictObject({
  id: idSchema,
  roles: rolesSchema,
  scopes: scopesSchema,
  validUntil: timestampSchema,
  keys: z.array(publicKeySchema).min(1).max(practitionerKeysMax),
});

/** `practitioner.suspend`, signed by the admin key of the employer. */
export interface SuspendBody {
  readonly id: Id;
  readonly reason: string;
}

export const suspendBodySchema: z.ZodType<SuspendBody> = z.strictObject({ id: idSchema, reason: codeSchema });

export const practitionerCodec: RecordCodec<Practitioner> = recordCodec(practitionerSchema);

export function practitionerRecordKey(id: Id): string {
  return `practitioner/${id}`;
}

export function keyRecordKey(key: PublicKey): string {
  return `key/${key}`;
}

export function readPractitioner(state: RecordReader, id: Id): Practitioner | null {
  return readRecord(state, practitionerRecordKey(id), practitionerCodec);
}

/** Practitioner who holds this key, in whatever status, or null. */
export function practitionerIdOfKey(state: RecordReader, key: PublicKey): Id | null {
  const bytes = state.get(keyRecordKey(key));
  return bytes === null ? null : (bytesToHex(bytes) as Id);
}

/** Practitioner and keys as records. */
export function practitionerRecords(practitioner: Practitioner): readonly RecordWrite[] {
  const id = hexToBytes(practitioner.id);
  return [
    [practitionerRecordKey(practitioner.id), practitionerCodec.encode(practitioner)],
    ...practitioner.keys.map(({ key }) => [keyRecordKey(key), id] as const),
  ];
}
