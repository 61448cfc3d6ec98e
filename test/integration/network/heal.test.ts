/** Faults of the world between honest members, and how the links get over them. */
import assert from 'node:assert/strict';
import { consensusQueueBytesMax } from '../../../node/network/bounds.ts';
import { multiaddr } from '@multiformats/multiaddr';
import {
  bytesOf,
  defaultSettings,
  isMesh,
  startMesh,
  stopAll,
  type NodeSettings,
  type TestNode,
} from '../../support/networkFixture.ts';
import { until } from '../../support/wait.ts';

/** Publishes until the message of one publication arrives: what is sent while the link is down is lost. */
async function untilGossipFlows(from: TestNode, to: TestNode): Promise<void> {
  let number = 0;
  await until('gossip flows again', () => {
    number += 1;
    from.network.publishBatch(bytesOf(`after the fault ${number}`));
    return to.batches.some(({ text }) => text.startsWith('after the fault'));
  });
}

describe('a link', () => {
  let nodes: readonly TestNode[] = [];
  const start = async (settings: NodeSettings = defaultSettings): Promise<readonly [TestNode, TestNode]> => {
    nodes = await startMesh(2, settings);
    const [a, b] = nodes;
    assert.ok(a !== undefined && b !== undefined);
    return [a, b];
  };

  afterEach(async () => {
    await stopAll(nodes);
    nodes = [];
  });

  for (const direction of ['inbound', 'outbound']) {
    it(`heals after its ${direction} gossip stream was reset`, async () => {
      const [a, b] = await start();
      const gossipStreams = (): readonly { direction: string; abort: (error: Error) => void }[] =>
        a.host
          .getConnections()
          .flatMap(({ streams }) => streams)
          .filter(({ protocol }) => protocol.startsWith('/meshsub/'));
      await until('gossip stands', () => gossipStreams().length === 2);
      for (const stream of gossipStreams())
        if (stream.direction === direction) stream.abort(new Error('reset'));
      await until('the link is renewed', () => b.changes.length >= 3 && isMesh(nodes));
      await untilGossipFlows(a, b);
      await untilGossipFlows(b, a);
    });
  }

  it('heals after a second connection came to be', async () => {
    const [a, b] = await start();
    const [address] = b.network.addresses();
    await a.host.dial(multiaddr(address), { force: true });
    await until('there are two', () => a.host.getConnections().length === 2);
    await until('there is one', () => a.host.getConnections().length === 1 && isMesh(nodes));
    await untilGossipFlows(a, b);
    await untilGossipFlows(b, a);
  });

  it('heals after the connection broke', async () => {
    const [a, b] = await start();
    for (const connection of a.host.getConnections()) connection.abort(new Error('cable'));
    await until('the link is renewed', () => a.changes.length === 3 && b.changes.length === 3);
    assert.equal(a.network.sendConsensus(b.member.name, bytesOf('again')), true);
    await until('it arrived', () => b.frames.length === 1);
    assert.deepEqual(b.changes, [`${a.member.name} up`, `${a.member.name} down`, `${a.member.name} up`]);
  });

  it('holds a fast sender back while the handler is busy, and loses nothing', async () => {
    const handled: number[] = [];
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const onConsensusFrame = async (_from: unknown, frame: Uint8Array): Promise<void> => {
      await gate;
      handled.push(new DataView(frame.buffer, frame.byteOffset).getUint32(0));
    };
    const [a, b] = await start({ ...defaultSettings, handlers: { onConsensusFrame } });
    let sentCount = 0;
    const sendOne = (): boolean => {
      const frame = new Uint8Array(65_000);
      new DataView(frame.buffer).setUint32(0, sentCount);
      return a.network.sendConsensus(b.member.name, frame);
    };
    await until('the queue is full', () => {
      while (sendOne()) sentCount += 1;
      const [state] = a.network.peers();
      return sentCount * 65_000 > 1.25 * consensusQueueBytesMax && (state?.queuedBytes ?? 0) > 4_000_000;
    });
    const [state] = a.network.peers();
    assert.ok((state?.queuedBytes ?? 0) <= consensusQueueBytesMax);
    assert.ok((state?.droppedFrameCount ?? 0) > 0);
    assert.deepEqual(handled, []);
    release();
    await until('all are handled', () => handled.length === sentCount);
    assert.deepEqual(
      handled,
      Array.from({ length: sentCount }, (_, index) => index),
    );
  });
});
