/** The simulated host: carries effects out in their order, may crash between any two, and answers from disk and model. */
import { digestOf } from '../../consensus/chain.ts';
import type { ConsensusEvent } from '../../consensus/event.ts';
import type { Effect } from '../../consensus/effect.ts';
import type { SafetyRecord } from '../../consensus/record.ts';
import type { View } from '../../protocol/brand.ts';
import { BrokenInvariant, present } from '../../protocol/invariant.ts';
import type { ConsensusMessage } from '../../protocol/message.ts';
import { checkBounds, checkReplay } from './checks.ts';
import { applyCommits, buildBlock, hasWork, judgeBlock, workKeyOf } from './execution.ts';
import { signProposal, signVote, asVerified } from './model.ts';
import { send } from './network.ts';
import { askSomebody } from './sync.ts';
import {
  configOf,
  emptyDisk,
  ifCurrent,
  later,
  type Disk,
  type Instance,
  type Machine,
  type World,
} from './world.ts';

export function boot(world: World, machine: Machine, disks: readonly Disk[]): void {
  machine.instances = disks.map((disk, ordinal) => {
    const last = disk.ledger.at(-1) ?? { block: null, certificate: null };
    return {
      machine,
      ordinal,
      disk,
      state: world.core.recover(configOf(world, machine, disk), last, disk.records),
      isAlive: true,
      isBusy: false,
      inbox: [],
      timers: new Map(),
      executed: new Map(),
      commitQueue: [],
      early: [],
      isApplying: false,
      workKey: '',
    };
  });
  for (const instance of machine.instances) {
    world.checks.onEpoch(instance.state.config.voters);
    handle(world, instance, { kind: 'started' });
  }
}

/** The machine forgets all but its disk, and starts again after a while. */
function crash(world: World, instance: Instance): void {
  instance.isAlive = false;
  world.crashCount += 1;
  const { machine, disk } = instance;
  later(world, 50 + world.random.below(1_500), () => {
    if (!machine.instances.some((other) => other.isAlive)) boot(world, machine, [disk]);
  });
}

/** W6: the machine comes back with its key and nothing else; a careful host says so at the head of its new log. */
export function loseDisk(world: World, instance: Instance): void {
  instance.isAlive = false;
  world.memoryLossCount += 1;
  const { batches, forgotten } = instance.disk;
  const disk = emptyDisk(world.genesisVoters, new Set([...batches, ...forgotten]));
  const { epoch } = world.genesisVoters;
  const loss: SafetyRecord = { kind: 'memory', memory: 'lost', epoch, view: 0 as View };
  if (world.flaws.isLossNoticed) disk.records.push(loss);
  instance.machine.instances = [{ ...instance, disk }];
  later(world, 50 + world.random.below(500), () => boot(world, instance.machine, [disk]));
}

/** A crash between two steps loses nothing that matters: the log gives the state back. */
export function crashCleanly(world: World, instance: Instance): void {
  const { machine, disk, state, commitQueue } = instance;
  const isWhole = world.flaws.areVotesLogged && world.flaws.areCertificatesLogged && !state.isClosed;
  if (isWhole && commitQueue.length === 0) {
    const last = disk.ledger.at(-1) ?? { block: null, certificate: null };
    checkReplay(state, world.core.recover(configOf(world, machine, disk), last, disk.records));
  }
  crash(world, instance);
}

/** Events are handled one after the other; what a step feeds back comes right after it. */
export function handle(world: World, instance: Instance, event: ConsensusEvent): void {
  instance.inbox.push(event);
  if (instance.isBusy) return;
  instance.isBusy = true;
  try {
    for (let next = instance.inbox.shift(); next !== undefined; next = instance.inbox.shift()) {
      const { state, effects } = world.core.step(instance.state, next);
      const isEntering = state.view !== instance.state.view;
      instance.state = state;
      if (isEntering && !instance.machine.isHonest) world.mischief.onViewEntered(instance);
      carryOut(world, instance, effects);
      if (!instance.isAlive) return;
      refreshWork(world, instance);
    }
    if (instance.machine.isHonest) checkBounds(instance.state);
  } catch (error) {
    // A member that breaks the rules may break its own copy of the replica; an honest one must not.
    if (instance.machine.isHonest || !(error instanceof BrokenInvariant)) throw error;
    instance.isAlive = false;
  } finally {
    instance.isBusy = false;
  }
}

function refreshWork(world: World, instance: Instance): void {
  const key = workKeyOf(instance);
  if (key === instance.workKey) return;
  instance.workKey = key;
  const isWorking = hasWork(world, instance);
  if (isWorking !== instance.state.hasWork) instance.inbox.push({ kind: 'workChanged', hasWork: isWorking });
}

/** W1, W2, W3: all records of the step are durable before its first message leaves. A crash may tear the records too. */
function carryOut(world: World, instance: Instance, effects: readonly Effect[]): void {
  if (effects.length === 0) return;
  const records = recordsOf(world, instance, effects);
  const { isHonest } = instance.machine;
  const isCrash = isHonest && !world.isHealed && world.random.chance(world.plan.crashRate);
  const crashAt = isCrash ? world.random.below(records.length + effects.length + 1) : -1;
  for (const [index, record] of records.entries()) {
    if (index === crashAt) return crash(world, instance);
    instance.disk.records.push(record);
  }
  for (const [index, effect] of effects.entries()) {
    if (records.length + index === crashAt) return crash(world, instance);
    execute(world, instance, effect);
  }
  if (records.length + effects.length === crashAt) crashCleanly(world, instance);
}

function recordsOf(world: World, instance: Instance, effects: readonly Effect[]): readonly SafetyRecord[] {
  const { areVotesLogged, areCertificatesLogged } = world.flaws;
  const { own } = instance.state.config;
  return effects.flatMap((effect): readonly SafetyRecord[] => {
    if (effect.kind === 'recordMemory') return [effect.record];
    if (effect.kind === 'recordBlock') return [{ kind: 'block', block: effect.block }];
    if (effect.kind === 'recordCertificate' && areCertificatesLogged) {
      return [{ kind: 'certificate', certificate: asVerified(effect.certificate) }];
    }
    if (effect.kind === 'castVote' && areVotesLogged) {
      return [{ kind: 'vote', vote: signVote(effect.ballot, present(own, 'a voter casts')) }];
    }
    if (effect.kind === 'castProposal' && areVotesLogged) {
      return [{ kind: 'proposal', proposal: signProposal(effect.block, effect.justification) }];
    }
    return [];
  });
}

function execute(world: World, instance: Instance, effect: Effect): void {
  const { machine } = instance;
  switch (effect.kind) {
    case 'castVote': {
      const vote = signVote(effect.ballot, present(instance.state.config.own, 'a voter casts'));
      broadcast(world, instance, { kind: 'vote', vote });
      instance.inbox.push({ kind: 'voteReceived', vote });
      return;
    }
    case 'castProposal': {
      const proposal = signProposal(effect.block, effect.justification);
      if (machine.isHonest) world.honestProposalCount += 1;
      broadcast(world, instance, { kind: 'proposal', proposal });
      instance.inbox.push({ kind: 'proposalReceived', proposal });
      return;
    }
    case 'broadcast':
      return broadcast(world, instance, effect.message);
    case 'send': {
      const to = world.machines.find((other) => other.name === effect.to);
      send(world, { from: instance, to: present(to, 'messages go to members') }, effect.message);
      return;
    }
    case 'requestBlock':
      return later(
        world,
        buildDelayMs(world),
        ifCurrent(instance, () => {
          const block = buildBlock(world, instance, effect);
          handle(world, instance, { kind: 'blockBuilt', view: effect.view, block });
        }),
      );
    case 'validateBlock':
      return later(
        world,
        executionDelayMs(world),
        ifCurrent(instance, () => {
          const answer = judgeBlock(world, instance, effect.block);
          handle(world, instance, { kind: 'blockValidated', ...answer });
        }),
      );
    case 'fetchBlocks': {
      const { digest, aboveHeight } = effect;
      return askSomebody(world, instance, { kind: 'ancestorsWanted', digest, aboveHeight });
    }
    case 'commitBlocks': {
      const last = effect.blocks.length - 1;
      for (const [index, block] of effect.blocks.entries()) {
        const isLast = index === last;
        const certificate = isLast ? effect.certificate : null;
        instance.commitQueue.push({ block, certificate, extension: isLast ? effect.extension : null });
      }
      return applyCommits(world, instance);
    }
    case 'startTimer': {
      const { kind } = effect.timeout;
      const token = (instance.timers.get(kind) ?? 0) + 1;
      instance.timers.set(kind, token);
      return later(
        world,
        effect.afterMs,
        ifCurrent(instance, () => {
          if (instance.timers.get(kind) !== token) return;
          handle(world, instance, { kind: 'timeoutElapsed', timeout: effect.timeout });
        }),
      );
    }
    case 'recordCertificate':
    case 'recordBlock':
    case 'recordMemory':
      return;
    default:
      effect satisfies never;
  }
}

function buildDelayMs(world: World): number {
  return 10 + world.random.below(20);
}

function executionDelayMs(world: World): number {
  const isSlow = !world.isHealed && world.random.chance(world.plan.slowExecutionRate);
  return 1 + world.random.below(isSlow ? 1_000 : 10);
}

/** What leaves a machine counts as signed, whatever code path it took. STATUS goes to everybody, all else to the voters. */
function broadcast(world: World, instance: Instance, message: ConsensusMessage): void {
  noteOwn(world, instance, message);
  const { voters } = instance.state.config.voters;
  for (const to of world.machines) {
    const isAddressed = message.kind === 'status' || voters.some(({ name }) => name === to.name);
    if (to !== instance.machine && isAddressed) send(world, { from: instance, to }, message);
  }
}

function noteOwn(world: World, { machine, state }: Instance, message: ConsensusMessage): void {
  const { own } = state.config;
  if (message.kind === 'vote' && message.vote.voter === own) world.checks.onSigned(message.vote, machine);
  if (message.kind === 'proposal' && message.proposal.block.header.proposer === own) {
    const { block } = message.proposal;
    world.checks.onBlock(block);
    const { epoch, view } = block.header;
    world.checks.onSigned({ voter: own, kind: 'propose', epoch, view, digest: digestOf(block) }, machine);
  }
}

/** V5: the closing block is on the disk; a moment later the replica of the next epoch takes over. */
export function startEpoch(world: World, instance: Instance): void {
  const { machine, disk } = instance;
  const run = ifCurrent(instance, () => {
    const last = present(disk.ledger.at(-1), 'an epoch starts on a block');
    instance.state = world.core.recover(configOf(world, machine, disk), last, disk.records);
    world.checks.onEpoch(instance.state.config.voters);
    instance.workKey = '';
    instance.inbox.length = 0;
    for (const [kind, token] of instance.timers) instance.timers.set(kind, token + 1);
    handle(world, instance, { kind: 'started' });
    for (const arrival of instance.early.splice(0)) world.receive(arrival);
  });
  later(world, 1 + world.random.below(30), run);
}
