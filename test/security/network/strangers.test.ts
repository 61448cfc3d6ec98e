/** Who is not a member, or only says so, never reaches a protocol handler. */
import assert from 'node:assert/strict';
import type { PrivateKey } from '@libp2p/interface';
import { privateKeyFromSeed } from '../../../node/network/identity.ts';
import {
  bytesOf,
  defaultSettings,
  memberNumber,
  membersInOrder,
  startNode,
  stopAll,
  type TestMember,
  type TestNode,
} from '../../support/networkFixture.ts';
import { consensusProtocol, dial, forgedKey, frameOf, startRogue, type Rogue } from '../../support/rogue.ts';
import { until } from '../../support/wait.ts';

describe('the allow-list', () => {
  let nodes: TestNode[] = [];
  let rogues: Rogue[] = [];

  afterEach(async () => {
    await stopAll(nodes);
    await Promise.all(rogues.map(async ({ host }) => host.stop()));
    nodes = [];
    rogues = [];
  });

  const startRogueWith = async (privateKey: PrivateKey): Promise<Rogue> => {
    const rogue = await startRogue(privateKey);
    rogues.push(rogue);
    return rogue;
  };

  /** Two members; the first, which listens and waits, is started, and counts the connections it admits. */
  const startVictim = async (): Promise<{
    readonly victim: TestNode;
    readonly friend: TestMember;
    readonly admitted: string[];
  }> => {
    const [own, friend] = await membersInOrder(2);
    assert.ok(own !== undefined && friend !== undefined);
    const victim = await startNode(own, new Map([[friend, []]]));
    nodes.push(victim);
    const admitted: string[] = [];
    victim.host.addEventListener('connection:open', (event) => {
      admitted.push(event.detail.remotePeer.toString());
    });
    return { victim, friend, admitted };
  };

  it('closes a stranger before any protocol handler', async () => {
    const { victim, admitted } = await startVictim();
    const stranger = await memberNumber(99);
    const rogue = await startRogueWith(await privateKeyFromSeed(stranger.seed));
    await assert.rejects(async () => {
      const connection = await dial(rogue, victim);
      const stream = await connection.newStream(consensusProtocol);
      stream.send(frameOf(bytesOf('let me in')));
    });
    await until('the stranger sees it closed', () => rogue.host.getConnections().length === 0);
    assert.deepEqual([admitted, victim.changes, victim.frames], [[], [], []]);
  });

  it('still admits members after many strangers came from the same address', async () => {
    const { victim, friend, admitted } = await startVictim();
    const stranger = await memberNumber(99);
    const rogue = await startRogueWith(await privateKeyFromSeed(stranger.seed));
    for (let round = 0; round < 30; round += 1) {
      await dial(rogue, victim).catch(() => null);
    }
    const other = await startNode(friend, new Map([[victim.member, victim.network.addresses()]]));
    nodes.push(other);
    await until('the member is admitted', () => victim.changes.length === 1);
    assert.deepEqual([new Set(admitted), victim.changes], [new Set([friend.peerId]), [`${friend.name} up`]]);
  });

  it("refuses who claims a member's PeerId with another key", async () => {
    const { victim, friend, admitted } = await startVictim();
    const stranger = await memberNumber(99);
    const own = await privateKeyFromSeed(stranger.seed);
    const claimed = await privateKeyFromSeed(friend.seed);
    const forged = forgedKey(own, claimed);
    const rogue = await startRogueWith(forged);
    assert.equal(rogue.host.peerId.toString(), friend.peerId);
    await assert.rejects(async () => {
      const connection = await dial(rogue, victim);
      await connection.newStream(consensusProtocol);
    });
    assert.deepEqual([admitted, victim.changes], [[], []]);
  });

  it("talks to nobody who sits at a member's address with another key", async () => {
    const [large, small] = await membersInOrder(2);
    assert.ok(large !== undefined && small !== undefined);
    const stranger = await memberNumber(99);
    const rogue = await startRogueWith(await privateKeyFromSeed(stranger.seed));
    let connectionCount = 0;
    rogue.host.addEventListener('connection:open', () => {
      connectionCount += 1;
    });
    const addresses = rogue.host.getMultiaddrs().map((address) => String(address).replace(/\/p2p\/.*$/, ''));
    let failedDialCount = 0;
    const dialer = await startNode(small, new Map([[large, addresses]]), {
      ...defaultSettings,
      onDebug: (message) => {
        if (message === 'dial failed') failedDialCount += 1;
      },
    });
    nodes.push(dialer);
    await until('it gave up several times', () => failedDialCount >= 3);
    assert.deepEqual([connectionCount, dialer.changes], [0, []]);
  });
});
