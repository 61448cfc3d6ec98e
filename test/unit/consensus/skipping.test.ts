import assert from 'node:assert/strict';
import { digestOf } from '../../../consensus/chain.ts';
import type { ConsensusEvent } from '../../../consensus/event.ts';
import { silentTicksMax } from '../../../consensus/skipping.ts';
import { proposalTimeoutMs, viewTimeoutMs } from '../../../consensus/timeout.ts';
import {
  aBallot,
  aBlock,
  aReplica,
  ballotsOf,
  elapses,
  gains,
  getsWork,
  hearsStatus,
  ofKind,
  prepared,
  proposes,
  run,
  skipped,
  ticks,
  votes,
} from './builders.ts';

const first = aBlock({ view: 1 });
const invalid: ConsensusEvent = { kind: 'blockValidated', digest: digestOf(first), verdict: 'invalid' };

describe('R5: a view is given up', () => {
  it('when 2Δ pass without a proposal', () => {
    const waiting = run(aReplica(), getsWork);
    assert.deepEqual(ofKind(waiting, 'startTimer'), [
      { kind: 'startTimer', timeout: { kind: 'view', view: 1 }, afterMs: 1_500 },
      { kind: 'startTimer', timeout: { kind: 'proposal', view: 1 }, afterMs: 1_000 },
    ]);
    assert.deepEqual(ballotsOf(run(waiting.state, elapses('proposal', 1))), [aBallot('skip', 1)]);
  });

  it('not when 2Δ pass after a proposal came', () => {
    assert.deepEqual(ballotsOf(run(aReplica(), getsWork, proposes(first), elapses('proposal', 1))), []);
  });

  it('when 3Δ pass in it', () => {
    assert.deepEqual(ballotsOf(run(aReplica(), proposes(first), elapses('view', 1))), [aBallot('skip', 1)]);
  });

  it('not by the timer of a view that was left', () => {
    assert.deepEqual(ballotsOf(run(aReplica(), getsWork, gains(skipped(1)), elapses('view', 1))), []);
  });

  it('when its proposal is invalid', () => {
    assert.deepEqual(ballotsOf(run(aReplica(), proposes(first), invalid)), [aBallot('skip', 1)]);
  });

  it('but only by the timer when n views in a row were skipped, or views would spin', () => {
    const block = aBlock({ view: 5 });
    const skips = [1, 2, 3, 4].map((view) => gains(skipped(view)));
    const verdict: ConsensusEvent = { kind: 'blockValidated', digest: digestOf(block), verdict: 'invalid' };
    const result = run(aReplica(), ...skips, proposes(block), verdict);
    assert.deepEqual(ballotsOf(result), []);
    assert.deepEqual(ballotsOf(run(result.state, elapses('view', 5))), [aBallot('skip', 5)]);
  });

  it('when f+1 voters skipped it', () => {
    assert.deepEqual(ballotsOf(run(aReplica(), ...votes('skip', 1, 2))), []);
    assert.deepEqual(ballotsOf(run(aReplica(), ...votes('skip', 1, 2, 3))), [aBallot('skip', 1)]);
  });

  it('when its leader skipped it', () => {
    assert.deepEqual(ballotsOf(run(aReplica(), ...votes('skip', 1, 1))), [aBallot('skip', 1)]);
  });

  it('never after COMMIT in it', () => {
    const result = run(aReplica(), gains(prepared(first)), ...votes('skip', 1, 1, 2), elapses('view', 1));
    assert.deepEqual(ballotsOf(result), [aBallot('commit', first)]);
  });

  it('once', () => {
    const result = run(aReplica(), ...votes('skip', 1, 1, 2), elapses('view', 1));
    assert.deepEqual(ballotsOf(result), [aBallot('skip', 1)]);
  });
});

describe('R5: a leader that is silent is skipped at once', () => {
  function afterTicks(count: number, ...heard: readonly number[]): readonly ConsensusEvent[] {
    const one = [...heard.map((from) => hearsStatus(from)), ticks];
    return Array.from({ length: count }, () => one).flat();
  }

  it(`after ${silentTicksMax} ticks while a quorum was heard`, () => {
    const before = run(aReplica(), ...afterTicks(silentTicksMax - 1, 2, 3), getsWork);
    assert.deepEqual(ballotsOf(before), []);
    const after = run(aReplica(), ...afterTicks(silentTicksMax, 2, 3), getsWork);
    assert.deepEqual(ballotsOf(after), [aBallot('skip', 1)]);
  });

  it('not while fewer than a quorum were heard', () => {
    assert.deepEqual(ballotsOf(run(aReplica(), ...afterTicks(silentTicksMax, 3), getsWork)), []);
  });

  it('not while there is nothing to wait for', () => {
    assert.deepEqual(ballotsOf(run(aReplica(), ...afterTicks(silentTicksMax, 2, 3))), []);
  });

  it('after 2n views', () => {
    const views = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((view) => [
      ...votes('skip', view, 2, 3),
      gains(skipped(view)),
    ]);
    const before = run(aReplica(), ...views.slice(0, -1), gains(skipped(8)), getsWork);
    assert.deepEqual(before.state.view, 9);
    assert.equal(
      ballotsOf(before).some(({ view }) => view === 9),
      false,
    );
    const later = [9, 10, 11, 12].flatMap((view) => [...votes('skip', view, 2, 3), gains(skipped(view))]);
    const after = run(before.state, ...later);
    assert.deepEqual(ballotsOf(after).at(-1), aBallot('skip', 13));
  });
});

describe('the timeout of a view', () => {
  it('is 3Δ, half as much again for each skipped view below, and 10 s at most', () => {
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 30].map((count) => viewTimeoutMs(500, count)),
      [1_500, 2_250, 3_375, 5_062, 7_593, 10_000, 10_000],
    );
  });

  it('is two thirds of that without a proposal', () => {
    assert.deepEqual(
      [0, 1, 2, 30].map((count) => proposalTimeoutMs(500, count)),
      [1_000, 1_500, 2_250, 10_000],
    );
  });

  it('counts skipped views off the certificates', () => {
    const result = run(aReplica(), gains(prepared(first)), gains(skipped(2)), gains(skipped(3)), getsWork);
    const running = ofKind(result, 'startTimer').filter(({ timeout }) => timeout.kind === 'view');
    assert.deepEqual(running, [{ kind: 'startTimer', timeout: { kind: 'view', view: 4 }, afterMs: 3_375 }]);
  });
});

describe('§4: a quiet chain is quiet', () => {
  it('starts no timers and asks for no block without work', () => {
    const result = run(aReplica(1), { kind: 'started' }, ticks, ticks);
    assert.deepEqual(ofKind(result, 'requestBlock'), []);
    assert.deepEqual(
      ofKind(result, 'startTimer').map(({ timeout }) => timeout.kind),
      ['tick', 'tick', 'tick'],
    );
  });

  it('gives up no view whose timer elapses when the work has gone', () => {
    const result = run(aReplica(), getsWork, { kind: 'workChanged', hasWork: false }, elapses('view', 1));
    assert.deepEqual(ballotsOf(result), []);
    assert.equal(ofKind(run(result.state, getsWork), 'startTimer').length, 2);
  });

  it('asks for an empty block when the heartbeat is due', () => {
    const started = run(aReplica(1, { heartbeatMs: 30_000 }), { kind: 'started' });
    assert.deepEqual(ofKind(started, 'startTimer').at(-1), {
      kind: 'startTimer',
      timeout: { kind: 'heartbeat', view: 1 },
      afterMs: 30_000,
    });
    const due = run(started.state, elapses('heartbeat', 1));
    assert.deepEqual(
      ofKind(due, 'requestBlock').map(({ isEmpty }) => isEmpty),
      [true],
    );
  });

  it('starts the heartbeat anew with each prepared block', () => {
    const result = run(aReplica(0, { heartbeatMs: 30_000 }), elapses('heartbeat', 1), gains(prepared(first)));
    assert.equal(result.state.isHeartbeatDue, false);
    assert.equal(ofKind(result, 'startTimer').at(-1)?.timeout.view, 2);
  });

  it('owes a block to a prepared one that is not final after three ticks', () => {
    const waiting = run(aReplica(2), proposes(first), gains(prepared(first)), ticks, ticks);
    assert.deepEqual(ofKind(waiting, 'requestBlock'), []);
    assert.deepEqual(
      ofKind(run(waiting.state, ticks), 'requestBlock').map(({ isEmpty }) => isEmpty),
      [true],
    );
  });
});
