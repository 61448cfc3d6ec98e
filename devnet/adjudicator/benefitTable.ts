/** What an insurer covers, as its staff write it down: JSON, read strictly, because a misspelt limit would be no limit. */
import * as z from 'zod';
import { codeSchema } from '../../protocol/codec.ts';
import { amountMax } from '../../protocol/limits.ts';
import { prescriptionClasses, type PrescriptionClass } from '../../protocol/policy.ts';
import { accepted, type Result } from '../../protocol/result.ts';
import { readBytes } from '../../node/home.ts';
import { parseBody } from '../../node/rpc/body.ts';
import { faulty, type Fault } from './fault.ts';

/** All amounts are in the minor unit of the policy's currency. */
export interface Benefit {
  /** Of the price, up to the ceiling: 0 to 100. */
  readonly sharePercent: number;
  /** What the patient pays of each line in any case. */
  readonly copay: number;
  /** What one unit costs at most; what it costs beyond that is the patient's. */
  readonly unitPriceMax: number;
}

export interface BenefitTable {
  /** A class that is not in the table is for a person to answer. */
  readonly classes: Readonly<Partial<Record<PrescriptionClass, Benefit | 'notCovered'>>>;
  /** The most of one claim that is accepted; a claim above it is disputed, down to this. */
  readonly claimCoveredMax: number;
  /** The reason that a dispute gives. */
  readonly disputeReason: string;
}

const tableBytesMax = 65_536;
const amount = z.int().min(0).max(amountMax);

const benefitSchema: z.ZodType<Benefit> = z.strictObject({
  sharePercent: z.int().min(0).max(100),
  copay: amount,
  unitPriceMax: amount,
});

const tableSchema: z.ZodType<BenefitTable> = z.strictObject({
  classes: z.partialRecord(z.enum(prescriptionClasses), z.union([z.literal('notCovered'), benefitSchema])),
  claimCoveredMax: amount,
  disputeReason: codeSchema,
});

/** Faults: `tableInvalid`, with the first field that is wrong; bytes that are no JSON, or name a key twice, are wrong as a whole. */
export function parseBenefitTable(bytes: Buffer): Result<BenefitTable, Fault> {
  const parsed = parseBody(bytes);
  if (!parsed.ok) return faulty('tableInvalid', parsed.name);
  const table = tableSchema.safeParse(parsed.value);
  return table.success ? accepted(table.data) : faulty('tableInvalid', pathOf(table.error));
}

/** Faults: `fileUnreadable`, and those of `parseBenefitTable`. */
export function readBenefitTable(path: string): Result<BenefitTable, Fault> {
  const bytes = readBytes(path, tableBytesMax);
  return bytes.ok ? parseBenefitTable(bytes.value) : faulty('fileUnreadable', path);
}

function pathOf({ issues }: z.ZodError): string {
  const path: PropertyKey[] = [];
  let issue = issues[0];
  while (issue !== undefined) {
    path.push(...issue.path);
    if (issue.code === 'unrecognized_keys') path.push(...issue.keys.slice(0, 1));
    // Of a class: what is wrong with it as a benefit, the last of the union.
    issue = issue.code === 'invalid_union' ? issue.errors.at(-1)?.[0] : undefined;
  }
  return path.join('.');
}
