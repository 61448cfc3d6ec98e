/** One member as this room sees it: its channels, whatever connection they are on, and what we hold for it. */
import type { Connection, PeerId, Stream } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { MemberName } from '../../protocol/brand.ts';
import { consensusFrameBytesMax } from '../../protocol/limits.ts';
import { bulkLimits, bulkQueueBytesMax, consensusLimits, consensusQueueBytesMax } from './bounds.ts';
import { Answerer, Asker, bulkChannelFrameBytesMax } from './bulk.ts';
import { FrameChannel, type ChannelEnd } from './channel.ts';
import { NetworkFailure, type Log, type NetworkHandlers, type PeerState } from './ports.ts';

export interface LinkedMember {
  readonly name: MemberName;
  readonly peerId: PeerId;
  /** With the member's `/p2p/…`, so that a wrong key at the address fails the handshake. */
  readonly addresses: readonly Multiaddr[];
}

export interface Protocols {
  readonly consensus: string;
  readonly bulk: string;
}

export interface LinkPorts {
  readonly handlers: NetworkHandlers;
  readonly log: Log;
  /** A channel ended: the connection it was on must go, and perhaps the member stays out for a time. */
  readonly onEnded: (link: Link, connection: Connection, end: ChannelEnd) => void;
  readonly onUp: (link: Link) => void;
}

const consensusChannel = {
  frameBytesMax: consensusFrameBytesMax,
  queueBytesMax: consensusQueueBytesMax,
  received: consensusLimits,
};
const bulkChannel = {
  frameBytesMax: bulkChannelFrameBytesMax,
  queueBytesMax: bulkQueueBytesMax,
  received: bulkLimits,
};

export class Link {
  readonly member: LinkedMember;
  readonly #ports: LinkPorts;
  readonly #asker: Asker = new Asker();
  #askingOn: Connection | null = null;
  #consensus: FrameChannel | null = null;
  #answering: FrameChannel | null = null;
  #heardAt: number | null = null;
  #droppedFrameCount = 0;

  constructor(member: LinkedMember, ports: LinkPorts) {
    this.member = member;
    this.#ports = ports;
  }

  /** Consensus frames can go both ways. */
  get isConnected(): boolean {
    return this.#consensus !== null;
  }

  /** Requests can go out, too. */
  get isComplete(): boolean {
    return this.#consensus !== null && this.#asker.channel !== null;
  }

  heard(): void {
    this.#heardAt = performance.now();
  }

  sendConsensus(frame: Uint8Array): boolean {
    if (this.#consensus === null) return false;
    const isQueued = this.#consensus.send(frame);
    if (!isQueued) this.#droppedFrameCount += 1;
    return isQueued;
  }

  async request(body: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    if (!this.isConnected) throw new NetworkFailure('notConnected', 'the peer is not connected');
    return this.#asker.ask(body, timeoutMs);
  }

  /** The stream that the dialing side of the connection opens; duplex. The newest wins: an older one may be half dead. */
  useConsensusStream(stream: Stream, connection: Connection): void {
    this.#consensus?.close('replaced');
    const channel: FrameChannel = new FrameChannel(stream, consensusChannel, {
      onFrame: (frame) => {
        this.heard();
        return this.#ports.handlers.onConsensusFrame(this.member.name, frame);
      },
      onEnded: (end) => {
        if (this.#consensus === channel) {
          this.#consensus = null;
          // Of two connections the older one ends: what we ask on the newer one lives on.
          if (this.#askingOn === connection) this.#asker.detach(end.reason);
          this.#ports.handlers.onPeerChanged(this.member.name, false);
        }
        this.#ports.onEnded(this, connection, end);
      },
    });
    this.#consensus = channel;
    this.#ports.onUp(this);
    this.#ports.handlers.onPeerChanged(this.member.name, true);
  }

  /** The stream that we opened for our requests. */
  useAskingStream(stream: Stream, connection: Connection): void {
    const channel: FrameChannel = new FrameChannel(stream, bulkChannel, {
      onFrame: (frame) => {
        this.heard();
        this.#asker.onFrame(frame);
      },
      onEnded: (end) => {
        if (this.#asker.channel === channel) this.#asker.detach(end.reason);
        this.#ports.onEnded(this, connection, end);
      },
    });
    this.#askingOn = connection;
    this.#asker.attach(channel);
  }

  /** The stream that the peer opened for its requests. */
  useAnsweringStream(stream: Stream, connection: Connection): void {
    this.#answering?.close('replaced');
    const answerer = new Answerer({
      answer: (request) => this.#ports.handlers.onRequest(this.member.name, request),
      log: this.#ports.log,
    });
    const channel: FrameChannel = new FrameChannel(stream, bulkChannel, {
      onFrame: (frame) => {
        this.heard();
        return answerer.serve(channel, frame);
      },
      onEnded: (end) => {
        if (this.#answering === channel) this.#answering = null;
        this.#ports.onEnded(this, connection, end);
      },
    });
    this.#answering = channel;
  }

  stalledTicks(): number {
    const channels = [this.#consensus, this.#asker.channel, this.#answering];
    return Math.max(...channels.map((channel) => channel?.stalledTicks() ?? 0));
  }

  state(gossipQueuedBytes: number): PeerState {
    const queuedBytes =
      (this.#consensus?.queuedBytes ?? 0) + this.#asker.queuedBytes + (this.#answering?.queuedBytes ?? 0);
    return {
      name: this.member.name,
      isConnected: this.isConnected,
      lastHeardMs: this.#heardAt === null ? null : Math.round(performance.now() - this.#heardAt),
      queuedBytes: queuedBytes + gossipQueuedBytes,
      droppedFrameCount: this.#droppedFrameCount,
    };
  }

  close(reason: string): void {
    this.#consensus?.close(reason);
    this.#answering?.close(reason);
    this.#asker.detach(reason);
  }
}
