/** Snapshots on disk: the same stream from every view, few kept, and a ledger restored from one. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Height, Timestamp } from '../../../protocol/brand.ts';
import { compareText } from '../../../protocol/bytes.ts';
import { snapshotChunkBytes } from '../../../protocol/limits.ts';
import { chunkDigest, manifestDigest, type SnapshotManifest } from '../../../protocol/snapshot.ts';
import type { Capture } from '../../../node/storage/capture.ts';
import { createLedger, openLedger, type LedgerStore } from '../../../node/storage/ledger.ts';
import type { CommitEntry } from '../../../node/storage/ledgerCommit.ts';
import { beginRestore, resetLedger } from '../../../node/storage/restore.ts';
import { openSnapshots, type SnapshotStore } from '../../../node/storage/snapshots.ts';
import { aDigest, aFolder, aGenesis, anEntry, anId, chainId, failsWith, parentOf, text } from './builders.ts';

/** Blocks 1 to 4; each changes `head` and adds a record, the third drops one, and each executes an id. */
function someEntries(parent: Parameters<typeof anEntry>[0]): readonly CommitEntry[] {
  const entries: CommitEntry[] = [];
  for (let number = 1; number <= 4; number += 1) {
    const records = new Map<string, Uint8Array | null>([
      ['head', text(`${number}`)],
      [`key-${number}`, text('new')],
      ...(number === 3 ? [['key-1', null] as const] : []),
    ]);
    const seen = [{ key: anId(number), txId: aDigest(number), until: (5_000 + number) as Timestamp }];
    const last = entries.at(-1);
    const before = last === undefined ? parent : parentOf(last);
    entries.push(anEntry(before, { writes: { records, pages: new Map([['', text('root')]]), seen } }));
  }
  return entries;
}

async function aLedger(): Promise<LedgerStore> {
  const folder = aFolder();
  return createLedger(join(folder, 'ledger'), { anchorPath: join(folder, 'anchor'), genesis: aGenesis() });
}

async function rowsOf(capture: Capture): Promise<readonly (readonly [string, string])[]> {
  const found: [string, string][] = [];
  for await (const page of capture.pages())
    for (const { key, value } of page) found.push([key, Buffer.from(value).toString('hex')]);
  await capture.close();
  return found;
}

/** The rows after block 3, with the blocks committed in these groups. */
async function rowsAfterThird(groups: readonly (readonly [number, number])[]): Promise<unknown> {
  const ledger = await aLedger();
  const captures: Capture[] = [];
  ledger.captureFor({
    isDue: ({ header }) => header.height === 3,
    take: (capture) => captures.push(capture),
  });
  const entries = someEntries(ledger.head());
  for (const [from, to] of groups) await ledger.commit(entries.slice(from, to));
  const [capture] = captures;
  assert.ok(capture !== undefined && captures.length === 1);
  assert.equal(capture.block.header.height, 3);
  const rows = await rowsOf(capture);
  await ledger.close();
  return rows;
}

function aManifest(height: number, chunks: readonly Uint8Array[]): SnapshotManifest {
  return {
    version: 1,
    chainId,
    height: height as Height,
    digest: aDigest(height),
    stateRoot: aDigest(1),
    size: (chunks.length - 1) * snapshotChunkBytes + 1,
    chunks: chunks.map(chunkDigest),
  };
}

async function finished(store: SnapshotStore, height: number): Promise<SnapshotManifest> {
  const chunks = [text(`${height} a`), text(`${height} b`)];
  await store.begin(height as Height);
  for (const [index, bytes] of chunks.entries()) await store.putChunk(height as Height, index, bytes);
  const manifest = aManifest(height, chunks);
  await store.finish(manifest);
  return manifest;
}

describe('a capture of the state', () => {
  it('is the same whichever finalities brought the block, and whatever was committed since', async () => {
    const one = await rowsAfterThird([
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 4],
    ]);
    const all = await rowsAfterThird([[0, 4]]);
    const some = await rowsAfterThird([
      [0, 2],
      [2, 4],
    ]);
    assert.deepEqual(all, one);
    assert.deepEqual(some, one);
    const keys = (one as readonly (readonly [string, string])[]).map(([key]) => key);
    const ids = [1, 2, 3].map((height) => `ids/000000000000/00000000000${height}`);
    assert.deepEqual(keys, [...ids, 'record/head', 'record/key-2', 'record/key-3']);
  });

  it('reads a state of many pages in the order of its keys', async () => {
    const ledger = await aLedger();
    const records = new Map(Array.from({ length: 1_000 }, (_, index) => [`key-${index}`, text('old')]));
    const first = anEntry(ledger.head(), { writes: { records } });
    const changes = new Map([
      ['key-500', text('new')],
      ['key-7', null],
      ['zebra', text('new')],
    ]);
    const second = anEntry(parentOf(first), { writes: { records: changes } });
    const captures: Capture[] = [];
    ledger.captureFor({
      isDue: ({ header }) => header.height === 2,
      take: (capture) => captures.push(capture),
    });
    await ledger.commit([first]);
    await ledger.commit([second]);
    const [capture] = captures;
    assert.ok(capture !== undefined);
    const rows = new Map(await rowsOf(capture));
    const expected = [...records.keys(), 'zebra'].filter((key) => key !== 'key-7').toSorted(compareText);
    assert.deepEqual(
      [...rows.keys()],
      expected.map((key) => `record/${key}`),
    );
    assert.equal(rows.get('record/key-500'), Buffer.from('new').toString('hex'));
    await ledger.close();
  });
});

describe('the snapshot store', () => {
  it('keeps two, and a third as long as somebody fetches it', async () => {
    const store = await openSnapshots(join(aFolder(), 'snapshots'));
    const [first, second] = [await finished(store, 10), await finished(store, 20)];
    await finished(store, 30);
    assert.deepEqual(store.heights(), [20, 30]);
    assert.equal(store.chunk(manifestDigest(first), 0), null);
    assert.deepEqual(store.chunk(manifestDigest(second), 1), text('20 b'));
    await finished(store, 40);
    assert.deepEqual(store.heights(), [20, 30, 40]);
    await finished(store, 50);
    assert.deepEqual(store.heights(), [40, 50]);
    await store.close();
  });

  it('holds after a restart what was finished, and nothing of what was not', async () => {
    const directory = join(aFolder(), 'snapshots');
    const store = await openSnapshots(directory);
    const manifest = await finished(store, 10);
    await store.begin(20 as Height);
    await store.putChunk(20 as Height, 0, text('half'));
    await store.putDownload(chunkDigest(text('theirs')), text('theirs'));
    await store.close();
    const again = await openSnapshots(directory);
    assert.deepEqual(again.newest(), manifest);
    assert.deepEqual(again.download(chunkDigest(text('theirs'))), text('theirs'));
    await finished(again, 20);
    await again.deleteDownloads();
    assert.equal(again.hasDownload(chunkDigest(text('theirs'))), false);
    await again.close();
  });
});

describe('a restore', () => {
  it('that was cut off is known at the next start, and the ledger can begin anew', async () => {
    const folder = aFolder();
    const [directory, anchorPath] = [join(folder, 'ledger'), join(folder, 'anchor')];
    const genesis = aGenesis();
    await (await createLedger(directory, { anchorPath, genesis })).close();
    const restore = await beginRestore(directory);
    await restore.add({ records: new Map([['a', text('1')]]), seen: [], ids: [] });
    await restore.close();
    await assert.rejects(openLedger(directory, { anchorPath, chainId }), failsWith('partial'));
    await resetLedger(directory, genesis);
    const ledger = await openLedger(directory, { anchorPath, chainId });
    assert.equal(ledger.get('a'), null);
    assert.equal(ledger.head().height, 0);
    await ledger.close();
  });

  it('is refused on a ledger that has blocks', async () => {
    const folder = aFolder();
    const [directory, anchorPath] = [join(folder, 'ledger'), join(folder, 'anchor')];
    const ledger = await createLedger(directory, { anchorPath, genesis: aGenesis() });
    await ledger.commit([anEntry(ledger.head())]);
    await ledger.close();
    await assert.rejects(beginRestore(directory), failsWith('exists'));
  });
});
