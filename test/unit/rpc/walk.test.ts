/**
 * Every act of the ledger through JSON-RPC, in one process and with a clock that can be set: once by the method of its name, with the
 * keys of the keystores, and once built, signed and submitted. test/integration/devnet/walk.test.ts does the same on real nodes.
 */
import assert from 'node:assert/strict';
import { hexOf } from '../../../node/rpc/json.ts';
import type { PrescriptionView } from '../../../node/rpc/views.ts';
import { actionKinds, type ActionKind } from '../../../protocol/action.ts';
import type { Timestamp } from '../../../protocol/brand.ts';
import { noon } from '../../support/chain.ts';
import { aSigner } from '../../support/keys.ts';
import { day } from '../../support/walk/step.ts';
import { wholeWalk } from '../../support/walk/steps.ts';
import { byHand, byName, kindsWithMethod } from '../../support/walk/ways.ts';
import { idOf } from './memoryNode.ts';
import { issue } from './noonActs.ts';
import { aWalk, settingOf, take } from './walk.ts';

describe('every act of the ledger', () => {
  for (const [title, way, kinds] of [
    ['by the method of its name, with the keystores’ keys', byName, kindsWithMethod],
    ['built, signed and submitted', byHand, actionKinds],
  ] as const) {
    it(`can be done ${title}`, async () => {
      const walk = aWalk();
      const walked = new Set<ActionKind>();
      for (const step of wholeWalk(settingOf(walk))) {
        const { outcome, isByName } = await take(walk, step, way);
        assert.deepEqual([step.title, outcome], [step.title, step.outcome]);
        if (outcome === 'committed' && isByName === (way === byName)) walked.add(step.kind);
      }
      assert.deepEqual(
        kinds.filter((kind) => !walked.has(kind)),
        [],
      );
    });
  }

  it('is shown by the methods that read', async () => {
    const walk = aWalk();
    for (const step of wholeWalk(settingOf(walk))) await take(walk, step, byName);
    const reader = walk.at('insurer');
    const rx = async (text: string): Promise<PrescriptionView> =>
      (await reader.call('rx_get', { rxId: hexOf(idOf(text)) })).prescription;
    const short = await rx('short');
    assert.deepEqual([short.isVoided, short.fills[0]?.status], [true, 'voided']);
    const chosen = await rx('chosen');
    assert.deepEqual(
      [chosen.isVoided, chosen.fills[0]?.status, chosen.renewal?.nextRxId, chosen.substitutions],
      [false, 'cancelled', hexOf(idOf('next')), [{ itemId: 0, decision: 'allowed' }]],
    );
    const reviewed = await rx('reviewed');
    assert.deepEqual(
      reviewed.fills[0]?.events.map((event) => [event.withdrawnAt === null, event.isUnconfirmed]),
      [
        [false, false],
        [true, false],
      ],
    );
    walk.chain.timeMs = (walk.chain.timeMs + 3 * day) as Timestamp;
    // Whatever comes of it, its block moves the time of the ledger.
    const start = walk.chain.timeMs - noon;
    await byName(walk, issue('later', { by: 'hospital: rev-he', start }));
    assert.equal((await rx('reviewed')).fills[0]?.events[1]?.isUnconfirmed, true);
    const { parcel } = await reader.call('delivery_get', { parcelId: hexOf(idOf('parcel of lost')) });
    assert.deepEqual(
      [parcel.status, parcel.isSealIntact, parcel.breachAt !== null],
      ['returned', false, true],
    );
    const key = hexOf(aSigner('dr-zhang').publicKey);
    const standing = await reader.call('key_get', { key });
    assert.equal(standing.key.compromisedSince, short.authoredOn);
  });

  it('leaves what can be read of people, and of a delegation while it is in force', async () => {
    const walk = aWalk();
    for (const step of wholeWalk(settingOf(walk))) {
      if (step.kind === 'delegation.revoke') break;
      await take(walk, step, byName);
    }
    const pair = { delegatorId: hexOf(idOf('dr-zhang')), delegateId: hexOf(idOf('as-yu')) };
    const { delegation } = await walk.at('hospital').call('delegation_get', pair);
    assert.deepEqual([delegation.classes, delegation.perDayMax, delegation.count], [['ordinary'], 1, 1]);
    const { practitioner } = await walk.at('hospital').call('practitioner_get', {
      practitionerId: hexOf(idOf('newcomer')),
    });
    assert.deepEqual([practitioner.scopes, practitioner.suspensions], [['ordinary', 'ward'], []]);
  });
});
