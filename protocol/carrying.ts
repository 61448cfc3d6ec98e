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
 * The records that a carried motion changes, on the state with the vote that carries it. Refusals: those of `checkApplicable`; `policyPending`; of a change of the voters
 * `voterSetPending`, `votersTooFew`, `tooLarge` (voters), `notReady` (of who joins), `votersSilent`.
 */
export function carry(context: Context, motion: Motion): Result<readonly RecordChange[]> {
  const applicable = checkApplicable(context.state, motion);
  if (!applicable.ok) return applicable;
  if (motion.kind === 'policy') return carryPolicy(context, motion);
  const name = present(motion.member, 'a motion about a member names one');
  const member = present(readMember(context.state, name), 'the member was there a moment ago');
  switch (motion.kind) {
    case 'admit':
    case 'reinstate':
      return accepted(memberRecords({ ...member, status: 'active' }));
    case 'promote':
      return promote(context, motion, member);
    case 'demote':
      return withoutVoter(context, motion, member);
    case 'suspend':
      return leaveAs(context, motion, { ...member, status: 'suspended' });
    case 'remove':
      return leaveAs(context, motion, { ...member, status: 'left' });
    case 'rotate':
      return rotate(context, motion, member);
    default:
      return unreachable(motion.kind);
  }
}

/** A policy never judges what came before it: it takes effect at the next height at the earliest. */
function carryPolicy({ state, height }: Context, motion: Motion): Result<readonly RecordChange[]> {
  if (waitingPolicy(state) !== null) return refused('policyPending');
  const policy = present(motion.policy, 'a motion about the policy has one');
  const effectiveHeight = Math.max(motion.effectiveHeight ?? 0, height + 1) as Height;
  return accepted(schedulePolicy({ policy, effectiveHeight }));
}

/** A joining voter is an observer that was in step with the chain a short time ago, by its own word. */
function promote(context: Context, motion: Motion, member: Member): Result<readonly RecordChange[]> {
  const { state, timeMs, height } = context;
  const { readyMs, readyHeight } = readStanding(state, member.name);
  if (!isRecent(readyMs, timeMs)) return refused('notReady');
  invariant(readyHeight !== null && readyHeight <= height, 'a READY names a height that has passed');
  const { voters } = currentVoterSet(state);
  const joining = { name: member.name, consensusKey: member.consensusKey };
  return nextVoters(context, motion, [...voters, joining]);
}

/** Who is no voter leaves the voters as they are. */
function withoutVoter(context: Context, motion: Motion, { name }: Member): Result<readonly RecordChange[]> {
  const { voters } = currentVoterSet(context.state);
  const rest = voters.filter((voter) => voter.name !== name);
  return rest.length === voters.length ? accepted([]) : nextVoters(context, motion, rest);
}

function leaveAs(context: Context, motion: Motion, member: Member): Result<readonly RecordChange[]> {
  const voters = withoutVoter(context, motion, member);
  return voters.ok ? accepted([...memberRecords(member), ...voters.value]) : voters;
}

/** A voter votes under its new consensus key from the next epoch on; batches are good under the old one for as long as it is the last. */
function rotate(context: Context, motion: Motion, member: Member): Result<readonly RecordChange[]> {
  const keys = present(motion.keys, 'a rotation has keys');
  const records: RecordChange[] = [...memberRecords({ ...member, ...keys })];
  if (keys.consensusKey === member.consensusKey) return accepted(records);
  const standing = readStanding(context.state, member.name);
  records.push(standingRecord(member.name, { ...standing, previousConsensusKey: member.consensusKey }));
  const { voters } = currentVoterSet(context.state);
  if (!voters.some((voter) => voter.name === member.name)) return accepted(records);
  const rotated = voters.map((voter) =>
    voter.name === member.name ? { ...voter, consensusKey: keys.consensusKey } : voter,
  );
  const next = nextVoters(context, motion, rotated);
  return next.ok ? accepted([...records, ...next.value]) : next;
}

/** The set of the next epoch, for the next block to close this one with. */
function nextVoters(
  context: Context,
  motion: Motion,
  voters: readonly Voter[],
): Result<readonly RecordChange[]> {
  const { state, timeMs } = context;
  if (pendingVoterSet(state) !== null) return refused('voterSetPending');
  if (voters.length === 0 || (voters.length < votersMin && !motion.isForced)) return refused('votersTooFew');
  if (voters.length > votersMax) return refused('tooLarge', 'voters');
  const heard = voters.filter(({ name }) => isRecent(readStanding(state, name).heardMs, timeMs));
  if (heard.length < quorumSize(voters.length)) return refused('votersSilent');
  const epoch = (currentVoterSet(state).epoch + 1) as Epoch;
  return accepted([[pendingVoterSetKey, voterSetCodec.encode({ epoch, voters })]]);
}

/** True iff a READY of this height says something: it has passed, and not long ago. */
export function isReadyHeight(readyHeight: Height, height: Height): boolean {
  return readyHeight < height && readyHeight >= height - readyHeightsMax;
}
