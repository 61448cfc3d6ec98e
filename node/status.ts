/** What the node says of itself: where it stands, whom it misses, and in one sentence what is wrong, when something is. */
import { faultyMax, quorumSize } from '../protocol/certificate.ts';
import type { MemberName, Timestamp } from '../protocol/brand.ts';
import type { Member } from '../protocol/member.ts';
import type { Clock } from './clock.ts';
import { failureSentence } from './damage.ts';
import type { DiskGuard } from './diskGuard.ts';
import type { Engine } from './engine.ts';
import type { ReadinessFacts } from './metrics.ts';
import type { ConsensusStatus, NodeStatus, PeerStatus } from './rpc/ports.ts';
import type { LedgerStore } from './storage/ledger.ts';

export interface StatusParts {
  readonly engine: Engine;
  readonly ledger: LedgerStore;
  /** As the ledger has it now; as the genesis or our keys have it until then. */
  readonly own: Member;
  /** Whom the network lets in. */
  readonly others: () => readonly MemberName[];
  readonly clock: Clock;
  readonly disk: Pick<DiskGuard, 'room' | 'freeBytes'>;
}

/** Waiting for so long with something to order is worth a sentence. */
const stalledSecondsMin = 3;
const syncingBlocksMin = 5;
const clockOffsetMsMax = 1_000;

export function nodeStatus(parts: StatusParts): NodeStatus {
  const { engine, ledger, own } = parts;
  const description = engine.describe();
  return {
    name: own.name,
    roles: own.roles,
    isVoter: isVoter(parts),
    height: ledger.head().height,
    view: description.view,
    leader: description.leaderName,
    peerCount: engine.connected().length,
    missing: missingVoters(parts),
    mempoolCount: engine.mempoolSize.count,
    sentence: sentence(parts),
  };
}

export function peerStatuses({ engine, others }: StatusParts): readonly PeerStatus[] {
  const connected = engine.connected();
  return others().map((name) => ({
    name,
    isConnected: connected.includes(name),
    lastHeardAt: engine.peerBook.lastHeardAt(name),
    height: engine.peerBook.entry(name)?.status.finalHeight ?? null,
  }));
}

export function consensusStatus(parts: StatusParts): ConsensusStatus {
  const { engine, ledger, clock } = parts;
  const description = engine.describe();
  const missing = missingVoters(parts);
  const { voters } = engine.voters;
  return {
    epoch: description.epoch,
    view: description.view,
    viewSince: Math.floor(clock.wallMs() - 1_000 * description.ticksInView) as Timestamp,
    leader: description.leaderName,
    finalView: description.finalView,
    finalHeight: ledger.head().height,
    quorum: quorumSize(voters.length),
    voters: voters.map(({ name }) => ({
      name,
      isMissing: missing.includes(name),
      lastHeardAt: name === parts.own.name ? nowOf(clock) : engine.peerBook.lastHeardAt(name),
    })),
  };
}

export function readinessFacts(parts: StatusParts, isStopping: boolean): ReadinessFacts {
  const { engine, ledger } = parts;
  const { voters } = engine.voters;
  return {
    isStopping,
    isStorageFailed: engine.isFailed,
    isDiskLow: parts.disk.room !== 'ample',
    isSyncing: behindBlocks(parts, ledger.head().height) > syncingBlocksMin || !engine.isStarted,
    votersHeard: voters.length - missingVoters(parts).length,
    quorum: quorumSize(voters.length),
    clockOffsetMs: engine.peerBook.medianOffsetMs(),
  };
}

/** Whether this node casts votes now: a voter that is heard by nobody does so all the same. */
export function isVoting(parts: StatusParts): boolean {
  const { engine } = parts;
  const { memory, view } = engine.describe();
  const isSure = memory.kind === 'whole' || (memory.kind === 'regained' && view > memory.above);
  return isVoter(parts) && engine.isStarted && !engine.isFailed && isSure;
}

/** Voters that are not connected or were not heard for a while. */
function missingVoters({ engine, own }: StatusParts): readonly MemberName[] {
  const connected = engine.connected();
  const silent = engine.describe().missing.map(({ name }) => name);
  return engine.voters.voters
    .map(({ name }) => name)
    .filter((name) => name !== own.name && (!connected.includes(name) || silent.includes(name)));
}

/** What f+1 of the other voters say at least: of so many one is honest, and a lie of the others changes nothing. */
function behindBlocks({ engine, own }: StatusParts, height: number): number {
  const { voters } = engine.voters;
  const heights = voters
    .filter(({ name }) => name !== own.name)
    .map(({ name }) => engine.peerBook.entry(name)?.status.finalHeight ?? 0)
    .toSorted((a, b) => b - a);
  return Math.max(0, (heights[faultyMax(voters.length)] ?? 0) - height);
}

function nowOf(clock: Clock): Timestamp {
  return Math.floor(clock.wallMs()) as Timestamp;
}

/** "Stalled 42 s at view 1803: waiting for 1 of {clinic, insurer}; insurer last heard 51 s ago". */
function sentence(parts: StatusParts): string | null {
  const { engine, ledger, clock } = parts;
  if (engine.failure !== null) return failureSentence(engine.failure.cause);
  if (!engine.isStarted) return 'Listening for our own key before voting again.';
  if (parts.disk.room === 'low')
    return `The disk has ${parts.disk.freeBytes} bytes left: no new transactions until there is room.`;
  const forgotten = memorySentence(engine, isVoter(parts));
  if (forgotten !== null) return forgotten;
  const behind = behindBlocks(parts, ledger.head().height);
  if (behind > syncingBlocksMin) return `Catching up: ${behind} blocks behind.`;
  if (parts.own.status === 'proposed')
    return 'No member yet, as far as this node knows: the others let it in when its join is final.';
  const offsetMs = engine.peerBook.medianOffsetMs();
  if (Math.abs(offsetMs) > clockOffsetMsMax)
    return `Our clock is ${Math.abs(offsetMs)} ms away from the others'.`;
  const description = engine.describe();
  const missing = missingVoters(parts);
  const { voters } = engine.voters;
  const wanted = quorumSize(voters.length) - (voters.length - missing.length);
  if (wanted > 0) {
    const stalled = `Stalled ${description.ticksInView} s at view ${description.view}`;
    const heard = missing.map((name) => lastHeard(engine.peerBook.lastHeardAt(name), name, clock)).join(', ');
    return `${stalled}: waiting for ${wanted} of {${missing.join(', ')}}; ${heard}.`;
  }
  if (description.isExpectant && description.ticksInView >= stalledSecondsMin) {
    const { ticksInView, view, leaderName } = description;
    return `Stalled ${ticksInView} s at view ${view}: ${leaderName} leads and a quorum is connected.`;
  }
  return null;
}

function isVoter({ engine, own }: StatusParts): boolean {
  return engine.voters.voters.some((voter) => voter.name === own.name);
}

/** W6: why a voter does not vote, and what it waits for. */
function memorySentence(engine: Engine, isVoter: boolean): string | null {
  const { memory, view } = engine.describe();
  if (!isVoter || memory.kind === 'whole') return null;
  if (memory.kind === 'regained') {
    if (view > memory.above) return null;
    return `Lost its safety log: votes again above view ${memory.above}, now at view ${view}.`;
  }
  const { reportedBy } = memory;
  const wanted = quorumSize(engine.voters.voters.length);
  const heard = reportedBy.length === 0 ? 'none yet' : reportedBy.join(', ');
  return `Lost its safety log and only observes until ${wanted} other voters report their view: ${heard}.`;
}

function lastHeard(heardAt: Timestamp | null, name: MemberName, clock: Clock): string {
  if (heardAt === null) return `${name} never heard since the start`;
  return `${name} last heard ${Math.max(0, Math.round((clock.wallMs() - heardAt) / 1_000))} s ago`;
}
