/** A process that writes until it is killed: what it writes for each height, and what the test therefore finds afterwards. */
import { existsSync, writeSync } from 'node:fs';
import type { Epoch, MemberName, PublicKey, Sequence, View } from '../../../protocol/brand.ts';
import type { StateWrites } from '../../../protocol/state.ts';
import { openBatches, type StoredBatch } from '../../../node/storage/batches.ts';
import { systemDisk } from '../../../node/storage/disk.ts';
import { layoutOf, makeDirectories } from '../../../node/storage/layout.ts';
import { createLedger, openLedger } from '../../../node/storage/ledger.ts';
import { openSafetyLog } from '../../../node/storage/safetyLog.ts';
import type { LogEntry, LogOwner } from '../../../node/storage/safetyRecord.ts';
import { aDigest, aGenesis, anEntry, chainId, text } from '../../unit/storage/builders.ts';

const recordsPerHeight = 50;

export const safetyOptions: LogOwner & { readonly segmentBytesMax: number } = {
  chainId,
  consensusKey: aDigest(0xce) as string as PublicKey,
  segmentBytesMax: 2_000,
};

export function aHeightBatch(height: number): StoredBatch {
  const member = 'hospital' as MemberName;
  return { digest: aDigest(height), member, sequence: height as Sequence, bytes: text(`batch ${height}`) };
}

export function aHeightRecord(height: number): LogEntry {
  return { kind: 'vote', epoch: 1 as Epoch, view: height as View, body: text(`vote ${height}`) };
}

/** Every record holds the height, so that a commit that was written in part shows. */
export function aHeightState(height: number): Pick<StateWrites, 'records'> {
  const keys = Array.from({ length: recordsPerHeight }, (_, index) => `record-${index}`);
  return { records: new Map(keys.map((key) => [key, text(`${height}`.padStart(200))])) };
}

/**
 * Writes to all stores of a home until the process is killed, and says on standard output what was acknowledged: one line for each
 * height, after its batch, its record in the safety log and its commit are durable.
 */
export async function writeForever(home: string): Promise<never> {
  const layout = layoutOf(home);
  makeDirectories(layout);
  const mode = existsSync(layout.anchor) ? 'existing' : 'create';
  const { log } = await openSafetyLog(layout.safety, { ...safetyOptions, disk: systemDisk, mode });
  const batches = await openBatches(layout.batches, mode);
  const anchorPath = layout.anchor;
  const ledger =
    mode === 'create'
      ? await createLedger(layout.ledger, { anchorPath, genesis: aGenesis() })
      : await openLedger(layout.ledger, { anchorPath, chainId });
  for (;;) {
    const height = ledger.head().height + 1;
    await batches.put(aHeightBatch(height), true);
    log.append([aHeightRecord(height)]);
    await ledger.commit([anEntry(ledger.head(), { writes: aHeightState(height) })]);
    writeSync(1, `${height}\n`);
  }
}
