/** The simulated network, behind the node's own port: frames, gossip and requests over links that the schedule harms. */
import { NetworkFailure, type GossipVerdict, type Network } from '../../../node/network/ports.ts';
import type { MemberName } from '../../../protocol/brand.ts';
import { present } from '../../../protocol/invariant.ts';
import { deliverWithFaults, type Parcel } from './wire.ts';
import { laterOn, type Machine, type Process, type World } from './world.ts';

const requestsOutstandingMax = 32;
/** Gossip that was accepted goes on to so many others. */
const forwardCount = 2;
/** Messages of gossip that a process remembers to have had. */
const gossipKeptMax = 4_096;

type Answer = { readonly kind: 'answered'; readonly bytes: Uint8Array } | { readonly kind: 'failed' };

interface Asking {
  readonly to: Machine;
  readonly settle: (answer: Answer) => void;
}

/** What one process has of the network. */
export function openNetwork(world: World, process: Process): Network {
  const { machine } = process;
  const gossip = new Gossip(world, process);
  const asking = new Set<Asking>();
  const others = world.machines.filter((other) => other !== machine);
  const isConnected = (to: Machine): boolean => process.isAlive && world.links.isSeenUp(machine, to);
  const sendFrame = (to: Machine, bytes: Uint8Array): boolean => {
    if (!isConnected(to)) return false;
    post(world, process, { from: machine, to, kind: 'frame', bytes });
    return true;
  };
  return {
    sendConsensus: (to, frame) => {
      beforeSending(world, process, frame);
      return sendFrame(world.links.machineNamed(to), frame);
    },
    broadcastConsensus: (frame, to) => {
      beforeSending(world, process, frame);
      for (const other of others) if (to?.includes(other.name) ?? true) sendFrame(other, frame);
    },
    publishBatch: (bytes) => gossip.publish('batch', bytes),
    publishFinalized: (bytes) => gossip.publish('finalized', bytes),
    request: async (to, bytes, timeoutMs) =>
      ask(world, process, { asking, to: world.links.machineNamed(to), bytes, timeoutMs }),
    peers: () =>
      others
        .filter(({ name }) => process.admitted.has(name))
        .map((other) => ({
          name: other.name,
          isConnected: isConnected(other),
          lastHeardMs: null,
          queuedBytes: 0,
          droppedFrameCount: 0,
        })),
    addresses: () => [],
    drop: (name, reason) => {
      if (!process.isAlive) return;
      const other = world.links.machineNamed(name);
      world.watch.onDropped(process, other, reason);
      world.links.bar(world, machine, other);
    },
    setMembers: (members) => {
      if (!process.isAlive) return;
      process.admitted = new Set(members.keys());
      world.links.onMembers(world, machine);
    },
    stop: async () => {
      process.handlers = null;
      if (process.isAlive) world.links.onDeath(world, machine);
    },
  };
}

function beforeSending(world: World, process: Process, frame: Uint8Array): void {
  world.watch.onPortCall(process);
  if (process.isAlive) world.watch.onFrameSent(process, frame);
}

/** Puts a parcel on its way; the faults are the wire's. */
function post(world: World, process: Process, parcel: Parcel): void {
  if (!process.isAlive) return;
  deliverWithFaults(world, parcel, (arrived) => receive(world, arrived));
}

/** At the receiver. What its handler throws stops its process, as in production. */
function receive(world: World, { from, to, kind, bytes }: Parcel): void {
  const { process } = to;
  const handlers = process?.handlers ?? null;
  if (process === null || handlers === null) return;
  laterOn(world, process, {
    afterMs: 0,
    action: () => {
      world.trace.note(kind, world.nowMs, from.index, to.index, bytes.length);
      if (kind === 'request' || kind === 'answer') return;
      if (kind === 'frame') void handlers.onConsensusFrame(from.name, bytes);
      else void gossipOf(process).onReceived(kind, bytes, from.name);
    },
  });
}

const gossips = new WeakMap<Process, Gossip>();

function gossipOf(process: Process): Gossip {
  return present(gossips.get(process), 'a process that listens has its gossip');
}

/** gossipsub as far as the node can tell: everyone gets a message once, from its publisher or from somebody who accepted it. */
class Gossip {
  readonly #world: World;
  readonly #process: Process;
  #had = new WeakSet<Uint8Array>();
  #hadCount = 0;

  constructor(world: World, process: Process) {
    this.#world = world;
    this.#process = process;
    gossips.set(process, this);
  }

  publish(kind: 'batch' | 'finalized', bytes: Uint8Array): void {
    this.#world.watch.onPortCall(this.#process);
    this.#remember(bytes);
    for (const to of this.#connected()) this.#send(kind, bytes, to);
  }

  async onReceived(kind: 'batch' | 'finalized', bytes: Uint8Array, from: MemberName): Promise<void> {
    const { handlers } = this.#process;
    if (handlers === null || this.#had.has(bytes)) return;
    this.#remember(bytes);
    const verdict: GossipVerdict = await (kind === 'batch'
      ? handlers.onBatch(bytes, from)
      : handlers.onFinalized(bytes, from));
    if (verdict !== 'accept' || !this.#process.isAlive) return;
    const to = this.#connected().filter((other) => other.name !== from);
    for (let count = 0; count < forwardCount && to.length > 0; count += 1) {
      this.#send(kind, bytes, this.#world.random.pick(to));
    }
  }

  #connected(): readonly Machine[] {
    const { machine, isAlive } = this.#process;
    if (!isAlive) return [];
    return this.#world.machines.filter(
      (other) => other !== machine && this.#world.links.isSeenUp(machine, other),
    );
  }

  #send(kind: 'batch' | 'finalized', bytes: Uint8Array, to: Machine): void {
    post(this.#world, this.#process, { from: this.#process.machine, to, kind, bytes });
  }

  #remember(bytes: Uint8Array): void {
    this.#hadCount += 1;
    if (this.#hadCount % gossipKeptMax === 0) this.#had = new WeakSet();
    this.#had.add(bytes);
  }
}

interface Question {
  readonly asking: Set<Asking>;
  readonly to: Machine;
  readonly bytes: Uint8Array;
  readonly timeoutMs: number;
}

async function ask(world: World, process: Process, question: Question): Promise<Uint8Array> {
  const { asking, to, bytes, timeoutMs } = question;
  const { machine } = process;
  world.watch.onPortCall(process);
  if (!process.isAlive) return new Promise<never>(() => undefined);
  if (!world.links.isSeenUp(machine, to)) throw new NetworkFailure('notConnected', to.name);
  if (asking.size >= requestsOutstandingMax) throw new NetworkFailure('tooManyRequests', to.name);
  return new Promise<Uint8Array>((resolve, reject) => {
    const own: Asking = {
      to,
      settle: (answer) => {
        if (!asking.delete(own)) return;
        if (answer.kind === 'answered') resolve(answer.bytes);
        else reject(new NetworkFailure('peerFailed', to.name));
      },
    };
    asking.add(own);
    laterOn(world, process, {
      afterMs: timeoutMs,
      action: () => {
        if (asking.delete(own)) reject(new NetworkFailure('timeout', to.name));
      },
    });
    const request: Parcel = { from: machine, to, kind: 'request', bytes };
    deliverWithFaults(world, request, (arrived) => answer(world, process, { arrived, asking: own }));
  });
}

/** The other side works its answer out, which travels as any parcel does. */
function answer(
  world: World,
  asker: Process,
  { arrived, asking }: { readonly arrived: Parcel; readonly asking: Asking },
): void {
  const { process } = arrived.to;
  const handlers = process?.handlers ?? null;
  if (process === null || handlers === null) return;
  laterOn(world, process, {
    afterMs: 0,
    action: () => {
      world.trace.note('request', world.nowMs, arrived.from.index, arrived.to.index, arrived.bytes.length);
      handlers.onRequest(arrived.from.name, arrived.bytes).then(
        (bytes) => reply({ kind: 'answered', bytes }),
        (cause: unknown) => {
          world.watch.onHandlerFailed(process, cause);
          reply({ kind: 'failed' });
        },
      );
    },
  });
  const reply = (outcome: Answer): void => {
    if (!process.isAlive) return;
    const bytes = outcome.kind === 'answered' ? outcome.bytes : new Uint8Array(1);
    const parcel: Parcel = { from: arrived.to, to: arrived.from, kind: 'answer', bytes };
    deliverWithFaults(world, parcel, (back) => {
      laterOn(world, asker, {
        afterMs: 0,
        action: () =>
          asking.settle(outcome.kind === 'answered' ? { kind: 'answered', bytes: back.bytes } : outcome),
      });
    });
  };
}
