/** Processes that are killed while they write: what was acknowledged is there, nothing is there in part, and all of it opens. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openBatches } from '../../../node/storage/batches.ts';
import { layoutOf } from '../../../node/storage/layout.ts';
import { systemDisk } from '../../../node/storage/disk.ts';
import { openLedger } from '../../../node/storage/ledger.ts';
import { openSafetyLog } from '../../../node/storage/safetyLog.ts';
import { aFolder, chainId, failsWith } from '../../unit/storage/builders.ts';
import { aHeightBatch, aHeightRecord, aHeightState, safetyOptions, writeForever } from './crashFixture.ts';

const fixtureUrl = new URL('crashFixture.js', import.meta.url).href;
const roundCount = 20;

/** Starts a writer and gives it back when it has acknowledged so many heights. */
async function aWriter(
  home: string,
  ackCount: number,
): Promise<{ readonly child: ChildProcess; readonly acknowledged: () => number }> {
  const script = `(await import('${fixtureUrl}')).${writeForever.name}(process.argv[1])`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script, home], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  let height = 0;
  await new Promise<void>((resolve, reject) => {
    let count = 0;
    lines.on('line', (line) => {
      height = Number(line);
      count += 1;
      if (count === ackCount) resolve();
    });
    child.once('exit', () => reject(new Error('the writer ended by itself')));
  });
  return { child, acknowledged: () => height };
}

async function kill(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

/** Opens everything, checks that it is whole, and returns the height. */
async function checkedHeight(home: string): Promise<number> {
  const layout = layoutOf(home);
  const ledger = await openLedger(layout.ledger, { anchorPath: layout.anchor, chainId });
  const batches = await openBatches(layout.batches, 'existing');
  const { log, entries } = await openSafetyLog(layout.safety, {
    ...safetyOptions,
    disk: systemDisk,
    mode: 'existing',
  });
  const { height } = ledger.head();
  const { records } = aHeightState(height);
  assert.deepEqual(
    [...records.keys()].map((key) => ledger.get(key)),
    [...records.values()],
  );
  for (let past = 1; past <= height; past += 1) {
    assert.equal(ledger.blockAt(past)?.block.header.height, past);
    assert.deepEqual(batches.get(aHeightBatch(past).digest), aHeightBatch(past).bytes);
  }
  const votes = new Set(entries.map(({ view }) => view as number));
  const expected = Array.from({ length: height }, (_, index) => index + 1);
  assert.deepEqual(
    expected.filter((view) => !votes.has(view)),
    [],
  );
  for (const entry of entries) assert.deepEqual(entry, aHeightRecord(entry.view));
  await log.close();
  await batches.close();
  await ledger.close();
  return height;
}

describe('stores under kill -9', () => {
  it('lose nothing that was acknowledged and always open again', async () => {
    const home = join(aFolder(), 'home');
    for (let round = 0; round < roundCount; round += 1) {
      const { child, acknowledged } = await aWriter(home, 1 + ((3 * round) % 5));
      await kill(child);
      const height = await checkedHeight(home);
      assert.equal(height >= acknowledged(), true, `round ${round}: ${height} of ${acknowledged()}`);
      assert.equal(height <= acknowledged() + 1, true, `round ${round}: ${height} of ${acknowledged()}`);
    }
    // Twenty processes start, one after the other, on a machine that others may load.
  }).timeout(120_000);

  it('refuse a second process while the first one lives, and need no cleaning when it was killed', async () => {
    const home = join(aFolder(), 'home');
    const layout = layoutOf(home);
    const { child } = await aWriter(home, 1);
    const options = { ...safetyOptions, disk: systemDisk, mode: 'existing' } as const;
    await assert.rejects(openSafetyLog(layout.safety, options), failsWith('locked'));
    await assert.rejects(openBatches(layout.batches, 'existing'), failsWith('locked'));
    await kill(child);
    assert.equal((await checkedHeight(home)) >= 1, true);
  });
});
