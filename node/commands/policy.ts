/** `policy`: the rules in force, and how others are tried and put to the vote. A document is a JSON file, as `policy show` prints it. */
import { parseJson, readText } from '../home.ts';
import type { MethodParams } from '../rpc/contract.ts';
import { withClient } from './client.ts';
import { afterMotion } from './member.ts';
import { failed, relayed, type CommandContext, type CommandOutcome } from './outcome.ts';

const policyBytesMax = 65_536;

type PolicyJson = MethodParams<'policy_propose'>['policy'];

export async function showPolicy(context: CommandContext, version: number | null): Promise<CommandOutcome> {
  return withClient(context, async (call) => {
    const { policy, ...rest } = await call('policy_get', version === null ? {} : { version });
    // The document alone stands on stdout, so that it can be edited and proposed.
    return relayed(JSON.stringify(policy, null, 2).split('\n'), { policy, ...rest });
  });
}

export async function simulatePolicyFile(context: CommandContext, path: string): Promise<CommandOutcome> {
  return withDocument(path, async (policy) =>
    withClient(context, async (call) => {
      const result = await call('policy_simulate', { policy });
      const { changes, blocks, issues, reservations } = result;
      const lines = [
        ...changes.map(({ field, from, to }) => `${field}: ${from} -> ${to}`),
        `in the last ${blocks} blocks, of ${issues.examined} prescriptions and ${reservations.examined} reservations:`,
        `  ${issues.validityTooLong} valid too long, ${issues.rateExceeded} over the rate`,
        `  ${issues.reviewNewlyRequired} reviews more, ${issues.reviewNoLongerRequired} fewer; ${reservations.tooLong} reserved too long`,
      ];
      return relayed(lines, result);
    }),
  );
}

export async function proposePolicyFile(
  context: CommandContext,
  path: string,
  effectiveHeight: number | null,
): Promise<CommandOutcome> {
  return withDocument(path, async (policy) =>
    withClient(context, async (call) => {
      const when = effectiveHeight === null ? {} : { effectiveHeight };
      return afterMotion(call, await call('policy_propose', { policy, ...when }));
    }),
  );
}

async function withDocument(
  path: string,
  work: (policy: PolicyJson) => Promise<CommandOutcome>,
): Promise<CommandOutcome> {
  const text = readText(path, policyBytesMax);
  if (!text.ok) return failed('failure', text.refusal);
  const json = parseJson(text.value);
  if (json === undefined) {
    return failed('failure', { message: `${path} is not JSON`, hint: 'start from `rxledger policy show`' });
  }
  // The node checks the document, field by field.
  return work(json as PolicyJson);
}
