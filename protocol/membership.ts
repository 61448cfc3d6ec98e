/** Member records: who is in the consortium at this height, in what role, under which keys. */
import * as z from 'zod';
import type { MemberName, PublicKey } from './brand.ts';
import { nameSchema } from './codec.ts';
import { invariant, present } from './invariant.ts';
import { membersMax } from './limits.ts';
import { memberSchema, type Member, type MemberKeys, type MemberRole } from './member.ts';
import {
  readRecord,
  recordCodec,
  type RecordChange,
  type RecordCodec,
  type RecordReader,
  type RecordWrite,
} from './record.ts';
import { accepted, refused, type Result } from './result.ts';

const memberCodec: RecordCodec<Member> = recordCodec(memberSchema);
const nameCodec: RecordCodec<MemberName> = recordCodec(nameSchema);
const namesCodec: RecordCodec<readonly MemberName[]> = recordCodec<readonly MemberName[]>(
  z.array(nameSchema),
);

/** Every member's name in the order of joining: records cannot be listed, so the list is one. */
const memberNamesKey = 'members';

const memberRecordPrefix = 'member/';

export function memberRecordKey(name: MemberName): string {
  return `${memberRecordPrefix}${name}`;
}

/** Whether a key of the state is that of a member's record. */
export function isMemberRecordKey(key: string): boolean {
  return key.startsWith(memberRecordPrefix);
}

/** From a key to the member that has or had it, so that no key is ever another member's. */
function memberKeyRecordKey(key: PublicKey): string {
  return `member-key/${key}`;
}

export function readMember(state: RecordReader, name: MemberName): Member | null {
  return readRecord(state, memberRecordKey(name), memberCodec);
}

export function memberNames(state: RecordReader): readonly MemberName[] {
  return readRecord(state, memberNamesKey, namesCodec) ?? [];
}

/** Who has this key, or had it before a rotation; null if nobody ever did. */
export function memberOfKey(state: RecordReader, key: PublicKey): MemberName | null {
  return readRecord(state, memberKeyRecordKey(key), nameCodec);
}

/** The four keys, in the order of the record. */
export function keysOf(keys: MemberKeys): readonly PublicKey[] {
  return [keys.networkKey, keys.consensusKey, keys.sealingKey, keys.adminKey];
}

/** A member's record and its keys', for one that is new or whose record changes. */
export function memberRecords(member: Member): readonly RecordWrite[] {
  const name = nameCodec.encode(member.name);
  return [
    [memberRecordKey(member.name), memberCodec.encode(member)],
    ...keysOf(member).map((key) => [memberKeyRecordKey(key), name] as const),
  ];
}

export function memberNamesRecord(names: readonly MemberName[]): RecordWrite {
  invariant(names.length <= membersMax, 'members are bounded');
  return [memberNamesKey, namesCodec.encode(names)];
}

/** Members that were proposed and not admitted go without a trace: their names and keys are free again. */
export function forgottenMembers(state: RecordReader, names: readonly MemberName[]): readonly RecordChange[] {
  if (names.length === 0) return [];
  const changes = names.flatMap((name): readonly RecordChange[] => {
    const member = present(readMember(state, name), 'a proposed member is there');
    invariant(member.status === 'proposed', 'only who was never admitted is forgotten');
    const keys = keysOf(member).map((key) => [memberKeyRecordKey(key), null] as const);
    return [[memberRecordKey(name), null], ...keys];
  });
  const rest = memberNames(state).filter((name) => !names.includes(name));
  return [...changes, memberNamesRecord(rest)];
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
