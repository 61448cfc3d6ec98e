/**
 * `repair --from-peers`: a damaged ledger is built anew beside the damaged one, block by block from the other members, every
 * certificate verified and every block executed; then it takes its place. Keys and safety log are never touched (W6).
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { faultyMax } from '../protocol/certificate.ts';
import { chainIdOf } from '../protocol/genesis.ts';
import { forgetDamage } from './damage.ts';
import { Engine } from './engine.ts';
import type { EngineOptions } from './engineOptions.ts';
import type { Network, NetworkHandlers } from './network/ports.ts';
import { readAnchor, writeAnchor } from './storage/anchor.ts';
import { openDatabase } from './storage/database.ts';
import { systemDisk } from './storage/disk.ts';
import { StorageFailure } from './storage/failure.ts';
import { directoryMode, layoutOf } from './storage/layout.ts';
import { openLedger } from './storage/ledger.ts';
import { salvage, type Salvage } from './storage/salvage.ts';
import { closeStores, createStores, openStores, type Stores } from './stores.ts';

export interface RepairOptions extends Pick<
  EngineOptions,
  'genesis' | 'own' | 'signer' | 'sealing' | 'scheme' | 'verifyMany' | 'clock' | 'log'
> {
  readonly home: string;
  readonly connect: (handlers: NetworkHandlers) => Promise<Network>;
  /** After so long without a new block it gives up. */
  readonly patienceMs: number;
  readonly onProgress: (height: number) => void;
}

export interface RepairReport {
  readonly height: number;
  /** Rows of sealed documents, secrets and batches of ours that could be read, and could not. */
  readonly keptRowCount: number;
  readonly lostRowCount: number;
  /** Where the damaged data is now. */
  readonly asidePath: string;
}

const pollMs = 250;
const builtMark = 'built';
const asidePrefix = 'damaged-';

/**
 * The node must be stopped. A crash at any point leaves either the damaged data, with which the node does not start, or the new; run
 * again, it goes on with what was built. Throws StorageFailure: `locked`, `behind` (the others know less than we did), `io`, `full`.
 */
export async function repairFromPeers(options: RepairOptions): Promise<RepairReport> {
  const { home } = options;
  const layout = layoutOf(home);
  const lock = await systemDisk.takeLock(join(layout.safety, 'lock'));
  try {
    const isBuilt = existsSync(join(layout.repair, builtMark)) && existsSync(layoutOf(layout.repair).data);
    const rows = isBuilt ? { keptCount: 0, lostCount: 0 } : await build(options);
    const height = await assertAhead(options);
    const asidePath = switchOver(options);
    return { height, keptRowCount: rows.keptCount, lostRowCount: rows.lostCount, asidePath };
  } finally {
    await lock.release();
  }
}

/** A home of its own below ours, with a safety log that nothing is written to: this engine only observes. */
async function build(options: RepairOptions): Promise<Salvage> {
  const { home, genesis, own } = options;
  const { repair } = layoutOf(home);
  rmSync(repair, { recursive: true, force: true });
  mkdirSync(repair, { mode: directoryMode });
  await createStores(repair, genesis, own.consensusKey);
  const rows = await salvageAll(home, own.name);
  const stores = await openStores(repair, genesis, own.consensusKey);
  try {
    await follow(options, stores);
    // What could not be salvaged of our lane others may hold: they are asked before a sequence is used (node/laneRecovery.ts).
    await stores.batches.loseLane();
  } finally {
    await closeStores(stores);
  }
  systemDisk.close(systemDisk.open(join(repair, builtMark), 'append'));
  systemDisk.syncDirectory(repair);
  return rows;
}

/** Documents and secrets, which are on no chain; and our own batches, of which nobody else may have heard yet. */
async function salvageAll(home: string, own: string): Promise<Salvage> {
  const lane = `lane/${own}/`;
  const ours = new Set<string>();
  const isOfLane = (key: string): boolean => {
    if (key.startsWith(lane)) ours.add(`batch/${key.slice(key.lastIndexOf('/') + 1)}`);
    return key.startsWith(lane);
  };
  const sealed = await salvageStore(home, 'sealed', () => true);
  const places = await salvageStore(home, 'batches', isOfLane);
  const batches = await salvageStore(home, 'batches', (key) => ours.has(key));
  return {
    keptCount: sealed.keptCount + places.keptCount + batches.keptCount,
    lostCount: sealed.lostCount + batches.lostCount,
  };
}

async function salvageStore(
  home: string,
  name: 'sealed' | 'batches',
  isWanted: (key: string) => boolean,
): Promise<Salvage> {
  const from = layoutOf(home);
  const options = { mode: 'existing', cacheSize: 1_048_576, writeBufferSize: 4_194_304 } as const;
  const into = await openDatabase(layoutOf(from.repair)[name], options);
  try {
    const copy = join(from.repair, 'copy');
    return await salvage({ directory: from[name], copy }, into, isWanted);
  } finally {
    await into.close();
  }
}

/** Until the ledger stands where f+1 other voters say that they are: one of them is honest. */
async function follow(options: RepairOptions, stores: Stores): Promise<void> {
  const { clock, patienceMs, onProgress } = options;
  let failure: { readonly cause: unknown } | null = null;
  const nothing = (): void => undefined;
  const engine = new Engine({
    ...options,
    stores,
    isObserver: true,
    hasRoom: () => true,
    onCommitted: nothing,
    onExpired: nothing,
    onCommitMs: nothing,
    onFsyncMs: nothing,
    onFatal: (cause) => {
      failure = { cause };
    },
  });
  try {
    await engine.start(options.connect);
    let height = -1;
    let movedAtMs = clock.monotonicMs();
    while (!hasCaughtUp(engine, stores)) {
      if (failure !== null) throw (failure as { readonly cause: unknown }).cause;
      const now = stores.ledger.head().height;
      if (now > height) {
        height = now;
        movedAtMs = clock.monotonicMs();
        onProgress(height);
      }
      if (clock.monotonicMs() - movedAtMs > patienceMs)
        throw new StorageFailure('io', `no member gave a block after height ${height}`);
      await new Promise<void>((resolve) => void clock.after(pollMs, resolve));
    }
  } finally {
    await engine.stop();
  }
}

function hasCaughtUp({ voters, peerBook }: Engine, { ledger }: Stores): boolean {
  const names = voters.voters.map(({ name }) => name);
  const heights = names
    .flatMap((name) => peerBook.entry(name)?.status.finalHeight ?? [])
    .toSorted((a, b) => b - a);
  const told = heights[faultyMax(names.length)];
  return told !== undefined && ledger.head().height >= told;
}

/** What was built reaches what we once had: its anchor, if that can be read, names a block of the same chain. */
async function assertAhead({ home, genesis }: RepairOptions): Promise<number> {
  const { anchor: oldAnchor, repair } = layoutOf(home);
  const built = layoutOf(repair);
  const ledger = await openLedger(built.ledger, { anchorPath: built.anchor, chainId: chainIdOf(genesis) });
  try {
    const { height, stateRoot } = ledger.head();
    const anchor = anchorOf(oldAnchor);
    if (anchor !== null && anchor.height > height)
      throw new StorageFailure('behind', 'the other members know less than this node did: wait for them');
    const root = anchor === null || anchor.height === 0 ? null : ledger.blockAt(anchor.height);
    if (root !== null && root.block.header.stateRoot !== anchor?.stateRoot)
      throw new StorageFailure('foreign', 'the other members have another history than this node had');
    writeAnchor(oldAnchor, { chainId: chainIdOf(genesis), height, stateRoot });
    return height;
  } finally {
    await ledger.close();
  }
}

/** Null for one that is damaged or gone: then there is nothing to compare with. */
function anchorOf(path: string): ReturnType<typeof readAnchor> {
  try {
    return readAnchor(path);
  } catch {
    return null;
  }
}

/** Two renames; between them there is no data, with which no node starts, and the next repair makes the second. */
function switchOver({ home }: RepairOptions): string {
  const { data, repair } = layoutOf(home);
  const newest = asideNumbers(home).at(-1) ?? 0;
  const number = existsSync(data) ? newest + 1 : newest;
  const asidePath = join(home, `${asidePrefix}${number}`);
  if (existsSync(data)) renameSync(data, asidePath);
  systemDisk.syncDirectory(home);
  renameSync(layoutOf(repair).data, data);
  systemDisk.syncDirectory(home);
  rmSync(repair, { recursive: true });
  forgetDamage(home);
  return asidePath;
}

function asideNumbers(home: string): readonly number[] {
  return readdirSync(home)
    .filter((name) => name.startsWith(asidePrefix))
    .map((name) => Number(name.slice(asidePrefix.length)))
    .filter((number) => Number.isSafeInteger(number))
    .toSorted((a, b) => a - b);
}
