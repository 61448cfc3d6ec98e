/** The table of methods. */
import { accepted } from '../../protocol/result.ts';
import type { JsonObject, MethodName } from './contract.ts';
import { method, noParams, type Method } from './method.ts';
import { claimMethods } from './methods/claim.ts';
import { deliveryMethods } from './methods/delivery.ts';
import { eventMethods } from './methods/event.ts';
import { fillMethods } from './methods/fill.ts';
import { governanceMethods } from './methods/governance.ts';
import { historyMethods } from './methods/history.ts';
import { ledgerMethods } from './methods/ledger.ts';
import { listMethods } from './methods/list.ts';
import { memberMethods } from './methods/member.ts';
import { nodeMethods } from './methods/node.ts';
import { policyMethods } from './methods/policy.ts';
import { rxMethods } from './methods/rx.ts';
import { settleMethods } from './methods/settle.ts';
import { txMethods } from './methods/tx.ts';
import { writeMethods } from './methods/writes.ts';
import { openRpcDocument } from './openrpc.ts';

const discover = method('rpc.discover', {
  summary: 'This document: every method, with the schemas that validate it, and every error.',
  params: noParams,
  handle: (_params, { ports }) => accepted(documentOf(ports.node.version)),
});

export const methods: ReadonlyMap<MethodName, Method> = new Map(
  [
    discover,
    ...nodeMethods,
    ...ledgerMethods,
    ...txMethods,
    ...rxMethods,
    ...fillMethods,
    ...deliveryMethods,
    ...claimMethods,
    ...settleMethods,
    ...writeMethods,
    ...governanceMethods,
    ...memberMethods,
    ...policyMethods,
    ...eventMethods,
    ...historyMethods,
    ...listMethods,
  ].map((entry) => [entry.name, entry]),
);

let document: JsonObject | null = null;

/** Made once: it takes some 50 ms, and fifty calls of a batch may ask for it. */
function documentOf(version: string): JsonObject {
  document ??= openRpcDocument([...methods.values()], version);
  return document;
}
