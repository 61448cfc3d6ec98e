/** A small seeded generator (mulberry32): the only source of chance of the generator and of the simulators, so a seed reproduces a run. Never for keys. */

import { utf8ToBytes } from '../../protocol/bytes.ts';
import { plainHash } from '../../protocol/hash.ts';

export interface Random {
  /** A whole number from 0 to `bound` - 1. */
  readonly below: (bound: number) => number;
  readonly chance: (probability: number) => boolean;
  /** From 0 to 1, 1 excluded. */
  readonly fraction: () => number;
  readonly pick: <T>(items: readonly T[]) => T;
  /** At most 32, different at each call and in each stream; for what must differ, not for what must be secret. */
  readonly bytes: (count: number) => Uint8Array;
}

/** A seed for those who have a text for one. */
export function seedOfText(text: string): number {
  const [a = 0, b = 0, c = 0, d = 0] = plainHash(utf8ToBytes(text));
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

/** `label` tells streams apart whose seeds are equal by chance. */
export function seededRandom(seed: number, label = ''): Random {
  let drawn = 0;
  let state = Math.imul(seed + 1, 2_654_435_761) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const fraction = (): number => next() / 4_294_967_296;
  return {
    below: (bound) => next() % bound,
    chance: (probability) => fraction() < probability,
    fraction,
    pick: <T>(items: readonly T[]): T => {
      const item = items[next() % items.length];
      if (item === undefined) throw new Error('nothing to pick from');
      return item;
    },
    // Not from the stream: its state has 32 bits, so that two of many streams run into each other, and ids must never be equal.
    bytes: (count) => {
      drawn += 1;
      return plainHash(utf8ToBytes(`${label}/${seed}/${drawn}`)).subarray(0, count);
    },
  };
}
