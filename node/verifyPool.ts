/**
 * Signatures verified in threads, so that the event loop stays free. Items of several calls travel in one chunk when the
 * threads are busy; a few items on an idle pool are verified at once, because the way to a thread and back costs as much as
 * one verification. A thread that dies is replaced and its chunks are verified again.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { ed25519 } from './ed25519.ts';
import { packChunk, type VerifyItem } from './verifyChunk.ts';

/** Items that wait or are in work; one more is a failure `busy`. */
export const verifyQueueItemsMax = 32_768;
const chunkItemsMax = 256;
/** A thread gets its next chunk before it finished the last, but only if that is worth a message. */
const chunkItemsMinAhead = 64;
const chunksInWorkMax = 2;
/** Verified on the event loop in one turn of it: a quarter of a millisecond. */
const inlineItemsMax = 4;
const attemptsMax = 3;
const threadsMax = 16;

export type VerifyPoolFailureCode = 'busy' | 'stopped' | 'threadDied';

export class VerifyPoolFailure extends Error {
  override readonly name = 'VerifyPoolFailure';
  readonly code: VerifyPoolFailureCode;

  constructor(code: VerifyPoolFailureCode, options: ErrorOptions) {
    super(`signatures were not verified: ${code}`, options);
    this.code = code;
  }
}

export interface VerifyPool {
  /** Verdicts in the order of the items. Rejects with `VerifyPoolFailure`. */
  readonly verify: (items: readonly VerifyItem[]) => Promise<readonly boolean[]>;
  /** Items that are waiting or being verified. */
  readonly itemCount: () => number;
  /** Calls that were not answered reject with `stopped`. */
  readonly stop: () => Promise<void>;
}

export interface VerifyPoolOptions {
  /** Null: one fewer than there are cores, at least one. */
  readonly threads: number | null;
  /** Tests give threads that die. */
  readonly spawn?: () => Worker;
}

export function startVerifyPool(options: VerifyPoolOptions): VerifyPool {
  const pool = new Pool(options.threads ?? defaultThreads(), options.spawn ?? spawnWorker);
  return {
    verify: (items) => pool.verify(items),
    itemCount: () => pool.itemCount(),
    stop: () => pool.stop(),
  };
}

/** One call of `verify` on its way. */
interface Call {
  readonly items: readonly VerifyItem[];
  readonly verdicts: boolean[];
  /** Items before this index are in a chunk. */
  sentCount: number;
  answeredCount: number;
  readonly resolve: (verdicts: readonly boolean[]) => void;
  readonly reject: (failure: VerifyPoolFailure) => void;
}

interface Slice {
  readonly call: Call;
  readonly start: number;
  readonly end: number;
}

interface Chunk {
  readonly slices: readonly Slice[];
  attempts: number;
}

interface Thread {
  /** Null until there is work, and after a death. */
  worker: Worker | null;
  /** In the order sent, which is the order of the answers. */
  inWork: Chunk[];
}

class Pool {
  readonly #threads: readonly Thread[];
  readonly #spawn: () => Worker;
  #waiting: Call[] = [];
  /** Chunks of a thread that died. */
  #again: Chunk[] = [];
  #itemCount = 0;
  #waitingItemCount = 0;
  #inlineItemsLeft = inlineItemsMax;
  #isDispatchScheduled = false;
  #isStopped = false;

  constructor(threads: number, spawn: () => Worker) {
    const count = Math.min(Math.max(1, threads), threadsMax);
    this.#threads = Array.from({ length: count }, () => ({ worker: null, inWork: [] }));
    this.#spawn = spawn;
  }

  verify(items: readonly VerifyItem[]): Promise<readonly boolean[]> {
    if (this.#isStopped) return Promise.reject(new VerifyPoolFailure('stopped', {}));
    if (items.length === 0) return Promise.resolve([]);
    if (this.#itemCount + items.length > verifyQueueItemsMax)
      return Promise.reject(new VerifyPoolFailure('busy', {}));
    return new Promise((resolve, reject) => {
      const verdicts = items.map(() => false);
      this.#waiting.push({ items, verdicts, sentCount: 0, answeredCount: 0, resolve, reject });
      this.#itemCount += items.length;
      this.#waitingItemCount += items.length;
      this.#scheduleDispatch();
    });
  }

  itemCount(): number {
    return this.#itemCount;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    const chunks = [...this.#again, ...this.#threads.flatMap((thread) => thread.inWork)];
    const calls = new Set([
      ...chunks.flatMap((chunk) => chunk.slices.map((slice) => slice.call)),
      ...this.#waiting,
    ]);
    this.#waiting = [];
    this.#again = [];
    for (const call of calls) call.reject(new VerifyPoolFailure('stopped', {}));
    const workers = this.#threads.flatMap((thread) => thread.worker ?? []);
    for (const thread of this.#threads) {
      thread.worker = null;
      thread.inWork = [];
    }
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  /** After the calls of this turn, so that they share a chunk. */
  #scheduleDispatch(): void {
    if (this.#isDispatchScheduled) return;
    this.#isDispatchScheduled = true;
    queueMicrotask(() => {
      this.#isDispatchScheduled = false;
      if (this.#isStopped) return;
      if (this.#mayVerifyInline()) this.#verifyInline();
      else this.#dispatch();
    });
  }

  #mayVerifyInline(): boolean {
    const isIdle = this.#again.length === 0 && this.#threads.every((thread) => thread.inWork.length === 0);
    return isIdle && this.#waitingItemCount <= this.#inlineItemsLeft;
  }

  #verifyInline(): void {
    if (this.#inlineItemsLeft === inlineItemsMax) {
      setImmediate(() => {
        this.#inlineItemsLeft = inlineItemsMax;
      });
    }
    this.#inlineItemsLeft -= this.#waitingItemCount;
    const calls = this.#waiting;
    this.#waiting = [];
    this.#waitingItemCount = 0;
    for (const call of calls) {
      this.#itemCount -= call.items.length;
      call.resolve(call.items.map((item) => ed25519.verify(item.message, item.signature, item.key)));
    }
  }

  #dispatch(): void {
    for (;;) {
      const thread = this.#threads.toSorted((a, b) => a.inWork.length - b.inWork.length)[0];
      if (thread === undefined || thread.inWork.length >= chunksInWorkMax) return;
      const isAhead = thread.inWork.length > 0;
      if (isAhead && this.#again.length === 0 && this.#waitingItemCount < chunkItemsMinAhead) return;
      const chunk = this.#again.shift() ?? this.#takeChunk();
      if (chunk === null) return;
      this.#send(thread, chunk);
    }
  }

  /** The next items in the order they came, across calls; null if none wait. */
  #takeChunk(): Chunk | null {
    const slices: Slice[] = [];
    let room = chunkItemsMax;
    for (let call = this.#waiting[0]; call !== undefined && room > 0; call = this.#waiting[0]) {
      const start = call.sentCount;
      const end = Math.min(call.items.length, start + room);
      slices.push({ call, start, end });
      call.sentCount = end;
      room -= end - start;
      this.#waitingItemCount -= end - start;
      if (end === call.items.length) this.#waiting.shift();
    }
    return slices.length === 0 ? null : { slices, attempts: 0 };
  }

  #send(thread: Thread, chunk: Chunk): void {
    const buffer = packChunk(chunk.slices.flatMap(({ call, start, end }) => call.items.slice(start, end)));
    const worker = thread.worker ?? this.#start(thread);
    chunk.attempts += 1;
    thread.inWork.push(chunk);
    // Only work keeps the process alive, not an idle thread.
    worker.ref();
    worker.postMessage(buffer, [buffer]);
  }

  #start(thread: Thread): Worker {
    const worker = this.#spawn();
    let cause: unknown = null;
    thread.worker = worker;
    worker.on('message', (buffer: ArrayBuffer) => {
      if (thread.worker === worker) this.#onAnswer(thread, new Uint8Array(buffer));
    });
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', () => {
      if (thread.worker === worker) this.#onDeath(thread, cause);
    });
    return worker;
  }

  #onAnswer(thread: Thread, verdicts: Uint8Array): void {
    const chunk = thread.inWork.shift();
    if (chunk === undefined) return;
    if (thread.inWork.length === 0) thread.worker?.unref();
    let offset = 0;
    for (const { call, start, end } of chunk.slices) {
      for (let index = start; index < end; index += 1) {
        call.verdicts[index] = verdicts[offset] === 1;
        offset += 1;
      }
      call.answeredCount += end - start;
      this.#itemCount -= end - start;
      if (call.answeredCount === call.items.length) call.resolve(call.verdicts);
    }
    this.#dispatch();
  }

  #onDeath(thread: Thread, cause: unknown): void {
    const chunks = thread.inWork;
    thread.worker = null;
    thread.inWork = [];
    for (const chunk of chunks) {
      if (chunk.attempts < attemptsMax) this.#again.push(chunk);
      else this.#fail(chunk, cause);
    }
    this.#dispatch();
  }

  /** Every call that has an item in the chunk; its items in other chunks are still answered, to nobody. */
  #fail(chunk: Chunk, cause: unknown): void {
    for (const { call, start, end } of chunk.slices) {
      const waitingCount = call.items.length - call.sentCount;
      this.#waiting = this.#waiting.filter((other) => other !== call);
      this.#waitingItemCount -= waitingCount;
      this.#itemCount -= waitingCount + (end - start);
      call.sentCount = call.items.length;
      call.reject(new VerifyPoolFailure('threadDied', { cause }));
    }
  }
}

function spawnWorker(): Worker {
  return new Worker(new URL('./verifyWorker.js', import.meta.url), { name: 'verify' });
}

function defaultThreads(): number {
  return Math.max(1, availableParallelism() - 1);
}
