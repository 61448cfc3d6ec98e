/** Hosts that do not follow our rules: strangers, forgers, and members gone bad. Bare libp2p with any key. */
import '../../node/polyfill.ts';
import { gossipsub, type GossipSub } from '@chainsafe/libp2p-gossipsub';
import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { identify, type Identify } from '@libp2p/identify';
import type { Connection, MessageStream, PrivateKey, Stream, StreamMuxerFactory } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p, type Libp2p } from 'libp2p';
import { gossipOptions } from '../../node/network/gossip.ts';
import type { Digest } from '../../protocol/brand.ts';
import { loopback, testChainId, type TestNode } from './networkFixture.ts';

export interface WireNames {
  readonly consensus: string;
  readonly bulk: string;
  readonly batches: string;
  readonly finalized: string;
}

/** Names of protocols and topics on one chain. */
export function wireNames(chainId: Digest): WireNames {
  const prefix = `/rxledger/${chainId.slice(0, 12)}`;
  return {
    consensus: `${prefix}/consensus/1`,
    bulk: `${prefix}/bulk/1`,
    batches: `${prefix}/batches/1`,
    finalized: `${prefix}/finalized/1`,
  };
}

const testNames = wireNames(testChainId);
export const consensusProtocol: string = testNames.consensus;
export const bulkProtocol: string = testNames.bulk;
export const batchesTopic: string = testNames.batches;

type RogueHost = Libp2p<{ identify: Identify; pubsub: GossipSub }>;

export interface Rogue {
  readonly host: RogueHost;
  /** Streams that the other side opened for its requests. */
  readonly inbound: readonly Stream[];
  /** Its connections below the multiplexer, encrypted, the newest last. */
  readonly wires: readonly MessageStream[];
}

function wiredYamux(wires: MessageStream[]): () => StreamMuxerFactory {
  const makeFactory = yamux();
  return () => {
    const factory = makeFactory();
    const create = factory.createStreamMuxer.bind(factory);
    factory.createStreamMuxer = (wire) => {
      wires.push(wire);
      return create(wire);
    };
    return factory;
  };
}

export async function startRogue(privateKey: PrivateKey, names: WireNames = testNames): Promise<Rogue> {
  const topics = { batches: names.batches, finalized: names.finalized };
  const wires: MessageStream[] = [];
  const host = await createLibp2p({
    privateKey,
    addresses: { listen: [loopback] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [wiredYamux(wires)],
    services: {
      identify: identify(),
      pubsub: gossipsub({ ...gossipOptions(4, topics), maxInboundDataLength: 1 << 24 }),
    },
  });
  const inbound: Stream[] = [];
  await host.handle(names.bulk, (stream) => {
    inbound.push(stream);
  });
  host.services.pubsub.subscribe(names.batches);
  return { host, inbound, wires };
}

/** Keys that claim one identity and sign with another. */
export function forgedKey(own: PrivateKey, claimed: PrivateKey): PrivateKey {
  return {
    type: 'Ed25519',
    raw: own.raw,
    publicKey: claimed.publicKey,
    sign: (data, options) => own.sign(data, options),
    equals: (other) => own.equals(other),
    toCID: () => claimed.publicKey.toCID(),
    toMultihash: () => claimed.publicKey.toMultihash(),
    toString: () => claimed.publicKey.toString(),
  } as PrivateKey;
}

export async function dial(rogue: Rogue, node: TestNode): Promise<Connection> {
  const [address] = node.network.addresses();
  return rogue.host.dial(multiaddr(address));
}

/** Length prefix and body as our channels write them; the length may be a lie. */
export function frameOf(body: Uint8Array, length: number = body.length): Uint8Array {
  const frame = new Uint8Array(4 + body.length);
  new DataView(frame.buffer).setUint32(0, length);
  frame.set(body, 4);
  return frame;
}

/** https://github.com/hashicorp/yamux/blob/master/spec.md; the length may be a lie. */
export interface MuxFrame {
  readonly type: 'data' | 'windowUpdate' | 'ping';
  readonly isSyn: boolean;
  readonly streamId: number;
  readonly length: number;
}

const muxTypes = { data: 0, windowUpdate: 1, ping: 2 } as const;

/** Headers one after the other, without bodies. */
export function muxFrames(frames: readonly MuxFrame[]): Uint8Array {
  const bytes = new Uint8Array(12 * frames.length);
  const view = new DataView(bytes.buffer);
  for (const [index, { type, isSyn, streamId, length }] of frames.entries()) {
    view.setUint8(12 * index + 1, muxTypes[type]);
    view.setUint16(12 * index + 2, isSyn ? 1 : 0);
    view.setUint32(12 * index + 4, streamId);
    view.setUint32(12 * index + 8, length);
  }
  return bytes;
}
