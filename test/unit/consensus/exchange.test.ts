import assert from 'node:assert/strict';
import type { ConsensusEvent } from '../../../consensus/event.ts';
import type { MemberName, View } from '../../../protocol/brand.ts';
import { certificatesPerAnswerMax, viewsAheadMax } from '../../../protocol/limits.ts';
import {
  aBlock,
  aReplica,
  aVote,
  committed,
  elapses,
  gains,
  getsWork,
  hearsStatus,
  ofKind,
  prepared,
  proposes,
  run,
  sentTo,
  skipped,
  ticks,
  toldAll,
  validates,
  voters,
  votes,
} from './builders.ts';

const first = aBlock({ view: 1 });
const second = aBlock({ view: 2, parent: first });

function wants(fromView: number, toView: number): ConsensusEvent {
  const from = 'voter-3' as MemberName;
  return {
    kind: 'certificatesWanted',
    from,
    epoch: voters.epoch,
    fromView: fromView as View,
    toView: toView as View,
  };
}

describe('R8: the tick', () => {
  it('comes every second and says where we stand', () => {
    const result = run(run(aReplica(), proposes(first), gains(committed(first))).state, ticks);
    assert.deepEqual(result.effects, [
      { kind: 'startTimer', timeout: { kind: 'tick', view: 0 }, afterMs: 1_000 },
      {
        kind: 'broadcast',
        message: {
          kind: 'status',
          status: { epoch: 1, view: 2, finalView: 1, finalHeight: 1, timeMs: 0 },
        },
      },
    ]);
  });

  it('sends our statements of a view again that has not moved since the last tick', () => {
    const prepare = aVote('prepare', first, 0);
    const start = run(aReplica(), proposes(first), validates(first), {
      kind: 'voteReceived',
      vote: prepare,
    }).state;
    assert.deepEqual(toldAll(run(start, ticks)), [{ kind: 'vote', vote: prepare }]);
  });

  it('sends SKIP, COMMITs above the final view and the entering certificate again', () => {
    const commit = aVote('commit', first, 0);
    const skip = aVote('skip', 2, 0);
    const start = run(
      aReplica(),
      gains(prepared(first)),
      { kind: 'voteReceived', vote: commit },
      ...votes('skip', 2, 2, 3),
      { kind: 'voteReceived', vote: skip },
      ticks,
    );
    // Its own SKIP was the third, so the view has moved: only the COMMIT is left to repeat.
    assert.equal(start.state.view, 3);
    assert.deepEqual(
      toldAll(run(start.state, ticks, ticks)),
      [
        { kind: 'vote', vote: commit },
        { kind: 'certificate', certificate: skipped3(skip) },
        { kind: 'vote', vote: commit },
        { kind: 'certificate', certificate: skipped3(skip) },
      ].slice(0, 4),
    );
  });

  it('repeats nothing when the view has moved since the last tick', () => {
    const vote = aVote('commit', first, 0);
    const moved = run(aReplica(), gains(prepared(first)), { kind: 'voteReceived', vote }).state;
    assert.deepEqual(toldAll(run(moved, ticks)), []);
    assert.deepEqual(toldAll(run(moved, ticks, ticks)), [
      { kind: 'vote', vote },
      { kind: 'certificate', certificate: prepared(first) },
    ]);
  });

  it('sends our proposal again', () => {
    const start = run(aReplica(1), proposes(first)).state;
    assert.deepEqual(
      toldAll(run(start, ticks)).map(({ kind }) => kind),
      ['proposal'],
    );
  });

  it('sends nothing but STATUS when everything is settled', () => {
    const settled = run(aReplica(), proposes(first), gains(prepared(first)), gains(committed(first))).state;
    assert.deepEqual(toldAll(run(settled, ticks, ticks, ticks, ticks)), []);
  });
});

/** SC(2) by voters 0, 2 and 3. */
function skipped3(own: ReturnType<typeof aVote>): unknown {
  const signatures = [own, aVote('skip', 2, 2), aVote('skip', 2, 3)].map(({ signature }) => signature);
  return { ...skipped(2), bitmap: Uint8Array.of(0b1101), signatures };
}

describe('R8: whoever is ahead answers', () => {
  const ahead = run(aReplica(), proposes(first), gains(committed(first)), gains(skipped(2)), ticks).state;

  it('with the CC of its final block and the certificates above it', () => {
    assert.deepEqual(sentTo(run(ahead, hearsStatus(3)), 'voter-3'), [committed(first), skipped(2)]);
  });

  it('only with what the peer lacks', () => {
    const view = 2 as View;
    const finalView = 1 as View;
    assert.deepEqual(sentTo(run(ahead, hearsStatus(3, { view, finalView })), 'voter-3'), [skipped(2)]);
    assert.deepEqual(sentTo(run(ahead, hearsStatus(3, { view: 3 as View, finalView })), 'voter-3'), []);
  });

  it('not with what it gained since its last tick, as that is on its way', () => {
    const fresh = run(aReplica(), gains(skipped(1))).state;
    assert.deepEqual(sentTo(run(fresh, hearsStatus(3)), 'voter-3'), []);
    assert.deepEqual(sentTo(run(fresh, ticks, hearsStatus(3)), 'voter-3'), [skipped(1)]);
  });

  it(`with ${certificatesPerAnswerMax} certificates at most, the newest among them`, () => {
    const skips = Array.from({ length: 100 }, (_unused, index) => gains(skipped(index + 1)));
    const far = run(aReplica(), ...skips, ticks, hearsStatus(3));
    const views = sentTo(far, 'voter-3').map(({ view }) => view);
    assert.deepEqual(views, [...Array.from({ length: 62 }, (_unused, index) => index + 1), 100]);
    const wanted = sentTo(run(far.state, wants(11, 99)), 'voter-3').map(({ view }) => view);
    assert.deepEqual(
      wanted,
      Array.from({ length: certificatesPerAnswerMax }, (_unused, index) => index + 11),
    );
  });

  it('to a FETCH with PC and SC of the views asked for, or with the CC that overtook them', () => {
    const both = run(
      ahead,
      proposes(aBlock({ view: 3, parent: first }), committed(first), [skipped(2)]),
    ).state;
    assert.deepEqual(sentTo(run(both, wants(1, 9)), 'voter-3'), [committed(first), skipped(2)]);
    assert.deepEqual(sentTo(run(both, wants(2, 9)), 'voter-3'), [skipped(2)]);
    assert.deepEqual(sentTo(run(both, wants(3, 9)), 'voter-3'), []);
  });

  it('but not to a status of another epoch', () => {
    const other = hearsStatus(3, { epoch: 2 as never });
    assert.deepEqual(sentTo(run(ahead, other), 'voter-3'), []);
  });
});

describe('what a peer sends is bounded', () => {
  it(`keeps votes of ${viewsAheadMax} views ahead and no more`, () => {
    const held = run(aReplica(), ...votes('skip', 1 + viewsAheadMax, 2)).state;
    const notHeld = run(aReplica(), ...votes('skip', 2 + viewsAheadMax, 2)).state;
    assert.deepEqual([held.votes.size, notHeld.votes.size], [1, 0]);
  });

  it('keeps the first of two different votes', () => {
    const other = aBlock({ view: 1 }, { timeMs: 7 as never });
    const result = run(aReplica(), ...votes('prepare', other, 1), ...votes('prepare', first, 1, 2, 3));
    assert.equal(result.state.view, 1);
  });

  it('counts no PREPARE and no SKIP of a view that was left, and no COMMIT below the final view', () => {
    const start = run(aReplica(), proposes(first), gains(committed(first)), gains(skipped(2))).state;
    const late = [...votes('prepare', second, 1), ...votes('skip', 2, 1), ...votes('commit', first, 1)];
    assert.equal(run(start, ...late).state.votes.size, 0);
    assert.equal(run(start, ...votes('commit', second, 1)).state.votes.size, 1);
  });

  it('asks for missing certificates once a tick', () => {
    const start = [gains(skipped(3)), getsWork];
    const result = run(aReplica(0), ...start, getsWork, getsWork);
    assert.equal(ofKind(result, 'send').length, 2);
    assert.equal(ofKind(run(result.state, ticks), 'send').length, 2);
  });

  it('does nothing on timers of other views', () => {
    assert.deepEqual(run(aReplica(), elapses('view', 9), elapses('heartbeat', 9)).effects, []);
  });
});
