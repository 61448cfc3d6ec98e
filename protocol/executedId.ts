/**
 * Ids that were executed (README.md, E3 to E9): the rows of the id chains, which make them part of the state root by one record an
 * hour. A row holds all that execution asks of an id, so that whoever restores the rows can check every bit of them.
 */
import type { Digest, Id, Timestamp } from './brand.ts';
import { bytesToHex, hexToBytes, uint64Bytes, uint64FromBytes } from './bytes.ts';
import { taggedHash } from './hash.ts';
import { invariant } from './invariant.ts';
import type { SeenId } from './state.ts';

export const idHourMs = 3_600_000;
const idSize = 16;
const txIdOffset = 1 + idSize;
const untilOffset = txIdOffset + 32;
/** Bytes of a row. */
export const idRowSize: number = untilOffset + 8;
const noChain = new Uint8Array(32);

/** The hour that a row is filed under, counted from 1970. */
export function idHourOf(until: Timestamp): number {
  return Math.floor(until / idHourMs);
}

/** Key of the record that holds the chain of an hour. */
export function idChainKey(hour: number): string {
  return `ids/${hour}`;
}

/** 1 if the id was taken, else 0 (1) ‖ id, or zeros if it was taken: then the row stands under its txId (16) ‖ txId (32) ‖ notAfter (8). */
export function encodeIdRow({ key, txId, until }: SeenId): Uint8Array {
  const row = new Uint8Array(idRowSize);
  const isIdReused = key === txId;
  row[0] = isIdReused ? 1 : 0;
  if (!isIdReused) row.set(hexToBytes(key), 1);
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
  const id = bytesToHex(row.subarray(1, txIdOffset)) as Id;
  const txId = bytesToHex(row.subarray(txIdOffset, untilOffset)) as Digest;
  const until = uint64FromBytes(row.subarray(untilOffset));
  if (until === null) return null;
  if (row[0] === 0) return { key: id, txId, until: until as Timestamp };
  const isIdReused = row[0] === 1 && /^0+$/.test(id);
  return isIdReused ? { key: txId, txId, until: until as Timestamp } : null;
}

/** The chain of an hour after one more block: `before` is the record so far, null for the first. */
export function linkIds(before: Uint8Array | null, ...rows: readonly Uint8Array[]): Uint8Array {
  invariant(before === null || before.length === noChain.length, 'a chain of ids is a hash');
  return taggedHash('idChain', before ?? noChain, ...rows);
}
