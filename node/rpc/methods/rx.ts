/** Prescriptions: issue with sealed documents, cancel, read, open. */
import * as z from 'zod';
import type { Digest, Id, MemberName, Timestamp } from '../../../protocol/brand.ts';
import { idSchema, nameSchema } from '../../../protocol/codec.ts';
import { fillsMax, itemsMax, sealRecipientsMax, transactionSealsMax } from '../../../protocol/limits.ts';
import { prescriptionClasses, readPolicy } from '../../../protocol/policy.ts';
import { readKey } from '../../../protocol/practitionerKey.ts';
import {
  itemSchema,
  prescriptionRecordKey,
  readPrescription,
  type FillPlan,
  type Item,
} from '../../../protocol/prescription.ts';
import type { IssueBody } from '../../../protocol/prescribing.ts';
import { receiptCodeHash } from '../../../protocol/receiptCode.ts';
import { accepted } from '../../../protocol/result.ts';
import {
  deriveFillSecret,
  deriveFillSeeds,
  deriveOwnerSeed,
  deriveReceiptCode,
  formatFillSecret,
  formatToken,
  parseFillSecret,
  parseToken,
  tokenSize,
  type PatientToken,
} from '../../../protocol/token.ts';
import type { IssueResult, JsonObject } from '../contract.ts';
import { fault, faultOf, type Outcome } from '../errors.ts';
import { bytesText, hexOf, jsonSchema, timestampJson } from '../json.ts';
import { method, type Method, type RpcContext } from '../method.ts';
import type { RpcPorts } from '../ports.ts';
import { writeResultSchema } from '../resultSchemas.ts';
import { prescriptionView } from '../views.ts';
import { uuid, write, writeShape, type WriteChoice, type WritePlan } from '../write.ts';

export const idJson: z.ZodType<Id> = jsonSchema(idSchema);
export const tokenJson: z.ZodType<string> = z.string().min(1).max(128);

/** Block time of the latest finalized block: "now" for everything that the ledger says about a record. */
export function ledgerTime(ports: RpcPorts): Timestamp {
  const final = ports.ledger.blockAt(ports.ledger.height());
  return final === null ? (0 as Timestamp) : final.block.header.timeMs;
}

interface IssueInput extends WriteChoice {
  readonly token: string | null;
  /** Null is whoever signs; a delegate names the doctor. */
  readonly prescriber: Id | null;
  readonly class: IssueBody['class'];
  readonly authoredOn: Timestamp | null;
  readonly validUntil: Timestamp;
  readonly items: readonly Item[];
  readonly fills: readonly { readonly start: Timestamp; readonly end: Timestamp }[] | null;
  readonly reviewRequired: boolean | null;
  readonly replaces: Id | null;
  readonly documents: readonly JsonObject[];
  readonly recipients: readonly MemberName[];
}

const issueParams: z.ZodType<IssueInput> = z.strictObject({
  ...writeShape,
  token: tokenJson.nullable().default(null),
  prescriber: idJson.nullable().default(null),
  class: z.enum(prescriptionClasses),
  authoredOn: timestampJson.nullable().default(null),
  validUntil: timestampJson,
  items: z.array(itemJson()).min(1).max(itemsMax),
  fills: z
    .array(z.strictObject({ start: timestampJson, end: timestampJson }))
    .min(1)
    .max(fillsMax)
    .nullable()
    .default(null),
  reviewRequired: z.boolean().nullable().default(null),
  replaces: idJson.nullable().default(null),
  documents: z.array(z.record(z.string(), z.json())).min(1).max(transactionSealsMax),
  recipients: z.array(nameSchema).max(sealRecipientsMax).default([]),
});

/** An item without an end of its own may leave the field out. */
function itemJson(): z.ZodType<Item> {
  const json: z.ZodType = jsonSchema(itemSchema);
  const shape = json instanceof z.ZodObject ? json.shape : {};
  return z.strictObject({
    ...shape,
    validUntil: timestampJson.nullable().default(null),
  }) as unknown as z.ZodType<Item>;
}

const issue = method('rx_issue', {
  summary:
    'A doctor issues a prescription: seals its documents, makes the secrets of the patient, and writes what everybody may know. The secrets are told once.',
  params: issueParams,
  result: writeResultSchema,
  handle: async (params, context) => {
    const call = {
      method: 'rx_issue',
      params: { ...params, waitFor: null, timeoutMs: null },
      choice: params,
    };
    const written = await write(context, call, () => planIssue(params, context));
    if (!written.ok) return written;
    // A call that is repeated after a restart has the ledger's outcome, not the secrets.
    const untold = {
      rxId: rxIdOf(context, written.value.txId),
      token: null,
      fillSecrets: [],
      receiptCodes: [],
    };
    return accepted({ ...untold, ...written.value } as IssueResult);
  },
});

function rxIdOf({ ports }: RpcContext, txIdText: string): string | null {
  const action = ports.ledger.transactionOf(txIdText.slice(2) as Digest)?.action ?? null;
  return action !== null && action.kind === 'rx.issue' ? hexOf(action.body.rxId) : null;
}

async function planIssue(params: IssueInput, { ports }: RpcContext): Promise<Outcome<WritePlan>> {
  const token = tokenOf(params.token, ports);
  if (token === null) return fault('invalidParams', 'token');
  const { prescriber, authoredOn } = who(params, ports);
  if (prescriber === null) return fault('practitionerUnknown', 'practitioner');
  const plans = periodsOf(params, authoredOn).map((period, k) => fillPlan(ports, token, { k, ...period }));
  const { class: kind, documents, recipients, validUntil, items, replaces } = params;
  const { rxId } = token;
  const seals = await ports.documents.seal({ rxId, documents, recipients, token, fillCount: plans.length });
  if (!seals.ok) return faultOf(seals.refusal);
  const body: IssueBody = {
    rxId,
    prescriber,
    class: kind,
    authoredOn,
    validUntil,
    items,
    fills: plans,
    ownerKey: ports.signerFromSeed(deriveOwnerSeed(token)).publicKey,
    reviewRequired:
      params.reviewRequired ?? readPolicy(ports.ledger.state()).reviewRequired.includes(params.class),
    replaces,
  };
  const extra = {
    rxId: hexOf(rxId),
    token: formatToken(token),
    fillSecrets: plans.map(({ k }) => formatFillSecret(deriveFillSecret(token, k))),
    receiptCodes: plans.map(({ k }) => deriveReceiptCode(token, k)),
  };
  return accepted({ action: { kind: 'rx.issue', body }, seals: seals.value, signers: [], extra });
}

/** One fill, and one more per repeat; the ledger keeps the interval between them. */
function periodsOf(params: IssueInput, start: Timestamp): NonNullable<IssueInput['fills']> {
  const repeatsMax = Math.max(...params.items.map((item) => item.repeats));
  return params.fills ?? Array.from({ length: repeatsMax + 1 }, () => ({ start, end: params.validUntil }));
}

function tokenOf(text: string | null, ports: RpcPorts): PatientToken | null {
  if (text === null) return { rxId: uuid(ports), secret: ports.randomBytes(tokenSize) };
  const parsed = parseToken(text);
  return parsed.ok ? parsed.value : null;
}

function who(
  params: IssueInput,
  ports: RpcPorts,
): { readonly prescriber: Id | null; readonly authoredOn: Timestamp } {
  const entry = ports.keystore.entries().find(({ name }) => name === params.practitioner);
  const key = entry === undefined ? null : readKey(ports.ledger.state(), entry.publicKey);
  const prescriber = params.prescriber ?? key?.practitionerId ?? null;
  return { prescriber, authoredOn: params.authoredOn ?? ports.now() };
}

function fillPlan(
  ports: RpcPorts,
  token: PatientToken,
  period: { readonly k: number; readonly start: Timestamp; readonly end: Timestamp },
): FillPlan {
  const { k } = period;
  const { redeemSeed } = deriveFillSeeds(deriveFillSecret(token, k));
  return {
    ...period,
    redeemKey: ports.signerFromSeed(redeemSeed).publicKey,
    receiptHash: receiptCodeHash(token.rxId, k, deriveReceiptCode(token, k)),
  };
}

const get = method('rx_get', {
  summary:
    'A prescription as everybody may know it, with the status of each fill at the time of the latest block.',
  params: z.strictObject({ rxId: idJson }),
  handle: ({ rxId }, { ports }) => {
    const state = ports.ledger.state();
    const prescription = readPrescription(state, rxId);
    if (prescription === null) return fault('prescriptionUnknown', 'rxId');
    return accepted({
      asOfHeight: ports.ledger.height(),
      prescription: prescriptionView(state, prescription, ledgerTime(ports)),
    });
  },
});

const open = method('rx_open', {
  summary:
    'Decrypts the documents of a prescription that this member may read; the secret of a fill opens them where the patient showed it.',
  params: z.strictObject({ rxId: idJson, fillSecret: tokenJson.nullable().default(null) }),
  handle: async ({ rxId, fillSecret }, { ports }) => {
    const secret = fillSecret === null ? null : parseFillSecret(fillSecret);
    if (secret !== null && (!secret.ok || secret.value.rxId !== rxId))
      return fault('invalidParams', 'fillSecret');
    const opened = await ports.documents.open(rxId, secret === null ? null : secret.value);
    if (!opened.ok) return faultOf(opened.refusal);
    return accepted({ documents: opened.value.map(({ docType, resource }) => ({ docType, resource })) });
  },
});

const stamp = method('rx_stamp', {
  summary: 'The state stamp of a prescription: its present record, or that there is none, provable offline.',
  params: z.strictObject({ rxId: idJson }),
  handle: ({ rxId }, { ports }) => {
    const bytes = ports.ledger.stateStamp(prescriptionRecordKey(rxId));
    if (bytes === null) return fault('notFound', 'rxId');
    return accepted({ rxId: hexOf(rxId), stamp: bytesText(bytes) });
  },
});

export const rxMethods: readonly Method[] = [issue, get, open, stamp];
