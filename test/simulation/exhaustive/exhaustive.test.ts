/** Every state of four voters in a few views, one of them dishonest: what a schedule may miss by chance is not missed here. */
import assert from 'node:assert/strict';
import type { Mutation } from '../mutant.ts';
import { explore } from './search.ts';

const testMsMax = 120_000;
const twoViews = { variants: [2, 2], stateCountMax: 2_000_000 };
const losingDisk = { variants: [1, 1], stateCountMax: 6_000_000, isLosingDisk: true };
const threeViewsBudget = 1_000_000;

describe('in every state of four voters, one dishonest and leading, no rule is broken', () => {
  it('in two views with two blocks on each parent, crashes at any point included', async () => {
    const { violation, isWhole, stateCount, finalCount } = await explore(twoViews);
    assert.equal(violation, null);
    assert.ok(isWhole, `the search ended after ${stateCount} states`);
    // Fewer would mean that something can no longer happen: of 708,596 states 464,520 had a final block.
    assert.ok(
      stateCount > 500_000 && finalCount > 300_000,
      `${stateCount} states, ${finalCount} with a final block`,
    );
  }).timeout(testMsMax);

  it('in two views with one block on each parent, when an honest voter loses its disk as well, at any time (W6)', async () => {
    const { violation, isWhole, stateCount } = await explore(losingDisk);
    assert.equal(violation, null);
    assert.ok(isWhole, `the search ended after ${stateCount} states`);
    // Of 3,212,578.
    assert.ok(stateCount > 2_000_000, `${stateCount} states`);
  }).timeout(testMsMax);

  it(`in the first ${threeViewsBudget} states of three views`, async () => {
    const { violation, stateCount, finalCount } = await explore({
      variants: [1, 1, 1],
      stateCountMax: threeViewsBudget,
    });
    assert.equal(violation, null);
    assert.ok(stateCount >= threeViewsBudget);
    assert.ok(finalCount > 0);
  }).timeout(testMsMax);
});

describe('the search finds', () => {
  const guards: readonly (Mutation & {
    readonly what: string;
    readonly reason: RegExp;
    readonly isLosingDisk?: boolean;
  })[] = [
    {
      what: 'a quorum that is one vote too small',
      file: 'protocol/certificate.js',
      text: 'return Math.ceil((2 * voterCount) / 3);',
      replacement: 'return Math.ceil((2 * voterCount) / 3) - 1;',
      reason: /certificates of prepare in view 1 and of prepare in view 1 exclude each other/,
    },
    {
      what: 'a commit after a skip (R4, R7)',
      file: 'consensus/safety.js',
      text: 'commit: 3,',
      replacement: 'commit: 4,',
      reason: /signs commit in view 1 after skip in view 1/,
    },
    {
      what: 'a prepare after a skip (R5)',
      file: 'consensus/safety.js',
      text: 'prepare: 2,',
      replacement: 'prepare: 5,',
      reason: /signs prepare in view 1 after skip in view 1/,
    },
    {
      what: 'a block prepared without the skip certificates between it and its parent (R3)',
      file: 'consensus/preparing.js',
      text: 'if (uncovered !== null)',
      replacement: 'if (uncovered === 0)',
      reason: /certificates of (prepare|commit) in view 2 and of commit in view 1 exclude each other/,
    },
    {
      what: 'a voter without memory that votes again one view too early (W6)',
      file: 'consensus/memory.js',
      text: 'const above = viewAfter(state.view);',
      replacement: 'const above = state.view;',
      reason: /signs prepare in view 2 after (prepare|skip) in view 2/,
      isLosingDisk: true,
    },
    {
      what: 'a voter without memory that does not keep to the view it waits for (W6)',
      file: 'consensus/memory.js',
      text: 'return view > memory.above;',
      replacement: 'return true;',
      reason: /signs \w+ in view 1 after \w+ in view 1/,
      isLosingDisk: true,
    },
    {
      what: 'votes that a restart forgets (W5)',
      file: 'consensus/recovery.js',
      text: 'return markAfter(mark, record.vote.view, record.vote.kind);',
      replacement: 'return mark;',
      reason: /only what was permitted is sent again/,
    },
  ];
  for (const { what, reason, isLosingDisk = false, ...mutation } of guards) {
    it(what, async () => {
      const { violation } = await explore({ variants: [2, 1], stateCountMax: 300_000, isLosingDisk }, [
        mutation,
      ]);
      assert.match(violation ?? 'nothing was found', reason);
    }).timeout(testMsMax);
  }
});
