/** Requests and answers between real hosts, and what becomes of them when nobody answers. */
import assert from 'node:assert/strict';
import { requestsOutstandingMax, requestsServedAtOnceMax } from '../../../node/network/bounds.ts';
import { NetworkFailure, type NetworkHandlers } from '../../../node/network/ports.ts';
import type { MemberName } from '../../../protocol/brand.ts';
import {
  bytesOf,
  defaultSettings,
  startMesh,
  stopAll,
  textOf,
  type TestNode,
} from '../../support/networkFixture.ts';
import { until } from '../../support/wait.ts';

const timeoutMs = 20_000;

/** Rejections become values, so that a test waits for all of them together. */
async function outcome(request: Promise<Uint8Array>): Promise<string> {
  try {
    return textOf(await request);
  } catch (error) {
    assert.ok(error instanceof NetworkFailure);
    return error.code;
  }
}

function never(): Promise<Uint8Array> {
  return new Promise(() => undefined);
}

describe('a request', () => {
  let nodes: readonly TestNode[] = [];
  const start = async (handlers: Partial<NetworkHandlers>): Promise<readonly [TestNode, TestNode]> => {
    nodes = await startMesh(2, { ...defaultSettings, handlers });
    const [a, b] = nodes;
    assert.ok(a !== undefined && b !== undefined);
    return [a, b];
  };

  afterEach(async () => {
    await stopAll(nodes);
    nodes = [];
  });

  it('is answered, whichever side asks', async () => {
    const [a, b] = await start({
      onRequest: (from, bytes) => Promise.resolve(bytesOf(`${from} asked ${textOf(bytes)}`)),
    });
    const answers = await Promise.all([
      outcome(a.network.request(b.member.name, bytesOf('one'), timeoutMs)),
      outcome(b.network.request(a.member.name, bytesOf('two'), timeoutMs)),
    ]);
    assert.deepEqual(answers, [`${a.member.name} asked one`, `${b.member.name} asked two`]);
  });

  it('gets its own answer among many of the largest size', async () => {
    const [a, b] = await start({
      onRequest: (_from, bytes) => Promise.resolve(new Uint8Array(266_240).fill(bytes[0] ?? 0)),
    });
    const requests = Array.from({ length: requestsOutstandingMax }, (_, index) =>
      a.network.request(b.member.name, new Uint8Array(1).fill(index), timeoutMs),
    );
    const answers = await Promise.all(requests);
    assert.deepEqual(
      answers.map((answer) => [answer.length, answer[0], answer.at(-1)]),
      answers.map((_, index) => [266_240, index, index]),
    );
  });

  it('may be answered with nothing', async () => {
    const [a, b] = await start({ onRequest: () => Promise.resolve(new Uint8Array(0)) });
    assert.equal(await outcome(a.network.request(b.member.name, bytesOf('any'), timeoutMs)), '');
  });

  it('fails in time when the answer does not come', async () => {
    const [a, b] = await start({ onRequest: never });
    assert.equal(await outcome(a.network.request(b.member.name, bytesOf('any'), 20)), 'timeout');
  });

  it('fails when the peer fails', async () => {
    const [a, b] = await start({ onRequest: () => Promise.reject(new Error('disk')) });
    assert.equal(await outcome(a.network.request(b.member.name, bytesOf('any'), timeoutMs)), 'peerFailed');
  });

  it('fails when the peer goes away', async () => {
    let isAsked = false;
    const [a, b] = await start({
      onRequest: () => {
        isAsked = true;
        return never();
      },
    });
    const pending = outcome(a.network.request(b.member.name, bytesOf('any'), timeoutMs));
    await until('it is asked', () => isAsked);
    await b.network.stop();
    assert.equal(await pending, 'disconnected');
    assert.equal(await outcome(a.network.request(b.member.name, bytesOf('any'), timeoutMs)), 'notConnected');
  });

  it('fails at once to somebody who is no member', async () => {
    const [a] = await start({});
    const request = a.network.request('nobody' as MemberName, bytesOf('any'), timeoutMs);
    assert.equal(await outcome(request), 'notConnected');
  });

  it('fails at once when too many are outstanding, and few are served at a time', async () => {
    let servedCount = 0;
    const [a, b] = await start({
      onRequest: () => {
        servedCount += 1;
        return never();
      },
    });
    const pending = Array.from({ length: requestsOutstandingMax }, () =>
      outcome(a.network.request(b.member.name, bytesOf('any'), timeoutMs)),
    );
    assert.equal(
      await outcome(a.network.request(b.member.name, bytesOf('any'), timeoutMs)),
      'tooManyRequests',
    );
    await until('some are served', () => servedCount >= requestsServedAtOnceMax);
    a.network.sendConsensus(b.member.name, bytesOf('after all requests'));
    await until('the frame overtakes them', () => b.frames.length === 1);
    assert.equal(servedCount, requestsServedAtOnceMax);
    await b.network.stop();
    assert.deepEqual(new Set(await Promise.all(pending)), new Set(['disconnected']));
  });
});
