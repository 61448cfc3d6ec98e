/** A cluster that commits a load while somebody with a member's keys, or with none, does what no honest node does. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Connection, MessageStream, Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { memberOf } from '../../devnet/homes.ts';
import { startDevnet, type Supervisor } from '../../devnet/supervisor.ts';
import { readConfig } from '../../node/config.ts';
import { signerFromSeed } from '../../node/ed25519.ts';
import { peerIdOf, privateKeyFromSeed } from '../../node/network/identity.ts';
import type { KeyPurpose } from '../../node/keyFile.ts';
import type { Signer } from '../../protocol/signature.ts';
import {
  aConsortium,
  assertNothingLost,
  eventually,
  fatalLines,
  pause,
  startLoad,
  type Load,
} from './cluster.ts';
import { startRogue, wireNames, type Rogue, type WireNames } from './rogue.ts';

/** The collector's young generation alone may take 192 MiB; what an attack makes a node hold would be much more. */
const bytesGrownMax = 512 * 1_048_576;
const commitsAfter = 3;
const wireBytesQueuedMax = 262_144;

/** The voter whose keys the attacker has; its own node does not run, so the three others must all go on. */
export const rogueVoter = 'insurer';
const victims = ['hospital', 'clinic', 'pharmacy'] as const;
export type Victim = (typeof victims)[number];

/** One connection of an attacker, with its consensus stream and the wire below. */
export interface Foothold {
  readonly rogue: Rogue;
  readonly connection: Connection;
  readonly consensus: Stream;
  readonly wire: MessageStream;
}

export class Siege {
  readonly devnet: Supervisor;
  readonly names: WireNames;
  readonly #load: Load;
  #rogues: Rogue[] = [];
  #bytesBefore: ReadonlyMap<string, number> = new Map();
  #turnedAwayBefore: ReadonlyMap<string, string> = new Map();

  private constructor(devnet: Supervisor) {
    this.devnet = devnet;
    this.names = wireNames(devnet.consortium.chainId);
    this.#load = startLoad(devnet, 2);
  }

  /** Three of four voters, and no observer. */
  static async lay(seed: string): Promise<Siege> {
    const devnet = await startDevnet({
      consortium: aConsortium(seed),
      isKept: process.env['KEEP_CLUSTERS'] === '1',
      absent: ['pharmacy-2', 'courier'],
    });
    await devnet.kill(rogueVoter, 'SIGTERM');
    const siege = new Siege(devnet);
    await siege.commitsGoOn();
    siege.#bytesBefore = await siege.#residentBytes();
    return siege;
  }

  /** Transactions that are sent from now on become final: at the three nodes in turn. */
  async commitsGoOn(): Promise<void> {
    await this.#load.acknowledgesMore(commitsAfter * victims.length);
  }

  /** Before each attack: what was logged and counted until now is no proof of anything. */
  async begin(): Promise<void> {
    const texts = victims.map(async (name) => [name, await this.#metricsOf(name)] as const);
    this.#turnedAwayBefore = new Map(await Promise.all(texts));
  }

  /** After each attack. */
  async end(): Promise<void> {
    await Promise.all(this.#rogues.map(async ({ host }) => host.stop()));
    this.#rogues = [];
    await this.commitsGoOn();
  }

  async lift(): Promise<void> {
    await this.#load.stop();
    await this.devnet.stopAll();
  }

  seedOf(name: string, purpose: KeyPurpose): Uint8Array {
    const key = memberOf(this.devnet.consortium, name).keys.find(
      (candidate) => candidate.purpose === purpose,
    );
    assert.ok(key !== undefined);
    return key.seed;
  }

  signerOf(name: string): Signer {
    return signerFromSeed(this.seedOf(name, 'consensus'));
  }

  async rogueAs(seed: Uint8Array): Promise<Rogue> {
    const rogue = await startRogue(await privateKeyFromSeed(seed), this.names);
    this.#rogues.push(rogue);
    return rogue;
  }

  /** Port of a node for its peers. */
  portOf(victim: Victim): number {
    return Number(/\/tcp\/(\d+)/.exec(this.#addressOf(victim))?.[1]);
  }

  async dial(rogue: Rogue, victim: Victim): Promise<Connection> {
    const peerId = peerIdOf(memberOf(this.devnet.consortium, victim).member.networkKey);
    const address = multiaddr(`${this.#addressOf(victim)}/p2p/${peerId.toString()}`);
    return rogue.host.dial(address, { force: true });
  }

  /** A member's connection with its consensus stream; after a violation a node is closed to that member for a while. */
  async join(victim: Victim, as: string = rogueVoter): Promise<Foothold> {
    const rogue = await this.rogueAs(this.seedOf(as, 'network'));
    return eventually(`${victim} lets ${as} in`, async () => {
      const connection = await this.dial(rogue, victim);
      const consensus = await connection.newStream(this.names.consensus);
      const wire = rogue.wires.at(-1);
      assert.ok(wire !== undefined);
      return { rogue, connection, consensus, wire };
    });
  }

  /** The attacker was thrown out, for a reason that the log says and the metrics count. */
  async isDropped(
    victim: Victim,
    { connection }: Pick<Foothold, 'connection'>,
    reason: string,
  ): Promise<void> {
    await eventually('the connection is closed', () =>
      Promise.resolve(connection.status === 'open' ? null : true),
    );
    await this.isCounted(victim, reason);
    const isSaid = new RegExp(`"reason":"${reason}".*peer dropped for a violation`);
    assert.match(readFileSync(this.devnet.node(victim).logFile, 'utf8'), isSaid);
  }

  /** Somebody was turned away for this reason since the attack began. */
  async isCounted(victim: Victim, reason: string): Promise<void> {
    const count = (text: string | undefined): number =>
      Number(new RegExp(`peers_turned_away_total\\{reason="${reason}"\\} (\\d+)`).exec(text ?? '')?.[1] ?? 0);
    const before = count(this.#turnedAwayBefore.get(victim));
    await eventually(`${victim} counts ${reason}`, async () =>
      count(await this.#metricsOf(victim)) > before ? true : null,
    );
  }

  /** Memory stayed in bounds, nothing that was acknowledged is gone, and no node gave up. */
  async assertUnharmed(): Promise<void> {
    const after = await this.#residentBytes();
    const grown = victims.map((name) => (after.get(name) ?? 0) - (this.#bytesBefore.get(name) ?? 0));
    const inMiB = grown.map((bytes) => `${Math.round(bytes / 1_048_576)} MiB`).join(', ');
    const lags = await Promise.all(victims.map(async (name) => lagOf(await this.#metricsOf(name))));
    console.log(`      resident memory grew by ${inMiB}; the event loop's p99 is ${lags.join(', ')} ms`);
    assert.ok(
      grown.every((bytes) => bytes < bytesGrownMax),
      inMiB,
    );
    await assertNothingLost(this.devnet, this.#load);
    assert.deepEqual(fatalLines(this.devnet), []);
  }

  #addressOf(victim: Victim): string {
    const loaded = readConfig(this.devnet.node(victim).home, {}, {});
    assert.ok(loaded.ok);
    return loaded.value.config.network.listen[0] ?? '';
  }

  async #metricsOf(name: string): Promise<string> {
    const { rpcUrl, tokenFile } = this.devnet.node(name);
    const authorization = `Bearer ${readFileSync(tokenFile, 'utf8').trim()}`;
    const answer = await fetch(`${rpcUrl}/metrics`, { headers: { authorization } });
    return answer.text();
  }

  async #residentBytes(): Promise<ReadonlyMap<string, number>> {
    const read = async (name: string): Promise<readonly [string, number]> => {
      const text = await this.#metricsOf(name);
      return [name, Number(/^rxledger_process_resident_memory_bytes (\S+)$/m.exec(text)?.[1])];
    };
    return new Map(await Promise.all(victims.map(read)));
  }
}

function lagOf(metrics: string): number {
  const seconds = /^rxledger_nodejs_eventloop_lag_p99_seconds (\S+)$/m.exec(metrics)?.[1];
  return Math.round(Number(seconds) * 1_000);
}

/** All of it as fast as the other side takes it, or until that closes. */
export async function pour(stream: MessageStream, piece: Uint8Array, count: number): Promise<void> {
  for (let sent = 0; sent < count && stream.status === 'open'; sent += 1) {
    try {
      stream.send(piece.slice());
    } catch {
      return;
    }
    if (stream.writeBufferLength > wireBytesQueuedMax || sent % 64 === 63) await pause(1);
    while (stream.status === 'open' && stream.writeBufferLength > wireBytesQueuedMax) await pause(5);
  }
}
