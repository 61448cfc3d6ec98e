/** The stores of a node, and what becomes of a safety log that is not what it should be (W6). */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { replayLog } from '../../../node/reload.ts';
import { ballotEntry, memoryEntry, type OwnVoter } from '../../../node/statement.ts';
import { layoutOf } from '../../../node/storage/layout.ts';
import { closeStores, createStores, openStores, type Stores } from '../../../node/stores.ts';
import type { Epoch, View, VoterIndex } from '../../../protocol/brand.ts';
import { consensusSignerOf, testChainId, testGenesis, testVoters } from '../../support/chain.ts';
import { fillHome, growHome } from '../../support/dataDirectory.ts';
import { aFolder, failsWith } from '../storage/builders.ts';

const signer = consensusSignerOf('clinic');
const own: OwnVoter = { chainId: testChainId, index: 1 as VoterIndex, signer };
const ballot = { kind: 'skip', epoch: 1 as Epoch, view: 1 as View, digest: null } as const;

function open(home: string): Promise<Stores> {
  return openStores(home, testGenesis, signer.publicKey);
}

/** The home of a voter that has voted. */
async function aHome(): Promise<string> {
  const home = join(aFolder(), 'home');
  await createStores(home, testGenesis, signer.publicKey);
  const stores = await open(home);
  stores.safety.log.append([ballotEntry(ballot)]);
  await closeStores(stores);
  return home;
}

async function kindsAfterStart(home: string): Promise<readonly string[]> {
  const stores = await open(home);
  const records = replayLog(stores.safety.entries, { voters: testVoters, own });
  await closeStores(stores);
  return records.map((record) => (record.kind === 'memory' ? record.memory : record.kind));
}

const losses: readonly (readonly [string, (safety: string) => void])[] = [
  ['is missing', (safety) => rmSync(safety, { recursive: true })],
  [
    'is empty',
    (safety) => {
      rmSync(safety, { recursive: true });
      mkdirSync(safety);
    },
  ],
  [
    'has a wrong byte',
    (safety) => {
      const path = join(safety, 'segment-00000001');
      const bytes = readFileSync(path);
      bytes[100] = (bytes[100] ?? 0) ^ 1;
      writeFileSync(path, bytes);
    },
  ],
  ['lacks a segment', (safety) => renameSync(join(safety, 'segment-00000001'), join(safety, 'elsewhere'))],
];

describe('a voter whose safety log', () => {
  for (const [what, lose] of losses) {
    it(`${what} starts, and remembers from then on that it forgot`, async () => {
      const home = await aHome();
      lose(layoutOf(home).safety);
      const stores = await open(home);
      assert.ok(stores.safety.loss !== null);
      await closeStores(stores);
      for (const _restart of [1, 2]) assert.deepEqual(await kindsAfterStart(home), ['lost']);
    });
  }

  it('is of another key starts without it, and keeps what it found', async () => {
    const home = await aHome();
    const other = join(aFolder(), 'home');
    await createStores(other, testGenesis, consensusSignerOf('insurer').publicKey);
    const safety = layoutOf(home).safety;
    rmSync(safety, { recursive: true });
    renameSync(layoutOf(other).safety, safety);
    const stores = await open(home);
    assert.equal(stores.safety.loss?.code, 'foreign');
    await closeStores(stores);
    assert.deepEqual(await kindsAfterStart(home), ['lost']);
    assert.deepEqual(
      new Set(readdirSync(safety)),
      new Set(['lock', 'segment-00000002', 'void-segment-00000001']),
    );
  });

  it('is an older copy than its votes in the ledger starts without it', async () => {
    const home = join(aFolder(), 'home');
    await fillHome(home, 4);
    const { safety } = layoutOf(home);
    const copy = join(aFolder(), 'copy');
    cpSync(safety, copy, { recursive: true });
    await growHome(home);
    const fresh = await open(home);
    assert.equal(fresh.safety.loss, null);
    await closeStores(fresh);
    rmSync(safety, { recursive: true });
    cpSync(copy, safety, { recursive: true });
    const stores = await open(home);
    assert.equal(stores.safety.loss?.code, 'behind');
    await closeStores(stores);
    const again = await open(home);
    assert.deepEqual([again.safety.loss, again.safety.entries.at(-1)?.kind], [null, 'memory']);
    await closeStores(again);
  });

  it('is damaged again forgets again', async () => {
    const home = await aHome();
    const { safety } = layoutOf(home);
    rmSync(join(safety, 'segment-00000001'));
    const stores = await open(home);
    const regained = { kind: 'memory', memory: 'regained', epoch: 1 as Epoch, view: 9 as View } as const;
    stores.safety.log.append([memoryEntry(regained)]);
    await closeStores(stores);
    assert.deepEqual(await kindsAfterStart(home), ['lost', 'regained']);
    const path = join(safety, 'segment-00000001');
    const bytes = readFileSync(path);
    bytes[3] = (bytes[3] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    assert.deepEqual(await kindsAfterStart(home), ['lost']);
    assert.deepEqual(await kindsAfterStart(home), ['lost']);
  });

  it('cannot be read does not start: nobody knows what it holds', async () => {
    const home = await aHome();
    const path = join(layoutOf(home).safety, 'segment-00000001');
    rmSync(path);
    mkdirSync(path);
    await assert.rejects(open(home), failsWith('io'));
  });
});
