/** The libp2p host: tcp, noise, yamux, identify, gossipsub, and the allow-list in front of all protocol handlers. */
import type { GossipSub } from '@chainsafe/libp2p-gossipsub';
import { noise } from '@chainsafe/libp2p-noise';
import { identify, type Identify } from '@libp2p/identify';
import type { PrivateKey } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { createLibp2p, type Libp2p } from 'libp2p';
import {
  connectionsMax,
  dialsAtOnceMax,
  handshakeMsMax,
  handshakesMax,
  inboundConnectionsPerSecondMax,
} from './bounds.ts';
import { doorway, type DoorwayPorts } from './doorway.ts';
import { gossipService, type Topics } from './gossip.ts';
import { watchedYamux } from './muxer.ts';

export type Host = Libp2p<{ identify: Identify; pubsub: GossipSub }>;

export interface HostOptions extends DoorwayPorts {
  readonly privateKey: PrivateKey;
  readonly listen: readonly string[];
  readonly advertise: readonly string[];
  readonly memberCount: number;
  readonly dialMsMax: number;
  readonly topics: Topics;
}

/** Not started yet. */
export async function createHost(options: HostOptions): Promise<Host> {
  return createLibp2p({
    start: false,
    privateKey: options.privateKey,
    addresses: { listen: [...options.listen], announce: [...options.advertise] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [watchedYamux()],
    connectionGater: doorway(options),
    connectionManager: {
      maxConnections: connectionsMax,
      maxParallelDials: dialsAtOnceMax,
      addressDialTimeout: options.dialMsMax,
      // Per remote address and second: members behind one NAT, or strangers there, must not lock members out.
      inboundConnectionThreshold: inboundConnectionsPerSecondMax,
      maxIncomingPendingConnections: handshakesMax,
      inboundUpgradeTimeout: handshakeMsMax,
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
