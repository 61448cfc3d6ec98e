/**
 * Transactions of our own applications on their way into our lane: verified, bounded, sealed into batches by size, count or age.
 * A batch is durable before anybody sees it: its sequence must never be used for other bytes.
 */
import { sealBatch, type Batch } from '../protocol/batch.ts';
import type { Digest, MemberName, Sequence, Verified } from '../protocol/brand.ts';
import { batchAgeMsMax, batchBytesMax, batchBytesTarget, batchTransactionsMax } from '../protocol/limits.ts';
import { accepted, refused, type Result } from '../protocol/result.ts';
import type { Signer } from '../protocol/signature.ts';
import type { Transaction } from '../protocol/transaction.ts';
import type { Clock } from './clock.ts';
import type { VerifiedBatch } from './gate.ts';

const mempoolTransactionsMax = 20_000;
const mempoolBytesMax: number = 16 * 1_048_576;
/** Far below the quota that the others keep for our lane. */
const unorderedBatchesMax = 48;
/** Room in a batch for its own fields and the length prefixes of its transactions. */
const batchOverhead = 512 + 5 * batchTransactionsMax;

export interface MempoolOptions {
  readonly chainId: Digest;
  readonly member: MemberName;
  readonly signer: Signer;
  readonly clock: Clock;
  /** First sequence to use: above the ledger's cursor and above every batch of ours that anybody holds. */
  readonly nextSequence: Sequence;
  /** Makes the batch durable. Rejects if it could not: then the node stops, because the outcome is unknown. */
  readonly store: (batch: Batch) => Promise<void>;
  /** Least time between two blocks. */
  readonly blockIntervalMsMin: number;
  /** Our batches that are not ordered yet; sealing waits while there are many, so that the queue's bound is felt by clients. */
  readonly unorderedBatches: () => number;
  /** Durable: into the pool and out to the others. */
  readonly publish: (batch: VerifiedBatch) => void;
  readonly onFailure: (cause: unknown) => void;
}

export class Mempool {
  readonly #options: MempoolOptions;
  #queue: Verified<Transaction>[] = [];
  #queuedIds = new Set<Digest>();
  #bytes = 0;
  #sequence: Sequence;
  #lastSealMs = Number.NEGATIVE_INFINITY;
  #isScheduled = false;
  #isStopped = false;
  #isFailed = false;
  #writing: Promise<void> = Promise.resolve();
  #writingCount = 0;

  constructor(options: MempoolOptions) {
    this.#options = options;
    this.#sequence = options.nextSequence;
  }

  get count(): number {
    return this.#queue.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a transaction in; refusal `busy` when full. One that already waits is taken once. */
  add(transaction: Verified<Transaction>): Result<null> {
    if (this.#isStopped) return refused('busy', 'stopping');
    if (this.#queuedIds.has(transaction.txId)) return accepted(null);
    const size = transaction.envelopeBytes.length;
    if (this.#queue.length >= mempoolTransactionsMax) return refused('busy', 'mempool transactions');
    if (this.#bytes + size > mempoolBytesMax) return refused('busy', 'mempool bytes');
    this.#queue.push(transaction);
    this.#queuedIds.add(transaction.txId);
    this.#bytes += size;
    this.#schedule();
    return accepted(null);
  }

  /** No batch below this sequence from here on. */
  continueAt(sequence: number): void {
    this.#sequence = Math.max(this.#sequence, sequence) as Sequence;
  }

  /** Waits for batches on their way to the disk; takes no more transactions. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#writing;
  }

  /** After a quiet time the first transaction waits for nothing but what arrived with it; under load a batch fills for a while. */
  #schedule(): void {
    if (this.#isFull() && !this.#isLaneLong()) this.#seal();
    else if (!this.#isScheduled) this.#wait(this.#untilDueMs());
  }

  #wait(waitMs: number): void {
    this.#isScheduled = true;
    const run = (): void => {
      this.#isScheduled = false;
      if (this.#queue.length > 0 && !this.#isStopped) this.#sealOrWait();
    };
    if (waitMs <= 0) this.#options.clock.soon(run);
    else this.#options.clock.after(waitMs, run);
  }

  /** A batch that was full before its time has begun a new one. */
  #sealOrWait(): void {
    const waitMs = this.#untilDueMs();
    if (waitMs > 0) this.#wait(waitMs);
    else if (this.#isLaneLong()) this.#wait(batchAgeMsMax);
    else this.#seal();
  }

  #untilDueMs(): number {
    return this.#lastSealMs + this.#ageMsMax() - this.#options.clock.monotonicMs();
  }

  /** While a batch of ours waits for a block, another could not be ordered any sooner: it fills meanwhile, which costs everybody less. */
  #ageMsMax(): number {
    const isWaiting = this.#options.unorderedBatches() > 0;
    return isWaiting ? Math.max(batchAgeMsMax, this.#options.blockIntervalMsMin) : batchAgeMsMax;
  }

  #isLaneLong(): boolean {
    return this.#options.unorderedBatches() + this.#writingCount >= unorderedBatchesMax;
  }

  #isFull(): boolean {
    return this.#queue.length >= batchTransactionsMax || this.#bytes >= batchBytesTarget;
  }

  #take(): Verified<Transaction>[] {
    let bytes = batchOverhead;
    let count = 0;
    for (const transaction of this.#queue) {
      const size = transaction.envelopeBytes.length;
      const isRoom = count < batchTransactionsMax && bytes + size <= batchBytesMax;
      if (!isRoom || (count > 0 && bytes >= batchBytesTarget + batchOverhead)) break;
      bytes += size;
      count += 1;
    }
    const taken = this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(count);
    for (const transaction of taken) {
      this.#queuedIds.delete(transaction.txId);
      this.#bytes -= transaction.envelopeBytes.length;
    }
    return taken;
  }

  #seal(): void {
    const { chainId, member, signer, clock } = this.#options;
    const transactions = this.#take();
    const envelopes = transactions.map((transaction) => transaction.envelopeBytes);
    const sequence = this.#sequence;
    this.#sequence = (sequence + 1) as Sequence;
    this.#lastSealMs = clock.monotonicMs();
    const batch = sealBatch({ chainId, member, sequence, envelopes }, signer) as Verified<Batch>;
    this.#writingCount += 1;
    this.#writing = this.#writing.then(async () => this.#write({ batch, transactions }));
    if (this.#queue.length > 0) this.#schedule();
  }

  /** After a failed write the outcome is unknown: no later batch is stored, for its lane would have a gap (W7). */
  async #write(verified: VerifiedBatch): Promise<void> {
    if (this.#isFailed) return;
    try {
      await this.#options.store(verified.batch);
    } catch (cause) {
      this.#isFailed = true;
      this.#isStopped = true;
      this.#options.onFailure(cause);
      return;
    }
    this.#writingCount -= 1;
    this.#options.publish(verified);
  }
}
