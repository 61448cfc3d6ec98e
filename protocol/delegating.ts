/** Granting, revoking and using delegations. */
import { authoriseOne, type Context } from './authorisation.ts';
import { delegationMsMax } from './limits.ts';
import {
  delegationRecord,
  delegationRecordKey,
  readDelegation,
  type Delegation,
  type DelegationPair,
  type GrantBody,
  type RevokeGrantBody,
} from './delegation.ts';
import { requireMember } from './membership.ts';
import type { PrescriptionClass } from './policy.ts';
import { readPractitioner } from './practitioner.ts';
import { wasCompromised } from './practitionerKey.ts';
import { applied, type Applied, type RecordWrite } from './record.ts';
import { requireAdmin } from './registration.ts';
import { accepted, refused, type Result } from './result.ts';

const dayMs = 86_400_000;

/** Refusals: those of `authorise`, `practitionerUnknown` (delegate), `notPermitted` (of another member, or oneself), `timeInvalid`. */
export function grant(context: Context, body: GrantBody): Result<Applied> {
  const { state, member, timeMs } = context;
  const { delegatorId, delegateId, classes, perDayMax, until } = body;
  const signer = authoriseDelegator(context, body);
  if (!signer.ok) return signer;
  const delegate = readPractitioner(state, delegateId);
  if (delegate === null) return refused('practitionerUnknown');
  if (delegate.member !== member || delegateId === delegatorId) return refused('notPermitted');
  if (until <= timeMs || until > timeMs + delegationMsMax) return refused('timeInvalid', 'until');
  const before = readDelegation(state, body);
  const used = { day: before?.day ?? 0, count: before?.count ?? 0 };
  const granted = { grantedBy: signer.value.key, grantedMs: timeMs };
  const delegation: Delegation = { ...granted, classes, perDayMax, until, ...used };
  return accepted(applied([delegatorId, delegateId], [delegationRecord(body, delegation)]));
}

/** Refusals: those of `authorise`, `wrongSigners`, `practitionerUnknown`, `notPermitted`, `delegationUnknown`. */
export function revokeGrant(context: Context, body: RevokeGrantBody): Result<Applied> {
  const { state, member } = context;
  const { delegatorId, delegateId } = body;
  const delegator = readPractitioner(state, delegatorId);
  if (delegator === null) return refused('practitionerUnknown');
  if (delegator.member !== member) return refused('notPermitted');
  const own = requireMember(state, member, null);
  const isAdmin = own.ok && context.keys.includes(own.value.adminKey);
  const allowed = isAdmin ? requireAdmin(context) : authoriseDelegator(context, body);
  if (!allowed.ok) return allowed;
  if (readDelegation(state, body) === null) return refused('delegationUnknown');
  return accepted(applied([delegatorId, delegateId], [[delegationRecordKey(body), null]]));
}

function authoriseDelegator(
  context: Context,
  { delegatorId }: DelegationPair,
): ReturnType<typeof authoriseOne> {
  return authoriseOne(context, {
    member: context.member,
    memberRoles: ['hospital'],
    roles: ['doctor'],
    scope: null,
    id: delegatorId,
  });
}

/** One more issue under the delegation. Refusals: `delegationUnknown` (none in force for this class), `delegationExceeded`. */
export function useDelegation(
  context: Context,
  pair: DelegationPair,
  prescriptionClass: PrescriptionClass,
): Result<RecordWrite> {
  const delegation = readDelegation(context.state, pair);
  const isInForce =
    delegation !== null &&
    context.timeMs < delegation.until &&
    !wasCompromised(context.state, delegation.grantedBy, delegation.grantedMs) &&
    delegation.classes.some((delegable) => delegable === prescriptionClass);
  if (!isInForce) return refused('delegationUnknown');
  const day = Math.floor(context.timeMs / dayMs);
  const count = delegation.day === day ? delegation.count + 1 : 1;
  if (count > delegation.perDayMax) return refused('delegationExceeded');
  return accepted(delegationRecord(pair, { ...delegation, day, count }));
}
