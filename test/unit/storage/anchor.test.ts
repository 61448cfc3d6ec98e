/** The anchor: whole or refused, and moved up now and then. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Height } from '../../../protocol/brand.ts';
import { readAnchor, writeAnchor, type Anchor } from '../../../node/storage/anchor.ts';
import { createLedger } from '../../../node/storage/ledger.ts';
import type { CommitEntry } from '../../../node/storage/ledgerCommit.ts';
import { aDigest, aFolder, aGenesis, anEntry, chainId, failsWith, parentOf } from './builders.ts';

function anAnchor(height: number): Anchor {
  return { chainId, height: height as Height, stateRoot: aDigest(height) };
}

describe('the anchor', () => {
  it('is read back as it was written, and replaces the one before', async () => {
    const folder = aFolder();
    const path = join(folder, 'anchor');
    assert.equal(readAnchor(path), null);
    writeAnchor(path, anAnchor(1));
    writeAnchor(path, anAnchor(2 ** 40));
    assert.deepEqual(readAnchor(path), anAnchor(2 ** 40));
    assert.deepEqual(readdirSync(folder), ['anchor']);
  });

  it('is refused with any one byte changed, and when it is cut short', async () => {
    const path = join(aFolder(), 'anchor');
    writeAnchor(path, anAnchor(1));
    const whole = readFileSync(path);
    for (let offset = 0; offset < whole.length; offset += 1) {
      const bytes = Buffer.from(whole);
      bytes[offset] = (bytes[offset] ?? 0) ^ 1;
      writeFileSync(path, bytes);
      assert.throws(() => readAnchor(path), failsWith('corrupt'));
      writeFileSync(path, whole.subarray(0, offset));
      assert.throws(() => readAnchor(path), failsWith('corrupt'));
    }
  });

  it('cannot be written where the disk fails', async () => {
    const path = join(aFolder(), 'no such folder', 'anchor');
    assert.throws(() => writeAnchor(path, anAnchor(1)), failsWith('missing'));
  });

  it('follows the ledger every 256 blocks and when it closes', async () => {
    const folder = aFolder();
    const anchorPath = join(folder, 'anchor');
    const ledger = await createLedger(join(folder, 'ledger'), { anchorPath, genesis: aGenesis() });
    const entries: CommitEntry[] = [anEntry(ledger.head())];
    for (let last = entries[0]; last !== undefined && entries.length < 257; last = entries.at(-1)) {
      entries.push(anEntry(parentOf(last)));
    }
    const heights = [readAnchor(anchorPath)?.height];
    for (const part of [entries.slice(0, 255), entries.slice(255, 256), entries.slice(256)]) {
      await ledger.commit(part);
      heights.push(readAnchor(anchorPath)?.height);
    }
    await ledger.close();
    assert.deepEqual([...heights, readAnchor(anchorPath)?.height], [0, 0, 256, 256, 257]);
  });
});
