/** Plays a plan on running processes, their wires and their disks, and mends everything at the end. */
import { readFileSync } from 'node:fs';
import { flipBits, type SmallDisk } from '../../devnet/diskFaults.ts';
import { goodWay, type FaultyNetwork } from '../../devnet/faults.ts';
import type { Supervisor } from '../../devnet/supervisor.ts';
import { homePaths } from '../../node/home.ts';
import type { Random } from '../../devnet/generator/random.ts';
import { pause, voters } from '../support/cluster.ts';
import type { Fault, Plan, Step } from './plan.ts';

export interface NemesisParts {
  readonly devnet: Supervisor;
  readonly network: FaultyNetwork;
  /** Null: this plan has none, or this machine does not let us mount one. */
  readonly disk: SmallDisk | null;
  readonly random: Random;
}

export class Nemesis {
  readonly #parts: NemesisParts;
  readonly #counts = new Map<string, number>();
  /** Nodes that could not start with their damaged data, and what they said. */
  readonly #outOfService = new Map<string, string>();
  readonly #damaged = new Set<string>();

  constructor(parts: NemesisParts) {
    this.#parts = parts;
  }

  /** Faults by kind. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  get outOfService(): ReadonlyMap<string, string> {
    return this.#outOfService;
  }

  /** Resolves when the signal says so, and what is under way is done. */
  async play(plan: Plan, until: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    const playTrack = async (steps: readonly Step[]): Promise<void> => {
      for (const { atMs, fault } of steps) {
        while (!until.aborted && performance.now() - startedAt < atMs) await pause(20);
        if (until.aborted) return;
        await this.#inflict(fault);
      }
      while (!until.aborted) await pause(20);
    };
    await Promise.all(plan.map(playTrack));
  }

  /** Everything mended, and every node started that can start, and ready. */
  async heal(): Promise<void> {
    this.#parts.network.heal();
    await this.#healNodes();
    const { devnet } = this.#parts;
    const running = voters.filter((name) => devnet.node(name).pid !== null);
    const dead = voters.filter((name) => !running.includes(name) && !this.#outOfService.has(name));
    if (dead.length > 0) throw new Error(`${dead.join(', ')} did not start again`);
    await Promise.all(running.map((name) => devnet.waitUntilReady(name)));
  }

  async #inflict(fault: Fault): Promise<void> {
    const { devnet, network, disk } = this.#parts;
    const isHeal = fault.kind === 'healNodes' || fault.kind === 'healWires';
    const isPossible = fault.kind !== 'fillDisk' || disk !== null;
    if (!isHeal && isPossible) this.#counts.set(fault.kind, (this.#counts.get(fault.kind) ?? 0) + 1);
    switch (fault.kind) {
      case 'partition':
        return network.partition(fault.groups);
      case 'oneWay':
        for (const to of fault.to) network.setWay(fault.from, to, { ...goodWay, isHeld: true });
        return undefined;
      case 'badWires':
        for (const from of fault.names) {
          for (const to of voters) network.setWay(from, to, fault.way);
        }
        return undefined;
      case 'healWires':
        return network.heal();
      case 'kill':
        await Promise.all(fault.names.map(async (name) => devnet.kill(name)));
        return undefined;
      case 'pause':
        for (const name of fault.names) devnet.pause(name);
        return undefined;
      case 'fillDisk':
        return disk?.fill();
      case 'corrupt':
        return this.#corrupt(fault.name, fault.bitCount);
      case 'healNodes':
        return this.#healNodes();
      default:
        return fault satisfies never;
    }
  }

  async #corrupt(name: string, bitCount: number): Promise<void> {
    const { devnet, random } = this.#parts;
    await devnet.kill(name);
    flipBits(homePaths(devnet.node(name).home).data, bitCount, random.below);
    this.#damaged.add(name);
    await this.#start(name);
  }

  async #healNodes(): Promise<void> {
    const { devnet, disk } = this.#parts;
    disk?.free();
    for (const name of voters) devnet.resume(name);
    for (const name of voters) if (await this.#hasGivenUp(name)) await devnet.kill(name);
    const isDown = (name: string): boolean => devnet.node(name).pid === null && !this.#outOfService.has(name);
    await Promise.all(voters.filter(isDown).map(async (name) => this.#start(name)));
  }

  /** A node whose disk failed goes on answering, and votes again only after a restart (W7). */
  async #hasGivenUp(name: string): Promise<boolean> {
    const { devnet } = this.#parts;
    if (devnet.node(name).pid === null) return false;
    try {
      const { ready } = await devnet.client(name).call('node_health', {});
      return ready.reasons.some((reason) => reason.includes('no longer votes'));
    } catch {
      return false;
    }
  }

  /** A node may fail to start where its disk gives it reason to; any other failure shows when everything is mended. */
  async #start(name: string): Promise<void> {
    const { devnet } = this.#parts;
    try {
      await devnet.start(name);
    } catch {
      if (this.#damaged.has(name)) this.#outOfService.set(name, lastErrorOf(devnet, name));
    }
  }
}

/** The line with which a node tells its operator why it does not start. */
function lastErrorOf(devnet: Supervisor, name: string): string {
  const lines = readFileSync(devnet.node(name).logFile, 'utf8').trimEnd().split('\n');
  return lines.findLast((line) => line.startsWith('error: ')) ?? lines.at(-1) ?? '';
}
