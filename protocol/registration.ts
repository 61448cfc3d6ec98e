/** Members register and suspend their own practitioners, under their admin key. */
import { authoriseKeys, type Context } from './authorisation.ts';
import { requireMember } from './membership.ts';
import {
  keyRecordKey,
  practitionerCodec,
  practitionerRecordKey,
  practitionerRecords,
  readPractitioner,
  type RegisterBody,
  type SuspendBody,
} from './practitioner.ts';
import { applied, type Applied } from './record.ts';
import { accepted, refused, type Result } from './result.ts';

/** Refusals: `wrongSigners`, `practitionerExists` (id or key, also of another member), `practitionerNotActive` (already past). */
export function register(context: Context, body: RegisterBody): Result<Applied> {
  const { state, member, timeMs } = context;
  const allowed = requireAdmin(context);
  if (!allowed.ok) return allowed;
  if (readPractitioner(state, body.id) !== null) return refused('practitionerExists');
  const isKeyTaken = body.keys.some((key) => state.get(keyRecordKey(key)) !== null);
  if (isKeyTaken || new Set(body.keys).size !== body.keys.length)
    return refused('practitionerExists', 'keys');
  if (body.validUntil <= timeMs) return refused('practitionerNotActive', 'validUntil');
  const { id, roles, scopes, validUntil } = body;
  const keys = body.keys.map((key) => ({ key, status: 'active', sinceMs: timeMs }) as const);
  const practitioner = { id, member, roles, scopes, validUntil, status: 'active', keys } as const;
  return accepted(applied([id], practitionerRecords(practitioner)));
}

/** Refusals: `wrongSigners`, `practitionerUnknown`, `notPermitted` (another member's), `practitionerNotActive` (already). */
export function suspend(context: Context, body: SuspendBody): Result<Applied> {
  const allowed = requireAdmin(context);
  if (!allowed.ok) return allowed;
  const practitioner = readPractitioner(context.state, body.id);
  if (practitioner === null) return refused('practitionerUnknown');
  if (practitioner.member !== context.member) return refused('notPermitted');
  if (practitioner.status !== 'active') return refused('practitionerNotActive');
  const record = practitionerCodec.encode({ ...practitioner, status: 'suspended' });
  return accepted(applied([body.id], [[practitionerRecordKey(body.id), record]]));
}

function requireAdmin(context: Context): Result<unknown> {
  const member = requireMember(context.state, context.member, null);
  return member.ok ? authoriseKeys(context, [member.value.adminKey]) : member;
}
