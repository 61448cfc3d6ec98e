/**
 * The anchor: a small file outside the database that says how far the ledger had come. A database that lost its newest files
 * opens without an error; the anchor is how the node notices. It is written now and then: a ledger ahead of it is fine.
 */
import { createHash } from 'node:crypto';
import type { Digest, Height } from '../../protocol/brand.ts';
import { bytesToHex, hexToBytes } from '../../protocol/bytes.ts';
import { systemDisk, type Files } from './disk.ts';
import { replaceFile } from './durableFile.ts';
import { StorageFailure, storageFailure } from './failure.ts';

export interface Anchor {
  readonly chainId: Digest;
  readonly height: Height;
  readonly stateRoot: Digest;
}

const magic = Buffer.from('rxanchr1');
const numberSize = 6;
const digestSize = 32;
const bodySize = magic.length + numberSize + 2 * digestSize;

function checksum(body: Uint8Array): Buffer {
  return createHash('sha256').update(body).digest();
}

/** Replaces the anchor durably. Throws StorageFailure. */
export function writeAnchor(path: string, anchor: Anchor, files: Files = systemDisk): void {
  const height = Buffer.alloc(numberSize);
  height.writeUIntBE(anchor.height, 0, numberSize);
  const body = Buffer.concat([magic, height, hexToBytes(anchor.chainId), hexToBytes(anchor.stateRoot)]);
  try {
    replaceFile(files, { path, temporary: `${path}.new` }, Buffer.concat([body, checksum(body)]));
  } catch (error) {
    throw storageFailure(error, 'write the anchor');
  }
}

/** The anchor, or null if there is no such file. Failures: `corrupt`, `io`. */
export function readAnchor(path: string, files: Files = systemDisk): Anchor | null {
  const bytes = readIfThere(path, files);
  if (bytes === null) return null;
  const body = bytes.subarray(0, bodySize);
  const isIntact = bytes.length === bodySize + digestSize && checksum(body).equals(bytes.subarray(bodySize));
  if (!isIntact) throw new StorageFailure('corrupt', 'the anchor has a wrong checksum');
  if (!body.subarray(0, magic.length).equals(magic)) throw new StorageFailure('corrupt', 'not an anchor');
  const digestsStart = magic.length + numberSize;
  return {
    height: body.readUIntBE(magic.length, numberSize) as Height,
    chainId: bytesToHex(body.subarray(digestsStart, digestsStart + digestSize)) as Digest,
    stateRoot: bytesToHex(body.subarray(digestsStart + digestSize)) as Digest,
  };
}

function readIfThere(path: string, files: Files): Buffer | null {
  try {
    return files.read(path);
  } catch (error) {
    const failure = storageFailure(error, 'read the anchor');
    if (failure.code === 'missing') return null;
    throw failure;
  }
}
