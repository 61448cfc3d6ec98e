/** Instances of the real core in lockstep: messages go hop by hop, and only within the sets of the current partition. */
import type { Effect } from '../../../consensus/effect.ts';
import { genesisStart } from '../../../consensus/epoch.ts';
import type { ConsensusEvent, Timeout } from '../../../consensus/event.ts';
import type { SafetyRecord } from '../../../consensus/record.ts';
import type { ReplicaConfig, ReplicaState } from '../../../consensus/replica.ts';
import type { Block } from '../../../protocol/block.ts';
import type { Digest, Height, MemberName, Timestamp, VoterIndex } from '../../../protocol/brand.ts';
import type { Certificate } from '../../../protocol/certificate.ts';
import type { ConsensusMessage } from '../../../protocol/message.ts';
import { check, checkBounds, startChecks, viewOfRecord, type Checks } from '../checks.ts';
import {
  asVerified,
  chainId,
  draftBlock,
  hexOf,
  isCertificateValid,
  signProposal,
  signVote,
  votersOf,
} from '../model.ts';
import type { Core, LedgerEntry } from '../world.ts';
import type { Scenario } from './scenario.ts';

type BlockRequest = Extract<Effect, { readonly kind: 'requestBlock' }>;

export interface Instance {
  /** Its place in the partitions. */
  readonly place: number;
  readonly voter: VoterIndex;
  readonly isHonest: boolean;
  readonly config: ReplicaConfig;
  state: ReplicaState;
  readonly inbox: ConsensusEvent[];
  isBusy: boolean;
  /** Timers that the core has running. */
  readonly timers: Map<Timeout['kind'], Timeout>;
  /** To be answered when the next round begins, so that a round holds about one view. */
  request: BlockRequest | null;
  /** Its disk. */
  records: SafetyRecord[];
  readonly ledger: LedgerEntry[];
}

/** Consensus frames and what the bulk channel answers. */
type Wire =
  | ConsensusMessage
  | { readonly kind: 'ancestorsWanted'; readonly digest: Digest; readonly aboveHeight: Height }
  | { readonly kind: 'blocksWanted'; readonly height: number }
  | { readonly kind: 'blocks'; readonly blocks: readonly Block[]; readonly certificate: Certificate | null };

interface Letter {
  readonly from: Instance;
  readonly to: Instance;
  readonly wire: Wire;
}

export interface Cluster {
  readonly core: Core;
  readonly checks: Checks;
  readonly voterCount: number;
  readonly instances: readonly Instance[];
  partition: readonly number[];
  /** On their way: they arrive with the next hop. */
  letters: Letter[];
  readonly verified: WeakSet<Certificate>;
  eventCount: number;
  honestProposalCount: number;
}

const voterSets = new Map([4, 7].map((count) => [count, votersOf(count)]));
const blocksInAnswerMax = 20;
/** Some thousand are usual. */
const eventCountMax = 100_000;

export function createCluster(core: Core, scenario: Scenario): Cluster {
  const { voterCount, twinCount } = scenario;
  const voters = voterSets.get(voterCount) ?? votersOf(voterCount);
  const instances = Array.from({ length: voterCount + twinCount }, (_unused, place): Instance => {
    const voter = (place % voterCount) as VoterIndex;
    const own = { own: voter, ownName: `voter-${voter}` as MemberName };
    const pace = { deltaMs: 100, heartbeatMs: 0, seed: 0 };
    // Views start at 1; the core under test reads its leaders here.
    const leaders = [0, ...scenario.leaders];
    const config: ReplicaConfig & { readonly leaders: readonly number[] } = {
      chainId,
      voters,
      start: genesisStart(chainId, 0 as Timestamp),
      ...own,
      ...pace,
      leaders,
    };
    return {
      place,
      voter,
      isHonest: voter >= twinCount,
      config,
      state: core.recover(config, { block: null, certificate: null }, []),
      inbox: [],
      isBusy: false,
      timers: new Map(),
      request: null,
      records: [],
      ledger: [],
    };
  });
  return {
    core,
    checks: startChecks({
      genesis: chainId,
      voterCount,
      quorum: core.quorumSize(voterCount),
      holderCount: () => voterCount,
    }),
    voterCount,
    instances,
    partition: [],
    letters: [],
    verified: new WeakSet(),
    eventCount: 0,
    honestProposalCount: 0,
  };
}

/** All letters on their way arrive; what they bring about is on its way then. */
export function deliverHop(cluster: Cluster): void {
  const { letters } = cluster;
  cluster.letters = [];
  for (const { from, to, wire } of letters) receive(cluster, { from, to, wire });
}

export function restart(cluster: Cluster, instance: Instance): void {
  const last = instance.ledger.at(-1) ?? { block: null, certificate: null };
  instance.state = cluster.core.recover(instance.config, last, instance.records);
  instance.timers.clear();
  instance.request = null;
  handle(cluster, instance, { kind: 'started' });
  handle(cluster, instance, { kind: 'workChanged', hasWork: true });
}

/** Whoever was asked for a block proposes it, if it still may. No two instances build the same block. */
export function buildBlock(cluster: Cluster, instance: Instance): void {
  const { request, config, voter, place } = instance;
  if (request === null) return;
  instance.request = null;
  const { view, parent } = request;
  const parentTimeMs = cluster.checks.blockOf(parent.digest)?.header.timeMs ?? 0;
  const timeMs = parentTimeMs + 1 + place;
  const rest = { batchDigests: [], stateRoot: hexOf(0), voters: config.voters };
  const block = draftBlock({ view, proposer: voter, parent, timeMs, ...rest });
  handle(cluster, instance, { kind: 'blockBuilt', view, block });
}

/** Events are handled one after the other; what a step feeds back comes right after it. */
export function handle(cluster: Cluster, instance: Instance, event: ConsensusEvent): void {
  instance.inbox.push(event);
  if (instance.isBusy) return;
  instance.isBusy = true;
  for (let next = instance.inbox.shift(); next !== undefined; next = instance.inbox.shift()) {
    cluster.eventCount += 1;
    check(cluster.eventCount < eventCountMax, 'too many events');
    const { state, effects } = cluster.core.step(instance.state, next);
    instance.state = state;
    for (const effect of effects) carryOut(cluster, instance, effect);
  }
  instance.isBusy = false;
  if (instance.isHonest) checkBounds(instance.state);
}

function carryOut(cluster: Cluster, instance: Instance, effect: Effect): void {
  const { records, inbox } = instance;
  switch (effect.kind) {
    case 'castVote': {
      const vote = signVote(effect.ballot, instance.voter);
      records.push({ kind: 'vote', vote });
      broadcast(cluster, instance, { kind: 'vote', vote });
      inbox.push({ kind: 'voteReceived', vote });
      return;
    }
    case 'castProposal': {
      const proposal = signProposal(effect.block, effect.justification);
      records.push({ kind: 'proposal', proposal });
      if (instance.isHonest) cluster.honestProposalCount += 1;
      broadcast(cluster, instance, { kind: 'proposal', proposal });
      inbox.push({ kind: 'proposalReceived', proposal });
      return;
    }
    case 'recordCertificate':
      records.push({ kind: 'certificate', certificate: asVerified(effect.certificate) });
      return;
    case 'recordBlock':
      records.push({ kind: 'block', block: effect.block });
      return;
    case 'recordMemory':
      records.push(effect.record);
      return;
    case 'broadcast':
      return broadcast(cluster, instance, effect.message);
    case 'send':
      return send(cluster, instance, { to: votersNamed(cluster, effect.to), wire: effect.message });
    case 'requestBlock':
      instance.request = effect;
      return;
    case 'validateBlock': {
      const isRight = effect.block.header.stateRoot === hexOf(0);
      const digest = cluster.checks.digestOf(effect.block);
      inbox.push({ kind: 'blockValidated', digest, verdict: isRight ? 'valid' : 'invalid' });
      return;
    }
    case 'fetchBlocks': {
      const { digest, aboveHeight } = effect;
      const wire = { kind: 'ancestorsWanted', digest, aboveHeight } as const;
      return send(cluster, instance, { to: others(cluster, instance), wire });
    }
    case 'commitBlocks':
      return commit(cluster, instance, effect);
    case 'startTimer':
      instance.timers.set(effect.timeout.kind, effect.timeout);
      return;
    default:
      effect satisfies never;
  }
}

function commit(
  cluster: Cluster,
  instance: Instance,
  { blocks, certificate }: Extract<Effect, { readonly kind: 'commitBlocks' }>,
): void {
  const { ledger } = instance;
  for (const block of blocks) {
    const last = ledger.at(-1)?.block.header ?? { height: 0, timeMs: 0 };
    check(block.header.height === last.height + 1, 'heights of a ledger are not contiguous');
    check(block.header.timeMs > last.timeMs, 'block time does not rise');
    if (instance.isHonest) cluster.checks.onFinal(block);
    ledger.push({ block, certificate: block === blocks.at(-1) ? certificate : null });
  }
  // W9: prune only below the final view.
  instance.records = instance.records.filter((record) => viewOfRecord(record) > certificate.view);
}

function others(cluster: Cluster, instance: Instance): readonly Instance[] {
  return cluster.instances.filter(({ voter }) => voter !== instance.voter);
}

function votersNamed(cluster: Cluster, name: MemberName): readonly Instance[] {
  return cluster.instances.filter(({ config }) => config.ownName === name);
}

/** What leaves an instance counts as signed, whatever code path it took. */
function broadcast(cluster: Cluster, instance: Instance, message: ConsensusMessage): void {
  const { checks } = cluster;
  const { voter, isHonest } = instance;
  if (message.kind === 'vote' && message.vote.voter === voter) checks.onSigned(message.vote, isHonest);
  if (message.kind === 'proposal' && message.proposal.block.header.proposer === voter) {
    const { block } = message.proposal;
    checks.onBlock(block);
    const statement = { kind: 'propose', view: block.header.view, digest: checks.digestOf(block) } as const;
    checks.onSigned({ voter, ...statement }, isHonest);
  }
  send(cluster, instance, { to: others(cluster, instance), wire: message });
}

/** Twins share an address as they share a key: both get what they can hear. */
function send(
  cluster: Cluster,
  from: Instance,
  { to, wire }: { readonly to: readonly Instance[]; readonly wire: Wire },
): void {
  for (const receiver of to) {
    const isHeard = cluster.partition[from.place] === cluster.partition[receiver.place];
    if (isHeard) cluster.letters.push({ from, to: receiver, wire });
  }
}

function receive(cluster: Cluster, { from, to, wire }: Letter): void {
  const reply = (answer: Wire): void => send(cluster, to, { to: [from], wire: answer });
  switch (wire.kind) {
    case 'vote':
      return handle(cluster, to, { kind: 'voteReceived', vote: asVerified(wire.vote) });
    case 'proposal': {
      const { parent, skips } = wire.proposal.justification;
      for (const certificate of parent === null ? skips : [parent, ...skips]) verify(cluster, certificate);
      return handle(cluster, to, { kind: 'proposalReceived', proposal: asVerified(wire.proposal) });
    }
    case 'certificate':
      verify(cluster, wire.certificate);
      return handle(cluster, to, { kind: 'certificateReceived', certificate: asVerified(wire.certificate) });
    case 'status': {
      const height = to.ledger.length;
      if (wire.status.finalHeight > height + 1) reply({ kind: 'blocksWanted', height: height + 1 });
      return handle(cluster, to, { kind: 'statusReceived', from: from.config.ownName, status: wire.status });
    }
    case 'certificatesWanted':
      return handle(cluster, to, { ...wire, from: from.config.ownName });
    case 'ancestorsWanted': {
      const blocks = ancestors(cluster, to, wire);
      return blocks.length > 0 ? reply({ kind: 'blocks', blocks, certificate: null }) : undefined;
    }
    case 'blocksWanted': {
      const entries = to.ledger.slice(wire.height - 1);
      const certificate = entries.at(-1)?.certificate ?? null;
      return reply({ kind: 'blocks', blocks: entries.map(({ block }) => block), certificate });
    }
    case 'blocks':
      handle(cluster, to, { kind: 'blocksReceived', blocks: wire.blocks });
      if (wire.certificate === null) return;
      verify(cluster, wire.certificate);
      return handle(cluster, to, { kind: 'certificateReceived', certificate: asVerified(wire.certificate) });
    default:
      wire satisfies never;
  }
}

/** The block and its ancestors, newest first, as far as this instance holds them. */
function ancestors(
  { checks }: Cluster,
  { state, ledger }: Instance,
  { digest, aboveHeight }: { readonly digest: Digest; readonly aboveHeight: Height },
): readonly Block[] {
  const blocks: Block[] = [];
  const find = (wanted: Digest): Block | undefined =>
    state.blocks.get(wanted) ??
    ledger.find(({ block }) => checks.digestOf(block) === wanted)?.block ??
    [...state.proposals.values()].find((held) => held.digest === wanted)?.proposal.block;
  for (let block = find(digest); block !== undefined; block = find(block.header.parentDigest)) {
    if (block.header.height <= aboveHeight || blocks.length === blocksInAnswerMax) break;
    blocks.push(block);
  }
  return blocks;
}

function verify(cluster: Cluster, certificate: Certificate): void {
  if (cluster.verified.has(certificate)) return;
  const { voterCount, core } = cluster;
  const quorum = core.quorumSize(voterCount);
  check(isCertificateValid(certificate, { voterCount, quorum }), 'a certificate without q valid signatures');
  cluster.verified.add(certificate);
}
