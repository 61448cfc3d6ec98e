import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  tellBroken,
  tellError,
  tellFact,
  tellTogether,
  tellWrite,
  type Stage,
  type StoryStep,
} from '../../../devnet/story/step.ts';
import { RpcError, type RpcClient } from '../../../node/rpc/client.ts';
import type { TransactionResult } from '../../../node/rpc/contract.ts';

const committed: TransactionResult = {
  txId: '0xaa',
  status: 'committed',
  height: 7,
  index: 2,
  time: '2026-01-01T00:00:00.000Z',
  code: null,
  hint: null,
  notAfter: null,
};
const pending: TransactionResult = {
  ...committed,
  status: 'pending',
  height: null,
  index: null,
  time: null,
};
const refused: TransactionResult = { ...committed, status: 'refused', code: 'tooLate' };
const line = { title: 'a pharmacist dispenses', kind: 'fill.dispense', member: 'pharmacy' } as const;

describe('a step of the story', () => {
  let directory: string;
  let steps: StoryStep[];
  let stage: Stage;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'rxl-step-'));
    steps = [];
    // A node that knows one stamp, and by now the outcome of everything.
    const answers: Readonly<Record<string, unknown>> = {
      tx_stamp: { txId: '0xaa', stamp: '0x010203' },
      tx_status: committed,
    };
    const client = { call: async (method: string) => answers[method] } as unknown as RpcClient;
    stage = {
      devnet: { client: () => client, genesisFile: '', names: [] },
      stampDirectory: directory,
      chapter: 'A chapter',
      onStep: (step) => steps.push(step),
    };
  });

  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  it('leaves the stamp of a committed transaction in a file', async () => {
    await tellWrite(stage, { ...line, expected: 'committed' }, async () => committed);
    const stampFile = join(directory, '000007-0002-fill.dispense.stamp');
    assert.deepEqual(steps, [
      {
        chapter: 'A chapter',
        title: 'a pharmacist dispenses',
        expected: 'committed',
        actual: 'committed',
        isAsExpected: true,
        height: 7,
        stampFile,
      },
    ]);
    assert.deepEqual([...readFileSync(stampFile)], [1, 2, 3]);
  });

  it('leaves the stamp of a refusal under a name that says so', async () => {
    await tellWrite(stage, { ...line, expected: 'refused: tooLate' }, async () => refused);
    assert.deepEqual(
      steps.map(({ isAsExpected, stampFile }) => [isAsExpected, stampFile]),
      [[true, join(directory, '000007-0002-fill.dispense.refused.stamp')]],
    );
  });

  it('is wrong when the ledger refused for another reason', async () => {
    await tellWrite(stage, { ...line, expected: 'refused: packSpent' }, async () => refused);
    assert.deepEqual(
      steps.map(({ actual, isAsExpected }) => [actual, isAsExpected]),
      [['refused: tooLate', false]],
    );
  });

  it('asks for the outcome of a transaction that is pending', async () => {
    const result = await tellWrite(stage, { ...line, expected: 'committed' }, async () => pending);
    assert.deepEqual([result, steps[0]?.actual], [committed, 'committed']);
  });

  it('ends its chapter, told once, when the node answers an error', async () => {
    const telling = tellWrite(stage, { ...line, expected: 'committed' }, async () => {
      throw new RpcError(1020, 'notPermitted', { name: 'notPermitted', retry: 'never', hint: '' });
    });
    const error = await telling.then(
      () => null,
      (reason: unknown) => reason,
    );
    tellBroken(stage, error);
    assert.deepEqual(
      steps.map(({ actual, isAsExpected }) => [actual, isAsExpected]),
      [['error: notPermitted', false]],
    );
  });

  it('is told of a chapter that broke outside its steps', () => {
    tellBroken(stage, new Error('no disk'));
    assert.deepEqual(
      steps.map(({ actual, isAsExpected }) => [actual, isAsExpected]),
      [['failure: no disk', false]],
    );
  });

  it('is wrong when the node answered where it had to refuse', async () => {
    await tellError(stage, { title: 'opens it', expected: 'notPermitted' }, async () => ({}));
    assert.deepEqual(
      steps.map(({ actual, isAsExpected }) => [actual, isAsExpected]),
      [['answered', false]],
    );
  });

  it('is wrong when many steps as one hide a wrong one, and names that', async () => {
    await tellFact(stage, { title: 'good', expected: 'yes' }, async () => 'yes');
    await tellFact(stage, { title: 'bad', expected: 'yes' }, async () => 'no');
    tellTogether(stage, 'both', steps.slice(0));
    assert.deepEqual(
      steps.slice(2).map(({ expected, actual, isAsExpected }) => [expected, actual, isAsExpected]),
      [['2 steps as expected', 'bad: no, expected yes (and maybe more)', false]],
    );
  });
});
