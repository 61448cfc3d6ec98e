/**
 * All states that one honest voter can be in, run by the real core, and what leads from one to the next. The three honest voters are
 * alike, so one machine serves for them all; what they tell each other is only whether a certificate exists.
 */
import { digestOf } from '../../../consensus/chain.ts';
import type { Effect } from '../../../consensus/effect.ts';
import { genesisStart } from '../../../consensus/epoch.ts';
import type { ConsensusEvent } from '../../../consensus/event.ts';
import type { SafetyRecord } from '../../../consensus/record.ts';
import type { ReplicaConfig, ReplicaState } from '../../../consensus/replica.ts';
import type { Block } from '../../../protocol/block.ts';
import type { MemberName, Timestamp, View, VoterIndex } from '../../../protocol/brand.ts';
import type { Vote } from '../../../protocol/vote.ts';
import { check, viewOfRecord } from '../checks.ts';
import { asVerified, chainId, signVote } from '../model.ts';
import type { Core, LedgerEntry } from '../world.ts';
import { stimuliOf } from './stimuli.ts';
import { leader, voters, type Universe } from './universe.ts';

const own = 1 as VoterIndex;
const fetchedMax = 100;

/** A voter, and its disk. */
interface Voter {
  readonly state: ReplicaState;
  readonly records: readonly SafetyRecord[];
  readonly last: LedgerEntry | null;
  /** What it ever signed: a mask of statements. */
  readonly signed: number;
  /** W6: the highest view of the other honest voters when it lost its disk; null if it never did. */
  readonly lossView: number | null;
}

interface Move {
  /** The certificates that must exist: a mask. */
  readonly needed: number;
  readonly to: number;
  /** The voter loses its disk, while the others are in this view at most; null for all other moves. */
  readonly lossView: number | null;
  /** What the voter breaks on the way: it matters only if those certificates can exist together. */
  readonly violation: string | null;
}

export interface VoterStates {
  /** All states found so far. */
  readonly count: () => number;
  readonly signedIn: (id: number) => number;
  readonly viewIn: (id: number) => number;
  readonly hasLostDisk: (id: number) => boolean;
  readonly movesFrom: (id: number) => readonly Move[];
  readonly describe: (id: number) => string;
}

/** State 0 is the start. */
export function createVoterStates(core: Core, universe: Universe, isLosingDisks: boolean): VoterStates {
  const config: ReplicaConfig & { readonly leaders: readonly number[] } = {
    chainId,
    voters,
    start: genesisStart(chainId, 0 as Timestamp),
    own,
    ownName: 'voter-1' as MemberName,
    deltaMs: 100,
    heartbeatMs: 0,
    seed: 0,
    leaders: Array.from({ length: universe.viewCount + 3 }, () => leader),
  };
  const ids = new Map<string, number>();
  const found: Voter[] = [];
  const moves: (readonly Move[] | undefined)[] = [];
  const machine = { core, universe, config, recovered: new Map() };

  const idOf = (voter: Voter): number => {
    const rested = rest(machine, voter);
    const key = keyOf(machine, rested);
    const known = ids.get(key);
    if (known !== undefined) return known;
    ids.set(key, found.length);
    found.push(rested);
    return found.length - 1;
  };

  const explore = (id: number): readonly Move[] => {
    const voter = found[id];
    check(voter !== undefined, 'a state has a voter');
    const ways = [
      ...stimuliOf(universe, voter.state.view, (voter.lossView ?? 1) as View),
      { needed: 0, events: null },
    ].flatMap(({ needed, events }): Move[] => {
      try {
        const outcomes = events === null ? [restart(machine, voter)] : outcomesOf(machine, voter, events);
        return outcomes.map((outcome) => ({ needed, to: idOf(outcome), lossView: null, violation: null }));
      } catch (error) {
        const violation = error instanceof Error ? error.message : String(error);
        return [{ needed, to: -1, lossView: null, violation }];
      }
    });
    return [...weakest(ways.filter(({ to }) => to !== id)), ...lossesOf(voter)];
  };

  const lossesOf = (voter: Voter): readonly Move[] => {
    if (!isLosingDisks || voter.lossView !== null) return [];
    return Array.from({ length: universe.viewCount + 1 }, (_unused, index) => {
      const lossView = index + 1;
      return { needed: 0, to: idOf(withoutDisk(machine, voter, lossView)), lossView, violation: null };
    });
  };

  const disk = { records: [], last: null, signed: 0, lossView: null };
  idOf(begin(machine, { ...disk, state: recoverFrom(machine, null, []) }));
  return {
    count: () => found.length,
    signedIn: (id) => found[id]?.signed ?? 0,
    viewIn: (id) => found[id]?.state.view ?? 0,
    hasLostDisk: (id) => (found[id]?.lossView ?? null) !== null,
    movesFrom: (id) => (moves[id] ??= explore(id)),
    describe: (id) => describe(machine, found[id]),
  };
}

interface Machine {
  readonly core: Core;
  readonly universe: Universe;
  readonly config: ReplicaConfig;
  readonly recovered: Map<string, ReplicaState>;
}

/** Of several ways to the same state, those that need no more certificates than another. */
function weakest(moves: readonly Move[]): readonly Move[] {
  return moves.filter(
    (move, index) =>
      !moves.some((other, place) => {
        if (other.to !== move.to || other.violation !== move.violation || (other.needed & ~move.needed) !== 0)
          return false;
        return other.needed !== move.needed || place < index;
      }),
  );
}

/** The voter after the events; and what it would be had it crashed in between, with any part of what it had to write. */
function outcomesOf(machine: Machine, voter: Voter, events: readonly ConsensusEvent[]): readonly Voter[] {
  const outcomes: Voter[] = [];
  let current = voter;
  const queue = [...events];
  for (let event = queue.shift(); event !== undefined; event = queue.shift()) {
    const { state, effects } = machine.core.step(current.state, event);
    const written = effects.flatMap((effect) => recordsOf(effect));
    for (let count = 0; count <= written.length && written.length > 0; count += 1) {
      const records = [...current.records, ...written.slice(0, count)];
      outcomes.push(
        restart(machine, {
          ...current,
          records,
          signed: signedWith(machine, current.signed, written.slice(0, count)),
        }),
      );
    }
    current = {
      ...current,
      state,
      records: [...current.records, ...written],
      signed: signedWith(machine, current.signed, written),
    };
    for (const effect of effects) {
      current = carriedOut(machine, current, effect);
      queue.unshift(...answersTo(machine, effect));
    }
  }
  return [current, ...outcomes];
}

/** W6: what is left is the key. */
function withoutDisk(machine: Machine, { signed }: Voter, lossView: number): Voter {
  const lost = { kind: 'memory', memory: 'lost', epoch: voters.epoch, view: 0 as View } as const;
  const state = recoverFrom(machine, null, [lost]);
  return begin(machine, { state, records: [lost], last: null, signed, lossView });
}

function recordsOf(effect: Effect): readonly SafetyRecord[] {
  if (effect.kind === 'recordMemory') return [effect.record];
  if (effect.kind === 'castVote') return [{ kind: 'vote', vote: signVote(effect.ballot, own) }];
  if (effect.kind === 'recordCertificate')
    return [{ kind: 'certificate', certificate: asVerified(effect.certificate) }];
  return effect.kind === 'recordBlock' ? [{ kind: 'block', block: effect.block }] : [];
}

function signedWith(machine: Machine, signed: number, records: readonly SafetyRecord[]): number {
  return records.reduce(
    (mask, record) => (record.kind === 'vote' ? withStatement(machine, mask, record.vote) : mask),
    signed,
  );
}

const rank = { prepare: 1, commit: 2, skip: 2 };

/** R7, as it shows outside: a statement that is not above all before it was never to be signed, unless it is the same again. */
function withStatement({ universe }: Machine, signed: number, vote: Vote): number {
  const { kind, view, digest } = vote;
  const bit = 1 << universe.bitOf(kind, view, digest);
  if ((signed & bit) !== 0) return signed;
  for (const [place, before] of universe.statements.entries()) {
    if ((signed & (1 << place)) === 0) continue;
    const isAbove = view > before.view || (view === before.view && rank[kind] > rank[before.kind]);
    check(isAbove, `a voter signs ${kind} in view ${view} after ${before.kind} in view ${before.view}`);
  }
  return signed | bit;
}

function carriedOut(machine: Machine, voter: Voter, effect: Effect): Voter {
  if (effect.kind === 'broadcast' && effect.message.kind === 'vote' && effect.message.vote.voter === own) {
    return { ...voter, signed: withStatement(machine, voter.signed, effect.message.vote) };
  }
  if (effect.kind !== 'commitBlocks') return voter;
  const { blocks, certificate } = effect;
  const block = blocks.at(-1);
  check(block !== undefined, 'a commit holds a block');
  check(
    blocks[0]?.header.height === (voter.last?.block.header.height ?? 0) + 1,
    'final heights are not contiguous',
  );
  // W9, and W6: the newest word of memory stays.
  const word = voter.records.findLast(({ kind }) => kind === 'memory');
  const records = voter.records.filter(
    (record) => record === word || viewOfRecord(record) > certificate.view,
  );
  return { ...voter, last: { block, certificate }, records };
}

/** The host answers at once: blocks are valid, and every block that is asked for is there. */
function answersTo({ universe }: Machine, effect: Effect): readonly ConsensusEvent[] {
  if (effect.kind === 'castVote') return [{ kind: 'voteReceived', vote: signVote(effect.ballot, own) }];
  if (effect.kind === 'validateBlock') {
    const { block } = effect;
    return [{ kind: 'blockValidated', digest: digestOf(block), verdict: 'valid' }];
  }
  if (effect.kind !== 'fetchBlocks') return [];
  const blocks: Block[] = [];
  let block = universe.blockOf.get(effect.digest);
  while (block !== undefined && blocks.length < fetchedMax) {
    blocks.push(block);
    block = universe.blockOf.get(block.header.parentDigest);
  }
  return [{ kind: 'blocksReceived', blocks }];
}

/** A function of the disk alone, and asked for the same disks again and again. */
function recoverFrom(
  { core, config, recovered }: Machine,
  last: LedgerEntry | null,
  records: readonly SafetyRecord[],
): ReplicaState {
  const key = [last?.certificate?.view, last?.certificate?.digest, ...records.map(nameOf)].join(' ');
  const known = recovered.get(key);
  if (known !== undefined) return known;
  const state = core.recover(config, last ?? { block: null, certificate: null }, records);
  recovered.set(key, state);
  return state;
}

function nameOf(record: SafetyRecord): string {
  if (record.kind === 'vote') return `${record.vote.kind} ${record.vote.view} ${record.vote.digest}`;
  if (record.kind === 'certificate')
    return `certificate ${record.certificate.kind} ${record.certificate.view} ${record.certificate.digest}`;
  if (record.kind === 'memory') return `memory ${record.memory} ${record.view}`;
  const block = record.kind === 'block' ? record.block : record.proposal.block;
  return `${record.kind} ${block.header.view} ${digestOf(block)}`;
}

function restart(machine: Machine, voter: Voter): Voter {
  return begin(machine, { ...voter, state: recoverFrom(machine, voter.last, voter.records) });
}

function begin(machine: Machine, voter: Voter): Voter {
  const events: readonly ConsensusEvent[] = [{ kind: 'started' }, { kind: 'workChanged', hasWork: true }];
  let current = voter;
  for (const event of events) {
    const { state, effects } = machine.core.step(current.state, event);
    current = { ...current, state };
    for (const effect of effects) current = carriedOut(machine, current, effect);
  }
  return current;
}

/**
 * Between two moves a voter forgets what the network can bring again: certificates of views that were left, counted votes, blocks that it
 * did not prepare. What it does with them is explored by bringing them again, so nothing is lost, and far fewer states are left.
 */
function rest({ universe }: Machine, voter: Voter): Voter {
  const { state, signed, lossView } = voter;
  const isWaiting = state.memory.kind === 'lost' && state.view < (lossView ?? 0);
  const proposal = state.proposals.get(state.view);
  const isPrepared = (block: Block): boolean =>
    (signed & (1 << universe.bitOf('prepare', block.header.view, digestOf(block)))) !== 0;
  return {
    ...voter,
    // A report of the view that it is in already, or of one below, is backed whatever it says.
    lossView: lossView === null || isWaiting ? lossView : 1,
    state: {
      ...state,
      prepared: new Map(),
      preparedView: state.final.view,
      skipped: new Map(),
      votes: new Map(),
      proposals: proposal === undefined ? new Map() : new Map([[state.view, proposal]]),
      blocks: new Map([...state.blocks].filter(([, block]) => isPrepared(block))),
      candidates: new Map(),
      fetching: new Set(),
      memory: state.memory.kind === 'lost' ? { kind: 'lost', reports: new Map() } : state.memory,
      heard: state.heard.map(() => ({ tick: 0, view: 0 as View })),
    },
  };
}

/** Everything that decides what the voter will do, and what it would do after a restart. */
function keyOf(machine: Machine, voter: Voter): string {
  const recovered = recoverFrom(machine, voter.last, voter.records);
  return [voter.signed, voter.lossView, stateKey(voter.state), stateKey(recovered)].join(' ');
}

/**
 * Once PREPARE or SKIP of the view is signed, it does not matter why: R7 leaves no other way but on. What was signed in views before is
 * in the mask, and no part of what comes.
 */
function stateKey(state: ReplicaState): string {
  const { view, round, final, signed, proposals, memory } = state;
  const above = memory.kind === 'regained' ? memory.above : memory.kind;
  const place = `${view} ${final.digest} ${above}`;
  if (signed.view >= view) return `${place} ${signed.view} ${signed.kind}`;
  const held = proposals.get(view)?.digest;
  return [place, held, round.validation?.digest, round.isProposalInvalid, round.isOverdue].join(' ');
}

function describe({ universe }: Machine, voter: Voter | undefined): string {
  const said = universe.statements
    .map(({ kind, view, digest }, bit) => ({
      text: `${kind}(${view}${digest === null ? '' : `, ${digest.slice(0, 4)}`})`,
      bit,
    }))
    .filter(({ bit }) => ((voter?.signed ?? 0) & (1 << bit)) !== 0);
  return `view ${voter?.state.view}: ${said.map(({ text }) => text).join(' ')}`;
}
