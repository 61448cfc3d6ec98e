import assert from 'node:assert/strict';
import { digestOf } from '../../../consensus/chain.ts';
import { describe as describeReplica } from '../../../consensus/description.ts';
import type { MemoryRecord, SafetyRecord } from '../../../consensus/record.ts';
import type { ConsensusEvent } from '../../../consensus/event.ts';
import type { ReplicaState, Step } from '../../../consensus/replica.ts';
import type { Epoch, View } from '../../../protocol/brand.ts';
import {
  aBallot,
  aBlock,
  aRecovered,
  ballotsOf,
  committed,
  elapses,
  gains,
  getsWork,
  hearsStatus,
  ofKind,
  prepared,
  proposes,
  run,
  skipped,
  validates,
  voters,
  votes,
} from './builders.ts';

const lost: SafetyRecord = aRecord('lost', 0);

function aRecord(memory: MemoryRecord['memory'], view: number, epoch = 1): MemoryRecord {
  return { kind: 'memory', memory, epoch: epoch as Epoch, view: view as View };
}

/** Voter 0 after the loss of its log, in view 5 by its certificates; the others say that they are there. */
const toViewFive: readonly ConsensusEvent[] = [gains(skipped(4))];
const reports = (...from: readonly number[]): readonly ConsensusEvent[] =>
  from.map((voter) => hearsStatus(voter, { view: 5 as View }));

function forgetful(): ReplicaState {
  return run(aRecovered([lost]), { kind: 'started' }).state;
}

function recordsOf(step: Step): readonly MemoryRecord[] {
  return ofKind(step, 'recordMemory').map(({ record }) => record);
}

/** Everything that would make a voter speak in a view. */
function temptations(view: number): readonly ConsensusEvent[] {
  const block = aBlock({ view });
  const skips = Array.from({ length: view - 1 }, (_unused, index) => skipped(index + 1));
  const skipVotes = votes('skip', view, 1, 2);
  return [getsWork, proposes(block, null, skips), validates(block), elapses('view', view), ...skipVotes];
}

describe('W6: a voter that lost its safety log', () => {
  it('says nothing, whatever tempts it', () => {
    for (const view of [1, 2, 3, 4]) {
      const result = run(forgetful(), ...temptations(view), gains(prepared(aBlock({ view }))));
      assert.deepEqual([ballotsOf(result), ofKind(result, 'castProposal')], [[], []]);
      assert.deepEqual(ofKind(result, 'requestBlock'), []);
    }
  });

  it('follows all the same: certificates move it, and final blocks are committed', () => {
    const first = aBlock({ view: 1 });
    const result = run(forgetful(), proposes(first), gains(committed(first)));
    assert.deepEqual([result.state.view, result.state.final.height], [2, 1]);
  });

  it('listens until a quorum of others has reported a view that its certificates reach', () => {
    const waiting = run(forgetful(), ...toViewFive, ...reports(1, 2));
    assert.equal(waiting.state.memory.kind, 'lost');
    assert.deepEqual(describeReplica(waiting.state).memory, {
      kind: 'lost',
      reportedBy: ['voter-1', 'voter-2'],
    });
    const result = run(waiting.state, ...reports(3));
    assert.deepEqual(result.state.memory, { kind: 'regained', above: 6 });
    assert.deepEqual(recordsOf(result), [aRecord('regained', 6)]);
  });

  it('counts neither one voter twice nor itself', () => {
    const { state } = run(forgetful(), ...toViewFive, ...reports(1, 2, 2, 0));
    assert.equal(state.memory.kind, 'lost');
  });

  it('counts a report of a higher view only once certificates have brought it there', () => {
    const ahead = hearsStatus(3, { view: 9 as View });
    const waiting = run(forgetful(), ...toViewFive, ...reports(1, 2), ahead);
    assert.equal(waiting.state.memory.kind, 'lost');
    const result = run(waiting.state, gains(skipped(8)));
    assert.deepEqual(result.state.memory, { kind: 'regained', above: 10 });
  });

  it('counts no report of another epoch', () => {
    const { state } = run(
      forgetful(),
      ...toViewFive,
      ...reports(1, 2),
      hearsStatus(3, { view: 5 as View, epoch: 2 as Epoch }),
    );
    assert.equal(state.memory.kind, 'lost');
  });

  it('votes only above the highest report + 1: there it may have been before', () => {
    const regained = run(forgetful(), ...toViewFive, ...reports(1, 2, 3)).state;
    const five = run(regained, elapses('view', 5), ...votes('skip', 5, 1, 2));
    assert.deepEqual(ballotsOf(five), []);
    const six = run(five.state, gains(skipped(5)), ...votes('skip', 6, 1, 2));
    assert.deepEqual([six.state.view, ballotsOf(six)], [6, []]);
    const seven = run(six.state, gains(skipped(6)), ...votes('skip', 7, 1, 2));
    assert.deepEqual(ballotsOf(seven), [aBallot('skip', 7)]);
  });

  it('has all its memory again once finality overtook what it forgot', () => {
    const regained = run(forgetful(), ...toViewFive, ...reports(1, 2, 3)).state;
    const below = aBlock({ view: 6 });
    const above = aBlock({ view: 7, parent: below });
    const first = run(regained, proposes(below), gains(committed(below)));
    assert.deepEqual([first.state.final.height, first.state.memory.kind], [1, 'regained']);
    const second = run(first.state, proposes(above, prepared(below)), gains(committed(above)));
    assert.deepEqual(second.state.memory, { kind: 'whole' });
    assert.deepEqual(recordsOf(second), [aRecord('whole', 6)]);
  });

  it('does not take the end of an epoch for that: it may have been in the next one', () => {
    const regained = run(forgetful(), ...toViewFive, ...reports(1, 2, 3)).state;
    const nextVoterSet = { ...voters, epoch: 2 as Epoch };
    const closing = aBlock({ view: 7 }, { nextVoterSet });
    const extension = aBlock(
      { view: 8, parent: closing },
      { height: closing.header.height, extensionOf: digestOf(closing) },
    );
    for (const certified of [closing, extension]) {
      const { state } = run(regained, gains(committed(certified)), {
        kind: 'blocksReceived',
        blocks: [extension, closing],
      });
      assert.deepEqual([state.final.height, state.memory.kind], [1, 'regained']);
    }
  });

  it('knows after a restart how far its memory was', () => {
    assert.equal(aRecovered([lost]).memory.kind, 'lost');
    const regained = aRecord('regained', 6);
    assert.deepEqual(aRecovered([lost, regained]).memory, { kind: 'regained', above: 6 });
    assert.deepEqual(aRecovered([lost, regained, aRecord('whole', 6)]).memory, { kind: 'whole' });
    assert.equal(aRecovered([lost, regained, lost]).memory.kind, 'lost');
  });

  it('forgets what it regained in another epoch, for it may have voted in this one', () => {
    assert.equal(aRecovered([lost, aRecord('regained', 6, 2)]).memory.kind, 'lost');
  });
});
