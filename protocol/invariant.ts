/** Broken invariants: a fact about our own code turned out false. The node stops; nobody catches this. */

export class BrokenInvariant extends Error {
  override readonly name = 'BrokenInvariant';
}

/** Asserts one fact that our own code guarantees. Never used on what a peer or a client may have sent. */
export function invariant(claim: boolean, message: string): asserts claim {
  if (!claim) throw new BrokenInvariant(message);
}

/** The value is there because our own code put it there. */
export function present<T>(value: T | null | undefined, message: string): T {
  if (value === null || value === undefined) throw new BrokenInvariant(message);
  return value;
}

/** Exhaustiveness: a new case of a union stops compiling where it is not handled. */
export function unreachable(value: never): never {
  throw new BrokenInvariant(`unreachable case: ${String(value)}`);
}
