/** A call to the running node of this home, over its unix socket; the socket's directory is the permission. */
import { existsSync } from 'node:fs';
import { readConfig } from '../config.ts';
import type { MethodName, MethodParams, MethodResult } from '../rpc/contract.ts';
import { failed, type CommandContext, type CommandOutcome } from './outcome.ts';

export type Call = <M extends MethodName>(method: M, params: MethodParams<M>) => Promise<MethodResult<M>>;

/** Runs `work` with a connection and closes it. What the node refuses becomes the command's failure, with the node's own hint. */
export async function withClient(
  context: CommandContext,
  work: (call: Call) => Promise<CommandOutcome>,
): Promise<CommandOutcome> {
  const loaded = readConfig(context.home, context.environment, {});
  if (!loaded.ok) return failed('configuration', loaded.refusal);
  const { socket } = loaded.value.config.rpc;
  const notRunning = {
    message: `no node answers at ${socket}`,
    hint: `run \`rxledger start --home ${context.home}\``,
  };
  if (!existsSync(socket)) return failed('notReady', notRunning);
  const { connect, RpcError } = await import('../rpc/client.ts');
  const client = connect({ socketPath: socket });
  try {
    return await work((method, params) => client.call(method, params));
  } catch (error) {
    if (error instanceof RpcError) {
      const hint = error.data?.hint ?? 'look at the log of the node';
      return failed('failure', { message: error.message, hint });
    }
    const cause = error instanceof Error ? error.cause : null;
    const code = cause instanceof Error && 'code' in cause ? cause.code : null;
    if (code === 'ECONNREFUSED' || code === 'ENOENT') return failed('notReady', notRunning);
    throw error;
  } finally {
    client.close();
  }
}
