import assert from 'node:assert/strict';
import { digestOf } from '../../../consensus/chain.ts';
import type { ConsensusEvent } from '../../../consensus/event.ts';
import type { Block } from '../../../protocol/block.ts';
import type { View } from '../../../protocol/brand.ts';
import {
  certificatesPerAnswerMax,
  skipCertificatesInProposalMax,
  unfinalizedAncestorsMax,
} from '../../../protocol/limits.ts';
import { chainId } from '../../simulation/model.ts';
import {
  aBlock,
  aReplica,
  ballotsOf,
  committed,
  gains,
  getsWork,
  ofKind,
  prepared,
  proposes,
  run,
  skipped,
  ticks,
} from './builders.ts';

function built(view: number, block: Block | null): ConsensusEvent {
  return { kind: 'blockBuilt', view: view as View, block };
}

describe('R2: the leader proposes on the highest prepared block, all views between being skipped', () => {
  const first = aBlock({ view: 1 });
  const second = aBlock({ view: 2, parent: first });

  it('asks for a block on genesis in the first view', () => {
    assert.deepEqual(ofKind(run(aReplica(1), getsWork), 'requestBlock'), [
      {
        kind: 'requestBlock',
        view: 1,
        parent: { digest: chainId, view: 0, height: 0 },
        isEmpty: false,
        extensionOf: null,
      },
    ]);
  });

  it('proves its parent by the PC and the SCs between', () => {
    const block = aBlock({ view: 4, parent: first });
    const start = [proposes(first), gains(prepared(first)), gains(skipped(2)), gains(skipped(3)), getsWork];
    const result = run(aReplica(0), ...start, built(4, block));
    const justification = { parent: prepared(first), skips: [skipped(2), skipped(3)] };
    assert.deepEqual(ofKind(result, 'castProposal'), [{ kind: 'castProposal', block, justification }]);
  });

  it('lets a CC stand in for the PC', () => {
    const block = aBlock({ view: 2, parent: first });
    const result = run(aReplica(2), proposes(first), gains(committed(first)), getsWork, built(2, block));
    const justification = { parent: committed(first), skips: [] };
    assert.deepEqual(ofKind(result, 'castProposal'), [{ kind: 'castProposal', block, justification }]);
  });

  it('asks for the certificates that it lacks instead of guessing', () => {
    const result = run(aReplica(0), proposes(first), gains(prepared(first)), gains(skipped(3)), getsWork);
    assert.deepEqual(ofKind(result, 'requestBlock'), []);
    const asked = ofKind(result, 'send').map(({ message }) => message);
    const wanted = { kind: 'certificatesWanted', epoch: 1, fromView: 1, toView: 2 };
    assert.deepEqual(asked, [wanted, wanted]);
  });

  it('asks for no more certificates than one answer holds', () => {
    const view = 2 * certificatesPerAnswerMax;
    const result = run(aReplica((view + 1) % 4), gains(skipped(view)), getsWork);
    const asked = ofKind(result, 'send').map(({ message }) => message);
    // PC and SC of each view, and one CC.
    const viewCount = Math.floor((certificatesPerAnswerMax - 1) / 2);
    const wanted = { kind: 'certificatesWanted', epoch: 1, fromView: view - viewCount, toView: view - 1 };
    assert.deepEqual(asked, [wanted, wanted]);
  });

  it('fetches a parent that it does not know', () => {
    const result = run(aReplica(3), gains(prepared(second)), getsWork);
    assert.deepEqual(ofKind(result, 'fetchBlocks'), [
      { kind: 'fetchBlocks', digest: digestOf(second), aboveHeight: 0 },
    ]);
    assert.deepEqual(ofKind(result, 'requestBlock'), []);
  });

  it(`sends no SCs when there are more than ${skipCertificatesInProposalMax}`, () => {
    const counts = [skipCertificatesInProposalMax, skipCertificatesInProposalMax + 4].map((skipCount) => {
      const view = skipCount + 1;
      const skips = Array.from({ length: skipCount }, (_unused, index) => gains(skipped(index + 1)));
      const result = run(aReplica(view % 4), ...skips, getsWork, built(view, aBlock({ view })));
      return ofKind(result, 'castProposal').map(({ justification }) => justification.skips.length);
    });
    assert.deepEqual(counts, [[skipCertificatesInProposalMax], [0]]);
  });

  it(`asks for an empty block with ${unfinalizedAncestorsMax} unfinalized ancestors`, () => {
    const isEmptyAt = [unfinalizedAncestorsMax - 1, unfinalizedAncestorsMax].map((ancestorCount) => {
      const events: ConsensusEvent[] = [];
      let parent: Block | null = null;
      for (let view = 1; view <= ancestorCount; view += 1) {
        const block = aBlock({ view, parent });
        events.push(proposes(block, parent === null ? null : prepared(parent)), gains(prepared(block)));
        parent = block;
      }
      const result = run(aReplica((ancestorCount + 1) % 4), ...events, getsWork);
      return ofKind(result, 'requestBlock').at(-1)?.isEmpty;
    });
    assert.deepEqual(isEmptyAt, [false, true]);
  });

  it('asks again at the next tick, or when work comes, after the host could not build', () => {
    const refused = run(aReplica(1), getsWork, built(1, null)).state;
    assert.equal(ofKind(run(refused, ticks), 'requestBlock').length, 1);
    assert.equal(ofKind(run(refused, getsWork), 'requestBlock').length, 1);
  });

  it('drops a block that was built for a view that was left', () => {
    const result = run(aReplica(1), getsWork, gains(skipped(1)), built(1, first));
    assert.deepEqual(ofKind(result, 'castProposal'), []);
  });

  it('proposes nothing as an observer, and nothing twice', () => {
    assert.deepEqual(ofKind(run(aReplica(null), getsWork), 'requestBlock'), []);
    const result = run(
      aReplica(1),
      getsWork,
      built(1, first),
      built(1, aBlock({ view: 1 }, { timeMs: 9 as never })),
    );
    assert.equal(ofKind(result, 'castProposal').length, 1);
    assert.deepEqual(ballotsOf(result), []);
  });
});
