/**
 * Batches that are held and not final yet, of every member, in lanes. Bounded per member: a member that floods fills its own
 * quota and nobody else's. What a proposal names is fetched by digest and comes in over the quota, because it was ordered.
 */
import type { Batch } from '../protocol/batch.ts';
import type { Digest, MemberName } from '../protocol/brand.ts';
import { compareText } from '../protocol/bytes.ts';
import type { VerifiedBatch } from './gate.ts';

/** Per member, of batches that nobody has ordered yet. */
export const laneBatchesMax = 256;
const laneBytesMax: number = 16 * 1_048_576;

export type PoolVerdict = 'added' | 'known' | 'overQuota' | 'final';

interface Lane {
  readonly bySequence: Map<number, VerifiedBatch>;
  bytes: number;
  /** Last sequence that is final. */
  cursor: number;
}

export class Pool {
  readonly #lanes = new Map<MemberName, Lane>();
  readonly #byDigest = new Map<Digest, VerifiedBatch>();
  readonly #onConflict: (held: Batch, other: Batch) => void;
  #version = 0;

  /** `onConflict` hears of two batches of one member with one sequence, both verified: no honest member makes them. */
  constructor(onConflict: (held: Batch, other: Batch) => void = () => undefined) {
    this.#onConflict = onConflict;
  }

  /** Changes whenever a lane does. */
  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#byDigest.size;
  }

  get bytes(): number {
    let sum = 0;
    for (const lane of this.#lanes.values()) sum += lane.bytes;
    return sum;
  }

  /** `isOrdered`: a block names it, so the quota does not apply. */
  add(verified: VerifiedBatch, options: { readonly isOrdered: boolean }): PoolVerdict {
    const { batch } = verified;
    if (this.#byDigest.has(batch.digest)) return 'known';
    const lane = this.#lane(batch.member);
    const held = lane.bySequence.get(batch.sequence);
    if (held !== undefined) this.#onConflict(held.batch, batch);
    if (!options.isOrdered) {
      if (batch.sequence <= lane.cursor) return 'final';
      // Two batches of one member with one sequence: the first that we hold is the one that we propose.
      if (held !== undefined) return 'known';
      if (lane.bySequence.size >= laneBatchesMax || lane.bytes + batch.bytes.length > laneBytesMax) {
        return 'overQuota';
      }
    }
    this.#byDigest.set(batch.digest, verified);
    if (batch.sequence > lane.cursor && held === undefined) {
      lane.bySequence.set(batch.sequence, verified);
      lane.bytes += batch.bytes.length;
      this.#version += 1;
    }
    return 'added';
  }

  get(digest: Digest): VerifiedBatch | null {
    return this.#byDigest.get(digest) ?? null;
  }

  /** Gapless run of a lane's batches above a sequence, at most `countMax`. */
  run(member: MemberName, aboveSequence: number, countMax: number): readonly VerifiedBatch[] {
    const lane = this.#lanes.get(member);
    const run: VerifiedBatch[] = [];
    if (lane === undefined) return run;
    for (let sequence = aboveSequence + 1; run.length < countMax; sequence += 1) {
      const batch = lane.bySequence.get(sequence);
      if (batch === undefined) return run;
      run.push(batch);
    }
    return run;
  }

  /** The sequence above which a lane has a gap below a batch that we hold, or null: what was missed can be asked for. */
  gap(member: MemberName): number | null {
    const lane = this.#lanes.get(member);
    if (lane === undefined) return null;
    let last = lane.cursor;
    while (lane.bySequence.has(last + 1)) last += 1;
    return lane.bySequence.size > last - lane.cursor ? last : null;
  }

  /** Batches of a lane that are not final. */
  laneSize(member: MemberName): number {
    return this.#lanes.get(member)?.bySequence.size ?? 0;
  }

  /** Highest sequence held of a lane, or its final cursor. */
  highest(member: MemberName): number {
    const lane = this.#lane(member);
    return Math.max(lane.cursor, ...lane.bySequence.keys());
  }

  /** Members with batches that are not final, in the order of their names. */
  members(): readonly MemberName[] {
    return [...this.#lanes.keys()].toSorted(compareText);
  }

  /** A lane's batches up to `sequence` are final: they are forgotten here, and stay in the store. */
  finalize(member: MemberName, sequence: number): void {
    const lane = this.#lane(member);
    for (let index = lane.cursor + 1; index <= sequence; index += 1) {
      const batch = lane.bySequence.get(index);
      if (batch === undefined) continue;
      lane.bySequence.delete(index);
      lane.bytes -= batch.batch.bytes.length;
    }
    lane.cursor = Math.max(lane.cursor, sequence);
    this.#version += 1;
  }

  /** Forgets a batch by digest, once a final block has executed it. */
  forget(digests: readonly Digest[]): void {
    for (const digest of digests) this.#byDigest.delete(digest);
  }

  /** Batches held by digest only, whose sequence is final: losers of an equivocation, or of abandoned blocks. */
  sweep(): void {
    for (const [digest, { batch }] of this.#byDigest) {
      if (batch.sequence <= this.#lane(batch.member).cursor) this.#byDigest.delete(digest);
    }
  }

  #lane(member: MemberName): Lane {
    const known = this.#lanes.get(member);
    if (known !== undefined) return known;
    const lane: Lane = { bySequence: new Map(), bytes: 0, cursor: 0 };
    this.#lanes.set(member, lane);
    return lane;
  }
}
