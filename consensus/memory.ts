/**
 * W6 (consensus/README.md): a voter whose safety log is gone does not know what it signed. It observes until a quorum of *other* voters
 * has said in which view it is, and votes only above all that it can have signed before.
 */
import type { Block } from '../protocol/block.ts';
import type { Epoch, View, VoterIndex } from '../protocol/brand.ts';
import { quorumSize } from '../protocol/certificate.ts';
import { invariant } from '../protocol/invariant.ts';
import type { Status } from '../protocol/message.ts';
import type { MemoryRecord, SafetyRecord } from './record.ts';
import { change, emit, viewAfter, withEntry, type Memory, type ReplicaState, type Step } from './state.ts';

const wholeMemory: Memory = { kind: 'whole' };
const lostMemory: Memory = { kind: 'lost', reports: new Map() };

/** What the log says of itself. What was regained in another epoch says nothing about this one. */
export function memoryOf(records: readonly SafetyRecord[], epoch: Epoch): Memory {
  const last = records.findLast((record) => record.kind === 'memory');
  if (last?.kind !== 'memory' || last.memory === 'whole') return wholeMemory;
  const isRegained = last.memory === 'regained' && last.epoch === epoch;
  return isRegained ? { kind: 'regained', above: last.view } : lostMemory;
}

/** True iff nothing that we forgot can be a statement of this view. */
export function isRemembered({ memory }: ReplicaState, view: View): boolean {
  if (memory.kind === 'regained') return view > memory.above;
  return memory.kind === 'whole';
}

/** Another voter says in which view it is; the newest word of each counts. */
export function hearReport(step: Step, voter: VoterIndex, status: Status): Step {
  const { memory, config } = step.state;
  if (memory.kind !== 'lost' || voter === config.own || status.epoch !== config.voters.epoch) return step;
  return change(step, { memory: { kind: 'lost', reports: withEntry(memory.reports, voter, status.view) } });
}

/** Voters whose report is backed by certificates: only those move us (R1), so we are where the report is, or above. */
export function backedReports({ memory, view }: ReplicaState): readonly VoterIndex[] {
  if (memory.kind !== 'lost') return [];
  return [...memory.reports]
    .filter(([, reported]) => reported <= view)
    .map(([voter]) => voter)
    .toSorted((a, b) => a - b);
}

/**
 * Whatever we signed in v, we entered v by a certificate of v-1, for which at least q-1 other voters spoke in v-1. A quorum of others
 * holds an honest one of them, who reports v-1 or more; so what we signed lies at or below the highest report + 1.
 */
export function tryRegain(step: Step): Step {
  const { state } = step;
  if (state.config.own === null || state.memory.kind !== 'lost') return step;
  const { epoch, voters } = state.config.voters;
  if (backedReports(state).length < quorumSize(voters.length)) return step;
  const above = viewAfter(state.view);
  invariant(above > state.signed.view, 'W6: what we still remember lies below what we may have forgotten');
  return remember(step, { kind: 'memory', memory: 'regained', epoch, view: above });
}

/**
 * Finality overtook all that we may have forgotten. A closing block does not count: we may have been in the next epoch
 * before, and what we signed there is still unknown.
 */
export function settleMemory(step: Step, blocks: readonly Block[]): Step {
  const { memory, config } = step.state;
  if (memory.kind !== 'regained') return step;
  const isOvertaken = blocks.some(({ header }) => header.view > memory.above && header.nextVoterSet === null);
  if (!isOvertaken) return step;
  const { epoch } = config.voters;
  return remember(step, { kind: 'memory', memory: 'whole', epoch, view: memory.above });
}

function remember(step: Step, record: MemoryRecord): Step {
  const memory = memoryOf([record], record.epoch);
  return emit(change(step, { memory }), { kind: 'recordMemory', record });
}
