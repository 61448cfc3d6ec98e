/** Frames on a byte stream: u32 big-endian length, then so many bytes. No frame is empty. */

const headerSize = 4;

export type FrameFault = 'frameTooLarge' | 'frameEmpty';

export interface FramesRead {
  readonly frames: readonly Uint8Array[];
  /** The sender broke the format; nothing after it can be read. */
  readonly fault: FrameFault | null;
}

export function frameHeader(length: number): Uint8Array {
  const header = new Uint8Array(headerSize);
  new DataView(header.buffer).setUint32(0, length);
  return header;
}

/** Reassembles frames from arbitrary chunks. Holds one frame at most; the length is checked before it is allocated. */
export class FrameReader {
  readonly #frameBytesMax: number;
  readonly #header: Uint8Array = new Uint8Array(headerSize);
  #headerFilled = 0;
  #frame: Uint8Array | null = null;
  #frameFilled = 0;

  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
  }

  /** The frames that end in this chunk, as copies: a chunk may be a view of a large buffer. */
  read(chunk: Uint8Array): FramesRead {
    const frames: Uint8Array[] = [];
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#frame === null) {
        const size = Math.min(headerSize - this.#headerFilled, chunk.length - offset);
        this.#header.set(chunk.subarray(offset, offset + size), this.#headerFilled);
        this.#headerFilled += size;
        offset += size;
        if (this.#headerFilled < headerSize) break;
        const fault = this.#begin();
        if (fault !== null) return { frames, fault };
        continue;
      }
      const size = Math.min(this.#frame.length - this.#frameFilled, chunk.length - offset);
      this.#frame.set(chunk.subarray(offset, offset + size), this.#frameFilled);
      this.#frameFilled += size;
      offset += size;
      if (this.#frameFilled < this.#frame.length) break;
      frames.push(this.#frame);
      this.#frame = null;
    }
    return { frames, fault: null };
  }

  #begin(): FrameFault | null {
    const length = new DataView(this.#header.buffer).getUint32(0);
    if (length === 0) return 'frameEmpty';
    if (length > this.#frameBytesMax) return 'frameTooLarge';
    this.#headerFilled = 0;
    this.#frame = new Uint8Array(length);
    this.#frameFilled = 0;
    return null;
  }
}
