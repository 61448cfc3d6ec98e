/** Member records: who is in the consortium at this height, and in what role. */
import type { MemberName } from './brand.ts';
import { memberSchema, type Member, type MemberRole } from './member.ts';
import { readRecord, recordCodec, type RecordCodec, type RecordReader } from './record.ts';
import { accepted, refused, type Result } from './result.ts';

export const memberCodec: RecordCodec<Member> = recordCodec(memberSchema);

export function memberRecordKey(name: MemberName): string {
  return `member/${name}`;
}

export function readMember(state: RecordReader, name: MemberName): Member | null {
  return readRecord(state, memberRecordKey(name), memberCodec);
}

/** The member, active and in one of these roles; null asks for no role. Refusals: `memberUnknown`, `memberNotActive`, `roleMissing`. */
export function requireMember(
  state: RecordReader,
  name: MemberName,
  roles: readonly MemberRole[] | null,
): Result<Member> {
  const member = readMember(state, name);
  if (member === null) return refused('memberUnknown');
  if (member.status !== 'active') return refused('memberNotActive');
  const hasRole = roles === null || roles.some((role) => member.roles.includes(role));
  return hasRole ? accepted(member) : refused('roleMissing', 'member');
}
