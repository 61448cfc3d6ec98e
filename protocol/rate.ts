/** Rate caps: how many prescriptions a key has issued in the running hour of block time. Stolen keys are worth less. */
import * as z from 'zod';
import type { Context } from './authorisation.ts';
import type { PublicKey } from './brand.ts';
import type { Policy, PrescriptionClass } from './policy.ts';
import { readRecord, recordCodec, type RecordCodec, type RecordWrite } from './record.ts';
import { accepted, refused, type Result } from './result.ts';

interface RateWindow {
  /** Hours since the Unix epoch. */
  readonly hour: number;
  readonly ordinaryCount: number;
  readonly controlledCount: number;
}

const hourMs = 3_600_000;

const windowCodec: RecordCodec<RateWindow> = recordCodec<RateWindow>(
  z.strictObject({
    hour: z.int().min(0),
    ordinaryCount: z.int().min(0),
    controlledCount: z.int().min(0),
  }),
);

export interface RateRequest {
  /** The prescriber's keys that signed; each counts, so that a second key does not double what a thief can do. */
  readonly keys: readonly PublicKey[];
  readonly class: PrescriptionClass;
  readonly policy: Policy;
}

/** The windows' records with one more issue in each. Refusal: `rateExceeded`. */
export function countIssues(context: Context, request: RateRequest): Result<readonly RecordWrite[]> {
  const writes: RecordWrite[] = [];
  for (const key of request.keys) {
    const write = countIssue(context, key, request);
    if (!write.ok) return write;
    writes.push(write.value);
  }
  return accepted(writes);
}

function countIssue(context: Context, key: PublicKey, request: RateRequest): Result<RecordWrite> {
  const recordKey = `rate/${key}`;
  const hour = Math.floor(context.timeMs / hourMs);
  const before = readRecord(context.state, recordKey, windowCodec);
  const counted = before?.hour === hour ? before : { hour, ordinaryCount: 0, controlledCount: 0 };
  const cap = request.policy.ratePerHour;
  if (request.class === 'controlled') {
    const controlledCount = counted.controlledCount + 1;
    if (controlledCount > cap.controlled) return refused('rateExceeded');
    return accepted([recordKey, windowCodec.encode({ ...counted, controlledCount })]);
  }
  const ordinaryCount = counted.ordinaryCount + 1;
  if (ordinaryCount > cap.ordinary) return refused('rateExceeded');
  return accepted([recordKey, windowCodec.encode({ ...counted, ordinaryCount })]);
}
