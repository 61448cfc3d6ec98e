/** Opening motions and voting on them. The vote that makes a quorum also does what the motion says, in the same transaction. */
import * as z from 'zod';
import { authoriseKeys, type Context } from './authorisation.ts';
import type { Height, Id, MemberName, PublicKey } from './brand.ts';
import { carry } from './carrying.ts';
import { idSchema } from './codec.ts';
import { invariant, present } from './invariant.ts';
import { motionHeightsMax, motionsOpenPerMemberMax, motionsSweptMax } from './limits.ts';
import { voterIndexOf } from './member.ts';
import { forgottenMembers, requireMember } from './membership.ts';
import {
  motionListRecord,
  motionRecord,
  motionStatus,
  outcomeOf,
  readMotion,
  readMotionList,
  withClosed,
  type Motion,
  type MotionList,
} from './motion.ts';
import { applied, withChanges, type Applied, type RecordChange, type RecordReader } from './record.ts';
import { accepted, refused, type Result } from './result.ts';
import { readStanding, standingRecord } from './standing.ts';
import { currentVoterSet } from './voterSet.ts';

/** `member.vote` and `policy.vote`, signed by the admin key of a voter. A vote is not changed afterwards. */
export interface VoteBody {
  readonly motionId: Id;
  readonly approve: boolean;
}

export const voteBodySchema: z.ZodType<VoteBody> = z.strictObject({
  motionId: idSchema,
  approve: z.boolean(),
});

/** What the opener says of a motion; a field that its kind has no use for is left out. */
export type MotionOrder = Pick<Motion, 'motionId' | 'kind' | 'expiresHeight'> &
  Partial<Pick<Motion, 'member' | 'keys' | 'policy' | 'effectiveHeight' | 'isForced'>>;

/** The transaction's member by its admin key, and these keys besides. Refusals: `memberUnknown`, `memberNotActive`, `wrongSigners`. */
export function authoriseAdmin(context: Context, others: readonly PublicKey[] = []): Result<unknown> {
  const member = requireMember(context.state, context.member, null);
  return member.ok ? authoriseKeys(context, [member.value.adminKey, ...others]) : member;
}

/**
 * A motion without a vote. Refusals: `motionExists`, `expiryInvalid` (not in the future, or too far), `tooLarge` (four are open
 * that this member opened).
 */
export function openMotion(context: Context, order: MotionOrder): Result<readonly RecordChange[]> {
  const { state, member, height } = context;
  if (readMotion(state, order.motionId) !== null) return refused('motionExists');
  if (order.expiresHeight <= height) return refused('expiryInvalid', 'expiresHeight');
  if (order.expiresHeight > height + motionHeightsMax) return refused('expiryInvalid', 'expiresHeight');
  const own = readMotionList(state).open.filter(
    (entry) => entry.openedBy === member && entry.expiresHeight >= height,
  );
  if (own.length >= motionsOpenPerMemberMax) return refused('tooLarge', 'motions');
  return accepted(openedMotion(context, order));
}

/** As `openMotion`, for who has the right to it without a bound: the ledger itself. */
export function openedMotion(context: Context, order: MotionOrder): readonly RecordChange[] {
  const { state, member, height } = context;
  invariant(readMotion(state, order.motionId) === null, 'a motion is opened once');
  const motion: Motion = {
    motionId: order.motionId,
    kind: order.kind,
    openedBy: member,
    openedHeight: height,
    expiresHeight: order.expiresHeight,
    member: order.member ?? null,
    keys: order.keys ?? null,
    policy: order.policy ?? null,
    effectiveHeight: order.effectiveHeight ?? null,
    isForced: order.isForced ?? false,
    approvals: [],
    rejections: [],
    outcome: null,
    decidedHeight: null,
  };
  const { list, forgotten } = sweep(state, height);
  const { motionId, openedBy, expiresHeight } = motion;
  const open = [...list.open, { motionId, openedBy, expiresHeight }];
  return [...forgotten, motionRecord(motion), motionListRecord({ ...list, open })];
}

/** Motions whose height has passed are put away, some at each opening; who was not admitted in time is forgotten. */
function sweep(
  state: RecordReader,
  height: Height,
): { readonly list: MotionList; readonly forgotten: readonly RecordChange[] } {
  const list = readMotionList(state);
  const expired = list.open.filter((entry) => height > entry.expiresHeight).slice(0, motionsSweptMax);
  const motionIds = expired.map((entry) => entry.motionId);
  const motions = motionIds.map((id) => present(readMotion(state, id), 'a listed motion is there'));
  return { list: withClosed(list, motionIds), forgotten: forgottenBy(state, motions) };
}

/**
 * Refusals: `motionUnknown`, `wrongSigners`, `notAVoter`, `motionClosed` (decided or expired), `alreadyVoted`; of the vote that makes
 * a quorum also those of `carry`: then the vote does not count, and may come again when what stands in its way is gone.
 */
export function castVote(context: Context, body: VoteBody, about: 'member' | 'policy'): Result<Applied> {
  const { state, member, height } = context;
  const motion = readMotion(state, body.motionId);
  if (motion === null || (motion.kind === 'policy') !== (about === 'policy')) return refused('motionUnknown');
  const signed = authoriseAdmin(context);
  if (!signed.ok) return signed;
  const voters = currentVoterSet(state);
  if (voterIndexOf(voters, member) === null) return refused('notAVoter');
  if (motionStatus(motion, height) !== 'open') return refused('motionClosed');
  if (motion.approvals.includes(member) || motion.rejections.includes(member)) return refused('alreadyVoted');
  const counted = withVote(motion, member, body.approve);
  const outcome = outcomeOf(counted, voters);
  const heard = standingRecord(member, { ...readStanding(state, member), heardMs: context.timeMs });
  if (outcome === null) return accepted(applied([body.motionId], [heard, motionRecord(counted)]));
  const decided: Motion = { ...counted, outcome, decidedHeight: height };
  const after = { ...context, state: withChanges(state, [heard]) };
  const effect = outcome === 'carried' ? carry(after, decided) : accepted(forgottenBy(state, [decided]));
  if (!effect.ok) return effect;
  const list = withClosed(readMotionList(state), [decided.motionId]);
  const writes = [heard, motionRecord(decided), motionListRecord(list), ...effect.value];
  return accepted(applied([body.motionId], writes));
}

function withVote(motion: Motion, member: MemberName, isApproval: boolean): Motion {
  if (isApproval) return { ...motion, approvals: [...motion.approvals, member] };
  return { ...motion, rejections: [...motion.rejections, member] };
}

/** Proposed members of admissions that came to nothing go without a trace: their names and keys are free again. */
function forgottenBy(state: RecordReader, motions: readonly Motion[]): readonly RecordChange[] {
  const names = motions.flatMap(({ kind, member }) => (kind === 'admit' && member !== null ? [member] : []));
  return forgottenMembers(state, names);
}
