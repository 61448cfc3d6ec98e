/**
 * The simulated disk of one machine, behind the node's own port. Before each operation the world may decide that it fails, that it
 * takes long, or that the machine dies in the middle of it.
 */
import type { Disk } from '../../../node/storage/disk.ts';
import type { Random } from '../../../devnet/generator/random.ts';
import { SimulatedFiles } from './files.ts';
import { SimulatedRows } from './rows.ts';

export type DiskOperation = 'write' | 'sync' | 'name' | 'syncDirectory' | 'rows' | 'read';

/** What becomes of one operation; in `dies` the machine goes down in the middle of it. */
export type Fate =
  | { readonly kind: 'done'; readonly afterMs: number }
  | { readonly kind: 'fails'; readonly code: 'EIO' | 'ENOSPC' }
  | { readonly kind: 'dies' };

/** One run of the node's process, as far as its disk is concerned. */
export interface DiskUser {
  readonly isAlive: () => boolean;
  readonly fateOf: (operation: DiskOperation) => Fate;
  readonly die: () => void;
  /** A synchronous operation took so long: the process did nothing else. */
  readonly onBlockedMs: (durationMs: number) => void;
  readonly after: (delayMs: number, action: () => void) => void;
}

class DiskError extends Error {
  readonly code: string;

  constructor(code: string) {
    super(`${code}: simulated`);
    this.code = code;
  }
}

/** A new one each time: one for all would hold on to everybody who ever waited for it. */
async function never(): Promise<never> {
  return new Promise<never>(() => undefined);
}

export class SimulatedDisk {
  readonly files: SimulatedFiles;
  readonly #databases: Map<string, SimulatedRows>;
  readonly #locks = new Map<string, DiskUser>();

  constructor(
    files: SimulatedFiles = new SimulatedFiles(),
    databases: Map<string, SimulatedRows> = new Map(),
  ) {
    this.files = files;
    this.#databases = databases;
  }

  clone(): SimulatedDisk {
    const databases = new Map([...this.#databases].map(([path, rows]) => [path, rows.clone()]));
    return new SimulatedDisk(this.files.clone(), databases);
  }

  database(path: string): SimulatedRows | null {
    return this.#databases.get(path) ?? null;
  }

  /** As it is on another disk. */
  replaceDatabase(path: string, other: SimulatedDisk): void {
    const rows = other.database(path);
    if (rows !== null) this.#databases.set(path, rows.clone());
  }

  /** The process ended, or the power failed with it. Gives how many files lost something. */
  onDeath(isPowerLost: boolean, random: Random): number {
    for (const rows of this.#databases.values()) rows.settle(random);
    if (isPowerLost) return this.files.losePower(random);
    this.files.forgetDescriptors();
    return 0;
  }

  /** What one process sees. After its death reads go on harmlessly and nothing is written. */
  handle(user: DiskUser): Disk {
    const { files } = this;
    const run = <T>(operation: DiskOperation, act: () => T): T =>
      runOperation(user, operation, { act, onFailed: () => undefined });
    return {
      makeDirectory: (path) => files.makeDirectory(path),
      list: (directory) => run('read', () => files.list(directory)),
      read: (path) => run('read', () => files.read(path)),
      open: (path, mode) => run(mode === 'existing' ? 'read' : 'name', () => files.open(path, mode)),
      size: (descriptor) => files.size(descriptor),
      write: (descriptor, bytes, offset) => this.#write(user, descriptor, bytes.subarray(offset)),
      truncate: (descriptor, size) => run('write', () => files.truncate(descriptor, size)),
      sync: (descriptor) => run('sync', () => files.sync(descriptor)),
      close: (descriptor) => files.close(descriptor),
      rename: (from, to) => run('name', () => files.rename(from, to)),
      remove: (path) => run('name', () => files.remove(path)),
      syncDirectory: (directory) => run('syncDirectory', () => files.syncDirectory(directory)),
      hasDatabase: (directory) => this.#databases.has(directory),
      openDatabase: async (directory, { mode }) => this.#openDatabase(user, directory, mode),
      takeLock: async (directory) => this.#takeLock(user, directory),
    };
  }

  /** Half of the bytes of a write that fails are in the page cache all the same. */
  #write(user: DiskUser, descriptor: number, bytes: Uint8Array): number {
    const { files } = this;
    const half = (): void => files.write(descriptor, bytes.subarray(0, bytes.length >> 1));
    runOperation(user, 'write', { act: () => files.write(descriptor, bytes), onFailed: half });
    return bytes.length;
  }

  #openDatabase(
    user: DiskUser,
    path: string,
    mode: 'create' | 'existing',
  ): ReturnType<SimulatedRows['handle']> {
    const rows = this.#databases.get(path) ?? new SimulatedRows();
    if (mode === 'create') this.#databases.set(path, rows);
    return rows.handle({
      beforeRead: () => {
        const fate = user.isAlive() ? user.fateOf('read') : null;
        if (fate?.kind === 'fails') throw new DiskError(fate.code);
      },
      write: async (apply) => {
        if (!user.isAlive()) return never();
        const fate = user.fateOf('rows');
        if (fate.kind === 'dies') {
          user.die();
          return never();
        }
        // The outcome stays open until the process ends: the write may be on the disk all the same.
        if (fate.kind === 'fails') throw new DiskError(fate.code);
        return new Promise<void>((resolve) => {
          user.after(fate.afterMs, () => {
            apply();
            resolve();
          });
        });
      },
    });
  }

  #takeLock(user: DiskUser, path: string): { readonly release: () => Promise<void> } {
    const holder = this.#locks.get(path);
    if (holder?.isAlive() === true) throw new DiskError('LEVEL_LOCKED');
    this.#locks.set(path, user);
    return {
      release: async () => {
        if (this.#locks.get(path) === user) this.#locks.delete(path);
      },
    };
  }
}

/** `onFailed` is what a failing operation leaves behind. */
function runOperation<T>(
  user: DiskUser,
  operation: DiskOperation,
  { act, onFailed }: { readonly act: () => T; readonly onFailed: () => void },
): T {
  if (!user.isAlive()) throw new DiskError('EIO');
  const fate = user.fateOf(operation);
  if (fate.kind === 'fails') {
    onFailed();
    throw new DiskError(fate.code);
  }
  if (fate.kind === 'dies') {
    // What the machine was writing is in the page cache; a sync that it dies in synced nothing.
    if (operation !== 'sync' && operation !== 'syncDirectory') act();
    user.die();
    throw new DiskError('EIO');
  }
  if (fate.afterMs > 0) user.onBlockedMs(fate.afterMs);
  return act();
}
