/** `rpc <method> [json]`: one call to the running node. */
import type { Json } from '../../protocol/json.ts';
import { parseJson } from '../home.ts';
import type { MethodName } from '../rpc/contract.ts';
import { withClient } from './client.ts';
import { answered, failed, type CommandContext, type CommandOutcome } from './outcome.ts';

export async function callMethod(
  context: CommandContext,
  method: string,
  paramsText: string,
): Promise<CommandOutcome> {
  const params = parseJson(paramsText);
  if (!isTable(params)) {
    const message = 'the parameters are not a JSON object';
    return failed('usage', { message, hint: `rxledger rpc ${method} '{"name":"value"}'` });
  }
  return withClient(context, async (call) => {
    // The node checks both; its answer to an unknown method has a hint of its own.
    const result = (await call(method as MethodName, params as never)) as Json;
    const isPending = isTable(result) && result['status'] === 'pending';
    return answered(JSON.stringify(result, null, 2).split('\n'), result, isPending ? 'outcomeUnknown' : 'ok');
  });
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
