/** sha256 with domain separation: every kind of hashed thing has its own tag, so no value of one kind passes for another. */
import { sha256 } from '@noble/hashes/sha2.js';
import type { Digest } from './brand.ts';
import { bytesToHex, utf8ToBytes } from './bytes.ts';
import { present } from './invariant.ts';

const tags = {
  transaction: 'rxledger/tx-id/1',
  transactionSigning: 'rxledger/tx/1',
  batch: 'rxledger/batch/1',
  batchBody: 'rxledger/batch-body/1',
  batchSigning: 'rxledger/batch-sig/1',
  header: 'rxledger/header/1',
  consensus: 'rxledger/consensus/1',
  voterSet: 'rxledger/voters/1',
  genesis: 'rxledger/genesis/1',
  receipt: 'rxledger/receipt/1',
  merkleLeaf: 'rxledger/leaf/1',
  stateKey: 'rxledger/state-key/1',
  stateValue: 'rxledger/state-value/1',
  stateLeaf: 'rxledger/state-leaf/1',
  stateNode: 'rxledger/state-node/1',
  takenId: 'rxledger/taken-id/1',
  idChain: 'rxledger/id-chain/1',
  commitment: 'rxledger/commitment/1',
  blob: 'rxledger/blob/1',
  receiptCode: 'rxledger/receipt-code/1',
  claims: 'rxledger/claims/1',
  claimReversal: 'rxledger/claim-reversal/1',
  pair: 'rxledger/pair/1',
  invitation: 'rxledger/invitation/1',
  evidence: 'rxledger/evidence/1',
  snapshot: 'rxledger/snapshot/1',
  snapshotChunk: 'rxledger/chunk/1',
} as const;

export type HashTag = keyof typeof tags;

// The tag is hashed first, and fills one 64-byte block of sha256, so that its state is computed once and cloned.
const blockSize = 64;
const prepared = new Map<HashTag, ReturnType<typeof sha256.create>>();
for (const [name, text] of Object.entries(tags)) {
  const block = new Uint8Array(blockSize);
  block.set(utf8ToBytes(text));
  prepared.set(name as HashTag, sha256.create().update(block));
}

// Hashing is synchronous, so one working copy serves every call: a new one costs a third of a short hash.
const scratch = sha256.create();

/** sha256(tag padded with zeros to 64 bytes ‖ parts). 32 bytes. Parts are not delimited: callers give fixed lengths, or one part. */
export function taggedHash(tag: HashTag, ...parts: readonly Uint8Array[]): Uint8Array {
  const hash = present(prepared.get(tag), 'every tag is prepared')._cloneInto(scratch);
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** `taggedHash` as lower-case hex. */
export function taggedDigest(tag: HashTag, ...parts: readonly Uint8Array[]): Digest {
  return bytesToHex(taggedHash(tag, ...parts)) as Digest;
}

/** Plain sha256, for interior nodes of Merkle trees (RFC 9162 §2.1) where the tag is a leading byte. 32 bytes. */
export function plainHash(bytes: Uint8Array): Uint8Array {
  return sha256(bytes);
}
