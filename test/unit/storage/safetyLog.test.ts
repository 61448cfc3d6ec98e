/** The safety log: nothing that was acknowledged is lost, nothing that was damaged is believed. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Epoch, PublicKey, View } from '../../../protocol/brand.ts';
import { BrokenInvariant } from '../../../protocol/invariant.ts';
import { systemDisk, type Disk } from '../../../node/storage/disk.ts';
import {
  openSafetyLog,
  type OpenedSafetyLog,
  type SafetyLogOptions,
} from '../../../node/storage/safetyLog.ts';
import {
  decodeSegment,
  encodeRecords,
  encodeSegmentHeader,
  logBodyBytesMax,
  segmentHeaderSize,
  type LogEntry,
} from '../../../node/storage/safetyRecord.ts';
import { aDigest, aFolder, chainId, failsWith, text } from './builders.ts';

const consensusKey = aDigest(0xce) as string as PublicKey;

function open(directory: string, change: Partial<SafetyLogOptions> = {}): Promise<OpenedSafetyLog> {
  const options: SafetyLogOptions = {
    chainId,
    consensusKey,
    mode: 'existing',
    disk: systemDisk,
    segmentBytesMax: 1_000,
    ...change,
  };
  return openSafetyLog(directory, options);
}

function anEntryOf(view: number, body = `view ${view}`, kind: LogEntry['kind'] = 'vote'): LogEntry {
  return { kind, epoch: 1 as Epoch, view: view as View, body: text(body) };
}

/** A closed log with these records, and the path of its only segment. */
async function aLog(
  entries: readonly LogEntry[],
): Promise<{ readonly directory: string; readonly path: string }> {
  const directory = join(aFolder(), 'safety');
  const { log } = await open(directory, { mode: 'create', segmentBytesMax: 1_000_000 });
  for (const entry of entries) log.append([entry]);
  await log.close();
  return { directory, path: join(directory, 'segment-00000001') };
}

async function replayed(
  directory: string,
): Promise<{ readonly entries: readonly LogEntry[]; readonly wasTornTail: boolean }> {
  const { log, entries, wasTornTail } = await open(directory);
  await log.close();
  return { entries, wasTornTail };
}

function segmentsIn(directory: string): readonly string[] {
  return readdirSync(directory).filter((name) => name.startsWith('segment-'));
}

describe('the safety log', () => {
  it('replays all records in the order in which they were appended', async () => {
    const directory = join(aFolder(), 'safety');
    const { log, entries, wasTornTail } = await open(directory, { mode: 'create' });
    assert.deepEqual({ entries, wasTornTail }, { entries: [], wasTornTail: false });
    const step = [
      anEntryOf(1, 'c', 'certificate'),
      anEntryOf(2, 'b', 'block'),
      anEntryOf(2, 'p', 'proposal'),
      anEntryOf(2, '', 'vote'),
    ];
    log.append(step);
    log.append([]);
    log.append([anEntryOf(3)]);
    await log.close();
    assert.deepEqual(await replayed(directory), { entries: [...step, anEntryOf(3)], wasTornTail: false });
  });

  it('goes on after a restart, over many segments', async () => {
    const directory = join(aFolder(), 'safety');
    await (await open(directory, { mode: 'create' })).log.close();
    const entries: LogEntry[] = [];
    for (let round = 0; round < 5; round += 1) {
      const { log } = await open(directory);
      for (let index = 0; index < 10; index += 1) {
        const entry = anEntryOf(10 * round + index, 'x'.repeat(100));
        log.append([entry]);
        entries.push(entry);
      }
      await log.close();
    }
    assert.deepEqual((await replayed(directory)).entries, entries);
    assert.equal(segmentsIn(directory).length > 2, true);
  });

  it('cuts a torn last record at every length of it, and appends after the cut', async () => {
    const last = anEntryOf(2, 'torn');
    const { directory, path } = await aLog([anEntryOf(1), last]);
    const whole = readFileSync(path);
    const lastSize = 29 + last.body.length;
    for (let size = whole.length - lastSize; size < whole.length; size += 1) {
      writeFileSync(path, whole.subarray(0, size));
      const wasTornTail = size > whole.length - lastSize;
      const { log, ...found } = await open(directory);
      assert.deepEqual(found, { entries: [anEntryOf(1)], wasTornTail });
      log.append([anEntryOf(3)]);
      await log.close();
      assert.deepEqual(await replayed(directory), {
        entries: [anEntryOf(1), anEntryOf(3)],
        wasTornTail: false,
      });
    }
  });

  it('cuts an append of several records at whatever sector the power failed, and keeps what was synced before', () => {
    const owner = { chainId, consensusKey };
    const header = encodeSegmentHeader(owner, 1);
    const synced = anEntryOf(1, 'synced', 'certificate');
    const before = Buffer.concat([header, encodeRecords(header, header.length, [synced])]);
    for (let length = 0; length < 600; length += 1) {
      const step = [
        anEntryOf(2, 'b'.repeat(length), 'block'),
        anEntryOf(2, 'vote'),
        anEntryOf(2, 'c'.repeat(300)),
      ];
      const whole = Buffer.concat([before, encodeRecords(header, before.length, step)]);
      for (let sector = 512; sector < whole.length; sector += 512) {
        const cut = Buffer.from(whole);
        cut.fill(0, Math.max(sector, before.length));
        const { entries, isTorn } = decodeSegment(cut, owner, 1);
        assert.deepEqual(entries, [synced, ...step].slice(0, entries.length));
        assert.ok(entries.length >= 1);
        assert.equal(isTorn, true);
      }
    }
  });

  it('cuts a last record whose end the disk left zero', async () => {
    const { directory, path } = await aLog([anEntryOf(1), anEntryOf(2)]);
    const whole = readFileSync(path);
    for (const zeros of [8, 12, 29 + 6]) {
      writeFileSync(path, Buffer.concat([whole.subarray(0, whole.length - zeros), Buffer.alloc(zeros + 50)]));
      assert.deepEqual(await replayed(directory), { entries: [anEntryOf(1)], wasTornTail: true });
    }
  });

  it('refuses a flipped byte anywhere, in the last record too: it may have been sent', async () => {
    const { directory, path } = await aLog([anEntryOf(1), anEntryOf(2)]);
    const whole = readFileSync(path);
    for (let offset = 0; offset < whole.length; offset += 1) {
      const bytes = Buffer.from(whole);
      bytes[offset] = (bytes[offset] ?? 0) ^ 0x10;
      writeFileSync(path, bytes);
      await assert.rejects(open(directory), failsWith('corrupt'), `offset ${offset}`);
    }
  });

  it('refuses records that were moved, and a log that is cut short before its last segment', async () => {
    const { directory, path } = await aLog([anEntryOf(1), anEntryOf(1)]);
    const whole = readFileSync(path);
    const half = (whole.length - segmentHeaderSize) / 2;
    writeFileSync(
      path,
      Buffer.concat([whole.subarray(0, segmentHeaderSize), whole.subarray(segmentHeaderSize + half)]),
    );
    await assert.rejects(open(directory), failsWith('corrupt'));
    writeFileSync(path, whole);
    const { log } = await open(directory, { segmentBytesMax: 10 });
    log.append([anEntryOf(2)]);
    await log.close();
    truncateSync(path, whole.length - 1);
    await assert.rejects(open(directory), failsWith('corrupt'));
  });

  it('refuses the log of another chain or another key', async () => {
    const { directory } = await aLog([anEntryOf(1)]);
    await assert.rejects(open(directory, { chainId: aDigest(1) }), failsWith('foreign'));
    await assert.rejects(
      open(directory, { consensusKey: aDigest(2) as string as PublicKey }),
      failsWith('foreign'),
    );
  });

  it('refuses to start anew where there is a log, and to go on where there is none or a part is missing', async () => {
    const directory = join(aFolder(), 'safety');
    await assert.rejects(open(directory), failsWith('missing'));
    const { log } = await open(directory, { mode: 'create', segmentBytesMax: 10 });
    for (const view of [1, 2, 3]) log.append([anEntryOf(view)]);
    await log.close();
    await assert.rejects(open(directory, { mode: 'create' }), failsWith('exists'));
    rmSync(join(directory, 'segment-00000002'));
    await assert.rejects(open(directory), failsWith('corrupt'));
  });

  it('prunes whole segments below a view, and none that holds a later record (W9)', async () => {
    const directory = join(aFolder(), 'safety');
    const { log } = await open(directory, { mode: 'create', segmentBytesMax: 10 });
    for (const view of [1, 5, 2, 6]) log.append([anEntryOf(view)]);
    log.pruneBelow(1 as Epoch, 5 as View);
    assert.deepEqual(segmentsIn(directory).length, 3);
    log.pruneBelow(2 as Epoch, 1 as View);
    assert.deepEqual(segmentsIn(directory).length, 1);
    log.append([anEntryOf(7)]);
    await log.close();
    assert.deepEqual((await replayed(directory)).entries, [anEntryOf(6), anEntryOf(7)]);
  });

  it('never prunes the word that memory was lost, or how far it came back (W6, W9)', async () => {
    const directory = join(aFolder(), 'safety');
    const { log } = await open(directory, { mode: 'create', segmentBytesMax: 10 });
    const forgot = anEntryOf(1, 'lost', 'memory');
    for (const entry of [forgot, anEntryOf(2), anEntryOf(3), anEntryOf(4)]) log.append([entry]);
    log.pruneBelow(2 as Epoch, 1 as View);
    await log.close();
    assert.deepEqual((await replayed(directory)).entries, [forgot, anEntryOf(4)]);
  });

  it('is held by one process at a time (W8)', async () => {
    const { directory } = await aLog([anEntryOf(1)]);
    const { log } = await open(directory);
    await assert.rejects(open(directory), failsWith('locked'));
    await log.close();
    await replayed(directory);
  });

  it('takes no record after a disk error, and tells what happened (W7)', async () => {
    const faults: readonly (readonly [string, 'io' | 'full', Partial<Disk>])[] = [
      ['EIO', 'io', { sync: () => fail('EIO') }],
      ['ENOSPC', 'full', { write: () => fail('ENOSPC') }],
      ['no bytes', 'io', { write: () => 0 }],
    ];
    for (const [name, code, fault] of faults) {
      const directory = join(aFolder(), 'safety');
      let isFaulty = false;
      const disk: Disk = {
        ...systemDisk,
        write: (...call) => (isFaulty && fault.write ? fault.write(...call) : systemDisk.write(...call)),
        sync: (...call) => (isFaulty && fault.sync ? fault.sync(...call) : systemDisk.sync(...call)),
      };
      const { log } = await open(directory, { mode: 'create', disk });
      log.append([anEntryOf(1)]);
      isFaulty = true;
      assert.throws(() => log.append([anEntryOf(2)]), failsWith(code), name);
      isFaulty = false;
      assert.throws(() => log.append([anEntryOf(2)]), failsWith(code), name);
      assert.throws(() => log.pruneBelow(1 as Epoch, 1 as View), failsWith(code), name);
      await log.close();
      assert.deepEqual((await replayed(directory)).entries[0], anEntryOf(1));
    }
  });

  it('syncs every append before it returns (W1)', async () => {
    const directory = join(aFolder(), 'safety');
    const steps: string[] = [];
    const disk: Disk = {
      ...systemDisk,
      write: (descriptor, bytes, offset) => {
        steps.push('write');
        return systemDisk.write(descriptor, bytes, offset);
      },
      sync: (descriptor) => {
        steps.push('sync');
        systemDisk.sync(descriptor);
      },
    };
    const { log } = await open(directory, { mode: 'create', disk });
    steps.length = 0;
    log.append([anEntryOf(1), anEntryOf(2)]);
    log.append([anEntryOf(3)]);
    assert.deepEqual(steps, ['write', 'sync', 'write', 'sync']);
    await log.close();
  });

  it('makes durable what it replays: a process that was killed before its sync left it in the page cache alone', async () => {
    const directory = join(aFolder(), 'safety');
    const { log } = await open(directory, { mode: 'create' });
    log.append([anEntryOf(1)]);
    await log.close();
    const synced: string[] = [];
    const again = await open(directory, {
      disk: {
        ...systemDisk,
        sync: (descriptor) => {
          synced.push('file');
          systemDisk.sync(descriptor);
        },
        syncDirectory: (path) => {
          synced.push('directory');
          systemDisk.syncDirectory(path);
        },
      },
    });
    assert.deepEqual(synced, ['file', 'directory']);
    await again.log.close();
  });

  it('writes on after a short write', async () => {
    const directory = join(aFolder(), 'safety');
    const disk: Disk = {
      ...systemDisk,
      write: (descriptor, bytes, offset) =>
        systemDisk.write(descriptor, bytes.subarray(0, offset + 1), offset),
    };
    const { log } = await open(directory, { mode: 'create', disk });
    log.append([anEntryOf(1)]);
    await log.close();
    assert.deepEqual((await replayed(directory)).entries, [anEntryOf(1)]);
  });

  it('holds a body of the largest size and breaks an invariant on one byte more', async () => {
    const directory = join(aFolder(), 'safety');
    const { log } = await open(directory, { mode: 'create' });
    const largest: LogEntry = { ...anEntryOf(1), body: new Uint8Array(logBodyBytesMax).fill(7) };
    log.append([largest]);
    assert.throws(
      () => log.append([{ ...largest, body: new Uint8Array(logBodyBytesMax + 1) }]),
      BrokenInvariant,
    );
    await log.close();
    assert.deepEqual((await replayed(directory)).entries, [largest]);
  });
});

function fail(code: string): never {
  throw Object.assign(new Error(`${code}: the disk`), { code });
}
