/** Transactions as bytes, for applications that hold their own keys, and for acts that two nodes sign together. */
import * as z from 'zod';
import { actionKinds, bodySchemas, type Action, type ActionKind } from '../../../protocol/action.ts';
import type { Digest, Id, Signature, PublicKey, Timestamp } from '../../../protocol/brand.ts';
import { digestSchema, idSchema, publicKeySchema, signatureSchema } from '../../../protocol/codec.ts';
import { accepted } from '../../../protocol/result.ts';
import { sealSchema } from '../../../protocol/seal.ts';
import {
  decodePayload,
  encodeEnvelope,
  transactionId,
  transactionSigningBytes,
  type PayloadInput,
  type Transaction,
  type TransactionSignature,
} from '../../../protocol/transaction.ts';
import type { JsonObject, TransactionView } from '../contract.ts';
import { fault, faultOf } from '../errors.ts';
import { isHistoryCut, notHeld } from '../history.ts';
import { bytesJson, bytesText, hexOf, jsonSchema, timeOf, timestampJson, toJson } from '../json.ts';
import { notAfterAheadMsDefault } from '../limits.ts';
import { method, type Method } from '../method.ts';
import { transactionResultSchema } from '../resultSchemas.ts';
import { payloadOf, submitAndWait, transactionResult, uuid, waitShape } from '../write.ts';

const txIdJson: z.ZodType<Digest> = jsonSchema(digestSchema);

const signatureJson = z.strictObject({ key: jsonSchema(publicKeySchema), sig: jsonSchema(signatureSchema) });

const submitParams = z.union([
  z.strictObject({ transaction: bytesJson, ...waitShape }),
  z.strictObject({ payload: bytesJson, signatures: z.array(signatureJson).min(1).max(4), ...waitShape }),
]);

const submit = method('tx_submit', {
  summary:
    'Submits a signed transaction, whole or as a payload and its signatures. The same bytes again give the present status.',
  params: submitParams,
  result: transactionResultSchema,
  handle: (params, { ports }) => {
    const envelope =
      'transaction' in params ? params.transaction : encodeEnvelope(params.payload, params.signatures);
    return submitAndWait(ports, envelope, params);
  },
});

const buildParams = z.strictObject({
  kind: z.enum(actionKinds),
  body: z.record(z.string(), z.json()),
  id: jsonSchema(idSchema).optional(),
  notAfter: timestampJson.optional(),
  seals: z.array(jsonSchema(sealSchema)).max(8).default([]),
});

const build = method('tx_build', {
  summary: 'Builds the unsigned payload of an act of this member, for keys that are held elsewhere.',
  params: buildParams,
  handle: (params, { ports }) => {
    const action = actionFromJson(params.kind, params.body);
    if (!action.ok) return fault('invalidParams', action.path);
    const notAfter = params.notAfter ?? ((ports.now() + notAfterAheadMsDefault) as Timestamp);
    const id: Id = params.id ?? uuid(ports);
    const payload = payloadOf(ports, { id, notAfter, action: action.value, seals: params.seals });
    if (!payload.ok) return payload;
    const txId = transactionId(payload.value);
    return accepted({
      txId: hexOf(txId),
      id: hexOf(id),
      payload: bytesText(payload.value),
      signingBytes: bytesText(transactionSigningBytes(ports.ledger.chainId, txId)),
      notAfter: timeOf(notAfter),
      summary: summaryOf(action.value, ports.keystore.member, notAfter),
    });
  },
});

const sign = method('tx_sign', {
  summary:
    'Signs a payload with a key of this node, so that parties on two nodes can sign one act (a hand-over): build at one, sign at both, submit once.',
  params: z.strictObject({ practitioner: z.string().min(1).max(64), payload: bytesJson }),
  handle: async (params, { ports }) => {
    const payload = decodePayload(params.payload);
    if (!payload.ok) return faultOf(payload.refusal);
    if (payload.value.chainId !== ports.ledger.chainId) return fault('wrongChain');
    const txId = transactionId(params.payload);
    const message = transactionSigningBytes(ports.ledger.chainId, txId);
    const signed = await ports.keystore.sign(params.practitioner, message);
    if (!signed.ok) return faultOf({ code: signed.refusal.code, detail: 'practitioner' });
    const { action, member, notAfter } = payload.value;
    return accepted({
      ...signatureView(signed.value),
      txId: hexOf(txId),
      summary: summaryOf(action, member, notAfter),
    });
  },
});

const status = method('tx_status', {
  summary: 'Where a transaction stands; with timeoutMs, as soon as it has a receipt.',
  params: z.strictObject({
    txId: txIdJson,
    waitFor: waitShape.waitFor,
    timeoutMs: waitShape.timeoutMs.default(0),
  }),
  result: transactionResultSchema,
  handle: async ({ txId, waitFor, timeoutMs }, { ports }) => {
    const now = ports.transactions.status(txId);
    if (now.status === 'unknown' && isHistoryCut(ports.ledger)) return fault('historyMissing', 'txId');
    if (now.status !== 'pending' || waitFor === 'accepted' || timeoutMs === 0) {
      return accepted(transactionResult(now));
    }
    return accepted(transactionResult(await ports.transactions.waitForReceipt(txId, timeoutMs)));
  },
});

const get = method('tx_get', {
  summary: 'A transaction that has a receipt: what it says, who signed it, what became of it.',
  params: z.strictObject({ txId: txIdJson }),
  handle: ({ txId }, { ports }) => {
    const transaction = ports.ledger.transactionOf(txId);
    if (transaction === null) return notHeld(ports.ledger, 'txId');
    return accepted(transactionView(transaction, transactionResult(ports.transactions.status(txId))));
  },
});

const stamp = method('tx_stamp', {
  summary: 'The stamp of a transaction, committed or refused: provable offline with the genesis file alone.',
  params: z.strictObject({ txId: txIdJson }),
  handle: ({ txId }, { ports }) => {
    const bytes = ports.ledger.stamp(txId);
    if (bytes === null) return notHeld(ports.ledger, 'txId');
    return accepted({ txId: hexOf(txId), stamp: bytesText(bytes) });
  },
});

export const txMethods: readonly Method[] = [submit, build, sign, status, get, stamp];

type ParsedAction =
  { readonly ok: true; readonly value: Action } | { readonly ok: false; readonly path: string };

function actionFromJson(kind: ActionKind, body: JsonObject): ParsedAction {
  const wire: z.ZodType = bodySchemas[kind];
  const schema = jsonSchema(wire);
  const parsed = schema.safeParse(body);
  if (parsed.success) return { ok: true, value: { kind, body: parsed.data } as Action };
  return { ok: false, path: ['body', ...(parsed.error.issues[0]?.path ?? [])].join('.') };
}

/** One line for the person who is asked to sign. */
function summaryOf(action: PayloadInput['action'], member: string, notAfter: Timestamp): string {
  return `${action.kind} by ${member}, to be included before ${timeOf(notAfter)}`;
}

function signatureView({ key, sig }: { readonly key: PublicKey; readonly sig: Signature }): {
  readonly key: string;
  readonly sig: string;
} {
  return { key: hexOf(key), sig: hexOf(sig) };
}

function transactionView(
  transaction: Transaction,
  result: ReturnType<typeof transactionResult>,
): TransactionView {
  const { action, id, member, seals, signatures, notAfter } = transaction;
  const schema: z.ZodType = bodySchemas[action.kind];
  return {
    ...result,
    notAfter: timeOf(notAfter),
    id: hexOf(id),
    kind: action.kind,
    member,
    body: toJson(schema, action.body),
    seals: seals.map((seal) => toJson(sealSchema, seal)),
    signatures: signatures.map((signature: TransactionSignature) => signatureView(signature)),
    transaction: bytesText(transaction.envelopeBytes),
  };
}
