/** What the writing process writes for each height, and what the test therefore finds after it was killed. */
import type { Epoch, MemberName, PublicKey, Sequence, View } from '../../../protocol/brand.ts';
import type { StateWrites } from '../../../protocol/state.ts';
import type { StoredBatch } from '../../../node/storage/batches.ts';
import type { LogEntry, LogOwner } from '../../../node/storage/safetyRecord.ts';
import { aDigest, chainId, text } from '../../unit/storage/builders.ts';

export const recordsPerHeight = 50;

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
