/** Every fault that was injected, counted by its kind. */

export const faultKinds = [
  'message lost',
  'message cut off by a partition',
  'message duplicated',
  'message delayed',
  'message reordered',
  'old message replayed',
  'message of an older epoch',
  'frame with a flipped bit',
  'frame truncated',
  'connection reset',
  'process killed',
  'power lost',
  'file torn or lost',
  'all machines down',
  'process paused',
  'orderly restart',
  'event on a slow machine',
  'clock skewed',
  'clock jump',
  'clock drift',
  'EIO on a write',
  'EIO on a sync',
  'EIO on a read',
  'ENOSPC',
  'slow fsync',
  'bit rot',
  'data directory lost',
  'safety log lost',
  'everything but the keys lost',
  'Byzantine message',
  'member change',
  'epoch begun',
] as const;

export type FaultKind = (typeof faultKinds)[number];

export class FaultCounts {
  readonly #counts = new Map<FaultKind, number>();

  add(kind: FaultKind, count = 1): void {
    this.#counts.set(kind, this.of(kind) + count);
  }

  of(kind: FaultKind): number {
    return this.#counts.get(kind) ?? 0;
  }

  get total(): number {
    return faultKinds.reduce((sum, kind) => sum + this.of(kind), 0);
  }
}
