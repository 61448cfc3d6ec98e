/**
 * One schedule from one seed: faults for a while, then a healed world in which the chain must grow, then quiet in which it must not. All
 * code of the node above the ports is the real one, and runs on virtual time.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { faultyMax } from '../../../protocol/certificate.ts';
import { present } from '../../../protocol/invariant.ts';
import type { VoterSet } from '../../../protocol/member.ts';
import { pendingVoterSet } from '../../../protocol/voterSet.ts';
import { check } from '../checks.ts';
import { emptyQueue } from '../queue.ts';
import { seededRandom, type Random } from '../../../devnet/generator/random.ts';
import { castOf, type Cast } from './cast.ts';
import { startClients } from './clients.ts';
import { Council } from './council.ts';
import { FaultCounts } from './faults.ts';
import { heal, startFaults } from './incidents.ts';
import { barredMs, Links } from './links.ts';
import { boot } from './machine.ts';
import { planOf, type Plan } from './plan.ts';
import type { ChangeKind } from './motions.ts';
import { emptyTrace } from './trace.ts';
import { Watch } from './watch.ts';
import { fairWeather } from './wire.ts';
import type { Machine, World } from './world.ts';

export interface ScheduleOptions {
  readonly seed: number;
  /** Drawn from the seed if not given. */
  readonly plan?: Plan;
  /** Draws the plan from the seed, if it is not the usual one. */
  readonly draw?: (random: Random, voterCount: number) => Plan;
  /** What the council decides upon first, one after the other: machines by index. */
  readonly orders?: readonly { readonly kind: ChangeKind; readonly machine: number }[];
  /** Machine by index that dies at so many operations of its disk. */
  readonly crashAt?: { readonly machine: number; readonly operation: number };
}

export interface ScheduleReport {
  readonly plan: Plan;
  readonly counts: FaultCounts;
  readonly eventCount: number;
  /** Of everything that happened: the same for the same seed. */
  readonly traceDigest: string;
  readonly heightAtHeal: number;
  readonly recoveryMs: number;
  readonly committedCount: number;
  /** The last epoch. */
  readonly voters: VoterSet;
  /** Times that somebody was found to contradict itself. */
  readonly evidenceCount: number;
  readonly machines: readonly Machine[];
}

const newBlockCount = 5;
const recoveryMsMax = 90_000;
const settlingMsMax = 90_000;
const quietMs = 3_000;
const eventCountMax = 2_000_000;
const voterCounts = [4, 4, 4, 4, 4, 4, 5, 6, 7, 10];

/** Runs the world until a condition holds or the time is over; true iff it holds. */
type RunUntil = (isDone: () => boolean, limitMs: number) => Promise<boolean>;

/** Rejects with a `Violation`, or with the broken invariant of the code under test. */
export async function runSchedule(options: ScheduleOptions): Promise<ScheduleReport> {
  const running = await createWorld(options);
  const onRejection = (cause: unknown): void => running.world.running?.onUncaught(cause);
  process.on('unhandledRejection', onRejection);
  try {
    return await runPhases(running);
  } finally {
    process.off('unhandledRejection', onRejection);
  }
}

/** Machines, applications and faults have begun; the rest is the caller's. */
export async function beginSchedule(options: ScheduleOptions): Promise<RunningWorld> {
  const running = await createWorld(options);
  begin(running.world);
  return running;
}

function begin(world: World): void {
  for (const machine of world.machines) boot(world, machine);
  startClients(world);
  world.council.start();
  startFaults(world);
}

async function runPhases({ world, run, eventCount }: RunningWorld): Promise<ScheduleReport> {
  begin(world);
  await run(() => false, world.plan.healMs);
  const heightAtHeal = world.watch.checks.finalHeightMax();
  const healedMs = world.nowMs;
  heal(world);
  const hasGrown = await run(() => heightMin(world) >= heightAtHeal + newBlockCount, recoveryMsMax);
  check(hasGrown, `no five new blocks after healing: ${standing(world)}`);
  const recoveryMs = world.nowMs - healedMs;
  const isDecided = await run(() => world.council.isDone, recoveryMsMax);
  check(isDecided, `a motion that nobody decides: ${standing(world)}`);
  await checkQuiet(world, run);
  return {
    plan: world.plan,
    counts: world.counts,
    eventCount: eventCount(),
    traceDigest: world.trace.digest(),
    heightAtHeal,
    recoveryMs,
    committedCount: world.watch.committedCount,
    voters: world.watch.chain.voters,
    evidenceCount: world.watch.evidenceCount,
    machines: world.machines,
  };
}

export interface RunningWorld {
  readonly world: World;
  readonly run: RunUntil;
  readonly eventCount: () => number;
}

async function createWorld({
  seed,
  plan: given,
  draw,
  crashAt,
  orders = [],
}: ScheduleOptions): Promise<RunningWorld> {
  const random = seededRandom(seed);
  const plan = given ?? (draw ?? planOf)(random, random.pick(voterCounts));
  const cast = await castOf(plan);
  const machines = createMachines(random, plan, cast);
  const world: World = {
    plan,
    cast,
    random,
    queue: emptyQueue(),
    machines,
    links: new Links(machines),
    weather: fairWeather(),
    watch: new Watch(() => world, cast),
    council: new Council(() => world),
    counts: new FaultCounts(),
    trace: emptyTrace(),
    crashAtOperation: new Map(
      machines.flatMap((machine) =>
        machine.index === crashAt?.machine ? [[machine, crashAt.operation] as const] : [],
      ),
    ),
    nowMs: 0,
    isHealed: false,
    isIdle: false,
    violation: null,
    running: null,
  };
  for (const { kind, machine } of orders)
    world.council.order({ kind, machine: present(machines[machine], 'an order names a machine') });
  let eventCount = 0;
  const run: RunUntil = async (isDone, limitMs) => {
    const deadlineMs = world.nowMs + limitMs;
    while (!isDone()) {
      const next = world.queue.pop();
      check(next !== null, 'nothing happens any more');
      eventCount += 1;
      check(eventCount < eventCountMax, 'too many events');
      world.nowMs = Math.max(world.nowMs, next.timeMs);
      next.run();
      // All that the event has led to is done before the next one: promises are the node's only other way to wait.
      if (world.running !== null) await nextTurn();
      world.running = null;
      if (world.violation !== null) throw world.violation;
      if (world.nowMs > deadlineMs) return isDone();
    }
    return true;
  };
  return { world, run, eventCount: () => eventCount };
}

function createMachines(random: Random, plan: Plan, cast: Cast): readonly Machine[] {
  const { length } = cast.members;
  const dishonest = new Set<number>();
  while (dishonest.size < plan.byzantineCount) dishonest.add(random.below(length));
  const honest = cast.members.map((_unused, index) => index).filter((index) => !dishonest.has(index));
  const hasRoom = plan.byzantineCount < faultyMax(plan.voterCount);
  const doomed = plan.damage !== null && hasRoom ? random.pick(honest) : null;
  return cast.members.map((member, index) => ({
    index,
    name: member.member.name,
    isHonest: !dishonest.has(index),
    isDoomed: index === doomed,
    member,
    keyGeneration: 0,
    disk: present(cast.disks[index], 'every member has its disk').clone(),
    process: null,
    isDamaged: false,
    hasLostData: false,
    hasForgotten: false,
    isOff: false,
    clockOffsetMs: 0,
    clockRate: 1,
    busyUntilMs: 0,
    waiting: [],
    slownessMs: 0,
    diskOperationCount: 0,
  }));
}

/** An idle network sends no blocks (§4), unless a heartbeat is asked for; and everyone holds the same state. */
async function checkQuiet(world: World, run: RunUntil): Promise<void> {
  world.isIdle = true;
  // Whoever was dropped comes back after a while, with batches that nobody else has.
  for (const waitMs of [hasDrops(world.plan) ? barredMs + quietMs : quietMs, quietMs]) {
    const isSettled = await run(() => isQuiet(world), settlingMsMax);
    check(isSettled, `not everything becomes final: ${standing(world)}`);
    await run(() => false, waitMs);
  }
  checkLeftAlone(world);
  if (world.plan.heartbeatMs > 0) return;
  const countBefore = world.watch.proposalCount;
  await run(() => false, quietMs);
  check(world.watch.proposalCount === countBefore, 'an idle network sends blocks');
}

/** Who was suspended or removed, or was never admitted, is connected with nobody who is in. */
function checkLeftAlone({ machines, watch, links }: World): void {
  for (const stranger of machines.filter(({ name }) => !watch.chain.admitted.has(name))) {
    for (const { name, isHonest, process } of machines) {
      if (!isHonest || process === null || !watch.chain.admitted.has(name)) continue;
      const isUp = links.isSeenUp(process.machine, stranger);
      check(!isUp, `${name} is connected with ${stranger.name}, which is not let in`);
    }
  }
}

function hasDrops({ byzantineCount, flipRate, truncateRate }: Plan): boolean {
  return byzantineCount > 0 || flipRate > 0 || truncateRate > 0;
}

/** The machines that must get on: honest, with their disks, and let in by the others. */
function sound({ machines, watch }: World): readonly Machine[] {
  const { admitted } = watch.chain;
  return machines.filter(({ name, isHonest, isDamaged }) => isHonest && !isDamaged && admitted.has(name));
}

/**
 * Everything that the sound members sealed is final, but for what one sealed before it lost its store. A batch that a dishonest or broken member gave to some and not to others waits at them
 * until the next work moves the views.
 */
function isQuiet(world: World): boolean {
  if (pendingVoterSet(world.watch.chain) !== null) return false;
  const heights = new Set<number>();
  const members = sound(world);
  for (const { process } of members) {
    const engine = process?.engine ?? null;
    if (engine === null || !engine.isStarted) return false;
    if (engine.state.preparedView > engine.state.final.view || engine.mempoolSize.count > 0) return false;
    if (members.some(({ name, hasLostData }) => !hasLostData && engine.pool.laneSize(name) > 0)) return false;
    heights.add(process?.stores?.ledger.head().height ?? 0);
  }
  return heights.size === 1;
}

function heightMin(world: World): number {
  return Math.min(...sound(world).map(({ process }) => process?.stores?.ledger.head().height ?? 0));
}

/** Where the honest machines are, for the message of a violation. */
function standing(world: World): string {
  return world.machines
    .map(({ name, isHonest, isDamaged, process }) => {
      const engine = process?.engine ?? null;
      const kind = `${isHonest ? '' : ' Byzantine'}${isDamaged ? ' damaged' : ''}`;
      if (engine === null) return `${name}${kind}: down`;
      const { view, final, hasWork, config } = engine.state;
      const height = process?.stores?.ledger.head().height ?? 0;
      const place = `epoch ${config.voters.epoch}${config.own === null ? ' observing' : ''}`;
      return `${name}${kind}: ${place}, height ${height}, view ${view}, final ${final.view}, ${hasWork ? 'work' : 'no work'}`;
    })
    .join('; ');
}
