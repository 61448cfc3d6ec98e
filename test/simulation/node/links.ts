/**
 * Connections between machines. One that stands carries messages in order, unless the schedule says otherwise; one that breaks loses what
 * is on its way, and each side learns of it in its own time.
 */
import type { MemberName } from '../../../protocol/brand.ts';
import { later, runOn, type Machine, type Process, type World } from './world.ts';

/** How long a member stays out that sent what no honest one sends. */
export const barredMs = 10_000;
const redialMs = { min: 250, spread: 750 };
const noticeMs = 50;

interface Link {
  readonly ends: readonly [Machine, Machine];
  /** Changes with every connection: what was sent on another one is lost. */
  generation: number;
  isUp: boolean;
  barredUntilMs: number;
  /** When the last message to each end arrives, so that none overtakes it. */
  readonly arrivalMs: [number, number];
  /** What each end believes. */
  readonly isSeenUp: [boolean, boolean];
}

export class Links {
  readonly #links = new Map<number, Link>();
  readonly #machines: readonly Machine[];

  constructor(machines: readonly Machine[]) {
    this.#machines = machines;
    for (const a of machines) {
      for (const b of machines) {
        if (a.index >= b.index) continue;
        this.#links.set(keyOf(a, b), {
          ends: [a, b],
          generation: 0,
          isUp: false,
          barredUntilMs: 0,
          arrivalMs: [0, 0],
          isSeenUp: [false, false],
        });
      }
    }
  }

  /** Whether `own` believes that it is connected. */
  isSeenUp(own: Machine, other: Machine): boolean {
    const link = this.#between(own, other);
    return link.isSeenUp[endOf(link, own)];
  }

  /** The connection that a message leaves on; null without one. */
  generation(own: Machine, other: Machine): number | null {
    const link = this.#between(own, other);
    return link.isUp ? link.generation : null;
  }

  /** A time at which a message may arrive without overtaking those before it. */
  inOrder(from: Machine, to: Machine, arrivalMs: number): number {
    const link = this.#between(from, to);
    const end = endOf(link, to);
    const inOrderMs = Math.max(arrivalMs, link.arrivalMs[end]);
    link.arrivalMs[end] = inOrderMs;
    return inOrderMs;
  }

  /** A process listens from now on: connections come up one by one. */
  onListening(world: World, machine: Machine): void {
    for (const other of this.#machines) {
      if (other !== machine)
        this.#dialLater(world, this.#between(machine, other), 5 + world.random.below(30));
    }
  }

  /** Whom it lets in has changed: who is out is cut off, who is in is dialed. */
  onMembers(world: World, machine: Machine): void {
    for (const other of this.#machines) {
      if (other === machine) continue;
      const link = this.#between(machine, other);
      const isWanted = areMutual(link);
      if (link.isUp && !isWanted) this.#break(world, link);
      if (!link.isUp && isWanted) this.#dialLater(world, link, 5 + world.random.below(30));
    }
  }

  onDeath(world: World, machine: Machine): void {
    for (const other of this.#machines) {
      if (other === machine) continue;
      const link = this.#between(machine, other);
      this.#break(world, link);
      link.isSeenUp[endOf(link, machine)] = false;
    }
  }

  reset(world: World, a: Machine, b: Machine): void {
    this.#break(world, this.#between(a, b));
  }

  bar(world: World, a: Machine, b: Machine): void {
    const link = this.#between(a, b);
    link.barredUntilMs = world.nowMs + barredMs;
    this.#break(world, link);
  }

  machineNamed(name: MemberName): Machine {
    const machine = this.#machines.find((candidate) => candidate.name === name);
    if (machine === undefined) throw new Error(`no machine ${name}`);
    return machine;
  }

  #between(a: Machine, b: Machine): Link {
    const link = this.#links.get(keyOf(a, b));
    if (link === undefined) throw new Error('no link of a machine to itself');
    return link;
  }

  #break(world: World, link: Link): void {
    if (!link.isUp) return;
    link.isUp = false;
    link.generation += 1;
    for (const end of [0, 1] as const) {
      later(world, world.random.below(noticeMs), () => this.#notice(world, link, end));
    }
    this.#dialLater(world, link, redialMs.min + world.random.below(redialMs.spread));
  }

  #dialLater(world: World, link: Link, afterMs: number): void {
    later(world, afterMs, () => this.#dial(world, link));
  }

  /** Both must listen and let each other in, and nobody be barred; whoever starts later, or hears of the other later, dials again. */
  #dial(world: World, link: Link): void {
    if (link.isUp || link.ends.some((machine) => !isListening(machine)) || !areMutual(link)) return;
    if (link.barredUntilMs > world.nowMs) {
      this.#dialLater(world, link, link.barredUntilMs - world.nowMs + 1);
      return;
    }
    link.isUp = true;
    link.generation += 1;
    for (const end of [0, 1] as const) this.#notice(world, link, end);
  }

  #notice(world: World, link: Link, end: 0 | 1): void {
    const own = link.ends[end];
    const other = link.ends[1 - end] ?? own;
    const { process } = own;
    if (process === null || !isListening(own) || link.isSeenUp[end] === link.isUp) return;
    link.isSeenUp[end] = link.isUp;
    tell(world, process, { name: other.name, isConnected: link.isUp });
  }
}

function tell(
  world: World,
  process: Process,
  change: { readonly name: MemberName; readonly isConnected: boolean },
): void {
  runOn(world, process, () => process.handlers?.onPeerChanged(change.name, change.isConnected));
}

function areMutual({ ends: [a, b] }: Link): boolean {
  return a.process?.admitted.has(b.name) === true && b.process?.admitted.has(a.name) === true;
}

function isListening({ process }: Machine): boolean {
  return process !== null && process.handlers !== null;
}

function keyOf(a: Machine, b: Machine): number {
  return Math.min(a.index, b.index) * 64 + Math.max(a.index, b.index);
}

function endOf(link: Link, machine: Machine): 0 | 1 {
  return link.ends[0] === machine ? 0 : 1;
}
