/** One schedule: faults for a while, then a healed network in which the chain must grow, then quiet in which it must not. */
import { faultyMax } from '../../protocol/certificate.ts';
import type { MemberName } from '../../protocol/brand.ts';
import { createMischief } from './byzantine.ts';
import { check } from './checks.ts';
import { receive } from './gate.ts';
import { startEpochChecks } from './epochs.ts';
import { boot, crashCleanly, handle, loseDisk, startEpoch } from './host.ts';
import { chainId, votersOf } from './model.ts';
import { drawCuts } from './network.ts';
import { planOf, swapsOf, type Plan, type Swap } from './plan.ts';
import { emptyQueue } from './queue.ts';
import { seededRandom, type Random } from '../../devnet/generator/random.ts';
import { createBatch, startSpreading } from './sync.ts';
import { emptyDisk, later, type Core, type Disk, type HostFlaws, type Machine, type World } from './world.ts';

export const carefulHost: HostFlaws = {
  areVotesLogged: true,
  areCertificatesLogged: true,
  isLossNoticed: true,
};

export interface ScheduleOptions {
  readonly seed: number;
  readonly voterCount: number;
  readonly core: Core;
  readonly flaws: HostFlaws;
  /** What the plan of the seed is changed to. */
  readonly plan?: Partial<Plan>;
}

export interface ScheduleReport {
  readonly plan: Plan;
  readonly eventCount: number;
  readonly crashCount: number;
  readonly memoryLossCount: number;
  /** Height at which the network was healed. */
  readonly heightAtHeal: number;
  /** From the healing until the first new block was final somewhere. */
  readonly stallMs: number;
  /** From the healing until every honest machine had five new blocks. */
  readonly recoveryMs: number;
  /** The newest epoch, and how many vote in it. */
  readonly epoch: number;
  readonly voterCount: number;
}

const newBlockCount = 5;
const recoveryMsMax = 60_000;
const settlingMsMax = 60_000;
const quietMs = 5_000;
const eventCountMax = 2_000_000;

/** Throws a `Violation`, or the broken invariant of the code under test. */
export function runSchedule(options: ScheduleOptions): ScheduleReport {
  const world = createWorld(options);
  let eventCount = 0;
  const runUntil = (isDone: () => boolean, limitMs: number): boolean => {
    const deadlineMs = world.nowMs + limitMs;
    while (!isDone()) {
      const next = world.queue.pop();
      check(next !== null, 'nothing happens any more');
      eventCount += 1;
      check(eventCount < eventCountMax, 'too many events');
      world.nowMs = Math.max(world.nowMs, next.timeMs);
      next.run();
      if (world.nowMs > deadlineMs) return isDone();
    }
    return true;
  };
  begin(world);
  runUntil(() => false, world.plan.healMs);
  const heightAtHeal = world.checks.finalHeightMax();
  const healedMs = world.nowMs;
  heal(world);
  runUntil(() => world.checks.finalHeightMax() > heightAtHeal, recoveryMsMax);
  const stallMs = world.nowMs - healedMs;
  const hasGrown = runUntil(() => heightMin(world) >= heightAtHeal + newBlockCount, recoveryMsMax);
  check(hasGrown, `no five new blocks after healing: ${standing(world)}`);
  const recoveryMs = world.nowMs - healedMs;
  checkQuiet(world, runUntil);
  const { plan, crashCount, memoryLossCount } = world;
  const { epoch, voters } = world.checks.newestVoters();
  return {
    plan,
    eventCount,
    crashCount,
    memoryLossCount,
    heightAtHeal,
    stallMs,
    recoveryMs,
    epoch,
    voterCount: voters.length,
  };
}

/** An idle network sends no blocks (§4), unless a heartbeat is asked for. */
function checkQuiet(world: World, runUntil: (isDone: () => boolean, limitMs: number) => boolean): void {
  world.isIdle = true;
  for (const attempt of ['first', 'after what was still on its way']) {
    const isSettled = runUntil(() => isQuiet(world), settlingMsMax);
    check(isSettled, `batches are left out, ${attempt}: ${standing(world)}`);
    runUntil(() => false, quietMs);
  }
  if (world.plan.heartbeatMs > 0) return;
  const countBefore = world.honestProposalCount;
  runUntil(() => false, quietMs);
  check(world.honestProposalCount === countBefore, 'an idle network sends blocks');
}

/** Every honest machine has every batch in its ledger, at the same height. */
function isQuiet(world: World): boolean {
  const heights = new Set<number>();
  for (const machine of world.machines) {
    for (const { disk, state, commitQueue } of machine.isHonest ? machine.instances : []) {
      if (disk.open.size > 0 || commitQueue.length > 0 || state.preparedView > state.final.view) return false;
      heights.add(disk.ledger.length);
    }
  }
  return heights.size === 1;
}

function createWorld({ seed, voterCount, core, flaws, plan: patch }: ScheduleOptions): World {
  const random = seededRandom(seed);
  const drawn = { ...planOf(random, voterCount), ...patch };
  const plan = drawn.hasSwaps ? { ...drawn, machineCount: voterCount + 3 } : drawn;
  const machines = createMachines(random, plan);
  const honest = machines.filter((machine) => machine.isHonest);
  const genesisVoters = votersOf(voterCount);
  const checks = startEpochChecks({
    genesis: chainId,
    genesisVoters,
    quorumOf: core.quorumSize,
    hasForgotten: () => false,
    holderCount: ({ batchDigests }, { voters }) =>
      honest.filter(
        ({ name, instances }) =>
          voters.some((voter) => voter.name === name) &&
          instances.every(({ disk }) =>
            batchDigests.every((batch) => disk.batches.has(batch) || disk.forgotten.has(batch)),
          ),
      ).length,
  });
  const world: World = {
    core,
    flaws,
    plan,
    random,
    queue: emptyQueue(),
    checks,
    genesisVoters,
    decisions: new Map(),
    closeEpoch: (instance) => startEpoch(world, instance),
    machines,
    verified: new WeakSet(),
    handle: (instance, event) => handle(world, instance, event),
    get mischief() {
      return mischief;
    },
    receive: (arrival) => receive(world, arrival),
    nowMs: 1_000_000,
    isHealed: false,
    isIdle: false,
    isCut: () => false,
    batchCount: 0,
    crashCount: 0,
    memoryLossCount: 0,
    honestProposalCount: 0,
  };
  const mischief = createMischief(world);
  return world;
}

function createMachines(random: Random, plan: Plan): readonly Machine[] {
  const dishonest = new Set<number>();
  while (dishonest.size < plan.byzantineCount) dishonest.add(random.below(plan.voterCount));
  return Array.from({ length: plan.machineCount }, (_unused, index) => ({
    index,
    name: `voter-${index}` as MemberName,
    isHonest: !dishonest.has(index),
    clockSkewMs: random.below(600) - 300,
    instances: [],
  }));
}

function begin(world: World): void {
  const { plan, machines, genesisVoters } = world;
  check(plan.byzantineCount <= faultyMax(plan.voterCount), 'a plan holds at most f dishonest voters');
  for (const machine of machines) {
    const isTwin = !machine.isHonest && plan.isTwin;
    boot(
      world,
      machine,
      isTwin ? [emptyDisk(genesisVoters), emptyDisk(genesisVoters)] : [emptyDisk(genesisVoters)],
    );
    startSpreading(world, machine);
    if (!machine.isHonest) world.mischief.start(machine);
  }
  startBatches(world);
  startSwaps(world);
  if (plan.hasPartitions) startCuts(world);
  startLosses(world);
  if (plan.massCrashMs !== null) later(world, plan.massCrashMs, () => crashAll(world));
}

function startBatches(world: World): void {
  later(world, world.plan.batchEveryMs, () => {
    if (!world.isIdle) createBatch(world, world.random.pick(world.machines));
    startBatches(world);
  });
}

/** An honest machine hands in what governance decided, those of a plan one epoch after the other. */
function startSwaps(world: World): void {
  const { plan, machines, random } = world;
  const isHonest = machines.map((machine) => machine.isHonest);
  if (plan.hasSwaps) for (const swap of swapsOf(random, plan, isHonest)) handIn(world, swap, 1);
  for (const [index, swap] of plan.swaps.entries()) handIn(world, swap, index + 1);
}

/** A decision that comes while another one waits is passed over. */
function handIn(world: World, swap: Swap, epochMin: number): void {
  later(world, swap.atMs, () => {
    if (world.checks.newestVoters().epoch < epochMin) return handIn(world, { ...swap, atMs: 100 }, epochMin);
    const honest = world.machines.filter(({ isHonest }) => isHonest);
    createBatch(world, world.random.pick(honest), swap.voters);
  });
}

function startCuts(world: World): void {
  later(world, 300 + world.random.below(900), () => {
    if (world.isHealed) return;
    world.isCut = drawCuts(world.random, world.plan.machineCount);
    startCuts(world);
  });
}

/** One at a time: two that forgot at once are, of four, more than the rules can bear, and nobody would go on. */
function startLosses(world: World): void {
  const { memoryLossMs } = world.plan;
  if (memoryLossMs === null) return;
  later(world, memoryLossMs, () => {
    const honest = world.machines.filter(({ isHonest }) => isHonest).flatMap(({ instances }) => instances);
    const isEverybodySure = honest.every(({ disk }) => isWhole(disk));
    const victim = world.random.pick(honest);
    if (!world.isHealed && isEverybodySure && victim.isAlive) loseDisk(world, victim);
    startLosses(world);
  });
}

function isWhole({ records }: Disk): boolean {
  const last = records.findLast((record) => record.kind === 'memory');
  return last === undefined || last.memory === 'whole';
}

function crashAll(world: World): void {
  if (world.isHealed) return;
  for (const { isHonest, instances } of world.machines) {
    for (const instance of isHonest ? instances : []) if (instance.isAlive) crashCleanly(world, instance);
  }
}

function heal(world: World): void {
  world.isHealed = true;
  world.isCut = () => false;
}

function heightMin(world: World): number {
  const heights = world.machines
    .filter(({ isHonest }) => isHonest)
    .map(({ instances }) => Math.min(...instances.map(({ disk }) => disk.ledger.length)));
  return Math.min(...heights);
}

/** Where the honest machines are, for the message of a violation. */
function standing(world: World): string {
  return world.machines
    .filter(({ isHonest }) => isHonest)
    .flatMap(({ index, instances }) =>
      instances.map(
        ({ disk, state }) =>
          `${index}: epoch ${state.config.voters.epoch}, height ${disk.ledger.length}, view ${state.view}, final ${state.final.view}, open ${disk.open.size}`,
      ),
    )
    .join('; ');
}
