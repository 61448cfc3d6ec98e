/** Days of a region: every act of every prescription in the order of its time, and the settlement at the end. All of it from a seed. */
import type { MemberName, Timestamp } from '../../protocol/brand.ts';
import type { TimedAct } from './act.ts';
import { lifeOf, type Life, type Step } from './life.ts';
import { aCase, dayMs, hourMs, newId } from './prescribing.ts';
import { seededRandom, type Random } from './random.ts';
import type { Region } from './region.ts';

export interface DaysOptions {
  readonly seed: number;
  /** Midnight UTC of the first day. */
  readonly start: Timestamp;
  readonly dayCount: number;
  /** New prescriptions a day, between 8 and 20 o'clock. */
  readonly prescriptionsPerDay: number;
}

interface Running {
  readonly life: Life;
  readonly number: number;
  next: Step;
}

/** Acts in the order of time; what follows from the prescriptions of the days, though it be after them, comes too. */
export function* actsOfDays(region: Region, options: DaysOptions): Generator<TimedAct, void> {
  const random = seededRandom(options.seed);
  const births = birthTimes(random, options);
  const running = new Queue();
  let number = 0;
  let born = births.next();
  for (;;) {
    const soonest = running.peek();
    if (born.done !== true && (soonest === null || born.value <= soonest.next.at)) {
      const own = seededRandom(random.below(2 ** 31), `${options.seed}/${number}`);
      const one = aCase(region, own, { issuedAt: born.value, moment: null });
      running.start(lifeOf(one), number);
      number += 1;
      born = births.next();
    } else if (soonest === null) {
      return;
    } else {
      yield { ...soonest.next.act, at: soonest.next.at as Timestamp, id: newId(random) };
      running.advance();
    }
  }
}

/** Spread over the open hours of each day, in order. */
function* birthTimes(random: Random, options: DaysOptions): Generator<number, void> {
  for (let day = 0; day < options.dayCount; day += 1) {
    const open = options.start + day * dayMs + 8 * hourMs;
    const times = Array.from({ length: options.prescriptionsPerDay }, () => open + random.below(12 * hourMs));
    yield* times.toSorted((a, b) => a - b);
  }
}

/** A binary heap by the time of the next act, then by number, so that the order never depends on how it was filled. */
class Queue {
  readonly #heap: Running[] = [];

  peek(): Running | null {
    return this.#heap[0] ?? null;
  }

  start(life: Life, number: number): void {
    const first = life.next();
    if (first.done === true) return;
    this.#heap.push({ life, number, next: first.value });
    this.#rise(this.#heap.length - 1);
  }

  /** The first one goes on to its next act, or ends. */
  advance(): void {
    const [first] = this.#heap;
    if (first === undefined) return;
    const step = first.life.next();
    if (step.done === true) {
      const last = this.#heap.pop();
      if (last !== undefined && last !== first) this.#heap[0] = last;
    } else {
      first.next = step.value;
    }
    this.#sink();
  }

  #rise(from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(): void {
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      let soonest = at;
      if (left < this.#heap.length && this.#isBefore(left, soonest)) soonest = left;
      if (right < this.#heap.length && this.#isBefore(right, soonest)) soonest = right;
      if (soonest === at) return;
      this.#swap(at, soonest);
      at = soonest;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one === undefined || other === undefined) return false;
    return one.next.at < other.next.at || (one.next.at === other.next.at && one.number < other.number);
  }

  #swap(a: number, b: number): void {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one === undefined || other === undefined) return;
    this.#heap[a] = other;
    this.#heap[b] = one;
  }
}

/** Every pair that can have claims: insurers and pharmacies, in the order of the region. */
export function pairsOf({ insurers, pharmacies }: Region): readonly {
  readonly insurer: MemberName;
  readonly pharmacy: MemberName;
}[] {
  return insurers.flatMap((insurer) =>
    pharmacies.map((pharmacy) => ({ insurer: insurer.name, pharmacy: pharmacy.name })),
  );
}
