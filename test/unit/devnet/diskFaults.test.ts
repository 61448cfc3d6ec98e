import assert from 'node:assert/strict';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flipBits, SmallDisk } from '../../../devnet/diskFaults.ts';
import { seededRandom } from '../../../devnet/generator/random.ts';

describe('bad disks', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'rxl-bad-disk-'));
  });

  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  it('turn over one bit of one file, the same one for the same seed', () => {
    mkdirSync(join(directory, 'below'));
    const path = join(directory, 'below', 'file');
    writeFileSync(join(directory, 'empty'), '');
    const damaged = [1, 1, 2].map((seed) => {
      writeFileSync(path, new Uint8Array(100));
      assert.deepEqual(flipBits(directory, 1, seededRandom(seed).below), [path]);
      return readFileSync(path);
    });
    const bitCounts = damaged.map((bytes) => bytes.reduce((count, byte) => count + (byte === 0 ? 0 : 1), 0));
    assert.deepEqual(bitCounts, [1, 1, 1]);
    assert.deepEqual(damaged[0], damaged[1]);
    assert.notDeepEqual(damaged[0], damaged[2]);
  });

  it('are full when they are told, and have room again', () => {
    const home = join(directory, 'home');
    mkdirSync(home);
    writeFileSync(join(home, 'kept'), 'kept');
    const disk = SmallDisk.under(home);
    if (disk === null) {
      console.log('      this process may not mount a file system: nothing to see of full disks');
      return;
    }
    try {
      assert.equal(readFileSync(join(home, 'kept'), 'utf8'), 'kept');
      disk.fill();
      const large = new Uint8Array(1_048_576);
      assert.throws(() => writeFileSync(join(home, 'large'), large), { code: 'ENOSPC' });
      disk.free();
      writeFileSync(join(home, 'large'), large);
      assert.equal(readFileSync(join(home, 'large')).length, large.length);
    } finally {
      disk.close();
    }
  });
});
