/** What comes in from other members, each kind to its place; bad input costs its sender, never us. */
import type { ConsensusEvent } from '../consensus/event.ts';
import { headerDigest, namesItsBatches, type Block } from '../protocol/block.ts';
import type { Height, MemberName, Verified } from '../protocol/brand.ts';
import type { Certificate } from '../protocol/certificate.ts';
import { unreachable } from '../protocol/invariant.ts';
import type { VoterSet } from '../protocol/member.ts';
import type { Proposal } from '../protocol/proposal.ts';
import type { RefusalCode } from '../protocol/refusal.ts';
import { accepted, refused, type Result } from '../protocol/result.ts';
import { decodeAnswer, type SyncAnswer } from '../protocol/sync.ts';
import { answerRequest, type AnswerPorts } from './answers.ts';
import type { Fetcher } from './fetcher.ts';
import type { Gate, VerifiedBatch, VerifiedMessage } from './gate.ts';
import type { GossipVerdict, NetworkHandlers } from './network/ports.ts';
import type { PeerBook } from './peerBook.ts';
import type { Pool } from './pool.ts';
import type { Log } from './ports.ts';

export interface IntakePorts {
  readonly gate: Gate;
  readonly pool: Pool;
  readonly fetcher: Fetcher;
  readonly peers: PeerBook;
  /** Of the epoch in force, which changes. */
  readonly voters: () => VoterSet;
  readonly log: Log;
  readonly answers: Omit<AnswerPorts, 'onLaneTip'>;
  readonly finalHeight: () => Height;
  /** A verified frame; the engine may still be listening for its own key (W8). */
  readonly onMessage: (from: MemberName, message: VerifiedMessage) => void;
  /** A frame of the next epoch, as it came. */
  readonly onEarly: (from: MemberName, frame: Uint8Array) => void;
  /** A verified batch that is new in the pool. */
  readonly onBatch: (batch: VerifiedBatch) => void;
  /** A final block, and the extension that made it so if there is one. */
  readonly onCertified: (blocks: readonly Block[], certificate: Verified<Certificate>) => void;
  readonly onConnected: (name: MemberName) => void;
  readonly drop: (name: MemberName, reason: string) => void;
}

/** A peer that sends these wrote bytes that no honest node writes. */
const dishonest: ReadonlySet<RefusalCode> = new Set([
  'malformed',
  'tooLarge',
  'badSignature',
  'certificateInvalid',
  'notAVoter',
  'wrongChain',
  'headerInvalid',
]);

export function intakeHandlers(ports: IntakePorts): NetworkHandlers {
  return {
    onConsensusFrame: (from, frame) => onFrame(ports, from, frame),
    onBatch: async (bytes, from) => onBatch(ports, bytes, from),
    onFinalized: async (bytes, from) => onFinalized(ports, bytes, from),
    onRequest: async (from, bytes) => {
      ports.peers.heard(from);
      const onLaneTip = (member: MemberName, sequence: number): void => {
        // Also for a hole below what we hold: whoever asked for it when it opened may have got no answer.
        const isLacking = ports.pool.gap(member) !== null || sequence > ports.pool.highest(member);
        if (isLacking) askLane(ports, from, member);
      };
      return answerRequest({ ...ports.answers, onLaneTip }, from, bytes);
    },
    onPeerChanged: (name, isConnected) => {
      ports.log.info({ peer: name, isConnected }, 'peer changed');
      if (isConnected) ports.onConnected(name);
    },
  };
}

/** What the replica hears of it; null for what it has no use for. */
export function eventOf(from: MemberName, message: VerifiedMessage): ConsensusEvent | null {
  switch (message.kind) {
    case 'known':
    case 'early':
      return null;
    case 'vote':
      return { kind: 'voteReceived', vote: message.vote };
    case 'proposal':
      return { kind: 'proposalReceived', proposal: message.proposal };
    case 'certificate':
      return { kind: 'certificateReceived', certificate: message.certificate };
    case 'status':
      return { kind: 'statusReceived', from, status: message.status };
    case 'certificatesWanted':
      return { ...message, from };
    default:
      return unreachable(message);
  }
}

function onFrame(ports: IntakePorts, from: MemberName, frame: Uint8Array): void {
  const message = ports.gate.frame(frame);
  if (!message.ok) {
    const { code } = message.refusal;
    ports.log.warn({ peer: from, code }, 'consensus frame refused');
    if (dishonest.has(code)) ports.drop(from, code);
    return;
  }
  if (message.value.kind === 'proposal' && !isFromLeader(ports.voters(), from, message.value.proposal)) {
    ports.log.warn({ peer: from }, 'a proposal of somebody else refused');
    ports.drop(from, 'notPermitted');
    return;
  }
  ports.peers.heard(from);
  if (message.value.kind === 'early') ports.onEarly(from, frame);
  else ports.onMessage(from, message.value);
}

/** A leader signs its block, not what justifies it: a copy with less of that, if it came first, would cost the leader its view. */
function isFromLeader(voters: VoterSet, from: MemberName, { block }: Proposal): boolean {
  return voters.voters[block.header.proposer]?.name === from;
}

async function onBatch(
  ports: IntakePorts,
  bytes: Uint8Array,
  from: MemberName | null,
): Promise<GossipVerdict> {
  const verified = await ports.gate.batch(bytes);
  if (!verified.ok) {
    if (verified.refusal.code === 'busy') return 'ignore';
    const { code } = verified.refusal;
    ports.log.warn({ peer: from, code }, 'batch refused');
    if (code === 'badSignature' && from !== null && isAhead(ports, from)) return 'ignore';
    // Honest members verify a batch before they forward it, so whoever hands us a bad one made it or helps who did.
    if (from !== null && (dishonest.has(code) || code === 'batchInvalid')) ports.drop(from, code);
    return 'reject';
  }
  const { batch } = verified.value;
  const verdict = ports.pool.add(verified.value, { isOrdered: false });
  switch (verdict) {
    case 'added':
      ports.onBatch(verified.value);
      if (ports.pool.gap(batch.member) !== null) askLane(ports, from ?? batch.member, batch.member);
      return 'accept';
    case 'known':
      return 'accept';
    case 'final':
      return 'ignore';
    case 'overQuota':
      ports.log.warn({ member: batch.member }, 'lane over its quota: batch not kept');
      return 'ignore';
    default:
      return unreachable(verdict);
  }
}

/** Who is ahead of us may know of a newer key of the author, and verify under it what we cannot. */
function isAhead({ peers, finalHeight }: IntakePorts, from: MemberName): boolean {
  return (peers.entry(from)?.status.finalHeight ?? 0) > finalHeight();
}

function askLane(ports: IntakePorts, peer: MemberName, member: MemberName): void {
  const above = ports.pool.gap(member) ?? ports.pool.highest(member);
  // One answer holds a bounded part of the lane; the next tip or gap asks for the rest.
  void ports.fetcher.lane(peer, member, above);
}

/** The newest block with its CC, for those who do not vote. Honest members verify it before they forward it. */
async function onFinalized(
  ports: IntakePorts,
  bytes: Uint8Array,
  from: MemberName | null,
): Promise<GossipVerdict> {
  const checked = finalizedOf(ports, bytes);
  if (checked.ok) {
    if (checked.value === null) return 'ignore';
    ports.onCertified(checked.value.blocks, checked.value.certificate);
    return 'accept';
  }
  const { code } = checked.refusal;
  ports.log.warn({ peer: from, code }, 'finalized block refused');
  if (from !== null && dishonest.has(code)) ports.drop(from, code);
  return 'reject';
}

interface Finalized {
  readonly blocks: readonly Block[];
  readonly certificate: Verified<Certificate>;
}

/** Null: not above our own, or of another epoch. Refusals: `malformed`, `tooLarge`, `headerInvalid`, those of `verifyCertificate`. */
function finalizedOf(ports: IntakePorts, bytes: Uint8Array): Result<Finalized | null> {
  const answer = decodeAnswer(bytes);
  if (!answer.ok) return answer;
  const certified = certifiedBlocks(answer.value);
  if (certified === null) return refused('malformed');
  const { blocks, certificate } = certified;
  if (!blocks.every(namesItsBatches)) return refused('headerInvalid', 'batchesRoot');
  const digest = headerDigest((blocks[1] ?? blocks[0]).header);
  if (certificate.kind !== 'commit' || certificate.digest !== digest) return refused('certificateInvalid');
  if (blocks[0].header.height <= ports.finalHeight()) return accepted(null);
  const verified = ports.gate.certificate(certificate);
  if (verified.ok) return accepted({ blocks, certificate: verified.value });
  // We are in another epoch: STATUS tells us that we are behind, and its blocks by height tell us the voters.
  return verified.refusal.code === 'wrongEpoch' ? accepted(null) : verified;
}

/** One block with its CC, or a closing block and the extension whose CC made it final. */
function certifiedBlocks(
  answer: SyncAnswer,
): { readonly blocks: readonly [Block, ...Block[]]; readonly certificate: Certificate } | null {
  if (answer.kind !== 'blocks' || answer.blocks.length > 2) return null;
  const [first, second] = answer.blocks;
  const certificate = (second ?? first)?.certificate ?? null;
  if (first === undefined || certificate === null) return null;
  if (second === undefined) return { blocks: [first.block], certificate };
  if (second.block.header.extensionOf !== headerDigest(first.block.header)) return null;
  return { blocks: [first.block, second.block], certificate };
}
