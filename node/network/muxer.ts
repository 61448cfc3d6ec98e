/**
 * yamux with a look at every frame before the library believes it. The library waits for all of a frame, whatever length it claims,
 * and answers pings and new streams without asking whether the answers are read; both end here, before they cost memory.
 */
import { yamux } from '@chainsafe/libp2p-yamux';
import type { MessageStream, StreamMuxerFactory } from '@libp2p/interface';
import { Allowance } from './allowance.ts';
import { muxedStreamsMax, muxFrameLimits, muxOpeningLimits, streamWindowBytesMax } from './bounds.ts';
import { Violation } from './violation.ts';

/** https://github.com/hashicorp/yamux/blob/master/spec.md: version u8, type u8, flags u16, stream id u32, length u32. */
const headerSize = 12;
const typeOffset = 1;
const flagsOffset = 2;
const lengthOffset = 8;
const typeData = 0;
const flagSyn = 1;

type Chunks = Uint8Array | Iterable<Uint8Array>;

/** Reads the headers of one connection's frames and skips the rest. */
export class MuxWatch {
  readonly #header: Uint8Array = new Uint8Array(headerSize);
  readonly #frames: Allowance;
  readonly #openings: Allowance;
  #headerFilled = 0;
  #skipBytes = 0;

  constructor(now: number) {
    this.#frames = new Allowance(muxFrameLimits, now);
    this.#openings = new Allowance(muxOpeningLimits, now);
  }

  /** Throws Violation `muxFrameTooLarge` or `muxFlood`. */
  read(data: Chunks, now: number): void {
    for (const chunk of data instanceof Uint8Array ? [data] : data) this.#readChunk(chunk, now);
  }

  #readChunk(chunk: Uint8Array, now: number): void {
    let offset = 0;
    while (offset < chunk.length) {
      const skipped = Math.min(this.#skipBytes, chunk.length - offset);
      this.#skipBytes -= skipped;
      offset += skipped;
      const size = Math.min(headerSize - this.#headerFilled, chunk.length - offset);
      this.#header.set(chunk.subarray(offset, offset + size), this.#headerFilled);
      this.#headerFilled += size;
      offset += size;
      if (this.#headerFilled === headerSize) this.#judge(now);
    }
  }

  #judge(now: number): void {
    this.#headerFilled = 0;
    const view = new DataView(this.#header.buffer);
    const length = view.getUint32(lengthOffset);
    if (view.getUint8(typeOffset) === typeData) {
      if (length > streamWindowBytesMax) throw new Violation('muxFrameTooLarge');
      this.#skipBytes = length;
    }
    if (this.#frames.take(1, now) > 0) throw new Violation('muxFlood');
    // New streams and pings: what we answer at once, read or not.
    const isOpening = (view.getUint16(flagsOffset) & flagSyn) !== 0;
    if (isOpening && this.#openings.take(1, now) > 0) throw new Violation('muxFlood');
  }
}

/** What a watch throws aborts the connection with that error. */
export function watchedYamux(): () => StreamMuxerFactory {
  const makeFactory = yamux({
    maxInboundStreams: muxedStreamsMax,
    maxOutboundStreams: muxedStreamsMax,
    streamOptions: { maxStreamWindowSize: streamWindowBytesMax },
  });
  return () => {
    const factory = makeFactory();
    const create = factory.createStreamMuxer.bind(factory);
    factory.createStreamMuxer = (connection: MessageStream) => {
      const muxer = create(connection);
      const watch = new MuxWatch(performance.now());
      const onData = muxer.onData.bind(muxer);
      muxer.onData = (data) => {
        watch.read(data, performance.now());
        onData(data);
      };
      return muxer;
    };
    return factory;
  };
}
