/** Several byte strings in one value: per part its length (u32, big-endian), then its bytes. */
import { StorageFailure } from './failure.ts';

const lengthSize = 4;

export function joinParts(parts: readonly Uint8Array[]): Uint8Array {
  const size = parts.reduce((sum, part) => sum + lengthSize + part.length, 0);
  const bytes = Buffer.allocUnsafe(size);
  let offset = 0;
  for (const part of parts) {
    offset = bytes.writeUInt32BE(part.length, offset);
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** The parts as views of `bytes`, at most `countMax` of them. Throws StorageFailure `corrupt` if lengths and size disagree. */
export function splitParts(bytes: Uint8Array, countMax: number): readonly Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const parts: Uint8Array[] = [];
  let offset = 0;
  while (offset < bytes.length && parts.length < countMax) {
    const start = offset + lengthSize;
    const end = start <= bytes.length ? start + view.getUint32(offset) : start;
    if (end > bytes.length) throw new StorageFailure('corrupt', 'a value is cut short');
    parts.push(bytes.subarray(start, end));
    offset = end;
  }
  return parts;
}
