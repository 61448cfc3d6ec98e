/** Runs a scenario: its rounds, then a healed network in which the chain must grow, then quiet in which it must not. */
import { check, checkReplay } from '../checks.ts';
import { electedByTable, withMutant, type Mutation } from '../mutant.ts';
import type { Core } from '../world.ts';
import {
  buildBlock,
  createCluster,
  deliverHop,
  handle,
  restart,
  type Cluster,
  type Instance,
} from './cluster.ts';
import type { Round, Scenario } from './scenario.ts';

export interface ScenarioReport {
  readonly eventCount: number;
  /** Height that the first honest instance reached before the healing. */
  readonly heightAtHeal: number;
  /** From the healing until every honest instance had five new blocks. */
  readonly recoveryRounds: number;
}

const newBlockCount = 5;
/** A twin leads every n-th view and may split it, and back-off takes no time here. */
const recoveryRoundsMax = 30;
const quietRounds = 3;
/** Bounds a storm of messages: a round needs some ten hops, and some twenty when a straggler fetches. */
const hopCountMax = 200;

/** The core of the built code, or of a mutant of it, with its leaders elected by the scenario. */
export async function withTwinsCore<T>(mutations: readonly Mutation[], use: (core: Core) => T): Promise<T> {
  return withMutant([electedByTable, ...mutations], use);
}

/** The first scenario that fails, and why; null if none of them does. */
export function huntFailure(core: Core, scenarios: Iterable<Scenario>): string | null {
  for (const scenario of scenarios) {
    try {
      runScenario(core, scenario);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return `${reason} (npm run twins -- ${scenario.name})`;
    }
  }
  return null;
}

/** Throws a `Violation`, or the broken invariant of the code under test. */
export function runScenario(core: Core, scenario: Scenario): ScenarioReport {
  const cluster = createCluster(core, scenario);
  const together = cluster.instances.map(() => 0);
  const calm: Round = { partition: together, hopCount: null, late: null, restarted: [] };
  cluster.partition = scenario.rounds[0]?.partition ?? together;
  for (const instance of cluster.instances) restart(cluster, instance);
  for (const round of scenario.rounds) runRound(cluster, round);
  const honest = cluster.instances.filter(({ isHonest }) => isHonest);
  for (const instance of honest) checkDisk(core, instance);
  const heightAtHeal = cluster.checks.finalHeightMax();
  const isGrown = (): boolean => honest.every(({ ledger }) => ledger.length >= heightAtHeal + newBlockCount);
  let recoveryRounds = 0;
  for (; !isGrown(); recoveryRounds += 1) {
    check(recoveryRounds < recoveryRoundsMax, `no five new blocks after healing: ${standing(honest)}`);
    runRound(cluster, calm);
  }
  checkQuiet(cluster, calm);
  return { eventCount: cluster.eventCount, heightAtHeal, recoveryRounds };
}

/** A round: a tick, blocks that were asked for, messages until none are left, then the timers of whoever is stuck. */
function runRound(cluster: Cluster, { partition, hopCount, late, restarted }: Round): void {
  cluster.partition = partition;
  cluster.letters = [];
  const viewsBefore = cluster.instances.map(({ state }) => state.view);
  for (const instance of cluster.instances) {
    if (restarted.includes(instance.place)) restart(cluster, instance);
    runOut(cluster, instance, 'tick');
    buildBlock(cluster, instance);
  }
  deliver(cluster, hopCount);
  for (const instance of cluster.instances) {
    const isStuck = instance.state.view === viewsBefore[instance.place];
    if (late === null ? !isStuck : !late.includes(instance.place)) continue;
    runOut(cluster, instance, 'proposal');
    runOut(cluster, instance, 'view');
  }
  deliver(cluster, hopCount);
}

function deliver(cluster: Cluster, hopCount: number | null): void {
  const countMax = hopCount ?? hopCountMax;
  for (let hop = 0; hop < countMax && cluster.letters.length > 0; hop += 1) deliverHop(cluster);
  check(hopCount !== null || cluster.letters.length === 0, 'a storm of messages');
}

function runOut(cluster: Cluster, instance: Instance, kind: 'tick' | 'proposal' | 'view'): void {
  const timeout = instance.timers.get(kind);
  if (timeout === undefined) return;
  instance.timers.delete(kind);
  handle(cluster, instance, { kind: 'timeoutElapsed', timeout });
}

/** W5: what the log gives back is what was there. */
function checkDisk(core: Core, { config, state, ledger, records }: Instance): void {
  const last = ledger.at(-1) ?? { block: null, certificate: null };
  checkReplay(state, core.recover(config, last, records));
}

/** An idle network sends no blocks (§4). */
function checkQuiet(cluster: Cluster, calm: Round): void {
  for (const instance of cluster.instances)
    handle(cluster, instance, { kind: 'workChanged', hasWork: false });
  const settle = (): void => {
    for (let round = 0; round < quietRounds; round += 1) runRound(cluster, calm);
  };
  settle();
  const countBefore = cluster.honestProposalCount;
  settle();
  check(cluster.honestProposalCount === countBefore, 'an idle network sends blocks');
}

function standing(instances: readonly Instance[]): string {
  return instances
    .map(
      ({ place, state, ledger }) =>
        `${place}: height ${ledger.length}, view ${state.view}, final ${state.final.view}`,
    )
    .join('; ');
}
