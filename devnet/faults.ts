/**
 * Bad wires between real processes: a TCP proxy for each ordered pair of nodes, and a rule for each direction in which bytes go, so
 * that what A says to B can be slowed, held or cut while B is heard by A as before. Chance comes from the caller, who has the seed.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { NodePorts } from './homes.ts';

/** What happens to the bytes that one node sends to another, whoever of the two dialed. */
export interface Way {
  /** A partition: bytes wait, as TCP would send them again; they arrive when the way is open once more. */
  readonly isHeld: boolean;
  readonly latencyMs: number;
  /** On top of the latency, evenly between 0 and this. Bytes keep their order. */
  readonly jitterMs: number;
  /** Null: as fast as they come. */
  readonly bytesPerSecondMax: number | null;
  /** Of each chunk that arrives: that the connection is reset instead, and all that was under way is lost. */
  readonly resetChance: number;
}

export const goodWay: Way = {
  isHeld: false,
  latencyMs: 0,
  jitterMs: 0,
  bytesPerSecondMax: null,
  resetChance: 0,
};

const host = '127.0.0.1';
/** Bytes under way in one direction of one connection, above which the sender is held back. */
const underWayBytesMax = 1_048_576;

/** A chunk on its way, or with `bytes` null the end of the connection, which travels behind the last byte. */
interface Parcel {
  readonly bytes: Uint8Array | null;
  readonly dueAt: number;
}

interface Pump {
  readonly way: () => Way;
  readonly random: () => number;
  readonly source: Socket;
  /** Called for the first byte: a connection over a held way reaches nobody. */
  readonly sink: () => Socket;
  readonly reset: () => void;
}

/** One direction of one connection. */
class Direction {
  readonly #pump: Pump;
  #parcels: Parcel[] = [];
  #bytes = 0;
  #lastDueAt = 0;
  #timer: NodeJS.Timeout | null = null;
  #isBlocked = false;
  #isEnded = false;

  constructor(pump: Pump) {
    this.#pump = pump;
    const { source } = pump;
    source.on('data', (chunk: Buffer) => this.#take(chunk));
    source.on('close', () => this.#take(null));
    // What a socket's error says, its close says too.
    source.on('error', () => undefined);
  }

  /** The rule has changed, or there may be room again. */
  nudge(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    while (!this.#isEnded && !this.#isBlocked && !this.#pump.way().isHeld) {
      const [parcel] = this.#parcels;
      if (parcel === undefined) return;
      const waitMs = parcel.dueAt - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.nudge(), waitMs);
        return;
      }
      this.#deliver(parcel);
    }
  }

  end(): void {
    this.#isEnded = true;
    this.#parcels = [];
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #take(bytes: Buffer | null): void {
    const { latencyMs, jitterMs, bytesPerSecondMax } = this.#pump.way();
    const size = bytes?.length ?? 0;
    const arrivesAt = performance.now() + latencyMs + jitterMs * this.#pump.random();
    const sendingMs = bytesPerSecondMax === null ? 0 : (size / bytesPerSecondMax) * 1_000;
    this.#lastDueAt = Math.max(arrivesAt, this.#lastDueAt) + sendingMs;
    this.#parcels.push({ bytes, dueAt: this.#lastDueAt });
    this.#bytes += size;
    if (this.#bytes > underWayBytesMax) this.#pump.source.pause();
    this.nudge();
  }

  #deliver({ bytes }: Parcel): void {
    this.#parcels.shift();
    const { way, random, source, sink, reset } = this.#pump;
    if (bytes === null || random() < way().resetChance) {
      reset();
      return;
    }
    this.#bytes -= bytes.length;
    if (this.#bytes <= underWayBytesMax) source.resume();
    if (sink().write(bytes)) return;
    this.#isBlocked = true;
    sink().once('drain', () => {
      this.#isBlocked = false;
      this.nudge();
    });
  }
}

interface Pair {
  readonly from: string;
  readonly to: string;
}

function keyOf({ from, to }: Pair): string {
  return `${from}>${to}`;
}

/** One connection that `from` dialed and `to` answers. */
class Wire {
  readonly #directions: readonly Direction[];

  constructor(client: Socket, server: () => Socket, options: WireOptions) {
    let upstream: Socket | null = null;
    const reset = (): void => {
      for (const direction of this.#directions) direction.end();
      client.resetAndDestroy();
      upstream?.resetAndDestroy();
      options.onEnded(this);
    };
    const { random } = options;
    const back = (source: Socket): Direction =>
      new Direction({ way: options.back, random, source, sink: () => client, reset });
    const directions: Direction[] = [];
    const sink = (): Socket => {
      if (upstream !== null) return upstream;
      upstream = server();
      directions.push(back(upstream));
      return upstream;
    };
    directions.push(new Direction({ way: options.forth, random, source: client, sink, reset }));
    this.#directions = directions;
  }

  nudge(): void {
    for (const direction of this.#directions) direction.nudge();
  }
}

interface WireOptions {
  readonly forth: () => Way;
  readonly back: () => Way;
  readonly random: () => number;
  readonly onEnded: (wire: Wire) => void;
}

/** The wires between some nodes of a devnet. Its owner closes it, after the nodes. */
export class FaultyNetwork {
  readonly #names: readonly string[];
  readonly #random: () => number;
  readonly #ways = new Map<string, Way>();
  readonly #wires = new Set<Wire>();
  readonly #sockets = new Set<Socket>();
  #servers: Server[] = [];

  /** `random` gives fractions from 0 to 1, 1 excluded. */
  constructor(names: readonly string[], random: () => number) {
    this.#names = names;
    this.#random = random;
  }

  /** For `SupervisorOptions.wires`: the same ports, and for each peer another one, a proxy's, at which it finds the node. */
  async lay(ports: ReadonlyMap<string, NodePorts>): Promise<ReadonlyMap<string, NodePorts>> {
    await this.close();
    const laid = await Promise.all(
      this.#pairs().map(async (pair) => {
        const target = ports.get(pair.to);
        if (target === undefined) throw new RangeError(`${pair.to} has no port`);
        return [keyOf(pair), await this.#listen(pair, target.network)] as const;
      }),
    );
    const proxies = new Map(laid);
    const seenBy = (to: string, own: number) => (from: string) => proxies.get(keyOf({ from, to })) ?? own;
    return new Map([...ports].map(([name, node]) => [name, { ...node, seenBy: seenBy(name, node.network) }]));
  }

  /** From now on, for what is under way as for what comes. */
  setWay(from: string, to: string, way: Way): void {
    this.#ways.set(keyOf({ from, to }), way);
    this.#nudge();
  }

  /** Every way at once. */
  setAll(way: Way): void {
    for (const pair of this.#pairs()) this.#ways.set(keyOf(pair), way);
    this.#nudge();
  }

  /** Nothing passes between different groups; a node that is in none is alone. */
  partition(groups: readonly (readonly string[])[]): void {
    for (const pair of this.#pairs()) {
      const isTogether = groups.some((group) => group.includes(pair.from) && group.includes(pair.to));
      const way = this.#ways.get(keyOf(pair)) ?? goodWay;
      this.#ways.set(keyOf(pair), { ...way, isHeld: !isTogether });
    }
    this.#nudge();
  }

  /** Every way is good again; connections that live go on. */
  heal(): void {
    this.#ways.clear();
    this.#nudge();
  }

  async close(): Promise<void> {
    const servers = this.#servers;
    this.#servers = [];
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(servers.map(async (server) => new Promise((resolve) => server.close(resolve))));
  }

  #pairs(): readonly Pair[] {
    return this.#names.flatMap((from) => this.#names.flatMap((to) => (to === from ? [] : [{ from, to }])));
  }

  #nudge(): void {
    for (const wire of this.#wires) wire.nudge();
  }

  async #listen(pair: Pair, targetPort: number): Promise<number> {
    const way = (from: string, to: string) => (): Way => this.#ways.get(keyOf({ from, to })) ?? goodWay;
    const server = createServer((client) => {
      const dial = (): Socket => this.#tend(connect({ port: targetPort, host }));
      const wire: Wire = new Wire(this.#tend(client), dial, {
        forth: way(pair.from, pair.to),
        back: way(pair.to, pair.from),
        random: this.#random,
        onEnded: (ended) => this.#wires.delete(ended),
      });
      this.#wires.add(wire);
    });
    this.#servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port: 0, host }, resolve);
    });
    return (server.address() as AddressInfo).port;
  }

  #tend(socket: Socket): Socket {
    socket.setNoDelay(true);
    this.#sockets.add(socket);
    return socket.once('close', () => this.#sockets.delete(socket));
  }
}
