/**
 * Exactly one healthy connection to every member: who dials, redialing for ever, and the watchdog that cuts what libp2p
 * would leave half dead. A cut connection is the one remedy: the redial restores every channel and gossip with it.
 */
import type { Connection, PeerId } from '@libp2p/interface';
import type { MemberName } from '../../protocol/brand.ts';
import { compareText } from '../../protocol/bytes.ts';
import { invariant } from '../../protocol/invariant.ts';
import { membersMax } from '../../protocol/limits.ts';
import { Allowance } from './allowance.ts';
import { connectionLimits, connectionsPerMemberMax, gossipQueueBytesMax, type Timing } from './bounds.ts';
import type { ChannelEnd } from './channel.ts';
import { reasonOf } from './escalate.ts';
import type { Host } from './host.ts';
import { Link, type LinkedMember, type LinkPorts, type Protocols } from './link.ts';
import type { Log, NetworkHandlers, PeerState } from './ports.ts';
import { Violation } from './violation.ts';

const gossipProtocolPrefix = '/meshsub/';

interface Tended {
  readonly link: Link;
  /** The smaller PeerId dials at once, the larger one only after its patience ends: two dials at once make two connections. */
  readonly isDialer: boolean;
  isDown: boolean;
  downSince: number;
  barredUntil: number;
  unhealthyTicks: number;
  readonly connections: Allowance;
  timer: NodeJS.Timeout | null;
  isDialing: boolean;
}

export interface LinksOptions {
  readonly ownPeerId: PeerId;
  readonly members: readonly LinkedMember[];
  readonly protocols: Protocols;
  readonly timing: Timing;
  readonly log: Log;
  /** A member broke the rules. */
  readonly onTurnedAway: (reason: string) => void;
}

/** In a turn of its own: within an event of one of its streams, yamux throws from what it has not finished. */
function abortSoon(connection: Connection, reason: string): void {
  setImmediate(() => {
    if (connection.status === 'open') connection.abort(new Error(reason));
  });
}

export class MemberLinks {
  readonly #options: LinksOptions;
  readonly #ports: LinkPorts;
  readonly #byPeerId = new Map<string, Tended>();
  readonly #byName = new Map<MemberName, Tended>();
  #node: Host | null = null;
  #watchdog: NodeJS.Timeout | null = null;
  #isStopped = false;

  constructor(options: LinksOptions, handlers: NetworkHandlers) {
    this.#options = options;
    this.#ports = {
      handlers: this.#untilStopped(handlers),
      log: options.log,
      onEnded: (link: Link, connection: Connection, end: ChannelEnd) => this.#onEnded(link, connection, end),
      onUp: (link: Link) => this.#onUp(link),
    };
    this.setMembers(options.members);
  }

  /** From now on these are let in, and nobody else. Who stays, under the same key, notices nothing. */
  setMembers(members: readonly LinkedMember[]): void {
    if (this.#isStopped) return;
    invariant(members.length <= membersMax, 'members are bounded');
    const names = new Map(members.map(({ name, peerId }) => [peerId.toString(), name]));
    for (const tended of this.#byName.values()) {
      const { name, peerId } = tended.link.member;
      if (names.get(peerId.toString()) !== name) this.#forget(tended);
    }
    for (const member of members) if (!this.#byName.has(member.name)) this.#tend(member);
  }

  #tend(member: LinkedMember): void {
    const peerId = member.peerId.toString();
    const tended: Tended = {
      link: new Link(member, this.#ports),
      isDialer: compareText(this.#options.ownPeerId.toString(), peerId) < 0,
      isDown: true,
      downSince: performance.now(),
      barredUntil: 0,
      unhealthyTicks: 0,
      connections: new Allowance(connectionLimits, performance.now()),
      timer: null,
      isDialing: false,
    };
    this.#byPeerId.set(peerId, tended);
    this.#byName.set(member.name, tended);
    if (this.#node !== null) this.#scheduleDial(tended, 0);
  }

  /** First forgotten, then cut: so nothing that ends now is redialed. */
  #forget(tended: Tended): void {
    const { name, peerId } = tended.link.member;
    this.#byPeerId.delete(peerId.toString());
    this.#byName.delete(name);
    if (tended.timer !== null) clearTimeout(tended.timer);
    tended.timer = null;
    this.#options.log.info({ peer: name }, 'this key is no longer let in');
    this.#cut(tended.link, 'stranger');
  }

  /** What is left of a link may outlive its place among the members, or the key that it was for. */
  #tendedOf(link: Link): Tended | null {
    const tended = this.#byName.get(link.member.name);
    return tended?.link === link ? tended : null;
  }

  /** The connection gater's rule: members only, and not within a time after a violation. */
  isWelcome(peerId: PeerId): boolean {
    const tended = this.#byPeerId.get(peerId.toString());
    return tended !== undefined && performance.now() >= tended.barredUntil;
  }

  /**
   * Why a connection of this peer is not taken: `stranger`, `barred`, or `tooManyConnections`, for besides the living one a
   * half-dead one may linger, but no member may use up all of ours. Null: it is.
   */
  refusalOf(peerId: PeerId): string | null {
    const tended = this.#byPeerId.get(peerId.toString());
    if (tended === undefined) return 'stranger';
    if (performance.now() < tended.barredUntil) return 'barred';
    const connectionCount = this.#node?.getConnections(peerId).length ?? 0;
    return connectionCount < connectionsPerMemberMax ? null : 'tooManyConnections';
  }

  linkOf(peerId: PeerId): Link | null {
    return this.#byPeerId.get(peerId.toString())?.link ?? null;
  }

  linkNamed(name: MemberName): Link | null {
    return this.#byName.get(name)?.link ?? null;
  }

  links(): readonly Link[] {
    return [...this.#byName.values()].map((tended) => tended.link);
  }

  states(): readonly PeerState[] {
    return this.links().map((link) => link.state(this.#gossipQueuedBytes(link)));
  }

  /** `node` has its protocol handlers in place and is started. */
  start(node: Host): void {
    this.#node = node;
    node.addEventListener('connection:open', (event) => {
      void this.#onConnection(event.detail);
    });
    for (const connection of node.getConnections()) void this.#onConnection(connection);
    for (const tended of this.#byName.values()) {
      tended.downSince = performance.now();
      this.#scheduleDial(tended, 0);
    }
    this.#watchdog = setInterval(() => {
      for (const tended of this.#byName.values()) this.#inspect(tended);
    }, this.#options.timing.tickMs);
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#watchdog !== null) clearInterval(this.#watchdog);
    for (const tended of this.#byName.values()) {
      if (tended.timer !== null) clearTimeout(tended.timer);
      tended.link.close('stopped');
    }
  }

  drop(name: MemberName, reason: string): void {
    const tended = this.#byName.get(name);
    if (tended !== undefined) this.#bar(tended, reason);
  }

  /** gossipsub's publish never pushes back, so its queue is measured whenever it grows. */
  cutSlowGossip(): void {
    for (const { link } of this.#byName.values()) {
      if (this.#gossipQueuedBytes(link) > gossipQueueBytesMax) this.#cut(link, 'gossip is not read');
    }
  }

  #connectionsOf(link: Link): readonly Connection[] {
    return this.#node?.getConnections(link.member.peerId) ?? [];
  }

  #gossipQueuedBytes(link: Link): number {
    let bytes = 0;
    for (const connection of this.#connectionsOf(link)) {
      for (const stream of connection.streams) {
        if (stream.protocol.startsWith(gossipProtocolPrefix)) bytes += stream.writeBufferLength;
      }
    }
    return bytes;
  }

  /** Streams, not the connection, prove admission: a dial succeeds before the other side's gater has looked. */
  async #onConnection(connection: Connection): Promise<void> {
    const tended = this.#byPeerId.get(connection.remotePeer.toString());
    if (tended === undefined) {
      // It was let in as a member, and was none any more when its connection stood.
      abortSoon(connection, 'stranger');
      return;
    }
    const { link } = tended;
    connection.addEventListener('close', ({ error }) => {
      if (error instanceof Violation) this.#bar(tended, error.message);
    });
    if (tended.connections.take(1, performance.now()) > 0) {
      this.#bar(tended, 'connectionFlood');
      return;
    }
    const signal = AbortSignal.timeout(this.#options.timing.dialMsMax);
    try {
      if (connection.direction === 'outbound') {
        const stream = await connection.newStream(this.#options.protocols.consensus, { signal });
        link.useConsensusStream(stream, connection);
      }
      const stream = await connection.newStream(this.#options.protocols.bulk, { signal });
      link.useAskingStream(stream, connection);
    } catch (error) {
      const reason = reasonOf(error);
      this.#options.log.debug({ peer: link.member.name, reason }, 'a connection came to nothing');
      abortSoon(connection, reason);
    }
  }

  #onUp(link: Link): void {
    const tended = this.#tendedOf(link);
    if (tended === null) return;
    this.#options.log.info({ peer: link.member.name }, 'peer connected');
    tended.isDown = false;
    tended.unhealthyTicks = 0;
    if (tended.timer !== null) clearTimeout(tended.timer);
    tended.timer = null;
  }

  #onEnded(link: Link, connection: Connection, end: ChannelEnd): void {
    if (this.#isStopped) return;
    const tended = this.#tendedOf(link);
    if (tended === null) return;
    if (end.isViolation) this.#bar(tended, end.reason);
    else abortSoon(connection, end.reason);
    if (link.isConnected || tended.isDown) return;
    tended.isDown = true;
    this.#options.log.info({ peer: link.member.name, reason: end.reason }, 'peer disconnected');
    tended.downSince = performance.now();
    this.#scheduleDial(tended, this.#options.timing.redialMsMin);
  }

  #bar(tended: Tended, reason: string): void {
    // One deed ends several streams, each with the same reason.
    if (performance.now() < tended.barredUntil) return;
    this.#options.onTurnedAway(reason);
    this.#options.log.warn({ peer: tended.link.member.name, reason }, 'peer dropped for a violation');
    tended.barredUntil = performance.now() + this.#options.timing.barredMs;
    this.#cut(tended.link, reason);
  }

  #cut(link: Link, reason: string): void {
    this.#options.log.debug({ peer: link.member.name, reason }, 'connection cut');
    for (const connection of this.#connectionsOf(link)) abortSoon(connection, reason);
    link.close(reason);
  }

  #scheduleDial(tended: Tended, delayMs: number): void {
    if (this.#isStopped || this.#tendedOf(tended.link) === null) return;
    if (tended.isDialing || tended.timer !== null) return;
    // Members that lost the same peer at the same time do not come back in step.
    const jitter = 0.75 + Math.random() / 2;
    tended.timer = setTimeout(() => {
      void this.#dial(tended);
    }, delayMs * jitter);
  }

  async #dial(tended: Tended): Promise<void> {
    const { link } = tended;
    tended.timer = null;
    tended.isDialing = true;
    if (this.#mayDial(tended)) {
      try {
        const signal = AbortSignal.timeout(this.#options.timing.dialMsMax);
        await this.#node?.dial([...link.member.addresses], { signal });
      } catch (error) {
        this.#options.log.debug({ peer: link.member.name, reason: reasonOf(error) }, 'dial failed');
      }
    }
    tended.isDialing = false;
    if (link.isConnected) return;
    // A fifth of the outage: back soon after a restart, and no storm at a member that is away for days.
    const outageMs = performance.now() - tended.downSince;
    const { redialMsMin, redialMsMax } = this.#options.timing;
    this.#scheduleDial(tended, Math.min(redialMsMax, Math.max(redialMsMin, outageMs / 5)));
  }

  #mayDial({ link, isDialer, downSince, barredUntil }: Tended): boolean {
    const now = performance.now();
    if (link.member.addresses.length === 0 || now < barredUntil) return false;
    if (this.#connectionsOf(link).length > 0) return false;
    return isDialer || now - downSince >= this.#options.timing.patienceMs;
  }

  #inspect(tended: Tended): void {
    const { link } = tended;
    const { unhealthyTicksMax, stalledTicksMax } = this.#options.timing;
    if (link.stalledTicks() >= stalledTicksMax) {
      this.#cut(link, 'what we send is not read');
      return;
    }
    const ailment = this.#ailmentOf(link);
    tended.unhealthyTicks = ailment === null ? 0 : tended.unhealthyTicks + 1;
    if (ailment === null || tended.unhealthyTicks < unhealthyTicksMax) return;
    tended.unhealthyTicks = 0;
    this.#cut(link, ailment);
  }

  /** gossipsub never reopens a reset stream while the connection lives, and two connections end in one-way gossip. */
  #ailmentOf(link: Link): string | null {
    const connections = this.#connectionsOf(link);
    const [connection] = connections;
    if (connection === undefined) return null;
    if (Date.now() - connection.timeline.open < this.#options.timing.settlingMs) return null;
    if (connections.length > 1) return 'more than one connection';
    if (!link.isComplete) return 'a channel is missing';
    const gossip = connection.streams.filter((stream) => stream.protocol.startsWith(gossipProtocolPrefix));
    // A reader that met a frame too large is gone, though its stream still looks open.
    const isPeer = this.#node?.services.pubsub.getPeers().some((peerId) => peerId.equals(link.member.peerId));
    if (isPeer !== true) return 'gossip has lost the peer';
    const isWhole = ['inbound', 'outbound'].every((way) =>
      gossip.some(({ direction, status }) => direction === way && status === 'open'),
    );
    return isWhole ? null : 'a gossip stream is missing';
  }

  /** Nothing is handed to a node that is going down. */
  #untilStopped(handlers: NetworkHandlers): NetworkHandlers {
    return {
      ...handlers,
      onConsensusFrame: (from, frame) =>
        this.#isStopped ? undefined : handlers.onConsensusFrame(from, frame),
      onPeerChanged: (name, isConnected) => {
        if (!this.#isStopped) handlers.onPeerChanged(name, isConnected);
      },
    };
  }
}
