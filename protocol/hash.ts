/** sha256 with domain separation: every kind of hashed thing has its own tag, so no value of one kind passes for another. */
import { sha256 } from '@noble/hashes/sha2.js';
import type { Digest } from './brand.ts';
import { bytesToHex, concatBytes, utf8ToBytes } from './bytes.ts';
import { invariant, present } from './invariant.ts';

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

/** SHA-256 of the bytes: as hex, or as 32 characters of one byte each. */
export type HostSha256 = (bytes: Uint8Array, as: 'hex' | 'binary') => string;

/** A tag, and the state of sha256 after it. */
interface Prefix {
  readonly block: Uint8Array;
  readonly state: ReturnType<typeof sha256.create>;
}

// The tag is hashed first, and fills one 64-byte block of sha256, so that its state is computed once and cloned.
const blockSize = 64;
const digestSize = 32;
const prefixes = new Map<HashTag, Prefix>();
for (const [name, text] of Object.entries(tags)) {
  const block = new Uint8Array(blockSize);
  block.set(utf8ToBytes(text));
  prefixes.set(name as HashTag, { block, state: sha256.create().update(block) });
}

// Hashing is synchronous, so one working copy serves every call: a new one costs a third of a short hash.
const scratch = sha256.create();

let host: HostSha256 | null = null;
/** Input for the host, in one piece; a new view of it costs as much as a short hash, so there is one for every length. */
const joinedSizeMax = 4_096;
const joined = new Uint8Array(joinedSizeMax);
const joinedViews: (Uint8Array | undefined)[] = [];
const pairSize = 2 * digestSize;
const pairInput = joined.subarray(0, blockSize + pairSize);

/**
 * Lets the host's own SHA-256 do the work from now on: for our short inputs it takes a half to a fifth of the time. A function that
 * gives another digest is refused by an exception: nothing may depend on which of the two is at work.
 */
export function useHostSha256(candidate: HostSha256): void {
  for (let size = 0; size <= 3 * blockSize; size += 1) {
    const bytes = new Uint8Array(size).fill(size);
    const digest = sha256(bytes);
    invariant(candidate(bytes, 'hex') === bytesToHex(digest), 'SHA-256 of the host is another one');
    invariant(
      bytesToHex(bytesOf(candidate(bytes, 'binary'))) === bytesToHex(digest),
      'a character is a byte',
    );
  }
  host = candidate;
}

/** sha256(tag padded with zeros to 64 bytes ‖ parts). 32 bytes. Parts are not delimited: callers give fixed lengths, or one part. */
export function taggedHash(tag: HashTag, ...parts: readonly Uint8Array[]): Uint8Array {
  const prefix = prefixOf(tag);
  if (host !== null) return bytesOf(host(inOnePiece(prefix.block, parts), 'binary'));
  const hash = prefix.state._cloneInto(scratch);
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** `taggedHash` as lower-case hex. */
export function taggedDigest(tag: HashTag, ...parts: readonly Uint8Array[]): Digest {
  if (host !== null) return host(inOnePiece(prefixOf(tag).block, parts), 'hex') as Digest;
  return bytesToHex(taggedHash(tag, ...parts)) as Digest;
}

/** Where 64 bytes stand, and where the 32 bytes of their hash go. */
export interface Pair {
  readonly from: number;
  readonly to: number;
}

/** `taggedHash` of 64 bytes, within one memory: trees hash pairs where they stand, thousands in a block. */
export function hashPair(tag: HashTag, memory: Uint8Array, { from, to }: Pair): void {
  const { block, state } = prefixOf(tag);
  if (host === null) {
    const hash = state._cloneInto(scratch).update(memory.subarray(from, from + pairSize));
    memory.set(hash.digest(), to);
    return;
  }
  joined.set(block);
  for (let index = 0; index < pairSize; index += 1) joined[blockSize + index] = memory[from + index] ?? 0;
  const text = host(pairInput, 'binary');
  for (let index = 0; index < digestSize; index += 1) memory[to + index] = text.charCodeAt(index);
}

/** Plain sha256, for interior nodes of Merkle trees (RFC 9162 §2.1) where the tag is a leading byte. 32 bytes. */
export function plainHash(bytes: Uint8Array): Uint8Array {
  return host === null ? sha256(bytes) : bytesOf(host(bytes, 'binary'));
}

function prefixOf(tag: HashTag): Prefix {
  return present(prefixes.get(tag), 'every tag is prepared');
}

function inOnePiece(block: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  let size = blockSize;
  for (const part of parts) size += part.length;
  if (size > joinedSizeMax) return concatBytes(block, ...parts);
  joined.set(block);
  let at = blockSize;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return (joinedViews[size] ??= joined.subarray(0, size));
}

function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(digestSize);
  for (let index = 0; index < digestSize; index += 1) bytes[index] = text.charCodeAt(index);
  return bytes;
}
