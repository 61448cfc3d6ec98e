/** What the simulated world is made of: machines with disks, instances of the replica on them, a network, a clock. */
import { digestOf } from '../../consensus/chain.ts';
import { configOf as epochConfig, genesisStart } from '../../consensus/epoch.ts';
import type { ConsensusEvent, TimeoutKind } from '../../consensus/event.ts';
import type { SafetyRecord } from '../../consensus/record.ts';
import type { recover } from '../../consensus/recovery.ts';
import type { step, ReplicaConfig, ReplicaState } from '../../consensus/replica.ts';
import type { Block } from '../../protocol/block.ts';
import type { Digest, Epoch, Height, MemberName, Timestamp } from '../../protocol/brand.ts';
import type { Certificate, quorumSize } from '../../protocol/certificate.ts';
import type { VoterSet } from '../../protocol/member.ts';
import type { ConsensusMessage } from '../../protocol/message.ts';
import type { Mischief } from './byzantine.ts';
import { genesisState, type EpochChecks, type LedgerState } from './epochs.ts';
import { chainId, voterOf } from './model.ts';
import type { Plan } from './plan.ts';
import type { Queue } from './queue.ts';
import type { Random } from '../../devnet/generator/random.ts';

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

/** A final block as a disk holds it: a closing block may be final by an extension, whose CC it then has. */
export interface FinalEntry extends LedgerEntry {
  readonly extension: Block | null;
}

/** Survives a crash. */
export interface Disk {
  records: SafetyRecord[];
  readonly ledger: FinalEntry[];
  /** After the last block of the ledger. */
  state: LedgerState;
  readonly batches: Set<Digest>;
  /** Batches held that are not in the ledger. */
  readonly open: Set<Digest>;
  readonly included: Set<Digest>;
  /** Batches that were on it before it was lost: whoever vouched for them held them. */
  readonly forgotten: ReadonlySet<Digest>;
}

export function emptyDisk(genesisVoters: VoterSet, forgotten: ReadonlySet<Digest> = new Set()): Disk {
  return {
    records: [],
    ledger: [],
    state: genesisState(genesisVoters),
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
  /** State after a block that was executed, by block digest. */
  readonly executed: Map<Digest, LedgerState>;
  /** Final blocks that are not in the ledger yet, because a batch is missing. */
  readonly commitQueue: FinalEntry[];
  /** Of the next epoch, to be received once it has begun. */
  readonly early: Arrival[];
  isApplying: boolean;
  workKey: string;
}

export interface Machine {
  /** Its number in the world; its place among the voters is another in each epoch. */
  readonly index: number;
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
  readonly checks: EpochChecks;
  readonly genesisVoters: VoterSet;
  readonly decisions: Map<Digest, readonly number[]>;
  readonly machines: readonly Machine[];
  readonly verified: WeakSet<Certificate>;
  /** Gives an event to an instance and carries out what it orders. */
  readonly handle: (instance: Instance, event: ConsensusEvent) => void;
  /** The closing block was written. */
  readonly closeEpoch: (instance: Instance) => void;
  /** What dishonest machines do besides running the replica. */
  readonly mischief: Mischief;
  /** What a machine does with what arrives. */
  readonly receive: (arrival: Arrival) => void;
  nowMs: number;
  isHealed: boolean;
  isIdle: boolean;
  /** By sender and receiver: a cut may be one-way. */
  isCut: (from: number, to: number) => boolean;
  batchCount: number;
  crashCount: number;
  memoryLossCount: number;
  honestProposalCount: number;
}

/** V5: the epoch that the ledger of this disk stands in, and the block it started on. */
export function configOf(world: World, machine: Machine, disk: Disk): ReplicaConfig {
  const { deltaMs, heartbeatMs } = world.plan;
  const ownKey = voterOf(machine.index).consensusKey;
  const identity = { chainId, ownName: machine.name, ownKey, deltaMs, heartbeatMs };
  const closing = disk.ledger.findLast(({ block }) => block.header.nextVoterSet !== null);
  if (closing === undefined)
    return epochConfig(identity, disk.state.voters, genesisStart(chainId, 0 as Timestamp));
  const { height, timeMs } = closing.block.header;
  const start = { digest: digestOf(closing.block), height, timeMs, certificate: closing.certificate };
  return epochConfig(identity, disk.state.voters, start);
}

export function epochOf({ state }: Instance): Epoch {
  return state.config.voters.epoch;
}

export function later(world: World, afterMs: number, run: () => void): void {
  world.queue.push(world.nowMs + afterMs, run);
}

/** For what an instance does later: nothing, if it crashed meanwhile, or another epoch began. */
export function ifCurrent(instance: Instance, run: () => void): () => void {
  const epoch = epochOf(instance);
  return () => {
    if (instance.isAlive && epochOf(instance) === epoch) run();
  };
}
