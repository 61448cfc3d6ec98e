/** A member's standing, beside its record: when it was last heard on the chain, and what was proven against it. */
import * as z from 'zod';
import type { Digest, Epoch, Height, MemberName, PublicKey, Sequence, Timestamp, View } from './brand.ts';
import {
  digestSchema,
  epochSchema,
  heightSchema,
  publicKeySchema,
  sequenceSchema,
  timestampSchema,
  viewSchema,
} from './codec.ts';
import { heardMsMax, marksPerMemberMax } from './limits.ts';
import { readMember } from './membership.ts';
import { readRecord, recordCodec, type RecordCodec, type RecordReader, type RecordWrite } from './record.ts';

/** `commitSkip` is a COMMIT and a SKIP in one view; the others are two different statements of that kind. */
const offences = ['propose', 'prepare', 'commit', 'commitSkip', 'batch'] as const;
export type Offence = (typeof offences)[number];

/** One proven equivocation. Epoch and view are null for batches, the sequence for all else. */
export interface Mark {
  readonly offence: Offence;
  readonly epoch: Epoch | null;
  readonly view: View | null;
  readonly sequence: Sequence | null;
  /** Of the block that has the evidence. */
  readonly height: Height;
  /** Of the transaction that has the evidence. */
  readonly txId: Digest;
}

export interface Standing {
  /** Block time of the last READY; null without one. */
  readonly readyMs: Timestamp | null;
  /** Height that the member had when it signed it. */
  readonly readyHeight: Height | null;
  /** Block time of the last READY, or vote on a motion. */
  readonly heardMs: Timestamp | null;
  /** The one before the last rotation: batches and votes under it may still be on their way. */
  readonly previousConsensusKey: PublicKey | null;
  readonly marks: readonly Mark[];
}

export const markSchema: z.ZodType<Mark> = z.strictObject({
  offence: z.enum(offences),
  epoch: epochSchema.nullable(),
  view: viewSchema.nullable(),
  sequence: sequenceSchema.nullable(),
  height: heightSchema,
  txId: digestSchema,
});

const standingSchema: z.ZodType<Standing> = z.strictObject({
  readyMs: timestampSchema.nullable(),
  readyHeight: heightSchema.nullable(),
  heardMs: timestampSchema.nullable(),
  previousConsensusKey: publicKeySchema.nullable(),
  marks: z.array(markSchema).max(marksPerMemberMax),
});

const standingCodec: RecordCodec<Standing> = recordCodec(standingSchema);

const noStanding: Standing = {
  readyMs: null,
  readyHeight: null,
  heardMs: null,
  previousConsensusKey: null,
  marks: [],
};

export function standingRecordKey(name: MemberName): string {
  return `standing/${name}`;
}

/** Of a member that never did anything of this, everything is null. */
export function readStanding(state: RecordReader, name: MemberName): Standing {
  return readRecord(state, standingRecordKey(name), standingCodec) ?? noStanding;
}

export function standingRecord(name: MemberName, standing: Standing): RecordWrite {
  return [standingRecordKey(name), standingCodec.encode(standing)];
}

/** True iff the moment is within the last day of block time. */
export function isRecent(moment: Timestamp | null, timeMs: Timestamp): boolean {
  return moment !== null && timeMs - moment <= heardMsMax;
}

/** Keys that a member's batches are good under: its present one, and the one before. Empty for who is not active. */
export function batchKeysOf(state: RecordReader, name: MemberName): readonly PublicKey[] {
  const member = readMember(state, name);
  if (member?.status !== 'active') return [];
  const { previousConsensusKey } = readStanding(state, name);
  return previousConsensusKey === null ? [member.consensusKey] : [member.consensusKey, previousConsensusKey];
}
