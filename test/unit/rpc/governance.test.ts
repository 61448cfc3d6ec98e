/** Members and rules through the methods, on the real ledger: five voters, of whom four decide. */
import assert from 'node:assert/strict';
import type { MotionView } from '../../../node/rpc/governanceContract.ts';
import { hexOf, toJson } from '../../../node/rpc/json.ts';
import { memberKeysSchema } from '../../../protocol/member.ts';
import { aSigner } from '../../support/keys.ts';
import {
  admitted,
  approve,
  codeOf,
  keysOf,
  newPolicy,
  report,
  twoBatchesOf,
  voters,
} from './governanceCaller.ts';
import { callerOf, memberOn, type Caller } from './caller.ts';
import { idOf, memoryChain, memoryPorts } from './memoryNode.ts';

async function motionOf(caller: Caller, motionId: string): Promise<MotionView> {
  return (await caller.call('motion_get', { motionId })).motion;
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
