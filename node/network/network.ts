/** The network of one node: builds host, links and gossip, and gives the node its port to them. */
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import type { MemberName, PublicKey } from '../../protocol/brand.ts';
import { invariant } from '../../protocol/invariant.ts';
import { batchBytesMax } from '../../protocol/limits.ts';
import { defaultTiming, finalizedBytesMax, type Timing } from './bounds.ts';
import { Gossip, type Topics } from './gossip.ts';
import { createHost, type Host } from './host.ts';
import { peerIdOf, privateKeyFromSeed } from './identity.ts';
import type { Link, LinkedMember, Protocols } from './link.ts';
import { MemberLinks } from './links.ts';
import {
  NetworkFailure,
  type AllowList,
  type Network,
  type NetworkHandlers,
  type NetworkOptions,
} from './ports.ts';

/** Digits of the chain id in protocol and topic names: chains do not mix by accident. Signatures hold all of it. */
const chainDigits = 12;

function protocolsOf(chain: string): Protocols {
  return { consensus: `/rxledger/${chain}/consensus/1`, bulk: `/rxledger/${chain}/bulk/1` };
}

function topicsOf(chain: string): Topics {
  return { batches: `/rxledger/${chain}/batches/1`, finalized: `/rxledger/${chain}/finalized/1` };
}

/** All are read at the start, so that a malformed one shows there, and not on the day that its member joins. */
function addressBook({ addresses }: NetworkOptions): ReadonlyMap<string, readonly Multiaddr[]> {
  return new Map(
    Object.entries(addresses).map(([name, texts]) => [name, texts.map((text) => multiaddr(text))]),
  );
}

function linkedMembers(
  members: AllowList,
  book: ReadonlyMap<string, readonly Multiaddr[]>,
): readonly LinkedMember[] {
  return [...members].map(([name, networkKey]) => {
    const peerId = peerIdOf(networkKey);
    const suffix = `/p2p/${peerId.toString()}`;
    const addresses = (book.get(name) ?? []).map((address) =>
      address.toString().includes('/p2p/') ? address : address.encapsulate(suffix),
    );
    return { name, peerId, addresses };
  });
}

/**
 * Starts listening and dialing; peers come up later, each told by `onPeerChanged`. Throws NetworkFailure `cannotStart`:
 * an address is malformed or taken, or a key is no key.
 */
export async function startNetwork(options: NetworkOptions, handlers: NetworkHandlers): Promise<Network> {
  const { network } = await startNetworkWith(options, handlers, defaultTiming);
  return network;
}

export interface StartedNetwork {
  readonly network: Network;
  readonly host: Host;
}

/** `startNetwork` with other waiting times and a view of its host, for tests. */
export async function startNetworkWith(
  options: NetworkOptions,
  handlers: NetworkHandlers,
  timing: Timing,
): Promise<StartedNetwork> {
  try {
    return await buildNetwork(options, handlers, timing);
  } catch (error) {
    throw new NetworkFailure('cannotStart', 'the network cannot start', error);
  }
}

async function buildNetwork(
  options: NetworkOptions,
  handlers: NetworkHandlers,
  timing: Timing,
): Promise<StartedNetwork> {
  const { log } = options;
  const chain = options.chainId.slice(0, chainDigits);
  const protocols = protocolsOf(chain);
  const topics = topicsOf(chain);
  const privateKey = await privateKeyFromSeed(options.networkKeySeed);
  const ownPeerId = peerIdOf(Buffer.from(privateKey.publicKey.raw).toString('hex') as PublicKey);
  const book = addressBook(options);
  const members = linkedMembers(options.members, book);
  const { onTurnedAway } = options;
  const links = new MemberLinks({ ownPeerId, members, protocols, timing, log, onTurnedAway }, handlers);
  const host = await createHost({
    privateKey,
    listen: options.listen,
    advertise: options.advertise,
    memberCount: members.length + 1,
    dialMsMax: timing.dialMsMax,
    topics,
    isWelcome: (peerId) => links.isWelcome(peerId),
    refusalOf: (peerId) => links.refusalOf(peerId),
    onTurnedAway,
  });
  const gossip = new Gossip(host.services.pubsub, {
    linkOf: (peerId) => links.linkOf(peerId),
    onViolation: (name, reason) => links.drop(name, reason),
    log,
  });
  gossip.guard({ topic: topics.batches, bytesMax: batchBytesMax, judge: handlers.onBatch });
  gossip.guard({ topic: topics.finalized, bytesMax: finalizedBytesMax, judge: handlers.onFinalized });
  await handleStreams(host, links, protocols);
  try {
    await host.start();
  } catch (error) {
    await host.stop();
    throw error;
  }
  for (const topic of [topics.batches, topics.finalized]) host.services.pubsub.subscribe(topic);
  links.start(host);
  return { network: portOf({ host, links, gossip, topics, book }), host };
}

async function handleStreams(host: Host, links: MemberLinks, protocols: Protocols): Promise<void> {
  const options = { maxInboundStreams: 1, maxOutboundStreams: 1 };
  await host.handle(
    protocols.consensus,
    (stream, connection) => {
      links.linkOf(connection.remotePeer)?.useConsensusStream(stream, connection);
    },
    options,
  );
  await host.handle(
    protocols.bulk,
    (stream, connection) => {
      links.linkOf(connection.remotePeer)?.useAnsweringStream(stream, connection);
    },
    options,
  );
}

interface Parts {
  readonly host: Host;
  readonly links: MemberLinks;
  readonly gossip: Gossip;
  readonly topics: Topics;
  readonly book: ReadonlyMap<string, readonly Multiaddr[]>;
}

function portOf({ host, links, gossip, topics, book }: Parts): Network {
  const publish = (topic: string, bytes: Uint8Array, bytesMax: number): void => {
    invariant(bytes.length <= bytesMax, 'a message larger than its limit is published');
    links.cutSlowGossip();
    gossip.publish(topic, bytes);
  };
  const linksTo = (to: readonly MemberName[] | undefined): readonly Link[] =>
    to === undefined ? links.links() : to.flatMap((name) => links.linkNamed(name) ?? []);
  return {
    sendConsensus: (to, frame) => links.linkNamed(to)?.sendConsensus(frame) ?? false,
    broadcastConsensus: (frame, to) => {
      for (const link of linksTo(to)) link.sendConsensus(frame);
    },
    publishBatch: (bytes) => publish(topics.batches, bytes, batchBytesMax),
    publishFinalized: (bytes) => publish(topics.finalized, bytes, finalizedBytesMax),
    request: async (to, bytes, timeoutMs) => {
      const link = links.linkNamed(to);
      if (link === null) throw new NetworkFailure('notConnected', 'the peer is not a member');
      return link.request(bytes, timeoutMs);
    },
    peers: () => links.states(),
    addresses: () => host.getMultiaddrs().map(String),
    drop: (name, reason) => links.drop(name, reason),
    setMembers: (next) => {
      links.setMembers(linkedMembers(next, book));
      gossip.spreadTo(next.size + 1);
    },
    stop: async () => {
      links.stop();
      gossip.stop();
      await host.stop();
    },
  };
}
