/** The rules: which are in force, what others would have changed, and how they are voted in. */
import * as z from 'zod';
import type { Height } from '../../../protocol/brand.ts';
import { heightSchema } from '../../../protocol/codec.ts';
import {
  policySchema,
  policyVersion,
  readPolicy,
  waitingPolicy,
  type PolicyVersion,
} from '../../../protocol/policy.ts';
import { accepted } from '../../../protocol/result.ts';
import { fault } from '../errors.ts';
import type { PolicyVersionView } from '../governanceContract.ts';
import { jsonSchema, toJson } from '../json.ts';
import { simulatedBlocksDefault, simulatedBlocksMax } from '../limits.ts';
import { method, type Method } from '../method.ts';
import { simulatePolicy } from '../policySimulation.ts';
import { writeResultSchema } from '../resultSchemas.ts';
import { writeShape } from '../write.ts';
import { motionShape, voteParams, writeAsAdmin, writeMotion } from './governance.ts';

function versionView({ policy, effectiveHeight }: PolicyVersion): PolicyVersionView {
  return { policy: toJson(policySchema, policy), effectiveHeight };
}

const get = method('policy_get', {
  summary:
    'The rules in force (or those of a version that a receipt names), and those that wait for their height.',
  params: z.strictObject({ version: z.int().min(1).nullable().default(null) }),
  handle: ({ version }, { ports }) => {
    const state = ports.ledger.state();
    const found = policyVersion(state, version ?? readPolicy(state).version);
    if (found === null) return fault('notFound', 'version');
    const waiting = waitingPolicy(state);
    return accepted({
      ...versionView(found),
      asOfHeight: ports.ledger.height(),
      waiting: waiting === null ? null : versionView(waiting),
    });
  },
});

const propose = method('policy_propose', {
  summary: 'Moves to put a whole policy document in force, under the next version number, from a height on.',
  params: z.strictObject({
    ...writeShape,
    ...motionShape,
    policy: jsonSchema(policySchema),
    effectiveHeight: heightSchema.nullable().default(null),
  }),
  result: writeResultSchema,
  handle: (params, context) => {
    const { policy } = params;
    const effectiveHeight = params.effectiveHeight ?? (0 as Height);
    return writeMotion(context, { method: 'policy_propose', params }, (motion) => ({
      kind: 'policy.propose',
      body: { ...motion, policy, effectiveHeight },
    }));
  },
});

const simulate = method('policy_simulate', {
  summary:
    'What a policy would change: its fields against those in force, and what it would have refused in the latest blocks.',
  params: z.strictObject({
    policy: jsonSchema(policySchema),
    blocks: z.int().min(1).max(simulatedBlocksMax).default(simulatedBlocksDefault),
  }),
  handle: ({ policy, blocks }, { ports: { ledger } }) => {
    const request = { from: readPolicy(ledger.state()), to: policy, blockCount: blocks };
    return accepted({ ...simulatePolicy(ledger, request), asOfHeight: ledger.height() });
  },
});

const vote = method('policy_vote', {
  summary: 'Votes on a motion about the policy; the vote that makes a quorum schedules it.',
  params: voteParams,
  result: writeResultSchema,
  handle: (params, context) => {
    const { motionId, approve } = params;
    const action = { kind: 'policy.vote', body: { motionId, approve } } as const;
    return writeAsAdmin(context, { method: 'policy_vote', params }, action);
  },
});

export const policyMethods: readonly Method[] = [get, propose, simulate, vote];
