/** Fetching a snapshot from members that are honest, lying, silent and slow. */
import assert from 'node:assert/strict';
import { downloadSnapshot } from '../../../node/snapshotDownload.ts';
import type { Digest, MemberName } from '../../../protocol/brand.ts';
import { snapshotChunkBytes } from '../../../protocol/limits.ts';
import { chunkDigest, manifestDigest, type SnapshotManifest } from '../../../protocol/snapshot.ts';
import type { SyncAnswer, SyncRequest } from '../../../protocol/sync.ts';
import { aDigest, aHeader, testChainId } from '../../support/chain.ts';
import { aName } from '../../support/nodeParts.ts';

const { height } = aHeader();
const chunks = Array.from({ length: 6 }, (_, index) =>
  new Uint8Array(index === 5 ? 7 : snapshotChunkBytes).fill(index),
);
const manifest: SnapshotManifest = {
  version: 1,
  chainId: testChainId,
  height,
  digest: aDigest(1),
  stateRoot: aDigest(2),
  size: 5 * snapshotChunkBytes + 7,
  chunks: chunks.map(chunkDigest),
};

type Server = (index: number) => SyncAnswer | null | Promise<SyncAnswer | null>;

const honest: Server = (index) => ({ kind: 'snapshotChunk', bytes: chunks[index] ?? new Uint8Array(0) });
const lying: Server = () => ({ kind: 'snapshotChunk', bytes: Uint8Array.of(1) });
const endless: Server = () => ({ kind: 'snapshotChunk', bytes: new Uint8Array(snapshotChunkBytes + 1) });
const silent: Server = () => null;
const forgetful: Server = () => ({ kind: 'refused', code: 'snapshotUnknown' });

interface Outcome {
  readonly isWhole: boolean;
  readonly held: ReadonlyMap<Digest, Uint8Array>;
  readonly asked: readonly string[];
  readonly lies: readonly string[];
  readonly silences: readonly string[];
}

async function download(
  servers: Readonly<Record<string, Server>>,
  before: readonly Uint8Array[] = [],
): Promise<Outcome> {
  const held = new Map(before.map((bytes) => [chunkDigest(bytes), bytes]));
  const asked: string[] = [];
  const lies: string[] = [];
  const silences: string[] = [];
  const ask = async (to: MemberName, request: SyncRequest): Promise<SyncAnswer | null> => {
    if (request.kind !== 'snapshotChunk') throw new Error('only chunks');
    assert.equal(request.snapshot, manifestDigest(manifest));
    asked.push(`${to} ${request.index}`);
    await Promise.resolve();
    return servers[to]?.(request.index) ?? null;
  };
  const isWhole = await downloadSnapshot(manifest, Object.keys(servers).map(aName), {
    ask,
    has: (chunk) => held.has(chunk),
    put: async (chunk, bytes) => void held.set(chunk, bytes),
    onLie: (member, reason) => lies.push(`${member}: ${reason}`),
    onSilent: (member) => silences.push(member),
  });
  return { isWhole, held, asked, lies, silences };
}

describe('fetching a snapshot', () => {
  it('asks each member for a part', async () => {
    const { isWhole, held, asked } = await download({ clinic: honest, insurer: honest });
    assert.ok(isWhole);
    assert.deepEqual(new Set(held.keys()), new Set(manifest.chunks));
    // Whoever has nothing left to ask for asks for what another is still giving.
    assert.ok(asked.length <= 8);
    assert.ok(
      asked.some((line) => line.startsWith('clinic')) && asked.some((line) => line.startsWith('insurer')),
    );
  });

  it('asks for nothing that is on the disk already', async () => {
    const { isWhole, asked } = await download({ clinic: honest }, chunks.slice(1));
    assert.ok(isWhole);
    assert.deepEqual(asked, ['clinic 0']);
  });

  for (const [name, liar] of [
    ['wrong', lying],
    ['too many', endless],
  ] as const) {
    it(`drops a member that gives ${name} bytes, once, and takes its part from the others`, async () => {
      const { isWhole, lies, held } = await download({ clinic: liar, insurer: honest });
      assert.ok(isWhole);
      assert.equal(held.size, 6);
      assert.deepEqual(lies, ['clinic: a wrong chunk of a snapshot']);
    });
  }

  for (const [name, server] of [
    ['does not answer', silent],
    ['does not hold it any more', forgetful],
  ] as const) {
    it(`leaves a member alone that ${name}, and does not blame it`, async () => {
      const { isWhole, lies, silences } = await download({ clinic: server, insurer: honest });
      assert.ok(isWhole);
      assert.deepEqual(lies, []);
      assert.ok(silences.length <= 1);
    });
  }

  it('does not wait for a slow member when the others have all the rest', async () => {
    let release: (answer: null) => void = () => undefined;
    const never = new Promise<null>((resolve) => {
      release = resolve;
    });
    let held = 0;
    const counting: Server = async (index) => {
      held += 1;
      if (held === 6) release(null);
      return honest(index);
    };
    const { isWhole } = await download({ clinic: () => never, insurer: counting });
    assert.ok(isWhole);
  });

  it('comes to an end when nobody gives a chunk', async () => {
    const { isWhole, asked, lies, silences } = await download({ clinic: silent, insurer: lying });
    assert.equal(isWhole, false);
    assert.ok(asked.length <= 8);
    assert.deepEqual(lies, ['insurer: a wrong chunk of a snapshot']);
    assert.deepEqual(silences, ['clinic']);
  });
});
