/** What the network gives to the node and asks of it. Nothing of libp2p shows through here. */
import type { Digest, MemberName, PublicKey } from '../../protocol/brand.ts';

/** A structured log; pino's loggers fit. Fields never hold what a peer sent, only names, sizes and reasons. */
export interface Log {
  readonly debug: (fields: object, message: string) => void;
  readonly info: (fields: object, message: string) => void;
  readonly warn: (fields: object, message: string) => void;
  readonly error: (fields: object, message: string) => void;
}

/** gossipsub's three: forward it; drop it without blame; drop it, whoever forwarded it is to blame. */
export type GossipVerdict = 'accept' | 'ignore' | 'reject';

/** Network keys of all members except ourselves: who is let in, and nobody else. */
export type AllowList = ReadonlyMap<MemberName, PublicKey>;

export interface NetworkOptions {
  readonly own: MemberName;
  /** 32 bytes; the libp2p key and PeerId derive from it, and its public key is the member's networkKey. */
  readonly networkKeySeed: Uint8Array;
  readonly chainId: Digest;
  /** Multiaddrs to listen on, for example `/ip4/0.0.0.0/tcp/7000`. */
  readonly listen: readonly string[];
  /** Multiaddrs that peers should see instead of the listening ones; empty: those. */
  readonly advertise: readonly string[];
  readonly members: AllowList;
  /**
   * Multiaddrs by member, with or without a trailing `/p2p/…`, also of who is no member yet. Whoever stands not here can only
   * dial us.
   */
  readonly addresses: Readonly<Record<string, readonly string[]>>;
  readonly log: Log;
  /** Somebody was not let in, or a member was thrown out; one of a few reasons, for counting. */
  readonly onTurnedAway: (reason: string) => void;
}

/** Called by the network. What a handler throws synchronously, and every broken invariant, stops the node. */
export interface NetworkHandlers {
  /** At most `consensusFrameBytesMax` bytes. A promise holds the sender back until it settles. */
  readonly onConsensusFrame: (from: MemberName, frame: Uint8Array) => void | Promise<void>;
  /** A gossiped batch, 1..`batchBytesMax` bytes; `from` forwarded it, which does not make it the author. */
  readonly onBatch: (bytes: Uint8Array, from: MemberName | null) => Promise<GossipVerdict>;
  /** A gossiped finalized header with its certificate. */
  readonly onFinalized: (bytes: Uint8Array, from: MemberName | null) => Promise<GossipVerdict>;
  /** Gives the answer, at most `bulkFrameBytesMax` bytes. A rejection reaches the asker as `peerFailed`. */
  readonly onRequest: (from: MemberName, bytes: Uint8Array) => Promise<Uint8Array>;
  readonly onPeerChanged: (name: MemberName, isConnected: boolean) => void;
}

export interface PeerState {
  readonly name: MemberName;
  readonly isConnected: boolean;
  /** Milliseconds since the peer's last frame or gossip; null: never heard. */
  readonly lastHeardMs: number | null;
  /** Bytes that wait to be sent to it, gossip included. */
  readonly queuedBytes: number;
  /** Consensus frames not sent since the start because the peer was slow. */
  readonly droppedFrameCount: number;
}

export interface Network {
  /** False: not connected, or its queue is full. The frame must not change afterwards: it is not copied yet. */
  readonly sendConsensus: (to: MemberName, frame: Uint8Array) => boolean;
  /** To all peers, or to those named. Peers that cannot take it miss it. */
  readonly broadcastConsensus: (frame: Uint8Array, to?: readonly MemberName[]) => void;
  readonly publishBatch: (bytes: Uint8Array) => void;
  readonly publishFinalized: (bytes: Uint8Array) => void;
  /** Throws NetworkFailure. */
  readonly request: (to: MemberName, bytes: Uint8Array, timeoutMs: number) => Promise<Uint8Array>;
  readonly peers: () => readonly PeerState[];
  /** Multiaddrs that we listen on, each with our `/p2p/…`. */
  readonly addresses: () => readonly string[];
  /** Cuts a misbehaving member off; it may come back after a time. */
  readonly drop: (name: MemberName, reason: string) => void;
  /**
   * From now on these are let in, and nobody else. Who is new is dialed, if it has an address; who is gone, or has another key, is cut
   * off; all others keep their connections. At most `membersMax`.
   */
  readonly setMembers: (members: AllowList) => void;
  readonly stop: () => Promise<void>;
}

export type NetworkFailureCode =
  | 'notConnected'
  | 'timeout'
  | 'disconnected'
  /** Too many of our requests to this peer are outstanding. */
  | 'tooManyRequests'
  | 'queueFull'
  /** The peer's handler failed. */
  | 'peerFailed'
  | 'cannotStart';

/** The world's failure: the node goes on, and may ask somebody else. */
export class NetworkFailure extends Error {
  override readonly name = 'NetworkFailure';
  readonly code: NetworkFailureCode;

  constructor(code: NetworkFailureCode, message: string, cause: unknown = null) {
    super(message, { cause });
    this.code = code;
  }
}
