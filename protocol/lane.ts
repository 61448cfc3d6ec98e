/**
 * Lanes: the batches of one member, in a gapless sequence. The state keeps the cursor of each lane, so that a batch enters a
 * chain once. In a block the lanes take turns, in an order that the parent's digest rotates, so that no member is always last.
 */
import type { Digest, MemberName, Sequence } from './brand.ts';
import { compareText, uint64FromBytes } from './bytes.ts';
import { present } from './invariant.ts';
import { blockBatchesMax, blockTransactionsMax } from './limits.ts';
import { readMember } from './membership.ts';
import { accepted, refused, type Result } from './result.ts';
import type { StateView } from './state.ts';

/** A batch that could be in the next block, as far as the choice needs to know it. */
export interface OfferedBatch {
  readonly member: MemberName;
  readonly sequence: Sequence;
  readonly transactionCount: number;
}

/** A lane as the leader sees it. */
export interface OfferedLane<T extends OfferedBatch> {
  readonly member: MemberName;
  /** Last sequence in the parent's state; 0 before the first. */
  readonly cursor: number;
  /** In ascending order of sequence; what does not follow the cursor without a gap is left out. */
  readonly batches: readonly T[];
}

export interface BlockLimits {
  readonly batchesMax: number;
  readonly transactionsMax: number;
}

export const blockLimits: BlockLimits = {
  batchesMax: blockBatchesMax,
  transactionsMax: blockTransactionsMax,
};

interface Turn<T> {
  readonly member: MemberName;
  readonly batches: readonly T[];
}

export function laneKey(member: MemberName): string {
  return `lane/${member}`;
}

/** Sequence of the member's last batch in the chain; 0 before the first. */
export function laneCursor(view: Pick<StateView, 'get'>, member: MemberName): number {
  const record = view.get(laneKey(member));
  return record === null ? 0 : present(uint64FromBytes(record), 'a lane cursor is a number');
}

/** L4: a member that is suspended or gone, or was never admitted, has nothing ordered; what others carry for it is theirs to order. */
export function isLaneOpen(view: Pick<StateView, 'get'>, member: MemberName): boolean {
  return readMember(view, member)?.status === 'active';
}

/** The leader's choice: as many batches as the limits allow, lane by lane in turns. What does not fit ends its lane for this block. */
export function chooseBatches<T extends OfferedBatch>(input: {
  readonly lanes: readonly OfferedLane<T>[];
  readonly parentDigest: Digest;
  readonly limits: BlockLimits;
}): readonly T[] {
  const offered = input.lanes.map((lane) => ({ member: lane.member, batches: contiguous(lane) }));
  const taken = new Map<MemberName, T[]>();
  const ended = new Set<MemberName>();
  let batchCount = 0;
  let transactionCount = 0;
  for (const batch of inTurns(offered, input.parentDigest)) {
    if (batchCount === input.limits.batchesMax) break;
    if (ended.has(batch.member)) continue;
    if (transactionCount + batch.transactionCount > input.limits.transactionsMax) {
      ended.add(batch.member);
      continue;
    }
    taken.set(batch.member, [...(taken.get(batch.member) ?? []), batch]);
    batchCount += 1;
    transactionCount += batch.transactionCount;
  }
  // Turns are counted over the lanes that are in the block, for those are all that a voter sees.
  const chosen = offered.flatMap(({ member }) => {
    const batches = taken.get(member);
    return batches === undefined ? [] : [{ member, batches }];
  });
  return inTurns(chosen, input.parentDigest);
}

/**
 * A voter's check of a leader's choice, on the parent's state: limits kept, every lane is open and continues at its cursor, and
 * the lanes take turns. Refusal `batchInvalid`.
 */
export function checkLanes(
  view: Pick<StateView, 'get'>,
  batches: readonly {
    readonly member: MemberName;
    readonly sequence: Sequence;
    readonly transactions: readonly unknown[];
  }[],
  parentDigest: Digest,
): Result<null> {
  if (batches.length > blockBatchesMax) return refused('batchInvalid', `at most ${blockBatchesMax} batches`);
  const transactionCount = batches.reduce((sum, batch) => sum + batch.transactions.length, 0);
  if (transactionCount > blockTransactionsMax) {
    return refused('batchInvalid', `at most ${blockTransactionsMax} transactions`);
  }
  const lanes = new Map<MemberName, (typeof batches)[number][]>();
  for (const batch of batches) {
    const lane = lanes.get(batch.member) ?? [];
    if (lane.length === 0 && !isLaneOpen(view, batch.member)) return refused('batchInvalid', 'member');
    if (batch.sequence !== laneCursor(view, batch.member) + lane.length + 1)
      return refused('batchInvalid', 'sequence');
    lane.push(batch);
    lanes.set(batch.member, lane);
  }
  const turns = inTurns(
    [...lanes].map(([member, lane]) => ({ member, batches: lane })),
    parentDigest,
  );
  const isInOrder = turns.every((batch, index) => batch === batches[index]);
  return isInOrder ? accepted(null) : refused('batchInvalid', 'order');
}

function contiguous<T extends OfferedBatch>(lane: OfferedLane<T>): readonly T[] {
  const batches: T[] = [];
  for (const batch of lane.batches) {
    if (batch.sequence === lane.cursor + batches.length + 1) batches.push(batch);
  }
  return batches;
}

/** The first batch of each lane, then the second of each, ...; lanes by name, beginning at the one that the digest points to. */
function inTurns<T>(lanes: readonly Turn<T>[], parentDigest: Digest): readonly T[] {
  const byName = lanes
    .filter(({ batches }) => batches.length > 0)
    .toSorted((a, b) => compareText(a.member, b.member));
  if (byName.length === 0) return [];
  const start = Number.parseInt(parentDigest.slice(0, 8), 16) % byName.length;
  const rotated = [...byName.slice(start), ...byName.slice(0, start)];
  const turnCount = Math.max(...rotated.map(({ batches }) => batches.length));
  const batches: T[] = [];
  for (let turn = 0; turn < turnCount; turn += 1) {
    for (const lane of rotated) {
      const batch = lane.batches[turn];
      if (batch !== undefined) batches.push(batch);
    }
  }
  return batches;
}
