/** From an action to a receipt: payload, signatures, submission, waiting. Every method that writes goes this way. */
import * as z from 'zod';
import { bodySchemas, type Action } from '../../protocol/action.ts';
import type { Digest, Id, Timestamp } from '../../protocol/brand.ts';
import { bytesToHex } from '../../protocol/bytes.ts';
import { idSchema } from '../../protocol/codec.ts';
import { takenIdKey } from '../../protocol/executedId.ts';
import { accepted } from '../../protocol/result.ts';
import type { Seal } from '../../protocol/seal.ts';
import type { Signer } from '../../protocol/signature.ts';
import {
  encodeEnvelope,
  encodePayload,
  transactionId,
  transactionSigningBytes,
  type TransactionSignature,
} from '../../protocol/transaction.ts';
import type { TransactionResult, WaitFor, WriteResult } from './contract.ts';
import { errorEntries, fault, faultOf, type Outcome } from './errors.ts';
import { isHistoryCut, notHeld } from './history.ts';
import { hexOf, jsonSchema, timeOf, timestampJson } from './json.ts';
import { notAfterAheadMsDefault, receiptWaitMsDefault, receiptWaitMsMax } from './limits.ts';
import type { RpcContext } from './method.ts';
import type { RpcPorts, TransactionStatus } from './ports.ts';
import { fingerprintOf, type BuiltWrite } from './writeMemory.ts';

export interface WaitChoice {
  readonly waitFor: WaitFor;
  readonly timeoutMs: number;
}

export interface WriteChoice extends WaitChoice {
  readonly id: Id | null;
  readonly practitioner: string | null;
  readonly coSigners: readonly string[];
  readonly notAfter: Timestamp | null;
}

type Shape<T> = { readonly [Key in keyof T]: z.ZodType<T[Key]> };

const signerName: z.ZodType<string> = z.string().min(1).max(64);

export const waitShape: Shape<WaitChoice> = {
  waitFor: z.enum(['accepted', 'committed']).default('committed'),
  timeoutMs: z.int().min(0).max(receiptWaitMsMax).default(receiptWaitMsDefault),
};

/** The parameters that every write takes besides its own. */
export const writeShape: Shape<WriteChoice> = {
  ...waitShape,
  id: jsonSchema(idSchema).nullable().default(null),
  practitioner: signerName.nullable().default(null),
  coSigners: z.array(signerName).max(3).default([]),
  notAfter: timestampJson.nullable().default(null),
};

/** What a method makes of its parameters; built once for each id. */
export interface WritePlan {
  readonly action: Action;
  readonly seals: readonly Seal[];
  /** The patient's keys, besides the keys of the keystore that the caller named. */
  readonly signers: readonly Signer[];
  /** What the answer adds to the status. JSON. */
  readonly extra: Readonly<Record<string, unknown>>;
}

export interface WriteCall {
  readonly method: string;
  /** As parsed; with `choice.id` it makes the call repeatable. */
  readonly params: unknown;
  readonly choice: WriteChoice;
}

/** Builds, signs and submits once per id, and waits as the caller chose. */
export async function write(
  context: RpcContext,
  call: WriteCall,
  plan: () => Outcome<WritePlan> | Promise<Outcome<WritePlan>>,
): Promise<Outcome<WriteResult & Readonly<Record<string, unknown>>>> {
  const { ports, writes } = context;
  const { choice } = call;
  const id = choice.id ?? uuid(ports);
  const takenKey = takenIdKey({ member: ports.keystore.member, id });
  const known = choice.id === null ? null : (ports.ledger.state().seen(takenKey)?.txId ?? null);
  const key = { id, fingerprint: fingerprintOf(call.method, call.params), now: ports.now() };
  const built = writes.once(key, async () => {
    // After a restart only the ledger remembers the id: its outcome is told, the secrets are gone.
    if (known !== null) return remembered(ports, known);
    const planned = await plan();
    return planned.ok ? build(ports, { id, choice, plan: planned.value }) : planned;
  });
  if (built === null) return fault('idReused', 'id');
  const write = await built;
  if (!write.ok) return write;
  const status = await submitAndWait(ports, write.value.envelopeBytes, choice);
  if (!status.ok) return { ok: false, refusal: { ...status.refusal, txId: write.value.txId } };
  return accepted({ ...status.value, id: hexOf(id), ...write.value.extra });
}

function remembered(ports: RpcPorts, txId: Digest): Outcome<BuiltWrite> {
  const transaction = ports.ledger.transactionOf(txId);
  if (transaction === null) return fault(isHistoryCut(ports.ledger) ? 'historyMissing' : 'idReused', 'id');
  const { envelopeBytes, notAfter } = transaction;
  return accepted({ txId, envelopeBytes, notAfter, extra: {} });
}

interface BuildInput {
  readonly id: Id;
  readonly choice: WriteChoice;
  readonly plan: WritePlan;
}

async function build(ports: RpcPorts, input: BuildInput): Promise<Outcome<BuiltWrite>> {
  const { id, choice, plan } = input;
  const notAfter = choice.notAfter ?? ((ports.now() + notAfterAheadMsDefault) as Timestamp);
  const payload = payloadOf(ports, { id, notAfter, action: plan.action, seals: plan.seals });
  if (!payload.ok) return payload;
  const names = [...(choice.practitioner === null ? [] : [choice.practitioner]), ...choice.coSigners];
  if (names.length + plan.signers.length === 0) return fault('invalidParams', 'practitioner');
  const txId = transactionId(payload.value);
  const message = transactionSigningBytes(ports.ledger.chainId, txId);
  const signatures: TransactionSignature[] = plan.signers.map((signer) => ({
    key: signer.publicKey,
    sig: signer.sign(message),
  }));
  for (const name of names) {
    const signature = await ports.keystore.sign(name, message);
    if (!signature.ok) return faultOf({ code: signature.refusal.code, detail: 'practitioner' });
    signatures.push(signature.value);
  }
  const envelopeBytes = encodeEnvelope(payload.value, signatures);
  return accepted({ txId, envelopeBytes, notAfter, extra: plan.extra });
}

export interface PayloadParts {
  readonly id: Id;
  readonly notAfter: Timestamp;
  readonly action: Action;
  readonly seals: readonly Seal[];
}

/** Refused as `invalidParams` where the values break a rule of the body that its JSON schema does not know. */
export function payloadOf(ports: RpcPorts, parts: PayloadParts): Outcome<Uint8Array> {
  const schema: z.ZodType = bodySchemas[parts.action.kind];
  const encoded = z.safeEncode(schema, parts.action.body);
  if (!encoded.success) return fault('invalidParams', encoded.error.issues[0]?.path.join('.') ?? null);
  return accepted(encodePayload({ chainId: ports.ledger.chainId, member: ports.keystore.member, ...parts }));
}

/** Into the mempool, then as far as the caller wants to wait. A timeout is a result: `pending`. */
export async function submitAndWait(
  ports: RpcPorts,
  envelopeBytes: Uint8Array,
  wait: WaitChoice,
): Promise<Outcome<TransactionResult>> {
  const submitted = await ports.transactions.submit(envelopeBytes);
  if (!submitted.ok) return faultOf(submitted.refusal);
  // Executed before the snapshot that this node joined from: its receipt is not here.
  if (submitted.value.status === 'unknown') return notHeld(ports.ledger, 'transaction');
  const isOpen = submitted.value.status === 'pending' && wait.waitFor === 'committed' && wait.timeoutMs > 0;
  if (!isOpen) return accepted(transactionResult(submitted.value));
  return accepted(
    transactionResult(await ports.transactions.waitForReceipt(submitted.value.txId, wait.timeoutMs)),
  );
}

export function transactionResult(status: TransactionStatus): TransactionResult {
  const { txId, receipt, notAfter } = status;
  const hint = receipt === null || receipt.code === null ? null : errorEntries[receipt.code].hint;
  return {
    txId: hexOf(txId),
    status: status.status,
    height: receipt === null ? null : receipt.height,
    index: receipt === null ? null : receipt.index,
    time: receipt === null ? null : timeOf(receipt.timeMs),
    code: receipt === null ? null : receipt.code,
    hint: status.status === 'expired' ? errorEntries.expired.hint : hint,
    notAfter: notAfter === null ? null : timeOf(notAfter),
  };
}

/** UUIDv7 (RFC 9562 §5.7): 48 bits of Unix ms, version, random bits, variant, random bits. */
export function uuid(ports: Pick<RpcPorts, 'now' | 'randomBytes'>): Id {
  const time = ports.now().toString(16).padStart(12, '0');
  const random = ports.randomBytes(10);
  random[0] = 0x70 | ((random[0] ?? 0) & 0x0f);
  random[2] = 0x80 | ((random[2] ?? 0) & 0x3f);
  return `${time}${bytesToHex(random)}` as Id;
}

/** The JSON of a body and of the write's own parameters, side by side in one object. */
export function withWriteShape<Body>(body: z.ZodType<Body>): z.ZodType<Body & WriteChoice> {
  const json: z.ZodType = jsonSchema(body);
  const shape = json instanceof z.ZodObject ? json.shape : {};
  return z.strictObject({ ...shape, ...writeShape }) as unknown as z.ZodType<Body & WriteChoice>;
}

/** The body alone: what is left without the write's own parameters. */
export function bodyOf<Body>(params: Body & WriteChoice): Body {
  const own = new Set(Object.keys(writeShape));
  return Object.fromEntries(Object.entries(params).filter(([key]) => !own.has(key))) as Body;
}
