/** The one final chain as the first machine to write each block had it: in memory, where no fault of a disk reaches it. */
import { mayChangeAdmission } from '../../../node/admission.ts';
import type { CommitEntry } from '../../../node/storage/ledgerCommit.ts';
import type { Digest, MemberName } from '../../../protocol/brand.ts';
import type { Genesis } from '../../../protocol/genesis.ts';
import { genesisState } from '../../../protocol/genesisBlock.ts';
import type { VoterSet } from '../../../protocol/member.ts';
import { memberNames, readMember } from '../../../protocol/membership.ts';
import type { Receipt } from '../../../protocol/receipt.ts';
import type { RecordReader } from '../../../protocol/record.ts';
import { currentVoterSet } from '../../../protocol/voterSet.ts';
import { check } from '../checks.ts';

/** A block of which an earlier one was not seen yet: its machine died as that one was written. */
const waitingMax = 64;

export class FinalChain implements RecordReader {
  readonly #records: Map<string, Uint8Array>;
  readonly #receipts = new Map<Digest, Receipt>();
  readonly #waiting = new Map<number, CommitEntry>();
  #active: ReadonlySet<MemberName> = new Set();
  #voters: VoterSet;
  height = 0;

  constructor(genesis: Genesis) {
    this.#records = new Map(
      [...genesisState(genesis).writes.records].flatMap(([key, record]) =>
        record === null ? [] : [[key, record] as const],
      ),
    );
    this.#voters = currentVoterSet(this);
    this.#readMembers();
  }

  /** A record of the newest state. */
  get(key: string): Uint8Array | null {
    return this.#records.get(key) ?? null;
  }

  /** Of the epoch in force after the newest block. */
  get voters(): VoterSet {
    return this.#voters;
  }

  /** Members that are let in: active ones, and voters whatever became of them. */
  get admitted(): ReadonlySet<MemberName> {
    return this.#active;
  }

  receiptOf(txId: Digest): Receipt | null {
    return this.#receipts.get(txId) ?? null;
  }

  /** Gives what is new by this entry, in the order of heights: nothing, while a block below it was not seen. */
  take(entry: CommitEntry): readonly CommitEntry[] {
    if (entry.block.header.height <= this.height) return [];
    this.#waiting.set(entry.block.header.height, entry);
    check(this.#waiting.size <= waitingMax, 'final blocks without those below them');
    const taken: CommitEntry[] = [];
    for (
      let next = this.#waiting.get(this.height + 1);
      next !== undefined;
      next = this.#waiting.get(this.height + 1)
    ) {
      this.#apply(next);
      taken.push(next);
    }
    return taken;
  }

  #apply(entry: CommitEntry): void {
    this.height = entry.block.header.height;
    this.#waiting.delete(this.height);
    for (const [key, record] of entry.writes.records) {
      if (record === null) this.#records.delete(key);
      else this.#records.set(key, record);
    }
    for (const receipt of entry.receipts) {
      // A transaction that was executed once is refused a second time; the first word counts.
      if (!this.#receipts.has(receipt.txId)) this.#receipts.set(receipt.txId, receipt);
    }
    if (mayChangeAdmission([entry])) this.#readMembers();
  }

  #readMembers(): void {
    this.#voters = currentVoterSet(this);
    const active = memberNames(this).filter((name) => readMember(this, name)?.status === 'active');
    this.#active = new Set([...active, ...this.#voters.voters.map(({ name }) => name)]);
  }
}
