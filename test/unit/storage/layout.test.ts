/** Where a node keeps what. */
import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { layoutOf, makeDirectories } from '../../../node/storage/layout.ts';
import { aFolder, failsWith } from './builders.ts';

describe('the layout of a home', () => {
  it('keeps keys, safety log and anchor apart from the data that can be had again', () => {
    assert.deepEqual(layoutOf('/home'), {
      home: '/home',
      keys: '/home/keys',
      safety: '/home/safety',
      data: '/home/data',
      ledger: '/home/data/ledger',
      batches: '/home/data/batches',
      sealed: '/home/data/sealed',
      snapshots: '/home/data/snapshots',
      repair: '/home/repair',
      anchor: '/home/anchor',
    });
  });

  it('makes directories that only their owner can enter', () => {
    const layout = layoutOf(join(aFolder(), 'home'));
    makeDirectories(layout);
    makeDirectories(layout);
    const modes = [layout.home, layout.keys, layout.safety, layout.data].map(
      (path) => statSync(path).mode & 0o777,
    );
    assert.deepEqual(modes, [0o700, 0o700, 0o700, 0o700]);
  });

  it('fails where a file is in the way', () => {
    const home = join(aFolder(), 'home');
    writeFileSync(home, '');
    assert.throws(() => makeDirectories(layoutOf(home)), failsWith('exists'));
  });
});
