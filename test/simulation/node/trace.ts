/** A running hash over everything that happens: two runs of one seed must come out the same. */

export interface Trace {
  readonly note: (what: string, ...numbers: readonly number[]) => void;
  /** Eight hexadecimal digits. */
  readonly digest: () => string;
  readonly length: () => number;
}

export function emptyTrace(): Trace {
  let hash = 0x811c9dc5;
  let count = 0;
  const mix = (value: number): void => {
    hash = Math.imul(hash ^ (value | 0), 0x01000193);
    hash ^= hash >>> 15;
  };
  return {
    note: (what, ...numbers) => {
      count += 1;
      for (let index = 0; index < what.length; index += 1) mix(what.charCodeAt(index));
      for (const number of numbers) mix(Math.floor(number * 16));
    },
    digest: () => (hash >>> 0).toString(16).padStart(8, '0'),
    length: () => count,
  };
}
