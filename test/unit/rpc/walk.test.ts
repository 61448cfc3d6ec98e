/**
 * Every act of a prescription's life and of the people around it, through JSON-RPC on the real ledger: once by the method of its
 * name, with the keys of the nodes' keystores, and once built, signed and submitted, as for keys that are held elsewhere.
 */
import assert from 'node:assert/strict';
import { hexOf } from '../../../node/rpc/json.ts';
import type { PrescriptionView } from '../../../node/rpc/views.ts';
import { actionKinds, type ActionKind } from '../../../protocol/action.ts';
import { noon } from '../../support/chain.ts';
import { aSigner } from '../../support/keys.ts';
import { idOf } from './memoryNode.ts';
import { aWalk, byHand, byName, moveTo } from './walk.ts';
import { issueAfter, steps } from './walkSteps.ts';

/** Claims, settlements and the consortium's own affairs have walks of their own. */
const isWalkedElsewhere = (kind: ActionKind): boolean =>
  /^(claim|settle|member|policy|evidence)\./.test(kind);

describe('every act of a life', () => {
  for (const [title, way] of [
    ['by the methods of their names, with the keystores’ keys', byName],
    ['built, signed and submitted', byHand],
  ] as const) {
    it(`can be done ${title}`, async () => {
      const walk = aWalk();
      for (const step of steps) {
        moveTo(walk, step);
        assert.deepEqual([step.title, await way(walk, step)], [step.title, step.outcome]);
      }
    });
  }

  it('is shown by the methods that read', async () => {
    const walk = aWalk();
    for (const step of steps) {
      moveTo(walk, step);
      await byName(walk, step);
    }
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
    walk.chain.timeMs = (walk.chain.timeMs + 3 * 86_400_000) as typeof walk.chain.timeMs;
    await byName(walk, issueAfter(walk.chain.timeMs - noon));
    assert.equal((await rx('reviewed')).fills[0]?.events[1]?.isUnconfirmed, true);
    const { parcel } = await reader.call('delivery_get', { parcelId: hexOf(idOf('parcel of lost')) });
    assert.deepEqual(
      [parcel.status, parcel.isSealIntact, parcel.breachAt !== null],
      ['returned', false, true],
    );
    const key = hexOf(aSigner('dr-zhang').publicKey);
    const standing = await reader.call('key_get', { key });
    assert.equal(standing.key.compromisedSince, new Date(noon + 26 * 3_600_000).toISOString());
  });

  it('leaves what can be read of people, and of a delegation while it is in force', async () => {
    const walk = aWalk();
    const until = steps.findIndex(({ kind }) => kind === 'delegation.revoke');
    for (const step of steps.slice(0, until)) await byName(walk, step);
    const pair = { delegatorId: hexOf(idOf('dr-zhang')), delegateId: hexOf(idOf('as-yu')) };
    const { delegation } = await walk.at('hospital').call('delegation_get', pair);
    assert.deepEqual([delegation.classes, delegation.perDayMax, delegation.count], [['ordinary'], 1, 1]);
    const { practitioner } = await walk.at('hospital').call('practitioner_get', {
      practitionerId: hexOf(idOf('newcomer')),
    });
    assert.deepEqual([practitioner.scopes, practitioner.suspensions], [['ordinary', 'ward'], []]);
  });

  it('is among the steps', () => {
    const walked = new Set(steps.filter(({ outcome }) => outcome === 'committed').map(({ kind }) => kind));
    assert.deepEqual(
      actionKinds.filter((kind) => !isWalkedElsewhere(kind) && !walked.has(kind)),
      [],
    );
  });
});
