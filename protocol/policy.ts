/** The rule document that members agreed on: what the transitions ask for limits that are a matter of policy, not of form. */
import * as z from 'zod';
import type { Height, Timestamp } from './brand.ts';
import { codeSchema, heightSchema, timestampSchema } from './codec.ts';
import { invariant, present } from './invariant.ts';
import { holidaysMax, shortagesMax } from './limits.ts';
import {
  readRecord,
  recordCodec,
  type RecordChange,
  type RecordCodec,
  type RecordReader,
  type RecordWrite,
} from './record.ts';

export const prescriptionClasses = ['ordinary', 'controlled', 'antibiotic', 'chronic'] as const;
export type PrescriptionClass = (typeof prescriptionClasses)[number];

export const reservationModes = ['counter', 'courier'] as const;
export type ReservationMode = (typeof reservationModes)[number];

/** While it is in force, a pharmacy may substitute without a word of the prescriber; it names the rule when it dispenses. */
interface Shortage {
  /** A code word. What is short, and what may be given instead, stands in the published rule. */
  readonly rule: string;
  /** From here on ... */
  readonly start: Timestamp;
  /** ... until here, exclusive. */
  readonly end: Timestamp;
}

/** All durations in milliseconds. */
export interface Policy {
  /** Counts from 1; each policy that is voted in has the next number. */
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
  readonly shortages: readonly Shortage[];
  /** Beginnings of days of rest, each 24 hours long: one within a prescription's time lengthens what its class allows by a day. */
  readonly holidays: readonly Timestamp[];
  /** Whoever prescribed or reviewed a prescription does not dispense it. */
  readonly isDispenserSeparate: boolean;
  /** A pack that left the pharmacy and came back sealed may be dispensed again. */
  readonly isRestockAllowed: boolean;
  /** Longest time from a parcel's hand-over to the courier until it is due. */
  readonly deliverMsMax: number;
  /** What was delivered or handed out, and is not confirmed after so long, is shown as unconfirmed. */
  readonly confirmMs: number;
  /** How long a request for a renewal waits for its answer. */
  readonly renewalMs: number;
}

/** A version with the height from which on it judges. */
export interface PolicyVersion {
  readonly policy: Policy;
  readonly effectiveHeight: Height;
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
  shortages: z
    .array(z.strictObject({ rule: codeSchema, start: timestampSchema, end: timestampSchema }))
    .max(shortagesMax),
  holidays: z.array(timestampSchema).max(holidaysMax),
  isDispenserSeparate: z.boolean(),
  isRestockAllowed: z.boolean(),
  deliverMsMax: durationSchema,
  confirmMs: durationSchema,
  renewalMs: durationSchema,
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
  shortages: [],
  holidays: [],
  isDispenserSeparate: true,
  isRestockAllowed: false,
  deliverMsMax: 7 * dayMs,
  confirmMs: 3 * dayMs,
  renewalMs: 7 * dayMs,
};

const policyRecordKey = 'policy';
/** A version that was voted in and waits for its height; one at a time. */
const waitingPolicyKey = 'policy-next';
const policyCodec: RecordCodec<Policy> = recordCodec(policySchema);
const versionCodec: RecordCodec<PolicyVersion> = recordCodec<PolicyVersion>(
  z.strictObject({ policy: policySchema, effectiveHeight: heightSchema }),
);

function versionRecordKey(version: number): string {
  return `policy/${version}`;
}

/** What a chain starts with. */
export function genesisPolicyRecords(policy: Policy): readonly RecordWrite[] {
  const version = versionCodec.encode({ policy, effectiveHeight: 0 as Height });
  return [
    [policyRecordKey, policyCodec.encode(policy)],
    [versionRecordKey(policy.version), version],
  ];
}

/** The policy in force; genesis wrote the first. */
export function readPolicy(state: RecordReader): Policy {
  return present(readRecord(state, policyRecordKey, policyCodec), 'genesis wrote a policy');
}

/** The version that waits for its height, or null. */
export function waitingPolicy(state: RecordReader): PolicyVersion | null {
  return readRecord(state, waitingPolicyKey, versionCodec);
}

/** A version that is or was in force, or waits; null for a number that nobody voted in. Kept for ever: receipts name it. */
export function policyVersion(state: RecordReader, version: number): PolicyVersion | null {
  return readRecord(state, versionRecordKey(version), versionCodec);
}

/** A policy that was voted in; it waits for `effectiveHeight`. The caller has seen that none waits and that the number is the next. */
export function schedulePolicy(next: PolicyVersion): readonly RecordWrite[] {
  const record = versionCodec.encode(next);
  return [
    [waitingPolicyKey, record],
    [versionRecordKey(next.policy.version), record],
  ];
}

/** E12: what the block at `height` writes before its first transaction; nothing, but for the block at which a policy takes effect. */
export function policyTakingEffect(state: RecordReader, height: Height): readonly RecordChange[] {
  const waiting = waitingPolicy(state);
  if (waiting === null || waiting.effectiveHeight > height) return [];
  invariant(waiting.policy.version === readPolicy(state).version + 1, 'versions follow one another');
  return [
    [policyRecordKey, policyCodec.encode(waiting.policy)],
    [waitingPolicyKey, null],
  ];
}

/** Longest validity of a prescription: that of its class, and a day for each holiday that begins within. */
export function validityMsMaxOf(
  policy: Policy,
  period: {
    readonly class: PrescriptionClass;
    readonly authoredOn: Timestamp;
    readonly validUntil: Timestamp;
  },
): number {
  const within = policy.holidays.filter((day) => day >= period.authoredOn && day < period.validUntil);
  return policy.validityMsMax[period.class] + within.length * dayMs;
}
