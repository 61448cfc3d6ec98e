/** A ledger in memory that executes acts in blocks, and keeps of each what it answered. */
import { unsignedTransaction, type TimedAct } from '../../../devnet/generator/act.ts';
import type { Region } from '../../../devnet/generator/region.ts';
import type { Digest, Height, MemberName, Sequence, Timestamp, Verified } from '../../../protocol/brand.ts';
import { executeBlock, type LaneBatch } from '../../../protocol/ledger.ts';
import type { SeenId, StateView, StateWrites } from '../../../protocol/state.ts';
import type { Transaction } from '../../../protocol/transaction.ts';
import { genesisState } from '../../../protocol/genesisBlock.ts';

export interface Answer {
  readonly act: TimedAct;
  readonly code: string | null;
}

/** Acts within so much time are one block. */
const blockMs = 60_000;
const blockActsMax = 400;
export const rootEveryBlocks = 1_000;

export class Book {
  readonly #region: Region;
  readonly #records = new Map<string, Uint8Array>();
  readonly #pages = new Map<string, Uint8Array>();
  readonly #seen = new Map<string, SeenId>();
  readonly #sequences = new Map<MemberName, number>();
  #pending: TimedAct[] = [];
  #height = 0;
  #timeMs: number;
  #stateRoot: Digest;
  #executeMs = 0;
  /** State roots by height, every `rootEveryBlocks`. */
  readonly roots: Map<number, Digest> = new Map();

  readonly view: StateView = {
    get: (key) => this.#records.get(key) ?? null,
    page: (path) => this.#pages.get(path) ?? null,
    seen: (key) => this.#seen.get(key) ?? null,
  };

  constructor(region: Region) {
    this.#region = region;
    const { writes, root } = genesisState(region.genesis);
    this.#timeMs = region.genesis.createdAt;
    this.#stateRoot = root;
    this.#keep(writes);
  }

  get stateRoot(): Digest {
    return this.#stateRoot;
  }

  get height(): number {
    return this.#height;
  }

  get timeMs(): number {
    return this.#timeMs;
  }

  /** Time that execution alone took. */
  get executeMs(): number {
    return this.#executeMs;
  }

  /** Answers come when the block is full. */
  add(act: TimedAct): readonly Answer[] {
    const first = this.#pending[0];
    const isFull =
      first !== undefined && (act.at - first.at >= blockMs || this.#pending.length >= blockActsMax);
    const answers = isFull ? this.flush() : [];
    this.#pending.push(act);
    return answers;
  }

  flush(): readonly Answer[] {
    const acts = this.#pending;
    const last = acts.at(-1);
    if (last === undefined) return [];
    this.#pending = [];
    this.#height += 1;
    this.#timeMs = Math.max(this.#timeMs + 1, last.at);
    const { batches, order } = this.#batchesOf(acts);
    const context = {
      chainId: this.#region.chainId,
      height: this.#height as Height,
      timeMs: this.#timeMs as Timestamp,
      parentDigest: this.#region.chainId,
    };
    const start = performance.now();
    const execution = executeBlock(this.view, context, batches);
    this.#executeMs += performance.now() - start;
    this.#stateRoot = execution.stateRoot;
    this.#keep(execution.writes);
    if (this.#height % rootEveryBlocks === 0) this.roots.set(this.#height, execution.stateRoot);
    if (execution.receipts.length !== acts.length) throw new Error('an act without a receipt');
    return execution.receipts.map((receipt, index) => {
      const act = order[index];
      if (act === undefined) throw new Error('a receipt without an act');
      return { act, code: receipt.code };
    });
  }

  /** One batch for each run of acts of one member, so that the order of time is the order of execution. */
  #batchesOf(acts: readonly TimedAct[]): {
    readonly batches: readonly LaneBatch[];
    readonly order: readonly TimedAct[];
  } {
    const batches: { member: MemberName; sequence: Sequence; transactions: Verified<Transaction>[] }[] = [];
    for (const act of acts) {
      const transaction = unsignedTransaction(this.#region.chainId, act) as Verified<Transaction>;
      const newest = batches.at(-1);
      if (newest?.member === act.member) newest.transactions.push(transaction);
      else
        batches.push({ member: act.member, sequence: this.#next(act.member), transactions: [transaction] });
    }
    return { batches, order: acts };
  }

  #next(member: MemberName): Sequence {
    const sequence = (this.#sequences.get(member) ?? 0) + 1;
    this.#sequences.set(member, sequence);
    return sequence as Sequence;
  }

  #keep({ records, pages, seen }: StateWrites): void {
    for (const [key, value] of records) put(this.#records, key, value);
    for (const [path, page] of pages) put(this.#pages, path, page);
    for (const row of seen) this.#seen.set(row.key, row);
    if (this.#height % 1_000 === 0) this.#forget();
  }

  /** Ids whose time is over, as a node's store does. */
  #forget(): void {
    for (const [key, row] of this.#seen) if (row.until < this.#timeMs) this.#seen.delete(key);
  }
}

function put(map: Map<string, Uint8Array>, key: string, value: Uint8Array | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}
