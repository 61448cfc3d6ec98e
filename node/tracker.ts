/** Who waits for which transaction. Every transaction that this node accepted ends committed, refused or expired, and is told so. */
import type { Digest, Timestamp } from '../protocol/brand.ts';
import type { Receipt } from '../protocol/receipt.ts';
import type { Cancel, Clock } from './clock.ts';

const trackedMax = 100_000;

/** `pending`: no receipt within the time asked; `expired`: block time has passed notAfter and no block holds it. */
export type Outcome =
  | { readonly status: 'receipt'; readonly receipt: Receipt }
  | { readonly status: 'pending' }
  | { readonly status: 'expired' };

interface Tracked {
  readonly notAfter: Timestamp;
  readonly acceptedMs: number;
  readonly waiters: Set<(outcome: Outcome) => void>;
}

export class Tracker {
  readonly #clock: Clock;
  readonly #tracked = new Map<Digest, Tracked>();
  readonly #onLatency: (latencyMs: number) => void;

  /** `onLatency` hears the milliseconds from acceptance to finality of each transaction of ours. */
  constructor(clock: Clock, onLatency: (latencyMs: number) => void) {
    this.#clock = clock;
    this.#onLatency = onLatency;
  }

  get size(): number {
    return this.#tracked.size;
  }

  get isFull(): boolean {
    return this.#tracked.size >= trackedMax;
  }

  notAfter(txId: Digest): Timestamp | null {
    return this.#tracked.get(txId)?.notAfter ?? null;
  }

  has(txId: Digest): boolean {
    return this.#tracked.has(txId);
  }

  add(txId: Digest, notAfter: Timestamp): void {
    if (this.#tracked.has(txId)) return;
    this.#tracked.set(txId, { notAfter, acceptedMs: this.#clock.monotonicMs(), waiters: new Set() });
  }

  /** Resolves with the receipt, with `expired`, or with `pending` after `timeoutMs`; at once for what is not tracked. */
  async wait(txId: Digest, timeoutMs: number): Promise<Outcome> {
    const tracked = this.#tracked.get(txId);
    if (tracked === undefined) return { status: 'pending' };
    return new Promise((resolve) => {
      let cancel: Cancel = () => undefined;
      const waiter = (outcome: Outcome): void => {
        cancel();
        tracked.waiters.delete(waiter);
        resolve(outcome);
      };
      cancel = this.#clock.after(timeoutMs, () => waiter({ status: 'pending' }));
      tracked.waiters.add(waiter);
    });
  }

  /** Receipts of a block that is final and stored. */
  settle(receipts: readonly Receipt[]): void {
    const now = this.#clock.monotonicMs();
    for (const receipt of receipts) {
      const tracked = this.#tracked.get(receipt.txId);
      if (tracked === undefined) continue;
      this.#tracked.delete(receipt.txId);
      this.#onLatency(now - tracked.acceptedMs);
      for (const waiter of tracked.waiters) waiter({ status: 'receipt', receipt });
    }
  }

  /** Ends what block time has overtaken; gives how many those are. */
  expire(blockTime: Timestamp): number {
    const before = this.#tracked.size;
    for (const [txId, tracked] of this.#tracked) {
      if (tracked.notAfter >= blockTime) continue;
      this.#tracked.delete(txId);
      for (const waiter of tracked.waiters) waiter({ status: 'expired' });
    }
    return before - this.#tracked.size;
  }

  /** The node stops: nobody is left waiting. */
  stop(): void {
    for (const tracked of this.#tracked.values()) {
      for (const waiter of tracked.waiters) waiter({ status: 'pending' });
    }
    this.#tracked.clear();
  }
}
