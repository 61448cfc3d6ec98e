/** Tells the replica whether there is something to order, when that may have changed (consensus/README.md §4, expectant). */
import type { Digest } from '../protocol/brand.ts';
import type { Executor } from './executor.ts';
import type { Pool } from './pool.ts';
import type { Reactor } from './reactor.ts';

interface Seen {
  readonly reactor: Reactor;
  readonly hasWork: boolean;
  readonly tip: Digest;
  readonly poolVersion: number;
}

export class WorkWatch {
  readonly #pool: Pool;
  #seen: Seen | null = null;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Looks again only if the newest prepared block or the pool is another than last time, or the replica is. */
  refresh(reactor: Reactor, executor: Executor): void {
    const { state } = reactor;
    const tip = state.prepared.get(state.preparedView)?.digest ?? state.final.digest;
    const seen = this.#seen?.reactor === reactor ? this.#seen : null;
    if (seen?.tip === tip && seen.poolVersion === this.#pool.version) return;
    const hasWork = executor.hasWorkAfter(tip);
    this.#seen = { reactor, hasWork, tip, poolVersion: this.#pool.version };
    if (hasWork !== (seen?.hasWork ?? false)) reactor.handle({ kind: 'workChanged', hasWork });
  }
}
