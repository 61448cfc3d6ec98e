/** What a carried motion does, and what may still stand in its way: guards that keep the consortium able to decide (rules §5). */
import type { Context } from './authorisation.ts';
import type { Epoch, Height } from './brand.ts';
import { quorumSize } from './certificate.ts';
import { invariant, present, unreachable } from './invariant.ts';
import { readyHeightsMax, votersMax, votersMin } from './limits.ts';
import { voterIndexOf, type Member, type MemberKeys, type Voter } from './member.ts';
import { keysOf, memberOfKey, memberRecords, readMember } from './membership.ts';
import type { Motion } from './motion.ts';
import { readPolicy, schedulePolicy, waitingPolicy } from './policy.ts';
import type { RecordChange, RecordReader } from './record.ts';
import { accepted, refused, type Result } from './result.ts';
import { isRecent, readStanding, standingRecord } from './standing.ts';
import { currentVoterSet, pendingVoterSet, pendingVoterSetKey, voterSetCodec } from './voterSet.ts';

/** What a motion asks for, before it has votes. */
export type Change = Pick<Motion, 'kind' | 'member' | 'keys' | 'policy'>;

/**
 * Whether the change would change anything, as things stand: asked when a motion is opened, and again when it is carried.
 * Refusals: `memberUnknown`, `memberNotActive`, `changeNotApplicable`, `memberExists` (keys), `policyVersionWrong`.
 */
export function checkApplicable(state: RecordReader, change: Change): Result<null> {
  if (change.kind === 'policy') return checkPolicy(state, change);
  const name = present(change.member, 'a motion about a member names one');
  const member = readMember(state, name);
  if (member === null) return refused('memberUnknown');
  const isVoter = voterIndexOf(currentVoterSet(state), name) !== null;
  switch (change.kind) {
    case 'admit':
      return applicableIf(member.status === 'proposed');
    case 'promote':
      if (member.status !== 'active') return refused('memberNotActive');
      return applicableIf(!isVoter);
    case 'demote':
      return applicableIf(isVoter);
    case 'suspend':
      return applicableIf(member.status === 'active');
    case 'reinstate':
      return applicableIf(member.status === 'suspended');
    case 'remove':
      return applicableIf(member.status === 'active' || member.status === 'suspended');
    case 'rotate':
      return checkRotation(state, member, present(change.keys, 'a rotation has keys'));
    default:
      return unreachable(change.kind);
  }
}

function applicableIf(isApplicable: boolean): Result<null> {
  return isApplicable ? accepted(null) : refused('changeNotApplicable');
}

function checkPolicy(state: RecordReader, { policy }: Change): Result<null> {
  const next = present(policy, 'a motion about the policy has one');
  return next.version === readPolicy(state).version + 1 ? accepted(null) : refused('policyVersionWrong');
}

function checkRotation(state: RecordReader, member: Member, keys: MemberKeys): Result<null> {
  if (member.status !== 'active') return refused('memberNotActive');
  const fresh = newKeys(member, keys);
  if (fresh.length === 0) return refused('changeNotApplicable');
  if (new Set(keysOf(keys)).size !== keysOf(keys).length) return refused('memberExists', 'keys');
  // A key that was this member's once is gone for good: whoever retired it had a reason.
  const isTaken = fresh.some((key) => memberOfKey(state, key) !== null);
  return isTaken ? refused('memberExists', 'keys') : accepted(null);
}

/** Those that the member does not have yet, in the order of the record. */
export function newKeys(before: MemberKeys, after: MemberKeys): readonly MemberKeys['adminKey'][] {
  const known = keysOf(before);
  return keysOf(after).filter((key) => !known.includes(key));
}

/**
 * The voters as the change would leave them, or null if it leaves them as they are. For a change that applies; what is good for
 * the consortium is not asked here.
 */
export function votersAfter(state: RecordReader, change: Change): readonly Voter[] | null {
  const { voters } = currentVoterSet(state);
  const name = change.member;
  const isVoter = voters.some((voter) => voter.name === name);
  switch (change.kind) {
    case 'promote': {
      const member = name === null ? null : readMember(state, name);
      if (member === null || isVoter) return null;
      return [...voters, { name: member.name, consensusKey: member.consensusKey }];
    }
    case 'demote':
    case 'suspend':
    case 'remove':
      return isVoter ? voters.filter((voter) => voter.name !== name) : null;
    case 'rotate': {
      const consensusKey = change.keys?.consensusKey ?? null;
      const before = voters.find((voter) => voter.name === name) ?? null;
      if (before === null || consensusKey === null || before.consensusKey === consensusKey) return null;
      return voters.map((voter) => (voter === before ? { ...voter, consensusKey } : voter));
    }
    case 'admit':
    case 'reinstate':
    case 'policy':
      return null;
    default:
      return unreachable(change.kind);
  }
}

/**
 * The records that a carried motion changes, on the state with the vote that carries it. Refusals: those of `checkApplicable`;
 * `policyPending`; of a change of the voters `notReady` (of who joins), `voterSetPending`, `votersTooFew`, `tooLarge` (voters),
 * `votersSilent`.
 */
export function carry(context: Context, motion: Motion): Result<readonly RecordChange[]> {
  const { state } = context;
  const applicable = checkApplicable(state, motion);
  if (!applicable.ok) return applicable;
  if (motion.kind === 'policy') return carryPolicy(context, motion);
  const name = present(motion.member, 'a motion about a member names one');
  const member = present(readMember(state, name), 'the member was there a moment ago');
  if (motion.kind === 'promote' && !isRecent(readStanding(state, name).readyMs, context.timeMs))
    return refused('notReady');
  const records = memberChange(state, motion, member);
  const voters = votersAfter(state, motion);
  if (voters === null) return accepted(records);
  const next = nextVoters(context, motion, voters);
  return next.ok ? accepted([...records, ...next.value]) : next;
}

/** A policy never judges what came before it: it takes effect at the next height at the earliest. */
function carryPolicy({ state, height }: Context, motion: Motion): Result<readonly RecordChange[]> {
  if (waitingPolicy(state) !== null) return refused('policyPending');
  const policy = present(motion.policy, 'a motion about the policy has one');
  const effectiveHeight = Math.max(motion.effectiveHeight ?? 0, height + 1) as Height;
  return accepted(schedulePolicy({ policy, effectiveHeight }));
}

/** What becomes of the member's own records; a change of the voters alone leaves them. */
function memberChange(state: RecordReader, motion: Motion, member: Member): readonly RecordChange[] {
  switch (motion.kind) {
    case 'admit':
    case 'reinstate':
      return memberRecords({ ...member, status: 'active' });
    case 'suspend':
      return memberRecords({ ...member, status: 'suspended' });
    case 'remove':
      return memberRecords({ ...member, status: 'left' });
    case 'rotate':
      return rotated(state, member, present(motion.keys, 'a rotation has keys'));
    case 'promote':
    case 'demote':
    case 'policy':
      return [];
    default:
      return unreachable(motion.kind);
  }
}

/** The consensus key before is remembered: batches under it may be on their way. */
function rotated(state: RecordReader, member: Member, keys: MemberKeys): readonly RecordChange[] {
  const records = memberRecords({ ...member, ...keys });
  if (keys.consensusKey === member.consensusKey) return records;
  const standing = readStanding(state, member.name);
  const remembered = { ...standing, previousConsensusKey: member.consensusKey };
  return [...records, standingRecord(member.name, remembered)];
}

/** The set of the next epoch, for the next block to close this one with. */
function nextVoters(
  { state, timeMs }: Context,
  { isForced }: Motion,
  voters: readonly Voter[],
): Result<readonly RecordChange[]> {
  if (pendingVoterSet(state) !== null) return refused('voterSetPending');
  if (voters.length === 0 || (voters.length < votersMin && !isForced)) return refused('votersTooFew');
  if (voters.length > votersMax) return refused('tooLarge', 'voters');
  const heard = voters.filter(({ name }) => isRecent(readStanding(state, name).heardMs, timeMs));
  if (heard.length < quorumSize(voters.length)) return refused('votersSilent');
  const current = currentVoterSet(state);
  invariant(new Set(voters.map(({ name }) => name)).size === voters.length, 'a voter stands once in a set');
  const epoch = (current.epoch + 1) as Epoch;
  return accepted([[pendingVoterSetKey, voterSetCodec.encode({ epoch, voters })]]);
}

/** True iff a READY of this height says something: it has passed, and not long ago. */
export function isReadyHeight(readyHeight: Height, height: Height): boolean {
  return readyHeight < height && readyHeight >= height - readyHeightsMax;
}
