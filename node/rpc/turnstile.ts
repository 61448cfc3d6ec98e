/** Lets one at a time through, in the order of arrival. Long reads side by side would keep votes waiting for all of them at once. */
export interface Turnstile {
  /** What the work gives; null at once if too many wait. */
  readonly pass: <T>(work: () => Promise<T>) => Promise<T | null>;
}

/** `countMax` counts whoever waits and who is inside. */
export function turnstile(countMax: number): Turnstile {
  let last: Promise<void> = Promise.resolve();
  let count = 0;
  return {
    pass: async (work) => {
      if (count >= countMax) return null;
      count += 1;
      const turn = last.then(work);
      const leave = (): void => {
        count -= 1;
      };
      last = turn.then(leave, leave);
      return turn;
    },
  };
}
