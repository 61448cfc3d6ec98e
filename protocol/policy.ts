/** The rule document that members agreed on: what the transitions ask for limits that are a matter of policy, not of form. */
import * as z from 'zod';
import { present } from './invariant.ts';
import { readRecord, recordCodec, type RecordCodec, type RecordReader } from './record.ts';

export const prescriptionClasses = ['ordinary', 'controlled', 'antibiotic', 'chronic'] as const;
export type PrescriptionClass = (typeof prescriptionClasses)[number];

export const reservationModes = ['counter', 'courier'] as const;
export type ReservationMode = (typeof reservationModes)[number];

/** All durations in milliseconds. */
export interface Policy {
  readonly version: number;
  /** ISO 4217, for example `CNY`; amounts are integers of its minor unit. */
  readonly currency: string;
  /** Longest time from authoredOn to validUntil. */
  readonly validityMsMax: Readonly<Record<PrescriptionClass, number>>;
  /** Prescriptions per prescriber key and hour of block time; `ordinary` is for every class but controlled. */
  readonly ratePerHour: { readonly ordinary: number; readonly controlled: number };
  /** Longest reservation from the block that grants it. */
  readonly reserveMsMax: Readonly<Record<ReservationMode, number>>;
  /** How far a reservation that was made in time may outlive the prescription. */
  readonly graceMs: number;
  /** Classes that a pharmacist must approve before anybody can reserve them. */
  readonly reviewRequired: readonly PrescriptionClass[];
  /** An estimate that is older than this can no longer be adjudicated: prices move. */
  readonly adjudicationMs: number;
}

const dayMs = 86_400_000;
const durationSchema = z
  .int()
  .min(0)
  .max(1_000 * dayMs);

export const policySchema: z.ZodType<Policy> = z.strictObject({
  version: z.int().min(1),
  currency: z.string().regex(/^[A-Z]{3}$/),
  validityMsMax: z.strictObject({
    ordinary: durationSchema,
    controlled: durationSchema,
    antibiotic: durationSchema,
    chronic: durationSchema,
  }),
  ratePerHour: z.strictObject({
    ordinary: z.int().min(1).max(1_000_000),
    controlled: z.int().min(1).max(1_000_000),
  }),
  reserveMsMax: z.strictObject({ counter: durationSchema, courier: durationSchema }),
  graceMs: durationSchema,
  reviewRequired: z.array(z.enum(prescriptionClasses)).max(prescriptionClasses.length),
  adjudicationMs: durationSchema,
});

export const defaultPolicy: Policy = {
  version: 1,
  currency: 'CNY',
  validityMsMax: { ordinary: 3 * dayMs, controlled: dayMs, antibiotic: 3 * dayMs, chronic: 90 * dayMs },
  ratePerHour: { ordinary: 60, controlled: 10 },
  reserveMsMax: { counter: dayMs, courier: 3 * dayMs },
  graceMs: dayMs,
  reviewRequired: ['controlled', 'antibiotic'],
  adjudicationMs: dayMs,
};

export const policyRecordKey = 'policy';
export const policyCodec: RecordCodec<Policy> = recordCodec(policySchema);

/** The policy in force; genesis wrote the first. */
export function readPolicy(state: RecordReader): Policy {
  return present(readRecord(state, policyRecordKey, policyCodec), 'genesis wrote a policy');
}
