/** LevelDB behind its guards: checksums, no silent creation, no write after a failed one. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Level } from 'level';
import { Database, openDatabase } from '../../../node/storage/database.ts';
import type { DatabaseOptions } from '../../../node/storage/disk.ts';
import { StorageFailure, storageFailure } from '../../../node/storage/failure.ts';
import { aFolder, failsWith, text } from './builders.ts';

function options(mode: 'create' | 'existing'): DatabaseOptions {
  return { mode, cacheSize: 1_048_576, writeBufferSize: 1_048_576 };
}

function aRaw(directory: string): Level<string, Uint8Array> {
  return new Level(directory, { keyEncoding: 'utf8', valueEncoding: 'view' });
}

/** A database whose next write meets a disk error, as LevelDB words it. */
async function aFailingDatabase(message: string): Promise<Database> {
  const level = aRaw(aFolder());
  await level.open();
  const makeBatch = level.batch.bind(level);
  const makeFailingBatch = (): unknown => {
    level.batch = makeBatch;
    const batch = makeBatch();
    batch.write = () => Promise.reject(new Error(message));
    return batch;
  };
  const database = new Database(level);
  await database.write([{ key: 'a', value: text('old') }], true);
  level.batch = makeFailingBatch as typeof level.batch;
  return database;
}

describe('the database', () => {
  it('reads what was written, after a restart too', async () => {
    const directory = join(aFolder(), 'database');
    const database = await openDatabase(directory, options('create'));
    await database.write(
      [
        { key: 'a', value: text('1') },
        { key: 'b', value: new Uint8Array(0) },
        { key: 'c', value: text('3') },
      ],
      true,
    );
    await database.write([{ key: 'c', value: null }], false);
    await database.close();
    const again = await openDatabase(directory, options('existing'));
    assert.deepEqual([again.get('a'), again.get('b'), again.get('c')], [text('1'), new Uint8Array(0), null]);
    assert.deepEqual([again.has('b'), again.has('c')], [true, false]);
    await again.close();
  });

  it('lists a range without its bounds, in both directions', async () => {
    const database = await openDatabase(join(aFolder(), 'database'), options('create'));
    const rows = ['a', 'b', 'c', 'd'].map((key) => ({ key, value: text(key) }));
    await database.write(rows, false);
    const range = { above: 'a', below: 'd', limit: 9 };
    assert.deepEqual(await database.rows({ ...range, isReversed: false }), rows.slice(1, 3));
    assert.deepEqual(await database.rows({ ...range, limit: 1, isReversed: true }), rows.slice(2, 3));
    await database.close();
  });

  it('finds any one flipped bit of a stored value, and a value under another key', async () => {
    const directory = join(aFolder(), 'database');
    const database = await openDatabase(directory, options('create'));
    await database.write([{ key: 'a', value: text('value') }], true);
    await database.close();
    const raw = aRaw(directory);
    await raw.open();
    const stored = (await raw.get('a')) ?? new Uint8Array(0);
    const checked = new Database(raw);
    for (let bit = 0; bit < 8 * stored.length; bit += 1) {
      const bytes = Uint8Array.from(stored);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await raw.put('a', bytes);
      assert.throws(() => checked.get('a'), failsWith('corrupt'));
      await assert.rejects(
        checked.rows({ above: '', below: 'z', limit: 9, isReversed: false }),
        failsWith('corrupt'),
      );
    }
    await raw.put('a', stored);
    await raw.put('b', stored);
    await raw.put('c', stored.subarray(0, 3));
    assert.deepEqual(checked.get('a'), text('value'));
    assert.throws(() => checked.get('b'), failsWith('corrupt'));
    assert.throws(() => checked.get('c'), failsWith('corrupt'));
    await checked.close();
  });

  it('is not opened where there is none, where CURRENT is lost, or where something else is', async () => {
    const folder = aFolder();
    const directory = join(folder, 'database');
    await assert.rejects(openDatabase(directory, options('existing')), failsWith('missing'));
    await (await openDatabase(directory, options('create'))).close();
    await assert.rejects(openDatabase(directory, options('create')), failsWith('exists'));
    rmSync(join(directory, 'CURRENT'));
    await assert.rejects(openDatabase(directory, options('existing')), failsWith('missing'));
    await assert.rejects(openDatabase(directory, options('create')), failsWith('exists'));
  });

  it('is locked while it is open', async () => {
    const directory = join(aFolder(), 'database');
    const database = await openDatabase(directory, options('create'));
    await assert.rejects(openDatabase(directory, options('existing')), failsWith('locked'));
    await database.close();
    await (await openDatabase(directory, options('existing'))).close();
  });

  it('writes nothing more after a disk error, and goes on reading what was there before (W7)', async () => {
    const database = await aFailingDatabase('IO error: 000003.log: Input/output error');
    const failed = database.write([{ key: 'a', value: text('new') }], true);
    const queued = database.write([{ key: 'a', value: text('newer') }], true);
    await assert.rejects(failed, failsWith('io'));
    await assert.rejects(queued, failsWith('io'));
    await assert.rejects(database.write([{ key: 'b', value: text('1') }], false), failsWith('io'));
    assert.deepEqual([database.get('a'), database.get('b')], [text('old'), null]);
    assert.throws(() => database.assertWritable(), failsWith('io'));
    await database.close();
  });

  it('says that the disk is full when it is', async () => {
    const database = await aFailingDatabase('IO error: 000003.log: No space left on device');
    await assert.rejects(database.write([{ key: 'a', value: text('new') }], true), failsWith('full'));
    await database.close();
  });

  it('keeps the error of the world as the cause of a failure', () => {
    const error = Object.assign(new Error('open failed'), { code: 'EACCES' });
    assert.deepEqual(storageFailure(error, 'open the file').cause, error);
    assert.equal(storageFailure(error, 'open the file').code, 'io');
    const failure = new StorageFailure('behind', 'the ledger lost blocks');
    assert.equal(storageFailure(failure, 'open the file'), failure);
  });
});
