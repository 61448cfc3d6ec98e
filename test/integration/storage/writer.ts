/**
 * A process that writes to all stores of a home until it is killed, and says on standard output what was acknowledged: one line for
 * each height, after its batch, its record in the safety log and its commit are durable.
 */
import { existsSync, writeSync } from 'node:fs';
import { openBatches } from '../../../node/storage/batches.ts';
import { layoutOf, makeDirectories } from '../../../node/storage/layout.ts';
import { createLedger, openLedger } from '../../../node/storage/ledger.ts';
import { openSafetyLog, systemDisk } from '../../../node/storage/safetyLog.ts';
import { aGenesis, anEntry, chainId } from '../../unit/storage/builders.ts';
import { aHeightBatch, aHeightRecord, aHeightState, safetyOptions } from './crashFixture.ts';

const layout = layoutOf(process.argv[2] ?? '');
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
