/**
 * The host's half of R3: every batch held durably, the header's time near our clock, and our own execution on the parent's state
 * gives the header's roots. What is missing is fetched first; what cannot be had is `unavailable`, never `invalid`.
 */
import type { Verdict } from '../consensus/event.ts';
import { viewTimeoutMs } from '../consensus/timeout.ts';
import { headerDigest, ledgerParent, type Block, type Header } from '../protocol/block.ts';
import type { Digest, Height, MemberName } from '../protocol/brand.ts';
import { clockSkewMsMax } from '../protocol/limits.ts';
import type { Clock } from './clock.ts';
import type { Executor } from './executor.ts';
import type { Fetcher } from './fetcher.ts';
import type { Log } from './ports.ts';

/** Blocks that are not final yet, by digest: what proposals and fetches brought. */
export interface BlockBook {
  readonly find: (digest: Digest) => Block | null;
  readonly keep: (blocks: readonly Block[]) => void;
}

export interface ValidatorPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly executor: Executor;
  readonly fetcher: Fetcher;
  readonly blocks: BlockBook;
  readonly finalHeight: () => Height;
  readonly deltaMs: number;
  /** Whom to ask first for a block's batches: its leader. */
  readonly leaderOf: (block: Block) => readonly MemberName[];
  readonly storeBatches: (digests: readonly Digest[]) => Promise<void>;
}

/** parent.time < t is the executor's; here t ≤ now + 2 s and t ≥ now − 2 s − timeout(v) (consensus/README.md §4). */
export function isTimely(header: Header, nowMs: number, deltaMs: number): boolean {
  const skippedViews = header.view - header.parentView - 1;
  const slackMs = clockSkewMsMax + viewTimeoutMs(deltaMs, skippedViews);
  return header.timeMs <= nowMs + clockSkewMsMax && header.timeMs >= nowMs - slackMs;
}

export interface Validation {
  readonly digest: Digest;
  readonly verdict: Verdict;
}

export class Validator {
  readonly #ports: ValidatorPorts;
  readonly #running = new Map<Digest, Promise<Validation>>();

  constructor(ports: ValidatorPorts) {
    this.#ports = ports;
  }

  /** One run per block at a time. */
  async validate(block: Block): Promise<Validation> {
    const digest = headerDigest(block.header);
    const running = this.#running.get(digest);
    if (running !== undefined) return running;
    const work = this.#validate(block, digest)
      .then((verdict) => ({ digest, verdict }))
      .finally(() => this.#running.delete(digest));
    this.#running.set(digest, work);
    return work;
  }

  async #validate(block: Block, digest: Digest): Promise<Verdict> {
    const { clock, deltaMs, executor, fetcher, leaderOf, log, storeBatches } = this.#ports;
    if (!isTimely(block.header, clock.wallMs(), deltaMs)) {
      log.warn(
        { view: block.header.view, timeMs: block.header.timeMs },
        'proposal with a time far from our clock',
      );
      return 'invalid';
    }
    if (!(await this.reach(ledgerParent(block.header)))) return 'unavailable';
    if (!(await fetcher.batches(block.batchDigests, leaderOf(block)))) return 'unavailable';
    // The disk writes while we execute; both must be done before the PREPARE (W3).
    const stored = storeBatches(block.batchDigests);
    const verdict = executor.execute(block, digest);
    await stored;
    if (verdict.ok) return 'valid';
    const { code, detail } = verdict.refusal;
    log.warn({ view: block.header.view, code, detail }, 'proposal refused');
    return code === 'batchUnknown' ? 'unavailable' : 'invalid';
  }

  /**
   * Executes a block and those of its ancestors that were not executed here, oldest first; after a restart that is all that is not
   * final. True iff its state is known then.
   */
  async reach(newest: Digest): Promise<boolean> {
    const { executor, fetcher, leaderOf } = this.#ports;
    const path: Block[] = [];
    let digest = newest;
    while (executor.tip(digest) === null) {
      const block = await this.#find(digest);
      if (block === null || block.header.height <= this.#ports.finalHeight()) return false;
      path.push(block);
      digest = ledgerParent(block.header);
    }
    for (const block of path.toReversed()) {
      if (!(await fetcher.batches(block.batchDigests, leaderOf(block)))) return false;
      if (!executor.execute(block, headerDigest(block.header)).ok) return false;
    }
    return true;
  }

  async #find(digest: Digest): Promise<Block | null> {
    const known = this.#ports.blocks.find(digest);
    if (known !== null) return known;
    this.#ports.blocks.keep(await this.#ports.fetcher.ancestors(digest, this.#ports.finalHeight()));
    return this.#ports.blocks.find(digest);
  }
}
