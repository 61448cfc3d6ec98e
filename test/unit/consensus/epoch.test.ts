import assert from 'node:assert/strict';
import { digestOf } from '../../../consensus/chain.ts';
import { configOf, genesisStart, type EpochStart, type ReplicaIdentity } from '../../../consensus/epoch.ts';
import { leaderOf } from '../../../consensus/leader.ts';
import { recover } from '../../../consensus/recovery.ts';
import type { ReplicaState } from '../../../consensus/replica.ts';
import type { Block, Header } from '../../../protocol/block.ts';
import type { Epoch, Height, MemberName, PublicKey, Timestamp, View } from '../../../protocol/brand.ts';
import type { VoterSet } from '../../../protocol/member.ts';
import { asVerified, chainId, hexOf, signVote } from '../../simulation/model.ts';
import {
  aBallot,
  aBlock,
  aRecovered,
  aReplica,
  aVote,
  ballotsOf,
  committed,
  elapses,
  gains,
  getsWork,
  hearsStatus,
  ofKind,
  prepared,
  proposes,
  run,
  sentTo,
  skipped,
  ticks,
  toldAll,
  validates,
  voters,
  votes,
} from './builders.ts';

const next: VoterSet = { epoch: 2 as Epoch, voters: voters.voters.toReversed() };
const identity: ReplicaIdentity = {
  chainId,
  ownName: 'voter-0' as MemberName,
  ownKey: hexOf(1) as string as PublicKey,
  deltaMs: 500,
  heartbeatMs: 0,
};

const ordinary = aBlock({ view: 1 });
const closing = aBlock({ view: 2, parent: ordinary }, { nextVoterSet: next });

/** An extension of `closing` on it or on an earlier extension. */
function anExtension(view: number, parent: Block = closing, header: Partial<Header> = {}): Block {
  const height = closing.header.height;
  return aBlock({ view, parent }, { height, extensionOf: digestOf(closing), ...header });
}

/** Voter 0 with `ordinary` final and `closing` prepared: it is in view 3. */
function aClosingReplica(): ReplicaState {
  return run(
    aReplica(),
    proposes(ordinary),
    validates(ordinary),
    gains(prepared(ordinary)),
    gains(committed(ordinary)),
    proposes(closing, committed(ordinary)),
    validates(closing),
    gains(prepared(closing)),
  ).state;
}

const start: EpochStart = {
  digest: digestOf(closing),
  height: closing.header.height,
  timeMs: closing.header.timeMs,
  certificate: committed(closing),
};

/** Epoch 2, on the closing block, with these voters. */
function aSecondEpoch(own: Partial<ReplicaIdentity> = {}, set: VoterSet = next): ReplicaState {
  const config = configOf({ ...identity, ...own }, set, start);
  return recover(config, { block: closing, certificate: committed(closing) }, []);
}

describe('V1: a closing block names the next voters', () => {
  it('is prepared like any block, if the host finds that these are the voters that wait', () => {
    const result = run(
      aReplica(),
      proposes(ordinary),
      gains(prepared(ordinary)),
      proposes(closing, prepared(ordinary)),
      validates(closing),
    );
    assert.deepEqual(ballotsOf(result).at(-1), aBallot('prepare', closing));
  });
});

describe('V3: on a closing block there are only extensions', () => {
  it('makes its leader propose one at once, without work', () => {
    const state = aClosingReplica();
    const leading = { ...state, config: { ...state.config, own: leaderOf(state.config, state.view) } };
    assert.deepEqual(ofKind(run(leading, ticks), 'requestBlock'), [
      {
        kind: 'requestBlock',
        view: 3,
        parent: { digest: digestOf(closing), view: 2, height: 2 },
        isEmpty: true,
        extensionOf: digestOf(closing),
      },
    ]);
  });

  it('makes the voters wait for it, and skip the view of a leader that sends none', () => {
    const result = run(aClosingReplica(), ticks);
    assert.deepEqual(
      ofKind(result, 'startTimer').map(({ timeout }) => timeout.kind),
      ['tick'],
    );
    assert.deepEqual(ballotsOf(run(aClosingReplica(), elapses('view', 3))), [aBallot('skip', 3)]);
  });

  it('prepares an extension at the height of the closing block', () => {
    const extension = anExtension(3);
    const result = run(aClosingReplica(), proposes(extension, prepared(closing)), validates(extension));
    assert.deepEqual(ballotsOf(result), [aBallot('prepare', extension)]);
  });

  it('prepares an extension of an extension, which names the same closing block', () => {
    const first = anExtension(3);
    const second = anExtension(4, first);
    const result = run(
      aClosingReplica(),
      proposes(first, prepared(closing)),
      validates(first),
      gains(prepared(first)),
      proposes(second, prepared(first)),
      validates(second),
    );
    assert.deepEqual(ballotsOf(result).at(-1), aBallot('prepare', second));
  });

  const wrongExtensions: Readonly<Record<string, Block>> = {
    'the next ordinary block': aBlock({ view: 3, parent: closing }),
    'an ordinary block at the height of the closing block': aBlock(
      { view: 3, parent: closing },
      { height: closing.header.height },
    ),
    'another closing block': aBlock({ view: 3, parent: closing }, { nextVoterSet: next }),
    'an extension of another block': anExtension(3, closing, { extensionOf: digestOf(ordinary) }),
    'an extension one height above': anExtension(3, closing, { height: 3 as Height }),
    'an extension that closes the epoch itself': anExtension(3, closing, { nextVoterSet: next }),
    'an extension not above its parent in time': anExtension(3, closing, { timeMs: closing.header.timeMs }),
  };
  for (const [name, block] of Object.entries(wrongExtensions)) {
    it(`skips the view of ${name}`, () => {
      const result = run(aClosingReplica(), proposes(block, prepared(closing)));
      assert.deepEqual(ballotsOf(result), [aBallot('skip', 3)]);
      assert.deepEqual(ofKind(result, 'validateBlock'), []);
    });
  }

  it('skips the view of an extension with batches', () => {
    const { header } = anExtension(3);
    const full = aBlock({ view: 3, parent: closing, batchDigests: [hexOf(5)] });
    const { batchesRoot } = full.header;
    const block = { ...full, header: { ...header, batchesRoot } };
    assert.deepEqual(ballotsOf(run(aClosingReplica(), proposes(block, prepared(closing)))), [
      aBallot('skip', 3),
    ]);
  });

  it('skips the view of an extension of an ordinary block', () => {
    const block = aBlock(
      { view: 2, parent: ordinary },
      { height: 1 as Height, extensionOf: digestOf(ordinary) },
    );
    const result = run(
      aReplica(),
      proposes(ordinary),
      gains(prepared(ordinary)),
      proposes(block, prepared(ordinary)),
    );
    assert.deepEqual(ballotsOf(result).at(-1), aBallot('skip', 2));
  });
});

describe('V4: a final closing block ends the epoch', () => {
  it('is final by its own COMMITs', () => {
    const result = run(aClosingReplica(), gains(committed(closing)));
    assert.deepEqual(ofKind(result, 'commitBlocks'), [
      { kind: 'commitBlocks', blocks: [closing], extension: null, certificate: committed(closing) },
    ]);
    assert.equal(result.state.isClosed, true);
  });

  it('is final once, though a CC of an extension came first and its block comes last', () => {
    const extension = anExtension(3);
    const waiting = run(aClosingReplica(), gains(committed(extension)));
    assert.deepEqual(ofKind(waiting, 'commitBlocks'), []);
    const closed = run(waiting.state, gains(committed(closing)));
    assert.equal(ofKind(closed, 'commitBlocks').length, 1);
    const after = run(closed.state, proposes(extension, prepared(closing)), ticks);
    assert.deepEqual(ofKind(after, 'commitBlocks'), []);
    assert.equal(after.state.pendingCommit, null);
  });

  it('is final by those of an extension, however many views lie between', () => {
    const extension = anExtension(9, anExtension(6));
    const result = run(aClosingReplica(), gains(committed(extension)), {
      kind: 'blocksReceived',
      blocks: [extension],
    });
    assert.deepEqual(ofKind(result, 'commitBlocks'), [
      { kind: 'commitBlocks', blocks: [closing], extension, certificate: committed(extension) },
    ]);
    const { final, isClosed } = result.state;
    assert.deepEqual([final.view, final.height, final.digest, isClosed], [9, 2, digestOf(closing), true]);
  });

  it('fetches the closing block that a certified extension names', () => {
    const extension = anExtension(3);
    const result = run(aReplica(), gains(committed(extension)), {
      kind: 'blocksReceived',
      blocks: [extension],
    });
    const wanted = ofKind(result, 'fetchBlocks').map(({ digest }) => digest);
    assert.deepEqual(wanted, [digestOf(extension), digestOf(closing)]);
  });

  it('signs nothing after it, whatever comes, and waits for nothing', () => {
    const extension = anExtension(3);
    const { state } = run(aClosingReplica(), gains(committed(closing)));
    const late = run(
      state,
      getsWork,
      proposes(extension, prepared(closing)),
      validates(extension),
      gains(prepared(extension)),
      gains(skipped(4)),
      ...votes('skip', 3, 1, 2, 3),
      elapses('view', 3),
      ...Array.from({ length: 12 }, () => ticks),
    );
    assert.deepEqual([ballotsOf(late), ofKind(late, 'requestBlock'), toldAll(late)], [[], [], []]);
    assert.deepEqual(late.state.view, state.view);
  });

  it('answers who is late in it with the CC that ended it', () => {
    const { state } = run(aClosingReplica(), gains(committed(closing)), ticks);
    assert.deepEqual(sentTo(run(state, hearsStatus(2)), 'voter-2'), [committed(closing)]);
  });
});

describe('V5: the next epoch starts at view 1 on the closing block', () => {
  it('knows who votes, and who only looks on', () => {
    assert.equal(aSecondEpoch().config.own, 3);
    assert.equal(aSecondEpoch({ ownName: 'stranger' as MemberName }).config.own, null);
    assert.equal(aSecondEpoch({ ownKey: hexOf(9) as string as PublicKey }).config.own, null);
  });

  it('takes its leaders in an order that the closing block decides', () => {
    const { config } = aSecondEpoch();
    assert.equal(config.seed, Number.parseInt(start.digest.slice(0, 8), 16));
    assert.equal(leaderOf(config, 1 as View), (1 + config.seed) % 4);
    assert.equal(configOf(identity, voters, genesisStart(chainId, 0 as Timestamp)).seed, 0);
  });

  it('stands on the closing block, in view 1, with nothing signed', () => {
    const { view, final, signed, isClosed } = aSecondEpoch();
    assert.deepEqual([view, isClosed, signed.view], [1, false, 0]);
    const { height, digest, timeMs } = start;
    assert.deepEqual(final, { view: 0, height, digest, timeMs, block: null, certificate: null });
  });

  it('asks for an ordinary block on it, though it closed the epoch before', () => {
    const state = aSecondEpoch();
    const leading = { ...state, config: { ...state.config, own: leaderOf(state.config, state.view) } };
    assert.deepEqual(ofKind(run(leading, getsWork), 'requestBlock'), [
      {
        kind: 'requestBlock',
        view: 1,
        parent: { digest: start.digest, view: 0, height: 2 },
        isEmpty: false,
        extensionOf: null,
      },
    ]);
  });

  it('takes no vote and no certificate of another epoch', () => {
    const result = run(
      aSecondEpoch(),
      { kind: 'started' },
      ...votes('skip', 1, 0, 1, 2),
      gains(skipped(1)),
      gains(prepared(ordinary)),
      proposes(ordinary),
    );
    assert.deepEqual(
      [result.state.view, ballotsOf(result), ofKind(result, 'recordCertificate')],
      [1, [], []],
    );
  });

  it('answers who is still in the epoch before with the CC that ended it', () => {
    const state = aSecondEpoch();
    assert.deepEqual(sentTo(run(state, hearsStatus(2)), 'voter-2'), [committed(closing)]);
    const from = 'voter-2' as MemberName;
    const wants = {
      kind: 'certificatesWanted',
      from,
      epoch: voters.epoch,
      fromView: 1 as View,
      toView: 2 as View,
    };
    assert.deepEqual(sentTo(run(state, wants as Parameters<typeof run>[1]), 'voter-2'), [committed(closing)]);
    assert.deepEqual(sentTo(run(state, hearsStatus(2, { epoch: 3 as Epoch })), 'voter-2'), []);
  });
});

describe('V6: recovery knows the epochs apart', () => {
  const config = configOf(identity, next, start);
  const head = { block: closing, certificate: committed(closing) };

  it('replays nothing of the epoch before', () => {
    const records = [
      { kind: 'vote', vote: aVote('skip', 7, 0) },
      { kind: 'certificate', certificate: skipped(6) },
      { kind: 'block', block: closing },
      {
        kind: 'proposal',
        proposal: asVerified({
          block: anExtension(8),
          justification: { parent: null, skips: [] },
          signature: '',
        }),
      },
    ] as Parameters<typeof recover>[2];
    const state = recover(config, head, records);
    assert.deepEqual(state, recover(config, head, []));
  });

  it('replays what was said in the new one', () => {
    const ballot = { kind: 'skip', epoch: 2 as Epoch, view: 4 as View, digest: null } as const;
    const vote = signVote(ballot, 3 as NonNullable<typeof config.own>);
    const state = recover(config, head, [{ kind: 'vote', vote }]);
    assert.deepEqual([state.view, state.signed], [4, { view: 4, kind: 'skip' }]);
    assert.deepEqual(ballotsOf(run(state, { kind: 'started' }, elapses('view', 4))), []);
  });

  it('comes back to a closing block that the ledger had not written', () => {
    const extension = anExtension(3);
    const state = aRecovered(
      [
        { kind: 'block', block: closing },
        { kind: 'certificate', certificate: prepared(closing) },
        { kind: 'block', block: extension },
        { kind: 'certificate', certificate: committed(extension) },
      ],
      { block: ordinary, certificate: committed(ordinary) },
    );
    assert.deepEqual(ofKind(run(state, { kind: 'started' }), 'commitBlocks'), [
      { kind: 'commitBlocks', blocks: [closing], extension, certificate: committed(extension) },
    ]);
  });
});
