/**
 * W8: before a voter speaks after a restart it listens for its own key. A signature of ours that our log does not hold means that
 * another machine votes with our key, or that our log is older than our votes: either way we must not vote.
 */
import { placeOf, type SafetyRecord } from '../consensus/record.ts';
import type { View, VoterIndex } from '../protocol/brand.ts';
import { votersInBitmap } from '../protocol/certificate.ts';
import { unreachable } from '../protocol/invariant.ts';
import type { Clock } from './clock.ts';
import type { VerifiedMessage } from './gate.ts';
import { NodeFailure } from './nodeFailure.ts';
import type { OwnVoter } from './statement.ts';

const cloneWatchMs = 2_000;

export class CloneWatch {
  readonly #own: VoterIndex;
  readonly #voterCount: number;
  readonly #signatures: ReadonlySet<string>;
  readonly #viewMax: View;
  /** W6: certificates hold votes of ours that we forgot; only a live statement shows that another machine has our key. */
  readonly #isMemoryLost: boolean;
  #isFound = false;

  constructor(own: VoterIndex, voterCount: number, records: readonly SafetyRecord[]) {
    this.#own = own;
    this.#voterCount = voterCount;
    this.#signatures = new Set(
      records.flatMap((record) => {
        if (record.kind === 'vote') return [record.vote.signature];
        return record.kind === 'proposal' ? [record.proposal.signature] : [];
      }),
    );
    const memory = records.findLast((record) => record.kind === 'memory');
    this.#isMemoryLost = memory !== undefined && memory.memory === 'lost';
    this.#viewMax = Math.max(0, ...records.map((record) => placeOf(record).view)) as View;
  }

  /** True once a statement of our key was heard that we do not remember. */
  get isFound(): boolean {
    return this.#isFound;
  }

  hear(message: VerifiedMessage): void {
    if (this.#isForeign(message)) this.#isFound = true;
  }

  /** Statements at or below the highest view of our log may have been pruned from it; above it there can be none of ours. */
  #isForeign(message: VerifiedMessage): boolean {
    switch (message.kind) {
      case 'vote':
        return (
          message.vote.voter === this.#own &&
          message.vote.view >= this.#viewMax &&
          !this.#signatures.has(message.vote.signature)
        );
      case 'proposal': {
        const { header } = message.proposal.block;
        return (
          header.proposer === this.#own &&
          header.view >= this.#viewMax &&
          !this.#signatures.has(message.proposal.signature)
        );
      }
      case 'certificate': {
        if (this.#isMemoryLost) return false;
        const { view, bitmap } = message.certificate;
        return (
          view > this.#viewMax && (votersInBitmap(bitmap, this.#voterCount)?.includes(this.#own) ?? false)
        );
      }
      case 'known':
      case 'early':
      case 'status':
      case 'certificatesWanted':
        return false;
      default:
        return unreachable(message);
    }
  }
}

/** Null for who never spoke: an observer, or a voter whose log is empty. */
export function watchFor(
  own: OwnVoter | null,
  voterCount: number,
  records: readonly SafetyRecord[],
): CloneWatch | null {
  return own === null || records.length === 0 ? null : new CloneWatch(own.index, voterCount, records);
}

/** Waits for as long as a clone needs to speak. Throws NodeFailure `clonedKey` if one did. */
export async function listenForOwnKey(watch: CloneWatch | null, clock: Clock): Promise<void> {
  if (watch === null) return;
  await new Promise<void>((resolve) => void clock.after(cloneWatchMs, resolve));
  if (!watch.isFound) return;
  throw new NodeFailure(
    'clonedKey',
    'our consensus key signs elsewhere, or our safety log is not the newest',
  );
}
