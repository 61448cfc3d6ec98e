/** The stores of one node, made once and opened together; safety apart from data, as the layout says. */
import { basename } from 'node:path';
import type { Digest, Epoch, PublicKey, Timestamp, View } from '../protocol/brand.ts';
import { equalBytes } from '../protocol/bytes.ts';
import { chainIdOf, type Genesis } from '../protocol/genesis.ts';
import { genesisState } from '../protocol/genesisBlock.ts';
import { isOlderThanVotes } from './forgotten.ts';
import type { RestoreTarget } from './snapshotRestore.ts';
import { memoryEntry } from './statement.ts';
import { openBatches, type BatchStore } from './storage/batches.ts';
import { systemDisk, type Disk } from './storage/disk.ts';
import { StorageFailure, storageFailure } from './storage/failure.ts';
import { layoutOf, makeDirectories, rotatedSafetyOf } from './storage/layout.ts';
import { createLedger, openLedger, type LedgerStore } from './storage/ledger.ts';
import type { GenesisData } from './storage/ledgerCommit.ts';
import { beginRestore, resetLedger } from './storage/restore.ts';
import {
  beginSafetyLog,
  openSafetyLog,
  restartSafetyLog,
  safetySegmentBytesMax,
  type OpenedSafetyLog,
  type SafetyLogOptions,
} from './storage/safetyLog.ts';
import { openSealed, type SealedStore } from './storage/sealed.ts';
import { openSnapshots, type SnapshotStore } from './storage/snapshots.ts';

export interface Stores {
  readonly ledger: LedgerStore;
  readonly batches: BatchStore;
  readonly sealed: SealedStore;
  readonly snapshots: SnapshotStore;
  readonly safety: OpenedSafety;
}

interface OpenedSafety extends OpenedSafetyLog {
  /** Why the log could not be read, if it was begun anew just now (W6). */
  readonly loss: StorageFailure | null;
}

/** The first word of a log that is begun anew. */
const loss = memoryEntry({ kind: 'memory', memory: 'lost', epoch: 0 as Epoch, view: 0 as View });

/** Whose stores, and on which disk. */
interface StoresOwner {
  readonly disk: Disk;
  readonly home: string;
  readonly genesis: Genesis;
  readonly consensusKey: PublicKey;
}

/** `createStoresOn` this machine's own disk. */
export async function createStores(home: string, genesis: Genesis, consensusKey: PublicKey): Promise<void> {
  await createStoresOn({ disk: systemDisk, home, genesis, consensusKey });
}

/** `openStoresOn` this machine's own disk. */
export async function openStores(home: string, genesis: Genesis, consensusKey: PublicKey): Promise<Stores> {
  return openStoresOn({ disk: systemDisk, home, genesis, consensusKey });
}

/**
 * Makes empty stores at genesis, once in the life of a home: a second time is refused, for an empty safety log under a key that has
 * voted would be amnesia (W6). Throws StorageFailure.
 */
export async function createStoresOn(owner: StoresOwner): Promise<void> {
  const { disk, home, genesis } = owner;
  const layout = layoutOf(home);
  makeDirectories(layout, disk.makeDirectory);
  const safety = await openSafetyLog(layout.safety, safetyOptions(owner, chainIdOf(genesis), 'create'));
  await safety.log.close();
  await createData(owner);
}

/** The first word of a log under keys that may have signed elsewhere: a voter with them observes first (W6). Throws StorageFailure. */
export async function loseMemory(home: string, genesis: Genesis, consensusKey: PublicKey): Promise<void> {
  const owner = { disk: systemDisk, home, genesis, consensusKey };
  const options = safetyOptions(owner, chainIdOf(genesis), 'existing');
  const { log } = await openSafetyLog(safetyOf(owner), options);
  log.append([loss]);
  await log.close();
}

/** All that can be had again from the others, at genesis. */
async function createData({ disk, home, genesis }: StoresOwner): Promise<void> {
  const layout = layoutOf(home);
  const options = { anchorPath: layout.anchor, genesis: genesisData(genesis) };
  const ledger = await createLedger(layout.ledger, options, disk);
  await ledger.close();
  const batches = await openBatches(layout.batches, 'create', disk);
  await batches.close();
  const sealed = await openSealed(layout.sealed, 'create', disk);
  await sealed.close();
  const snapshots = await openSnapshots(layout.snapshots, disk);
  await snapshots.close();
}

/** What a ledger of this chain begins with. */
function genesisData(genesis: Genesis): GenesisData {
  const { root, writes } = genesisState(genesis);
  const timeMs: Timestamp = genesis.createdAt;
  return { chainId: chainIdOf(genesis), timeMs, stateRoot: root, writes };
}

/** Opens what `createStoresOn` made; the safety log first, because its lock keeps a second process out. Throws StorageFailure. */
export async function openStoresOn(owner: StoresOwner): Promise<Stores> {
  const { disk, home, genesis } = owner;
  const layout = layoutOf(home);
  const chainId = chainIdOf(genesis);
  const opened: { close(): Promise<void> }[] = [];
  const keep = <T extends { close(): Promise<void> }>(store: T): T => {
    opened.push(store);
    return store;
  };
  try {
    const safety = await openSafety(safetyOf(owner), safetyOptions(owner, chainId, 'existing'));
    keep(safety.log);
    await renewData(owner);
    const ledger = keep(await openWhole(owner, chainId));
    const batches = keep(await openBatches(layout.batches, 'existing', disk));
    const sealed = keep(await openSealed(layout.sealed, 'existing', disk));
    const snapshots = keep(await openSnapshots(layout.snapshots, disk));
    const checked = checkedSafety(safety, ledger, owner.consensusKey);
    return { ledger, batches, sealed, snapshots, safety: checked };
  } catch (error) {
    for (const store of opened.toReversed()) await store.close();
    throw storageFailure(error, 'open the stores');
  }
}

/** W6: a log that is missing, corrupt or foreign is begun anew with the word that memory was lost; then the node only observes. */
async function openSafety(directory: string, options: SafetyLogOptions): Promise<OpenedSafety> {
  try {
    return { ...(await openSafetyLog(directory, options)), loss: null };
  } catch (error) {
    if (!(error instanceof StorageFailure) || !isLoss(error)) throw error;
    return { ...(await restartSafetyLog(directory, options, loss)), loss: error };
  }
}

/** W6: a log that is older than our votes is no better than none. */
function checkedSafety(safety: OpenedSafety, ledger: LedgerStore, consensusKey: PublicKey): OpenedSafety {
  const { log, entries } = safety;
  const memory = entries.findLast(({ kind }) => kind === 'memory');
  const isLost = memory !== undefined && equalBytes(memory.body, loss.body);
  if (isLost || !isOlderThanVotes(entries, ledger, consensusKey)) return safety;
  log.append([loss]);
  const cause = new StorageFailure('behind', 'the safety log is older than our votes in the ledger');
  return { ...safety, entries: [...entries, loss], loss: cause };
}

function isLoss({ code }: StorageFailure): boolean {
  return code === 'missing' || code === 'corrupt' || code === 'foreign';
}

/** The ledger; one in which a restore was cut off begins anew at genesis. */
async function openWhole({ disk, home, genesis }: StoresOwner, chainId: Digest): Promise<LedgerStore> {
  const layout = layoutOf(home);
  const options = { anchorPath: layout.anchor, chainId };
  try {
    return await openLedger(layout.ledger, options, disk);
  } catch (error) {
    if (!(error instanceof StorageFailure && error.code === 'partial')) throw error;
    await resetLedger(layout.ledger, genesisData(genesis), disk);
    return openLedger(layout.ledger, options, disk);
  }
}

/**
 * Somebody emptied data/, and kept the safety log beside it: nothing that we promised is forgotten, and the others have the rest. So
 * the stores are made anew at genesis. A directory from which only some of it is gone is damage, and one that is not there at all may be
 * in the middle of a repair: neither is touched.
 */
async function renewData(owner: StoresOwner): Promise<void> {
  const { disk, home } = owner;
  const layout = layoutOf(home);
  const names = disk.list(layout.home);
  if (!names.includes(basename(layout.data)) || disk.hasDatabase(layout.ledger)) return;
  if (disk.list(layout.data).length > 0) return;
  if (names.includes(basename(layout.anchor))) disk.remove(layout.anchor);
  await createData(owner);
  const batches = await openBatches(layout.batches, 'existing', disk);
  await batches.loseLane();
  await batches.close();
}

/** The ledger, closed already, of an empty node as the target of a restore. Throws StorageFailure. */
export async function beginLedgerRestore(home: string, genesis: Genesis): Promise<RestoreTarget> {
  const restore = await beginRestore(layoutOf(home).ledger);
  return {
    add: async (rows) => restore.add(rows),
    root: () => restore.root(),
    finish: async (head) => restore.finish(head),
    giveUp: async () => restore.reset(genesisData(genesis)),
    close: async () => restore.close(),
  };
}

/** The ledger as it is after a restore, or after none. Throws StorageFailure. */
export async function reopenLedger(
  ledger: LedgerStore,
  home: string,
  genesis: Genesis,
): Promise<LedgerStore> {
  await ledger.close();
  const { ledger: directory, anchor } = layoutOf(home);
  return openLedger(directory, { anchorPath: anchor, chainId: chainIdOf(genesis) });
}

export async function closeStores(stores: Stores): Promise<void> {
  await stores.snapshots.close();
  await stores.sealed.close();
  await stores.batches.close();
  await stores.ledger.close();
  await stores.safety.log.close();
}

function safetyOptions(
  { disk, home, consensusKey }: StoresOwner,
  chainId: Digest,
  mode: 'create' | 'existing',
): SafetyLogOptions {
  const { safety: lockDirectory } = layoutOf(home);
  return { chainId, consensusKey, mode, disk, segmentBytesMax: safetySegmentBytesMax, lockDirectory };
}

/** That of a key's own, which was made with the key (`beginKeyLog`), or else the home's first. */
function safetyOf({ disk, home, consensusKey }: StoresOwner): string {
  const layout = layoutOf(home);
  const hasOwn =
    disk.list(layout.home).includes(basename(layout.safety)) &&
    disk.list(layout.safety).includes(consensusKey);
  return hasOwn ? rotatedSafetyOf(layout, consensusKey) : layout.safety;
}

/**
 * The safety log of a new key that will take the place of another: before the key is kept, so that no key is ever without one (W6). The
 * node may run. Throws StorageFailure.
 */
export function beginKeyLog(home: string, genesis: Genesis, consensusKey: PublicKey): void {
  const owner = { disk: systemDisk, home, genesis, consensusKey };
  const options = safetyOptions(owner, chainIdOf(genesis), 'create');
  beginSafetyLog(rotatedSafetyOf(layoutOf(home), consensusKey), options);
}
