/**
 * Keys of practitioners: whose each one is, and since when it no longer counts. A signature is judged by the key's standing
 * at the block that includes it. A key is never forgotten, so none can be registered twice.
 */
import * as z from 'zod';
import type { Id, PublicKey, Timestamp } from './brand.ts';
import { codeSchema, idSchema, publicKeySchema, timestampSchema } from './codec.ts';
import { readRecord, recordCodec, type RecordCodec, type RecordReader, type RecordWrite } from './record.ts';

export interface KeyStanding {
  readonly practitionerId: Id;
  /** Block times; null while the key is in force. */
  readonly addedMs: Timestamp;
  readonly revokedMs: Timestamp | null;
  /**
   * Somebody else may have signed with it from here on: what is not supplied of prescriptions issued since is void. Null
   * of a key that was merely superseded, whose signatures all stay good.
   */
  readonly compromisedSince: Timestamp | null;
}

export const keyStandingSchema: z.ZodType<KeyStanding> = z.strictObject({
  practitionerId: idSchema,
  addedMs: timestampSchema,
  revokedMs: timestampSchema.nullable(),
  compromisedSince: timestampSchema.nullable(),
});

/** `key.add`, signed by the admin key of the employer and by the new key. */
export interface AddKeyBody {
  readonly practitionerId: Id;
  readonly key: PublicKey;
}

/** `key.rotate`, signed by the admin key of the employer and by the new key: the old one is superseded. */
export interface RotateKeyBody {
  readonly key: PublicKey;
  readonly newKey: PublicKey;
}

/** `key.revoke`, signed by the admin key of the employer or of a regulator. */
export interface RevokeKeyBody {
  readonly key: PublicKey;
  /** Null: superseded. A key that was superseded can still be found to have been compromised, and earlier than was thought. */
  readonly compromisedSince: Timestamp | null;
  readonly reason: string;
}

export const addKeyBodySchema: z.ZodType<AddKeyBody> = z.strictObject({
  practitionerId: idSchema,
  key: publicKeySchema,
});

export const rotateKeyBodySchema: z.ZodType<RotateKeyBody> = z.strictObject({
  key: publicKeySchema,
  newKey: publicKeySchema,
});

export const revokeKeyBodySchema: z.ZodType<RevokeKeyBody> = z.strictObject({
  key: publicKeySchema,
  compromisedSince: timestampSchema.nullable(),
  reason: codeSchema,
});

const keyCodec: RecordCodec<KeyStanding> = recordCodec(keyStandingSchema);

function keyRecordKey(key: PublicKey): string {
  return `key/${key}`;
}

export function readKey(state: RecordReader, key: PublicKey): KeyStanding | null {
  return readRecord(state, keyRecordKey(key), keyCodec);
}

/** Whether somebody else may have signed with the key at this block time, as far as is known now. */
export function wasCompromised(state: RecordReader, key: PublicKey, timeMs: Timestamp): boolean {
  const since = readKey(state, key)?.compromisedSince ?? null;
  return since !== null && timeMs >= since;
}

export function keyRecord(key: PublicKey, standing: KeyStanding): RecordWrite {
  return [keyRecordKey(key), keyCodec.encode(standing)];
}
