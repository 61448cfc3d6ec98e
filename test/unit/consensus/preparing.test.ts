import assert from 'node:assert/strict';
import { digestOf } from '../../../consensus/chain.ts';
import type { ConsensusEvent } from '../../../consensus/event.ts';
import type { Header } from '../../../protocol/block.ts';
import type { Certificate } from '../../../protocol/certificate.ts';
import { skipCertificatesInProposalMax, viewsAheadMax } from '../../../protocol/limits.ts';
import { hexOf } from '../../simulation/model.ts';
import {
  aBallot,
  aBlock,
  aReplica,
  ballotsOf,
  committed,
  elapses,
  gains,
  ofKind,
  prepared,
  proposes,
  run,
  skipped,
  ticks,
  validates,
  voters,
  votes,
} from './builders.ts';

const first = aBlock({ view: 1 });
const second = aBlock({ view: 2, parent: first });
const toViewTwo = [proposes(first), gains(prepared(first))];

describe('R3: a PREPARE vouches for one valid block of our view', () => {
  it('lets the host execute the block, records it, and prepares it (W3)', () => {
    const proposed = run(aReplica(), proposes(first));
    assert.deepEqual(ofKind(proposed, 'validateBlock'), [{ kind: 'validateBlock', block: first }]);
    assert.deepEqual(run(proposed.state, validates(first)).effects, [
      { kind: 'recordBlock', block: first },
      { kind: 'castVote', ballot: aBallot('prepare', first) },
    ]);
  });

  it('checks its own proposal in the same way', () => {
    const result = run(aReplica(1), proposes(first));
    assert.deepEqual(ofKind(result, 'validateBlock'), [{ kind: 'validateBlock', block: first }]);
    assert.deepEqual(ballotsOf(run(aReplica(1), proposes(aBlock({ view: 1 }, { stateRoot: hexOf(9) })))), []);
  });

  it('prepares once, and only the first proposal of the leader', () => {
    const other = aBlock({ view: 1 }, { stateRoot: hexOf(9) });
    const result = run(aReplica(), proposes(first), proposes(other), validates(first), validates(other));
    assert.deepEqual(ballotsOf(run(result.state, validates(first))), []);
    assert.deepEqual(ballotsOf(result), [aBallot('prepare', first)]);
  });

  it('ignores a proposal of somebody who does not lead the view', () => {
    const result = run(aReplica(), proposes(aBlock({ view: 1 }, { proposer: 2 as Header['proposer'] })));
    assert.deepEqual(result.effects, []);
  });

  it('prepares nothing in a view that it skipped', () => {
    const result = run(aReplica(), proposes(first), elapses('view', 1), validates(first));
    assert.deepEqual(ballotsOf(result), [aBallot('skip', 1)]);
  });

  it('prepares nothing in a view that it left', () => {
    assert.deepEqual(ballotsOf(run(aReplica(), proposes(first), gains(skipped(1)), validates(first))), []);
  });

  it('comes to the view of a proposal by the certificates in it', () => {
    const result = run(aReplica(), proposes(first), proposes(second, prepared(first)), validates(second));
    assert.deepEqual(ballotsOf(result), [aBallot('commit', first), aBallot('prepare', second)]);
  });

  it('takes the SCs between parent and block from the proposal', () => {
    const block = aBlock({ view: 4, parent: first });
    const proof = [skipped(2), skipped(3)];
    const result = run(
      aReplica(1),
      proposes(first),
      proposes(block, prepared(first), proof),
      validates(block),
    );
    assert.deepEqual(ballotsOf(result).at(-1), aBallot('prepare', block));
  });

  it('skips the view of a proposal without an SC for a view between', () => {
    const block = aBlock({ view: 4, parent: first });
    const result = run(aReplica(1), proposes(first), proposes(block, prepared(first), [skipped(3)]));
    assert.deepEqual(ofKind(result, 'validateBlock'), [{ kind: 'validateBlock', block: first }]);
    assert.deepEqual(ballotsOf(result).at(-1), aBallot('skip', 4));
  });

  it(`fetches the SCs when there are more than ${skipCertificatesInProposalMax}`, () => {
    const view = skipCertificatesInProposalMax + 2;
    const block = aBlock({ view });
    const arrived = run(aReplica(), gains(skipped(view - 1)), proposes(block));
    const wanted = {
      kind: 'certificatesWanted',
      epoch: 1,
      fromView: 1,
      toView: skipCertificatesInProposalMax,
    };
    assert.deepEqual(
      ofKind(arrived, 'send').map(({ message }) => message),
      [wanted, wanted],
    );
    assert.deepEqual(ballotsOf(arrived), []);
    const skips = Array.from({ length: view - 2 }, (_unused, index) => gains(skipped(index + 1)));
    assert.equal(ofKind(run(arrived.state, ...skips), 'validateBlock').length, 1);
  });

  it('fetches a parent that it does not know, and prepares when it has come', () => {
    const asked = run(aReplica(), proposes(second, prepared(first)));
    assert.deepEqual(ofKind(asked, 'fetchBlocks'), [
      { kind: 'fetchBlocks', digest: digestOf(first), aboveHeight: 0 },
    ]);
    const came: ConsensusEvent = { kind: 'blocksReceived', blocks: [first] };
    assert.deepEqual(ofKind(run(asked.state, came), 'validateBlock'), [
      { kind: 'validateBlock', block: second },
    ]);
  });

  it('asks the host again at the next tick when a batch was missing', () => {
    const digest = digestOf(first);
    const waiting = run(aReplica(), proposes(first), {
      kind: 'blockValidated',
      digest,
      verdict: 'unavailable',
    });
    assert.deepEqual(ballotsOf(waiting), []);
    assert.equal(ofKind(run(waiting.state, ticks), 'validateBlock').length, 1);
  });

  it('takes a late verdict after it had been unavailable', () => {
    const digest = digestOf(first);
    const waiting = run(aReplica(), proposes(first), {
      kind: 'blockValidated',
      digest,
      verdict: 'unavailable',
    });
    assert.deepEqual(ballotsOf(run(waiting.state, validates(first))), [aBallot('prepare', first)]);
  });

  it('skips the view of a block that the host finds invalid', () => {
    const digest = digestOf(first);
    const result = run(aReplica(), proposes(first), { kind: 'blockValidated', digest, verdict: 'invalid' });
    assert.deepEqual(ballotsOf(result), [aBallot('skip', 1)]);
  });

  const wrongHeaders: Readonly<Record<string, Partial<Header>>> = {
    'another chain': { chainId: hexOf(7) },
    'another voter set': { voterSetHash: hexOf(7) },
    'next voters of an epoch after the next': {
      nextVoterSet: { epoch: 3 as Header['epoch'], voters: voters.voters },
    },
    'an extension': { extensionOf: hexOf(7) },
    'another batches root': { batchesRoot: hexOf(7) },
    'a height that does not follow': { height: 3 as Header['height'] },
    'a time that does not rise': { timeMs: first.header.timeMs },
    'a parent view that is not the parent’s': { parentView: 0 as Header['parentView'] },
    'a parent that the certificate does not name': { parentDigest: hexOf(7) },
  };
  for (const [name, header] of Object.entries(wrongHeaders)) {
    it(`skips the view of a header with ${name}`, () => {
      const result = run(
        aReplica(),
        ...toViewTwo,
        proposes({ ...second, header: { ...second.header, ...header } }, prepared(first)),
      );
      assert.deepEqual(ballotsOf(result), [aBallot('commit', first), aBallot('skip', 2)]);
    });
  }

  const wrongParents: Readonly<Record<string, Certificate | null>> = {
    'no certificate of its parent': null,
    'an SC in place of the PC': skipped(1),
    'the PC of another block': prepared(aBlock({ view: 1 }, { view: 2 as Header['view'] })),
  };
  for (const [name, parent] of Object.entries(wrongParents)) {
    it(`skips the view of a proposal with ${name}`, () => {
      const block = aBlock({ view: 3, parent: second });
      const start = [
        proposes(first),
        gains(prepared(first)),
        proposes(second, prepared(first)),
        gains(skipped(2)),
      ];
      const result = run(aReplica(), ...start, proposes(block, parent));
      assert.deepEqual(ballotsOf(result).at(-1), aBallot('skip', 3));
    });
  }

  it('skips the view of a proposal that names a batch twice', () => {
    const block = aBlock({ view: 1, batchDigests: [hexOf(1), hexOf(1)] });
    assert.deepEqual(ballotsOf(run(aReplica(), proposes(block))), [aBallot('skip', 1)]);
  });

  it('skips the view of a block on a parent below the final block', () => {
    const final = [
      proposes(first),
      gains(committed(first)),
      proposes(second, prepared(first)),
      gains(committed(second)),
    ];
    const result = run(aReplica(), ...final, proposes(aBlock({ view: 3, parent: first }), prepared(first)));
    assert.deepEqual(ballotsOf(result).at(-1), aBallot('skip', 3));
  });

  it(`keeps proposals of ${viewsAheadMax} views ahead and no more`, () => {
    const held = run(aReplica(), proposes(aBlock({ view: 1 + viewsAheadMax }))).state;
    const notHeld = run(aReplica(), proposes(aBlock({ view: 2 + viewsAheadMax }))).state;
    assert.deepEqual([held.proposals.size, notHeld.proposals.size], [1, 0]);
  });

  it('waits with a proposal of a later view until it gets there', () => {
    const waiting = run(aReplica(), proposes(aBlock({ view: 2 }), null, []));
    assert.deepEqual(ballotsOf(waiting), []);
    const result = run(waiting.state, ...votes('skip', 1, 1, 2, 3));
    assert.equal(ofKind(result, 'validateBlock').length, 1);
  });
});
