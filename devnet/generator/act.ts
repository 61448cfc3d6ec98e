/** What somebody does at some time, and what the ledger must answer. */
import type { Action } from '../../protocol/action.ts';
import type { Digest, Id, MemberName, Timestamp } from '../../protocol/brand.ts';
import type { RefusalCode } from '../../protocol/refusal.ts';
import type { Signer } from '../../protocol/signature.ts';
import {
  decodeTransaction,
  encodeEnvelope,
  encodePayload,
  transactionId,
  transactionSigningBytes,
  type Transaction,
} from '../../protocol/transaction.ts';

export interface Act {
  /** Through whose node. */
  readonly member: MemberName;
  readonly action: Action;
  readonly signers: readonly Signer[];
  /** People err, and some try: then the ledger refuses. */
  readonly expected: 'committed' | RefusalCode;
}

/** An act in the stream of a region. */
export interface TimedAct extends Act {
  readonly at: Timestamp;
  /** Of the transaction; the same stream has the same ids. */
  readonly id: Id;
}

const notAfterMs = 3_600_000;

const noSignature = '0'.repeat(128) as ReturnType<Signer['sign']>;

/** The transaction as a gate would hand it to the ledger, without the time that signatures take. */
export function unsignedTransaction(chainId: Digest, act: TimedAct): Transaction {
  const signatures = act.signers.map((signer) => ({ key: signer.publicKey, sig: noSignature }));
  const decoded = decodeTransaction(encodeEnvelope(payloadOf(chainId, act), signatures));
  if (!decoded.ok) throw new Error(`an act does not encode: ${decoded.refusal.detail}`);
  return decoded.value;
}

/** The envelope, signed, as an application with its own keys sends it. */
export function signedEnvelope(chainId: Digest, act: TimedAct): Uint8Array {
  const payload = payloadOf(chainId, act);
  const message = transactionSigningBytes(chainId, transactionId(payload));
  const signatures = act.signers.map((signer) => ({ key: signer.publicKey, sig: signer.sign(message) }));
  return encodeEnvelope(payload, signatures);
}

function payloadOf(chainId: Digest, { id, at, member, action }: TimedAct): Uint8Array {
  return encodePayload({ chainId, id, member, notAfter: (at + notAfterMs) as Timestamp, action, seals: [] });
}
