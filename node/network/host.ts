/** The libp2p host: tcp, noise, yamux, identify, gossipsub, and the allow-list in front of all protocol handlers. */
import type { GossipSub } from '@chainsafe/libp2p-gossipsub';
import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { identify, type Identify } from '@libp2p/identify';
import type { ConnectionGater, PeerId, PrivateKey } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { createLibp2p, type Libp2p } from 'libp2p';
import {
  connectionsMax,
  dialsAtOnceMax,
  inboundConnectionsPerSecondMax,
  streamWindowBytesMax,
} from './bounds.ts';
import { gossipService, type Topics } from './gossip.ts';

export type Host = Libp2p<{ identify: Identify; pubsub: GossipSub }>;

export interface HostOptions {
  readonly privateKey: PrivateKey;
  readonly listen: readonly string[];
  readonly advertise: readonly string[];
  readonly memberCount: number;
  readonly dialMsMax: number;
  readonly topics: Topics;
  /** Whom we may dial. */
  readonly isWelcome: (peerId: PeerId) => boolean;
  /** Whose connection we take. */
  readonly isAdmitted: (peerId: PeerId) => boolean;
}

/**
 * After noise the peer's key is proven, and no protocol handler has run: here strangers are closed. The dialer learns it
 * late: its dial succeeds first.
 */
function allowList({ isWelcome, isAdmitted }: HostOptions): ConnectionGater {
  return {
    denyDialPeer: (peerId) => !isWelcome(peerId),
    denyInboundEncryptedConnection: (peerId) => !isAdmitted(peerId),
    denyOutboundEncryptedConnection: (peerId) => !isWelcome(peerId),
  };
}

/** Not started yet. */
export async function createHost(options: HostOptions): Promise<Host> {
  return createLibp2p({
    start: false,
    privateKey: options.privateKey,
    addresses: { listen: [...options.listen], announce: [...options.advertise] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: streamWindowBytesMax } })],
    connectionGater: allowList(options),
    connectionManager: {
      maxConnections: connectionsMax,
      maxParallelDials: dialsAtOnceMax,
      addressDialTimeout: options.dialMsMax,
      // Per remote address and second: members behind one NAT, or strangers there, must not lock members out.
      inboundConnectionThreshold: inboundConnectionsPerSecondMax,
      maxIncomingPendingConnections: inboundConnectionsPerSecondMax,
      // libp2p's own redial gives up after some tries; links.ts redials.
      reconnectRetries: 0,
    },
    // One missed ping cuts a connection, so it must be a long one.
    connectionMonitor: { pingInterval: 5_000, pingTimeout: { minTimeout: 10_000 } },
    services: {
      identify: identify({ timeout: options.dialMsMax }),
      pubsub: gossipService(options.memberCount, options.topics),
    },
  });
}
