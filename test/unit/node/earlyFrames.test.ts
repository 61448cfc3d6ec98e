import assert from 'node:assert/strict';
import { EarlyFrames } from '../../../node/earlyFrames.ts';
import { consensusFrameBytesMax } from '../../../protocol/limits.ts';
import { aName } from '../../support/nodeParts.ts';

const clinic = aName('clinic');
const hospital = aName('hospital');

describe('early frames', () => {
  it('come back once, each member’s in their order', () => {
    const early = new EarlyFrames();
    const frames = [1, 2, 3].map((byte) => Uint8Array.of(byte));
    const [first, second, third] = frames;
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    early.keep(clinic, first);
    early.keep(hospital, second);
    early.keep(clinic, third);
    assert.deepEqual(early.take(), [
      [clinic, first],
      [clinic, third],
      [hospital, second],
    ]);
    assert.deepEqual(early.take(), []);
  });

  it('are bounded for each member: 64 of them', () => {
    const early = new EarlyFrames();
    for (let count = 0; count < 65; count += 1) early.keep(clinic, Uint8Array.of(count));
    early.keep(hospital, Uint8Array.of(0));
    assert.equal(early.take().length, 65);
  });

  it('are bounded for each member: the bytes of one largest frame', () => {
    const early = new EarlyFrames();
    early.keep(clinic, new Uint8Array(consensusFrameBytesMax));
    early.keep(clinic, new Uint8Array(1));
    early.keep(hospital, new Uint8Array(1));
    assert.deepEqual(
      early.take().map(([from, frame]) => [from, frame.length]),
      [
        [clinic, consensusFrameBytesMax],
        [hospital, 1],
      ],
    );
  });
});
