/** What happens to machines and links beside the wire and the disk: cuts, resets, pauses, clocks, restarts, mass crashes, damage. */
import { drawCuts } from '../network.ts';
import { layout } from './cast.ts';
import { boot, die, restartOrderly } from './machine.ts';
import { later, type Machine, type World } from './world.ts';

const clockJumpMsMax = 1_500;

export function startFaults(world: World): void {
  const { plan, random } = world;
  if (plan.hasSlowLinks) slowLinks(world);
  if (plan.hasSlowMachine)
    random.pick(world.machines).slownessMs = (4 * (1 + random.below(4))) / world.machines.length;
  for (const machine of world.machines) setClock(world, machine);
  every(world, plan.cutEveryMs, () => {
    world.weather.isCut = drawCuts(random, world.machines.length);
  });
  every(world, plan.resetEveryMs, () => {
    const [a, b] = twoOf(world);
    world.counts.add('connection reset');
    world.links.reset(world, a, b);
  });
  every(world, plan.pauseEveryMs, () => pause(world, random.pick(world.machines)));
  every(world, plan.restartEveryMs, () => {
    const { process } = random.pick(world.machines);
    if (process !== null) restartOrderly(world, process);
  });
  if (plan.hasClockJumps) every(world, 1_500, () => jumpClock(world, random.pick(world.machines)));
  if (plan.massCrashMs !== null) later(world, plan.massCrashMs, () => crashAll(world));
  if (plan.damage !== null) later(world, random.below(plan.healMs), () => damage(world));
}

/** Good weather, right clocks, no new faults; whoever is down comes back. */
export function heal(world: World): void {
  world.isHealed = true;
  world.weather.isCut = () => false;
  world.weather.slowLinkMs = () => 0;
  for (const machine of world.machines) {
    machine.clockOffsetMs = 0;
    machine.clockRate = 1;
    machine.slownessMs = 0;
    machine.busyUntilMs = Math.min(machine.busyUntilMs, world.nowMs);
    if (!machine.isDamaged) boot(world, machine);
    if (machine.process !== null) machine.process.callsUntilDeath = Number.POSITIVE_INFINITY;
  }
}

function every(world: World, meanMs: number | null, act: () => void): void {
  if (meanMs === null) return;
  later(world, 1 + world.random.below(2 * meanMs), () => {
    if (world.isHealed) return;
    act();
    every(world, meanMs, act);
  });
}

function twoOf(world: World): readonly [Machine, Machine] {
  const a = world.random.pick(world.machines);
  const b = world.random.pick(world.machines.filter((machine) => machine !== a));
  return [a, b];
}

function slowLinks(world: World): void {
  const slow = new Map<number, number>();
  const { length } = world.machines;
  for (let count = 0; count < length; count += 1) {
    const link = world.random.below(length) * length + world.random.below(length);
    slow.set(link, 20 + world.random.below(200));
  }
  world.weather.slowLinkMs = (from, to) => slow.get(from * length + to) ?? 0;
}

function pause(world: World, machine: Machine): void {
  if (machine.process === null) return;
  world.counts.add('process paused');
  machine.busyUntilMs = Math.max(machine.busyUntilMs, world.nowMs) + 20 + world.random.below(2_500);
}

/** Skew and drift that the rules bear; at most one machine's clock is far off, for it is one of the f that may fail. */
function setClock(world: World, machine: Machine): void {
  const { plan, random, counts } = world;
  if (plan.clockSkewMsMax > 0) {
    machine.clockOffsetMs = random.below(2 * plan.clockSkewMsMax + 1) - plan.clockSkewMsMax;
    counts.add('clock skewed');
  }
  if (plan.clockDriftMax > 0) {
    machine.clockRate = 1 + (2 * random.fraction() - 1) * plan.clockDriftMax;
    counts.add('clock drift');
  }
}

function jumpClock(world: World, machine: Machine): void {
  world.counts.add('clock jump');
  machine.clockOffsetMs = world.random.below(2 * clockJumpMsMax + 1) - clockJumpMsMax;
}

function crashAll(world: World): void {
  if (world.isHealed) return;
  world.counts.add('all machines down');
  const isPowerLost = world.random.chance(world.plan.powerLossShare);
  for (const { process, isHonest } of world.machines) {
    if (process !== null && isHonest) die(world, process, isPowerLost);
  }
}

/** One honest machine is damaged, if the dishonest ones leave room for it. */
function damage(world: World): void {
  const { plan } = world;
  const machine = world.machines.find(({ isDoomed }) => isDoomed);
  if (world.isHealed || machine === undefined) return;
  if (plan.damage === 'bitRot') {
    machine.isDamaged = true;
    rot(world, machine);
  } else {
    if (machine.process !== null) die(world, machine.process, true);
    lose(world, machine);
  }
  // After its death, which remembered what it was to remember.
  world.watch.onSafetyLost(machine);
  boot(world, machine);
}

/** W6: who lost its safety log observes until the others have told it enough; who lost its ledger gets it from them. */
function lose({ plan, counts, cast, watch }: World, machine: Machine): void {
  if (plan.damage === 'dataLost') counts.add('data directory lost');
  if (plan.damage === 'safetyLost') counts.add('safety log lost');
  if (plan.damage === 'homeLost') counts.add('everything but the keys lost');
  if (plan.damage !== 'safetyLost') {
    watch.onDataLost(machine);
    machine.hasLostData = true;
    machine.disk.replaceDatabase(layout.ledger, cast.emptiedDisk);
    machine.disk.replaceDatabase(layout.batches, cast.emptiedDisk);
    machine.disk.files.loseFile(layout.anchor);
  }
  if (plan.damage === 'dataLost') return;
  machine.hasForgotten = true;
  machine.disk.files.loseDirectory(layout.safety);
}

function rot(world: World, { disk }: Machine): void {
  const { random, counts } = world;
  for (const path of [layout.ledger, layout.batches]) {
    for (let count = 0; count < 4; count += 1) {
      if (disk.database(path)?.flipBit(random) === true) counts.add('bit rot');
    }
  }
  for (const name of disk.files.list(layout.safety)) {
    if (disk.files.flipBit(`${layout.safety}/${name}`, random)) counts.add('bit rot');
  }
}
