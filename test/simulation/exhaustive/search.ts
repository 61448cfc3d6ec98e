/** Breadth first through all states of three honest voters and one that has signed everything, up to renaming of the three. */
import { electedByTable, withMutant, type Mutation } from '../mutant.ts';
import type { Core } from '../world.ts';
import { createUniverse, voterCount, type Universe } from './universe.ts';
import { createVoterStates, type VoterStates } from './voter.ts';

export interface SearchOptions {
  /** For each view, how many blocks the leader makes on each parent. */
  readonly variants: readonly number[];
  /** W6: one honest voter may lose its disk at any time, and goes on with its key alone. */
  readonly isLosingDisk?: boolean;
  /** The budget: the search ends there, and says so. */
  readonly stateCountMax: number;
}

export interface SearchReport {
  readonly stateCount: number;
  readonly moveCount: number;
  /** States of one voter. */
  readonly voterStateCount: number;
  /** States in which a block is final. */
  readonly finalCount: number;
  /** False if the budget ended the search. */
  readonly isWhole: boolean;
  /** The first state that breaks a rule, which none has fewer moves than; null if there is none. */
  readonly violation: string | null;
}

/** Room for the numbers of three states of voters in one exact number. */
const voterStateBits = 17;
const base = 2 ** voterStateBits;

/** Searches the built code, or a mutant of it. */
export function explore(options: SearchOptions, mutations: readonly Mutation[] = []): Promise<SearchReport> {
  return withMutant([electedByTable, ...mutations], (core) => search(core, options));
}

function search(core: Core, { variants, stateCountMax, isLosingDisk = false }: SearchOptions): SearchReport {
  const universe = createUniverse(variants);
  const states = createVoterStates(core, universe, isLosingDisk);
  const seen = createNumberSet(stateCountMax);
  const count = { moves: 0, finals: 0 };
  const report = (violation: string | null, isWhole: boolean): SearchReport => ({
    stateCount: seen.size(),
    moveCount: count.moves,
    voterStateCount: states.count(),
    finalCount: count.finals,
    isWhole,
    violation,
  });
  // One honest voter and the dishonest one are enough for a quorum of two, and so on.
  const honestNeeded = core.quorumSize(voterCount) - 1;
  seen.add(pack(0, 0, 0));
  for (let index = 0; index < seen.size(); index += 1) {
    const ids = unpack(seen.at(index));
    const existing = certificatesIn(states, ids, honestNeeded);
    const violation = violationIn(universe, existing);
    if (violation !== null) return report(`${violation}: ${ids.map(states.describe).join('; ')}`, false);
    if ((existing & commitsOf(universe)) !== 0) count.finals += 1;
    for (const [place, id] of ids.entries()) {
      if (place > 0 && ids[place - 1] === id) continue;
      const losingView = viewOfLoss(states, ids, place);
      for (const { needed, to, lossView, violation: broken } of states.movesFrom(id)) {
        if ((needed & ~existing) !== 0 || (lossView !== null && lossView !== losingView)) continue;
        if (broken !== null) return report(`${broken}: ${ids.map(states.describe).join('; ')}`, false);
        count.moves += 1;
        seen.add(packWith(ids, place, to));
      }
    }
    if (seen.size() >= stateCountMax) return report(null, false);
  }
  return report(null, true);
}

/** The highest view of the two others; null if one of the three has lost its disk: one is what f allows beside the dishonest one. */
function viewOfLoss(states: VoterStates, ids: Ids, place: number): number | null {
  if (ids.some(states.hasLostDisk)) return null;
  return Math.max(...ids.filter((_unused, other) => other !== place).map(states.viewIn));
}

type Ids = readonly [number, number, number];

/** The order of the three does not matter. */
function pack(a: number, b: number, c: number): number {
  const low = Math.min(a, b, c);
  const high = Math.max(a, b, c);
  return (low * base + (a + b + c - low - high)) * base + high + 1;
}

function packWith([a, b, c]: Ids, place: number, to: number): number {
  if (place === 0) return pack(to, b, c);
  return place === 1 ? pack(a, to, c) : pack(a, b, to);
}

function unpack(packed: number): Ids {
  const rest = Math.floor((packed - 1) / base);
  return [Math.floor(rest / base), rest % base, (packed - 1) % base];
}

function certificatesIn(states: VoterStates, ids: Ids, honestNeeded: number): number {
  const [a, b, c] = [states.signedIn(ids[0]), states.signedIn(ids[1]), states.signedIn(ids[2])];
  if (honestNeeded <= 1) return a | b | c;
  return honestNeeded === 2 ? (a & b) | (a & c) | (b & c) : a & b & c;
}

function commitsOf({ blocks }: Universe): number {
  return ((1 << blocks.length) - 1) << blocks.length;
}

function violationIn({ statements, conflicts }: Universe, existing: number): string | null {
  for (const [bit, { kind, view }] of statements.entries()) {
    if ((existing & (1 << bit)) === 0) continue;
    const other = statements.find(
      (_unused, place) => ((conflicts[bit] ?? 0) & existing & (1 << place)) !== 0,
    );
    if (other !== undefined)
      return `certificates of ${kind} in view ${view} and of ${other.kind} in view ${other.view} exclude each other`;
  }
  return null;
}

interface NumberSet {
  readonly add: (value: number) => void;
  readonly size: () => number;
  /** In order of insertion. */
  readonly at: (index: number) => number;
}

/** Positive numbers, hashed by open addressing: millions of them, which a `Set` holds at five times the memory. */
function createNumberSet(sizeMax: number): NumberSet {
  const slots = 2 ** Math.ceil(Math.log2(sizeMax * 1.6 + 1_024));
  const table = new Uint32Array(slots);
  // A state has some dozen moves, and the budget is looked at after all of them.
  const values = new Float64Array(sizeMax + 4_096);
  let size = 0;
  return {
    add: (value) => {
      const high = Math.floor(value / 4_294_967_296);
      let slot = (Math.imul(value | 0, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b)) >>> 0;
      slot = (slot ^ (slot >>> 15)) & (slots - 1);
      for (let index = table[slot] ?? 0; index !== 0; index = table[slot] ?? 0) {
        if (values[index - 1] === value) return;
        slot = (slot + 1) & (slots - 1);
      }
      values[size] = value;
      size += 1;
      table[slot] = size;
    },
    size: () => size,
    at: (index) => values[index] ?? 0,
  };
}
