/** Waiting in tests: for a condition, with a deadline, never for a time. */

const pollMs = 10;

/** Resolves as soon as `isTrue()` holds. Throws after `deadlineMs`, naming what did not happen. */
export async function until(what: string, isTrue: () => boolean, deadlineMs = 20_000): Promise<void> {
  const endsAt = performance.now() + deadlineMs;
  while (!isTrue()) {
    if (performance.now() > endsAt) throw new Error(`did not happen within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
