import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { castVote, isPermitted, markAfter, nothingSigned } from '../../../consensus/safety.ts';
import type { View } from '../../../protocol/brand.ts';
import type { SignedKind } from '../../../protocol/vote.ts';
import { aBallot, aBlock, aReplica } from './builders.ts';

const kinds: readonly SignedKind[] = ['propose', 'prepare', 'commit', 'skip'];

function permittedAfter(kind: SignedKind, view: number): readonly SignedKind[] {
  const state = { ...aReplica(), signed: { view: 5 as View, kind } };
  return kinds.filter((next) => isPermitted(state, view as View, next));
}

describe('R7: what we sign never goes back', () => {
  it('goes up within a view, and COMMIT and SKIP exclude each other', () => {
    assert.deepEqual(permittedAfter('propose', 5), ['prepare', 'commit', 'skip']);
    assert.deepEqual(permittedAfter('prepare', 5), ['commit', 'skip']);
    assert.deepEqual(permittedAfter('commit', 5), []);
    assert.deepEqual(permittedAfter('skip', 5), []);
  });

  it('permits everything in a higher view and nothing in a lower one', () => {
    assert.deepEqual(permittedAfter('skip', 6), kinds);
    assert.deepEqual(permittedAfter('propose', 4), []);
  });

  it('permits an observer nothing', () => {
    assert.equal(isPermitted(aReplica(null), 1 as View, 'prepare'), false);
  });

  it('casts a vote once', () => {
    const ballot = aBallot('prepare', aBlock({ view: 1 }));
    const once = castVote({ state: aReplica(), effects: [] }, ballot);
    assert.deepEqual(once.effects, [{ kind: 'castVote', ballot }]);
    assert.deepEqual(once.state.signed, { view: 1, kind: 'prepare' });
    assert.equal(castVote(once, ballot), once);
  });

  it('keeps the highest of the recorded statements, in whatever order they are read', () => {
    const forwards = markAfter(markAfter(nothingSigned, 3 as View, 'skip'), 2 as View, 'commit');
    const backwards = markAfter(markAfter(nothingSigned, 2 as View, 'commit'), 3 as View, 'skip');
    assert.deepEqual(forwards, { view: 3, kind: 'skip' });
    assert.deepEqual(backwards, forwards);
  });

  it('is the only place where a statement of ours is made', () => {
    const folder = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'consensus');
    const makers = readdirSync(folder)
      .filter((name) => name.endsWith('.js'))
      .filter((name) => /kind: '(castVote|castProposal)'/.test(readFileSync(join(folder, name), 'utf8')));
    assert.deepEqual(makers, ['safety.js']);
  });
});
