/**
 * Writes that this node built, by the caller's id. A call that is repeated after a lost answer gets the bytes of the first one, and so
 * its outcome; other parameters under the same id are refused. Secrets of a patient may be in it, so entries are forgotten soon.
 */
import { createHash } from 'node:crypto';
import type { Digest, Id, Timestamp } from '../../protocol/brand.ts';
import type { Outcome } from './errors.ts';
import { rememberedMsMax, rememberedWritesMax } from './limits.ts';

export interface BuiltWrite {
  readonly txId: Digest;
  readonly envelopeBytes: Uint8Array;
  readonly notAfter: Timestamp;
  /** What the answer adds to the status, for example the token of a new prescription. JSON. */
  readonly extra: Readonly<Record<string, unknown>>;
}

interface Entry {
  readonly fingerprint: string;
  readonly built: Promise<Outcome<BuiltWrite>>;
  readonly createdAt: Timestamp;
}

export interface WriteMemory {
  /** The first call's write, or null if the same id came with other parameters. */
  readonly once: (
    key: { readonly id: Id; readonly fingerprint: string; readonly now: Timestamp },
    build: () => Promise<Outcome<BuiltWrite>>,
  ) => Promise<Outcome<BuiltWrite>> | null;
}

export function writeMemory(): WriteMemory {
  const entries = new Map<Id, Entry>();
  return {
    once: ({ id, fingerprint, now }, build) => {
      forget(entries, now);
      const known = entries.get(id);
      if (known !== undefined) return known.fingerprint === fingerprint ? known.built : null;
      const built = build();
      entries.set(id, { fingerprint, built, createdAt: now });
      // What was refused while it was built, or failed, left nothing behind: the id is free again.
      void built.then(
        (outcome) => (outcome.ok ? false : entries.delete(id)),
        () => entries.delete(id),
      );
      return built;
    },
  };
}

/** Oldest first: a Map iterates in the order of insertion. */
function forget(entries: Map<Id, Entry>, now: Timestamp): void {
  for (const [id, entry] of entries) {
    if (entries.size < rememberedWritesMax && now - entry.createdAt < rememberedMsMax) return;
    entries.delete(id);
  }
}

/** sha256 of the parameters, so that they need not be kept. */
export function fingerprintOf(method: string, params: unknown): string {
  return createHash('sha256')
    .update(`${method} ${JSON.stringify(params)}`)
    .digest('hex');
}
