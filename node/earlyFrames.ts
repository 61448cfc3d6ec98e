/**
 * Consensus frames of the next epoch that came before we were in it: others finalized the closing block a moment earlier. They are kept
 * as they came, bounded for each member, and go through the gate once the epoch has begun.
 */
import type { MemberName } from '../protocol/brand.ts';
import { consensusFrameBytesMax } from '../protocol/limits.ts';

/** A proposal, and a few rounds of votes and certificates. */
const framesMax = 64;

interface Kept {
  readonly frames: Uint8Array[];
  bytes: number;
}

export class EarlyFrames {
  readonly #kept = new Map<MemberName, Kept>();

  /** What is past the bound is lost, as on the wire: consensus repeats itself (R8). */
  keep(from: MemberName, frame: Uint8Array): void {
    const kept = this.#kept.get(from) ?? { frames: [], bytes: 0 };
    this.#kept.set(from, kept);
    if (kept.frames.length >= framesMax || kept.bytes + frame.length > consensusFrameBytesMax) return;
    kept.frames.push(frame);
    kept.bytes += frame.length;
  }

  /** All of them, each member's in their order; nothing is kept after. */
  take(): readonly (readonly [from: MemberName, frame: Uint8Array])[] {
    const taken = [...this.#kept].flatMap(([from, { frames }]) =>
      frames.map((frame) => [from, frame] as const),
    );
    this.#kept.clear();
    return taken;
  }
}
