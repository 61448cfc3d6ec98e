/** Practitioners, their keys, and what they delegated. */
import * as z from 'zod';
import { publicKeySchema } from '../../../protocol/codec.ts';
import { delegationSchema, readDelegation } from '../../../protocol/delegation.ts';
import { practitionerSchema, readPractitioner } from '../../../protocol/practitioner.ts';
import { keyStandingSchema, readKey } from '../../../protocol/practitionerKey.ts';
import { accepted } from '../../../protocol/result.ts';
import { fault } from '../errors.ts';
import { jsonSchema, toJson } from '../json.ts';
import { method, type Method } from '../method.ts';
import { idJson } from './rx.ts';

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

export const memberMethods: readonly Method[] = [getPractitioner, getKey, getDelegation];
