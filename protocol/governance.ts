/** Members join, rotate their keys and say that they are ready, and open motions about members and policy. */
import * as z from 'zod';
import { authoriseKeys, type Context } from './authorisation.ts';
import type { Height, Id, MemberName } from './brand.ts';
import { checkApplicable, isReadyHeight, newKeys } from './carrying.ts';
import { heightSchema, idSchema, nameSchema } from './codec.ts';
import { membersMax, ticketMsMax } from './limits.ts';
import { memberKeysSchema, type MemberKeys } from './member.ts';
import {
  keysOf,
  memberNames,
  memberNamesRecord,
  memberOfKey,
  memberRecords,
  readMember,
} from './membership.ts';
import { memberChanges, type MemberChange } from './motion.ts';
import { policySchema, type Policy } from './policy.ts';
import { applied, withChanges, type Applied } from './record.ts';
import { accepted, refused, type Result } from './result.ts';
import { readStanding, standingRecord } from './standing.ts';
import { ticketSchema, type Ticket } from './ticket.ts';
import { authoriseAdmin, openMotion, type MotionOrder } from './voting.ts';

/** `member.join`, through the inviter, signed by the newcomer's network, consensus and admin key: so it has all three. */
export interface JoinBody {
  readonly ticket: Ticket;
  readonly keys: MemberKeys;
}

/** `member.rotate`, signed by the admin key of the transaction's member, and by each new key that can sign. */
export interface RotateBody {
  readonly motionId: Id;
  readonly expiresHeight: Height;
  /** Whose keys; another member may ask for one that lost its own. */
  readonly member: MemberName;
  /** All four, the new and the kept. */
  readonly keys: MemberKeys;
}

/** `member.ready`, signed by the member's admin key: its node is in step with the chain. */
export interface ReadyBody {
  /** Of its newest final block. */
  readonly height: Height;
}

/** `member.propose`, signed by the admin key of any active member. */
export interface ProposeBody {
  readonly motionId: Id;
  readonly expiresHeight: Height;
  readonly change: MemberChange;
  readonly member: MemberName;
  /** Allows fewer than four voters. */
  readonly isForced: boolean;
}

/** `policy.propose`, signed by the admin key of any active member. */
export interface ProposePolicyBody {
  readonly motionId: Id;
  readonly expiresHeight: Height;
  /** The whole document; its version is the next number. */
  readonly policy: Policy;
  /** Takes effect then, or at the height after the vote if that is later. */
  readonly effectiveHeight: Height;
}

const motionShape = { motionId: idSchema, expiresHeight: heightSchema };

export const joinBodySchema: z.ZodType<JoinBody> = z.strictObject({
  ticket: ticketSchema,
  keys: memberKeysSchema,
});

export const rotateBodySchema: z.ZodType<RotateBody> = z.strictObject({
  ...motionShape,
  member: nameSchema,
  keys: memberKeysSchema,
});

export const readyBodySchema: z.ZodType<ReadyBody> = z.strictObject({ height: heightSchema });

export const proposeBodySchema: z.ZodType<ProposeBody> = z.strictObject({
  ...motionShape,
  change: z.enum(memberChanges),
  member: nameSchema,
  isForced: z.boolean(),
});

export const proposePolicyBodySchema: z.ZodType<ProposePolicyBody> = z.strictObject({
  ...motionShape,
  policy: policySchema,
  effectiveHeight: heightSchema,
});

/**
 * The newcomer is written down as proposed, and its admission is put to the vote. The ticket's signature was checked with the
 * transaction's. Refusals: `wrongSigners`, `notPermitted` (through another member than the inviter), `ticketInvalid` (not the
 * inviter's key, or not its time), those of `openMotion`, `memberExists` (name or key), `tooLarge` (members).
 */
export function join(context: Context, body: JoinBody): Result<Applied> {
  const { state, timeMs } = context;
  const { ticket, keys } = body;
  const { motionId, expiresHeight, name, roles } = ticket;
  const signed = authoriseKeys(context, [keys.networkKey, keys.consensusKey, keys.adminKey]);
  if (!signed.ok) return signed;
  if (ticket.inviter !== context.member) return refused('notPermitted');
  if (readMember(state, ticket.inviter)?.adminKey !== ticket.key) return refused('ticketInvalid', 'key');
  if (ticket.until < timeMs || ticket.until > timeMs + ticketMsMax) return refused('ticketInvalid', 'until');
  const opened = openMotion(context, { motionId, kind: 'admit', member: name, expiresHeight });
  if (!opened.ok) return opened;
  // The opening has put away who was proposed before and not admitted in time: the name may be free again.
  const swept = withChanges(state, opened.value);
  if (readMember(swept, name) !== null) return refused('memberExists', 'name');
  const isKeyTaken = keysOf(keys).some((key) => memberOfKey(swept, key) !== null);
  if (isKeyTaken || new Set(keysOf(keys)).size !== keysOf(keys).length)
    return refused('memberExists', 'keys');
  const names = memberNames(swept);
  if (names.length >= membersMax) return refused('tooLarge', 'members');
  const newcomer = memberRecords({ name, roles, status: 'proposed', ...keys });
  return accepted(applied([motionId], [...opened.value, ...newcomer, memberNamesRecord([...names, name])]));
}

/** Refusals: `memberUnknown`, `memberNotActive`, `changeNotApplicable`, `memberExists` (keys), `wrongSigners`, those of `openMotion`. */
export function rotate(context: Context, body: RotateBody): Result<Applied> {
  const { motionId, expiresHeight, member, keys } = body;
  const before = readMember(context.state, member);
  if (before === null) return refused('memberUnknown');
  // An X25519 key cannot sign: the other signatures vouch for it.
  const proven = newKeys(before, keys).filter((key) => key !== keys.sealingKey);
  const signed = authoriseAdmin(context, proven);
  if (!signed.ok) return signed;
  return open(context, { motionId, kind: 'rotate', member, keys, expiresHeight });
}

/** Refusals: `wrongSigners`, `notReady` (of a height that is to come, or long past). */
export function ready(context: Context, body: ReadyBody): Result<Applied> {
  const { state, member, height, timeMs } = context;
  const signed = authoriseAdmin(context);
  if (!signed.ok) return signed;
  if (!isReadyHeight(body.height, height)) return refused('notReady', 'height');
  const standing = readStanding(state, member);
  const heard = { readyMs: timeMs, readyHeight: body.height, heardMs: timeMs };
  return accepted(applied([], [standingRecord(member, { ...standing, ...heard })]));
}

/** Refusals: `wrongSigners`, those of `checkApplicable` and of `openMotion`. */
export function propose(context: Context, body: ProposeBody): Result<Applied> {
  const signed = authoriseAdmin(context);
  if (!signed.ok) return signed;
  const { motionId, expiresHeight, change, member, isForced } = body;
  return open(context, { motionId, kind: change, member, isForced, expiresHeight });
}

/** Refusals: `wrongSigners`, `policyVersionWrong`, those of `openMotion`. */
export function proposePolicy(context: Context, body: ProposePolicyBody): Result<Applied> {
  const signed = authoriseAdmin(context);
  if (!signed.ok) return signed;
  const { motionId, expiresHeight, policy, effectiveHeight } = body;
  return open(context, { motionId, kind: 'policy', policy, effectiveHeight, expiresHeight });
}

function open(context: Context, order: MotionOrder): Result<Applied> {
  const { kind, member = null, keys = null, policy = null } = order;
  const applicable = checkApplicable(context.state, { kind, member, keys, policy });
  if (!applicable.ok) return applicable;
  const opened = openMotion(context, order);
  return opened.ok ? accepted(applied([order.motionId], opened.value)) : opened;
}
