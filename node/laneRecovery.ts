/**
 * A node whose stores were lost does not know how far its lane reaches: what it signed may be final, or wait at the others. A sequence
 * used twice is evidence against it, so it seals no batch before enough voters, none of them ahead of it, gave back what they
 * hold of its lane: any batch of ours that can still be ordered is on the disk of one of them (R3).
 */
import type { Height, MemberName } from '../protocol/brand.ts';
import { faultyMax } from '../protocol/certificate.ts';
import type { VoterSet } from '../protocol/member.ts';
import type { Fetcher } from './fetcher.ts';
import type { PeerBook } from './peerBook.ts';
import type { Pool } from './pool.ts';
import type { BatchStore } from './storage/batches.ts';

export interface LaneRecoveryPorts {
  readonly own: MemberName;
  readonly voters: () => VoterSet;
  readonly stores: {
    readonly ledger: { readonly head: () => { readonly height: Height } };
    readonly batches: Pick<BatchStore, 'isLaneKnown' | 'findLane'>;
  };
  readonly pool: Pick<Pool, 'highest'>;
  readonly peerBook: Pick<PeerBook, 'entry'>;
  readonly fetcher: Pick<Fetcher, 'wholeLane'>;
  /** The lane is known: no batch below this sequence from here on. */
  readonly continueAt: (sequence: number) => void;
  readonly onFailure: (cause: unknown) => void;
}

export class LaneRecovery {
  readonly #ports: LaneRecoveryPorts;
  readonly #heard = new Set<MemberName>();
  #isKnown: boolean;
  #isRunning = false;

  constructor(ports: LaneRecoveryPorts) {
    this.#ports = ports;
    this.#isKnown = ports.stores.batches.isLaneKnown();
  }

  /** True if batches can be sealed. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** Asks those that were not heard yet; called every now and then until the lane is known. */
  tick(): void {
    if (this.#isKnown || this.#isRunning) return;
    this.#isRunning = true;
    this.#run()
      .catch(this.#ports.onFailure)
      .finally(() => {
        this.#isRunning = false;
      });
  }

  async #run(): Promise<void> {
    const { own, voters, stores, pool, peerBook, fetcher, continueAt } = this.#ports;
    const { voters: all } = voters();
    const others = all.map(({ name }) => name).filter((name) => name !== own);
    for (const name of others) {
      const entry = peerBook.entry(name);
      if (this.#heard.has(name) || entry === null) continue;
      if (entry.status.finalHeight > stores.ledger.head().height) continue;
      if (await fetcher.wholeLane(name, own)) this.#heard.add(name);
    }
    if (others.filter((name) => this.#heard.has(name)).length < others.length - faultyMax(all.length)) return;
    await stores.batches.findLane();
    continueAt(pool.highest(own) + 1);
    this.#isKnown = true;
  }
}
