/** Transactions that a command signs with the keys of its home, so that no running node has to hold them. */
import { randomBytes } from 'node:crypto';
import type { Action } from '../../protocol/action.ts';
import type { Digest, Id, MemberName, Timestamp } from '../../protocol/brand.ts';
import { bytesToHex } from '../../protocol/bytes.ts';
import { notAfterAheadMsMax } from '../../protocol/limits.ts';
import type { Signer } from '../../protocol/signature.ts';
import {
  encodeEnvelope,
  encodePayload,
  transactionId,
  transactionSigningBytes,
} from '../../protocol/transaction.ts';

/** Clocks differ: a little less than the ledger allows. */
const notAfterAheadMs = notAfterAheadMsMax - 3_600_000;

/** The envelope as `tx_submit` takes it, good for nearly a day from `now` (Unix ms). */
export function signOffline(
  act: { readonly chainId: Digest; readonly member: MemberName; readonly action: Action },
  signers: readonly Signer[],
  now: Timestamp,
): string {
  const payload = encodePayload({
    ...act,
    id: bytesToHex(randomBytes(16)) as Id,
    notAfter: (now + notAfterAheadMs) as Timestamp,
    seals: [],
  });
  const message = transactionSigningBytes(act.chainId, transactionId(payload));
  const signatures = signers.map((signer) => ({ key: signer.publicKey, sig: signer.sign(message) }));
  return `0x${bytesToHex(encodeEnvelope(payload, signatures))}`;
}
