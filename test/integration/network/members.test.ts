/** Real hosts on loopback while the members change: who is let in, who is cut off, and who notices nothing. */
import assert from 'node:assert/strict';
import type { MemberName } from '../../../protocol/brand.ts';
import {
  allowListOf,
  bytesOf,
  isMesh,
  memberNumber,
  startMesh,
  startNode,
  stopAll,
  type TestMember,
  type TestNode,
} from '../../support/networkFixture.ts';
import { until } from '../../support/wait.ts';

describe('a network whose members change', () => {
  let nodes: TestNode[] = [];
  const start = async (count: number): Promise<readonly TestNode[]> => {
    const started = await startMesh(count);
    nodes = [...started];
    return started;
  };
  /** The other nodes have no address of it: so it dials. */
  const startNewcomer = async (member: TestMember): Promise<TestNode> => {
    const known = new Map(nodes.map((node) => [node.member, node.network.addresses()]));
    const node = await startNode(member, known);
    nodes.push(node);
    return node;
  };
  const setMembers = (among: readonly TestNode[], members: readonly TestMember[]): void => {
    for (const { member, network } of among) {
      network.setMembers(allowListOf(members.filter(({ name }) => name !== member.name)));
    }
  };
  const connectedTo = ({ network }: TestNode): readonly string[] =>
    network.peers().flatMap(({ name, isConnected }) => (isConnected ? [name] : []));

  afterEach(async () => {
    await stopAll(nodes);
    nodes = [];
  });

  it('refuses a newcomer as a stranger until it is a member, and then hears all that it says', async () => {
    const founders = await start(2);
    const newcomer = await startNewcomer(await memberNumber(3));
    await until('all have turned it away', () =>
      founders.every(({ turnedAway }) => turnedAway.includes('stranger')),
    );
    assert.equal(founders.flatMap(connectedTo).includes(newcomer.member.name), false);

    const everybody = nodes.map(({ member }) => member);
    setMembers(founders, everybody);
    await until('it is let in', () => isMesh(nodes));
    newcomer.network.broadcastConsensus(bytesOf('here I am'));
    await until('its frames come', () => founders.every(({ frames }) => frames.length === 1));
    await until('gossip reaches it', () => {
      founders[0]?.network.publishBatch(bytesOf(`at ${performance.now()}`));
      return newcomer.batches.length > 0;
    });
  });

  it('cuts off who is no member any more, and refuses it from then on', async () => {
    const [first, second, removed] = await start(3);
    assert.ok(first !== undefined && second !== undefined && removed !== undefined);
    setMembers([first, second], [first.member, second.member]);
    await until('it has noticed', () => connectedTo(removed).length === 0);
    assert.deepEqual(
      [first, second].map(({ network, changes }) => [network.peers().length, changes.at(-1)]),
      [first, second].map(() => [1, `${removed.member.name} down`]),
    );
    assert.equal(first.network.sendConsensus(removed.member.name, bytesOf('no')), false);
    await until('it is turned away', () =>
      [first, second].some(({ turnedAway }) => turnedAway.includes('stranger')),
    );
    assert.deepEqual([first, second].map(connectedTo), [[second.member.name], [first.member.name]]);
  });

  it('leaves the connections of all others as they are', async () => {
    const [first, second, removed] = await start(3);
    assert.ok(first !== undefined && second !== undefined && removed !== undefined);
    const before = [...first.changes];
    const [connection] = first.host.getConnections(second.host.peerId);
    setMembers([first, second], [first.member, second.member]);
    await until('the removed one is gone', () => first.changes.length > before.length);
    assert.deepEqual(first.changes.slice(before.length), [`${removed.member.name} down`]);
    assert.equal(first.host.getConnections(second.host.peerId)[0], connection);
  });

  it('lets a member in under its new key, and no longer under the old one', async () => {
    const [first, second] = await start(2);
    assert.ok(first !== undefined && second !== undefined);
    const rotated: TestMember = { ...(await memberNumber(9)), name: second.member.name };
    setMembers([first], [first.member, rotated]);
    await until('the old key is cut off', () => connectedTo(second).length === 0);
    const again = await startNode(rotated, new Map([[first.member, first.network.addresses()]]));
    nodes.push(again);
    await until('the new key is in', () => connectedTo(first).length === 1);
    assert.equal(first.host.getConnections()[0]?.remotePeer.toString(), rotated.peerId);
  });

  it('spreads messages as so many members need it', async () => {
    const [only] = await start(1);
    assert.ok(only !== undefined);
    const { opts } = only.host.services.pubsub as unknown as { opts: { D: number; floodPublish: boolean } };
    assert.deepEqual([opts.D, opts.floodPublish], [0, true]);
    const others = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => memberNumber(index + 10)),
    );
    only.network.setMembers(allowListOf(others));
    assert.deepEqual([opts.D, opts.floodPublish], [3, false]);
    only.network.setMembers(allowListOf(others.slice(1)));
    assert.deepEqual([opts.D, opts.floodPublish], [0, true]);
  });

  it('lets nobody in past the bound on members', async () => {
    const [only] = await start(1);
    const key = only?.member.networkKey ?? assert.fail('a key');
    const many = Array.from(
      { length: 257 },
      (_, index) => [`member-${index + 10}` as MemberName, key] as const,
    );
    assert.throws(() => only?.network.setMembers(new Map(many)), /members are bounded/);
  });
});
