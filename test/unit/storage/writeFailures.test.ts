/** W7, over every writer: after one failed write the outcome is unknown, so nothing more is written before a restart, and reads go on. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Epoch, MemberName, PublicKey, Sequence, View } from '../../../protocol/brand.ts';
import { openBatches } from '../../../node/storage/batches.ts';
import { systemDisk, type Disk, type RawDatabase } from '../../../node/storage/disk.ts';
import type { StorageFailureCode } from '../../../node/storage/failure.ts';
import { createLedger } from '../../../node/storage/ledger.ts';
import { openSafetyLog } from '../../../node/storage/safetyLog.ts';
import type { LogEntry } from '../../../node/storage/safetyRecord.ts';
import { openSealed } from '../../../node/storage/sealed.ts';
import { aDigest, aFolder, aGenesis, anEntry, anId, chainId, failsWith, parentOf, text } from './builders.ts';

/** A disk that works until it is told to fail; then it counts what is still asked of it. */
interface SickDisk extends Disk {
  readonly fail: (error: Error) => void;
  readonly writesAfter: () => number;
}

function aSickDisk(): SickDisk {
  let error: Error | null = null;
  let count = 0;
  const orFail = <Call extends (...args: never[]) => unknown>(call: Call): Call =>
    ((...args: Parameters<Call>) => {
      if (error === null) return call(...args);
      count += 1;
      throw error;
    }) as Call;
  const sick = (raw: RawDatabase): RawDatabase => ({
    getSync: (...args) => raw.getSync(...args),
    snapshot: () => raw.snapshot(),
    iterator: (range) => raw.iterator(range),
    close: async () => raw.close(),
    batch: () => {
      const batch = raw.batch();
      return {
        put: (key, value) => batch.put(key, value),
        del: (key) => batch.del(key),
        write: async (options) => orFail(async () => batch.write(options))(),
      };
    },
  });
  return {
    ...systemDisk,
    write: orFail(systemDisk.write),
    sync: orFail(systemDisk.sync),
    rename: orFail(systemDisk.rename),
    remove: orFail(systemDisk.remove),
    syncDirectory: orFail(systemDisk.syncDirectory),
    openDatabase: async (directory, options) => sick(await systemDisk.openDatabase(directory, options)),
    fail: (cause) => {
      error = cause;
    },
    writesAfter: () => count,
  };
}

/** A store, its writes, and what must still be readable. */
interface Writer {
  readonly write: () => Promise<unknown>;
  readonly assertReadable: () => void;
  readonly close: () => Promise<void>;
}

const entry: LogEntry = { kind: 'vote', epoch: 1 as Epoch, view: 1 as View, body: text('vote') };

async function aSafetyLog(disk: Disk, segmentBytesMax: number): Promise<Writer> {
  const consensusKey = aDigest(1) as string as PublicKey;
  const options = { chainId, consensusKey, mode: 'create', disk, segmentBytesMax } as const;
  const { log } = await openSafetyLog(join(aFolder(), 'safety'), options);
  log.append([entry]);
  return {
    write: async () => log.append([entry]),
    assertReadable: () => undefined,
    close: async () => log.close(),
  };
}

const writers: Readonly<Record<string, (disk: Disk) => Promise<Writer>>> = {
  'the safety log': async (disk) => aSafetyLog(disk, 1_000_000),
  'a new segment of the safety log': async (disk) => aSafetyLog(disk, 1),
  'the ledger': async (disk) => {
    const anchorPath = join(aFolder(), 'anchor');
    const ledger = await createLedger(join(aFolder(), 'ledger'), { anchorPath, genesis: aGenesis() }, disk);
    const first = anEntry(ledger.head());
    await ledger.commit([first]);
    const second = anEntry(parentOf(first));
    return {
      write: async () => ledger.commit([second]),
      assertReadable: () => assert.equal(ledger.blockAt(1)?.digest, first.digest),
      close: async () => ledger.close(),
    };
  },
  'the batches': async (disk) => {
    const store = await openBatches(join(aFolder(), 'batches'), 'create', disk);
    const batch = (number: number): Parameters<typeof store.put>[0] => ({
      digest: aDigest(number),
      member: 'clinic' as MemberName,
      sequence: number as Sequence,
      bytes: text('batch'),
    });
    await store.put(batch(1), true);
    return {
      write: async () => store.put(batch(2), true),
      assertReadable: () => assert.deepEqual(store.get(aDigest(1)), text('batch')),
      close: async () => store.close(),
    };
  },
  'sealed documents': async (disk) => {
    const store = await openSealed(join(aFolder(), 'sealed'), 'create', disk);
    await store.putPrivate('a', text('secret'));
    return {
      write: async () => store.put({ rxId: anId(1), blobHash: aDigest(1), bytes: text('document') }),
      assertReadable: () => assert.deepEqual(store.getPrivate('a'), text('secret')),
      close: async () => store.close(),
    };
  },
};

const errors: readonly (readonly [string, StorageFailureCode])[] = [
  ['EIO: i/o error', 'io'],
  ['ENOSPC: no space left on device', 'full'],
];

describe('after a failed write', () => {
  for (const [name, open] of Object.entries(writers)) {
    for (const [message, code] of errors) {
      it(`to ${name} (${message.split(':')[0] ?? ''}) nothing is tried again, and what was there is read (W7)`, async () => {
        const disk = aSickDisk();
        const { write, assertReadable, close } = await open(disk);
        disk.fail(new Error(message));
        await assert.rejects(write(), failsWith(code));
        const tried = disk.writesAfter();
        assert.equal(tried, 1);
        for (const _again of [1, 2]) await assert.rejects(write(), failsWith(code));
        assertReadable();
        await close().catch(() => undefined);
        assert.equal(disk.writesAfter(), tried);
      });
    }
  }

  it('of the anchor no block is committed, and the anchor is not tried again (W7)', async () => {
    const disk = aSickDisk();
    const anchorPath = join(aFolder(), 'anchor');
    const ledger = await createLedger(join(aFolder(), 'ledger'), { anchorPath, genesis: aGenesis() }, disk);
    const entries = [anEntry(ledger.head())];
    for (let last = entries[0]; last !== undefined && entries.length < 256; last = entries.at(-1))
      entries.push(anEntry(parentOf(last)));
    const isAnchor = (path: string): boolean => path.startsWith(anchorPath);
    const rename = disk.rename.bind(disk);
    let renameCount = 0;
    Object.assign(disk, {
      rename: (from: string, to: string) => {
        if (!isAnchor(to)) return rename(from, to);
        renameCount += 1;
        throw new Error('EIO: i/o error');
      },
    });
    await assert.rejects(ledger.commit(entries), failsWith('io'));
    const last = entries.at(-1);
    assert.ok(last !== undefined);
    await assert.rejects(ledger.commit([anEntry(parentOf(last))]), failsWith('io'));
    await ledger.close();
    assert.equal(renameCount, 1);
  });
});
