/**
 * Motions: what is put to the vote of the voters, and how the vote stands. (A *proposal* is a block that a leader proposes; this
 * is the other thing.) A motion has one outcome: carried by a quorum, rejected once no quorum can carry it, or expired.
 */
import * as z from 'zod';
import type { Height, Id, MemberName } from './brand.ts';
import { quorumSize } from './certificate.ts';
import { heightSchema, idSchema, nameSchema } from './codec.ts';
import { invariant } from './invariant.ts';
import { motionsClosedListed } from './limits.ts';
import { memberKeysSchema, voterIndexOf, type MemberKeys, type VoterSet } from './member.ts';
import { policySchema, type Policy } from './policy.ts';
import { readRecord, recordCodec, type RecordCodec, type RecordReader, type RecordWrite } from './record.ts';

/** Changes that name a member and nothing else. */
export const memberChanges = ['promote', 'demote', 'suspend', 'reinstate', 'remove'] as const;
export type MemberChange = (typeof memberChanges)[number];

const otherChanges = ['admit', 'rotate', 'policy'] as const;
type MotionKind = MemberChange | (typeof otherChanges)[number];

export interface Motion {
  readonly motionId: Id;
  readonly kind: MotionKind;
  readonly openedBy: MemberName;
  readonly openedHeight: Height;
  /** The last height at which a vote counts. */
  readonly expiresHeight: Height;
  /** Whom it is about; null iff it is about the policy. */
  readonly member: MemberName | null;
  /** New keys, of a rotation only. */
  readonly keys: MemberKeys | null;
  readonly policy: Policy | null;
  /** From which height the policy shall judge; null without one. */
  readonly effectiveHeight: Height | null;
  /** Allows fewer than four voters. */
  readonly isForced: boolean;
  /** Members in the order of their votes. */
  readonly approvals: readonly MemberName[];
  readonly rejections: readonly MemberName[];
  readonly outcome: 'carried' | 'rejected' | null;
  readonly decidedHeight: Height | null;
}

export type MotionStatus = 'open' | 'carried' | 'rejected' | 'expired';

export const motionSchema: z.ZodType<Motion> = z.strictObject({
  motionId: idSchema,
  kind: z.enum([...memberChanges, ...otherChanges]),
  openedBy: nameSchema,
  openedHeight: heightSchema,
  expiresHeight: heightSchema,
  member: nameSchema.nullable(),
  keys: memberKeysSchema.nullable(),
  policy: policySchema.nullable(),
  effectiveHeight: heightSchema.nullable(),
  isForced: z.boolean(),
  approvals: z.array(nameSchema),
  rejections: z.array(nameSchema),
  outcome: z.enum(['carried', 'rejected']).nullable(),
  decidedHeight: heightSchema.nullable(),
});

const motionCodec: RecordCodec<Motion> = recordCodec(motionSchema);

interface OpenMotion {
  readonly motionId: Id;
  readonly openedBy: MemberName;
  readonly expiresHeight: Height;
}

/** The motions by their ids: records cannot be listed, so the list is one. */
export interface MotionList {
  /** Not decided; those that have expired stay until an opening puts them away. */
  readonly open: readonly OpenMotion[];
  /** The last that were decided or put away, oldest first. */
  readonly closed: readonly Id[];
}

const motionListKey = 'motions';
const motionListCodec: RecordCodec<MotionList> = recordCodec<MotionList>(
  z.strictObject({
    open: z.array(z.strictObject({ motionId: idSchema, openedBy: nameSchema, expiresHeight: heightSchema })),
    closed: z.array(idSchema).max(motionsClosedListed),
  }),
);

export function readMotion(state: RecordReader, motionId: Id): Motion | null {
  return readRecord(state, `motion/${motionId}`, motionCodec);
}

export function motionRecord(motion: Motion): RecordWrite {
  invariant((motion.kind === 'policy') === (motion.policy !== null), 'a motion about the policy has one');
  invariant((motion.kind === 'policy') === (motion.member === null), 'every other motion is about a member');
  return [`motion/${motion.motionId}`, motionCodec.encode(motion)];
}

export function readMotionList(state: RecordReader): MotionList {
  return readRecord(state, motionListKey, motionListCodec) ?? { open: [], closed: [] };
}

export function motionListRecord(list: MotionList): RecordWrite {
  return [motionListKey, motionListCodec.encode(list)];
}

/** The list without these open motions, which are the newest of the closed ones now. */
export function withClosed(list: MotionList, motionIds: readonly Id[]): MotionList {
  return {
    open: list.open.filter((entry) => !motionIds.includes(entry.motionId)),
    closed: [...list.closed, ...motionIds].slice(-motionsClosedListed),
  };
}

export function motionStatus(motion: Motion, height: Height): MotionStatus {
  if (motion.outcome !== null) return motion.outcome;
  return height > motion.expiresHeight ? 'expired' : 'open';
}

/** Votes of those who are voters now; a quorum carries, and what no quorum can carry any more is rejected. */
export function outcomeOf(
  motion: Pick<Motion, 'approvals' | 'rejections'>,
  voters: VoterSet,
): Motion['outcome'] {
  const isVoter = (name: MemberName): boolean => voterIndexOf(voters, name) !== null;
  const voterCount = voters.voters.length;
  const quorum = quorumSize(voterCount);
  if (motion.approvals.filter(isVoter).length >= quorum) return 'carried';
  return motion.rejections.filter(isVoter).length > voterCount - quorum ? 'rejected' : null;
}
