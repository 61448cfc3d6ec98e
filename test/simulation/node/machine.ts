/** A machine's life: it boots the real engine on its disk, dies at any moment, and boots again. */
import { Engine } from '../../../node/engine.ts';
import { NodeFailure } from '../../../node/nodeFailure.ts';
import type { Clock } from '../../../node/clock.ts';
import { StorageFailure } from '../../../node/storage/failure.ts';
import { closeStores, openStoresOn } from '../../../node/stores.ts';
import { home, keyOf, signerOf, simulatedScheme, startMs } from './cast.ts';
import type { DiskUser } from './disk.ts';
import { callsUntilDeath, fateOf } from './diskFaults.ts';
import { mischievousHandlers, mischievousNetwork } from './mischief.ts';
import { openNetwork } from './network.ts';
import { later, laterOn, runOn, type Machine, type Process, type World } from './world.ts';

const rebootMs = { min: 50, spread: 1_000 };
/** A supervisor waits so long before it starts a program again that failed to start. */
const retryMs = 1_000;
const answeringMsMax = 2_000;

const silent = (): void => undefined;
const silentLog = { debug: silent, info: silent, warn: silent, error: silent };

export function boot(world: World, machine: Machine): void {
  if (machine.process !== null) return;
  machine.isOff = false;
  const process: Process = {
    machine,
    signer: machine.member.signer,
    isAlive: true,
    engine: null,
    stores: null,
    handlers: null,
    admitted: new Set(world.cast.genesis.members.map(({ name }) => name)),
    onUncaught: (cause) => onFatal(world, process, cause),
    callsUntilDeath: callsUntilDeath(world, machine),
  };
  machine.process = process;
  world.trace.note('boot', world.nowMs, machine.index);
  runOn(world, process, () => {
    start(world, process).catch((cause: unknown) => onFatal(world, process, cause));
  });
}

/** A new consensus key is installed: the next process signs with it, and the safety log of the old one says nothing of it (W6). */
export function takeKey(world: World, machine: Machine): void {
  machine.keyGeneration += 1;
  const consensusKey = keyOf(machine.index, 'consensus', machine.keyGeneration);
  const member = { ...machine.member.member, consensusKey };
  machine.member = { ...machine.member, member, signer: signerOf(consensusKey) };
  world.watch.onSafetyLost(machine);
}

async function start(world: World, process: Process): Promise<void> {
  const { machine } = process;
  const { genesis } = world.cast;
  const { member } = machine.member;
  const disk = machine.disk.handle(diskUser(world, process));
  const stores = await openStoresOn({ disk, home, genesis, consensusKey: member.consensusKey });
  process.stores = stores;
  const engine = new Engine({
    genesis,
    own: member,
    stores,
    signer: process.signer,
    sealing: machine.member.sealing,
    scheme: simulatedScheme,
    verifyMany: async (items) =>
      items.map(({ message, signature, key }) => simulatedScheme.verify(message, signature, key)),
    clock: clockOf(world, process),
    log: {
      ...silentLog,
      warn: (fields, message) => {
        if (process.isAlive) world.watch.onWarning(process, fields, message);
      },
    },
    onCommitted: (entries) => {
      if (process.isAlive) world.watch.onCommitted(process, entries);
    },
    onExpired: silent,
    onCommitMs: silent,
    onFsyncMs: silent,
    isObserver: false,
    hasRoom: () => true,
    onFatal: (cause) => onFatal(world, process, cause),
  });
  process.engine = engine;
  world.watch.onRecovered(process);
  await engine.start(async (handlers) => {
    process.handlers = mischievousHandlers(world, process, handlers);
    if (process.isAlive) world.links.onListening(world, machine);
    return mischievousNetwork(world, process, openNetwork(world, process));
  });
}

/**
 * The program cannot go on. Most ends are exits, and its supervisor starts it again at once; after a failure of the disk it may go on
 * answering for a while, as a node whose operator has yet to come, and must not vote (W7).
 */
function onFatal(world: World, process: Process, cause: unknown): void {
  if (!process.isAlive) return;
  const isAnswering = cause instanceof StorageFailure && process.engine?.isFailed === true;
  if (isAnswering && !world.isHealed && world.random.chance(0.5)) {
    later(world, world.random.below(answeringMsMax), () => exit(world, process, cause));
    return;
  }
  exit(world, process, cause);
}

function exit(world: World, process: Process, cause: unknown): void {
  if (!process.isAlive) return;
  world.watch.onFatal(process, cause);
  world.trace.note('fatal', world.nowMs, process.machine.index);
  if (cause instanceof NodeFailure && cause.code === 'clonedKey') process.machine.isDamaged = true;
  end(world, process, { isPowerLost: false, isOrderly: false });
  rebootLater(world, process.machine, retryMs);
}

/** The power fails, and nobody starts the machine again until somebody does. */
export function switchOff(world: World, machine: Machine): void {
  machine.isOff = true;
  if (machine.process !== null) die(world, machine.process, true);
}

/** All at once, without a word: the process is killed, or the power fails. */
export function die(world: World, process: Process, isPowerLost: boolean): void {
  if (!process.isAlive) return;
  world.counts.add(isPowerLost ? 'power lost' : 'process killed');
  world.trace.note('death', world.nowMs, process.machine.index, isPowerLost ? 1 : 0);
  end(world, process, { isPowerLost, isOrderly: false });
  rebootLater(world, process.machine, rebootMs.min + world.random.below(rebootMs.spread));
}

function end(
  world: World,
  process: Process,
  { isPowerLost, isOrderly }: { readonly isPowerLost: boolean; readonly isOrderly: boolean },
): void {
  const { machine } = process;
  process.isAlive = false;
  machine.process = null;
  machine.waiting.length = 0;
  world.watch.onDeath(process, world.running === null || isOrderly);
  const lossCount = machine.disk.onDeath(isPowerLost, world.random);
  if (lossCount > 0) world.counts.add('file torn or lost', lossCount);
  world.links.onDeath(world, machine);
}

/** A machine whose disk is damaged for good fails again each time; once is enough. */
function rebootLater(world: World, machine: Machine, afterMs: number): void {
  if (machine.isDamaged || machine.isOff) return;
  later(world, afterMs, () => boot(world, machine));
}

/** SIGTERM: stops in order, closes its stores, and is started again. */
export function restartOrderly(world: World, process: Process): void {
  const { engine, stores } = process;
  if (!process.isAlive || engine === null || stores === null || !engine.isStarted) return;
  world.counts.add('orderly restart');
  const stop = async (): Promise<void> => {
    await engine.stop();
    await closeStores(stores);
    if (!process.isAlive) return;
    end(world, process, { isPowerLost: false, isOrderly: true });
    rebootLater(world, process.machine, rebootMs.min);
  };
  runOn(world, process, () => {
    stop().catch((cause: unknown) => onFatal(world, process, cause));
  });
}

/** Wall and monotonic time of one machine, and timers of one process. */
function clockOf(world: World, process: Process): Clock {
  const { machine } = process;
  const bootedMs = world.nowMs;
  return {
    wallMs: () => startMs + world.nowMs * machine.clockRate + machine.clockOffsetMs,
    monotonicMs: () => (world.nowMs - bootedMs) * machine.clockRate,
    after: (delayMs, action) => {
      let isCancelled = false;
      laterOn(world, process, {
        // As setTimeout has it: whole milliseconds, and never none.
        afterMs: Math.max(1, Math.trunc(delayMs)) / machine.clockRate,
        action: () => {
          if (!isCancelled) action();
        },
      });
      return () => {
        isCancelled = true;
      };
    },
    soon: (action) => laterOn(world, process, { afterMs: 0, action }),
  };
}

function diskUser(world: World, process: Process): DiskUser {
  const { machine } = process;
  return {
    isAlive: () => process.isAlive,
    fateOf: (operation) => fateOf(world, process, operation),
    die: () => die(world, process, world.random.chance(world.plan.powerLossShare)),
    onBlockedMs: (durationMs) => {
      machine.busyUntilMs = Math.max(machine.busyUntilMs, world.nowMs) + durationMs;
    },
    after: (delayMs, action) => laterOn(world, process, { afterMs: delayMs, action }),
  };
}
