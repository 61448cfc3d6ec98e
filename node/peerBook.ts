/** What the other members said of themselves last, and when: for catching up, for the clock's offset, for the sentence in `status`. */
import type { Height, MemberName, Timestamp } from '../protocol/brand.ts';
import type { Status } from '../protocol/message.ts';
import type { Clock } from './clock.ts';

export interface PeerEntry {
  readonly name: MemberName;
  readonly status: Status;
  /** Our wall clock when it came. */
  readonly heardAt: Timestamp;
  /** Its clock less ours, in ms; the way of the message counts against it. */
  readonly offsetMs: number;
}

export class PeerBook {
  readonly #clock: Clock;
  readonly #entries = new Map<MemberName, PeerEntry>();
  readonly #heardAt = new Map<MemberName, Timestamp>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  heard(name: MemberName): void {
    this.#heardAt.set(name, Math.floor(this.#clock.wallMs()) as Timestamp);
  }

  status(name: MemberName, status: Status): void {
    const heardAt = Math.floor(this.#clock.wallMs()) as Timestamp;
    this.#entries.set(name, { name, status, heardAt, offsetMs: status.timeMs - heardAt });
  }

  entry(name: MemberName): PeerEntry | null {
    return this.#entries.get(name) ?? null;
  }

  /** Null if never heard since the start. */
  lastHeardAt(name: MemberName): Timestamp | null {
    return this.#heardAt.get(name) ?? null;
  }

  /** Members that say they have more final blocks than `height`, the furthest first. */
  ahead(height: Height): readonly MemberName[] {
    return [...this.#entries.values()]
      .filter((entry) => entry.status.finalHeight > height)
      .toSorted((a, b) => b.status.finalHeight - a.status.finalHeight)
      .map((entry) => entry.name);
  }

  /** Median of the peers' clocks less ours, in ms; 0 without peers. */
  medianOffsetMs(): number {
    const offsets = [...this.#entries.values()].map((entry) => entry.offsetMs).toSorted((a, b) => a - b);
    return offsets[Math.floor(offsets.length / 2)] ?? 0;
  }
}
