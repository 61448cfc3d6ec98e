/** The clock port: wall time for block times, monotonic time for timers. The simulator puts its own behind it. */

export type Cancel = () => void;

export interface Clock {
  /** Unix milliseconds; may jump. */
  readonly wallMs: () => number;
  /** Milliseconds from an arbitrary start; never goes back. */
  readonly monotonicMs: () => number;
  /** Runs `action` once after `delayMs`, unless cancelled. */
  readonly after: (delayMs: number, action: () => void) => Cancel;
  /** Runs `action` after what already waits, so that a long task gives others their turn. */
  readonly soon: (action: () => void) => void;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
  soon: (action) => {
    setImmediate(action);
  },
};
