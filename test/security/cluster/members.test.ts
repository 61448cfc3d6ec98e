/** A voter gone bad, on its streams and below them, against three nodes that must all go on. */
import assert from 'node:assert/strict';
import { decodeMessage, encodeMessage } from '../../../protocol/message.ts';
import type {
  Digest,
  Epoch,
  Height,
  MemberName,
  Sequence,
  Timestamp,
  View,
} from '../../../protocol/brand.ts';
import { batchesPerAnswerMax, consensusFrameBytesMax } from '../../../protocol/limits.ts';
import { genesisVoterSet } from '../../../protocol/genesis.ts';
import { voterIndexOf } from '../../../protocol/member.ts';
import { encodeAnswer, encodeRequest, type SyncRequest } from '../../../protocol/sync.ts';
import { sealBatch, type Batch } from '../../../protocol/batch.ts';
import { FrameReader } from '../../../node/network/frames.ts';
import { signBallot, type OwnVoter } from '../../../node/statement.ts';
import { pour, rogueVoter, Siege, type Foothold, type Victim } from '../../support/attack.ts';
import { eventually, pause } from '../../support/cluster.ts';
import { frameOf, muxFrames, type MuxFrame } from '../../support/rogue.ts';
import { signIssue } from '../../support/transactions.ts';

const epoch = 1 as Epoch;
const farView = 2 ** 50;
/** Within the views that votes are kept for. */
const viewsAhead = 30;
const churnersAtOnce = 8;

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(pieces));
}

/** So many equal frames of the multiplexer, with rising stream ids of ours (odd: we dialed). */
function muxFlood(
  count: number,
  frame: Omit<MuxFrame, 'streamId'>,
  firstStreamId: number | null,
): Uint8Array {
  return muxFrames(
    Array.from({ length: count }, (_, index) => ({
      ...frame,
      streamId: firstStreamId === null ? 0 : firstStreamId + 2 * index,
    })),
  );
}

describe('three voters that commit, while the keys of the fourth', function withAttacker() {
  this.timeout(300_000);
  let siege: Siege;
  let owner: OwnVoter;

  before(async () => {
    siege = await Siege.lay('members');
    const { chainId, genesis } = siege.devnet.consortium;
    const index = voterIndexOf(genesisVoterSet(genesis), rogueVoter as MemberName);
    assert.ok(index !== null);
    owner = { chainId, index, signer: siege.signerOf(rogueVoter) };
  });

  after(async () => siege.lift());
  beforeEach(async () => siege.begin());
  afterEach(async () => siege.end());

  const voteFrame = (view: number, own: OwnVoter = owner): Uint8Array => {
    const ballot = { kind: 'skip', epoch, view: view as View, digest: null } as const;
    return frameOf(encodeMessage({ kind: 'vote', vote: signBallot(ballot, own) }));
  };

  const requestFrame = (request: SyncRequest): Uint8Array =>
    frameOf(joined([Uint8Array.of(0, 0, 0, 1), encodeRequest(request)]));

  const laneBatch = (member: string, sequence: number): Batch => {
    const { consortium } = siege.devnet;
    const input = {
      chainId: consortium.chainId,
      member: member as MemberName,
      sequence: sequence as Sequence,
      envelopes: [signIssue(consortium, 'hospital', sequence).bytes],
    };
    return sealBatch(input, owner.signer);
  };

  const publish = async (
    foothold: Foothold,
    bytes: Uint8Array,
    topic: string = siege.names.batches,
  ): Promise<void> => {
    const { pubsub } = foothold.rogue.host.services;
    await eventually('gossip stands', () =>
      Promise.resolve(pubsub.getSubscribers(topic).length > 0 ? true : null),
    );
    await pubsub.publish(topic, bytes);
  };

  /** What the node at the other end proposes next, when it leads. */
  const nextProposal = async ({ consensus }: Foothold): Promise<Uint8Array> =>
    new Promise((resolve) => {
      const reader = new FrameReader(consensusFrameBytesMax);
      consensus.addEventListener('message', ({ data }) => {
        for (const frame of reader.read(data.subarray()).frames) {
          const message = decodeMessage(frame);
          if (message.ok && message.value.kind === 'proposal') resolve(frame);
        }
      });
    });

  /** Dropped at once for one frame. */
  const frames: readonly (readonly [string, Victim, string, (nextView: number) => Uint8Array])[] = [
    [
      'send CBOR nested deeper than any message',
      'hospital',
      'malformed',
      () => frameOf(new Uint8Array(5_000).fill(0x81)),
    ],
    [
      'announce an array of 2^32 elements',
      'clinic',
      'malformed',
      () => frameOf(Uint8Array.of(0x9a, 0xff, 0xff, 0xff, 0xff)),
    ],
    [
      'announce text of 2^50 bytes',
      'pharmacy',
      'malformed',
      () => frameOf(Uint8Array.of(0x7b, 0, 4, 0, 0, 0, 0, 0, 0)),
    ],
    ['send a message that is cut short', 'hospital', 'malformed', () => frameOf(voteFrame(1).slice(4, -10))],
    ['send a frame of nothing', 'clinic', 'frameEmpty', () => frameOf(new Uint8Array(0))],
    [
      'replay what was signed for another chain',
      'pharmacy',
      'badSignature',
      (nextView) => voteFrame(nextView, { ...owner, chainId: 'ab'.repeat(32) as Digest }),
    ],
    [
      "vote in another voter's name",
      'hospital',
      'badSignature',
      (nextView) => voteFrame(nextView, { ...owner, index: ((owner.index + 1) % 4) as typeof owner.index }),
    ],
    [
      'send a certificate that nobody signed',
      'clinic',
      'certificateInvalid',
      () => {
        const { signature } = signBallot({ kind: 'skip', epoch, view: farView as View, digest: null }, owner);
        const certificate = {
          kind: 'skip',
          epoch,
          view: farView as View,
          digest: null,
          bitmap: Uint8Array.of(0b0111),
          signatures: [signature, signature, signature],
        } as const;
        return frameOf(encodeMessage({ kind: 'certificate', certificate }));
      },
    ],
  ];
  for (const [what, victim, reason, frame] of frames) {
    it(`${what}: dropped (${reason})`, async () => {
      const foothold = await siege.join(victim);
      const { view } = await siege.devnet.client(victim).call('consensus_state', {});
      foothold.consensus.send(frame(view + viewsAhead));
      await siege.isDropped(victim, foothold, reason);
    });
  }

  /** What no honest multiplexer writes. */
  const wires: readonly (readonly [string, Victim, string, readonly Uint8Array[]])[] = [
    [
      'announce a frame of 4 GiB to the multiplexer, and send a part of it',
      'pharmacy',
      'muxFrameTooLarge',
      [muxFlood(1, { type: 'data', isSyn: true, length: 0xffff_ffff }, 9_001), new Uint8Array(1_048_576)],
    ],
    [
      'open thousands of streams',
      'hospital',
      'muxFlood',
      [muxFlood(5_000, { type: 'windowUpdate', isSyn: true, length: 0 }, 9_001)],
    ],
    [
      'ping without end',
      'clinic',
      'muxFlood',
      [muxFlood(5_000, { type: 'ping', isSyn: true, length: 7 }, null)],
    ],
    [
      'send empty frames without end',
      'pharmacy',
      'muxFlood',
      Array.from({ length: 8 }, () => muxFlood(5_000, { type: 'data', isSyn: false, length: 0 }, 9_001)),
    ],
  ];
  for (const [what, victim, reason, pieces] of wires) {
    it(`${what}: dropped (${reason})`, async () => {
      const foothold = await siege.join(victim);
      for (const piece of pieces) await pour(foothold.wire, piece, 1);
      await siege.isDropped(victim, foothold, reason);
    });
  }

  it('send more than a stream has room for: cut', async () => {
    const { connection, wire } = await siege.join('hospital');
    await pour(wire, muxFlood(1, { type: 'windowUpdate', isSyn: true, length: 0 }, 9_001), 1);
    const tooMuch = joined([
      muxFlood(1, { type: 'data', isSyn: false, length: 400_000 }, 9_001),
      new Uint8Array(400_000),
    ]);
    await pour(wire, tooMuch, 4);
    await eventually('it is closed', () => Promise.resolve(connection.status === 'open' ? null : true));
  });

  it('connect again and again: dropped (connectionFlood)', async () => {
    const rogue = await siege.rogueAs(siege.seedOf(rogueVoter, 'network'));
    const counting = new AbortController();
    const churn = async (): Promise<void> => {
      while (!counting.signal.aborted) {
        const connection = await siege.dial(rogue, 'clinic').catch(() => null);
        connection?.abort(new Error('enough'));
        await pause(1);
      }
    };
    const churning = Promise.all(Array.from({ length: churnersAtOnce }, churn));
    await siege.isCounted('clinic', 'connectionFlood').finally(() => counting.abort());
    await churning;
  });

  it('come twice: the newer connection takes the place of the older one', async () => {
    const first = await siege.join('pharmacy');
    const second = await siege.join('pharmacy');
    await eventually('the older one is closed', () =>
      Promise.resolve(first.connection.status === 'open' ? null : true),
    );
    assert.equal(second.connection.status, 'open');
  });

  it('begin frames and never end them: nothing but those frames is held for it', async () => {
    const { connection, consensus } = await siege.join('hospital');
    const bulk = await connection.newStream(siege.names.bulk);
    for (const stream of [consensus, bulk]) stream.send(frameOf(new Uint8Array(1), 200_000));
    for (let byte = 0; byte < 20; byte += 1) {
      consensus.send(Uint8Array.of(0));
      await pause(10);
    }
    await siege.commitsGoOn();
    assert.equal(connection.status, 'open');
  });

  it('speak no protocol that anybody knows: answered no, so many at once', async () => {
    const { connection } = await siege.join('clinic');
    const names = Array.from({ length: 100 }, (_, index) => `/nobody/${index}`);
    const openings = names.map(async (name) =>
      connection.newStream(name).then(
        () => 'opened',
        () => 'refused',
      ),
    );
    assert.deepEqual(new Set(await Promise.all(openings)), new Set(['refused']));
  });

  /** Held back, not dropped: an honest node may say each of these, though not so often. */
  const floods: readonly (readonly [string, Victim, number, (index: number) => Uint8Array])[] = [
    [
      'vote in thousands of views that are far away',
      'pharmacy',
      4_000,
      (index) => voteFrame(farView + index),
    ],
    ['repeat one old vote', 'hospital', 100_000, () => voteFrame(1)],
    [
      'ask for all certificates there can be',
      'clinic',
      20_000,
      () =>
        frameOf(
          encodeMessage({ kind: 'certificatesWanted', epoch, fromView: 0 as View, toView: farView as View }),
        ),
    ],
    [
      'lie about where it stands',
      'pharmacy',
      20_000,
      (index) => {
        const status = {
          epoch,
          view: (farView + index) as View,
          finalView: farView as View,
          finalHeight: (farView + index) as Height,
          timeMs: 0 as Timestamp,
        };
        return frameOf(encodeMessage({ kind: 'status', status }));
      },
    ],
  ];
  for (const [what, victim, count, frameAt] of floods) {
    it(`${what}: held back`, async () => {
      const { connection, consensus } = await siege.join(victim);
      const distinct = Array.from({ length: Math.min(count, 4_000) }, (_, index) => frameAt(index));
      const pieces = Array.from({ length: 16 }, (_, part) =>
        joined(distinct.filter((_frame, index) => index % 16 === part)),
      );
      const flooding = (async () => {
        for (let round = 0; round < count / distinct.length; round += 1) {
          for (const piece of pieces) await pour(consensus, piece, 1);
        }
      })();
      await siege.commitsGoOn();
      connection.abort(new Error('enough'));
      await flooding;
    });
  }

  it('ask for ranges that are absurd, thousands of times: refused or empty, a few at a time', async () => {
    const { connection } = await siege.join('hospital');
    const bulk = await connection.newStream(siege.names.bulk);
    const digest = 'ee'.repeat(32) as Digest;
    const questions: readonly SyncRequest[] = [
      { kind: 'blocksFrom', height: (2 ** 50) as Height },
      { kind: 'blocksFrom', height: 1 as Height },
      { kind: 'ancestors', digest, aboveHeight: 0 as Height },
      { kind: 'batches', digests: Array.from({ length: batchesPerAnswerMax }, () => digest) },
      { kind: 'lane', member: 'hospital' as MemberName, aboveSequence: 0 },
      { kind: 'laneTip', sequence: 2 ** 50 },
    ];
    const flooding = pour(bulk, joined(questions.map(requestFrame)), 2_000);
    await siege.commitsGoOn();
    connection.abort(new Error('enough'));
    await flooding;
  });

  it("gossip a batch in another member's name: dropped (badSignature)", async () => {
    const foothold = await siege.join('clinic');
    await publish(foothold, laneBatch('hospital', 1_000_000).bytes);
    await siege.isDropped('clinic', foothold, 'badSignature');
  });

  it("pass on another leader's proposal as if it were its own to give: dropped (notPermitted)", async () => {
    const listening = await siege.join('hospital');
    const proposal = await nextProposal(listening);
    const speaking = await siege.join('clinic');
    speaking.consensus.send(frameOf(proposal));
    await siege.isDropped('clinic', speaking, 'notPermitted');
  });

  it('gossip a finalized block that nobody certified: dropped (malformed)', async () => {
    const foothold = await siege.join('pharmacy');
    await publish(foothold, encodeAnswer({ kind: 'stored' }), siege.names.finalized);
    await siege.isDropped('pharmacy', foothold, 'malformed');
  });

  it('gossip bytes that are no batch: dropped (malformed)', async () => {
    const foothold = await siege.join('pharmacy');
    await publish(foothold, new Uint8Array(1_000).fill(0x81));
    await siege.isDropped('pharmacy', foothold, 'malformed');
  });

  it('fill its lane with batches that never come to an end: kept as far as its quota goes', async () => {
    const foothold = await siege.join('hospital');
    for (let sequence = 2; sequence < 120; sequence += 1)
      await publish(foothold, laneBatch(rogueVoter, sequence).bytes);
    await siege.commitsGoOn();
    assert.equal(foothold.connection.status, 'open');
  });

  it('send a frame that is one byte too large, and all of it: dropped (frameTooLarge)', async () => {
    const foothold = await siege.join('clinic');
    foothold.consensus.send(frameOf(new Uint8Array(consensusFrameBytesMax + 1)));
    await siege.isDropped('clinic', foothold, 'frameTooLarge');
  });

  it('have done all of this, nothing is lost, and memory is as it was', async () => {
    await siege.assertUnharmed();
  });
});
