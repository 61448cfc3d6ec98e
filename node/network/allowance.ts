/** How much a peer may cost us: so much at once, and so much a second for ever. A bucket that leaks; time comes from the caller. */

export interface AllowanceLimits {
  readonly burst: number;
  readonly perSecond: number;
}

export class Allowance {
  readonly #limits: AllowanceLimits;
  #used = 0;
  #at: number;

  /** `now` in milliseconds, on a clock that never goes back. */
  constructor(limits: AllowanceLimits, now: number) {
    this.#limits = limits;
    this.#at = now;
  }

  /** Takes it in any case. Milliseconds until what was taken fits again; 0 while it does. */
  take(cost: number, now: number): number {
    const { burst, perSecond } = this.#limits;
    this.#used = Math.max(0, this.#used - ((now - this.#at) * perSecond) / 1_000) + cost;
    this.#at = now;
    return this.#used <= burst ? 0 : ((this.#used - burst) / perSecond) * 1_000;
  }
}
