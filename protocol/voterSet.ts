/**
 * The voters as the state knows them: those of the epoch in force, and at most one set that was decided and waits. The next block
 * closes the epoch: it names the waiting set in its header and puts it in force (README.md, "Voters").
 */
import { invariant, present } from './invariant.ts';
import { voterSetSchema, type VoterSet } from './member.ts';
import { readRecord, recordCodec, type RecordCodec, type RecordReader, type RecordWrite } from './record.ts';

export const voterSetCodec: RecordCodec<VoterSet> = recordCodec(voterSetSchema);

export const voterSetKey = 'voters';
/** Written by governance with the epoch after the one in force; deleted by the block that closes the epoch. */
export const pendingVoterSetKey = 'voters-next';

/** The voters of the epoch that the next block belongs to; genesis wrote the first. */
export function currentVoterSet(state: RecordReader): VoterSet {
  return present(readRecord(state, voterSetKey, voterSetCodec), 'genesis wrote a voter set');
}

/** The set that waits for a closing block, or null. */
export function pendingVoterSet(state: RecordReader): VoterSet | null {
  return readRecord(state, pendingVoterSetKey, voterSetCodec);
}

/** What a closing block writes before its first transaction is executed. */
export function closingWrites(
  state: RecordReader,
  pending: VoterSet,
): readonly (RecordWrite | readonly [key: string, record: null])[] {
  invariant(pending.epoch === currentVoterSet(state).epoch + 1, 'the waiting set is of the next epoch');
  return [
    [voterSetKey, voterSetCodec.encode(pending)],
    [pendingVoterSetKey, null],
  ];
}
