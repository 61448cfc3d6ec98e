/** The ledger on disk: what is committed is read back, and what is not ours is refused. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Level } from 'level';
import { headerDigest, type Header } from '../../../protocol/block.ts';
import type { Epoch, Height, MemberName, PublicKey, Timestamp, View } from '../../../protocol/brand.ts';
import { Database, openDatabase } from '../../../node/storage/database.ts';
import { systemDisk } from '../../../node/storage/disk.ts';
import { writeAnchor } from '../../../node/storage/anchor.ts';
import { createLedger, LedgerStore, openLedger } from '../../../node/storage/ledger.ts';
import { aDigest, aFolder, aGenesis, anEntry, anId, chainId, failsWith, parentOf, text } from './builders.ts';

interface Place {
  readonly directory: string;
  readonly anchorPath: string;
}

function aPlace(): Place {
  const folder = aFolder();
  return { directory: join(folder, 'ledger'), anchorPath: join(folder, 'anchor') };
}

function aLedger(place: Place = aPlace(), genesis = aGenesis()): Promise<LedgerStore> {
  return createLedger(place.directory, { anchorPath: place.anchorPath, genesis });
}

function reopened(place: Place): Promise<LedgerStore> {
  return openLedger(place.directory, { anchorPath: place.anchorPath, chainId });
}

describe('the ledger store', () => {
  it('starts at the genesis', async () => {
    const genesis = aGenesis({
      writes: { records: new Map([['policy', text('p')]]), pages: new Map([['', text('root')]]), seen: [] },
    });
    const ledger = await aLedger(aPlace(), genesis);
    assert.deepEqual(ledger.head(), {
      height: 0,
      digest: chainId,
      timeMs: 1_000,
      stateRoot: aDigest(0xa0),
      block: null,
      certificate: null,
    });
    assert.deepEqual(ledger.get('policy'), text('p'));
    assert.deepEqual(ledger.page(''), text('root'));
    assert.equal(ledger.get('other'), null);
    await ledger.close();
  });

  it('reads back after a restart what it committed', async () => {
    const place = aPlace();
    const ledger = await aLedger(place);
    const seen = [{ key: anId(7), txId: aDigest(71), until: 90_000 as Timestamp }];
    const first = anEntry(ledger.head(), {
      isCertified: false,
      txIds: [aDigest(71), aDigest(72)],
      subjects: [[anId(1)], [anId(1), anId(2)]],
      writes: {
        records: new Map([
          ['a', text('1')],
          ['b', text('2')],
        ]),
        pages: new Map([['0', text('p')]]),
        seen,
      },
    });
    const second = anEntry(parentOf(first), {
      writes: {
        records: new Map([
          ['a', null],
          ['c', text('3')],
        ]),
      },
    });
    await ledger.commit([first, second]);
    await ledger.close();

    const again = await reopened(place);
    const { block, digest, certificate } = second;
    const { height, timeMs, stateRoot } = block.header;
    assert.deepEqual(again.head(), { height, digest, timeMs, stateRoot, block, certificate });
    assert.deepEqual([again.get('a'), again.get('b'), again.get('c')], [null, text('2'), text('3')]);
    assert.deepEqual(again.page('0'), text('p'));
    assert.deepEqual(again.seen(anId(7)), seen[0]);
    assert.deepEqual(again.blockAt(1), {
      block: first.block,
      digest: first.digest,
      certificate: null,
      extension: null,
    });
    assert.deepEqual(again.blockByDigest(second.digest), {
      block,
      digest,
      certificate,
      extension: null,
    });
    assert.deepEqual(
      again.receiptsAt(1)?.map((bytes) => [...bytes]),
      first.receiptBytes.map((bytes) => [...bytes]),
    );
    assert.deepEqual(again.receiptsAt(2), []);
    assert.equal(again.receiptsAt(3), null);
    assert.deepEqual(again.locate(aDigest(72)), {
      height: 1,
      index: 1,
      position: 1,
      batchDigest: aDigest(0xba01),
    });
    assert.equal(again.locate(aDigest(73)), null);
    await again.close();
  });

  it('shows the state before until a commit resolves, and all of the state after from then on', async () => {
    const ledger = await aLedger();
    const records = new Map(Array.from({ length: 500 }, (_, index) => [`key-${index}`, text('new')]));
    const entry = anEntry(ledger.head(), { writes: { records } });
    const commit = ledger.commit([entry]);
    const seenBefore = new Set<unknown>();
    let height = ledger.head().height;
    while (height === 0) {
      seenBefore.add(ledger.get('key-0')).add(ledger.get('key-499'));
      await new Promise((resolve) => setImmediate(resolve));
      ({ height } = ledger.head());
    }
    await commit;
    assert.deepEqual([...seenBefore], [null]);
    assert.deepEqual(ledger.get('key-499'), text('new'));
    await ledger.close();
  });

  it('shows one state to whoever looks through it, before, during and after later commits', async () => {
    const ledger = await aLedger();
    const written = (...values: readonly string[]): ReadonlyMap<string, Uint8Array> =>
      new Map(values.map((value, index) => [`rx/${index}`, text(value)]));
    await ledger.commit([anEntry(ledger.head(), { writes: { records: written('a', 'b', 'c') } })]);
    const first = ledger.view();
    const commit = ledger.commit([anEntry(ledger.head(), { writes: { records: written('A', 'B') } })]);
    const during = ledger.view();
    await commit;
    const after = ledger.view();
    const range = { prefix: 'rx/', after: null, limit: 9 };
    for (const [view, height, values] of [
      [first, 1, ['a', 'b', 'c']],
      [during, 1, ['a', 'b', 'c']],
      [after, 2, ['A', 'B', 'c']],
    ] as const) {
      assert.deepEqual([view.height, view.get('rx/0'), view.get('rx/9')], [height, text(values[0]), null]);
      assert.deepEqual(
        await view.records(range),
        values.map((value, index) => ({ key: `rx/${index}`, value: text(value) })),
      );
      const rest = await view.records({ prefix: 'rx/', after: 'rx/0', limit: 1 });
      assert.deepEqual(
        rest.map(({ key }) => key),
        ['rx/1'],
      );
      await view.close();
    }
    await ledger.close();
  });

  it('pages through the history of an id in the order of execution', async () => {
    const ledger = await aLedger();
    const subjects = [[anId(5)], [anId(6)], [anId(5)]];
    const first = anEntry(ledger.head(), { txIds: [aDigest(1), aDigest(2), aDigest(3)], subjects });
    const second = anEntry(parentOf(first), { txIds: [aDigest(4)], subjects: [[anId(5)]] });
    await ledger.commit([first]);
    await ledger.commit([second]);
    const page = await ledger.history(anId(5), { limit: 2, after: null });
    assert.deepEqual(page, [
      { height: 1, index: 0 },
      { height: 1, index: 2 },
    ]);
    assert.deepEqual(await ledger.history(anId(5), { limit: 2, after: page[1] ?? null }), [
      { height: 2, index: 0 },
    ]);
    assert.deepEqual(await ledger.history(anId(8), { limit: 2, after: null }), []);
    await ledger.close();
  });

  it('answers a range with blocks up to the last one that carries a certificate, or all if none does', async () => {
    const ledger = await aLedger();
    const first = anEntry(ledger.head());
    const second = anEntry(parentOf(first), { isCertified: false });
    const third = anEntry(parentOf(second));
    await ledger.commit([first]);
    await ledger.commit([second, third]);
    const heights = (from: number, max: number): readonly number[] =>
      ledger.blocksFrom(from, max).map(({ block }) => block.header.height);
    assert.deepEqual(heights(1, 100), [1, 2, 3]);
    assert.deepEqual(heights(1, 2), [1]);
    assert.deepEqual(heights(2, 1), [2]);
    assert.deepEqual(heights(4, 100), []);
    await ledger.close();
  });

  it('keeps an extension beside its closing block, and knows where an epoch was closed', async () => {
    const place = aPlace();
    const ledger = await aLedger(place);
    const nextVoterSet = {
      epoch: 2 as Epoch,
      voters: [{ name: 'a' as MemberName, consensusKey: aDigest(7) as string as PublicKey }],
    };
    const plain = anEntry(ledger.head(), { header: { nextVoterSet } });
    const extension: Header = {
      ...plain.block.header,
      view: 9 as View,
      nextVoterSet: null,
      extensionOf: plain.digest,
    };
    const closing = { ...plain, extension };
    const first = anEntry(parentOf(plain));
    await ledger.commit([closing]);
    await ledger.commit([first]);
    await ledger.close();

    const again = await reopened(place);
    assert.deepEqual(again.blockAt(1)?.extension, extension);
    assert.deepEqual(again.certifiedBlock(headerDigest(extension)), { header: extension, batchDigests: [] });
    assert.deepEqual(again.certifiedBlock(plain.digest), plain.block);
    assert.equal(again.blockByDigest(headerDigest(extension)), null);
    assert.deepEqual([again.closingAt(1), again.closingAt(2)], [1, null]);
    const range = again.blocksFrom(1, 10).map(({ block }) => block.header.height);
    assert.deepEqual(range, [1], 'a range ends with its epoch');
    await again.close();
  });

  it('forgets ids after their time, and keeps one that was used anew since', async () => {
    const ledger = await aLedger();
    const seenAt = (
      key: number,
      until: number,
    ): { key: string; txId: ReturnType<typeof aDigest>; until: Timestamp } => ({
      key: anId(key),
      txId: aDigest(key),
      until: until as Timestamp,
    });
    const first = anEntry(ledger.head(), { writes: { seen: [seenAt(1, 5_000), seenAt(2, 5_000)] } });
    const second = anEntry(parentOf(first), {
      header: { timeMs: 6_000 as Timestamp },
      writes: { seen: [seenAt(2, 9_000_000)] },
    });
    const third = anEntry(parentOf(second), { header: { timeMs: 4_000_000 as Timestamp } });
    const fourth = anEntry(parentOf(third));
    for (const entry of [first, second, third]) await ledger.commit([entry]);
    assert.deepEqual(ledger.seen(anId(1)), seenAt(1, 5_000));
    await ledger.commit([fourth]);
    assert.equal(ledger.seen(anId(1)), null);
    assert.deepEqual(ledger.seen(anId(2)), seenAt(2, 9_000_000));
    await ledger.close();
  });

  it('breaks an invariant on a block that does not follow the head', async () => {
    const ledger = await aLedger();
    const first = anEntry(ledger.head());
    const gap = anEntry(parentOf(first));
    await assert.rejects(ledger.commit([gap]), /heights of a finality are contiguous/);
    const foreign = anEntry({ ...ledger.head(), digest: aDigest(9) });
    await assert.rejects(ledger.commit([foreign]), /linked by digest/);
    await assert.rejects(
      ledger.commit([anEntry(ledger.head(), { isCertified: false })]),
      /carries its certificate/,
    );
    await ledger.close();
  });

  it('finishes a creation that a crash cut off', async () => {
    const place = aPlace();
    const options = {
      mode: 'create',
      cacheSize: 1_048_576,
      writeBufferSize: 1_048_576,
    } as const;
    await (await openDatabase(place.directory, options)).close();
    await assert.rejects(reopened(place), failsWith('missing'));
    const ledger = await aLedger(place);
    assert.equal(ledger.head().height, 0);
    await ledger.close();
  });

  it('takes no commit after a failed one, and shows the state before it (W7)', async () => {
    const level = new Level<string, Uint8Array>(aFolder(), { keyEncoding: 'utf8', valueEncoding: 'view' });
    await level.open();
    const { writes, ...genesis } = aGenesis();
    const { timeMs, stateRoot } = genesis;
    const head = { height: 0 as Height, digest: chainId, timeMs, stateRoot, block: null, certificate: null };
    const ledger = new LedgerStore(new Database(level), {
      files: systemDisk,
      anchorPath: join(aFolder(), 'anchor'),
      genesis,
      head,
    });
    const makeBatch = level.batch.bind(level);
    level.batch = (() => {
      const batch = makeBatch();
      batch.write = () => Promise.reject(new Error('IO error: Input/output error'));
      return batch;
    }) as typeof level.batch;
    const entry = anEntry(head, { writes: { ...writes, records: new Map([['a', text('1')]]) } });
    await assert.rejects(ledger.commit([entry]), failsWith('io'));
    level.batch = makeBatch;
    await assert.rejects(ledger.commit([entry]), failsWith('io'));
    assert.deepEqual([ledger.head(), ledger.get('a')], [head, null]);
    await assert.rejects(ledger.close(), failsWith('io'));
  });

  it('refuses to be created twice, and to be opened before it is created', async () => {
    const place = aPlace();
    await assert.rejects(reopened(place), failsWith('missing'));
    await (await aLedger(place)).close();
    await assert.rejects(aLedger(place), failsWith('exists'));
  });

  it('refuses a ledger of another chain', async () => {
    const place = aPlace();
    await (await aLedger(place)).close();
    const options = { anchorPath: place.anchorPath, chainId: aDigest(5) };
    await assert.rejects(openLedger(place.directory, options), failsWith('foreign'));
  });

  it('refuses a ledger that is behind its anchor, or not that of its anchor, or has lost it', async () => {
    const place = aPlace();
    const ledger = await aLedger(place);
    await ledger.commit([anEntry(ledger.head())]);
    const { height, stateRoot } = ledger.head();
    await ledger.close();
    const anchor = { chainId, height, stateRoot };
    writeAnchor(place.anchorPath, { ...anchor, height: (height + 1) as typeof height });
    await assert.rejects(reopened(place), failsWith('behind'));
    writeAnchor(place.anchorPath, { ...anchor, stateRoot: aDigest(4) });
    await assert.rejects(reopened(place), failsWith('corrupt'));
    writeAnchor(place.anchorPath, { ...anchor, chainId: aDigest(4) });
    await assert.rejects(reopened(place), failsWith('foreign'));
    rmSync(place.anchorPath);
    await assert.rejects(reopened(place), failsWith('missing'));
  });

  it('refuses to open when the file CURRENT is lost, and never opens empty', async () => {
    const place = aPlace();
    await (await aLedger(place)).close();
    rmSync(join(place.directory, 'CURRENT'));
    await assert.rejects(reopened(place), failsWith('missing'));
    await assert.rejects(aLedger(place), failsWith('exists'));
  });

  it('is held by one process at a time', async () => {
    const place = aPlace();
    const ledger = await aLedger(place);
    await assert.rejects(reopened(place), failsWith('locked'));
    await ledger.close();
  });
});
