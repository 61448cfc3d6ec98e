/** The safety log, crashed at each operation of the disk in turn: by a kill, and by a power failure that takes what was not synced. */
import assert from 'node:assert/strict';
import type { Epoch, PublicKey, View } from '../../../protocol/brand.ts';
import { StorageFailure } from '../../../node/storage/failure.ts';
import {
  openSafetyLog,
  restartSafetyLog,
  type OpenedSafetyLog,
  type SafetyLogOptions,
} from '../../../node/storage/safetyLog.ts';
import type { LogEntry } from '../../../node/storage/safetyRecord.ts';
import { SimulatedDisk, type DiskUser } from '../../simulation/node/disk.ts';
import { seededRandom, type Random } from '../../../devnet/generator/random.ts';
import { aDigest, chainId, text } from './builders.ts';

const directory = '/home/safety';
const consensusKey = aDigest(0xce) as string as PublicKey;
const epoch = 1 as Epoch;
const seeds = [1, 2, 3, 4];

interface Machine {
  readonly disk: SimulatedDisk;
  readonly options: (mode: SafetyLogOptions['mode']) => SafetyLogOptions;
  readonly isAlive: () => boolean;
  readonly operationCount: () => number;
}

/** A process that dies in the middle of its operation number `dieAt`; 0 is never. */
function aMachine(disk: SimulatedDisk, dieAt: number): Machine {
  let count = 0;
  let isAlive = true;
  const user: DiskUser = {
    isAlive: () => isAlive,
    fateOf: () => {
      count += 1;
      return count === dieAt ? { kind: 'dies' } : { kind: 'done', afterMs: 0 };
    },
    die: () => {
      isAlive = false;
    },
    onBlockedMs: () => undefined,
    after: (_delayMs, action) => action(),
  };
  const handle = disk.handle(user);
  const options = (mode: SafetyLogOptions['mode']): SafetyLogOptions => ({
    chainId,
    consensusKey,
    mode,
    disk: handle,
    segmentBytesMax: 300,
  });
  return { disk, options, isAlive: () => isAlive, operationCount: () => count };
}

function anEntryOf(view: number, kind: LogEntry['kind'] = 'vote'): LogEntry {
  return { kind, epoch, view: view as View, body: text(`${kind} of view ${view}, and some more`) };
}

/** What was promised to the caller while the process lived. */
interface Journal {
  readonly kept: LogEntry[];
  /** Appended last, perhaps not acknowledged. */
  readonly tried: LogEntry[];
  prunedBelow: number;
  isCreated: boolean;
}

/** Votes and certificates over many segments, pruned on the way, with memory lost and regained in between. */
async function live(machine: Machine, journal: Journal): Promise<void> {
  const { log } = await openSafetyLog(directory, machine.options('create'));
  journal.isCreated = machine.isAlive();
  for (let view = 1; view <= 24 && machine.isAlive(); view += 1) {
    const step = [anEntryOf(view, 'certificate'), anEntryOf(view)];
    if (view % 7 === 0) step.push(anEntryOf(view, 'memory'));
    journal.tried.push(...step);
    log.append(step);
    if (machine.isAlive()) journal.kept.push(...step);
    if (view % 5 !== 0 || !machine.isAlive()) continue;
    journal.prunedBelow = view - 2;
    log.pruneBelow(epoch, (view - 2) as View);
  }
  if (machine.isAlive()) await log.close();
}

function reopen(disk: SimulatedDisk): Promise<OpenedSafetyLog> {
  return openSafetyLog(directory, aMachine(disk, 0).options('existing'));
}

function die(machine: Machine, isPowerLost: boolean, random: Random): SimulatedDisk {
  machine.disk.onDeath(isPowerLost, random);
  return machine.disk.clone();
}

function assertKept(found: readonly LogEntry[], journal: Journal, place: string): void {
  const named = (entry: LogEntry): string => `${entry.kind} ${entry.view}`;
  const names = found.map(named);
  const isNeeded = ({ view, kind }: LogEntry): boolean => view >= journal.prunedBelow && kind !== 'memory';
  for (const entry of journal.kept.filter(isNeeded))
    assert.ok(names.includes(named(entry)), `${named(entry)} is gone, ${place}`);
  const memory = journal.kept.findLast(({ kind }) => kind === 'memory');
  if (memory !== undefined) {
    const last = found.findLast(({ kind }) => kind === 'memory');
    assert.ok((last?.view ?? 0) >= memory.view, `memory is gone, ${place}`);
  }
  const tried = new Set(journal.tried.map(named));
  for (const name of names) assert.ok(tried.has(name), `${name} was never said, ${place}`);
}

async function operationCountOf(run: (machine: Machine) => Promise<unknown>): Promise<number> {
  const machine = aMachine(new SimulatedDisk(), 0);
  await run(machine);
  return machine.operationCount();
}

describe('the safety log after a crash at each operation of the disk', () => {
  it('holds what it acknowledged and has not pruned, the newest word on memory always (W1, W6, W9)', async () => {
    const newJournal = (): Journal => ({ kept: [], tried: [], prunedBelow: 0, isCreated: false });
    const count = await operationCountOf(async (machine) => live(machine, newJournal()));
    assert.ok(count > 100, `${count} operations`);
    for (let dieAt = 1; dieAt <= count; dieAt += 1) {
      for (const seed of seeds) {
        const machine = aMachine(new SimulatedDisk(), dieAt);
        const journal = newJournal();
        await live(machine, journal).catch(() => undefined);
        const isPowerLost = seed > 1;
        const place = `operation ${dieAt}, seed ${seed}`;
        const disk = die(machine, isPowerLost, seededRandom(seed));
        try {
          const { log, entries } = await reopen(disk);
          assertKept(entries, journal, place);
          await log.close();
        } catch (error) {
          const isUnborn = error instanceof StorageFailure && error.code === 'missing' && !journal.isCreated;
          assert.ok(isUnborn, `${String(error)}, ${place}`);
        }
      }
    }
  }).timeout(60_000);

  it('never passes for whole once it was found damaged, whenever the crash comes (W6)', async () => {
    const lost = anEntryOf(0, 'memory');
    const damaged = async (): Promise<SimulatedDisk> => {
      const disk = new SimulatedDisk();
      const machine = aMachine(disk, 0);
      await live(machine, { kept: [], tried: [], prunedBelow: 0, isCreated: false });
      const handle = machine.options('existing').disk;
      const [name] = handle.list(directory).filter((candidate) => candidate.startsWith('segment-'));
      assert.ok(disk.files.flipBit(`${directory}/${name}`, seededRandom(7)));
      return disk.clone();
    };
    const whole = await damaged();
    await assert.rejects(reopen(whole.clone()), StorageFailure);
    const counting = aMachine(whole.clone(), 0);
    await (await restartSafetyLog(directory, counting.options('existing'), lost)).log.close();
    for (let dieAt = 1; dieAt <= counting.operationCount(); dieAt += 1) {
      for (const seed of seeds) {
        const machine = aMachine(whole.clone(), dieAt);
        await restartSafetyLog(directory, machine.options('existing'), lost).catch(() => undefined);
        const disk = die(machine, seed > 1, seededRandom(seed));
        try {
          const { log, entries } = await reopen(disk);
          assert.deepEqual(entries, [lost], `operation ${dieAt}, seed ${seed}`);
          await log.close();
        } catch (error) {
          assert.ok(error instanceof StorageFailure, String(error));
          assert.equal(error.code, 'corrupt');
        }
      }
    }
  });
});
