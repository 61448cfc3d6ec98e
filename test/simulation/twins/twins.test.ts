/** Twins: two instances with one key under every leader and partition of a small scope, and under samples of a larger one. */
import assert from 'node:assert/strict';
import { huntFailure, withTwinsCore } from './run.ts';
import { enumerateScenarios, sampledScenarios } from './scenario.ts';

const sampleCount = 2_200;
const groupSize = 550;
const testMsMax = 120_000;

describe('no pair of twins breaks a rule', () => {
  const scenarios = enumerateScenarios();

  it('and the small scope has every leader and partition of two rounds, up to renaming', () => {
    // Burnside's lemma over the 12 renamings: 4 leaders x 41 partitions make 32 kinds of rounds and 2,853 kinds of pairs.
    assert.equal(scenarios.length, 2_853);
    assert.equal(new Set(scenarios.map(({ name }) => name)).size, 2_853);
  });

  for (let first = 0; first < scenarios.length; first += groupSize) {
    const group = scenarios.slice(first, first + groupSize);
    it(`in enumerated scenarios ${first} to ${first + group.length - 1}`, async () => {
      assert.equal(await withTwinsCore([], (core) => huntFailure(core, group)), null);
    }).timeout(testMsMax);
  }

  for (let first = 1; first <= sampleCount; first += groupSize) {
    it(`in sampled scenarios ${first} to ${first + groupSize - 1}`, async () => {
      assert.equal(
        await withTwinsCore([], (core) => huntFailure(core, sampledScenarios(first, groupSize))),
        null,
      );
    }).timeout(testMsMax);
  }
});

describe('twins catch', () => {
  const guards = [
    {
      what: 'a quorum that is one vote too small',
      file: 'protocol/certificate.js',
      text: 'return Math.ceil((2 * voterCount) / 3);',
      replacement: 'return Math.ceil((2 * voterCount) / 3) - 1;',
      reason: /CC and SC|two PCs|agreement|does not extend|same block/,
    },
    {
      what: 'a commit after a skip (R4, R7)',
      file: 'consensus/safety.js',
      text: 'commit: 3,',
      replacement: 'commit: 4,',
      reason: /said two things: end/,
    },
    {
      what: 'a replica that does not tick (R8)',
      file: 'consensus/replica.js',
      text: "if (timeout.kind === 'tick')\n        return onTick(step);",
      replacement: "if (timeout.kind === 'tick')\n        return step;",
      reason: /no five new blocks/,
    },
  ];
  for (const { what, reason, ...mutation } of guards) {
    it(what, async () => {
      const failure = await withTwinsCore([mutation], (core) => huntFailure(core, sampledScenarios(1, 500)));
      assert.match(failure ?? 'no failure in 500 samples', reason);
    }).timeout(testMsMax);
  }
});
