/**
 * A delegation: a doctor lets a colleague of the same hospital issue in the doctor's name, some classes, so many a day, until
 * a time. It is never handed on, and never opens the class controlled. The delegate's own key stands on every stamp.
 */
import * as z from 'zod';
import type { Id, PublicKey, Timestamp } from './brand.ts';
import { codeSchema, idSchema, publicKeySchema, timestampSchema } from './codec.ts';
import { delegationsPerDayMax } from './limits.ts';
import { readRecord, recordCodec, type RecordCodec, type RecordReader, type RecordWrite } from './record.ts';

/** Every class but controlled. */
const delegableClasses = ['ordinary', 'antibiotic', 'chronic'] as const;
type DelegableClass = (typeof delegableClasses)[number];

/** The terms, and what was used of them. */
export interface Delegation {
  /** The delegator's key that signed the grant, and when: if it was compromised by then, nothing was granted. */
  readonly grantedBy: PublicKey;
  readonly grantedMs: Timestamp;
  readonly classes: readonly DelegableClass[];
  readonly perDayMax: number;
  readonly until: Timestamp;
  /** Days since the Unix epoch, of the last issue under it. */
  readonly day: number;
  /** Issues on that day. */
  readonly count: number;
}

/** `delegation.grant`, signed by the delegator. A grant to the same delegate again replaces the terms; what was used today counts on. */
export interface GrantBody {
  readonly delegatorId: Id;
  readonly delegateId: Id;
  readonly classes: readonly DelegableClass[];
  readonly perDayMax: number;
  readonly until: Timestamp;
}

/** `delegation.revoke`, signed by the delegator or by the admin key of the hospital. */
export interface RevokeGrantBody {
  readonly delegatorId: Id;
  readonly delegateId: Id;
  readonly reason: string;
}

const termsShape = {
  classes: z.array(z.enum(delegableClasses)).min(1).max(delegableClasses.length),
  perDayMax: z.int().min(1).max(delegationsPerDayMax),
  until: timestampSchema,
};

export const grantBodySchema: z.ZodType<GrantBody> = z.strictObject({
  delegatorId: idSchema,
  delegateId: idSchema,
  ...termsShape,
});

export const revokeGrantBodySchema: z.ZodType<RevokeGrantBody> = z.strictObject({
  delegatorId: idSchema,
  delegateId: idSchema,
  reason: codeSchema,
});

export const delegationSchema: z.ZodType<Delegation> = z.strictObject({
  grantedBy: publicKeySchema,
  grantedMs: timestampSchema,
  ...termsShape,
  day: z.int().min(0),
  count: z.int().min(0),
});

const delegationCodec: RecordCodec<Delegation> = recordCodec(delegationSchema);

export interface DelegationPair {
  readonly delegatorId: Id;
  readonly delegateId: Id;
}

export function delegationRecordKey({ delegatorId, delegateId }: DelegationPair): string {
  return `delegation/${delegatorId}/${delegateId}`;
}

export function readDelegation(state: RecordReader, pair: DelegationPair): Delegation | null {
  return readRecord(state, delegationRecordKey(pair), delegationCodec);
}

export function delegationRecord(pair: DelegationPair, delegation: Delegation): RecordWrite {
  return [delegationRecordKey(pair), delegationCodec.encode(delegation)];
}
