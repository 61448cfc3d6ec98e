import assert from 'node:assert/strict';
import { createConsortium } from '../../../devnet/cast.ts';
import {
  describeFindings,
  describeNext,
  describeNodes,
  describeStep,
  describeSummary,
} from '../../../devnet/report.ts';
import type { StoryStep } from '../../../devnet/story/step.ts';

const step: StoryStep = {
  chapter: 'A second use',
  title: 'The second pharmacy tries to reserve',
  expected: 'refused (fillReserved)',
  actual: 'refused (fillReserved)',
  isAsExpected: true,
  height: 9,
  stampFile: '/d/stamps/4',
};

const node = {
  name: 'clinic',
  home: '/d/clinic',
  rpcSocket: '/d/clinic/run/rpc.sock',
  rpcUrl: 'http://127.0.0.1:15001',
  tokenFile: '/d/clinic/run/rpc.token',
  logFile: '/d/logs/clinic.log',
  pid: 7,
};

describe('the report of the devnet', () => {
  it('shows each node with its addresses and persons', () => {
    const consortium = createConsortium({ seed: '1', voterCount: 4 });
    assert.deepEqual(describeNodes([node], consortium).slice(0, 2), [
      'member  role   JSON-RPC over HTTP      JSON-RPC over a unix socket  signs for',
      'clinic  voter  http://127.0.0.1:15001  /d/clinic/run/rpc.sock       dr-li reviewer-wu',
    ]);
  });

  it('shows a step with its outcome, height and stamp', () => {
    assert.deepEqual(describeStep(4, step, step), [
      'ok    4  The second pharmacy tries to reserve: refused (fillReserved) at height 9',
      '         stamp 4',
    ]);
  });

  it('shows what was expected when something else happened', () => {
    const wrong = { ...step, actual: 'committed', isAsExpected: false, stampFile: null };
    assert.deepEqual(describeStep(4, wrong, step), [
      'NOT   4  The second pharmacy tries to reserve: committed, expected refused (fillReserved) at height 9',
    ]);
  });

  it('opens a chapter with its name', () => {
    const before = { ...step, chapter: 'The settlement' };
    assert.deepEqual(describeStep(4, step, before).slice(0, 2), ['', 'A second use']);
  });

  it('says how soon the first block came and where the stamps are', () => {
    assert.deepEqual(describeFindings({ firstBlockMs: 1234.5, stampDirectory: '/d/stamps' }), [
      'The first block came 1235 ms after the processes were started.',
      'Stamps in /d/stamps',
    ]);
  });

  it('names no directory that is about to go', () => {
    assert.deepEqual(describeFindings({ firstBlockMs: 1000, stampDirectory: null }), [
      'The first block came 1000 ms after the processes were started.',
    ]);
  });

  it('counts the steps that went wrong', () => {
    assert.deepEqual(describeSummary([step]), ['', 'All 1 steps had their expected outcome.']);
    assert.deepEqual(describeSummary([step, { ...step, isAsExpected: false }]), [
      '',
      '1 of 2 steps did not have their expected outcome.',
    ]);
  });

  it('ends with the command of an adjudicator, to be started when the story has been told', () => {
    assert.deepEqual(describeNext({ ...node, name: 'insurer', rpcSocket: '/d/insurer/run/rpc.sock' }), [
      '',
      'The consortium runs. Ctrl-C ends it.',
      'An insurer that answers by itself from now on: npm run adjudicator -- --socket /d/insurer/run/rpc.sock --practitioner adjudicator-zhao --table devnet/adjudicator/benefits.json',
    ]);
  });
});
