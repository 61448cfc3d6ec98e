/** Real hosts on loopback: who hears what, and how often. */
import assert from 'node:assert/strict';
import { defaultTiming } from '../../../node/network/bounds.ts';
import { NetworkFailure } from '../../../node/network/ports.ts';
import { compareText } from '../../../protocol/bytes.ts';
import {
  bytesOf,
  defaultSettings,
  isMesh,
  loopback,
  membersInOrder,
  startMesh,
  startNode,
  stopAll,
  textOf,
  type Heard,
  type NodeSettings,
  type TestMember,
  type TestNode,
} from '../../support/networkFixture.ts';
import { until } from '../../support/wait.ts';

function sorted(texts: readonly string[]): readonly string[] {
  return texts.toSorted(compareText);
}

function textsOf(heard: readonly Heard[]): readonly string[] {
  return sorted(heard.map(({ text }) => text));
}

describe('the network', () => {
  let nodes: readonly TestNode[] = [];
  const start = async (count: number, settings = defaultSettings): Promise<readonly TestNode[]> => {
    nodes = await startMesh(count, settings);
    return nodes;
  };

  afterEach(async () => {
    await stopAll(nodes);
    nodes = [];
  });

  it('carries consensus frames both ways, in order', async () => {
    const [a, b] = await start(2);
    assert.ok(a !== undefined && b !== undefined);
    const texts = Array.from({ length: 2_000 }, (_, index) => `frame ${index}`);
    for (const text of texts) {
      assert.equal(a.network.sendConsensus(b.member.name, bytesOf(text)), true);
      assert.equal(b.network.sendConsensus(a.member.name, bytesOf(text)), true);
    }
    await until('all arrived', () => a.frames.length === texts.length && b.frames.length === texts.length);
    assert.deepEqual(
      a.frames,
      texts.map((text) => ({ from: b.member.name, text })),
    );
    assert.deepEqual(
      b.frames,
      texts.map((text) => ({ from: a.member.name, text })),
    );
  });

  it('carries frames of the largest size whole', async () => {
    const [a, b] = await start(2);
    assert.ok(a !== undefined && b !== undefined);
    const text = 'x'.repeat(524_288);
    for (let round = 0; round < 5; round += 1) a.network.sendConsensus(b.member.name, bytesOf(text));
    await until('all arrived', () => b.frames.length === 5);
    assert.equal(
      b.frames.every((frame) => frame.text === text),
      true,
    );
  });

  it('broadcasts to all members, or to those named', async () => {
    const [a, b, c, d] = await start(4);
    assert.ok(a !== undefined && b !== undefined && c !== undefined && d !== undefined);
    a.network.broadcastConsensus(bytesOf('some'), [b.member.name, c.member.name]);
    a.network.broadcastConsensus(bytesOf('all'));
    await until('all arrived', () => b.frames.length + c.frames.length + d.frames.length === 5);
    assert.deepEqual(
      [b, c, d].map(({ frames }) => frames.map(({ text }) => text)),
      [['some', 'all'], ['some', 'all'], ['all']],
    );
  });

  it('delivers each gossiped message once to every other member', async () => {
    const mesh = await start(4);
    for (const { network, member } of mesh) {
      network.publishBatch(bytesOf(`batch of ${member.name}`));
      network.publishFinalized(bytesOf(`header of ${member.name}`));
    }
    await until('all arrived', () =>
      mesh.every(({ batches, finalized }) => batches.length >= 3 && finalized.length >= 3),
    );
    // A second copy would have come on the way of this one.
    mesh[0]?.network.publishBatch(bytesOf('last'));
    await until('the last arrived', () => mesh.slice(1).every(({ batches }) => batches.length >= 4));
    for (const { member, batches, finalized } of mesh) {
      const others = mesh.filter((other) => other.member.name !== member.name);
      const last = member.name === mesh[0]?.member.name ? [] : ['last'];
      assert.deepEqual(
        textsOf(batches),
        sorted([...others.map((other) => `batch of ${other.member.name}`), ...last]),
      );
      assert.deepEqual(textsOf(finalized), sorted(others.map((other) => `header of ${other.member.name}`)));
    }
  });

  it('delivers gossip among twelve members on one address', async () => {
    // Sixty-six handshakes at once in one process: no time for an impatient watchdog.
    const mesh = await start(12, { ...defaultSettings, timing: defaultTiming });
    for (const { network, member } of mesh) network.publishBatch(bytesOf(`batch of ${member.name}`));
    await until('all arrived', () => mesh.every(({ batches }) => batches.length === mesh.length - 1));
    assert.deepEqual(
      mesh.map(({ batches }) => new Set(textsOf(batches)).size),
      mesh.map(() => mesh.length - 1),
    );
  });

  it('forwards through a member when two have no connection', async () => {
    const [a, b, c] = await membersInOrder(3);
    assert.ok(a !== undefined && b !== undefined && c !== undefined);
    const middle = await startNode(
      b,
      new Map([
        [a, []],
        [c, []],
      ]),
    );
    nodes = [middle];
    const addresses = middle.network.addresses();
    const left = await startNode(a, new Map([[b, addresses]]));
    const right = await startNode(c, new Map([[b, addresses]]));
    nodes = [middle, left, right];
    await until('the line stands', () => isMesh([...nodes]));
    left.network.publishBatch(bytesOf('along the line'));
    await until('it arrived', () => right.batches.length > 0);
    assert.deepEqual(right.batches, [{ from: b.name, text: 'along the line' }]);
  });

  it('reports what it knows of each peer', async () => {
    const [a, b] = await start(2);
    assert.ok(a !== undefined && b !== undefined);
    a.network.sendConsensus(b.member.name, bytesOf('hello'));
    await until('it arrived', () => b.frames.length === 1);
    const [state] = b.network.peers();
    assert.equal(typeof state?.lastHeardMs, 'number');
    assert.deepEqual(
      { ...state, lastHeardMs: 0 },
      { name: a.member.name, isConnected: true, lastHeardMs: 0, queuedBytes: 0, droppedFrameCount: 0 },
    );
  });

  it('comes back at the same address after a stop', async () => {
    const [a, b] = await start(2);
    assert.ok(a !== undefined && b !== undefined);
    const [address] = a.network.addresses();
    assert.ok(address !== undefined && address !== loopback);
    await a.network.stop();
    await until('it is noticed', () => !isMesh([b]));
    const again = await startNode(a.member, new Map([[b.member, []]]), {
      ...defaultSettings,
      listen: [address.replace(/\/p2p\/.*$/, '')],
    });
    nodes = [again, b];
    await until('they are connected again', () => isMesh(nodes));
    b.network.sendConsensus(a.member.name, bytesOf('welcome back'));
    b.network.publishBatch(bytesOf('news'));
    await until('both arrived', () => again.frames.length === 1 && again.batches.length === 1);
    assert.deepEqual(b.changes, [`${a.member.name} up`, `${a.member.name} down`, `${a.member.name} up`]);
  });

  it('connects when only the larger PeerId knows an address', async () => {
    const [large, small] = await membersInOrder(2);
    assert.ok(large !== undefined && small !== undefined);
    const listening = await startNode(small, new Map([[large, []]]));
    nodes = [listening];
    const dialing = await startNode(large, new Map([[small, listening.network.addresses()]]));
    nodes = [listening, dialing];
    await until('they are connected', () => isMesh(nodes));
    assert.deepEqual(listening.changes, [`${large.name} up`]);
  });

  it('takes a request in the moment of connecting, on both sides', async () => {
    const answers: string[] = [];
    const [large, small] = await membersInOrder(2);
    assert.ok(large !== undefined && small !== undefined);
    const asking = (self: TestMember): NodeSettings => ({
      ...defaultSettings,
      handlers: {
        onPeerChanged: (name) => {
          const node = nodes.find(({ member }) => member === self);
          const request = node?.network.request(name, bytesOf(`from ${self.name}`), 20_000);
          void request?.then((answer) => answers.push(textOf(answer)));
        },
      },
    });
    nodes = [await startNode(large, new Map([[small, []]]), asking(large))];
    const addresses = nodes[0]?.network.addresses() ?? [];
    nodes = [...nodes, await startNode(small, new Map([[large, addresses]]), asking(small))];
    await until('both are answered', () => answers.length === 2);
    assert.deepEqual(sorted(answers), sorted([`from ${large.name}`, `from ${small.name}`]));
  });

  it('cannot start on a port that is taken', async () => {
    const [first, second] = await membersInOrder(2);
    assert.ok(first !== undefined && second !== undefined);
    nodes = [await startNode(first, new Map([[second, []]]))];
    const listen = (nodes[0]?.network.addresses() ?? []).map((address) => address.replace(/\/p2p\/.*$/, ''));
    await assert.rejects(
      startNode(second, new Map([[first, []]]), { ...defaultSettings, listen }),
      (error) => error instanceof NetworkFailure && error.code === 'cannotStart',
    );
  });
});
