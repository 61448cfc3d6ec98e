/** What is seen of yamux's frames before the library believes them. */
import assert from 'node:assert/strict';
import { muxFrameLimits, muxOpeningLimits, streamWindowBytesMax } from '../../../../node/network/bounds.ts';
import { MuxWatch } from '../../../../node/network/muxer.ts';
import { Violation } from '../../../../node/network/violation.ts';
import { muxFrames, type MuxFrame } from '../../../support/rogue.ts';

const data: MuxFrame = { type: 'data', isSyn: false, streamId: 1, length: 0 };
const opening: MuxFrame = { type: 'windowUpdate', isSyn: true, streamId: 1, length: 262_144 };
const ping: MuxFrame = { type: 'ping', isSyn: true, streamId: 0, length: 7 };

function repeated(frame: MuxFrame, count: number): Uint8Array {
  return muxFrames(Array.from({ length: count }, () => frame));
}

/** The reason of the violation, or null. */
function verdictOn(bytes: Uint8Array, chunkSize = bytes.length): string | null {
  const watch = new MuxWatch(0);
  try {
    for (let offset = 0; offset < bytes.length; offset += chunkSize) {
      watch.read([bytes.subarray(offset, offset + chunkSize)], 0);
    }
    return null;
  } catch (error) {
    if (error instanceof Violation) return error.message;
    throw error;
  }
}

describe('a watch on the multiplexer', () => {
  it('skips what is in a frame, however the bytes are cut', () => {
    // A body of headers that would be violations, were they read as such.
    const body = repeated({ ...data, length: 0xffff_ffff }, 10);
    const bytes = Buffer.concat([muxFrames([{ ...data, length: body.length }]), body, muxFrames([ping])]);
    for (const chunkSize of [1, 5, 12, 13, bytes.length]) assert.equal(verdictOn(bytes, chunkSize), null);
  });

  it('takes a frame as large as a window, and none that is larger', () => {
    const frameOf = (length: number): Uint8Array => muxFrames([{ ...data, length }]);
    assert.deepEqual(
      [verdictOn(frameOf(streamWindowBytesMax)), verdictOn(frameOf(streamWindowBytesMax + 1))],
      [null, 'muxFrameTooLarge'],
    );
  });

  it('takes a large number in a window update for what it is: no length', () => {
    assert.equal(verdictOn(muxFrames([{ ...opening, length: 0xffff_ffff }])), null);
  });

  for (const [what, frame, { burst }] of [
    ['new streams', opening, muxOpeningLimits],
    ['pings', ping, muxOpeningLimits],
    ['frames', data, muxFrameLimits],
  ] as const) {
    it(`takes ${burst} ${what} at once, and no more`, () => {
      assert.deepEqual(
        [verdictOn(repeated(frame, burst)), verdictOn(repeated(frame, burst + 1))],
        [null, 'muxFlood'],
      );
    });
  }

  it('takes more when time has passed', () => {
    const watch = new MuxWatch(0);
    watch.read(repeated(ping, muxOpeningLimits.burst), 0);
    watch.read(repeated(ping, muxOpeningLimits.perSecond), 1_000);
    assert.throws(() => watch.read(repeated(ping, 2), 1_000), new Violation('muxFlood'));
  });
});
