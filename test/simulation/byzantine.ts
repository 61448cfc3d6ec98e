/** One dishonest voter: it signs what it likes, and as leader proposes different blocks on parents of its choice. */
import { leaderOf } from '../../consensus/leader.ts';
import { certificatesOf } from '../../consensus/justification.ts';
import { closingOf } from '../../protocol/block.ts';
import type { Epoch, Verified, View } from '../../protocol/brand.ts';
import type { Certificate } from '../../protocol/certificate.ts';
import type { Ballot } from '../../protocol/vote.ts';
import { draftBlock, hexOf, signProposal, signVote } from './model.ts';
import { send } from './network.ts';
import { epochOf, later, type Instance, type Machine, type World } from './world.ts';

/** It collects certificates that honest machines forget after finality. */
type Collection = Map<View, Verified<Certificate>>;

interface Known {
  readonly epoch: Epoch;
  readonly prepared: Collection;
  readonly skipped: Collection;
}

export interface Mischief {
  /** Between the steps of its replica: a dishonest voter speaks whenever it likes. */
  readonly start: (machine: Machine) => void;
  /** Right when its replica enters a view, so that its proposal comes before the honest one of its own replica. */
  readonly onViewEntered: (instance: Instance) => void;
}

export function createMischief(world: World): Mischief {
  const known = new Map<Machine, Known>();
  const learn = (instance: Instance): Known => {
    const epoch = epochOf(instance);
    const held = known.get(instance.machine);
    const before = held?.epoch === epoch ? held : { epoch, prepared: new Map(), skipped: new Map() };
    known.set(instance.machine, before);
    collect(instance, before);
    return before;
  };
  const act = (machine: Machine): void => {
    for (const instance of machine.instances) {
      if (!instance.isAlive || world.isIdle) continue;
      const what = learn(instance);
      if (world.random.chance(0.3)) proposeEvil(world, instance, what);
      if (world.random.chance(0.5)) voteEvil(world, instance);
    }
    later(world, 10 + world.random.below(80), () => act(machine));
  };
  return {
    start: (machine) => later(world, 10, () => act(machine)),
    onViewEntered: (instance) => {
      const what = learn(instance);
      if (!world.isIdle && world.random.chance(0.5)) proposeEvil(world, instance, what);
    },
  };
}

function collect({ state }: Instance, { prepared, skipped }: Known): void {
  for (const [view, certificate] of state.prepared) prepared.set(view, certificate);
  for (const [view, certificate] of state.skipped) skipped.set(view, certificate);
  for (const { proposal } of state.proposals.values()) {
    for (const certificate of certificatesOf(proposal)) {
      (certificate.kind === 'skip' ? skipped : prepared).set(certificate.view, certificate);
    }
  }
}

/** Any parent it knows of, even in final history, any part of the skip certificates, another block for each receiver. */
function proposeEvil(world: World, instance: Instance, known: Known): void {
  const { machine, state } = instance;
  const { random, checks } = world;
  const { view, config } = state;
  if (config.own === null || leaderOf(config, view) !== config.own) return;
  const parent = pickParent(world, known, view);
  const isComplete = random.chance(0.4);
  const skips = [...known.skipped.values()]
    .filter(
      (skip) => skip.view < view && skip.view > (parent?.view ?? 0) && (isComplete || random.chance(0.7)),
    )
    .toSorted((a, b) => a.view - b.view);
  const { start } = config;
  const digest = parent?.digest ?? start.digest;
  const block = checks.blockOf(digest);
  // It knows the rules of closing, and keeps them often enough to be heard.
  const closing = parent === null || block === null ? null : closingOf(block.header, digest);
  const extensionOf = closing !== null && random.chance(0.8) ? closing : null;
  const isClosing = world.plan.machineCount > world.plan.voterCount && random.chance(0.1);
  const next = { ...config.voters, epoch: (config.voters.epoch + 1) as Epoch };
  const isSame = random.chance(0.5);
  let salt = random.below(1_000_000);
  for (const to of world.machines) {
    if (to === machine || !random.chance(isSame ? 0.95 : 0.6)) continue;
    if (!isSame) salt += 1;
    const evil = draftBlock({
      view,
      proposer: config.own,
      parent: { digest, view: parent?.view ?? 0, height: block?.header.height ?? start.height },
      timeMs: Math.max((block?.header.timeMs ?? 0) + 1, world.nowMs + (salt % 500)),
      batchDigests: [],
      stateRoot: block?.header.stateRoot ?? (random.chance(0.9) ? hexOf(0) : hexOf(salt)),
      voters: config.voters,
      nextVoterSet: isClosing ? next : null,
      extensionOf,
    });
    checks.onBlock(evil);
    send(
      world,
      { from: instance, to },
      { kind: 'proposal', proposal: signProposal(evil, { parent, skips }) },
    );
  }
}

function voteEvil(world: World, instance: Instance): void {
  const { state, machine } = instance;
  const { own, voters } = state.config;
  if (own === null) return;
  const view = (state.view - world.random.below(2)) as View;
  const digests = [...state.proposals.values()].map(({ digest }) => digest);
  const prepared = state.prepared.get(view)?.digest ?? null;
  if (prepared !== null) digests.push(prepared);
  const kind = world.random.pick(['prepare', 'commit', 'skip'] as const);
  if (kind !== 'skip' && digests.length === 0) return;
  const digest = kind === 'skip' ? null : world.random.pick(digests);
  const ballot: Ballot = { kind, epoch: voters.epoch, view, digest };
  const vote = signVote(ballot, own);
  world.checks.onSigned(vote, machine);
  for (const to of world.machines)
    if (to !== machine) send(world, { from: instance, to }, { kind: 'vote', vote });
}

/** Mostly one of the newest: an older one only fools who is far behind. */
function pickParent(world: World, { prepared }: Known, view: View): Verified<Certificate> | null {
  const { random } = world;
  const parents = [...prepared.values()]
    .filter((parent) => parent.view < view)
    .toSorted((a, b) => a.view - b.view);
  if (parents.length === 0 || random.chance(0.05)) return null;
  return random.pick(random.chance(0.8) ? parents.slice(-3) : parents);
}
