/** What a node takes up again when it starts: its own statements, and the batches that are not final yet. */
import type { SafetyRecord } from '../consensus/record.ts';
import { laneCursor } from '../protocol/lane.ts';
import type { Member } from '../protocol/member.ts';
import { memberNames } from '../protocol/membership.ts';
import type { EpochInForce } from './epochs.ts';
import type { Gate, VerifiedBatch } from './gate.ts';
import { NodeFailure } from './nodeFailure.ts';
import { laneBatchesMax, type Pool } from './pool.ts';
import type { Log } from './ports.ts';
import { replayEntry } from './statement.ts';
import type { LedgerStore } from './storage/ledger.ts';
import type { LogEntry } from './storage/safetyRecord.ts';
import type { Stores } from './stores.ts';
import type { Tracker } from './tracker.ts';

/**
 * What our log says of an epoch and of itself, our statements signed again: with the place that we have among these voters. Throws
 * NodeFailure `storage` for a log that other code wrote.
 */
export function replayLog(
  entries: readonly LogEntry[],
  { voters, own }: Pick<EpochInForce, 'voters' | 'own'>,
): readonly SafetyRecord[] {
  if (own === null) return [];
  const ofEpoch = entries.filter(({ kind, epoch }) => kind === 'memory' || epoch === voters.epoch);
  return ofEpoch.map((entry) => {
    const record = replayEntry(entry, own);
    if (!record.ok) throw new NodeFailure('storage', `safety log: ${record.refusal.code}`);
    return record.value;
  });
}

/** Batches on our disk that are not final: through the gate like any other. Our own too where the ledger does not know us yet. */
export async function loadLanes(
  source: { readonly own: Pick<Member, 'name'>; readonly stores: Stores; readonly log: Log },
  target: { readonly pool: Pool; readonly gate: Gate },
): Promise<void> {
  const { own, stores, log } = source;
  const { pool, gate } = target;
  for (const name of new Set([own.name, ...memberNames(stores.ledger)])) {
    const cursor = laneCursor(stores.ledger, name);
    pool.finalize(name, cursor);
    for (const { digest } of await stores.batches.lane(name, cursor, laneBatchesMax)) {
      const bytes = stores.batches.get(digest);
      const verified = bytes === null ? null : await gate.batch(bytes);
      if (verified?.ok === true) pool.add(verified.value, { isOrdered: false });
      else log.warn({ member: name, digest }, 'a stored batch is not good and is left out');
    }
  }
}

/** Whoever asks for a transaction of our own batches is told that it waits, if it does. */
export function trackOwn(
  ledger: Pick<LedgerStore, 'locate'>,
  batches: readonly VerifiedBatch[],
  tracker: Tracker,
): void {
  for (const { txId, notAfter } of batches.flatMap(({ transactions }) => transactions)) {
    if (ledger.locate(txId) === null) tracker.add(txId, notAfter);
  }
}
