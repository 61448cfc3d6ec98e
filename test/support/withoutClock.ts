import assert from 'node:assert/strict';

/** Runs where nobody can ask for the time, or for chance. */
export function withoutClock<T>(run: () => T): T {
  const { Date: date, performance: timer } = globalThis;
  const { random } = Math;
  const ask = (): never => assert.fail('I14: the time was asked for');
  try {
    globalThis.Date = new Proxy(date, { construct: ask, apply: ask, get: ask });
    Object.defineProperty(globalThis, 'performance', {
      value: { now: ask },
      configurable: true,
      writable: true,
    });
    Math.random = ask;
    return run();
  } finally {
    globalThis.Date = date;
    Object.defineProperty(globalThis, 'performance', { value: timer, configurable: true, writable: true });
    Math.random = random;
  }
}
