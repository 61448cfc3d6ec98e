import assert from 'node:assert/strict';
import { digestOf } from '../../../consensus/chain.ts';
import {
  aBallot,
  aBlock,
  aReplica,
  ballotsOf,
  committed,
  elapses,
  gains,
  getsWork,
  ofKind,
  prepared,
  proposes,
  run,
  skipped,
  toldAll,
  validates,
  votes,
} from './builders.ts';

describe('R1: a view is entered by a certificate and nothing else', () => {
  const block = aBlock({ view: 1 });

  it('enters the next view on q PREPAREs', () => {
    assert.equal(run(aReplica(), ...votes('prepare', block, 1, 2)).state.view, 1);
    assert.equal(run(aReplica(), ...votes('prepare', block, 1, 2, 3)).state.view, 2);
  });

  it('enters the next view on q SKIPs', () => {
    assert.equal(run(aReplica(), ...votes('skip', 1, 1, 2, 3)).state.view, 2);
  });

  it('enters the next view on q COMMITs', () => {
    assert.equal(run(aReplica(), ...votes('commit', block, 1, 2, 3)).state.view, 2);
  });

  it('jumps over views with a certificate of a higher one', () => {
    assert.equal(run(aReplica(), gains(skipped(40))).state.view, 41);
  });

  it('stays where it is on a certificate of a view that was left', () => {
    assert.equal(run(aReplica(), gains(skipped(40)), gains(skipped(7))).state.view, 41);
  });

  it('broadcasts the certificate that moves it, once', () => {
    const result = run(aReplica(), gains(skipped(1)), gains(skipped(1)));
    assert.deepEqual(toldAll(result), [{ kind: 'certificate', certificate: skipped(1) }]);
  });

  it('is not moved by a view number in a vote, a proposal or a status', () => {
    const far = aBlock({ view: 60 });
    const result = run(aReplica(), ...votes('prepare', far, 1, 2), ...votes('skip', 50, 1, 2), proposes(far));
    assert.equal(result.state.view, 1);
  });

  it('starts the timers of the new view while it is expectant', () => {
    const result = run(run(aReplica(), getsWork).state, gains(prepared(block)));
    assert.deepEqual(
      ofKind(result, 'startTimer').map(({ timeout, afterMs }) => [timeout.kind, timeout.view, afterMs]),
      [
        ['view', 2, 1_500],
        ['proposal', 2, 1_000],
      ],
    );
  });

  it('records a certificate before it commits or tells anybody (W2)', () => {
    const result = run(aReplica(), gains(prepared(block)));
    assert.deepEqual(
      result.effects.map(({ kind }) => kind),
      ['recordCertificate', 'fetchBlocks', 'castVote', 'broadcast'],
    );
  });

  it('tells nobody as an observer', () => {
    const result = run(aReplica(null), gains(prepared(block)), gains(committed(block)));
    assert.deepEqual([ballotsOf(result), toldAll(result)], [[], []]);
    assert.equal(result.state.view, 2);
  });
});

describe('R4: a prepared block gets our COMMIT iff we did not skip its view', () => {
  const block = aBlock({ view: 1 });

  it('commits on the PC that ends the view, without the body', () => {
    assert.deepEqual(ballotsOf(run(aReplica(), gains(prepared(block)))), [aBallot('commit', block)]);
  });

  it('commits after its own PREPARE', () => {
    const result = run(aReplica(), proposes(block), validates(block), ...votes('prepare', block, 1, 2, 3));
    assert.deepEqual(ballotsOf(result), [aBallot('prepare', block), aBallot('commit', block)]);
  });

  it('does not commit after it skipped the view', () => {
    const result = run(aReplica(), getsWork, elapses('view', 1), gains(prepared(block)));
    assert.deepEqual(ballotsOf(result), [aBallot('skip', 1)]);
    assert.equal(result.state.view, 2);
  });

  it('does not commit in a view that it left by another certificate', () => {
    const result = run(aReplica(), gains(skipped(1)), gains(prepared(block)));
    assert.deepEqual(ballotsOf(result), []);
    assert.equal(result.state.prepared.get(block.header.view)?.digest, digestOf(block));
  });
});
