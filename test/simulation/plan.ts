/** Which faults a schedule holds: a random part of them for each seed, so that rare combinations come up too. */
import { faultyMax } from '../../protocol/certificate.ts';
import type { Random } from '../../devnet/generator/random.ts';

export interface Swap {
  readonly atMs: number;
  readonly voters: readonly number[];
}

export interface Plan {
  readonly voterCount: number;
  readonly byzantineCount: number;
  /** One key used by two instances at once. */
  readonly isTwin: boolean;
  readonly deltaMs: number;
  readonly heartbeatMs: number;
  readonly healMs: number;
  readonly lossRate: number;
  readonly duplicateRate: number;
  readonly slowRate: number;
  /** Per step of an honest machine. */
  readonly crashRate: number;
  readonly massCrashMs: number | null;
  /** How often an honest machine loses its whole disk, but for its key: one at a time, the next when that one votes again. */
  readonly memoryLossMs: number | null;
  readonly hasPartitions: boolean;
  /** Until the healing no proposal arrives, and machine 0 hears nothing at all: views are skipped, many in a row. */
  readonly isLosingProposals: boolean;
  /** Of COMMITs and of the certificates made of them, besides what is lost of everything. */
  readonly commitLossRate: number;
  readonly slowExecutionRate: number;
  readonly batchEveryMs: number;
  /** Machines in the world; the first `voterCount` vote in epoch 1. */
  readonly machineCount: number;
  /** When it is decided who votes from the next epoch on. */
  readonly swaps: readonly Swap[];
  /** Whether they are drawn by chance, over three machines more. */
  readonly hasSwaps: boolean;
}

export function planOf(random: Random, voterCount: number): Plan {
  const byzantineCount = random.chance(0.6) ? faultyMax(voterCount) : 0;
  const healMs = 3_000 + random.below(6_000);
  return {
    voterCount,
    byzantineCount,
    isTwin: random.chance(0.7),
    deltaMs: 100,
    heartbeatMs: random.chance(0.2) ? 3_000 : 0,
    healMs,
    lossRate: random.chance(0.5) ? random.fraction() * 0.25 : 0,
    duplicateRate: random.chance(0.3) ? 0.1 : 0,
    slowRate: random.chance(0.4) ? random.fraction() * 0.2 : 0,
    crashRate: random.chance(0.6) ? random.fraction() * 0.01 : 0,
    massCrashMs: random.chance(0.25) ? random.below(healMs) : null,
    memoryLossMs: null,
    hasPartitions: random.chance(0.7),
    isLosingProposals: false,
    commitLossRate: 0,
    slowExecutionRate: random.chance(0.3) ? 0.1 : 0,
    batchEveryMs: 30 + random.below(300),
    machineCount: voterCount,
    swaps: [],
    hasSwaps: false,
  };
}

/** Up to four changes of the voters while faults are injected, among three machines more; up to f of each set are dishonest. */
export function swapsOf(
  random: Random,
  plan: Pick<Plan, 'voterCount' | 'healMs'>,
  isHonest: readonly boolean[],
): readonly Swap[] {
  const machineCount = isHonest.length;
  const countMin = Math.min(4, plan.voterCount);
  return Array.from({ length: 1 + random.below(4) }, () => {
    const atMs = random.below(plan.healMs);
    for (;;) {
      const count = countMin + random.below(machineCount - countMin + 1);
      const voters = new Set<number>();
      while (voters.size < count) voters.add(random.below(machineCount));
      const dishonestCount = [...voters].filter((index) => isHonest[index] !== true).length;
      if (dishonestCount <= faultyMax(count)) return { atMs, voters: [...voters] };
    }
  });
}

/** One line for a person: what was injected. */
export function describePlan(plan: Plan): string {
  const parts = [
    `n=${plan.voterCount}`,
    plan.byzantineCount > 0 ? `byzantine=${plan.byzantineCount}${plan.isTwin ? ' twin' : ''}` : '',
    plan.lossRate > 0 ? `loss=${plan.lossRate.toFixed(2)}` : '',
    plan.duplicateRate > 0 ? 'duplicates' : '',
    plan.slowRate > 0 ? `slow=${plan.slowRate.toFixed(2)}` : '',
    plan.crashRate > 0 ? `crash=${plan.crashRate.toFixed(4)}` : '',
    plan.massCrashMs === null ? '' : `mass crash at ${plan.massCrashMs}`,
    plan.memoryLossMs === null ? '' : `a lost disk every ${plan.memoryLossMs}`,
    plan.hasPartitions ? 'partitions' : '',
    plan.commitLossRate > 0 ? `COMMITs lost=${plan.commitLossRate}` : '',
    plan.slowExecutionRate > 0 ? 'slow execution' : '',
    plan.heartbeatMs > 0 ? 'heartbeat' : '',
    plan.swaps.length > 0
      ? `voters change to ${plan.swaps.map(({ voters }) => voters.join('+')).join(', ')}`
      : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}
