/**
 * Bytes of the safety log. Segment header: magic (8), number (u32), chain id (32), consensus key (32), checksum (8).
 * Record: body size (u32), check of the size (u32), kind (u8), epoch (u48), view (u48), body, checksum (8). Checks cover the segment
 * and the offset too, so that no record passes for another one at another place.
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Digest, Epoch, PublicKey, View } from '../../protocol/brand.ts';
import { hexToBytes } from '../../protocol/bytes.ts';
import { invariant } from '../../protocol/invariant.ts';
import { StorageFailure } from './failure.ts';

const logKinds = ['vote', 'proposal', 'certificate', 'block', 'memory'] as const;
type LogKind = (typeof logKinds)[number];

export interface LogEntry {
  readonly kind: LogKind;
  readonly epoch: Epoch;
  readonly view: View;
  readonly body: Uint8Array;
}

/** Whose log it is: every segment says so. */
export interface LogOwner {
  readonly chainId: Digest;
  readonly consensusKey: PublicKey;
}

export interface SegmentContent {
  readonly start: SegmentStart;
  readonly entries: readonly LogEntry[];
  /** Size of the segment without a torn last record. */
  readonly size: number;
  readonly isTorn: boolean;
}

/** How a segment begins: it goes on where the one before it ends, or what came before it is lost (W6). */
export type SegmentStart = 'goesOn' | 'afterLoss';

const magic = Buffer.from('rxsafe01');
const lossMagic = Buffer.from('rxlost01');
const ownerSize = 64;
const checksumSize = 8;
const numberOffset = magic.length;
const ownerOffset = numberOffset + 4;
const headerChecksumOffset = ownerOffset + ownerSize;
export const segmentHeaderSize: number = headerChecksumOffset + checksumSize;

const sizeCheckOffset = 4;
const kindOffset = 8;
const epochOffset = 9;
const viewOffset = 15;
const bodyOffset = 21;
const recordOverhead = bodyOffset + checksumSize;
/** A proposal with all its skip certificates fits. */
export const logBodyBytesMax = 1_048_576;

function checksum(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest().subarray(0, checksumSize);
}

function offsetBytes(offset: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUIntBE(offset, 2, 6);
  return bytes;
}

function sizeCheck(header: Uint8Array, place: Uint8Array, size: Uint8Array): number {
  return crc32(size, crc32(place, crc32(header.subarray(0, segmentHeaderSize))));
}

export function encodeSegmentHeader(owner: LogOwner, number: number, start: SegmentStart = 'goesOn'): Buffer {
  const header = Buffer.alloc(headerChecksumOffset);
  header.set(start === 'goesOn' ? magic : lossMagic, 0);
  header.writeUInt32BE(number, numberOffset);
  header.set(hexToBytes(owner.chainId), ownerOffset);
  header.set(hexToBytes(owner.consensusKey), ownerOffset + ownerSize / 2);
  return Buffer.concat([header, checksum(header)]);
}

/** Records as they stand in a segment with this header from `offset` on. */
export function encodeRecords(header: Uint8Array, offset: number, entries: readonly LogEntry[]): Buffer {
  let next = offset;
  const records = entries.map((entry) => {
    const record = encodeRecord(header, next, entry);
    next += record.length;
    return record;
  });
  return Buffer.concat(records);
}

function encodeRecord(header: Uint8Array, offset: number, entry: LogEntry): Buffer {
  const { kind, epoch, view, body } = entry;
  invariant(body.length <= logBodyBytesMax, 'a record of the safety log is bounded');
  const record = Buffer.alloc(recordOverhead + body.length);
  const place = offsetBytes(offset);
  record.writeUInt32BE(body.length, 0);
  record.writeUInt32BE(sizeCheck(header, place, record.subarray(0, sizeCheckOffset)), sizeCheckOffset);
  record.writeUInt8(logKinds.indexOf(kind), kindOffset);
  record.writeUIntBE(epoch, epochOffset, 6);
  record.writeUIntBE(view, viewOffset, 6);
  record.set(body, bodyOffset);
  const end = bodyOffset + body.length;
  record.set(checksum(header, place, record.subarray(0, end)), end);
  return record;
}

/** A disk writes whole sectors of so many bytes, or of a multiple. */
const sectorSize = 512;

/** Where between two places a sector begins from which on everything is zeros, or null. */
function cutWithin(bytes: Buffer, from: number, to: number): number | null {
  for (let at = Math.ceil((from + 1) / sectorSize) * sectorSize; at < to; at += sectorSize) {
    if (isZero(bytes.subarray(at))) return at;
  }
  return null;
}

/** Reads a segment. Failures: `foreign`, `corrupt`. Only the end of the file can be torn: see `readRecord`. */
export function decodeSegment(bytes: Buffer, owner: LogOwner, number: number): SegmentContent {
  const start = startOf(bytes, owner, number);
  const entries: LogEntry[] = [];
  let size = segmentHeaderSize;
  while (size < bytes.length) {
    const record = readRecord(bytes, size);
    if (record === null) return { start, entries, size, isTorn: true };
    entries.push(record.entry);
    size = record.end;
  }
  return { start, entries, size, isTorn: false };
}

/** Failures: `foreign`, `corrupt`. */
function startOf(bytes: Buffer, owner: LogOwner, number: number): SegmentStart {
  const header = bytes.subarray(0, segmentHeaderSize);
  if (header.equals(encodeSegmentHeader(owner, number, 'goesOn'))) return 'goesOn';
  if (header.equals(encodeSegmentHeader(owner, number, 'afterLoss'))) return 'afterLoss';
  const isIntact =
    header.length === segmentHeaderSize &&
    checksum(header.subarray(0, headerChecksumOffset)).equals(header.subarray(headerChecksumOffset));
  if (!isIntact) throw new StorageFailure('corrupt', 'a segment of the safety log has a wrong header');
  const ownerBytes = encodeSegmentHeader(owner, number).subarray(ownerOffset, headerChecksumOffset);
  const isOwn = header.subarray(ownerOffset, headerChecksumOffset).equals(ownerBytes);
  if (!isOwn) throw new StorageFailure('foreign', 'the safety log is of another chain or another key');
  throw new StorageFailure('corrupt', 'a segment of the safety log has a wrong number');
}

/** True iff these first bytes of a segment say that all segments before it are void (W6). */
export function isAfterLoss(bytes: Buffer, owner: LogOwner, number: number): boolean {
  return bytes.subarray(0, segmentHeaderSize).equals(encodeSegmentHeader(owner, number, 'afterLoss'));
}

/**
 * The record at `offset`, or null if the write of it was cut off: the file ends within it, or zeros stand from its checksum (or from
 * its start, or from a sector within either) to the end of the file. Whole records with wrong bytes are `corrupt`, the last one
 * too: it may have been sent.
 */
function readRecord(
  bytes: Buffer,
  offset: number,
): { readonly entry: LogEntry; readonly end: number } | null {
  const rest = bytes.subarray(offset);
  if (rest.length < kindOffset || isZero(rest)) return null;
  const header = bytes.subarray(0, segmentHeaderSize);
  const place = offsetBytes(offset);
  const check = sizeCheck(header, place, rest.subarray(0, sizeCheckOffset));
  if (rest.readUInt32BE(sizeCheckOffset) !== check) {
    if (cutWithin(bytes, offset, offset + kindOffset) !== null) return null;
    throw corruptRecord();
  }
  const bodyEnd = bodyOffset + rest.readUInt32BE(0);
  const end = bodyEnd + checksumSize;
  if (rest.length < end) return null;
  const sum = checksum(header, place, rest.subarray(0, bodyEnd));
  if (!sum.equals(rest.subarray(bodyEnd, end))) {
    const cut = isZero(rest.subarray(bodyEnd))
      ? offset + bodyEnd
      : cutWithin(bytes, offset + bodyEnd, offset + end);
    const isTorn =
      cut !== null && sum.subarray(0, cut - offset - bodyEnd).equals(bytes.subarray(offset + bodyEnd, cut));
    if (isTorn) return null;
    throw corruptRecord();
  }
  const kind = logKinds[rest.readUInt8(kindOffset)];
  if (kind === undefined) throw corruptRecord();
  const epoch = rest.readUIntBE(epochOffset, 6) as Epoch;
  const view = rest.readUIntBE(viewOffset, 6) as View;
  const body = new Uint8Array(rest.subarray(bodyOffset, bodyEnd));
  return { entry: { kind, epoch, view, body }, end: offset + end };
}

function corruptRecord(): StorageFailure {
  return new StorageFailure('corrupt', 'a record of the safety log has a wrong checksum');
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
