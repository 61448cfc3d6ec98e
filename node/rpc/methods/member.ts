/** Members, practitioners and the policy in force. */
import * as z from 'zod';
import { nameSchema, publicKeySchema } from '../../../protocol/codec.ts';
import { memberSchema } from '../../../protocol/member.ts';
import { readMember } from '../../../protocol/membership.ts';
import { policySchema, readPolicy } from '../../../protocol/policy.ts';
import { delegationSchema, readDelegation } from '../../../protocol/delegation.ts';
import { practitionerSchema, readPractitioner } from '../../../protocol/practitioner.ts';
import { keyStandingSchema, readKey } from '../../../protocol/practitionerKey.ts';
import { accepted } from '../../../protocol/result.ts';
import { fault } from '../errors.ts';
import { jsonSchema, toJson } from '../json.ts';
import { method, noParams, type Method } from '../method.ts';
import { listSchema } from '../resultSchemas.ts';
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

const getPractitioner = method('practitioner_get', {
  summary: 'A practitioner by id or by one of their keys: member, roles, scopes, standing. Names are sealed.',
  params: z.union([
    z.strictObject({ practitionerId: idJson }),
    z.strictObject({ key: jsonSchema(publicKeySchema) }),
  ]),
  handle: (params, { ports }) => {
    const state = ports.ledger.state();
    const id = 'key' in params ? (readKey(state, params.key)?.practitionerId ?? null) : params.practitionerId;
    const practitioner = id === null ? null : readPractitioner(state, id);
    if (practitioner === null)
      return fault('practitionerUnknown', 'key' in params ? 'key' : 'practitionerId');
    return accepted({
      asOfHeight: ports.ledger.height(),
      practitioner: toJson(practitionerSchema, practitioner),
    });
  },
});

const getKey = method('key_get', {
  summary: 'Whose a key is, and whether it was revoked or compromised, and since when.',
  params: z.strictObject({ key: jsonSchema(publicKeySchema) }),
  handle: ({ key }, { ports }) => {
    const standing = readKey(ports.ledger.state(), key);
    if (standing === null) return fault('keyUnknown', 'key');
    return accepted({ asOfHeight: ports.ledger.height(), key: toJson(keyStandingSchema, standing) });
  },
});

const getDelegation = method('delegation_get', {
  summary: 'What a doctor delegated to a colleague, and how much of it was used on the last day.',
  params: z.strictObject({ delegatorId: idJson, delegateId: idJson }),
  handle: (pair, { ports }) => {
    const delegation = readDelegation(ports.ledger.state(), pair);
    if (delegation === null) return fault('delegationUnknown', 'delegateId');
    return accepted({
      asOfHeight: ports.ledger.height(),
      delegation: toJson(delegationSchema, delegation),
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

export const memberMethods: readonly Method[] = [list, get, getPractitioner, getKey, getDelegation, policy];
