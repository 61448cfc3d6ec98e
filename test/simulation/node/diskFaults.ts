/** What becomes of each operation of a disk, and when a process dies: by the plan, or at the operation that a test names. */
import type { DiskOperation, Fate } from './disk.ts';
import type { Machine, Process, World } from './world.ts';

const rowsMs = { min: 1, spread: 3 };
const slowMs = { min: 20, spread: 500 };
const done: Fate = { kind: 'done', afterMs: 0 };

/** Port calls until a crash come as they would if each call crashed with the same small probability. */
export function callsUntilDeath(world: World, machine: Machine): number {
  const { crashRate } = world.plan;
  if (world.isHealed || crashRate === 0 || !machine.isHonest) return Number.POSITIVE_INFINITY;
  return 1 + Math.floor(Math.log(1 - world.random.fraction()) / Math.log(1 - crashRate));
}

export function fateOf(world: World, process: Process, operation: DiskOperation): Fate {
  if (operation === 'read') return fateOfRead(world, process);
  const { machine } = process;
  machine.diskOperationCount += 1;
  if (machine.diskOperationCount === world.crashAtOperation.get(machine)) return { kind: 'dies' };
  if (process.callsUntilDeath <= 1) return { kind: 'dies' };
  process.callsUntilDeath -= 1;
  if (world.isHealed) return slowness(world, operation, false);
  const { plan, random, counts } = world;
  if (machine.isHonest && random.chance(plan.diskCrashRate)) return { kind: 'dies' };
  if (random.chance(plan.writeErrorRate)) {
    counts.add(operation === 'sync' || operation === 'syncDirectory' ? 'EIO on a sync' : 'EIO on a write');
    return { kind: 'fails', code: 'EIO' };
  }
  if (operation !== 'sync' && operation !== 'syncDirectory' && random.chance(plan.fullRate)) {
    counts.add('ENOSPC');
    return { kind: 'fails', code: 'ENOSPC' };
  }
  return slowness(world, operation, random.chance(plan.slowSyncRate));
}

function fateOfRead(world: World, { machine }: Process): Fate {
  const { plan, random, counts, isHealed } = world;
  if (isHealed || !machine.isHonest || !random.chance(plan.readErrorRate)) return done;
  counts.add('EIO on a read');
  return { kind: 'fails', code: 'EIO' };
}

function slowness(world: World, operation: DiskOperation, isSlow: boolean): Fate {
  const { random, counts } = world;
  const isSync = operation === 'sync' || operation === 'syncDirectory' || operation === 'rows';
  const usualMs = operation === 'rows' ? rowsMs.min + random.below(rowsMs.spread) : 0;
  if (!isSlow || !isSync) return usualMs === 0 ? done : { kind: 'done', afterMs: usualMs };
  counts.add('slow fsync');
  return { kind: 'done', afterMs: slowMs.min + random.below(slowMs.spread) };
}
