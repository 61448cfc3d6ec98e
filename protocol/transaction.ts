/**
 * The envelope: payload bytes and signatures over them. The id is the hash of the payload bytes as received; nothing is ever
 * encoded again to be hashed. Signatures stand outside the id, so that one act has one id whoever signs it in what order.
 */
import * as z from 'zod';
import {
  actionKinds,
  bodySchemas,
  parseAction,
  signaturesWithin,
  type Action,
  type ActionKind,
} from './action.ts';
import type { Digest, Id, MemberName, PublicKey, Signature, Timestamp, Verified } from './brand.ts';
import { hexToBytes } from './bytes.ts';
import {
  bytesSchema,
  decodeWith,
  digestSchema,
  encodeWith,
  idSchema,
  nameSchema,
  publicKeySchema,
  readWith,
  signatureSchema,
  textUnder,
  timestampSchema,
} from './codec.ts';
import { taggedDigest, taggedHash } from './hash.ts';
import { present } from './invariant.ts';
import { transactionBytesMax, transactionSealsMax, transactionSignaturesMax } from './limits.ts';
import { accepted, refused, type Result } from './result.ts';
import { sealSchema, type Seal } from './seal.ts';
import type { SignatureCheck, SignatureScheme } from './signature.ts';

export interface TransactionSignature {
  readonly key: PublicKey;
  readonly sig: Signature;
}

export interface Transaction {
  /** sha256 of the payload bytes, tagged. */
  readonly txId: Digest;
  readonly chainId: Digest;
  /** Made by the client (UUIDv7); unique for as long as `notAfter` allows a replay. */
  readonly id: Id;
  readonly member: MemberName;
  readonly notAfter: Timestamp;
  readonly action: Action;
  readonly seals: readonly Seal[];
  readonly signatures: readonly TransactionSignature[];
  readonly payloadBytes: Uint8Array;
  /** The whole envelope as received; what batches carry. */
  readonly envelopeBytes: Uint8Array;
}

export interface PayloadInput {
  readonly chainId: Digest;
  readonly id: Id;
  readonly member: MemberName;
  readonly notAfter: Timestamp;
  readonly action: Action;
  readonly seals: readonly Seal[];
}

interface Payload {
  readonly v: 1;
  readonly chainId: Digest;
  readonly id: Id;
  readonly kind: ActionKind;
  readonly member: MemberName;
  readonly notAfter: Timestamp;
  readonly body: Readonly<Record<string, unknown>>;
  readonly seals: readonly Seal[];
}

const payloadShape = {
  v: z.literal(1),
  chainId: digestSchema,
  id: idSchema,
  member: nameSchema,
  notAfter: timestampSchema,
  seals: z.array(sealSchema).max(transactionSealsMax),
};

/** Any payload, with its body as wire values: it takes a second look, by kind, to say what is wrong with a body. */
const payloadSchema: z.ZodType<Payload> = z.strictObject({
  ...payloadShape,
  kind: z.enum(actionKinds),
  body: z.record(z.string(), z.unknown()),
});

type SoundPayload = Omit<PayloadInput, 'action'> & Action & { readonly v: 1 };

/** Payloads by kind, each with the body of that kind. */
const soundPayloadSchemas: ReadonlyMap<string, z.ZodType<SoundPayload>> = new Map(
  actionKinds.map((kind) => [kind, soundPayloadSchema(kind)] as const),
);

function soundPayloadSchema(kind: ActionKind): z.ZodType<SoundPayload> {
  const body: z.ZodType = bodySchemas[kind];
  return z.strictObject({
    ...payloadShape,
    kind: z.literal(kind),
    body,
  }) as unknown as z.ZodType<SoundPayload>;
}

interface Envelope {
  readonly payload: Uint8Array;
  readonly signatures: readonly TransactionSignature[];
}

const envelopeSchema: z.ZodType<Envelope> = z.strictObject({
  payload: bytesSchema,
  signatures: z
    .array(z.strictObject({ key: publicKeySchema, sig: signatureSchema }))
    .min(1)
    .max(transactionSignaturesMax),
});

/** The payload bytes that signers sign and whose hash is the id. */
export function encodePayload(input: PayloadInput): Uint8Array {
  const { chainId, id, member, notAfter, seals, action } = input;
  const schema = present(soundPayloadSchemas.get(action.kind), 'every kind has its payload');
  return encodeWith(schema, { v: 1, chainId, id, member, notAfter, seals, ...action });
}

export function transactionId(payloadBytes: Uint8Array): Digest {
  return taggedDigest('transaction', payloadBytes);
}

/** The 32 bytes that every signature of a transaction is over. */
export function transactionSigningBytes(chainId: Digest, txId: Digest): Uint8Array {
  return taggedHash('transactionSigning', hexToBytes(chainId), hexToBytes(txId));
}

export function encodeEnvelope(
  payloadBytes: Uint8Array,
  signatures: readonly TransactionSignature[],
): Uint8Array {
  return encodeWith(envelopeSchema, { payload: payloadBytes, signatures });
}

/** Bytes to a transaction, its schema checked and its signatures not yet. Refusals: `tooLarge`, `malformed`, `unknownKind`. */
export function decodeTransaction(envelopeBytes: Uint8Array): Result<Transaction> {
  const envelope = decodeWith(envelopeSchema, envelopeBytes, transactionBytesMax);
  if (!envelope.ok) return envelope;
  const keys = envelope.value.signatures.map((signature) => signature.key);
  if (new Set(keys).size !== keys.length) return refused('malformed', 'signatures');
  const decoded = decodePayload(envelope.value.payload);
  if (!decoded.ok) return decoded;
  return accepted({
    ...decoded.value,
    txId: transactionId(envelope.value.payload),
    signatures: envelope.value.signatures,
    payloadBytes: envelope.value.payload,
    envelopeBytes,
  });
}

/** Payload bytes to what they say, for a client that is asked to sign them. Refusals as `decodeTransaction`. */
export function decodePayload(payloadBytes: Uint8Array): Result<PayloadInput> {
  const sound = readPayload(payloadBytes);
  if (sound !== null) return accepted(sound);
  const payload = decodeWith(payloadSchema, payloadBytes, transactionBytesMax);
  if (!payload.ok) return payload.refusal.detail === 'kind' ? refused('unknownKind') : payload;
  const { kind, body, chainId, id, member, notAfter, seals } = payload.value;
  const action = parseAction(kind, body);
  if (!action.ok) return action;
  return accepted({ chainId, id, member, notAfter, action: action.value, seals });
}

/** A sound payload in one pass; null for any other. Keys are in order of their length, so the kind comes after its body. */
function readPayload(payloadBytes: Uint8Array): PayloadInput | null {
  if (payloadBytes.length > transactionBytesMax) return null;
  const schema = soundPayloadSchemas.get(textUnder('kind', payloadBytes) ?? '');
  const payload = schema === undefined ? null : readWith(schema, payloadBytes);
  if (payload === null) return null;
  const { chainId, id, member, notAfter, seals, kind, body } = payload;
  return { chainId, id, member, notAfter, seals, action: { kind, body } as Action };
}

/** Every signature that must hold: those over this chain's signing bytes, then those that stand within the body. */
export function signatureChecks(transaction: Transaction): readonly SignatureCheck[] {
  const { chainId, txId, signatures, action } = transaction;
  const message = transactionSigningBytes(chainId, txId);
  const own = signatures.map(({ key, sig }) => ({ message, signature: sig, key }));
  const within = signaturesWithin(action, chainId);
  return within.length === 0 ? own : [...own, ...within];
}

/** Every signature holds, on this chain. Who must have signed is judged by the ledger, at inclusion. */
export function verifyTransaction(
  transaction: Transaction,
  chainId: Digest,
  scheme: SignatureScheme,
): Result<Verified<Transaction>> {
  if (transaction.chainId !== chainId) return refused('wrongChain');
  const outcomes = signatureChecks(transaction).map(({ message, signature, key }) =>
    scheme.verify(message, signature, key),
  );
  return asVerified(transaction, outcomes);
}

/** For a verifier that checked every signature elsewhere (a worker thread): the outcome of each of `signatureChecks`. */
export function asVerified(
  transaction: Transaction,
  outcomes: readonly boolean[],
): Result<Verified<Transaction>> {
  const { action, chainId, signatures } = transaction;
  const count = signatures.length + signaturesWithin(action, chainId).length;
  const isGood = outcomes.length === count && outcomes.every((outcome) => outcome);
  return isGood ? accepted(transaction as Verified<Transaction>) : refused('badSignature');
}

/** First 12 hex digits, for logs. */
export function shortId(digest: Digest): string {
  return digest.slice(0, 12);
}
