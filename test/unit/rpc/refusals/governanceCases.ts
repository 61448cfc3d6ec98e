/** Refusals about members, motions, policy and evidence. */
import { hexOf } from '../../../../node/rpc/json.ts';
import type { ActionKind } from '../../../../protocol/action.ts';
import type { Timestamp } from '../../../../protocol/brand.ts';
import type { Evidence } from '../../../../protocol/evidence.ts';
import type { RefusalCode } from '../../../../protocol/refusal.ts';
import { memberOn } from '../caller.ts';
import {
  admitted,
  approve,
  codeOf,
  joinWith,
  newPolicy,
  report,
  twoBatchesOf,
  voters,
} from '../governanceCaller.ts';
import { commitPending, idOf, memoryChain, type MemoryChain } from '../memoryNode.ts';
import { day, hour } from '../../../support/walk/step.ts';
import type { RefusalCase } from './refusalCase.ts';

/** A motion of the hospital. */
async function propose(
  chain: MemoryChain,
  change: 'promote' | 'demote' | 'suspend',
  member: string,
): Promise<string> {
  return (await memberOn(chain, 'hospital').call('member_propose', { change, member })).motionId;
}

async function vote(chain: MemoryChain, voter: string, motionId: string): Promise<RefusalCode | null> {
  return codeOf(memberOn(chain, voter), 'member_vote', { motionId, approve: true });
}

/** A motion of the hospital for the next policy. */
async function proposePolicy(chain: MemoryChain): Promise<string> {
  const hospital = memberOn(chain, 'hospital');
  const { policy } = await hospital.call('policy_get', {});
  return (await hospital.call('policy_propose', { policy: { ...policy, version: 2 } })).motionId;
}

async function votePolicy(chain: MemoryChain, voter: string, motionId: string): Promise<RefusalCode | null> {
  return codeOf(memberOn(chain, voter), 'policy_vote', { motionId, approve: true });
}

interface Refused {
  readonly of: ActionKind;
  readonly when: string;
  readonly reach: (chain: MemoryChain) => Promise<RefusalCode | null>;
}

function refusal(code: RefusalCode, { of, when, reach }: Refused): RefusalCase {
  return { code, refused: of, when, by: 'ledger', reach: async () => reach(memoryChain()) };
}

const membership: readonly RefusalCase[] = [
  refusal('memberNotActive', {
    of: 'member.ready',
    when: 'the acting member is suspended',
    reach: async (chain) => {
      await approve(chain, await propose(chain, 'suspend', 'rival'));
      return codeOf(memberOn(chain, 'rival'), 'member_ready', {});
    },
  }),
  refusal('memberExists', {
    of: 'member.join',
    when: 'a member has this name',
    reach: async (chain) => {
      const hospital = memberOn(chain, 'hospital');
      const ticket = await hospital.call('member_invite', { name: 'rival', roles: ['pharmacy'] });
      return codeOf(hospital, 'member_join', { transaction: joinWith(ticket) });
    },
  }),
  refusal('ticketInvalid', {
    of: 'member.join',
    when: 'the ticket is good for more than thirty days',
    reach: async (chain) => {
      const hospital = memberOn(chain, 'hospital');
      const until = new Date(chain.timeMs + 31 * day).toISOString();
      const ticket = await hospital.call('member_invite', { name: 'newcomer', roles: ['pharmacy'], until });
      return codeOf(hospital, 'member_join', { transaction: joinWith(ticket) });
    },
  }),
  refusal('changeNotApplicable', {
    of: 'member.propose',
    when: 'the member is a voter already',
    reach: async (chain) =>
      codeOf(memberOn(chain, 'hospital'), 'member_propose', { change: 'promote', member: 'rival' }),
  }),
  refusal('evidenceInvalid', {
    of: 'evidence.report',
    when: 'the two statements do not conflict',
    reach: async (chain) => {
      const evidence = twoBatchesOf('rival');
      return (await report(chain, { ...evidence, second: evidence.first } as Evidence)).code;
    },
  }),
  refusal('evidenceKnown', {
    of: 'evidence.report',
    when: 'the offence is marked already',
    reach: async (chain) => {
      await report(chain, twoBatchesOf('rival'));
      return (await report(chain, twoBatchesOf('rival'), 'insurer')).code;
    },
  }),
];

const motions: readonly RefusalCase[] = [
  refusal('motionExists', {
    of: 'member.propose',
    when: 'a motion has this id',
    reach: async (chain) => {
      const motionId = await propose(chain, 'demote', 'rival');
      const params = { motionId, change: 'demote', member: 'insurer' } as const;
      return codeOf(memberOn(chain, 'rival'), 'member_propose', params);
    },
  }),
  refusal('expiryInvalid', {
    of: 'member.propose',
    when: 'the motion would be over before it is open',
    reach: async (chain) => {
      const params = { change: 'demote', member: 'rival', expiresHeight: 0 } as const;
      return codeOf(memberOn(chain, 'hospital'), 'member_propose', params);
    },
  }),
  refusal('motionUnknown', {
    of: 'member.vote',
    when: 'there is no such motion',
    reach: async (chain) => vote(chain, 'hospital', hexOf(idOf('none'))),
  }),
  refusal('motionClosed', {
    of: 'member.vote',
    when: 'the motion is decided',
    reach: async (chain) => {
      const motionId = await propose(chain, 'demote', 'rival');
      await approve(chain, motionId);
      return vote(chain, 'courier', motionId);
    },
  }),
  refusal('alreadyVoted', {
    of: 'member.vote',
    when: 'the member has voted on it',
    reach: async (chain) => {
      const motionId = await propose(chain, 'demote', 'rival');
      await approve(chain, motionId, 1);
      return codeOf(memberOn(chain, 'hospital'), 'member_vote', { motionId, approve: false });
    },
  }),
  refusal('notAVoter', {
    of: 'member.vote',
    when: 'the member is an observer',
    reach: async (chain) => {
      const newcomer = await admitted(chain);
      const motionId = await propose(chain, 'demote', 'rival');
      return codeOf(newcomer, 'member_vote', { motionId, approve: true });
    },
  }),
];

const guards: readonly RefusalCase[] = [
  refusal('notReady', {
    of: 'member.vote',
    when: 'the member to be promoted has not said within a day that it is ready',
    reach: async (chain) => {
      await admitted(chain);
      return (await approve(chain, await propose(chain, 'promote', 'newcomer'))).at(-1) ?? null;
    },
  }),
  refusal('votersTooFew', {
    of: 'member.vote',
    when: 'fewer than four voters would be left',
    reach: async (chain) => {
      await approve(chain, await propose(chain, 'demote', 'rival'));
      const motionId = await propose(chain, 'demote', 'insurer');
      await approve(chain, motionId, 2);
      return vote(chain, 'courier', motionId);
    },
  }),
  refusal('votersSilent', {
    of: 'member.vote',
    when: 'too few of the new voters were heard within a day',
    reach: async (chain) => {
      const motionId = await propose(chain, 'demote', 'rival');
      await approve(chain, motionId, 3);
      chain.timeMs = (chain.timeMs + 25 * hour) as Timestamp;
      return vote(chain, 'insurer', motionId);
    },
  }),
  refusal('voterSetPending', {
    of: 'member.vote',
    when: 'a vote in the same block has changed the voters',
    reach: async (chain) => {
      const first = await propose(chain, 'demote', 'rival');
      const second = await propose(chain, 'demote', 'insurer');
      await approve(chain, first, 3);
      await approve(chain, second, 3);
      chain.isStalled = true;
      await vote(chain, 'insurer', first);
      const waiting = await memberOn(chain, 'courier').call('member_vote', {
        motionId: second,
        approve: true,
      });
      commitPending(chain);
      return (await memberOn(chain, 'courier').call('tx_status', { txId: waiting.txId })).code;
    },
  }),
  refusal('policyVersionWrong', {
    of: 'policy.propose',
    when: 'the document’s version is not the next number',
    reach: async (chain) => {
      const hospital = memberOn(chain, 'hospital');
      const { policy } = await hospital.call('policy_get', {});
      return codeOf(hospital, 'policy_propose', { policy });
    },
  }),
  refusal('policyPending', {
    of: 'policy.vote',
    when: 'a policy that was voted in waits for its height',
    reach: async (chain) => {
      await newPolicy(chain, { effectiveHeight: 1_000 });
      return (await newPolicy(chain, { effectiveHeight: 1_000 })).at(-1) ?? null;
    },
  }),
];

const policyVotes: readonly RefusalCase[] = [
  refusal('motionUnknown', {
    of: 'policy.vote',
    when: 'the motion is about a member',
    reach: async (chain) => votePolicy(chain, 'hospital', await propose(chain, 'demote', 'rival')),
  }),
  refusal('motionClosed', {
    of: 'policy.vote',
    when: 'the motion is decided',
    reach: async (chain) => {
      const motionId = await proposePolicy(chain);
      for (const voter of voters.slice(0, 4)) await votePolicy(chain, voter, motionId);
      return votePolicy(chain, 'courier', motionId);
    },
  }),
  refusal('alreadyVoted', {
    of: 'policy.vote',
    when: 'the member has voted on it',
    reach: async (chain) => {
      const motionId = await proposePolicy(chain);
      await votePolicy(chain, 'hospital', motionId);
      return votePolicy(chain, 'hospital', motionId);
    },
  }),
  refusal('notAVoter', {
    of: 'policy.vote',
    when: 'the member is an observer',
    reach: async (chain) => votePolicy(chain, 'regulator', await proposePolicy(chain)),
  }),
];

export const governanceCases: readonly RefusalCase[] = [...membership, ...motions, ...guards, ...policyVotes];
