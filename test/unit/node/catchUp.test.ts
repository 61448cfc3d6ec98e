import assert from 'node:assert/strict';
import { CatchUp } from '../../../node/catchUp.ts';
import type { ConsensusEvent } from '../../../consensus/event.ts';
import { batchesRoot, headerDigest, type Block } from '../../../protocol/block.ts';
import type { Digest, Epoch, Height, MemberName, Verified } from '../../../protocol/brand.ts';
import type { Certificate } from '../../../protocol/certificate.ts';
import type { SyncedBlock } from '../../../protocol/sync.ts';
import { aCertificate, aChildOf, aCommitOf, aHeader, testChainId, testVoters } from '../../support/chain.ts';
import { until } from '../../support/wait.ts';
import { aFetcher, aGate, aLog, aName, settled, type Answerer } from '../../support/nodeParts.ts';

/** Blocks 1 to 4, each in the view of its height. */
const noBatches = { batchesRoot: batchesRoot([]) };
const headers = [aHeader(noBatches)];
for (let count = 1; count < 4; count += 1) headers.push(aChildOf(headers.at(-1) ?? aHeader(), noBatches));
const blocks: readonly Block[] = headers.map((header) => ({ header, batchDigests: [] }));

function certified(block: Block): SyncedBlock {
  return { block, certificate: aCommitOf(block.header) };
}

/** The final blocks of a member, `atATime` of them in an answer, the last of each with its CC. */
function memberAt(height: number, atATime = 100): Answerer {
  return (request) => {
    if (request.kind !== 'blocksFrom') throw new Error('only by height');
    const range = blocks.slice(request.height - 1, Math.min(height, request.height - 1 + atATime));
    const answer = range.map((block) =>
      block === range.at(-1) ? certified(block) : { block, certificate: null },
    );
    return { kind: 'blocks', blocks: answer };
  };
}

function memberWith(...answer: readonly SyncedBlock[]): Answerer {
  return () => ({ kind: 'blocks', blocks: answer });
}

interface Setting {
  readonly catchUp: CatchUp;
  readonly asked: readonly string[];
  readonly events: ConsensusEvent[];
  readonly kept: Block[];
  readonly proofs: Certificate[];
  readonly warnings: readonly string[];
  readonly height: () => number;
}

/** A node at genesis whose replica commits whatever has its certificate. `ahead`: who says so, at most to which height. */
function aCatchUp(
  peers: Readonly<Record<string, Answerer>>,
  ahead: Readonly<Record<string, number>>,
): Setting {
  const { fetcher, asked } = aFetcher(peers);
  const log = aLog();
  const events: ConsensusEvent[] = [];
  const kept: Block[] = [];
  const proofs: Certificate[] = [];
  let head: { readonly height: Height; readonly digest: Digest } = {
    height: 0 as Height,
    digest: testChainId,
  };
  const catchUp = new CatchUp({
    gate: aGate(),
    fetcher,
    log,
    head: () => head,
    ahead: (height): readonly MemberName[] =>
      Object.entries(ahead)
        .filter(([, claimed]) => claimed > height)
        .map(([name]) => aName(name)),
    committed: async () => undefined,
    onBlocks: (known, certificates) => {
      kept.push(...known);
      proofs.push(...certificates);
    },
    handle: (event) => {
      events.push(event);
      if (event.kind !== 'certificateReceived') return;
      const block = kept.find(({ header }) => headerDigest(header) === event.certificate.digest);
      if (block === undefined) return;
      head = { height: block.header.height, digest: headerDigest(block.header) };
    },
  });
  return { catchUp, asked, events, kept, proofs, warnings: log.warnings, height: () => head.height };
}

describe('catching up', () => {
  it('asks on until nobody is ahead', async () => {
    const setting = aCatchUp({ clinic: memberAt(4, 2) }, { clinic: 4 });
    setting.catchUp.wake();
    await settled();
    assert.equal(setting.height(), 4);
    assert.deepEqual(setting.asked, ['clinic blocksFrom', 'clinic blocksFrom']);
    assert.deepEqual(setting.warnings, []);
  });

  it('asks one member on where finality came late and a whole answer has no certificate', async () => {
    const late: Answerer = (request) => {
      if (request.kind !== 'blocksFrom') throw new Error('only by height');
      const block = blocks[request.height - 1];
      if (block === undefined) return { kind: 'blocks', blocks: [] };
      return {
        kind: 'blocks',
        blocks: [request.height === 4 ? certified(block) : { block, certificate: null }],
      };
    };
    const setting = aCatchUp({ clinic: late }, { clinic: 4 });
    setting.catchUp.wake();
    await settled();
    assert.equal(setting.height(), 4);
    assert.equal(setting.asked.length, 4);
    assert.deepEqual(setting.kept, blocks);
  });

  it('lets a member that never shows a certificate lead it on for so many blocks and no further', async () => {
    const endless: Answerer = (request) => {
      if (request.kind !== 'blocksFrom') throw new Error('only by height');
      const range = Array.from({ length: 64 }, (_, index) =>
        aHeader({ ...noBatches, height: (request.height + index) as Height }),
      );
      return {
        kind: 'blocks',
        blocks: range.map((header) => ({ block: { header, batchDigests: [] }, certificate: null })),
      };
    };
    const setting = aCatchUp({ clinic: endless, insurer: memberAt(2) }, { clinic: 9_999, insurer: 2 });
    setting.catchUp.wake();
    await until('the honest member is asked', () => setting.height() === 2);
    assert.equal(setting.asked.indexOf('insurer blocksFrom'), 1_024 / 64);
    setting.catchUp.stop();
  });

  it('gives the replica the blocks first and then their certificates', async () => {
    const setting = aCatchUp({ clinic: memberAt(2) }, { clinic: 2 });
    setting.catchUp.wake();
    await settled();
    const [first, second] = blocks;
    assert.ok(first !== undefined && second !== undefined);
    const certificate = aCommitOf(second.header) as Verified<Certificate>;
    assert.deepEqual(setting.events, [
      { kind: 'blocksReceived', blocks: [first, second] },
      { kind: 'certificateReceived', certificate },
    ]);
    assert.deepEqual(setting.proofs, [certificate]);
  });

  it('asks nobody when nobody is ahead', async () => {
    const setting = aCatchUp({ clinic: memberAt(4) }, {});
    setting.catchUp.wake();
    await settled();
    assert.deepEqual(setting.asked, []);
  });

  it('gives up when nobody who says so gives it anything, until it is woken again', async () => {
    const setting = aCatchUp(
      { clinic: memberWith(), insurer: () => new Error('gone') },
      { clinic: 9, insurer: 9 },
    );
    setting.catchUp.wake();
    await settled();
    assert.deepEqual(setting.asked, ['clinic blocksFrom', 'insurer blocksFrom']);
    setting.catchUp.wake();
    await settled();
    assert.equal(setting.asked.length, 4);
  });

  it('asks whoever led it nowhere last from then on, however far ahead that one says it is', async () => {
    const peers = { clinic: memberWith(), insurer: memberAt(4, 1) };
    const setting = aCatchUp(peers, { clinic: 9, insurer: 4 });
    setting.catchUp.wake();
    await settled();
    assert.equal(setting.height(), 4);
    const insurerFirst = ['insurer blocksFrom', 'insurer blocksFrom', 'insurer blocksFrom'];
    assert.deepEqual(setting.asked, [
      'clinic blocksFrom',
      'insurer blocksFrom',
      ...insurerFirst,
      'clinic blocksFrom',
    ]);
  });

  it('is one loop, however often it is woken', async () => {
    const setting = aCatchUp({ clinic: memberAt(1) }, { clinic: 1 });
    setting.catchUp.wake();
    setting.catchUp.wake();
    await settled();
    assert.deepEqual(setting.asked, ['clinic blocksFrom']);
  });

  it('does nothing after it was stopped', async () => {
    const setting = aCatchUp({ clinic: memberAt(4) }, { clinic: 4 });
    setting.catchUp.stop();
    setting.catchUp.wake();
    await settled();
    assert.deepEqual(setting.asked, []);
  });

  const [first, second] = blocks;
  assert.ok(first !== undefined && second !== undefined);
  const { epoch, view } = first.header;
  const digest = headerDigest(first.header);
  const lies: readonly (readonly [string, readonly SyncedBlock[]])[] = [
    ['no certificate for the last block', [certified(first), { block: second, certificate: null }]],
    [
      'another list of batches than the header commits to',
      [{ ...certified(first), block: { ...first, batchDigests: [testChainId] } }],
    ],
    ['a certificate of too few', [{ block: first, certificate: aCommitOf(first.header, [0, 1]) }]],
    ['a certificate of another block', [{ block: first, certificate: aCommitOf(second.header) }]],
    [
      'a PC in place of the CC',
      [{ block: first, certificate: aCertificate({ kind: 'prepare', epoch, view, digest }) }],
    ],
    [
      'a block that does not link to our head',
      [certified({ header: { ...first.header, parentDigest: digest }, batchDigests: [] })],
    ],
    [
      'blocks that do not link to each other',
      [
        certified(first),
        certified({ header: { ...second.header, parentDigest: testChainId }, batchDigests: [] }),
      ],
    ],
    [
      'a bad certificate below a good one',
      [{ block: first, certificate: aCommitOf(first.header, [0]) }, certified(second)],
    ],
  ];
  for (const [lie, answer] of lies) {
    it(`asks the next member after an answer with ${lie}`, async () => {
      const peers = { clinic: memberWith(...answer), insurer: memberAt(2) };
      const setting = aCatchUp(peers, { clinic: 9, insurer: 2 });
      setting.catchUp.wake();
      await settled();
      assert.deepEqual(setting.asked.slice(0, 2), ['clinic blocksFrom', 'insurer blocksFrom']);
      assert.deepEqual(setting.kept, [first, second]);
    });
  }
});

describe('catching up over the end of an epoch', () => {
  const [first] = blocks;
  const nextVoterSet = { ...testVoters, epoch: 2 as Epoch };
  const closingHeader = aChildOf(headers[0] ?? aHeader(), { ...noBatches, nextVoterSet });
  const closing: Block = { header: closingHeader, batchDigests: [] };
  const extension: Block = {
    header: aChildOf(closingHeader, {
      ...noBatches,
      height: closingHeader.height,
      extensionOf: headerDigest(closingHeader),
    }),
    batchDigests: [],
  };
  const ofNextEpoch = certified({ header: aChildOf(closingHeader, noBatches), batchDigests: [] });
  assert.ok(first !== undefined);
  const start = certified(first);

  it('takes the closing block with its own CC, and nothing of the next epoch yet', async () => {
    const setting = aCatchUp({ clinic: memberWith(start, certified(closing), ofNextEpoch) }, { clinic: 3 });
    setting.catchUp.wake();
    await settled();
    assert.deepEqual(setting.kept.slice(0, 2), [first, closing]);
    assert.deepEqual(setting.warnings, []);
    assert.equal(setting.kept.includes(ofNextEpoch.block), false);
  });

  it('takes it with the extension that made it final', async () => {
    const answer = [start, { block: closing, certificate: null }, certified(extension)];
    const setting = aCatchUp({ clinic: memberWith(...answer) }, { clinic: 2 });
    setting.catchUp.wake();
    await settled();
    assert.deepEqual(setting.kept.slice(0, 3), [first, closing, extension]);
    assert.deepEqual(setting.proofs.slice(0, 2), [aCommitOf(first.header), aCommitOf(extension.header)]);
  });

  it('asks another member where an extension names another block', async () => {
    const alien = { ...extension.header, extensionOf: headerDigest(first.header) };
    const answer = [
      start,
      { block: closing, certificate: null },
      certified({ header: alien, batchDigests: [] }),
    ];
    const setting = aCatchUp({ clinic: memberWith(...answer) }, { clinic: 2 });
    setting.catchUp.wake();
    await settled();
    assert.deepEqual(setting.kept, []);
    assert.equal(setting.warnings.length, 1);
  });
});
