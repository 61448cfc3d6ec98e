/** Who is no member, members that break the rules, and callers that may not call, against nodes that go on committing. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { readFileSync } from 'node:fs';
import type { Connection, PrivateKey, Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { memberOf } from '../../../devnet/homes.ts';
import type { Supervisor } from '../../../devnet/supervisor.ts';
import { readConfig } from '../../../node/config.ts';
import { signerFromSeed } from '../../../node/ed25519.ts';
import { peerIdOf, privateKeyFromSeed } from '../../../node/network/identity.ts';
import { sealBatch } from '../../../protocol/batch.ts';
import type { Height, MemberName, Sequence } from '../../../protocol/brand.ts';
import { consensusFrameBytesMax } from '../../../protocol/limits.ts';
import { encodeRequest } from '../../../protocol/sync.ts';
import {
  assertNothingLost,
  eventually,
  fatalLines,
  startCluster,
  startLoad,
  voters,
  type Load,
} from '../../support/cluster.ts';
import {
  forgedKey,
  frameOf,
  startRogue,
  wireNames,
  type Rogue,
  type WireNames,
} from '../../support/rogue.ts';
import { signIssue } from '../../support/transactions.ts';

const bytesGrownMax = 256 * 1_048_576;
const commitsAfter = 5;

interface HttpCall {
  readonly headers: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly path?: string;
  readonly body?: string;
}

describe('four voters that commit a load', function votersUnderAttack() {
  this.timeout(180_000);
  let devnet: Supervisor;
  let load: Load;
  let names: WireNames;
  let rogues: Rogue[] = [];
  let bytesBefore: ReadonlyMap<string, number>;

  before(async () => {
    devnet = await startCluster('hostile');
    names = wireNames(devnet.consortium.chainId);
    // Whoever has a member's keys is that member: its honest node makes room.
    await devnet.kill('courier', 'SIGTERM');
    load = startLoad(devnet, 2);
    await load.acknowledgesMore(commitsAfter);
    bytesBefore = await residentBytes();
  });

  after(async () => {
    await load.stop();
    await devnet.stopAll();
  });

  afterEach(async () => {
    await Promise.all(rogues.map(async ({ host }) => host.stop()));
    rogues = [];
    await load.acknowledgesMore(commitsAfter);
  });

  const keyOf = async (name: string, purpose: string): Promise<Uint8Array> => {
    const key = memberOf(devnet.consortium, name).keys.find((candidate) => candidate.purpose === purpose);
    assert.ok(key !== undefined);
    return Promise.resolve(key.seed);
  };

  const rogueWith = async (privateKey: PrivateKey): Promise<Rogue> => {
    const rogue = await startRogue(privateKey, names);
    rogues.push(rogue);
    return rogue;
  };

  const courierRogue = async (): Promise<Rogue> =>
    rogueWith(await privateKeyFromSeed(await keyOf('courier', 'network')));

  const dialNode = async (rogue: Rogue, name: string): Promise<Connection> => {
    const loaded = readConfig(devnet.node(name).home, {}, {});
    assert.ok(loaded.ok);
    const peerId = peerIdOf(memberOf(devnet.consortium, name).member.networkKey);
    const [address] = loaded.value.config.network.listen;
    return rogue.host.dial(multiaddr(`${address ?? ''}/p2p/${peerId.toString()}`));
  };

  /** A member's connection with its consensus stream; after a violation a node is closed to that member for a while. */
  const join = async (rogue: Rogue, name: string): Promise<readonly [Connection, Stream]> =>
    eventually(`${name} lets the courier in`, async () => {
      const connection = await dialNode(rogue, name);
      return [connection, await connection.newStream(names.consensus)] as const;
    });

  const logOf = (name: string): string => readFileSync(devnet.node(name).logFile, 'utf8');

  const isLogged = async (name: string, pattern: RegExp): Promise<void> => {
    const find = (): Promise<true | null> => Promise.resolve(pattern.test(logOf(name)) ? true : null);
    await eventually(`${name} logs ${String(pattern)}`, find);
  };

  const isClosed = async (connection: Connection): Promise<void> => {
    const find = (): Promise<true | null> => Promise.resolve(connection.status === 'open' ? null : true);
    await eventually('the connection is closed', find);
  };

  const callHttp = async (name: string, call: HttpCall): Promise<readonly [number, string]> =>
    new Promise((resolve, reject) => {
      const { headers, method = 'POST', path = '/', body = '' } = call;
      const outgoing = request(`${devnet.node(name).rpcUrl}${path}`, { method, headers }, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () => resolve([incoming.statusCode ?? 0, Buffer.concat(chunks).toString()]));
        incoming.on('error', reject);
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });

  const callerHeaders = (name: string): Readonly<Record<string, string>> => ({
    'content-type': 'application/json',
    authorization: `Bearer ${readFileSync(devnet.node(name).tokenFile, 'utf8').trim()}`,
  });

  const residentBytes = async (): Promise<ReadonlyMap<string, number>> => {
    const read = async (name: string): Promise<readonly [string, number]> => {
      const call = { method: 'GET', path: '/metrics', headers: callerHeaders(name) };
      const [, text] = await callHttp(name, call);
      return [name, Number(/^rxledger_process_resident_memory_bytes (\S+)$/m.exec(text)?.[1])];
    };
    return new Map(await Promise.all(voters.map(read)));
  };

  it('close a stranger before any protocol handler', async () => {
    const rogue = await rogueWith(await privateKeyFromSeed(new Uint8Array(32).fill(99)));
    await assert.rejects(async () => {
      const connection = await dialNode(rogue, 'hospital');
      const stream = await connection.newStream(names.consensus);
      stream.send(frameOf(new Uint8Array(100)));
    });
    await eventually('it is closed', () =>
      Promise.resolve(rogue.host.getConnections().length === 0 ? true : null),
    );
  });

  it("refuse who claims a member's PeerId with another key", async () => {
    const own = await privateKeyFromSeed(new Uint8Array(32).fill(98));
    const claimed = await privateKeyFromSeed(await keyOf('courier', 'network'));
    const rogue = await rogueWith(forgedKey(own, claimed));
    await assert.rejects(async () => {
      const connection = await dialNode(rogue, 'hospital');
      await connection.newStream(names.consensus);
    });
  });

  it('drop a member for a consensus frame that is too large', async () => {
    const [connection, consensus] = await join(await courierRogue(), 'hospital');
    consensus.send(frameOf(new Uint8Array(0), consensusFrameBytesMax + 1));
    await isClosed(connection);
    await isLogged('hospital', /"reason":"frameTooLarge".*peer dropped for a violation/);
  });

  it('drop a member for a consensus frame that is no message', async () => {
    const [connection, consensus] = await join(await courierRogue(), 'clinic');
    consensus.send(frameOf(new Uint8Array(64).fill(0xff)));
    await isClosed(connection);
    await isLogged('clinic', /"reason":"malformed".*peer dropped for a violation/);
  });

  it('answer a malformed request with a refusal, and drop a member for a frame that is no request', async () => {
    const [connection] = await join(await courierRogue(), 'pharmacy');
    const bulk = await connection.newStream(names.bulk);
    bulk.send(frameOf(new Uint8Array([0, 0, 0, 1, 0xff, 0xff])));
    bulk.send(frameOf(new Uint8Array(3)));
    await isClosed(connection);
    await isLogged('pharmacy', /"reason":"requestTooShort".*peer dropped for a violation/);
  });

  it('cut a member that asks and never reads', async () => {
    const [connection] = await join(await courierRogue(), 'insurer');
    const bulk = await connection.newStream(names.bulk);
    bulk.pause();
    const question = encodeRequest({ kind: 'blocksFrom', height: 1 as Height });
    const frame = frameOf(Uint8Array.of(0, 0, 0, 1, ...question));
    for (let round = 0; round < 5_000 && connection.status === 'open'; round += 1) bulk.send(frame);
    await isClosed(connection);
  });

  it("refuse a member's batch whole for one bad signature in it", async () => {
    const rogue = await courierRogue();
    await Promise.all(voters.map(async (name) => join(rogue, name)));
    const { pubsub } = rogue.host.services;
    await eventually('gossip stands', () =>
      Promise.resolve(pubsub.getSubscribers(names.batches).length >= voters.length ? true : null),
    );
    const { consortium } = devnet;
    const good = signIssue(consortium, 'hospital', 0);
    const bad = Uint8Array.from(signIssue(consortium, 'hospital', 1).bytes);
    bad[bad.length - 1] = (bad.at(-1) ?? 0) ^ 1;
    const input = {
      chainId: consortium.chainId,
      member: 'courier' as MemberName,
      sequence: 1 as Sequence,
      envelopes: [good.bytes, bad],
    };
    const batch = sealBatch(input, signerFromSeed(await keyOf('courier', 'consensus')));
    await pubsub.publish(names.batches, batch.bytes);
    await Promise.all(voters.map(async (name) => isLogged(name, /"code":"batchInvalid".*batch refused/)));
    await load.acknowledgesMore(commitsAfter);
    const statuses = await Promise.all(
      voters.map(async (name) => devnet.client(name).call('tx_status', { txId: `0x${good.txId}` })),
    );
    assert.deepEqual(
      statuses.map(({ status }) => status),
      voters.map(() => 'unknown'),
    );
  });

  it('refuse callers over HTTP that may not call, each with its code', async () => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'node_status', params: {} });
    const headers = callerHeaders('hospital');
    const { authorization: _, ...withoutToken } = headers;
    const calls: readonly (readonly [HttpCall, number, string])[] = [
      [{ headers: { ...headers, host: 'evil.example' }, body }, 403, 'hostRefused'],
      [{ headers: { ...headers, origin: 'http://evil.example' }, body }, 403, 'originRefused'],
      [{ headers: withoutToken, body }, 401, 'unauthorized'],
      [{ headers, body: '['.repeat(200_000) }, 400, 'depthExceeded'],
      [{ headers, body: '['.repeat(1_048_576) }, 413, 'bodyTooLarge'],
    ];
    for (const [call, status, name] of calls) {
      const [answered, text] = await callHttp('hospital', call);
      const { error } = JSON.parse(text) as { readonly error: { readonly data: { readonly name: string } } };
      assert.deepEqual([answered, error.data.name], [status, name]);
    }
  });

  it('hold no more memory for it, and lose nothing', async () => {
    const bytesAfter = await residentBytes();
    const grown = [...bytesAfter].map(([name, bytes]) => bytes - (bytesBefore.get(name) ?? 0));
    console.log(
      `      resident memory grew by ${grown.map((bytes) => `${Math.round(bytes / 1_048_576)} MiB`).join(', ')}`,
    );
    assert.ok(grown.every((bytes) => bytes < bytesGrownMax));
    await assertNothingLost(devnet, load);
    assert.deepEqual(fatalLines(devnet), []);
  });
});
