import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConsortium } from '../../../devnet/cast.ts';
import { regionOf } from '../../../devnet/generator/consortiumRegion.ts';
import { addUp, nothingOwed } from '../../../devnet/generator/owing.ts';
import { medicationRequests } from '../../../devnet/documents.ts';
import { planDay } from '../../../devnet/story/day.ts';
import type { StoryStep } from '../../../devnet/story/step.ts';
import { ed25519 } from '../../../node/ed25519.ts';
import type { Timestamp } from '../../../protocol/brand.ts';
import { verifyStamp } from '../../../protocol/stamp.ts';
import { runDevnet, type DevnetRun } from '../../support/devnet.ts';

const documentCount: number = medicationRequests().length;

describe('the story of the devnet', function storyOfTheDevnet() {
  this.timeout(300_000);
  let directory: string;
  let run: DevnetRun;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'rxl-story-'));
    run = await runDevnet(['--exit', '--json', '--keep', '--seed', 'story'], directory);
  });

  after(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  function stepTitled(title: string): StoryStep {
    const step = run.steps.find((candidate) => candidate.title === title);
    assert.ok(step, `no step has the title: ${title}`);
    return step;
  }

  it('ends well, each step with its expected outcome', () => {
    assert.deepEqual(
      run.steps.filter((step) => !step.isAsExpected),
      [],
    );
    assert.deepEqual([run.exitCode, run.isGood, run.steps.length > 0], [0, true, true]);
  });

  it('is told of ten real prescriptions', () => {
    assert.equal(documentCount, 10);
  });

  it('gives the pharmacy every document as the hospital sealed it', () => {
    const { actual } = stepTitled('pharmacy: opens all the prescriptions that it supplied');
    assert.equal(actual, `${documentCount} times the same FHIR JSON`);
  });

  it('brings every prescription to the settlement', () => {
    const { actual } = stepTitled('insurer: looks at all prescriptions and claims');
    assert.equal(actual, `${documentCount} dispensed, received and paid`);
  });

  it('has estimates answered by a program that was stopped meanwhile', () => {
    const { stampFile } = stepTitled('insurer: the program, started again, answers what was asked meanwhile');
    const { genesis } = createConsortium({ seed: 'story', voterCount: 4 });
    const verdict = verifyStamp(readFileSync(stampFile ?? ''), genesis, ed25519);
    assert.ok(verdict.ok);
    const { member, action } = verdict.value.transaction;
    assert.deepEqual([member, action.kind], ['insurer', 'claim.adjudicate']);
  });

  it('settles two statements by transfers to the one who gets', () => {
    const { actual } = stepTitled('all: who pays whom in the end');
    assert.equal(actual, 'insurer pays pharmacy 4600, pharmacy-2 pays pharmacy 2400');
  });

  it('lives the day that follows from the seed, and owes for it what the plan adds up to', () => {
    const region = regionOf(createConsortium({ seed: 'story', voterCount: 4 }));
    const acts = planDay(region, { seed: 'story', at: 0 as Timestamp }).flat();
    const owing = nothingOwed();
    for (const act of acts) if (act.expected === 'committed') addUp(owing, act);
    const expected = ['insurer/pharmacy', 'insurer/pharmacy-2'].map(
      (pair) => `${pair} ${owing.owed.get(pair)}`,
    );
    const { actual } = stepTitled('the insurers: what the day adds to what they owe');
    assert.equal(actual, expected.join(', '));
  });

  it('refuses the second use with a stamp that verifies offline', () => {
    const { actual, stampFile, height } = stepTitled('pharmacy-2: pharmacist-liu scans the same code again');
    const { genesis } = createConsortium({ seed: 'story', voterCount: 4 });
    const verdict = verifyStamp(readFileSync(stampFile ?? ''), genesis, ed25519);
    assert.ok(verdict.ok);
    const { transaction, receipt } = verdict.value;
    assert.deepEqual(
      [actual, transaction.member, transaction.action.kind, receipt.outcome, receipt.code, receipt.height],
      ['refused: fillNotReady', 'pharmacy-2', 'fill.reserve', 'refused', 'fillNotReady', height],
    );
  });

  it('keeps the content from the second pharmacy', () => {
    const { actual } = stepTitled('pharmacy-2: tries to open the sealed prescription with the code');
    assert.equal(actual, 'error: notPermitted');
  });
});
