/** `member`: thin clients of the running node's methods. n, f and q stand before and after whatever changes the voters. */
import { unreachable } from '../../protocol/invariant.ts';
import { memberRoles, type MemberRole } from '../../protocol/member.ts';
import { memberChanges, type MemberChange } from '../../protocol/motion.ts';
import type { WriteResult } from '../rpc/contract.ts';
import type { MotionView, VotersView } from '../rpc/governanceContract.ts';
import { withClient, type Call } from './client.ts';
import { failed, relayed, type CommandContext, type CommandOutcome } from './outcome.ts';

export async function listMembers(context: CommandContext): Promise<CommandOutcome> {
  return withClient(context, async (call) => {
    const list = await call('member_list', {});
    const lines = list.items.map(({ name, roles, status, isVoter, marks }) => {
      const standing = status === 'active' ? (isVoter ? 'voter' : 'observer') : status;
      const marked = marks.length === 0 ? '' : `  MARKED: ${marks.length} proven equivocations`;
      return `${name.padEnd(24)} ${standing.padEnd(10)} ${roles.join(', ')}${marked}`;
    });
    return relayed([...lines, `epoch ${list.epoch}: ${votersLine(list.voters)}`], list);
  });
}

export async function showMember(context: CommandContext, name: string): Promise<CommandOutcome> {
  return withClient(context, async (call) => {
    const { member } = await call('member_get', { name });
    return relayed(JSON.stringify(member, null, 2).split('\n'), member);
  });
}

export async function inviteMember(
  context: CommandContext,
  name: string,
  roles: readonly string[],
): Promise<CommandOutcome> {
  const known = memberRoles.filter((role): role is MemberRole => roles.includes(role));
  if (known.length === 0 || known.length !== roles.length) {
    const hint = `use --roles with one or more of ${memberRoles.join(', ')}`;
    return failed('usage', { message: 'unknown member role', hint });
  }
  return withClient(context, async (call) => {
    const ticket = await call('member_invite', { name, roles: known });
    // The ticket is the data of this command, so it is what stands on stdout, whatever the format.
    return relayed(JSON.stringify(ticket, null, 2).split('\n'), ticket);
  });
}

/** `transaction` is what `member accept` printed at the newcomer. */
export async function joinMember(context: CommandContext, transaction: string): Promise<CommandOutcome> {
  return withClient(context, async (call) =>
    afterMotion(call, await call('member_join', { transaction: transaction.trim() })),
  );
}

export async function sayReady(context: CommandContext): Promise<CommandOutcome> {
  return withClient(context, async (call) => outcomeOf(await call('member_ready', {}), []));
}

export interface ProposeFlags {
  readonly change: string;
  readonly member: string;
  readonly isForced: boolean;
}

export async function proposeChange(context: CommandContext, flags: ProposeFlags): Promise<CommandOutcome> {
  const change = memberChanges.find((known): known is MemberChange => known === flags.change);
  if (change === undefined) {
    const hint = `use one of ${memberChanges.join(', ')}`;
    return failed('usage', { message: `${flags.change} is no change of a member`, hint });
  }
  const { member, isForced } = flags;
  return withClient(context, async (call) =>
    afterMotion(call, await call('member_propose', { change, member, isForced })),
  );
}

export async function voteOnMotion(
  context: CommandContext,
  motionId: string,
  approve: boolean,
): Promise<CommandOutcome> {
  return withClient(context, async (call) => {
    const { motion } = await call('motion_get', { motionId });
    const method = motion.kind === 'policy' ? 'policy_vote' : 'member_vote';
    return afterMotion(call, { ...(await call(method, { motionId, approve })), motionId });
  });
}

export async function listMotions(context: CommandContext): Promise<CommandOutcome> {
  return withClient(context, async (call) => {
    const list = await call('motion_list', {});
    return relayed(list.items.map(motionLine), list);
  });
}

/** The write's answer, and below it how the motion stands. */
export async function afterMotion(
  call: Call,
  result: Pick<WriteResult, 'status' | 'code' | 'hint' | 'txId'> & { readonly motionId: string },
): Promise<CommandOutcome> {
  if (result.status !== 'committed') return outcomeOf(result, []);
  const { motion } = await call('motion_get', { motionId: result.motionId });
  const voters = [
    `voters now   ${votersLine(motion.votersNow)}`,
    `voters then  ${votersLine(motion.votersThen)}`,
  ];
  return outcomeOf({ ...result, motion }, [motionLine(motion), ...voters]);
}

/** A write's answer as a command's: what the ledger refused is a failure, with what to try. */
function outcomeOf(
  result: Pick<WriteResult, 'status' | 'code' | 'hint' | 'txId'> & { readonly motion?: MotionView },
  lines: readonly string[],
): CommandOutcome {
  switch (result.status) {
    case 'committed':
      return relayed([`committed    ${result.txId}`, ...lines], result);
    case 'refused':
      return failed('failure', {
        message: `the ledger refused it: ${result.code ?? ''}`,
        hint: result.hint ?? 'look at the receipt with `rxledger rpc tx_get`',
      });
    case 'expired':
    case 'pending':
    case 'unknown':
      return failed('outcomeUnknown', {
        message: `the outcome is not known yet (${result.status})`,
        hint: `rxledger rpc tx_status '{"txId":"${result.txId}"}'`,
      });
    default:
      return unreachable(result.status);
  }
}

function motionLine({
  motionId,
  kind,
  member,
  status,
  approvals,
  rejections,
  votersNow,
}: MotionView): string {
  const about = member ?? 'the rules';
  return `${motionId} ${kind} ${about}: ${status}, ${approvals.length} for and ${rejections.length} against, ${votersNow.q} needed`;
}

function votersLine({ n, f, q, names }: VotersView): string {
  return `n=${n} f=${f} q=${q} (${names.join(', ')})`;
}
