/** A node that lost its stores seals nothing before enough voters told what they hold of its lane. */
import assert from 'node:assert/strict';
import { LaneRecovery } from '../../../node/laneRecovery.ts';
import type { PeerEntry } from '../../../node/peerBook.ts';
import type { Height, MemberName } from '../../../protocol/brand.ts';
import { testVoters } from '../../support/chain.ts';
import { aName, settled } from '../../support/nodeParts.ts';

interface Setting {
  readonly recovery: LaneRecovery;
  readonly asked: string[];
  readonly continued: number[];
  readonly found: () => boolean;
}

/** The hospital at a height, the others at theirs; `silent` ones do not answer. */
function aRecovery(options: {
  readonly height?: number;
  readonly told: Readonly<Record<string, number>>;
  readonly silent?: readonly string[];
  readonly isKnown?: boolean;
}): Setting {
  const { height = 5, told, silent = [], isKnown = false } = options;
  const asked: string[] = [];
  const continued: number[] = [];
  let isFound = isKnown;
  const entry = (name: MemberName): PeerEntry | null => {
    const finalHeight = told[name];
    return finalHeight === undefined ? null : ({ status: { finalHeight } } as unknown as PeerEntry);
  };
  const recovery = new LaneRecovery({
    own: aName('hospital'),
    voters: () => testVoters,
    stores: {
      ledger: { head: () => ({ height: height as Height }) },
      batches: {
        isLaneKnown: () => isFound,
        findLane: async () => {
          isFound = true;
        },
      },
    },
    pool: { highest: () => 41 },
    peerBook: { entry },
    fetcher: {
      wholeLane: async (peer) => {
        asked.push(peer);
        return !silent.includes(peer);
      },
    },
    continueAt: (sequence) => continued.push(sequence),
    onFailure: (cause) => assert.fail(String(cause)),
  });
  return { recovery, asked, continued, found: () => isFound };
}

describe('a lane that was lost', () => {
  it('is known when all but f of the other voters told what they hold of it', async () => {
    const setting = aRecovery({ told: { clinic: 5, pharmacy: 4 } });
    assert.equal(setting.recovery.isKnown, false);
    setting.recovery.tick();
    await settled();
    assert.equal(setting.recovery.isKnown, true);
    assert.deepEqual(setting.asked, ['clinic', 'pharmacy']);
    assert.deepEqual(setting.continued, [42]);
    assert.ok(setting.found());
  });

  it('is not known by the word of fewer, nor of those that are ahead of us or do not answer', async () => {
    const setting = aRecovery({ told: { clinic: 5, pharmacy: 6, insurer: 5 }, silent: ['insurer'] });
    setting.recovery.tick();
    await settled();
    assert.equal(setting.recovery.isKnown, false);
    assert.deepEqual(setting.asked, ['clinic', 'insurer']);
    setting.recovery.tick();
    await settled();
    assert.deepEqual(setting.asked, ['clinic', 'insurer', 'insurer']);
    assert.deepEqual(setting.continued, []);
  });

  it('needs nothing on a node that lost nothing', async () => {
    const setting = aRecovery({ told: { clinic: 5, pharmacy: 5 }, isKnown: true });
    setting.recovery.tick();
    await settled();
    assert.equal(setting.recovery.isKnown, true);
    assert.deepEqual(setting.asked, []);
  });
});
