import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeStores, createStoresOn, openStoresOn } from '../../../node/stores.ts';
import { systemDisk, type Disk } from '../../../node/storage/disk.ts';
import { StorageFailure } from '../../../node/storage/failure.ts';
import { testGenesis } from '../../support/chain.ts';

describe('the stores of a node', () => {
  let home = '';

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'rxl-stores-'));
  });

  afterEach(() => {
    rmSync(home, { recursive: true });
  });

  it('fail with a code when the disk cannot list a directory, and leave nothing locked', async () => {
    const [own] = testGenesis.members;
    assert.ok(own !== undefined);
    const owner = { disk: systemDisk, home, genesis: testGenesis, consensusKey: own.consensusKey };
    await createStoresOn(owner);
    const sick: Disk = {
      ...systemDisk,
      list: (directory) => {
        if (directory === home) throw Object.assign(new Error('EIO: i/o error, scandir'), { code: 'EIO' });
        return systemDisk.list(directory);
      },
    };
    await assert.rejects(openStoresOn({ ...owner, disk: sick }), (error) => {
      return error instanceof StorageFailure && error.code === 'io';
    });
    const stores = await openStoresOn(owner);
    assert.equal(stores.ledger.head().height, 0);
    await closeStores(stores);
  });
});
