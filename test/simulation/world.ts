/** What the simulated world is made of: machines with disks, instances of the replica on them, a network, a clock. */
import { genesisStart } from '../../consensus/epoch.ts';
import type { ConsensusEvent, TimeoutKind } from '../../consensus/event.ts';
import type { SafetyRecord } from '../../consensus/record.ts';
import type { recover } from '../../consensus/recovery.ts';
import type { step, ReplicaConfig, ReplicaState } from '../../consensus/replica.ts';
import type { Block } from '../../protocol/block.ts';
import type { Digest, Height, MemberName, Timestamp, VoterIndex } from '../../protocol/brand.ts';
import type { Certificate, quorumSize } from '../../protocol/certificate.ts';
import type { VoterSet } from '../../protocol/member.ts';
import type { ConsensusMessage } from '../../protocol/message.ts';
import type { Mischief } from './byzantine.ts';
import type { Checks } from './checks.ts';
import { chainId, hexOf } from './model.ts';
import type { Plan } from './plan.ts';
import type { Queue } from './queue.ts';
import type { Random } from './random.ts';

/** The code under test: the real one, or a copy with one guard removed. */
export interface Core {
  readonly step: typeof step;
  readonly recover: typeof recover;
  readonly quorumSize: typeof quorumSize;
}

/** What a careless host would not do. */
export interface HostFlaws {
  readonly areVotesLogged: boolean;
  readonly areCertificatesLogged: boolean;
  /** W6: whether a log that is gone is told from one that was never begun. */
  readonly isLossNoticed: boolean;
}

export interface LedgerEntry {
  readonly block: Block;
  /** CC of the block; null for an ancestor that became final with its descendant. */
  readonly certificate: Certificate | null;
}

/** Survives a crash. */
export interface Disk {
  records: SafetyRecord[];
  readonly ledger: LedgerEntry[];
  /** State root after the last block of the ledger. */
  root: Digest;
  readonly batches: Set<Digest>;
  /** Batches held that are not in the ledger. */
  readonly open: Set<Digest>;
  readonly included: Set<Digest>;
  /** Batches that were on it before it was lost: whoever vouched for them held them. */
  readonly forgotten: ReadonlySet<Digest>;
}

export function emptyDisk(forgotten: ReadonlySet<Digest> = new Set()): Disk {
  return {
    records: [],
    ledger: [],
    root: hexOf(0),
    batches: new Set(),
    open: new Set(),
    included: new Set(),
    forgotten,
  };
}

/** Lost in a crash. */
export interface Instance {
  readonly machine: Machine;
  readonly ordinal: number;
  readonly disk: Disk;
  state: ReplicaState;
  isAlive: boolean;
  isBusy: boolean;
  readonly inbox: ConsensusEvent[];
  readonly timers: Map<TimeoutKind, number>;
  /** State root after a block that was executed, by block digest. */
  readonly executed: Map<Digest, Digest>;
  /** Final blocks that are not in the ledger yet, because a batch is missing. */
  readonly commitQueue: LedgerEntry[];
  isApplying: boolean;
  workKey: string;
}

export interface Machine {
  readonly index: VoterIndex;
  readonly name: MemberName;
  readonly isHonest: boolean;
  readonly clockSkewMs: number;
  instances: readonly Instance[];
}

/** Consensus frames, and the few requests of the bulk channel that the core relies on. */
export type Wire =
  | ConsensusMessage
  | { readonly kind: 'ancestorsWanted'; readonly digest: Digest; readonly aboveHeight: Height }
  | { readonly kind: 'blocksWanted'; readonly height: number }
  | { readonly kind: 'blocks'; readonly blocks: readonly Block[]; readonly certificate: Certificate | null }
  | { readonly kind: 'batchesWanted'; readonly digests: readonly Digest[] }
  | { readonly kind: 'batches'; readonly digests: readonly Digest[] };

export interface Arrival {
  readonly to: Instance;
  readonly from: Machine;
  readonly wire: Wire;
}

export interface World {
  readonly core: Core;
  readonly flaws: HostFlaws;
  readonly plan: Plan;
  readonly random: Random;
  readonly queue: Queue;
  readonly checks: Checks;
  readonly voters: VoterSet;
  readonly machines: readonly Machine[];
  readonly verified: WeakSet<Certificate>;
  /** Gives an event to an instance and carries out what it orders. */
  readonly handle: (instance: Instance, event: ConsensusEvent) => void;
  /** What dishonest machines do besides running the replica. */
  readonly mischief: Mischief;
  /** What a machine does with what arrives. */
  readonly receive: (arrival: Arrival) => void;
  nowMs: number;
  isHealed: boolean;
  isIdle: boolean;
  /** By sender and receiver: a cut may be one-way. */
  isCut: (from: VoterIndex, to: VoterIndex) => boolean;
  batchCount: number;
  crashCount: number;
  memoryLossCount: number;
  honestProposalCount: number;
}

export function configOf(world: World, machine: Machine): ReplicaConfig {
  const { deltaMs, heartbeatMs } = world.plan;
  const own = { own: machine.index, ownName: machine.name };
  const start = genesisStart(chainId, 0 as Timestamp);
  return { chainId, voters: world.voters, start, ...own, deltaMs, heartbeatMs, seed: 0 };
}

export function later(world: World, afterMs: number, run: () => void): void {
  world.queue.push(world.nowMs + afterMs, run);
}

/** For what an instance does later: nothing, if it crashed meanwhile. */
export function ifAlive(instance: Instance, run: () => void): () => void {
  return () => {
    if (instance.isAlive) run();
  };
}
