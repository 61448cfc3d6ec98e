/**
 * Finality to disk: certified blocks in their order, each executed exactly as its header says, written as one atomic synced batch
 * (W4). A certified block that we cannot reproduce is a broken invariant: the node stops before it writes anything.
 */
import { headerDigest, type Block, type Header } from '../protocol/block.ts';
import type { Digest, MemberName } from '../protocol/brand.ts';
import type { Certificate } from '../protocol/certificate.ts';
import { invariant } from '../protocol/invariant.ts';
import type { Cancel, Clock } from './clock.ts';
import type { ExecutedBlock, Executor, LedgerTip } from './executor.ts';
import type { Fetcher } from './fetcher.ts';
import type { Pool } from './pool.ts';
import type { CommitEntry } from './storage/ledgerCommit.ts';

const retryMs = 250;

/** What consensus orders to be written. */
export interface Finality {
  /** Ascending and contiguous. */
  readonly blocks: readonly Block[];
  /** Of the last block, if that closes its epoch and became final so. */
  readonly extension: Block | null;
  /** CC of the extension, or of the last block. */
  readonly certificate: Certificate;
}

export interface CommitterPorts {
  readonly clock: Clock;
  readonly ledger: {
    readonly head: () => LedgerTip;
    readonly commit: (entries: readonly CommitEntry[]) => Promise<void>;
  };
  readonly executor: Executor;
  readonly pool: Pool;
  readonly fetcher: Fetcher;
  readonly leaderOf: (block: Block) => readonly MemberName[];
  /** A CC that came with a block below the last one, or null. */
  readonly certificateOf: (digest: Digest) => Certificate | null;
  /** Makes the bodies of these blocks durable before the ledger says that they are final. */
  readonly storeBatches: (digests: readonly Digest[]) => Promise<void>;
  readonly onCommitted: (entries: readonly CommitEntry[]) => void;
  readonly onFailure: (cause: unknown) => void;
}

export class Committer {
  readonly #ports: CommitterPorts;
  #chain: Promise<void> = Promise.resolve();
  #waiting = 0;
  #isStopped = false;
  #cancelRetry: Cancel = () => undefined;
  #wakeRetry: () => void = () => undefined;

  constructor(ports: CommitterPorts) {
    this.#ports = ports;
  }

  /** Commits that are ordered and not written yet. */
  get waiting(): number {
    return this.#waiting;
  }

  commit(finality: Finality): void {
    this.#waiting += 1;
    this.#chain = this.#after(this.#chain, finality);
  }

  async idle(): Promise<void> {
    await this.#chain;
  }

  /** Lets the write under way end, and starts no other. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelRetry();
    this.#wakeRetry();
    await this.#chain;
  }

  async #after(before: Promise<void>, finality: Finality): Promise<void> {
    await before;
    try {
      if (!this.#isStopped) await this.#write(finality);
    } catch (cause) {
      this.#isStopped = true;
      this.#ports.onFailure(cause);
    } finally {
      this.#waiting -= 1;
    }
  }

  async #write({ blocks, extension, certificate }: Finality): Promise<void> {
    const { ledger, executor, pool } = this.#ports;
    const fresh = blocks.filter((block) => block.header.height > ledger.head().height);
    const entries: CommitEntry[] = [];
    const executed: ExecutedBlock[] = [];
    for (const block of fresh) {
      const one = await this.#execute(block);
      if (one === null) return;
      const isLast = block === fresh.at(-1);
      executed.push(one);
      const own = isLast ? certificate : this.#ports.certificateOf(one.digest);
      entries.push(entryOf(one, own, isLast ? (extension?.header ?? null) : null));
    }
    const last = entries.at(-1);
    if (last === undefined) return;
    const certified = last.extension === null ? last.digest : headerDigest(last.extension);
    invariant(certified === certificate.digest, 'the certificate is not of the last block');
    await this.#ports.storeBatches(entries.flatMap((entry) => entry.block.batchDigests));
    await ledger.commit(entries);
    executor.finalize(last.block.header.height);
    for (const one of executed) {
      for (const { batch } of one.batches) pool.finalize(batch.member, batch.sequence);
      pool.forget(one.block.batchDigests);
    }
    this.#ports.onCommitted(entries);
  }

  /** Waits for bodies for as long as it takes: the block is final, so f+1 honest members hold them. Null once stopped. */
  async #execute(block: Block): Promise<ExecutedBlock | null> {
    const { executor, fetcher } = this.#ports;
    const digest = headerDigest(block.header);
    while (!this.#isStopped) {
      const known = executor.get(digest);
      if (known !== null) return known;
      if (await fetcher.batches(block.batchDigests, this.#ports.leaderOf(block))) {
        const verdict = executor.execute(block, digest);
        if (verdict.ok) return verdict.value;
        invariant(
          verdict.refusal.code === 'batchUnknown',
          `block ${block.header.height} is certified and we cannot reproduce it: ${verdict.refusal.code} ${verdict.refusal.detail ?? ''}`,
        );
      }
      await this.#pause();
    }
    return null;
  }

  async #pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wakeRetry = resolve;
      this.#cancelRetry = this.#ports.clock.after(retryMs, resolve);
    });
  }
}

function entryOf(
  executed: ExecutedBlock,
  certificate: Certificate | null,
  extension: Header | null,
): CommitEntry {
  const { block, digest, execution, batches } = executed;
  const locations = execution.origins.map(({ batch, position }) => {
    const origin = batches[batch];
    invariant(origin !== undefined, 'a receipt names a batch that the block does not have');
    return { batchDigest: origin.batch.digest, position };
  });
  return {
    block,
    digest,
    certificate,
    extension,
    receipts: execution.receipts,
    receiptBytes: execution.receiptBytes,
    writes: execution.writes,
    subjects: execution.subjects,
    locations,
  };
}
