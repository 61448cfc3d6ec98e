/** Which faults a schedule holds: each seed turns a random part of them on, at random rates, so that rare combinations come up too. */
import { faultyMax } from '../../../protocol/certificate.ts';
import type { Random } from '../../../devnet/generator/random.ts';

export interface Plan {
  /** Of the first epoch. */
  readonly voterCount: number;
  /** Members of the genesis that do not vote. */
  readonly observerCount: number;
  /** Members that the genesis does not know, and that may join. */
  readonly newcomerCount: number;
  /** Mean time between motions that change who is a member or a voter, or under which key; null for none. */
  readonly changeEveryMs: number | null;
  /** Per message: one of an epoch before is heard again. */
  readonly oldEpochRate: number;
  readonly byzantineCount: number;
  readonly deltaMs: number;
  readonly heartbeatMs: number;
  /** How long the faults last. */
  readonly healMs: number;
  /** An application submits so often, somewhere. */
  readonly submitEveryMs: number;

  readonly lossRate: number;
  readonly duplicateRate: number;
  readonly delayRate: number;
  readonly jitterMs: number;
  readonly reorderRate: number;
  readonly replayRate: number;
  readonly flipRate: number;
  readonly truncateRate: number;
  /** Mean time between changes of who hears whom; null for no partitions. */
  readonly cutEveryMs: number | null;
  readonly hasSlowLinks: boolean;
  /** Mean time between connections that break. */
  readonly resetEveryMs: number | null;

  /** Per call of a port: between any two effects, and at every operation of the disk. */
  readonly crashRate: number;
  /** The same, per operation of the disk. */
  readonly diskCrashRate: number;
  /** Of crashes: the power fails, not only the process. */
  readonly powerLossShare: number;
  readonly massCrashMs: number | null;
  /** Mean time between orderly restarts, and between pauses, of some machine. */
  readonly restartEveryMs: number | null;
  readonly pauseEveryMs: number | null;
  readonly hasSlowMachine: boolean;

  /** Clocks that the rules bear: together within the 2 s that block times may be off. */
  readonly clockSkewMsMax: number;
  readonly clockDriftMax: number;
  readonly hasClockJumps: boolean;

  /** Per operation of the disk. */
  readonly writeErrorRate: number;
  readonly readErrorRate: number;
  readonly fullRate: number;
  readonly slowSyncRate: number;
  /**
   * What one machine of the f that may fail loses: some bits, and it stays down; its ledger and batches, which begin anew at genesis; its
   * safety log; both of them.
   */
  readonly damage: 'bitRot' | 'dataLost' | 'safetyLost' | 'homeLost' | null;
}

/** Machines of one schedule. */
const memberCountMax = 10;

const damages = ['bitRot', 'dataLost', 'safetyLost', 'homeLost'] as const;

function sometimes<T>(random: Random, probability: number, draw: () => T): T | null {
  return random.chance(probability) ? draw() : null;
}

/** Between `low` and `high`, small values as likely as large ones. */
function rate(random: Random, low: number, high: number): number {
  return low * (high / low) ** random.fraction();
}

export function planOf(random: Random, voterCount: number): Plan {
  const isByzantine = random.chance(0.4);
  const healMs = 3_000 + random.below(3_000);
  const drawRate = (probability: number, low: number, high: number): number =>
    sometimes(random, probability, () => rate(random, low, high)) ?? 0;
  const drawEveryMs = (probability: number, low: number, high: number): number | null =>
    sometimes(random, probability, () => rate(random, low, high));
  return {
    voterCount,
    ...membershipOf(random, voterCount),
    byzantineCount: isByzantine ? 1 + random.below(faultyMax(voterCount)) : 0,
    deltaMs: 100,
    heartbeatMs: random.chance(0.2) ? 3_000 : 0,
    healMs,
    submitEveryMs: rate(random, 40, 400),
    lossRate: drawRate(0.5, 0.005, 0.3),
    duplicateRate: drawRate(0.4, 0.01, 0.2),
    delayRate: drawRate(0.4, 0.01, 0.2),
    jitterMs: random.chance(0.5) ? random.below(60) : 0,
    reorderRate: drawRate(0.4, 0.01, 0.3),
    replayRate: drawRate(0.4, 0.01, 0.2),
    flipRate: drawRate(0.15, 0.0005, 0.01),
    truncateRate: drawRate(0.1, 0.0005, 0.01),
    cutEveryMs: drawEveryMs(0.5, 300, 2_000),
    hasSlowLinks: random.chance(0.3),
    resetEveryMs: drawEveryMs(0.3, 200, 2_000),
    crashRate: drawRate(0.4, 0.00003, 0.001),
    diskCrashRate: drawRate(0.4, 0.001, 0.02),
    powerLossShare: random.chance(0.5) ? random.fraction() : 0.5,
    massCrashMs: sometimes(random, 0.2, () => random.below(healMs)),
    restartEveryMs: drawEveryMs(0.2, 500, 3_000),
    pauseEveryMs: drawEveryMs(0.3, 300, 3_000),
    hasSlowMachine: random.chance(0.2),
    clockSkewMsMax: random.chance(0.6) ? random.below(700) : 0,
    clockDriftMax: drawRate(0.3, 0.0001, 0.02),
    hasClockJumps: random.chance(0.25),
    writeErrorRate: drawRate(0.2, 0.001, 0.02),
    readErrorRate: drawRate(0.15, 0.00005, 0.002),
    fullRate: drawRate(0.15, 0.001, 0.02),
    slowSyncRate: drawRate(0.3, 0.01, 0.2),
    damage: random.chance(0.15) ? random.pick(damages) : null,
  };
}

type Membership = Pick<Plan, 'observerCount' | 'newcomerCount' | 'changeEveryMs' | 'oldEpochRate'>;

/** In a third of the schedules members come and go, vote and vote no longer. */
function membershipOf(random: Random, voterCount: number): Membership {
  return random.chance(0.35) ? changesOf(random, voterCount) : noChanges;
}

const noChanges = { observerCount: 0, newcomerCount: 0, changeEveryMs: null, oldEpochRate: 0 };

function changesOf(random: Random, voterCount: number): Membership {
  const othersMax = Math.min(3, memberCountMax - voterCount);
  const otherCount = random.below(othersMax + 1);
  const newcomerCount = random.below(otherCount + 1);
  return {
    observerCount: otherCount - newcomerCount,
    newcomerCount,
    changeEveryMs: rate(random, 50, 500),
    oldEpochRate: random.chance(0.7) ? rate(random, 0.01, 0.1) : 0,
  };
}

/** As the seed has it, but an honest machine loses what it signed, with or without its ledger (W6). */
export function forgetfulPlanOf(random: Random, voterCount: number): Plan {
  const plan = planOf(random, voterCount);
  const damage = random.pick(['safetyLost', 'homeLost'] as const);
  const byzantineCount = Math.min(plan.byzantineCount, faultyMax(voterCount) - 1);
  return { ...plan, damage, byzantineCount, healMs: 2_000 + random.below(2_000) };
}

/** As the seed has it, but voters change. */
export function changingPlanOf(random: Random, voterCount: number): Plan {
  const plan = planOf(random, voterCount);
  return { ...plan, ...changesOf(random, voterCount) };
}

/** Nothing goes wrong; what a test wants otherwise it says. */
export function calmPlan(voterCount: number, changes: Partial<Plan> = {}): Plan {
  return {
    voterCount,
    ...noChanges,
    byzantineCount: 0,
    deltaMs: 100,
    heartbeatMs: 0,
    healMs: 2_000,
    submitEveryMs: 50,
    lossRate: 0,
    duplicateRate: 0,
    delayRate: 0,
    jitterMs: 0,
    reorderRate: 0,
    replayRate: 0,
    flipRate: 0,
    truncateRate: 0,
    cutEveryMs: null,
    hasSlowLinks: false,
    resetEveryMs: null,
    crashRate: 0,
    diskCrashRate: 0,
    powerLossShare: 0.5,
    massCrashMs: null,
    restartEveryMs: null,
    pauseEveryMs: null,
    hasSlowMachine: false,
    clockSkewMsMax: 0,
    clockDriftMax: 0,
    hasClockJumps: false,
    writeErrorRate: 0,
    readErrorRate: 0,
    fullRate: 0,
    slowSyncRate: 0,
    damage: null,
    ...changes,
  };
}
