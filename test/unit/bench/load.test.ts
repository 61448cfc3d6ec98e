import assert from 'node:assert/strict';
import type { RpcClient } from '../../../node/rpc/client.ts';
import type { MemberName } from '../../../protocol/brand.ts';
import { pace, saturate, type ClientOf } from '../../bench/load.ts';
import type { Life, SignedStep } from '../../bench/lives.ts';

const atOnce = { perSecond: 1_000_000_000, seconds: 60 };

/** Answers at once what the transaction's text says, and remembers what it was sent. */
function aNode(requests: string[][]): RpcClient {
  const batch: RpcClient['batch'] = async (calls) => {
    const texts = calls.map(({ params }) => (params as { readonly transaction: string }).transaction);
    requests.push(texts);
    return texts.map((text) => {
      const [, answer = ''] = text.split(' ');
      const isCommitted = answer === 'committed' || answer === 'pending';
      const result = { status: isCommitted ? answer : 'refused', code: isCommitted ? null : answer };
      return { ok: true, result } as const;
    });
  };
  return { batch } as unknown as RpcClient;
}

function step(node: string, answer: string, expected: SignedStep['expected'] = 'committed'): SignedStep {
  return { node: node as MemberName, transaction: `${node} ${answer}`, expected };
}

function nodes(): { readonly clientOf: ClientOf; readonly requests: string[][] } {
  const requests: string[][] = [];
  const client = aNode(requests);
  return { clientOf: () => client, requests };
}

describe('the load generator', () => {
  it('sends a step when the one before is answered, and all that is due for one node in one request', async () => {
    const { clientOf, requests } = nodes();
    const life: Life = [step('hospital', 'committed'), step('pharmacy', 'committed')];
    const { committedCount, failedCount } = await pace(clientOf, [life, life, life], atOnce);
    assert.deepEqual([committedCount, failedCount], [6, 0]);
    assert.deepEqual(
      requests.map((texts) => [texts.length, new Set(texts).size]),
      [
        [3, 1],
        [3, 1],
      ],
    );
  });

  it('counts what is refused as planned among what is committed', async () => {
    const { clientOf } = nodes();
    const life: Life = [
      step('hospital', 'prescriptionExists', 'prescriptionExists'),
      step('pharmacy', 'committed'),
    ];
    const { committedCount, refusedCount, failedCount } = await pace(clientOf, [life], atOnce);
    assert.deepEqual([committedCount, refusedCount, failedCount], [2, 1, 0]);
  });

  it('ends a life in which something is not as planned', async () => {
    const { clientOf, requests } = nodes();
    const lives: readonly Life[] = ['fillReserved', 'pending'].map((answer) => [
      step('pharmacy', answer),
      step('insurer', 'committed'),
    ]);
    const { committedCount, failedCount } = await pace(clientOf, lives, atOnce);
    assert.deepEqual([committedCount, failedCount], [0, 2]);
    assert.equal(requests.flat().length, 2);
  });

  it('lets lives begin as the rate asks for steps, no more', async () => {
    const { clientOf, requests } = nodes();
    const life: Life = Array.from({ length: 100 }, () => step('pharmacy', 'committed'));
    await pace(
      clientOf,
      Array.from({ length: 100 }, () => life),
      { perSecond: 100, seconds: 0.2 },
    );
    assert.ok(requests.flat().length <= 20, `${requests.flat().length} steps`);
  });

  it('never sends more in one request than a node takes', async () => {
    const { clientOf, requests } = nodes();
    const lives = Array.from({ length: 120 }, (): Life => [step('pharmacy', 'committed')]);
    await pace(clientOf, lives, atOnce);
    assert.deepEqual(
      requests.map((texts) => texts.length),
      [50, 50, 20],
    );
  });

  it('fails when it runs out of lives before the time is over', async () => {
    const { clientOf } = nodes();
    const lives: readonly Life[] = [[step('pharmacy', 'committed')]];
    await assert.rejects(
      saturate(clientOf, lives, { seconds: 60, livesAtOnceMax: 2 }),
      /ran out of signed lives/,
    );
  });

  it('fails when a node does not answer', async () => {
    const batch: RpcClient['batch'] = async () => {
      throw new Error('hung up');
    };
    const clientOf: ClientOf = () => ({ batch }) as unknown as RpcClient;
    const lives: readonly Life[] = [[step('pharmacy', 'committed')]];
    await assert.rejects(pace(clientOf, lives, atOnce), /a node did not answer/);
  });
});
