/** The values of the ledger's rows, as bytes and back. Checksums were verified before; what is still wrong is `corrupt`. */
import {
  decodeBlock,
  decodeHeader,
  encodeBlock,
  encodeHeader,
  type Block,
  type Header,
} from '../../protocol/block.ts';
import type { Digest, Height, Timestamp } from '../../protocol/brand.ts';
import { bytesToHex, hexToBytes } from '../../protocol/bytes.ts';
import { decodeCertificate, encodeCertificate, type Certificate } from '../../protocol/certificate.ts';
import { blockTransactionsMax } from '../../protocol/limits.ts';
import type { Result } from '../../protocol/result.ts';
import type { SeenId } from '../../protocol/state.ts';
import { StorageFailure } from './failure.ts';
import { joinParts, splitParts } from './frame.ts';

export interface StoredBlock {
  readonly block: Block;
  readonly digest: Digest;
  /** CC of this very block, or of the extension beside it; null where a later block's CC made it final. */
  readonly certificate: Certificate | null;
  /** Of a closing block that an extension made final; null for all others. */
  readonly extension: Header | null;
}

/** Where a transaction's receipt and its bytes are. */
export interface TransactionLocation {
  readonly height: Height;
  /** Position of its receipt among those of the block. */
  readonly index: number;
  readonly batchDigest: Digest;
  /** Position of its envelope in the batch. */
  readonly position: number;
}

export interface GenesisPoint {
  readonly chainId: Digest;
  readonly timeMs: Timestamp;
  readonly stateRoot: Digest;
}

const digestSize = 32;
const numberSize = 6;
const indexSize = 4;
/** Digest, block, certificate and extension stand before the receipts. */
const partsBeforeReceipts = 4;
const nothing = new Uint8Array(0);

function intact<T>(result: Result<T>): T {
  if (!result.ok) throw new StorageFailure('corrupt', 'a row does not decode');
  return result.value;
}

function part(parts: readonly Uint8Array[], index: number): Uint8Array {
  const found = parts[index];
  if (found === undefined) throw new StorageFailure('corrupt', 'a row lacks a part');
  return found;
}

function sized(bytes: Uint8Array, size: number): Buffer {
  if (bytes.length !== size) throw new StorageFailure('corrupt', 'a row has a wrong size');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function digestAt(bytes: Uint8Array, offset: number): Digest {
  return bytesToHex(bytes.subarray(offset, offset + digestSize)) as Digest;
}

/** One value holds a block, its CC and its receipts: few large values cost less than many small ones. */
export function encodeBlockRow(stored: StoredBlock, receiptBytes: readonly Uint8Array[]): Uint8Array {
  const { block, digest, certificate, extension } = stored;
  const certificateBytes = certificate === null ? nothing : encodeCertificate(certificate);
  const extensionBytes = extension === null ? nothing : encodeHeader(extension);
  return joinParts([
    hexToBytes(digest),
    encodeBlock(block),
    certificateBytes,
    extensionBytes,
    ...receiptBytes,
  ]);
}

export function decodeBlockRow(bytes: Uint8Array): StoredBlock {
  const parts = splitParts(bytes, partsBeforeReceipts);
  const certificate = part(parts, 2);
  const extension = part(parts, 3);
  return {
    digest: digestAt(sized(part(parts, 0), digestSize), 0),
    block: intact(decodeBlock(part(parts, 1))),
    certificate: certificate.length === 0 ? null : intact(decodeCertificate(certificate)),
    extension: extension.length === 0 ? null : intact(decodeHeader(extension)),
  };
}

/** Bytes of the block, its certificate and its extension, without decoding them. */
export function blockRowSize(bytes: Uint8Array): number {
  const parts = splitParts(bytes, partsBeforeReceipts);
  return part(parts, 1).length + part(parts, 2).length + part(parts, 3).length;
}

export function decodeReceiptRows(bytes: Uint8Array): readonly Uint8Array[] {
  return splitParts(bytes, partsBeforeReceipts + blockTransactionsMax).slice(partsBeforeReceipts);
}

export function encodeHead(height: Height, digest: Digest): Uint8Array {
  const bytes = Buffer.alloc(numberSize + digestSize);
  bytes.writeUIntBE(height, 0, numberSize);
  bytes.set(hexToBytes(digest), numberSize);
  return bytes;
}

export function decodeHead(bytes: Uint8Array): { readonly height: Height; readonly digest: Digest } {
  const row = sized(bytes, numberSize + digestSize);
  return { height: row.readUIntBE(0, numberSize) as Height, digest: digestAt(row, numberSize) };
}

export function encodeHeight(height: Height): Uint8Array {
  const bytes = Buffer.alloc(numberSize);
  bytes.writeUIntBE(height, 0, numberSize);
  return bytes;
}

export function decodeHeight(bytes: Uint8Array): Height {
  return sized(bytes, numberSize).readUIntBE(0, numberSize) as Height;
}

export function encodeGenesisPoint(point: GenesisPoint): Uint8Array {
  const bytes = Buffer.alloc(numberSize);
  bytes.writeUIntBE(point.timeMs, 0, numberSize);
  return Buffer.concat([bytes, hexToBytes(point.chainId), hexToBytes(point.stateRoot)]);
}

export function decodeGenesisPoint(bytes: Uint8Array): GenesisPoint {
  const row = sized(bytes, numberSize + 2 * digestSize);
  return {
    timeMs: row.readUIntBE(0, numberSize) as Timestamp,
    chainId: digestAt(row, numberSize),
    stateRoot: digestAt(row, numberSize + digestSize),
  };
}

const batchOffset = numberSize + 2 * indexSize;

export function encodeLocation(location: TransactionLocation): Uint8Array {
  const bytes = Buffer.alloc(batchOffset + digestSize);
  bytes.writeUIntBE(location.height, 0, numberSize);
  bytes.writeUInt32BE(location.index, numberSize);
  bytes.writeUInt32BE(location.position, numberSize + indexSize);
  bytes.set(hexToBytes(location.batchDigest), batchOffset);
  return bytes;
}

export function decodeLocation(bytes: Uint8Array): TransactionLocation {
  const row = sized(bytes, batchOffset + digestSize);
  return {
    height: row.readUIntBE(0, numberSize) as Height,
    index: row.readUInt32BE(numberSize),
    position: row.readUInt32BE(numberSize + indexSize),
    batchDigest: digestAt(row, batchOffset),
  };
}

export function encodeSeenId(seen: SeenId): Uint8Array {
  const bytes = Buffer.alloc(numberSize + digestSize);
  bytes.writeUIntBE(seen.until, 0, numberSize);
  bytes.set(hexToBytes(seen.txId), numberSize);
  return bytes;
}

export function decodeSeenId(key: string, bytes: Uint8Array): SeenId {
  const row = sized(bytes, numberSize + digestSize);
  return { key, txId: digestAt(row, numberSize), until: row.readUIntBE(0, numberSize) as Timestamp };
}
