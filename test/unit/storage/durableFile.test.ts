/** Files that are replaced whole: what must be on the disk before what. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemDisk, type Files } from '../../../node/storage/disk.ts';
import { replaceFile } from '../../../node/storage/durableFile.ts';
import { aFolder, text } from './builders.ts';

/** The disk of this machine, which notes what is asked of it. */
function notingFiles(steps: string[]): Files {
  return {
    ...systemDisk,
    write: (descriptor, bytes, offset) => {
      steps.push('write');
      return systemDisk.write(descriptor, bytes, offset);
    },
    sync: (descriptor) => {
      steps.push('sync');
      systemDisk.sync(descriptor);
    },
    rename: (from, to) => {
      steps.push('rename');
      systemDisk.rename(from, to);
    },
    syncDirectory: (directory) => {
      steps.push('syncDirectory');
      systemDisk.syncDirectory(directory);
    },
  };
}

describe('a file that is replaced', () => {
  it('is synced before it is renamed, and its directory after', () => {
    const folder = aFolder();
    const place = { path: join(folder, 'vote'), temporary: join(folder, 'vote.new') };
    writeFileSync(place.path, 'before');
    const steps: string[] = [];
    replaceFile(notingFiles(steps), place, text('after'));
    assert.deepEqual(steps, ['write', 'sync', 'rename', 'syncDirectory']);
    assert.equal(readFileSync(place.path, 'utf8'), 'after');
  });

  it('is what it was if the disk fails before the rename', () => {
    const folder = aFolder();
    const place = { path: join(folder, 'vote'), temporary: join(folder, 'vote.new') };
    writeFileSync(place.path, 'before');
    const failing: Files = {
      ...systemDisk,
      sync: () => {
        throw new Error('EIO');
      },
    };
    assert.throws(() => replaceFile(failing, place, text('after')), /EIO/);
    assert.equal(readFileSync(place.path, 'utf8'), 'before');
  });
});
