/** Members, practitioners and the policy in force. */
import * as z from 'zod';
import type { Id } from '../../../protocol/brand.ts';
import { codeSchema, nameSchema, publicKeySchema } from '../../../protocol/codec.ts';
import { memberSchema } from '../../../protocol/member.ts';
import { readMember } from '../../../protocol/membership.ts';
import { policySchema, readPolicy } from '../../../protocol/policy.ts';
import {
  practitionerIdOfKey,
  practitionerSchema,
  readPractitioner,
  registerBodySchema,
  type RegisterBody,
} from '../../../protocol/practitioner.ts';
import { accepted } from '../../../protocol/result.ts';
import { fault } from '../errors.ts';
import { jsonSchema, toJson } from '../json.ts';
import { method, noParams, type Method } from '../method.ts';
import { listSchema, writeResultSchema } from '../resultSchemas.ts';
import { write, writeShape, type WriteChoice } from '../write.ts';
import { idJson } from './rx.ts';

const list = method('member_list', {
  summary: 'Every member of the consortium, with its roles and keys.',
  params: noParams,
  result: listSchema(jsonSchema(memberSchema)),
  handle: (_params, { ports }) =>
    accepted({
      items: ports.ledger.members().map((member) => toJson(memberSchema, member)),
      nextCursor: null,
      asOfHeight: ports.ledger.height(),
    }),
});

const get = method('member_get', {
  summary: 'One member.',
  params: z.strictObject({ name: nameSchema }),
  handle: ({ name }, { ports }) => {
    const member = readMember(ports.ledger.state(), name);
    if (member === null) return fault('memberUnknown', 'name');
    return accepted({ asOfHeight: ports.ledger.height(), member: toJson(memberSchema, member) });
  },
});

/** A registration's own `id` is the practitioner's; `id` is the write's in this interface. */
interface RegisterInput extends Omit<RegisterBody, 'id'>, WriteChoice {
  readonly id: WriteChoice['id'];
  readonly practitionerId: Id;
}

const registerParams: z.ZodType<RegisterInput> = z.strictObject({
  ...registerShape(),
  ...writeShape,
  practitionerId: idJson,
}) as unknown as z.ZodType<RegisterInput>;

function registerShape(): Readonly<Record<string, z.ZodType>> {
  const json: z.ZodType = jsonSchema(registerBodySchema);
  return json instanceof z.ZodObject ? json.shape : {};
}

const register = method('practitioner_register', {
  summary:
    'This member registers a practitioner with role, scopes and keys; signed by its admin key unless another is named.',
  params: registerParams,
  result: writeResultSchema,
  handle: (params, context) => {
    const choice = { ...params, practitioner: params.practitioner ?? 'admin' };
    const { practitionerId, roles, scopes, validUntil, keys } = params;
    const body = { id: practitionerId, roles, scopes, validUntil, keys };
    return write(context, { method: 'practitioner_register', params: body, choice }, () =>
      accepted({ action: { kind: 'practitioner.register', body }, seals: [], signers: [], extra: {} }),
    );
  },
});

const suspend = method('practitioner_suspend', {
  summary: 'This member suspends one of its practitioners; signed by its admin key unless another is named.',
  params: z.strictObject({ ...writeShape, practitionerId: idJson, reason: codeSchema }),
  result: writeResultSchema,
  handle: (params, context) => {
    const choice = { ...params, practitioner: params.practitioner ?? 'admin' };
    const body = { id: params.practitionerId, reason: params.reason };
    return write(context, { method: 'practitioner_suspend', params: body, choice }, () =>
      accepted({ action: { kind: 'practitioner.suspend', body }, seals: [], signers: [], extra: {} }),
    );
  },
});

const getPractitioner = method('practitioner_get', {
  summary: 'A practitioner by id or by one of their keys: member, roles, scopes, standing. Names are sealed.',
  params: z.union([
    z.strictObject({ practitionerId: idJson }),
    z.strictObject({ key: jsonSchema(publicKeySchema) }),
  ]),
  handle: (params, { ports }) => {
    const state = ports.ledger.state();
    const id = 'key' in params ? practitionerIdOfKey(state, params.key) : params.practitionerId;
    const practitioner = id === null ? null : readPractitioner(state, id);
    if (practitioner === null)
      return fault('practitionerUnknown', 'key' in params ? 'key' : 'practitionerId');
    return accepted({
      asOfHeight: ports.ledger.height(),
      practitioner: toJson(practitionerSchema, practitioner),
    });
  },
});

const policy = method('policy_get', {
  summary: 'The rules in force: validity by class, rate caps, reservation times, what needs review.',
  params: noParams,
  handle: (_params, { ports }) =>
    accepted({
      asOfHeight: ports.ledger.height(),
      policy: toJson(policySchema, readPolicy(ports.ledger.state())),
    }),
});

export const memberMethods: readonly Method[] = [list, get, register, suspend, getPractitioner, policy];
