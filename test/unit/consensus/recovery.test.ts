import assert from 'node:assert/strict';
import { describe as describeReplica } from '../../../consensus/description.ts';
import type { SafetyRecord } from '../../../consensus/record.ts';
import { signProposal } from '../../simulation/model.ts';
import {
  aBallot,
  aBlock,
  aRecovered,
  aReplica,
  aVote,
  ballotsOf,
  committed,
  gains,
  getsWork,
  hearsStatus,
  ofKind,
  prepared,
  proposes,
  run,
  skipped,
  ticks,
  toldAll,
  validates,
  votes,
} from './builders.ts';

const first = aBlock({ view: 1 });
const second = aBlock({ view: 2, parent: first });
const vote = (...args: Parameters<typeof aVote>): SafetyRecord => ({ kind: 'vote', vote: aVote(...args) });

describe('W5: after a restart', () => {
  it('starts in the first view with an empty log', () => {
    assert.deepEqual([aReplica().view, aReplica().final.height], [1, 0]);
  });

  it('stands in the highest view of a vote', () => {
    assert.equal(aRecovered([vote('skip', 7, 0)]).view, 7);
  });

  it('stands above the highest certificate and the highest COMMIT', () => {
    assert.equal(aRecovered([{ kind: 'certificate', certificate: skipped(7) }]).view, 8);
    assert.equal(aRecovered([vote('commit', aBlock({ view: 7 }), 0)]).view, 8);
  });

  it('stands above the highest of its records, in whatever order they were learned', () => {
    const late: SafetyRecord[] = [
      { kind: 'certificate', certificate: skipped(7) },
      { kind: 'certificate', certificate: skipped(3) },
    ];
    assert.equal(aRecovered(late).view, 8);
  });

  it('stands above the final block of the ledger', () => {
    const { view, final } = aRecovered([], { block: first, certificate: committed(first) });
    assert.deepEqual([view, final.height, final.certificate], [2, 1, committed(first)]);
  });

  it('takes the certificate of a final block from the log when the ledger has none', () => {
    const records: SafetyRecord[] = [{ kind: 'certificate', certificate: prepared(first) }];
    const { final } = aRecovered(records, { block: first, certificate: null });
    assert.deepEqual(final.certificate, prepared(first));
  });

  it('sends what is recorded again, the same bytes', () => {
    const skip = aVote('skip', 2, 0);
    const commit = aVote('commit', first, 0);
    const records: SafetyRecord[] = [
      { kind: 'certificate', certificate: prepared(first) },
      { kind: 'vote', vote: commit },
      { kind: 'vote', vote: skip },
    ];
    assert.deepEqual(toldAll(run(aRecovered(records), { kind: 'started' })), [
      { kind: 'vote', vote: commit },
      { kind: 'vote', vote: skip },
      { kind: 'certificate', certificate: prepared(first) },
    ]);
  });

  it('signs nothing anew for a recorded view and step', () => {
    const other = aBlock({ view: 1 }, { timeMs: 5 as never });
    const { state } = run(aRecovered([vote('prepare', first, 0)]), { kind: 'started' });
    assert.deepEqual(ballotsOf(run(state, proposes(other), validates(other))), []);
    const skipping = run(aRecovered([vote('skip', 1, 0)]), { kind: 'started' }).state;
    assert.deepEqual(ballotsOf(run(skipping, gains(prepared(first)))), []);
  });

  it('proposes again only what it proposed', () => {
    const block = aBlock({ view: 4 });
    const proposal = signProposal(block, { parent: null, skips: [skipped(1), skipped(2), skipped(3)] });
    const certificates = [1, 2, 3].map((view): SafetyRecord => ({
      kind: 'certificate',
      certificate: skipped(view),
    }));
    const records: SafetyRecord[] = [...certificates, { kind: 'proposal', proposal }];
    const result = run(aRecovered(records), { kind: 'started' }, getsWork);
    assert.deepEqual(toldAll(result)[0], { kind: 'proposal', proposal });
    assert.deepEqual(ofKind(result, 'requestBlock'), []);
    assert.deepEqual(ofKind(result, 'validateBlock'), [{ kind: 'validateBlock', block }]);
    assert.deepEqual(ballotsOf(run(result.state, validates(block))), [aBallot('prepare', block)]);
  });

  it('counts its own recorded votes', () => {
    const result = run(
      aRecovered([vote('prepare', first, 0)]),
      { kind: 'started' },
      ...votes('prepare', first, 1, 2),
    );
    assert.equal(result.state.view, 2);
  });

  it('goes on to finality with a recorded CC whose block it has', () => {
    const records: SafetyRecord[] = [
      { kind: 'block', block: first },
      { kind: 'certificate', certificate: committed(first) },
    ];
    assert.deepEqual(ofKind(run(aRecovered(records), { kind: 'started' }), 'commitBlocks'), [
      { kind: 'commitBlocks', blocks: [first], extension: null, certificate: committed(first) },
    ]);
  });

  it('forgets records that finality overtook', () => {
    const records: SafetyRecord[] = [
      { kind: 'block', block: first },
      { kind: 'certificate', certificate: skipped(1) },
      vote('commit', first, 0),
      vote('prepare', second, 0),
    ];
    const state = aRecovered(records, { block: second, certificate: committed(second) });
    assert.deepEqual(
      [state.blocks.size, state.skipped.size, state.ownCommits.size, state.signed],
      [0, 0, 0, { view: 2, kind: 'prepare' }],
    );
  });
});

describe('the description of a replica', () => {
  it('says who leads, how far it is, and who is missing for a quorum', () => {
    const heard = [hearsStatus(3), ticks, hearsStatus(3), ticks, hearsStatus(3), ticks, hearsStatus(3)];
    const { state } = run(aReplica(), ...heard, getsWork, proposes(first), ...votes('prepare', first, 3));
    const { leaderName, view, finalHeight, ticksInView, preparedFrom, missing, missingCountToQuorum } =
      describeReplica(state);
    assert.deepEqual([leaderName, view, finalHeight, ticksInView], ['voter-1', 1, 0, 3]);
    assert.deepEqual(preparedFrom, [3]);
    assert.deepEqual(missing, [{ index: 2, name: 'voter-2', silentTicks: 3 }]);
    assert.equal(missingCountToQuorum, 0);
  });

  it('counts how many of the missing must come back', () => {
    const { state } = run(aReplica(), ticks, ticks, ticks);
    const { missing, missingCountToQuorum } = describeReplica(state);
    assert.deepEqual([missing.length, missingCountToQuorum], [3, 2]);
  });
});
