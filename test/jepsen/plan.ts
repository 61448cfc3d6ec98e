/** What goes wrong and when: a plan follows from its name, its length and a seed alone, so one line reproduces it. */
import { goodWay, type Way } from '../../devnet/faults.ts';
import { seededRandom, type Random } from '../../devnet/generator/random.ts';
import { voters } from '../support/cluster.ts';

export type Fault =
  | { readonly kind: 'partition'; readonly groups: readonly (readonly string[])[] }
  /** What `from` sends reaches none of `to`. */
  | { readonly kind: 'oneWay'; readonly from: string; readonly to: readonly string[] }
  /** Everything that these nodes send. */
  | { readonly kind: 'badWires'; readonly names: readonly string[]; readonly way: Way }
  | { readonly kind: 'healWires' }
  | { readonly kind: 'kill'; readonly names: readonly string[] }
  | { readonly kind: 'pause'; readonly names: readonly string[] }
  | { readonly kind: 'fillDisk' }
  /** kill -9, some bits of data/ turned over, and a start that may fail. */
  | { readonly kind: 'corrupt'; readonly name: string; readonly bitCount: number }
  /** Whoever is paused goes on, whoever is down is started, and there is room on the disk. */
  | { readonly kind: 'healNodes' };

export interface Step {
  readonly atMs: number;
  readonly fault: Fault;
}

/** Each track is played by itself, so that a slow start of a process delays no wire. */
export type Plan = readonly (readonly Step[])[];

export const planNames = ['partitions', 'kills', 'pauses', 'wires', 'disks', 'everything'] as const;
export type PlanName = (typeof planNames)[number];

/** The one home on a disk that can be full. */
export const smallDiskOwner = 'insurer';
/** The one home whose data is damaged; it may be out of service from then on, so no other one is. */
const damagedOwner = 'clinic';

type Episode = (random: Random) => Fault;

function someOf(random: Random, countMax: number): readonly string[] {
  const rest: string[] = [...voters];
  const count = 1 + random.below(countMax);
  return Array.from({ length: count }, () => rest.splice(random.below(rest.length), 1)).flat();
}

function partition(random: Random): Fault {
  const group = someOf(random, 2);
  return { kind: 'partition', groups: [group, voters.filter((name) => !group.includes(name))] };
}

function oneWay(random: Random): Fault {
  const from = random.pick(voters);
  const others = voters.filter((name) => name !== from);
  const to = random.chance(0.5) ? others : [random.pick(others)];
  return { kind: 'oneWay', from, to };
}

function badWires(random: Random): Fault {
  const way: Way = {
    ...goodWay,
    latencyMs: random.below(120),
    jitterMs: random.below(120),
    bytesPerSecondMax: random.chance(0.4) ? 20_000 + random.below(80_000) : null,
    resetChance: random.chance(0.5) ? 0.01 : 0,
  };
  return { kind: 'badWires', names: random.chance(0.5) ? voters : someOf(random, 2), way };
}

function kill(random: Random): Fault {
  return { kind: 'kill', names: random.chance(0.2) ? voters : someOf(random, 2) };
}

function pause(random: Random): Fault {
  return { kind: 'pause', names: someOf(random, random.chance(0.2) ? 4 : 2) };
}

function fillDisk(): Fault {
  return { kind: 'fillDisk' };
}

const wireEpisodes: Readonly<Record<PlanName, readonly Episode[]>> = {
  partitions: [partition, partition, oneWay],
  kills: [],
  pauses: [],
  wires: [badWires],
  disks: [],
  everything: [partition, oneWay, badWires],
};

const nodeEpisodes: Readonly<Record<PlanName, readonly Episode[]>> = {
  partitions: [],
  kills: [kill],
  pauses: [pause],
  wires: [],
  disks: [fillDisk],
  everything: [kill, pause, fillDisk],
};

/** Something goes wrong for some seconds, then everything of this track is well for a while, and so on. */
function track(random: Random, episodes: readonly Episode[], span: Span): readonly Step[] {
  const steps: Step[] = [];
  if (episodes.length === 0) return steps;
  for (let atMs = 1_000 + random.below(1_500); atMs < span.durationMs;) {
    steps.push({ atMs, fault: random.pick(episodes)(random) });
    atMs += 1_500 + random.below(4_000);
    steps.push({ atMs, fault: span.heal });
    atMs += 1_000 + random.below(2_500);
  }
  return steps;
}

interface Span {
  readonly durationMs: number;
  readonly heal: Fault;
}

export function hasSmallDisk(name: PlanName): boolean {
  return nodeEpisodes[name].includes(fillDisk);
}

export function makePlan(name: PlanName, seed: number, durationMs: number): Plan {
  const random = seededRandom(seed);
  const wires = track(random, wireEpisodes[name], { durationMs, heal: { kind: 'healWires' } });
  const nodes = track(random, nodeEpisodes[name], { durationMs, heal: { kind: 'healNodes' } });
  if (name !== 'disks') return [wires, nodes];
  const bitCount = 1 + random.below(20);
  const damage: Step = {
    atMs: Math.floor(durationMs / 2) + random.below(Math.floor(durationMs / 3)),
    fault: { kind: 'corrupt', name: damagedOwner, bitCount },
  };
  return [wires, nodes, [damage]];
}
