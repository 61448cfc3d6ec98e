import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';
import type { VerifyItem } from '../../../node/verifyChunk.ts';
import {
  startVerifyPool,
  VerifyPoolFailure,
  verifyQueueItemsMax,
  type VerifyPool,
} from '../../../node/verifyPool.ts';
import type { PublicKey, Signature } from '../../../protocol/brand.ts';
import { aSeed, aSigner } from '../../support/keys.ts';

const signer = aSigner('signer');
const stranger = aSigner('stranger');
const message = aSeed('message');
const good: VerifyItem = { message, signature: signer.sign(message), key: signer.publicKey };
const bad: VerifyItem = { ...good, key: stranger.publicKey };
const workerUrl = new URL('../../../node/verifyWorker.js', import.meta.url);

/** Every third item is bad. */
function someItems(count: number): readonly VerifyItem[] {
  return Array.from({ length: count }, (_, index) => (index % 3 === 2 ? bad : good));
}

function expected(count: number): readonly boolean[] {
  return Array.from({ length: count }, (_, index) => index % 3 !== 2);
}

/** A thread that dies at its first chunk. */
function spawnDying(): Worker {
  return new Worker("require('node:worker_threads').parentPort.on('message', () => process.exit(1))", {
    eval: true,
  });
}

/** A thread that never answers. */
function spawnSilent(): Worker {
  return new Worker("require('node:worker_threads').parentPort.on('message', () => {})", { eval: true });
}

function failure(code: string): (error: unknown) => boolean {
  return (error) => error instanceof VerifyPoolFailure && error.code === code;
}

describe('the verify pool', () => {
  let pool: VerifyPool | null = null;

  function start(options: Partial<Parameters<typeof startVerifyPool>[0]> = {}): VerifyPool {
    pool = startVerifyPool({ threads: 1, ...options });
    return pool;
  }

  afterEach(async () => {
    await pool?.stop();
    pool = null;
  });

  it('gives verdicts in the order of the items, for few and for many', async () => {
    const verify = start({ threads: 2 }).verify;
    for (const count of [0, 1, 4, 5, 63, 64, 256, 257, 2_000]) {
      assert.deepEqual(await verify(someItems(count)), expected(count));
    }
  });

  it('answers each of many calls of one turn with its own verdicts', async () => {
    const verify = start().verify;
    const counts = Array.from({ length: 100 }, (_, index) => index % 12);
    const verdicts = await Promise.all(counts.map((count) => verify(someItems(count))));
    assert.deepEqual(verdicts, counts.map(expected));
  });

  it('answers calls that come while it is busy', async () => {
    const verify = start().verify;
    const first = verify(someItems(1_000));
    await Promise.resolve();
    const second = verify(someItems(3));
    assert.deepEqual(await Promise.all([first, second]), [expected(1_000), expected(3)]);
  });

  it('needs no thread for a few items', async () => {
    let spawned = 0;
    const verify = start({
      spawn: () => {
        spawned += 1;
        return new Worker(workerUrl);
      },
    }).verify;
    assert.deepEqual(await verify(someItems(4)), expected(4));
    assert.equal(spawned, 0);
    assert.deepEqual(await verify(someItems(5)), expected(5));
    assert.equal(spawned, 1);
  });

  it('refuses text that is not hex of the right length, inline and in a thread', async () => {
    const verify = start().verify;
    const odd: readonly VerifyItem[] = [
      { ...good, signature: '' as Signature },
      { ...good, signature: good.signature.slice(2) as Signature },
      { ...good, signature: `${good.signature}00` as Signature },
      { ...good, key: 'zz'.repeat(32) as PublicKey },
      { ...good, key: `${good.key}00` as PublicKey },
    ];
    const refusals = odd.map(() => false);
    assert.deepEqual(await verify(odd), refusals);
    assert.deepEqual(await verify([...odd, ...someItems(64)]), [...refusals, ...expected(64)]);
  });

  it('replaces a thread that died, and verifies its chunks again', async () => {
    let spawned = 0;
    const verify = start({
      spawn: () => {
        spawned += 1;
        return spawned <= 2 ? spawnDying() : new Worker(workerUrl);
      },
    }).verify;
    assert.deepEqual(await verify(someItems(600)), expected(600));
    assert.equal(spawned, 3);
  });

  it('gives up a chunk that kills every thread, and lives on', async () => {
    let isDeadly = true;
    const verify = start({ spawn: () => (isDeadly ? spawnDying() : new Worker(workerUrl)) }).verify;
    await assert.rejects(verify(someItems(600)), failure('threadDied'));
    isDeadly = false;
    assert.deepEqual(await verify(someItems(100)), expected(100));
  });

  it('refuses what goes over its bound, and takes what fits', async () => {
    const silent = start({ spawn: spawnSilent });
    const items = Array.from({ length: verifyQueueItemsMax - 1 }, () => good);
    const waiting = assert.rejects(silent.verify(items), failure('stopped'));
    await assert.rejects(silent.verify([good, good]), failure('busy'));
    const last = assert.rejects(silent.verify([good]), failure('stopped'));
    await assert.rejects(silent.verify([good]), failure('busy'));
    await silent.stop();
    await Promise.all([waiting, last]);
  });

  it('takes its bound again and again', async () => {
    const verify = start().verify;
    const items = Array.from({ length: 3_000 }, () => ({ ...good, key: '00'.repeat(32) as PublicKey }));
    for (let round = 0; round < 12; round += 1) {
      assert.equal((await verify(items)).includes(true), false);
    }
  });

  it('answers nobody after it was stopped', async () => {
    const stopped = start();
    await stopped.stop();
    await assert.rejects(stopped.verify([good]), failure('stopped'));
  });
});
