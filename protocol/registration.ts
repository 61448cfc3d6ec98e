/** Members register their own practitioners, under their admin key; members and regulators suspend and reinstate them. */
import { authoriseKeys, type Context } from './authorisation.ts';
import type { Id, PublicKey } from './brand.ts';
import { requireMember } from './membership.ts';
import {
  practitionerRecord,
  practitionerRecords,
  readPractitioner,
  type Practitioner,
  type RegisterBody,
  type ScopeBody,
  type Suspender,
  type SuspensionBody,
} from './practitioner.ts';
import { readKey } from './practitionerKey.ts';
import { applied, type Applied } from './record.ts';
import { accepted, refused, type Result } from './result.ts';

/** Refusals: `wrongSigners`, `practitionerExists` (also of another member), `keyExists`, `practitionerNotActive` (already past). */
export function register(context: Context, body: RegisterBody): Result<Applied> {
  const { state, member, timeMs } = context;
  const { practitionerId: id, roles, scopes, validUntil, keys } = body;
  if (new Set(keys).size !== keys.length) return refused('keyExists');
  const allowed = requireAdmin(context, keys);
  if (!allowed.ok) return allowed;
  if (readPractitioner(state, id) !== null) return refused('practitionerExists');
  if (keys.some((key) => readKey(state, key) !== null)) return refused('keyExists');
  if (validUntil <= timeMs) return refused('practitionerNotActive', 'validUntil');
  const practitioner: Practitioner = { id, member, roles, scopes, validUntil, suspensions: [], keys };
  return accepted(applied([id], practitionerRecords(practitioner, timeMs)));
}

/** Suspensions stand as they are. Refusals: `wrongSigners`, `practitionerUnknown`, `notPermitted` (another member's), `practitionerNotActive` (already past). */
export function scope(context: Context, body: ScopeBody): Result<Applied> {
  const own = requireEmployer(context, body.practitionerId);
  if (!own.ok) return own;
  const { roles, scopes, validUntil } = body;
  if (validUntil <= context.timeMs) return refused('practitionerNotActive', 'validUntil');
  return accepted(changed({ ...own.value, roles, scopes, validUntil }));
}

/** Refusals: `wrongSigners`, `practitionerUnknown`, `notPermitted`, `practitionerNotActive` (suspended by the same before). */
export function suspend(context: Context, body: SuspensionBody): Result<Applied> {
  const found = requireSuspender(context, body.practitionerId);
  if (!found.ok) return found;
  const { practitioner, by } = found.value;
  const { suspensions } = practitioner;
  const isSame = suspensions.some((own) => own.by === by && own.scope === body.scope);
  if (isSame) return refused('practitionerNotActive');
  if (body.scope !== null && !practitioner.scopes.includes(body.scope)) return refused('scopeMissing');
  return accepted(changed({ ...practitioner, suspensions: [...suspensions, { by, scope: body.scope }] }));
}

/** Lifts a suspension of one's own. Refusals: `wrongSigners`, `practitionerUnknown`, `notPermitted`, `notSuspended`. */
export function reinstate(context: Context, body: SuspensionBody): Result<Applied> {
  const found = requireSuspender(context, body.practitionerId);
  if (!found.ok) return found;
  const { practitioner, by } = found.value;
  const others = practitioner.suspensions.filter((own) => own.by !== by || own.scope !== body.scope);
  if (others.length === practitioner.suspensions.length) return refused('notSuspended');
  return accepted(changed({ ...practitioner, suspensions: others }));
}

/** The member's admin key signed, and each of the keys that it brings. Refusal: `wrongSigners`. */
export function requireAdmin(context: Context, newKeys: readonly PublicKey[] = []): Result<unknown> {
  const member = requireMember(context.state, context.member, null);
  return member.ok ? authoriseKeys(context, [member.value.adminKey, ...newKeys]) : member;
}

/** The practitioner, if their employer signed. Refusals: `wrongSigners`, `practitionerUnknown`, `notPermitted`. */
function requireEmployer(context: Context, id: Id): Result<Practitioner> {
  const found = requireSuspender(context, id);
  if (!found.ok) return found;
  return found.value.by === 'employer' ? accepted(found.value.practitioner) : refused('notPermitted');
}

interface Supervised {
  readonly practitioner: Practitioner;
  /** In which of the two offices the member acts. */
  readonly by: Suspender;
}

/** The practitioner, if their employer or a regulator signed. Refusals: `wrongSigners`, `practitionerUnknown`, `notPermitted`. */
export function requireSuspender(context: Context, id: Id): Result<Supervised> {
  const allowed = requireAdmin(context);
  if (!allowed.ok) return allowed;
  const practitioner = readPractitioner(context.state, id);
  if (practitioner === null) return refused('practitionerUnknown');
  if (practitioner.member === context.member) return accepted({ practitioner, by: 'employer' });
  const regulator = requireMember(context.state, context.member, ['regulator']);
  return regulator.ok ? accepted({ practitioner, by: 'regulator' }) : refused('notPermitted');
}

function changed(practitioner: Practitioner): Applied {
  return applied([practitioner.id], [practitionerRecord(practitioner)]);
}
