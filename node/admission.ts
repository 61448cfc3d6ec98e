/** Whom this node lets in, by the ledger alone: so all members agree on it from one block on. */
import type { MemberName, PublicKey } from '../protocol/brand.ts';
import type { Member } from '../protocol/member.ts';
import { isMemberRecordKey, memberNames, readMember } from '../protocol/membership.ts';
import type { RecordReader } from '../protocol/record.ts';
import { currentVoterSet, voterSetKey } from '../protocol/voterSet.ts';
import type { AllowList } from './network/ports.ts';
import type { CommitEntry } from './storage/ledgerCommit.ts';

export function activeMember(state: RecordReader, name: MemberName): Member | null {
  const member = readMember(state, name);
  return member?.status === 'active' ? member : null;
}

/**
 * Keys under which a member's batches are good at this node, from those that the ledger and blocks above it name. Our own are ours
 * whatever they say of us: what we sealed before we were let in, or while we were suspended, would else be missing from our lane after
 * a restart, and nothing behind it could ever be ordered.
 */
export function acceptedBatchKeys(
  known: readonly PublicKey[],
  own: { readonly name: MemberName; readonly key: PublicKey },
  name: MemberName,
): readonly PublicKey[] {
  return name === own.name && !known.includes(own.key) ? [own.key, ...known] : known;
}

/**
 * Active members, and the voters of the epoch in force whatever became of them: a voter that is suspended votes until a block has closed
 * the epoch, and where one more is down, no block could do that without it.
 */
export function admittedMembers(state: RecordReader, own: MemberName): AllowList {
  const voters = new Set(currentVoterSet(state).voters.map(({ name }) => name));
  const admitted = memberNames(state).flatMap((name) => {
    const member = name === own ? null : readMember(state, name);
    const isAdmitted = member !== null && (member.status === 'active' || voters.has(name));
    return isAdmitted ? [[name, member.networkKey] as const] : [];
  });
  return new Map(admitted);
}

/** Whether `admittedMembers` may be others than before these blocks: most blocks leave members alone, and reading all is not free. */
export function mayChangeAdmission(entries: readonly Pick<CommitEntry, 'writes'>[]): boolean {
  return entries.some(({ writes }) =>
    [...writes.records.keys()].some((key) => key === voterSetKey || isMemberRecordKey(key)),
  );
}
