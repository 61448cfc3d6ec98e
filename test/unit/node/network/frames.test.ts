/** Reassembly of frames, whatever the chunks. */
import assert from 'node:assert/strict';
import { frameHeader, FrameReader } from '../../../../node/network/frames.ts';
import { concatBytes } from '../../../../protocol/bytes.ts';

const bodies = [1, 5, 0x1_00, 7].map((length, index) => new Uint8Array(length).fill(index + 1));
const stream = concatBytes(...bodies.flatMap((body) => [frameHeader(body.length), body]));

function readIn(chunkSize: number): readonly Uint8Array[] {
  const reader = new FrameReader(0x1_00);
  const frames: Uint8Array[] = [];
  for (let offset = 0; offset < stream.length; offset += chunkSize) {
    const read = reader.read(stream.subarray(offset, offset + chunkSize));
    assert.equal(read.fault, null);
    frames.push(...read.frames);
  }
  return frames;
}

describe('a reader of frames', () => {
  it('gives the same frames for every size of chunk', () => {
    for (let chunkSize = 1; chunkSize <= stream.length; chunkSize += 1) {
      assert.deepEqual(readIn(chunkSize), bodies);
    }
  });

  it('gives copies, because a chunk may be a view of a buffer that is used again', () => {
    const chunk = Uint8Array.from(stream);
    const { frames } = new FrameReader(0x1_00).read(chunk);
    chunk.fill(0);
    assert.deepEqual(frames, bodies);
  });

  it('takes a frame at its limit', () => {
    const { frames, fault } = new FrameReader(3).read(concatBytes(frameHeader(3), new Uint8Array(3)));
    assert.deepEqual([frames, fault], [[new Uint8Array(3)], null]);
  });

  it('refuses a frame one byte past its limit on its length alone', () => {
    assert.deepEqual(new FrameReader(3).read(frameHeader(4)), { frames: [], fault: 'frameTooLarge' });
  });

  it('refuses an empty frame, and gives what came before it', () => {
    const bytes = concatBytes(frameHeader(1), new Uint8Array(1), frameHeader(0));
    assert.deepEqual(new FrameReader(3).read(bytes), { frames: [new Uint8Array(1)], fault: 'frameEmpty' });
  });
});
