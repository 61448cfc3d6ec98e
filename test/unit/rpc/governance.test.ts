/** Members and rules through the methods, on the real ledger: five voters, of whom four decide. */
import assert from 'node:assert/strict';
import type { MotionView } from '../../../node/rpc/governanceContract.ts';
import { hexOf, toJson } from '../../../node/rpc/json.ts';
import type { Timestamp } from '../../../protocol/brand.ts';
import { memberKeysSchema } from '../../../protocol/member.ts';
import type { RefusalCode } from '../../../protocol/refusal.ts';
import { type Evidence } from '../../../protocol/evidence.ts';
import { aSigner } from '../../support/keys.ts';
import { approve, codeOf, joinWith, keysOf, report, twoBatchesOf, voters } from './governanceCaller.ts';
import { callerOf, memberOn, type Caller } from './caller.ts';
import { idOf, memoryChain, memoryPorts, type MemoryChain } from './memoryNode.ts';

async function motionOf(caller: Caller, motionId: string): Promise<MotionView> {
  return (await caller.call('motion_get', { motionId })).motion;
}

async function admitted(chain: MemoryChain): Promise<Caller> {
  const hospital = memberOn(chain, 'hospital');
  const ticket = await hospital.call('member_invite', { name: 'newcomer', roles: ['pharmacy'] });
  await hospital.call('member_join', { transaction: joinWith(ticket) });
  await approve(chain, ticket.motionId);
  return memberOn(chain, 'newcomer');
}

describe('members, through the methods', () => {
  it('go the whole way: invited, proposed, observer, ready, voter', async () => {
    const chain = memoryChain();
    const hospital = memberOn(chain, 'hospital');
    const newcomer = await admitted(chain);
    const { member } = await hospital.call('member_get', { name: 'newcomer' });
    assert.deepEqual([member.status, member.isVoter, member.readyAt], ['active', false, null]);

    assert.equal(await codeOf(newcomer, 'member_ready', {}), null);
    const { motionId } = await hospital.call('member_propose', { change: 'promote', member: 'newcomer' });
    const open = await motionOf(hospital, motionId);
    assert.deepEqual([open.status, open.approvalsMissing], ['open', 4]);
    assert.deepEqual([open.votersNow.n, open.votersNow.f, open.votersNow.q], [5, 1, 4]);
    assert.deepEqual([open.votersThen.n, open.votersThen.f, open.votersThen.q], [6, 1, 4]);

    assert.deepEqual(await approve(chain, motionId), [null, null, null, null]);
    const carried = await motionOf(hospital, motionId);
    assert.deepEqual([carried.status, carried.votersNow.n, carried.votersThen.n], ['carried', 5, 6]);
    // The next block closes the epoch.
    assert.equal(await codeOf(newcomer, 'member_ready', {}), null);
    const list = await hospital.call('member_list', {});
    assert.deepEqual(list.voters.names, [...voters, 'newcomer']);
    assert.equal(list.epoch, 2);
    assert.equal(list.items.length, 7);
  });

  it('say what was proven against them', async () => {
    const chain = memoryChain();
    const hospital = memberOn(chain, 'hospital');
    const evidence = twoBatchesOf('rival');
    const { txId } = await report(chain, evidence);
    const { items } = await hospital.call('evidence_list', {});
    assert.deepEqual(
      items.map(({ member, reporter, offence, sequence, txId: reported }) => [
        member,
        reporter,
        offence,
        sequence,
        reported,
      ]),
      [['rival', 'hospital', 'batch', 4, txId]],
    );
    const { member } = await hospital.call('member_get', { name: 'rival' });
    assert.equal(member.marks.length, 1);
    const motions = await hospital.call('motion_list', {});
    assert.deepEqual(
      motions.items.map(({ kind, member: about, status }) => [kind, about, status]),
      [['remove', 'rival', 'open']],
    );
  });

  it('open one motion however often the same call is made', async () => {
    const hospital = memberOn(memoryChain(), 'hospital');
    const params = { id: hexOf(idOf('call')), change: 'demote', member: 'rival' } as const;
    const [first, second] = [
      await hospital.call('member_propose', params),
      await hospital.call('member_propose', params),
    ];
    assert.deepEqual(first, second);
    assert.equal(first.motionId, params.id);
  });

  it('are not ready while their node is not', async () => {
    const chain = memoryChain();
    const stalled = callerOf(memoryPorts({ ...chain, isStalled: true }));
    assert.equal((await stalled.refusal('member_ready', {})).data?.name, 'unavailable');
  });
});

interface Case {
  readonly code: RefusalCode;
  readonly reach: (chain: MemoryChain) => Promise<RefusalCode | null>;
}

/** Every refusal of governance, each reached by a call; but `voterSetPending`, which needs two motions carried in one block. */
const cases: readonly Case[] = [
  {
    code: 'memberExists',
    reach: async (chain) => {
      const hospital = memberOn(chain, 'hospital');
      const ticket = await hospital.call('member_invite', { name: 'rival', roles: ['pharmacy'] });
      return codeOf(hospital, 'member_join', { transaction: joinWith(ticket) });
    },
  },
  {
    code: 'ticketInvalid',
    reach: async (chain) => {
      const hospital = memberOn(chain, 'hospital');
      const until = new Date(chain.timeMs + 31 * 86_400_000).toISOString();
      const ticket = await hospital.call('member_invite', { name: 'newcomer', roles: ['pharmacy'], until });
      const transaction = joinWith(ticket);
      return codeOf(hospital, 'member_join', { transaction });
    },
  },
  {
    code: 'motionExists',
    reach: async (chain) => {
      const { motionId } = await demotion(chain);
      return codeOf(memberOn(chain, 'rival'), 'member_propose', {
        motionId,
        change: 'demote',
        member: 'insurer',
      });
    },
  },
  {
    code: 'motionUnknown',
    reach: async (chain) =>
      codeOf(memberOn(chain, 'hospital'), 'member_vote', { motionId: hexOf(idOf('none')), approve: true }),
  },
  {
    code: 'motionClosed',
    reach: async (chain) => {
      const { motionId } = await demotion(chain);
      await approve(chain, motionId);
      return codeOf(memberOn(chain, 'courier'), 'member_vote', { motionId, approve: true });
    },
  },
  {
    code: 'alreadyVoted',
    reach: async (chain) => {
      const { motionId } = await demotion(chain);
      await approve(chain, motionId, 1);
      return codeOf(memberOn(chain, 'hospital'), 'member_vote', { motionId, approve: false });
    },
  },
  {
    code: 'notAVoter',
    reach: async (chain) => {
      const newcomer = await admitted(chain);
      const { motionId } = await demotion(chain);
      return codeOf(newcomer, 'member_vote', { motionId, approve: true });
    },
  },
  {
    code: 'expiryInvalid',
    reach: async (chain) =>
      codeOf(memberOn(chain, 'hospital'), 'member_propose', {
        change: 'demote',
        member: 'rival',
        expiresHeight: 0,
      }),
  },
  {
    code: 'changeNotApplicable',
    reach: async (chain) =>
      codeOf(memberOn(chain, 'hospital'), 'member_propose', { change: 'promote', member: 'rival' }),
  },
  {
    code: 'notReady',
    reach: async (chain) => {
      await admitted(chain);
      const promotion = { change: 'promote', member: 'newcomer' } as const;
      const { motionId } = await memberOn(chain, 'hospital').call('member_propose', promotion);
      return (await approve(chain, motionId)).at(-1) ?? null;
    },
  },
  {
    code: 'votersTooFew',
    reach: async (chain) => {
      const first = await demotion(chain);
      await approve(chain, first.motionId);
      const second = await memberOn(chain, 'hospital').call('member_propose', {
        change: 'demote',
        member: 'insurer',
      });
      const [, , refusal] = [
        ...(await approve(chain, second.motionId, 2)),
        await codeOf(memberOn(chain, 'courier'), 'member_vote', { motionId: second.motionId, approve: true }),
      ];
      return refusal ?? null;
    },
  },
  {
    code: 'votersSilent',
    reach: async (chain) => {
      const { motionId } = await demotion(chain);
      await approve(chain, motionId, 3);
      chain.timeMs = (chain.timeMs + 25 * 3_600_000) as Timestamp;
      return codeOf(memberOn(chain, 'insurer'), 'member_vote', { motionId, approve: true });
    },
  },
  {
    code: 'policyVersionWrong',
    reach: async (chain) => {
      const hospital = memberOn(chain, 'hospital');
      const { policy } = await hospital.call('policy_get', {});
      return codeOf(hospital, 'policy_propose', { policy });
    },
  },
  {
    code: 'policyPending',
    reach: async (chain) => {
      await newPolicy(chain, { effectiveHeight: 1_000 });
      return (await newPolicy(chain, { effectiveHeight: 1_000 })).at(-1) ?? null;
    },
  },
  {
    code: 'evidenceInvalid',
    reach: async (chain) => {
      const evidence = twoBatchesOf('rival');
      return (await report(chain, { ...evidence, second: evidence.first } as Evidence)).code;
    },
  },
  {
    code: 'evidenceKnown',
    reach: async (chain) => {
      await report(chain, twoBatchesOf('rival'));
      return (await report(chain, twoBatchesOf('rival'), 'insurer')).code;
    },
  },
];

describe('the refusals of governance, through the methods', () => {
  for (const { code, reach } of cases) {
    it(`are reached: ${code}`, async () => {
      assert.equal(await reach(memoryChain()), code);
    });
  }
});

describe('the rules, through the methods', () => {
  it('change by vote, from a height on, and receipts name them', async () => {
    const chain = memoryChain();
    const hospital = memberOn(chain, 'hospital');
    assert.deepEqual(await newPolicy(chain, { effectiveHeight: 9 }), [null, null, null, null]);
    const waiting = await hospital.call('policy_get', {});
    assert.deepEqual([waiting.policy.version, waiting.waiting?.effectiveHeight], [1, 9]);
    for (let block = 0; block < 4; block += 1) await hospital.call('member_ready', {});
    const now = await hospital.call('policy_get', {});
    assert.deepEqual([now.policy.version, now.policy.graceMs, now.waiting], [2, 0, null]);
    assert.equal((await hospital.call('policy_get', { version: 1 })).policy.version, 1);
    const versions = await Promise.all(
      [8, 9].map(
        async (height) => (await hospital.call('ledger_block', { height })).receipts[0]?.policyVersion,
      ),
    );
    assert.deepEqual(versions, [1, 2]);
  });

  it('are tried on the latest blocks before anybody votes', async () => {
    const chain = memoryChain();
    const hospital = memberOn(chain, 'hospital');
    const validUntil = new Date(chain.timeMs + 48 * 3_600_000).toISOString();
    await hospital.call('rx_issue', {
      practitioner: 'dr-zhang',
      class: 'ordinary',
      validUntil,
      items: [{ itemId: 1, units: 30, repeats: 0, intervalDays: 0, substitutionAllowed: false }],
      documents: [{ resourceType: 'MedicationRequest' }],
    });
    const { policy } = await hospital.call('policy_get', {});
    const stricter = {
      ...policy,
      version: 2,
      validityMsMax: { ...policy.validityMsMax, ordinary: 3_600_000 },
      reviewRequired: ['ordinary'],
    } as const;
    const result = await hospital.call('policy_simulate', { policy: stricter });
    assert.deepEqual(result.issues, {
      examined: 1,
      validityTooLong: 1,
      rateExceeded: 0,
      reviewNewlyRequired: 1,
      reviewNoLongerRequired: 0,
    });
    assert.deepEqual(
      result.changes.map(({ field, from, to }) => [field, from, to]),
      [
        ['version', '1', '2'],
        ['validityMsMax.ordinary', '259200000', '3600000'],
        ['reviewRequired', '["controlled","antibiotic"]', '["ordinary"]'],
      ],
    );
  });

  it('are not found under a version that nobody voted in', async () => {
    const error = await memberOn(memoryChain(), 'hospital').refusal('policy_get', { version: 7 });
    assert.equal(error.data?.name, 'notFound');
  });
});

describe('keys, through the methods', () => {
  it('are rotated by a motion that the new ones sign too', async () => {
    const chain = memoryChain();
    const hospital = memberOn(chain, 'hospital');
    const keys = toJson(memberKeysSchema, { ...keysOf('hospital'), adminKey: aSigner('dr-li').publicKey });
    assert.equal(await codeOf(hospital, 'member_rotate', { member: 'hospital', keys }), 'wrongSigners');
    const params = { member: 'hospital', keys, coSigners: ['dr-li'] };
    const { motionId } = await hospital.call('member_rotate', params);
    await approve(chain, motionId);
    const { member } = await hospital.call('member_get', { name: 'hospital' });
    assert.equal(member.adminKey, keys.adminKey);
  });
});

async function demotion(chain: MemoryChain): Promise<{ readonly motionId: string }> {
  return memberOn(chain, 'hospital').call('member_propose', { change: 'demote', member: 'rival' });
}

async function newPolicy(
  chain: MemoryChain,
  when: { readonly effectiveHeight: number },
): Promise<readonly (RefusalCode | null)[]> {
  const { policy } = await memberOn(chain, 'hospital').call('policy_get', {});
  const next = { ...policy, version: 2, graceMs: 0 };
  const { motionId } = await memberOn(chain, 'hospital').call('policy_propose', { policy: next, ...when });
  const codes: (RefusalCode | null)[] = [];
  for (const voter of voters.slice(0, 4)) {
    codes.push(await codeOf(memberOn(chain, voter), 'policy_vote', { motionId, approve: true }));
  }
  return codes;
}
