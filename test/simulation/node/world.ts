/** What the simulated world is made of: machines with disks and clocks, one process of the node on each, links, one virtual time. */
import type { Engine } from '../../../node/engine.ts';
import type { NetworkHandlers } from '../../../node/network/ports.ts';
import type { Stores } from '../../../node/stores.ts';
import type { MemberName } from '../../../protocol/brand.ts';
import type { Signer } from '../../../protocol/signature.ts';
import type { Queue } from '../queue.ts';
import type { Random } from '../../../devnet/generator/random.ts';
import type { Cast, CastMember } from './cast.ts';
import type { Council } from './council.ts';
import type { SimulatedDisk } from './disk.ts';
import type { FaultCounts } from './faults.ts';
import type { Links } from './links.ts';
import type { Plan } from './plan.ts';
import type { Trace } from './trace.ts';
import type { Watch } from './watch.ts';
import type { Weather } from './wire.ts';

/** One run of the node's program; lost with all its memory when it dies. */
export interface Process {
  readonly machine: Machine;
  /** Of the consensus key that it started with. */
  readonly signer: Signer;
  isAlive: boolean;
  /** Null until its stores are open. */
  engine: Engine | null;
  stores: Stores | null;
  /** What the network calls; null until the engine opens it. */
  handlers: NetworkHandlers | null;
  /** Members that it lets in. */
  admitted: ReadonlySet<MemberName>;
  /** An error that nobody caught ends the program. */
  readonly onUncaught: (cause: unknown) => void;
  /** Calls of ports until the machine dies; never reached where there are no crashes. */
  callsUntilDeath: number;
}

export interface Machine {
  readonly index: number;
  readonly name: MemberName;
  readonly isHonest: boolean;
  /** Honest, and one of the f that may fail: the plan's damage is for it. */
  readonly isDoomed: boolean;
  /** With the keys that it has now. */
  member: CastMember;
  /** Rotations of its consensus key. */
  keyGeneration: number;
  disk: SimulatedDisk;
  /** Null while it is down. */
  process: Process | null;
  /** Its memory of what it signed or of the ledger is gone or damaged: it cannot start, or is one of the f that may fail. */
  isDamaged: boolean;
  /** Its ledger began anew: what it held is gone. */
  hasLostData: boolean;
  /** Its safety log began anew (W6). */
  hasForgotten: boolean;
  /** Down until somebody starts it. */
  isOff: boolean;
  /** Its wall clock less the true time, in ms. */
  clockOffsetMs: number;
  /** Of both its clocks: 1 is right. */
  clockRate: number;
  /** Nothing happens on it until then: paused, or waiting for its disk. */
  busyUntilMs: number;
  /** What comes while it is busy, in its order. */
  readonly waiting: { readonly process: Process; readonly action: () => void }[];
  /** What each event costs it, in ms. */
  slownessMs: number;
  /** Operations of its disk since the beginning. */
  diskOperationCount: number;
}

export interface World {
  readonly plan: Plan;
  readonly cast: Cast;
  readonly random: Random;
  readonly queue: Queue;
  readonly machines: readonly Machine[];
  readonly links: Links;
  readonly weather: Weather;
  readonly watch: Watch;
  readonly council: Council;
  readonly counts: FaultCounts;
  readonly trace: Trace;
  /** A test may let a machine die at one operation of its disk. */
  readonly crashAtOperation: ReadonlyMap<Machine, number>;
  /** Virtual milliseconds since the beginning. */
  nowMs: number;
  /** No new faults, and every machine comes back. */
  isHealed: boolean;
  /** Applications submit nothing more. */
  isIdle: boolean;
  /** The first rule that was broken; the schedule ends with it. */
  violation: Error | null;
  /** Whose code runs now; null between events. */
  running: Process | null;
}

/** Runs `action` in `afterMs` of true time. */
export function later(world: World, afterMs: number, action: () => void): void {
  world.queue.push(world.nowMs + Math.max(0, afterMs), action);
}

/** Runs `action` on a process in `afterMs`, or as soon after that as its machine is free; never, if it died. */
export function laterOn(
  world: World,
  process: Process,
  order: { afterMs: number; action: () => void },
): void {
  later(world, order.afterMs, () => runOn(world, process, order.action));
}

/** One thing after the other, in the order in which they came. */
export function runOn(world: World, process: Process, action: () => void): void {
  const { machine } = process;
  if (!process.isAlive) return;
  if (machine.waiting.length > 0 || machine.busyUntilMs > world.nowMs) {
    machine.waiting.push({ process, action });
    if (machine.waiting.length === 1) wakeLater(world, machine);
    return;
  }
  runNow(world, process, action);
}

function wakeLater(world: World, machine: Machine): void {
  world.queue.push(Math.max(world.nowMs, machine.busyUntilMs), () => {
    if (machine.busyUntilMs > world.nowMs) {
      wakeLater(world, machine);
      return;
    }
    const next = machine.waiting.shift();
    if (next?.process.isAlive === true) runNow(world, next.process, next.action);
    if (machine.waiting.length > 0) wakeLater(world, machine);
  });
}

function runNow(world: World, process: Process, action: () => void): void {
  const { machine } = process;
  if (machine.slownessMs > 0) {
    machine.busyUntilMs = world.nowMs + machine.slownessMs;
    world.counts.add('event on a slow machine');
  }
  world.running = process;
  world.watch.beforeEvent(process);
  try {
    action();
  } catch (cause) {
    process.onUncaught(cause);
  }
}
