/** CRC-32C (Castagnoli, RFC 3720 §B.4), with which LevelDB checks its blocks; Node's zlib has the other polynomial only. */

// 0x82f63b78 as a signed number: arithmetic on 32 signed bits is the fastest there is here.
const polynomial = -0x7d09_c488;
const sliceSize = 8;

/** One table after the other: entry `256 * k + byte` moves a byte past k bytes of zeros. */
const table = makeTable();

function makeTable(): Int32Array {
  const made = new Int32Array(sliceSize * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let slice = 0; slice < sliceSize; slice += 1) {
      for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (-(crc & 1) & polynomial);
      made[256 * slice + byte] = crc;
    }
  }
  return made;
}

function entry(index: number): number {
  return table[index] ?? 0;
}

/** Of the bytes from `start` to `end`, eight at a time. */
export function crc32c(bytes: Uint8Array, start: number, end: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let crc = -1;
  let offset = start;
  for (; offset + sliceSize <= end; offset += sliceSize) {
    const low = crc ^ view.getInt32(offset, true);
    const high = view.getInt32(offset + 4, true);
    crc =
      entry(1_792 + (low & 255)) ^
      entry(1_536 + ((low >>> 8) & 255)) ^
      entry(1_280 + ((low >>> 16) & 255)) ^
      entry(1_024 + (low >>> 24)) ^
      entry(768 + (high & 255)) ^
      entry(512 + ((high >>> 8) & 255)) ^
      entry(256 + ((high >>> 16) & 255)) ^
      entry(high >>> 24);
  }
  for (; offset < end; offset += 1) crc = (crc >>> 8) ^ entry((crc ^ view.getUint8(offset)) & 255);
  return ~crc >>> 0;
}
