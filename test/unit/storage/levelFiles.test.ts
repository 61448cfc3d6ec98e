/** LevelDB's own files: damage in them is found before LevelDB sees them, and what a crash leaves is no damage. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32c } from '../../../node/storage/crc32c.ts';
import { openDatabase, type Database } from '../../../node/storage/database.ts';
import { aFolder, failsWith, text } from './builders.ts';

const options = { cacheSize: 1_048_576, writeBufferSize: 1_048_576 };

function reopened(directory: string): Promise<Database> {
  return openDatabase(directory, { ...options, mode: 'existing' });
}

/** A database with a table and rows that are in the log only; closed in the end. */
async function aDatabase(): Promise<string> {
  const directory = join(aFolder(), 'rows');
  const database = await openDatabase(directory, { ...options, mode: 'create' });
  const rows = Array.from({ length: 2_000 }, (_unused, index) => ({
    key: `key-${index}`,
    value: text(`value ${index}`),
  }));
  await database.write(rows, true);
  await database.close();
  const again = await reopened(directory);
  await again.write([{ key: 'newest', value: text('in the log') }], true);
  await again.write([{ key: 'last', value: text('in the log too') }], true);
  await again.close();
  return directory;
}

function fileIn(directory: string, name: RegExp): string {
  const found = readdirSync(directory).find((candidate) => name.test(candidate));
  assert.ok(found !== undefined, `no ${String(name)}`);
  return join(directory, found);
}

/** As a crash leaves it: without the word of an orderly end. */
function crashed(directory: string): void {
  rmSync(`${directory}.closed`);
}

describe("LevelDB's files", () => {
  it('are checked with CRC-32C, as RFC 3720 gives it', () => {
    const crcOf = (bytes: Uint8Array): number => crc32c(bytes, 0, bytes.length);
    assert.equal(crcOf(text('123456789')), 0xe306_9283);
    assert.equal(crcOf(new Uint8Array(32)), 0x8a91_36aa);
    assert.equal(crcOf(new Uint8Array(32).fill(255)), 0x62a8_ab43);
    assert.equal(crc32c(text('..123456789.'), 2, 11), 0xe306_9283);
  });

  it('are refused with a flipped bit in data, filter, index or footer of a table', async () => {
    const directory = await aDatabase();
    const path = fileIn(directory, /\.ldb$/);
    const whole = readFileSync(path);
    for (let offset = 0; offset < whole.length; offset += 97) {
      const bytes = Buffer.from(whole);
      bytes[offset] = (bytes[offset] ?? 0) ^ 4;
      writeFileSync(path, bytes);
      await assert.rejects(reopened(directory), failsWith('corrupt'), `offset ${offset} of ${whole.length}`);
    }
  });

  it('are refused with damage in a log, of which LevelDB would silently drop the rows', async () => {
    const directory = await aDatabase();
    crashed(directory);
    const path = fileIn(directory, /\.log$/);
    const bytes = readFileSync(path);
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    await assert.rejects(reopened(directory), failsWith('corrupt'));
  });

  it('may have a log with a torn end after a crash, and not after an orderly end', async () => {
    const directory = await aDatabase();
    const path = fileIn(directory, /\.log$/);
    truncateSync(path, readFileSync(path).length - 3);
    await assert.rejects(reopened(directory), failsWith('corrupt'));
    crashed(directory);
    const database = await reopened(directory);
    assert.deepEqual([database.get('newest'), database.get('last')], [text('in the log'), null]);
    await database.close();
  });

  it('may hold, after a crash, zeros at the end of a log and a table that no manifest names', async () => {
    const directory = await aDatabase();
    crashed(directory);
    appendFileSync(fileIn(directory, /\.log$/), new Uint8Array(40_000));
    writeFileSync(join(directory, '009999.ldb'), 'half a table');
    const database = await reopened(directory);
    assert.deepEqual(database.get('last'), text('in the log too'));
    await database.close();
  });

  it('are refused when one of them is gone, or is an older one', async () => {
    for (const name of [/\.ldb$/, /^MANIFEST/]) {
      const directory = await aDatabase();
      rmSync(fileIn(directory, name));
      await assert.rejects(reopened(directory), failsWith('corrupt'));
    }
  });

  it('are believed without the word of an orderly end if that word is damaged itself', async () => {
    const directory = await aDatabase();
    writeFileSync(`${directory}.closed`, 'nonsense');
    const database = await reopened(directory);
    assert.deepEqual(database.get('last'), text('in the log too'));
    assert.equal(existsSync(`${directory}.closed`), true);
    await database.close();
    await (await reopened(directory)).close();
  });

  it('have no word of an orderly end while they are open', async () => {
    const directory = await aDatabase();
    const database = await reopened(directory);
    assert.equal(existsSync(`${directory}.closed`), false);
    await database.close();
    assert.equal(existsSync(`${directory}.closed`), true);
  });
});
