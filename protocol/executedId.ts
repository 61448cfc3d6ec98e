/**
 * Ids that were executed (README.md, E3 to E9): the rows of the id chains, which make them part of the state root by one record an
 * hour. A row holds all that execution asks of an id, so that whoever restores the rows can check every bit of them.
 */
import type { Digest, Id, MemberName, Timestamp } from './brand.ts';
import { bytesToHex, hexToBytes, uint64Bytes, uint64FromBytes, utf8ToBytes } from './bytes.ts';
import { taggedHash } from './hash.ts';
import { invariant } from './invariant.ts';
import type { SeenId, StateView } from './state.ts';

export const idHourMs = 3_600_000;
const takenKeySize = 16;
const txIdOffset = 1 + takenKeySize;
const untilOffset = txIdOffset + 32;
/** Bytes of a row. */
export const idRowSize: number = untilOffset + 8;
const noChain = new Uint8Array(32);

/** What a transaction is known again by. */
export interface TransactionIds {
  readonly id: Id;
  readonly member: MemberName;
  readonly txId: Digest;
}

/** Under which a member's id is taken: ids of two members never meet. 32 hex digits. */
export function takenIdKey({ member, id }: Omit<TransactionIds, 'txId'>): string {
  return bytesToHex(taggedHash('takenId', hexToBytes(id), utf8ToBytes(member)).subarray(0, takenKeySize));
}

/** True if a row says that it was executed; the row may have expired, for hosts prune when they like. */
export function isSeen(state: Pick<StateView, 'seen'>, transaction: TransactionIds): boolean {
  return [takenIdKey(transaction), transaction.txId].some(
    (key) => state.seen(key)?.txId === transaction.txId,
  );
}

/** The hour that a row is filed under, counted from 1970. */
export function idHourOf(until: Timestamp): number {
  return Math.floor(until / idHourMs);
}

/** Key of the record that holds the chain of an hour. */
export function idChainKey(hour: number): string {
  return `ids/${hour}`;
}

/** 1 if it stands under its txId, else 0 (1) ‖ the key that its id is taken under, or zeros (16) ‖ txId (32) ‖ notAfter (8). */
export function encodeIdRow({ key, txId, until }: SeenId): Uint8Array {
  const row = new Uint8Array(idRowSize);
  const isUnderTxId = key === txId;
  row[0] = isUnderTxId ? 1 : 0;
  if (!isUnderTxId) row.set(hexToBytes(key), 1);
  row.set(hexToBytes(txId), txIdOffset);
  row.set(uint64Bytes(until), untilOffset);
  return row;
}

/** The rows of one block and hour; null for bytes that `encodeIdRow` did not write. */
export function decodeIdRows(bytes: Uint8Array): readonly SeenId[] | null {
  if (bytes.length % idRowSize !== 0) return null;
  const rows: SeenId[] = [];
  for (let offset = 0; offset < bytes.length; offset += idRowSize) {
    const row = decodeIdRow(bytes.subarray(offset, offset + idRowSize));
    if (row === null) return null;
    rows.push(row);
  }
  return rows;
}

function decodeIdRow(row: Uint8Array): SeenId | null {
  const key = bytesToHex(row.subarray(1, txIdOffset));
  const txId = bytesToHex(row.subarray(txIdOffset, untilOffset)) as Digest;
  const until = uint64FromBytes(row.subarray(untilOffset));
  if (until === null) return null;
  if (row[0] === 0) return { key, txId, until: until as Timestamp };
  const isUnderTxId = row[0] === 1 && /^0+$/.test(key);
  return isUnderTxId ? { key: txId, txId, until: until as Timestamp } : null;
}

/** The chain of an hour after one more block: `before` is the record so far, null for the first. */
export function linkIds(before: Uint8Array | null, ...rows: readonly Uint8Array[]): Uint8Array {
  invariant(before === null || before.length === noChain.length, 'a chain of ids is a hash');
  return taggedHash('idChain', before ?? noChain, ...rows);
}
