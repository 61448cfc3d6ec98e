import assert from 'node:assert/strict';
import type { Documents } from '../../../node/documents.ts';
import type { VerifiedBatch, VerifiedMessage } from '../../../node/gate.ts';
import { intakeHandlers, type IntakePorts } from '../../../node/intake.ts';
import type { NetworkHandlers } from '../../../node/network/ports.ts';
import { PeerBook } from '../../../node/peerBook.ts';
import { laneBatchesMax, Pool } from '../../../node/pool.ts';
import { signProposal } from '../../../node/statement.ts';
import { batchesRoot, headerDigest, type Block, type Header } from '../../../protocol/block.ts';
import type { Digest, Epoch, Height, Timestamp, View, VoterIndex } from '../../../protocol/brand.ts';
import type { Certificate } from '../../../protocol/certificate.ts';
import { encodeMessage } from '../../../protocol/message.ts';
import { decodeAnswer, encodeAnswer, encodeRequest } from '../../../protocol/sync.ts';
import {
  aCertificate,
  aChildOf,
  aCommitOf,
  aDigest,
  aHeader,
  aVote,
  consensusSignerOf,
  noon,
  testChainId,
  testVoters,
  valueOf,
} from '../../support/chain.ts';
import {
  aBatch,
  aFetcher,
  aGate,
  aLog,
  aManualClock,
  aName,
  anOpaqueTransaction,
  settled,
  type MemoryPeers,
} from '../../support/nodeParts.ts';

const clinic = aName('clinic');
const hospital = aName('hospital');
const skip = { kind: 'skip', epoch: 1 as Epoch, view: 1 as View, digest: null } as const;

interface Setting extends MemoryPeers {
  readonly handlers: NetworkHandlers;
  readonly pool: Pool;
  readonly peers: PeerBook;
  readonly messages: VerifiedMessage[];
  readonly batches: VerifiedBatch[];
  readonly certified: Digest[];
  readonly early: string[];
  readonly dropped: string[];
  readonly connected: string[];
}

function anIntake(overrides: Partial<IntakePorts> = {}): Setting {
  const pool = new Pool();
  const peers = new PeerBook(aManualClock());
  const nothing = (): { kind: 'batches'; batches: [] } => ({ kind: 'batches', batches: [] });
  const memory = aFetcher({ clinic: nothing, hospital: nothing }, { pool });
  const messages: VerifiedMessage[] = [];
  const batches: VerifiedBatch[] = [];
  const certified: Digest[] = [];
  const early: string[] = [];
  const dropped: string[] = [];
  const connected: string[] = [];
  const handlers = intakeHandlers({
    gate: aGate(),
    pool,
    fetcher: memory.fetcher,
    peers,
    voters: () => testVoters,
    log: aLog(),
    answers: {
      pool,
      documents: {} as Documents,
      blocksFrom: () => [],
      findBlock: () => null,
      findBatch: () => null,
      archive: { finalBlock: () => null, closings: () => [] },
      snapshots: { newest: () => null, chunk: () => null },
    },
    finalHeight: () => 0 as Height,
    onMessage: (_from, message) => messages.push(message),
    onBatch: (batch) => batches.push(batch),
    onEarly: (from, frame) => early.push(`${from} ${frame.length}`),
    onCertified: (blocks) => certified.push(...blocks.map(({ header }) => headerDigest(header))),
    onConnected: (name) => connected.push(name),
    drop: (name, reason) => dropped.push(`${name} ${reason}`),
    ...overrides,
  });
  return { ...memory, handlers, pool, peers, messages, batches, certified, early, dropped, connected };
}

describe('consensus frames from other members', () => {
  it('go to the engine verified, and say that their sender lives', () => {
    const setting = anIntake();
    const vote = aVote(skip, 2);
    void setting.handlers.onConsensusFrame(clinic, encodeMessage({ kind: 'vote', vote }));
    assert.deepEqual(setting.messages, [{ kind: 'vote', vote }]);
    assert.equal(setting.peers.lastHeardAt(clinic), noon);
    assert.deepEqual(setting.dropped, []);
  });

  const forged = { ...aVote(skip, 2), voter: aVote(skip, 1).voter };
  const dishonest: readonly (readonly [string, Uint8Array])[] = [
    ['malformed', new Uint8Array([0xff])],
    ['badSignature', encodeMessage({ kind: 'vote', vote: forged })],
    ['certificateInvalid', encodeMessage({ kind: 'certificate', certificate: aCertificate(skip, [0]) })],
  ];
  for (const [code, frame] of dishonest) {
    it(`cost their sender the connection if no honest node writes them (${code})`, () => {
      const setting = anIntake();
      void setting.handlers.onConsensusFrame(clinic, frame);
      assert.deepEqual(setting.dropped, [`clinic ${code}`]);
      assert.deepEqual(setting.messages, []);
      assert.equal(setting.peers.lastHeardAt(clinic), null);
    });
  }

  it('are proposals only from the leader itself, for its signature does not cover what justifies the block', () => {
    const own = { chainId: testChainId, index: 1 as VoterIndex, signer: consensusSignerOf('clinic') };
    const header = aHeader({ proposer: own.index, batchesRoot: batchesRoot([]) });
    const proposal = signProposal({ header, batchDigests: [] }, { parent: null, skips: [] }, own);
    const frame = encodeMessage({ kind: 'proposal', proposal });
    const setting = anIntake();
    void setting.handlers.onConsensusFrame(hospital, frame);
    assert.deepEqual(setting.dropped, ['hospital notPermitted']);
    assert.deepEqual(setting.messages, []);
    void setting.handlers.onConsensusFrame(clinic, frame);
    assert.deepEqual(setting.messages, [{ kind: 'proposal', proposal }]);
  });

  it('of another epoch are passed over without blame', () => {
    const setting = anIntake();
    const vote = aVote({ ...skip, epoch: 2 as Epoch }, 2);
    void setting.handlers.onConsensusFrame(clinic, encodeMessage({ kind: 'vote', vote }));
    assert.deepEqual([setting.dropped, setting.messages], [[], []]);
  });
});

describe('gossiped batches', () => {
  it('are kept, told to the engine and forwarded', async () => {
    const setting = anIntake();
    const batch = aBatch();
    assert.equal(await setting.handlers.onBatch(batch.batch.bytes, clinic), 'accept');
    assert.deepEqual(setting.batches, [batch]);
    assert.equal(await setting.handlers.onBatch(batch.batch.bytes, clinic), 'accept');
    assert.deepEqual(setting.batches, [batch]);
  });

  it('are rejected if they are not good, and whoever handed one over is dropped', async () => {
    const { batch } = aBatch({ transactions: [anOpaqueTransaction(1)] });
    const setting = anIntake();
    assert.equal(await setting.handlers.onBatch(batch.bytes, clinic), 'reject');
    assert.deepEqual(setting.dropped, ['clinic batchInvalid']);
  });

  it('cost who forwards one under another key its connection, unless it is ahead and may know of a newer key', async () => {
    const otherKey = aGate({ batchKeysOf: () => [consensusSignerOf('insurer').publicKey] });
    const setting = anIntake({ gate: otherKey });
    const { bytes } = aBatch().batch;
    const status = { epoch: 1 as Epoch, view: 9 as View, finalView: 8 as View, timeMs: 0 as Timestamp };
    setting.peers.status(clinic, { ...status, finalHeight: 1 as Height });
    assert.equal(await setting.handlers.onBatch(bytes, clinic), 'ignore');
    assert.deepEqual(setting.dropped, []);
    setting.peers.status(clinic, { ...status, finalHeight: 0 as Height });
    assert.equal(await setting.handlers.onBatch(bytes, clinic), 'reject');
    assert.deepEqual(setting.dropped, ['clinic badSignature']);
  });

  it('are ignored while the verifier is full', async () => {
    const verifyMany = async (): Promise<never> => {
      throw new Error('full');
    };
    const setting = anIntake({ gate: aGate({ verifyMany }) });
    assert.equal(await setting.handlers.onBatch(aBatch().batch.bytes, clinic), 'ignore');
  });

  it('are ignored if their sequence is final', async () => {
    const setting = anIntake();
    setting.pool.finalize(hospital, 1);
    assert.equal(await setting.handlers.onBatch(aBatch().batch.bytes, clinic), 'ignore');
    assert.deepEqual(setting.batches, []);
  });

  it('are ignored beyond the quota of their lane', async () => {
    const setting = anIntake();
    for (let sequence = 1; sequence <= laneBatchesMax; sequence += 1) {
      setting.pool.add(aBatch({ sequence, transactions: [anOpaqueTransaction(sequence)] }), {
        isOrdered: false,
      });
    }
    const next = aBatch({ sequence: laneBatchesMax + 1 });
    assert.equal(await setting.handlers.onBatch(next.batch.bytes, clinic), 'ignore');
    assert.deepEqual(setting.batches, []);
  });

  it('with a gap before them have the forwarder asked for what is missing', async () => {
    const setting = anIntake();
    await setting.handlers.onBatch(aBatch({ sequence: 3 }).batch.bytes, clinic);
    await settled();
    assert.deepEqual(setting.requests, [{ kind: 'lane', member: 'hospital', aboveSequence: 0 }]);
    assert.deepEqual(setting.asked, ['clinic lane']);
    await setting.handlers.onBatch(aBatch({ sequence: 5 }).batch.bytes, null);
    await settled();
    assert.deepEqual(setting.asked, ['clinic lane', 'hospital lane']);
  });
});

describe('frames of the next epoch', () => {
  it('are kept as they came, without blame and without a look into them', () => {
    const setting = anIntake();
    const vote = { ...aVote(skip, 1), epoch: 2 as Epoch };
    void setting.handlers.onConsensusFrame(clinic, encodeMessage({ kind: 'vote', vote }));
    assert.deepEqual(setting.early, [`clinic ${encodeMessage({ kind: 'vote', vote }).length}`]);
    assert.deepEqual([setting.messages, setting.dropped], [[], []]);
  });
});

describe('gossiped final blocks', () => {
  const header = aHeader({ batchesRoot: batchesRoot([]) });
  const block: Block = { header, batchDigests: [] };
  const gossiped = (certificate: Certificate | null, ...more: Block[]): Uint8Array =>
    encodeAnswer({
      kind: 'blocks',
      blocks: [{ block, certificate }, ...more.map((next) => ({ block: next, certificate: null }))],
    });

  it('reach the engine with their certificate', async () => {
    const setting = anIntake();
    assert.equal(await setting.handlers.onFinalized(gossiped(aCommitOf(header)), clinic), 'accept');
    assert.deepEqual(setting.certified, [headerDigest(header)]);
  });

  const closing = aHeader({ ...header, nextVoterSet: { ...testVoters, epoch: 2 as Epoch } });
  const extension = aChildOf(closing, {
    batchesRoot: batchesRoot([]),
    height: closing.height,
    extensionOf: headerDigest(closing),
  });
  const extended = (second: Header, certificate: Certificate): Uint8Array =>
    encodeAnswer({
      kind: 'blocks',
      blocks: [
        { block: { header: closing, batchDigests: [] }, certificate: null },
        { block: { header: second, batchDigests: [] }, certificate },
      ],
    });

  it('may close an epoch, final by the extension beside them', async () => {
    const setting = anIntake();
    const bytes = extended(extension, aCommitOf(extension));
    assert.equal(await setting.handlers.onFinalized(bytes, clinic), 'accept');
    assert.deepEqual(setting.certified, [headerDigest(closing), headerDigest(extension)]);
  });

  it('are ignored, without blame, if they are of an epoch that we are not in', async () => {
    const setting = anIntake({ gate: aGate({ voters: { ...testVoters, epoch: 2 as Epoch } }) });
    assert.equal(await setting.handlers.onFinalized(gossiped(aCommitOf(header)), clinic), 'ignore');
    assert.deepEqual(setting.certified, []);
  });

  it('are ignored at or below our height', async () => {
    const setting = anIntake({ finalHeight: () => 1 as Height });
    assert.equal(await setting.handlers.onFinalized(gossiped(aCommitOf(header)), clinic), 'ignore');
    assert.deepEqual(setting.certified, []);
  });

  const { epoch, view } = header;
  const child = aChildOf(header);
  const bad: readonly (readonly [string, Uint8Array])[] = [
    ['that are no answer', new Uint8Array([0xff])],
    ['that are another answer', encodeAnswer({ kind: 'stored' })],
    ['without a certificate', gossiped(null)],
    [
      'with another list of batches than the header commits to',
      encodeAnswer({
        kind: 'blocks',
        blocks: [{ block: { header, batchDigests: [aDigest(1)] }, certificate: aCommitOf(header) }],
      }),
    ],
    ['with another block beside them', gossiped(aCommitOf(header), { header: child, batchDigests: [] })],
    ['with a block beside them that extends another', extended(child, aCommitOf(child))],
    ['with an extension and the certificate of another block', extended(extension, aCommitOf(closing))],
    ['with a certificate of too few', gossiped(aCommitOf(header, [0, 1]))],
    ['with the certificate of another block', gossiped(aCommitOf(child))],
    [
      'with a PC in place of the CC',
      gossiped(aCertificate({ kind: 'prepare', epoch, view, digest: headerDigest(header) })),
    ],
  ];
  for (const [what, bytes] of bad) {
    it(`${what} are rejected, and whoever sent them is dropped`, async () => {
      const setting = anIntake();
      assert.equal(await setting.handlers.onFinalized(bytes, clinic), 'reject');
      assert.deepEqual([setting.certified, setting.dropped.length], [[], 1]);
    });
  }
});

describe('requests from other members', () => {
  it('say that their sender lives', async () => {
    const setting = anIntake();
    const request = encodeRequest({ kind: 'batches', digests: [aDigest(1)] });
    const answer = await setting.handlers.onRequest(clinic, request);
    assert.deepEqual(valueOf(decodeAnswer(answer)), { kind: 'batches', batches: [] });
    assert.equal(setting.peers.lastHeardAt(clinic), noon);
  });

  it('that tell a lane’s tip have its member asked for what we lack, and only for that', async () => {
    const setting = anIntake();
    setting.pool.finalize(clinic, 4);
    await setting.handlers.onRequest(clinic, encodeRequest({ kind: 'laneTip', sequence: 4 }));
    await settled();
    assert.deepEqual(setting.requests, []);
    await setting.handlers.onRequest(clinic, encodeRequest({ kind: 'laneTip', sequence: 5 }));
    await settled();
    assert.deepEqual(setting.requests, [{ kind: 'lane', member: 'clinic', aboveSequence: 4 }]);
  });

  it('that tell a lane’s tip have a hole below it filled, though the tip itself is here', async () => {
    const setting = anIntake();
    setting.pool.finalize(clinic, 4);
    setting.pool.add(aBatch({ member: 'clinic', sequence: 6 }), { isOrdered: false });
    await setting.handlers.onRequest(clinic, encodeRequest({ kind: 'laneTip', sequence: 6 }));
    await settled();
    assert.deepEqual(setting.requests, [{ kind: 'lane', member: 'clinic', aboveSequence: 4 }]);
  });
});

describe('a connection', () => {
  it('is told to the engine when it comes, not when it goes', () => {
    const setting = anIntake();
    setting.handlers.onPeerChanged(clinic, true);
    setting.handlers.onPeerChanged(clinic, false);
    assert.deepEqual(setting.connected, ['clinic']);
  });
});
