/** The stores of one node, made once and opened together; safety apart from data, as the layout says. */
import type { PublicKey, Timestamp } from '../protocol/brand.ts';
import { chainIdOf, type Genesis } from '../protocol/genesis.ts';
import { genesisState } from '../protocol/genesisBlock.ts';
import { openBatches, type BatchStore } from './storage/batches.ts';
import { layoutOf, makeDirectories } from './storage/layout.ts';
import { createLedger, openLedger, type LedgerStore } from './storage/ledger.ts';
import {
  openSafetyLog,
  safetySegmentBytesMax,
  systemDisk,
  type OpenedSafetyLog,
} from './storage/safetyLog.ts';
import { openSealed, type SealedStore } from './storage/sealed.ts';

export interface Stores {
  readonly ledger: LedgerStore;
  readonly batches: BatchStore;
  readonly sealed: SealedStore;
  readonly safety: OpenedSafetyLog;
}

/**
 * Makes empty stores at genesis, once in the life of a home: a second time is refused, for an empty safety log under a key that has
 * voted would be amnesia (W6). Throws StorageFailure.
 */
export async function createStores(home: string, genesis: Genesis, consensusKey: PublicKey): Promise<void> {
  const layout = layoutOf(home);
  const chainId = chainIdOf(genesis);
  makeDirectories(layout);
  const safety = await openSafetyLog(layout.safety, safetyOptions(chainId, consensusKey, 'create'));
  await safety.log.close();
  const { root, writes } = genesisState(genesis);
  const point = { chainId, timeMs: genesis.createdAt satisfies Timestamp, stateRoot: root, writes };
  const ledger = await createLedger(layout.ledger, { anchorPath: layout.anchor, genesis: point });
  await ledger.close();
  const batches = await openBatches(layout.batches, 'create');
  await batches.close();
  const sealed = await openSealed(layout.sealed, 'create');
  await sealed.close();
}

/** Opens what `createStores` made; the safety log first, because its lock keeps a second process out. Throws StorageFailure. */
export async function openStores(home: string, genesis: Genesis, consensusKey: PublicKey): Promise<Stores> {
  const layout = layoutOf(home);
  const chainId = chainIdOf(genesis);
  const opened: { close(): Promise<void> }[] = [];
  const keep = <T extends { close(): Promise<void> }>(store: T): T => {
    opened.push(store);
    return store;
  };
  try {
    const safety = await openSafetyLog(layout.safety, safetyOptions(chainId, consensusKey, 'existing'));
    keep(safety.log);
    const ledger = keep(await openLedger(layout.ledger, { anchorPath: layout.anchor, chainId }));
    const batches = keep(await openBatches(layout.batches, 'existing'));
    const sealed = keep(await openSealed(layout.sealed, 'existing'));
    return { ledger, batches, sealed, safety };
  } catch (error) {
    for (const store of opened.toReversed()) await store.close();
    throw error;
  }
}

export async function closeStores(stores: Stores): Promise<void> {
  await stores.sealed.close();
  await stores.batches.close();
  await stores.ledger.close();
  await stores.safety.log.close();
}

function safetyOptions(
  chainId: ReturnType<typeof chainIdOf>,
  consensusKey: PublicKey,
  mode: 'create' | 'existing',
): Parameters<typeof openSafetyLog>[1] {
  return { chainId, consensusKey, mode, disk: systemDisk, segmentBytesMax: safetySegmentBytesMax };
}
