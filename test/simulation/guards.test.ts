/** A simulator that never fails proves nothing: each guard, once removed, must show within a bounded number of seeds. */
import assert from 'node:assert/strict';
import { recover } from '../../consensus/recovery.ts';
import { step } from '../../consensus/replica.ts';
import { quorumSize } from '../../protocol/certificate.ts';
import { huntFailure, withMutant, type Mutation } from './mutant.ts';
import type { Plan } from './plan.ts';
import { carefulHost } from './schedule.ts';

const core = { step, recover, quorumSize };
const losing = { memoryLossMs: 400, healMs: 3_000 };
const testMsMax = 120_000;

async function assertCaught(
  mutation: Mutation,
  expected: { readonly reason: RegExp; readonly seedCountMax: number; readonly plan?: Partial<Plan> },
): Promise<void> {
  const { reason, seedCountMax, plan = {} } = expected;
  const failure = await withMutant([mutation], (mutant) => huntFailure({ core: mutant, seedCountMax, plan }));
  assert.match(failure ?? `no failure in ${seedCountMax} seeds`, reason);
}

describe('the simulator', () => {
  it('catches a quorum that is one vote too small', async () => {
    const mutation = {
      file: 'protocol/certificate.js',
      text: 'return Math.ceil((2 * voterCount) / 3);',
      replacement: 'return Math.ceil((2 * voterCount) / 3) - 1;',
    };
    await assertCaught(mutation, {
      reason: /CC and SC|two PCs|agreement|does not extend|same block/,
      seedCountMax: 200,
    });
  }).timeout(testMsMax);

  it('catches votes that are not logged (W1)', () => {
    const failure = huntFailure({
      core,
      flaws: { ...carefulHost, areVotesLogged: false },
      seedCountMax: 200,
    });
    assert.match(failure ?? 'no failure', /said two things|went back/);
  }).timeout(testMsMax);

  it('catches certificates that are not logged (W2)', () => {
    const failure = huntFailure({
      core,
      flaws: { ...carefulHost, areCertificatesLogged: false },
      seedCountMax: 500,
    });
    assert.match(failure ?? 'no failure', /no five new blocks/);
  }).timeout(testMsMax);

  it('catches a commit after a skip (R4, R7)', async () => {
    const mutation = {
      file: 'consensus/safety.js',
      text: 'commit: 3,',
      replacement: 'commit: 4,',
    };
    await assertCaught(mutation, { reason: /said two things: end/, seedCountMax: 500 });
  }).timeout(testMsMax);

  it('catches a proposal without the skip certificates between it and its parent (R3)', async () => {
    const mutation = {
      file: 'consensus/preparing.js',
      text: 'if (uncovered !== null)',
      replacement: 'if (uncovered === 0)',
    };
    await assertCaught(mutation, { reason: /does not extend|agreement|CC and SC/, seedCountMax: 1_000 });
  }).timeout(testMsMax);

  it('catches a replica that does not tick (R8)', async () => {
    const mutation = {
      file: 'consensus/replica.js',
      text: "if (timeout.kind === 'tick')\n        return onTick(step);",
      replacement: "if (timeout.kind === 'tick')\n        return step;",
    };
    await assertCaught(mutation, { reason: /no five new blocks/, seedCountMax: 100 });
  }).timeout(testMsMax);

  it('catches a lost log that is taken for one never begun (W6)', () => {
    const flaws = { ...carefulHost, isLossNoticed: false };
    const failure = huntFailure({ core, flaws, seedCountMax: 100, plan: losing });
    assert.match(failure ?? 'no failure', /said two things|went back/);
  }).timeout(testMsMax);

  it('catches a voter that forgot and believes a report that no certificate backs (W6)', async () => {
    const mutation = {
      file: 'consensus/memory.js',
      text: 'reported <= view',
      replacement: 'reported > 0',
    };
    await assertCaught(mutation, { reason: /said two things|went back/, seedCountMax: 1_000, plan: losing });
  }).timeout(testMsMax);
});
