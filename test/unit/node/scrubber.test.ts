/** Bits that turn over while a node runs. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Scrubber } from '../../../node/scrubber.ts';
import { openDatabase, type Database } from '../../../node/storage/database.ts';
import type { StorageFailure } from '../../../node/storage/failure.ts';
import { tablesIn } from '../../../node/storage/levelFiles.ts';
import { aManualClock, type ManualClock } from '../../support/nodeParts.ts';
import { aFolder, text } from '../storage/builders.ts';

const options = { cacheSize: 1_048_576, writeBufferSize: 1_048_576 };

interface Setting {
  readonly directory: string;
  readonly database: Database;
  readonly clock: ManualClock;
  readonly scrubber: Scrubber;
  readonly failures: StorageFailure[];
}

/** An open database with one table. */
async function aSetting(): Promise<Setting> {
  const directory = join(aFolder(), 'rows');
  const first = await openDatabase(directory, { ...options, mode: 'create' });
  await first.write([{ key: 'a', value: text('1') }], true);
  await first.close();
  const database = await openDatabase(directory, { ...options, mode: 'existing' });
  const clock = aManualClock();
  const failures: StorageFailure[] = [];
  const onDamage = (cause: StorageFailure): void => void failures.push(cause);
  const scrubber = new Scrubber({ clock, directories: [directory], onDamage });
  scrubber.start();
  return { directory, database, clock, scrubber, failures };
}

function flip(path: string): void {
  const bytes = readFileSync(path);
  bytes[5] = (bytes[5] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

describe('the scrubber', () => {
  it('goes round and round while all is well', async () => {
    const { clock, failures, database } = await aSetting();
    clock.advance(60_000);
    assert.deepEqual([failures, clock.waiting()], [[], 1]);
    await database.close();
  });

  it('finds a bit that turned over, says so once, and looks no further', async () => {
    const { clock, failures, database, directory } = await aSetting();
    clock.advance(20_000);
    const [path] = tablesIn(directory);
    assert.ok(path !== undefined);
    flip(path);
    clock.advance(10_000);
    assert.match(failures[0]?.message ?? '', /^rows\/\d+\.ldb: a block has a wrong checksum$/);
    assert.deepEqual([failures.length, failures[0]?.code, clock.waiting()], [1, 'corrupt', 0]);
    await database.close();
  });

  it('passes over a table that is gone, for LevelDB merges them', async () => {
    const { clock, failures, database, directory } = await aSetting();
    clock.advance(10_000);
    for (const path of tablesIn(directory)) rmSync(path);
    clock.advance(30_000);
    assert.deepEqual(failures, []);
    await database.close();
  });

  it('ends when it is stopped', async () => {
    const { clock, scrubber, database } = await aSetting();
    scrubber.stop();
    assert.equal(clock.waiting(), 0);
    await database.close();
  });
});
