/** A node's own report of evidence: a transaction under its consensus key, so that nobody has to be awake for it. */
import type { Digest, Id, MemberName, Timestamp } from '../protocol/brand.ts';
import { bytesToHex, concatBytes, hexToBytes, uint64Bytes, utf8ToBytes } from '../protocol/bytes.ts';
import { evidenceDigest, type Evidence } from '../protocol/evidence.ts';
import { plainHash } from '../protocol/hash.ts';
import type { Signer } from '../protocol/signature.ts';
import {
  encodeEnvelope,
  encodePayload,
  transactionId,
  transactionSigningBytes,
} from '../protocol/transaction.ts';

const reportNotAfterMs = 600_000;

export interface Reporter {
  readonly chainId: Digest;
  readonly own: MemberName;
  /** Holds our consensus key. */
  readonly signer: Signer;
}

/** The signed envelope; its id follows from the evidence, the reporter and the wall clock `nowMs`, so each attempt has its own. */
export function reportEnvelope(
  { chainId, own, signer }: Reporter,
  evidence: Evidence,
  nowMs: number,
): Uint8Array {
  const now = Math.floor(nowMs);
  const name = concatBytes(hexToBytes(evidenceDigest(evidence)), uint64Bytes(now), utf8ToBytes(own));
  const payload = encodePayload({
    chainId,
    id: bytesToHex(plainHash(name).subarray(0, 16)) as Id,
    member: own,
    notAfter: (now + reportNotAfterMs) as Timestamp,
    action: { kind: 'evidence.report', body: { evidence } },
    seals: [],
  });
  const sig = signer.sign(transactionSigningBytes(chainId, transactionId(payload)));
  return encodeEnvelope(payload, [{ key: signer.publicKey, sig }]);
}
