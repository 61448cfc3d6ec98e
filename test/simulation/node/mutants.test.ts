/** The simulator of the whole node notices what is wrong: one of a few seeds catches each mutant; `swarm.test.ts` shows that they pass without it. */
import assert from 'node:assert/strict';
import { openWorkshop, type Workshop } from '../museum/catch.ts';
import { hunt } from './hunt.ts';
import { mutants } from './mutants.ts';

/** Most are caught by the first four. */
const seedCountMax = 25;
const testMsMax = 180_000;

describe('the simulator of the whole node', () => {
  let workshop: Workshop;
  before(() => {
    workshop = openWorkshop();
  });
  after(() => workshop.close());

  for (const mutant of mutants) {
    it(`notices a node that ${mutant.bug}`, async () => {
      const failure = await hunt({ folder: workshop.folder, mutant, firstSeed: 1, seedCountMax });
      assert.match(failure ?? 'nothing was noticed', mutant.reason);
    }).timeout(testMsMax);
  }
});
