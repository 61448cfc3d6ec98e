/**
 * Snapshots: the state after one block as a stream of rows in the order of their keys, cut into chunks of one size. The stream depends
 * on the state alone, so honest members that hold a snapshot of one height hold the same bytes. Nothing of a snapshot is believed:
 * the records must give the stateRoot of a certified header, and the rows of executed ids the chains that stand in those records.
 */
import * as z from 'zod';
import type { Digest, Height, Timestamp } from './brand.ts';
import { concatBytes, equalBytes, utf8ToBytes } from './bytes.ts';
import { decodeWith, digestSchema, encodeWith, heightSchema } from './codec.ts';
import { decodeIdRows, idChainKey, idHourOf, linkIds } from './executedId.ts';
import { taggedDigest } from './hash.ts';
import {
  bulkFrameBytesMax,
  snapshotChunkBytes,
  snapshotChunksMax,
  snapshotValueBytesMax,
  stateKeyBytesMax,
} from './limits.ts';
import { accepted, refused, type Result } from './result.ts';
import type { SeenId } from './state.ts';

export interface SnapshotManifest {
  /** Of this format. */
  readonly version: 1;
  readonly chainId: Digest;
  readonly height: Height;
  /** Of the block after which the state was so. */
  readonly digest: Digest;
  readonly stateRoot: Digest;
  /** Bytes of the stream. Every chunk but the last has `snapshotChunkBytes`. */
  readonly size: number;
  /** Hashes of the chunks. */
  readonly chunks: readonly Digest[];
}

/** `record/<state key>`: a record. `ids/<hour>/<height>`, twelve hex digits each: rows of ids that block executed and that expire in that hour. */
export interface SnapshotRow {
  readonly key: string;
  readonly value: Uint8Array;
}

export const snapshotManifestSchema: z.ZodType<SnapshotManifest> = z.strictObject({
  version: z.literal(1),
  chainId: digestSchema,
  height: heightSchema,
  digest: digestSchema,
  stateRoot: digestSchema,
  size: z
    .int()
    .min(1)
    .max(snapshotChunkBytes * snapshotChunksMax),
  chunks: z.array(digestSchema).min(1).max(snapshotChunksMax),
});

const headSize = 6;
const recordPrefix = 'record/';
const idsPattern = /^ids\/([0-9a-f]{12})\/([0-9a-f]{12})$/;
const keyPattern = /^[\x21-\x7e]+$/;
const rowKeyBytesMax: number = recordPrefix.length + stateKeyBytesMax;

export function encodeManifest(manifest: SnapshotManifest): Uint8Array {
  return encodeWith(snapshotManifestSchema, manifest);
}

/** Refusals: `tooLarge`, `malformed`, `snapshotInvalid` (size and number of chunks disagree). */
export function decodeManifest(bytes: Uint8Array): Result<SnapshotManifest> {
  const decoded = decodeWith(snapshotManifestSchema, bytes, bulkFrameBytesMax);
  return decoded.ok ? checkManifest(decoded.value) : decoded;
}

/** What its form alone cannot say. Refusal `snapshotInvalid`. */
export function checkManifest(manifest: SnapshotManifest): Result<SnapshotManifest> {
  const count = Math.ceil(manifest.size / snapshotChunkBytes);
  return count === manifest.chunks.length ? accepted(manifest) : refused('snapshotInvalid', 'size');
}

/** What a snapshot is asked for by. */
export function manifestDigest(manifest: SnapshotManifest): Digest {
  return taggedDigest('snapshot', encodeManifest(manifest));
}

export function chunkDigest(bytes: Uint8Array): Digest {
  return taggedDigest('snapshotChunk', bytes);
}

/** Bytes of a chunk by its index. */
function chunkSize({ size, chunks }: SnapshotManifest, index: number): number {
  return index === chunks.length - 1 ? size - index * snapshotChunkBytes : snapshotChunkBytes;
}

/** Length of the key (u16) ‖ length of the value (u32) ‖ key ‖ value; lengths big-endian. */
export function encodeSnapshotRow({ key, value }: SnapshotRow): Uint8Array {
  const keyBytes = utf8ToBytes(key);
  const head = new Uint8Array(headSize);
  const view = new DataView(head.buffer);
  view.setUint16(0, keyBytes.length);
  view.setUint32(2, value.length);
  return concatBytes(head, keyBytes, value);
}

/** The whole rows at the start of `bytes`, and what is left behind them. Refusal `snapshotInvalid`. */
export function takeSnapshotRows(
  bytes: Uint8Array,
): Result<{ readonly rows: readonly SnapshotRow[]; readonly rest: Uint8Array }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const rows: SnapshotRow[] = [];
  let offset = 0;
  while (offset + headSize <= bytes.length) {
    const keySize = view.getUint16(offset);
    const valueSize = view.getUint32(offset + 2);
    if (keySize === 0 || keySize > rowKeyBytesMax) return refused('snapshotInvalid', 'key');
    if (valueSize > snapshotValueBytesMax) return refused('snapshotInvalid', 'value');
    const valueStart = offset + headSize + keySize;
    if (valueStart + valueSize > bytes.length) break;
    const key = String.fromCharCode(...bytes.subarray(offset + headSize, valueStart));
    if (!keyPattern.test(key)) return refused('snapshotInvalid', 'key');
    rows.push({ key, value: bytes.slice(valueStart, valueStart + valueSize) });
    offset = valueStart + valueSize;
  }
  return accepted({ rows, rest: bytes.slice(offset) });
}

/** How far the rows of a snapshot were checked. */
export interface SnapshotCheck {
  /** Block time of the snapshot: hours before its own have no rows, for nothing counts in them any more. */
  readonly timeMs: Timestamp;
  readonly lastKey: string;
  /** By hour, what the rows of its ids give. */
  readonly chains: ReadonlyMap<number, Uint8Array>;
  /** Hours whose record was found equal to its chain. */
  readonly confirmed: ReadonlySet<number>;
}

export function beginCheck(timeMs: Timestamp): SnapshotCheck {
  return { timeMs, lastKey: '', chains: new Map(), confirmed: new Set() };
}

/** What the rows say, once checked. */
export interface CheckedRows {
  readonly check: SnapshotCheck;
  /** By state key, in the order of the keys. */
  readonly records: ReadonlyMap<string, Uint8Array>;
  readonly seen: readonly SeenId[];
  /** The rows of ids as they stand in the snapshot. */
  readonly ids: readonly SnapshotRow[];
}

/** The next rows: in order, of known kinds, and every chain of ids as its record says. Refusal `snapshotInvalid`. */
export function checkRows(check: SnapshotCheck, rows: readonly SnapshotRow[]): Result<CheckedRows> {
  let { lastKey } = check;
  const chains = new Map(check.chains);
  const confirmed = new Set(check.confirmed);
  const records = new Map<string, Uint8Array>();
  const seen: SeenId[] = [];
  const idRows: SnapshotRow[] = [];
  for (const { key, value } of rows) {
    if (key <= lastKey) return refused('snapshotInvalid', 'order');
    lastKey = key;
    const [, hourText] = idsPattern.exec(key) ?? [];
    if (hourText !== undefined) {
      const hour = Number.parseInt(hourText, 16);
      const ids = idsOf(value, hour);
      if (ids === null || hour < idHourOf(check.timeMs)) return refused('snapshotInvalid', 'ids');
      chains.set(hour, linkIds(chains.get(hour) ?? null, value));
      for (const row of ids) seen.push(row);
      idRows.push({ key, value });
      continue;
    }
    if (!key.startsWith(recordPrefix)) return refused('snapshotInvalid', 'key');
    const stateKey = key.slice(recordPrefix.length);
    records.set(stateKey, value);
    const hour = hourOfChain(stateKey);
    if (hour === null || hour < idHourOf(check.timeMs)) continue;
    const chain = chains.get(hour);
    if (chain === undefined || !equalBytes(chain, value)) return refused('snapshotInvalid', 'idChain');
    confirmed.add(hour);
  }
  return accepted({
    check: { timeMs: check.timeMs, lastKey, chains, confirmed },
    records,
    seen,
    ids: idRows,
  });
}

/** After the last row: no ids without the record that vouches for them. Refusal `snapshotInvalid`. */
export function concludeCheck({ chains, confirmed }: SnapshotCheck): Result<null> {
  return confirmed.size === chains.size ? accepted(null) : refused('snapshotInvalid', 'idChain');
}

/** Rows of ids that all belong to one hour; null for anything else. */
function idsOf(value: Uint8Array, hour: number): readonly SeenId[] | null {
  const ids = decodeIdRows(value);
  if (ids === null || ids.length === 0) return null;
  return ids.every(({ until }) => idHourOf(until) === hour) ? ids : null;
}

function hourOfChain(stateKey: string): number | null {
  const hour = Number(/^ids\/([0-9]{1,15})$/.exec(stateKey)?.[1] ?? Number.NaN);
  return Number.isSafeInteger(hour) && idChainKey(hour) === stateKey ? hour : null;
}

/** True iff the bytes are the chunk at this index. */
export function isChunkOf(manifest: SnapshotManifest, index: number, bytes: Uint8Array): boolean {
  return bytes.length === chunkSize(manifest, index) && chunkDigest(bytes) === manifest.chunks[index];
}
