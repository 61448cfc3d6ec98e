/** gossipsub as this ledger uses it: two topics, no signatures of its own, verdicts of the node's gate. */
import { createHash } from 'node:crypto';
import {
  gossipsub,
  TopicValidatorResult,
  type GossipSub,
  type GossipsubOpts,
  type Message,
} from '@chainsafe/libp2p-gossipsub';
import type { PeerId } from '@libp2p/interface';
import type { MemberName } from '../../protocol/brand.ts';
import { Allowance } from './allowance.ts';
import {
  floodMembersMax,
  gossipByteLimits,
  gossipFrameBytesMax,
  gossipFrameLimits,
  gossipIdsAskedMax,
  validationBytesMax,
} from './bounds.ts';
import { escalateIfBroken, reasonOf } from './escalate.ts';
import type { Link } from './link.ts';
import type { GossipVerdict, Log } from './ports.ts';

export interface Topics {
  readonly batches: string;
  readonly finalized: string;
}

export interface TopicRule {
  readonly topic: string;
  readonly bytesMax: number;
  readonly judge: (bytes: Uint8Array, from: MemberName | null) => Promise<GossipVerdict>;
}

export interface GossipPorts {
  readonly linkOf: (peerId: PeerId) => Link | null;
  /** A message that no honest member sends or forwards. */
  readonly onViolation: (name: MemberName, reason: string) => void;
  readonly log: Log;
}

const results: Readonly<Record<GossipVerdict, TopicValidatorResult>> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
};

/** One copy to every member while that is cheap; above, a sparse mesh that forwards. */
function spreadOptions(memberCount: number): Partial<GossipsubOpts> {
  if (memberCount <= floodMembersMax) {
    return { D: 0, Dlo: 0, Dhi: 0, Dout: 0, Dscore: 0, floodPublish: true, idontwantMinDataSize: 1e9 };
  }
  return { D: 3, Dlo: 2, Dhi: 4, Dout: 1, Dscore: 2, floodPublish: false };
}

/** The real hash: an id that a sender could choose would let him occupy somebody else's message. 32 bytes. */
function messageId(message: Message): Uint8Array {
  return createHash('sha256').update(message.data).digest();
}

export function gossipOptions(memberCount: number, topics: Topics): Partial<GossipsubOpts> {
  return {
    ...spreadOptions(memberCount),
    allowedTopics: [topics.batches, topics.finalized],
    globalSignaturePolicy: 'StrictNoSign',
    msgIdFn: messageId,
    msgIdToStrFn: (id) => Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1'),
    batchPublish: true,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    fallbackToFloodsub: false,
    doPX: false,
    heartbeatInterval: 300,
    // Offered for 0.9 s, so that what one IWANT asks for stays small; held for 3 s, so that a busy peer still gets it.
    mcacheGossip: 3,
    mcacheLength: 10,
    seenTTL: 60_000,
    maxInboundDataLength: gossipFrameBytesMax,
    decodeRpcLimits: {
      maxSubscriptions: 8,
      maxMessages: 100,
      maxIhaveMessageIDs: 5_000,
      maxIwantMessageIDs: gossipIdsAskedMax,
      maxIdontwantMessageIDs: 512,
      maxControlMessages: 100,
      maxPeerInfos: 0,
    },
    // All peers are members, so scores could only silence an honest one: ten on one address get no message at all
    // under the default weight, and a slow one is muted for promises it broke.
    scoreParams: { IPColocationFactorWeight: 0, behaviourPenaltyWeight: 0 },
  };
}

export function gossipService(memberCount: number, topics: Topics): ReturnType<typeof gossipsub> {
  return gossipsub(gossipOptions(memberCount, topics));
}

/** What is not in gossipsub's types: its reader, called once for each stream that a peer opens, and its options, read again and again. */
interface GossipInside {
  readonly opts: object;
  pipePeerReadStream: (peerId: PeerId, frames: AsyncIterable<GossipFrame>) => Promise<void>;
}

interface GossipFrame {
  readonly byteLength: number;
}

export class Gossip {
  readonly #pubsub: GossipSub;
  readonly #inside: GossipInside;
  readonly #ports: GossipPorts;
  readonly #validatedBytes = new Map<string, number>();
  #isStopped = false;

  constructor(pubsub: GossipSub, ports: GossipPorts) {
    this.#pubsub = pubsub;
    this.#ports = ports;
    this.#inside = pubsub as unknown as GossipInside;
    this.#meter(this.#inside);
  }

  /** Before the node starts. */
  guard(rule: TopicRule): void {
    this.#pubsub.topicValidators.set(
      rule.topic,
      async (source, message) => results[await this.#verdictOn(rule, source, message.data)],
    );
  }

  /** gossipsub reads these at every heartbeat and message; all members change them at the same block. */
  spreadTo(memberCount: number): void {
    Object.assign(this.#inside.opts, spreadOptions(memberCount));
  }

  /** Nothing is handed to a node that is going down. */
  stop(): void {
    this.#isStopped = true;
  }

  publish(topic: string, bytes: Uint8Array): void {
    this.#pubsub.publish(topic, bytes).catch((error: unknown) => {
      this.#ports.log.warn({ topic, reason: reasonOf(error) }, 'a message was not published');
    });
  }

  /** gossipsub reads all that comes, and a frame of two bytes costs it as much as a small message: so frames are counted before it sees them. */
  #meter(reader: GossipInside): void {
    const read = reader.pipePeerReadStream.bind(reader);
    reader.pipePeerReadStream = (peerId, frames) => read(peerId, this.#counted(peerId, frames));
  }

  async *#counted(peerId: PeerId, frames: AsyncIterable<GossipFrame>): AsyncIterable<GossipFrame> {
    const frameCount = new Allowance(gossipFrameLimits, performance.now());
    const bytes = new Allowance(gossipByteLimits, performance.now());
    for await (const frame of frames) {
      const now = performance.now();
      if (frameCount.take(1, now) > 0 || bytes.take(frame.byteLength, now) > 0) {
        const link = this.#ports.linkOf(peerId);
        if (link !== null) this.#ports.onViolation(link.member.name, 'gossipFlood');
        return;
      }
      yield frame;
    }
  }

  async #verdictOn(rule: TopicRule, source: PeerId, bytes: Uint8Array): Promise<GossipVerdict> {
    const link = this.#ports.linkOf(source);
    link?.heard();
    const from = link?.member.name ?? null;
    if (bytes.length === 0 || bytes.length > rule.bytesMax) {
      if (from !== null) this.#ports.onViolation(from, 'gossipTooLarge');
      return 'reject';
    }
    const key = source.toString();
    const underWayBytes = this.#validatedBytes.get(key) ?? 0;
    if (this.#isStopped || underWayBytes + bytes.length > validationBytesMax) return 'ignore';
    this.#validatedBytes.set(key, underWayBytes + bytes.length);
    try {
      return await rule.judge(bytes, from);
    } catch (error) {
      escalateIfBroken(error);
      this.#ports.log.error({ topic: rule.topic, reason: reasonOf(error) }, 'a message could not be judged');
      return 'ignore';
    } finally {
      const rest = (this.#validatedBytes.get(key) ?? 0) - bytes.length;
      if (rest === 0) this.#validatedBytes.delete(key);
      else this.#validatedBytes.set(key, rest);
    }
  }
}
