/** `status`: five lines about the running node, the last of which says in one sentence what is wrong, when something is. */
import type { MethodResult } from '../rpc/contract.ts';
import { withClient } from './client.ts';
import { answered, type CommandContext, type CommandOutcome } from './outcome.ts';

/** Exit code 3 while the node cannot take a prescription. */
export async function showStatus(context: CommandContext): Promise<CommandOutcome> {
  return withClient(context, async (call) => {
    const status = await call('node_status', {});
    const health = await call('node_health', {});
    return describeStatus(status, health);
  });
}

export function describeStatus(
  status: MethodResult<'node_status'>,
  health: MethodResult<'node_health'>,
): CommandOutcome {
  const { ok: isReady, reasons } = health.ready;
  const sentence = status.sentence ?? reasons[0] ?? null;
  const standing = status.isVoter ? 'voter' : 'observer';
  const missing = status.missing.length === 0 ? '' : `; not heard: ${status.missing.join(', ')}`;
  const readiness = isReady ? 'ready' : 'not ready';
  const lines = [
    `member   ${status.name} (${status.roles.join(', ')}; ${standing})`,
    `ledger   height ${status.height}, view ${status.view}, leader ${status.leader ?? 'none'}`,
    `peers    ${status.peerCount} connected${missing}`,
    `waiting  ${status.mempoolCount} transactions`,
    sentence === null ? readiness : `${readiness}: ${sentence}`,
  ];
  return answered(lines, { ...status, isReady, reasons }, isReady ? 'ok' : 'notReady');
}
