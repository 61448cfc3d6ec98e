/** The marks of a disk that fills, and the ballast that lets a full node start. */
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ballastBytesOf, dropBallast, freeBytesOf, keepBallast, makeRoom } from '../../../node/ballast.ts';
import { DiskGuard, roomOf } from '../../../node/diskGuard.ts';
import type { StorageFailure } from '../../../node/storage/failure.ts';
import { aLog, aManualClock } from '../../support/nodeParts.ts';
import { aFolder, failsWith } from '../storage/builders.ts';

const marks = { softBytes: 800, hardBytes: 200, ballastBytes: 3_000_000 };

function aGuard(): {
  readonly guard: DiskGuard;
  readonly failures: StorageFailure[];
  readonly after: (freeBytes: number) => string;
} {
  const clock = aManualClock();
  const failures: StorageFailure[] = [];
  let free = 10_000;
  const onFull = (cause: StorageFailure): void => void failures.push(cause);
  const guard = new DiskGuard({ marks, freeBytes: () => free, clock, log: aLog(), onFull });
  guard.start();
  const after = (freeBytes: number): string => {
    free = freeBytes;
    clock.advance(1_000);
    return guard.room;
  };
  return { guard, failures, after };
}

describe('the guard of the disk', () => {
  it('knows the marks, at them and one byte below', () => {
    assert.deepEqual(
      [800, 799, 200, 199].map((bytes) => roomOf(bytes, marks)),
      ['ample', 'low', 'low', 'full'],
    );
  });

  it('looks every second, and calls the disk ample again only well above the soft mark', () => {
    const { guard, after, failures } = aGuard();
    assert.deepEqual([900, 799, 899, 900].map(after), ['ample', 'low', 'low', 'ample']);
    assert.deepEqual([failures, guard.freeBytes], [[], 900]);
  });

  it('stops the node once below the hard mark, and for good', () => {
    const { after, failures } = aGuard();
    assert.deepEqual([199, 10_000].map(after), ['full', 'full']);
    assert.deepEqual(
      failures.map(({ code, message }) => [code, message]),
      [['full', '199 bytes free, below the hard mark of 200 bytes']],
    );
  });

  it('does not look any more after it was stopped', () => {
    const { guard, after, failures } = aGuard();
    guard.stop();
    assert.deepEqual([after(0), failures], ['ample', []]);
  });
});

describe('the ballast', () => {
  const ample = (): number => 1_000_000_000;

  it('takes its room while there is ample of it, and is made once', async () => {
    const home = aFolder();
    assert.equal(await keepBallast(home, marks, ample), true);
    assert.deepEqual([ballastBytesOf(home), readdirSync(home)], [marks.ballastBytes, ['ballast']]);
    const { blocks, mtimeMs } = statSync(join(home, 'ballast'));
    assert.ok(blocks * 512 >= marks.ballastBytes, 'no hole');
    assert.equal(await keepBallast(home, marks, ample), true);
    assert.equal(statSync(join(home, 'ballast')).mtimeMs, mtimeMs);
  });

  it('is not made where it would bring the disk below the soft mark, nor when it is switched off', async () => {
    const home = aFolder();
    const scarce = (): number => marks.softBytes + marks.ballastBytes - 1;
    assert.equal(await keepBallast(home, marks, scarce), false);
    assert.equal(await keepBallast(home, { ...marks, ballastBytes: 0 }, ample), false);
    assert.deepEqual(readdirSync(home), []);
  });

  it('has another size when that is asked for', async () => {
    const home = aFolder();
    await keepBallast(home, marks, ample);
    assert.equal(await keepBallast(home, { ...marks, ballastBytes: 10 }, ample), true);
    assert.equal(ballastBytesOf(home), 10);
  });

  it('is given up at a start below the hard mark, and only then', async () => {
    const home = aFolder();
    await keepBallast(home, marks, ample);
    assert.equal(
      makeRoom(home, marks, () => 200),
      false,
    );
    assert.equal(ballastBytesOf(home), marks.ballastBytes);
    assert.equal(
      makeRoom(home, marks, (of) => (ballastBytesOf(of) > 0 ? 0 : marks.ballastBytes)),
      true,
    );
    assert.equal(ballastBytesOf(home), 0);
    assert.equal(dropBallast(home), false);
  });

  it('is not enough for a disk that others fill: then the node does not start', async () => {
    const home = aFolder();
    await keepBallast(home, marks, ample);
    assert.throws(() => makeRoom(home, marks, () => 199), failsWith('full'));
    assert.throws(() => makeRoom(home, marks, () => 199), failsWith('full'));
  });

  it('is measured against what this process may write', () => {
    assert.ok(freeBytesOf(aFolder()) > 0);
  });
});
