/** Members that break the rules: closed with a reason, at bounded cost, while the others notice nothing. */
import assert from 'node:assert/strict';
import type { Connection, Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import {
  bulkQueueBytesMax,
  connectionsPerMemberMax,
  consensusLimits,
  consensusQueueBytesMax,
  gossipQueueBytesMax,
  pendingFrameOverheadBytes,
  requestsServedAtOnceMax,
  sliceBytesMax,
} from '../../../node/network/bounds.ts';
import { privateKeyFromSeed } from '../../../node/network/identity.ts';
import type { NetworkHandlers } from '../../../node/network/ports.ts';
import { bulkFrameBytesMax, consensusFrameBytesMax } from '../../../protocol/limits.ts';
import {
  bytesOf,
  defaultSettings,
  membersInOrder,
  startNode,
  stopAll,
  textOf,
  type TestNode,
} from '../../support/networkFixture.ts';
import {
  batchesTopic,
  bulkProtocol,
  consensusProtocol,
  dial,
  frameOf,
  startRogue,
  type Rogue,
} from '../../support/rogue.ts';
import { until } from '../../support/wait.ts';

interface Scene {
  readonly victim: TestNode;
  readonly witness: TestNode;
  readonly rogue: Rogue;
  readonly connection: Connection;
  readonly consensus: Stream;
}

const request = new Uint8Array([0, 0, 0, 1, 42]);

describe('a member that breaks the rules', () => {
  let nodes: TestNode[] = [];
  let rogues: Rogue[] = [];

  afterEach(async () => {
    await stopAll(nodes);
    await Promise.all(rogues.map(async ({ host }) => host.stop()));
    nodes = [];
    rogues = [];
  });

  /** A victim, an honest witness connected to it, and a rogue member with a consensus stream to it. */
  const stage = async (handlers: Partial<NetworkHandlers> = {}): Promise<Scene> => {
    const [large, middle, small] = await membersInOrder(3);
    assert.ok(large !== undefined && middle !== undefined && small !== undefined);
    const silent: readonly string[] = [];
    const victim = await startNode(
      large,
      new Map([
        [middle, silent],
        [small, silent],
      ]),
      { ...defaultSettings, handlers },
    );
    nodes.push(victim);
    const witness = await startNode(middle, new Map([[large, victim.network.addresses()]]));
    nodes.push(witness);
    const rogue = await startRogue(await privateKeyFromSeed(small.seed));
    rogues.push(rogue);
    const connection = await dial(rogue, victim);
    const consensus = await connection.newStream(consensusProtocol);
    await until('all are there', () => victim.network.peers().every(({ isConnected }) => isConnected));
    return { victim, witness, rogue, connection, consensus };
  };

  /** The rogue is out for `reason`, and the witness is served as before. */
  const assertDropped = async ({ victim, witness, connection }: Scene, reason: string): Promise<void> => {
    await until('the connection is closed', () => connection.status !== 'open');
    await until('it is known', () => victim.changes.length === 3);
    assert.deepEqual(victim.warnings, [reason]);
    witness.network.sendConsensus(victim.member.name, bytesOf('still here'));
    await until('the witness is heard', () => victim.frames.some(({ text }) => text === 'still here'));
    assert.equal(witness.changes.length, 1);
  };

  it('is dropped for a frame that is too large, before a byte of it is kept', async () => {
    const scene = await stage();
    scene.consensus.send(frameOf(new Uint8Array(0), consensusFrameBytesMax + 1));
    await assertDropped(scene, 'frameTooLarge');
  });

  it('is dropped for an empty frame', async () => {
    const scene = await stage();
    scene.consensus.send(frameOf(new Uint8Array(0)));
    await assertDropped(scene, 'frameEmpty');
  });

  it('is dropped for a request that is too large', async () => {
    const scene = await stage();
    const bulk = await scene.connection.newStream(bulkProtocol);
    bulk.send(frameOf(new Uint8Array(0), bulkFrameBytesMax + 6));
    await assertDropped(scene, 'frameTooLarge');
  });

  it('is dropped for a request without an id', async () => {
    const scene = await stage();
    const bulk = await scene.connection.newStream(bulkProtocol);
    bulk.send(frameOf(new Uint8Array(3)));
    await assertDropped(scene, 'requestTooShort');
  });

  it('is dropped for an answer without a status', async () => {
    const scene = await stage();
    await until('the victim can ask', () => scene.rogue.inbound.length === 1);
    scene.rogue.inbound[0]?.send(frameOf(new Uint8Array(4)));
    await assertDropped(scene, 'answerTooShort');
  });

  it('is dropped for a gossiped message that is too large', async () => {
    const scene = await stage();
    await until(
      'gossip stands',
      () => scene.rogue.host.services.pubsub.getSubscribers(batchesTopic).length > 0,
    );
    await scene.rogue.host.services.pubsub.publish(batchesTopic, new Uint8Array(262_145));
    await assertDropped(scene, 'gossipTooLarge');
    assert.deepEqual(scene.victim.batches, []);
  });

  it('is cut for a gossip frame that is too large to read', async () => {
    const scene = await stage();
    const gossipStream = (): Stream | undefined =>
      scene.connection.streams.find(
        ({ protocol, direction }) => protocol.startsWith('/meshsub/') && direction === 'outbound',
      );
    await until('gossip stands', () => gossipStream() !== undefined);
    const lengthOf5000000AsVarint = [0xc0, 0x96, 0xb1, 0x02];
    gossipStream()?.send(
      new Uint8Array(65_536).fill(7).map((byte, index) => lengthOf5000000AsVarint[index] ?? byte),
    );
    await until('the connection is closed', () => scene.connection.status !== 'open');
    assert.deepEqual([scene.victim.batches, scene.witness.changes.length], [[], 1]);
  });

  it('cannot take more than two connections', async () => {
    const scene = await stage();
    const address = multiaddr(scene.victim.network.addresses()[0]);
    let openCountMax = 0;
    for (let round = 0; round < 10; round += 1) {
      await scene.rogue.host.dial(address, { force: true }).catch(() => null);
      openCountMax = Math.max(openCountMax, scene.victim.host.getConnections(scene.rogue.host.peerId).length);
    }
    assert.ok(openCountMax <= connectionsPerMemberMax, `${openCountMax} at once`);
    assert.equal(scene.witness.changes.length, 1);
  });

  it('stays out for a time, and may then come back', async () => {
    const scene = await stage();
    scene.victim.network.drop(scene.victim.network.peers()[1]?.name ?? scene.victim.member.name, 'test');
    await assertDropped(scene, 'test');
    await assert.rejects(async () => {
      const connection = await dial(scene.rogue, scene.victim);
      await connection.newStream(consensusProtocol);
    });
    let isBack = false;
    const comeBack = async (): Promise<void> => {
      const connection = await dial(scene.rogue, scene.victim);
      await connection.newStream(consensusProtocol);
      isBack = true;
    };
    await until('it is back', () => {
      void comeBack().catch(() => null);
      return isBack;
    });
  });

  it('cannot make us hold more than the queue of consensus frames by not reading', async () => {
    const scene = await stage();
    const rogueName = scene.victim.network.peers()[1]?.name;
    assert.ok(rogueName !== undefined);
    scene.consensus.pause();
    let heldBytesMax = 0;
    await until('the connection is cut', () => {
      for (let round = 0; round < 100; round += 1) {
        scene.victim.network.sendConsensus(rogueName, new Uint8Array(65_536));
      }
      heldBytesMax = Math.max(heldBytesMax, scene.victim.network.peers()[1]?.queuedBytes ?? 0);
      return scene.connection.status !== 'open';
    });
    assert.ok(heldBytesMax <= consensusQueueBytesMax);
    assert.ok((scene.victim.network.peers()[1]?.droppedFrameCount ?? 0) > 0);
    assert.equal(scene.witness.changes.length, 1);
  });

  it('cannot make us hold more than a few answers by asking without reading', async () => {
    let servedCount = 0;
    const scene = await stage({
      onRequest: () => {
        servedCount += 1;
        return Promise.resolve(new Uint8Array(bulkFrameBytesMax));
      },
    });
    const bulk = await scene.connection.newStream(bulkProtocol);
    bulk.pause();
    for (let round = 0; round < 5_000; round += 1) bulk.send(frameOf(request));
    let heldBytesMax = 0;
    await until('the connection is cut', () => {
      heldBytesMax = Math.max(heldBytesMax, scene.victim.network.peers()[1]?.queuedBytes ?? 0);
      return scene.connection.status !== 'open';
    });
    assert.ok(heldBytesMax <= bulkQueueBytesMax);
    assert.ok(servedCount < 50, `served ${servedCount}`);
    assert.equal(scene.witness.changes.length, 1);
  });

  it('is held back when it asks faster than we answer', async () => {
    let servedCount = 0;
    const scene = await stage({
      onRequest: () => {
        servedCount += 1;
        return new Promise(() => undefined);
      },
    });
    const bulk = await scene.connection.newStream(bulkProtocol);
    const large = frameOf(new Uint8Array(100_000));
    await until('it is held back', () => {
      if (bulk.writeBufferLength < 4_000_000) bulk.send(large);
      return bulk.writeBufferLength >= 4_000_000;
    });
    assert.equal(servedCount, requestsServedAtOnceMax);
  });

  it('is held back when it sends more than its allowance, while others are heard at once', async () => {
    let byteCount = 0;
    const scene = await stage({
      onConsensusFrame: (from, frame) => {
        if (from !== scene.witness.member.name) byteCount += frame.length + pendingFrameOverheadBytes;
        else scene.victim.frames.push({ from, text: textOf(frame) });
      },
    });
    const startedAt = performance.now();
    const tiny = frameOf(new Uint8Array(10));
    const piece = Uint8Array.from(Buffer.concat(Array.from({ length: 1_000 }, () => tiny)));
    await until('it is held back', () => {
      if (scene.consensus.writeBufferLength < 100_000) scene.consensus.send(piece.slice());
      return scene.consensus.writeBufferLength >= 100_000;
    });
    scene.witness.network.sendConsensus(scene.victim.member.name, bytesOf('heard'));
    await until('the witness is heard', () => scene.victim.frames.some(({ text }) => text === 'heard'));
    const seconds = (performance.now() - startedAt) / 1_000;
    // The slice that was being read when the allowance ended comes on top.
    const onTop = (sliceBytesMax * (tiny.length + pendingFrameOverheadBytes)) / tiny.length;
    assert.ok(byteCount <= consensusLimits.burst + seconds * consensusLimits.perSecond + onTop);
    assert.equal(scene.connection.status, 'open');
  });

  it('cannot make us hold more than the queue of gossip by not reading', async () => {
    const scene = await stage();
    const gossipStreams = (): readonly Stream[] =>
      scene.connection.streams.filter(
        ({ protocol, direction }) => protocol.startsWith('/meshsub/') && direction === 'inbound',
      );
    await until('gossip stands', () => gossipStreams().length === 1);
    await until(
      'the victim knows its topics',
      () => scene.victim.host.services.pubsub.getSubscribers(batchesTopic).length === 2,
    );
    for (const stream of gossipStreams()) stream.pause();
    let number = 0;
    let heldBytesMax = 0;
    await until('the connection is cut', () => {
      number += 1;
      scene.victim.network.publishBatch(new Uint8Array(262_144).fill(number % 256).fill(number >> 8, 0, 1));
      heldBytesMax = Math.max(heldBytesMax, scene.victim.network.peers()[1]?.queuedBytes ?? 0);
      return scene.connection.status !== 'open';
    });
    assert.ok(heldBytesMax <= gossipQueueBytesMax + 2 * 262_144, `held ${heldBytesMax}`);
    await until('the witness has all', () => scene.witness.batches.length === number);
    assert.equal(scene.witness.changes.length, 1);
  });
});
