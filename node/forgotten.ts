/**
 * W6: an old copy of the safety log is whole by its checksums. But if the certificate of our newest block holds a vote of ours that
 * lies above all that the log holds, then the log is older than our votes: somebody put it back, or its end is gone.
 */
import type { PublicKey } from '../protocol/brand.ts';
import { votersInBitmap } from '../protocol/certificate.ts';
import { currentVoterSet } from '../protocol/voterSet.ts';
import type { LedgerStore } from './storage/ledger.ts';
import type { LogEntry } from './storage/safetyRecord.ts';

/** True iff our own ledger proves that this log does not hold all that was signed with this key. */
export function isOlderThanVotes(
  entries: readonly LogEntry[],
  ledger: Pick<LedgerStore, 'head' | 'get'>,
  consensusKey: PublicKey,
): boolean {
  const { certificate } = ledger.head();
  if (certificate === null) return false;
  const { epoch, voters } = currentVoterSet(ledger);
  // A closing block: its voters are those of the epoch before, which the state does not name any more.
  if (certificate.epoch !== epoch) return false;
  const signers: readonly number[] = votersInBitmap(certificate.bitmap, voters.length) ?? [];
  const isOurs = signers.some((index) => voters[index]?.consensusKey === consensusKey);
  const isReached = entries.some(
    (entry) => entry.epoch > epoch || (entry.epoch === epoch && entry.view >= certificate.view),
  );
  return isOurs && !isReached;
}
