/**
 * Stamps: a transaction, the ledger's answer to it, and the proof that a quorum of the genesis voters made that answer final.
 * Whoever has the genesis file can check one offline, without trusting the node that gave it. One value, one byte form, so
 * that a stamp with any byte changed is refused.
 */
import * as z from 'zod';
import type { Header } from './block.ts';
import type { Digest, Verified } from './brand.ts';
import { bytesSchema, decodeWith, digestSchema, encodeWith } from './codec.ts';
import { certificateSchema } from './certificate.ts';
import type { Genesis } from './genesis.ts';
import { invariant, present } from './invariant.ts';
import { closingsSchema, headersSchema, verifyFromGenesis, type GenesisProof } from './lightClient.ts';
import { blockTransactionsMax, stampBytesMax, stampPathMax } from './limits.ts';
import { merklePath, rootFromPath } from './merkle.ts';
import { encodeReceipt, receiptSchema, receiptsDigest, type Receipt } from './receipt.ts';
import { accepted, refused, type Result } from './result.ts';
import type { SignatureScheme } from './signature.ts';
import { decodeTransaction, verifyTransaction, type Transaction } from './transaction.ts';

export interface Stamp extends GenesisProof {
  /** The transaction's envelope as it was signed. */
  readonly transaction: Uint8Array;
  readonly receipt: Receipt;
  /** How many receipts the block has. The receipt's own index is its place among them. */
  readonly count: number;
  /** Siblings from the receipt up to the root of the block's receipts (RFC 9162 §2.1.3). */
  readonly path: readonly Digest[];
}

export interface VerifiedStamp {
  readonly transaction: Verified<Transaction>;
  readonly receipt: Receipt;
  /** The header of the transaction's block. */
  readonly header: Header;
}

const stampSchema: z.ZodType<Stamp> = z.strictObject({
  transaction: bytesSchema,
  receipt: receiptSchema,
  count: z.int().min(1).max(blockTransactionsMax),
  path: z.array(digestSchema).max(stampPathMax),
  headers: headersSchema,
  certificate: certificateSchema,
  closings: closingsSchema,
});

/** Joins what a node stores of a block into the stamp of its receipt at `index`. */
export function makeStamp(input: {
  readonly transaction: Uint8Array;
  readonly receipts: readonly Receipt[];
  readonly index: number;
  readonly finality: GenesisProof;
}): Stamp {
  const { transaction, receipts, index, finality } = input;
  const receipt = present(receipts[index], 'a receipt at the index');
  invariant(receipt.index === index, 'a receipt stands at its index');
  const path = merklePath(receipts.map(encodeReceipt), index);
  const { headers, certificate, closings } = finality;
  return { transaction, receipt, count: receipts.length, path, headers, certificate, closings };
}

export function encodeStamp(stamp: Stamp): Uint8Array {
  return encodeWith(stampSchema, stamp);
}

/** Refusals: `tooLarge`, `malformed`. Nothing is verified yet. */
export function decodeStamp(bytes: Uint8Array): Result<Stamp> {
  return decodeWith(stampSchema, bytes, stampBytesMax);
}

/**
 * The whole check of a stamp, with the genesis file only. Refusals: `tooLarge`, `malformed`, `unknownKind`, `wrongChain`,
 * `badSignature`, `proofInvalid`, `headerInvalid`, `wrongEpoch`, `certificateInvalid`.
 */
export function verifyStamp(
  bytes: Uint8Array,
  genesis: Genesis,
  scheme: SignatureScheme,
): Result<VerifiedStamp> {
  const decoded = decodeStamp(bytes);
  if (!decoded.ok) return decoded;
  const stamp = decoded.value;
  const finality = verifyFromGenesis(stamp, genesis, scheme);
  if (!finality.ok) return finality;
  const header = finality.value;
  const { receipt } = stamp;
  if (receipt.height !== header.height) return refused('proofInvalid', 'height');
  if (receipt.timeMs !== header.timeMs) return refused('proofInvalid', 'timeMs');
  if (!isReceiptIn(stamp, header)) return refused('proofInvalid', 'receiptsRoot');
  const transaction = decodeTransaction(stamp.transaction);
  if (!transaction.ok) return transaction;
  if (transaction.value.txId !== receipt.txId) return refused('proofInvalid', 'txId');
  const verified = verifyTransaction(transaction.value, header.chainId, scheme);
  return verified.ok ? accepted({ transaction: verified.value, receipt, header }) : verified;
}

function isReceiptIn(stamp: Stamp, header: Header): boolean {
  const { receipt, count, path } = stamp;
  const root = rootFromPath(encodeReceipt(receipt), { index: receipt.index, count, path });
  return root !== null && receiptsDigest(count, root) === header.receiptsRoot;
}
