/** One long read at a time, in the order of arrival. */
import assert from 'node:assert/strict';
import { turnstile } from '../../../node/rpc/turnstile.ts';

interface Gate {
  readonly work: () => Promise<string>;
  readonly open: (outcome: string | Error) => void;
}

function aGate(name: string, begun: string[]): Gate {
  let open: (outcome: string | Error) => void = () => undefined;
  const outcome = new Promise<string>((resolve, reject) => {
    open = (value) => (typeof value === 'string' ? resolve(value) : reject(value));
  });
  const work = (): Promise<string> => {
    begun.push(name);
    return outcome;
  };
  return { work, open };
}

const settle = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve));

describe('a turnstile', () => {
  it('lets the next one in when the one before has gone, though it failed', async () => {
    const begun: string[] = [];
    const { pass } = turnstile(9);
    const [first, second] = [aGate('first', begun), aGate('second', begun)];
    const outcomes = [pass(first.work), pass(second.work)] as const;
    await settle();
    assert.deepEqual(begun, ['first']);
    const failed = assert.rejects(outcomes[0], /broken/);
    first.open(new Error('broken'));
    await failed;
    await settle();
    assert.deepEqual(begun, ['first', 'second']);
    second.open('done');
    assert.equal(await outcomes[1], 'done');
  });

  it('turns away whoever would be too many, and lets them in later', async () => {
    const begun: string[] = [];
    const { pass } = turnstile(1);
    const first = aGate('first', begun);
    const outcome = pass(first.work);
    assert.equal(await pass(first.work), null);
    first.open('done');
    assert.equal(await outcome, 'done');
    assert.equal(await pass(async () => 'again'), 'again');
    assert.deepEqual(begun, ['first']);
  });
});
