/**
 * A Twins scenario (Bano et al., OPODIS 2021, §4): who leads which view, and who hears whom in each network round. The twin is
 * one more instance with the key of a voter, so it breaks the rules by running the real code twice.
 */
import { seededRandom, type Random } from '../../../devnet/generator/random.ts';

export interface Round {
  /** The set of each instance: instances hear each other within a set. Voters first, then the second instance of each twin. */
  readonly partition: readonly number[];
  /** How many hops messages get before the round ends and the rest of them is lost; null is until nothing is on its way. */
  readonly hopCount: number | null;
  /** Whose timers run out; null is everybody's whose view did not move in this round. */
  readonly late: readonly number[] | null;
  /** Instances that forget all but their disk when the round begins. */
  readonly restarted: readonly number[];
}

export interface Scenario {
  /** What repeats it. */
  readonly name: string;
  readonly voterCount: number;
  /** Voters 0 to `twinCount` - 1 are twins. */
  readonly twinCount: number;
  /** Voters that lead views 1, 2, ...; from then on they take turns. */
  readonly leaders: readonly number[];
  readonly rounds: readonly Round[];
}

const setsMax = 3;

/** All ways to put `count` instances into at most three sets, each set named by its first member: no way comes up twice. */
function partitionsOf(count: number): readonly (readonly number[])[] {
  let partial: readonly (readonly number[])[] = [[]];
  for (let instance = 0; instance < count; instance += 1) {
    partial = partial.flatMap((sets) => {
      const setCount = Math.max(-1, ...sets) + 1;
      return Array.from({ length: Math.min(setCount + 1, setsMax) }, (_unused, set) => [...sets, set]);
    });
  }
  return partial;
}

interface Letter {
  readonly leader: number;
  readonly partition: readonly number[];
}

/** Voters 1 to 3 are alike, and so are the two instances (0 and 4) of the twin: renaming them changes nothing. */
const renamings: readonly (readonly number[])[] = [
  [1, 2, 3],
  [1, 3, 2],
  [2, 1, 3],
  [2, 3, 1],
  [3, 1, 2],
  [3, 2, 1],
].flatMap((honest) => [
  [0, ...honest, 4],
  [4, ...honest, 0],
]);

function renamed({ leader, partition }: Letter, renaming: readonly number[]): Letter {
  const moved = partition.map((_unused, instance) => partition[renaming.indexOf(instance)] ?? 0);
  const order = [...new Set(moved)];
  // An instance of the twin leads for both.
  return { leader: (renaming[leader] ?? 0) % 4, partition: moved.map((set) => order.indexOf(set)) };
}

function keyOf({ leader, partition }: Letter): string {
  return `${leader}${partition.join('')}`;
}

/** Four voters, one of them a twin: every leader and every partition in each of two rounds, one of each kind under renaming. */
export function enumerateScenarios(): readonly Scenario[] {
  const letters = partitionsOf(5).flatMap((partition) =>
    [0, 1, 2, 3].map((leader) => ({ leader, partition })),
  );
  const indexOfKey = new Map(letters.map((letter, index) => [keyOf(letter), index]));
  const images = letters.map((letter) =>
    renamings.map((renaming) => indexOfKey.get(keyOf(renamed(letter, renaming))) ?? -1),
  );
  const scenarios: Scenario[] = [];
  for (const [first, firstLetter] of letters.entries()) {
    for (const [second, secondLetter] of letters.entries()) {
      const isFirstOfItsKind = renamings.every((_unused, renaming) => {
        const image = (images[first]?.[renaming] ?? -1) * letters.length + (images[second]?.[renaming] ?? -1);
        return image >= first * letters.length + second;
      });
      if (isFirstOfItsKind) scenarios.push(enumerated(scenarios.length, [firstLetter, secondLetter]));
    }
  }
  return scenarios;
}

function enumerated(index: number, letters: readonly Letter[]): Scenario {
  return {
    name: `--scenario ${index}`,
    voterCount: 4,
    twinCount: 1,
    leaders: letters.map(({ leader }) => leader),
    rounds: letters.map(({ partition }) => ({ partition, hopCount: null, late: null, restarted: [] })),
  };
}

const roundsMax = 7;

/** The larger scope: more rounds, rounds cut short, timers that run out for some, restarts, and seven voters with two twins. */
export function* sampledScenarios(firstSeed: number, count: number): Generator<Scenario> {
  for (let seed = firstSeed; seed < firstSeed + count; seed += 1) yield sampleScenario(seed);
}

function sampleScenario(seed: number): Scenario {
  const random = seededRandom(seed);
  const isLarge = random.chance(0.08);
  const voterCount = isLarge ? 7 : 4;
  const twinCount = isLarge ? 2 : 1;
  const instances = Array.from({ length: voterCount + twinCount }, (_unused, instance) => instance);
  const some = (probability: number): readonly number[] => instances.filter(() => random.chance(probability));
  const rounds = Array.from({ length: 3 + random.below(roundsMax - 2) }, () => ({
    partition: random.pick(shapes)(random, instances),
    hopCount: random.chance(0.4) ? 1 + random.below(4) : null,
    late: random.chance(0.5) ? some(0.4) : null,
    restarted: random.chance(0.15) ? some(0.3) : [],
  }));
  const leaders = rounds.map(() => (random.chance(0.5) ? random.below(twinCount) : random.below(voterCount)));
  return { name: `--seed ${seed} --samples 1`, voterCount, twinCount, leaders, rounds };
}

/** Any sets; the two halves that a pair of twins makes quorums in; everybody together. */
const shapes: readonly ((random: Random, instances: readonly number[]) => readonly number[])[] = [
  (random, instances) => instances.map(() => random.below(setsMax)),
  (random, instances) => instances.map(() => random.below(2)),
  (random, instances) => {
    const alone = random.below(instances.length);
    return instances.map((instance) => (instance === alone ? 1 : 0));
  },
  (_random, instances) => instances.map(() => 0),
];
