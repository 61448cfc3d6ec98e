import assert from 'node:assert/strict';
import type { Description } from '../../../consensus/description.ts';
import type { DiskRoom } from '../../../node/diskGuard.ts';
import type { Engine } from '../../../node/engine.ts';
import { PeerBook } from '../../../node/peerBook.ts';
import {
  consensusStatus,
  nodeStatus,
  peerStatuses,
  readinessFacts,
  type StatusParts,
} from '../../../node/status.ts';
import { StorageFailure, type StorageFailureCode } from '../../../node/storage/failure.ts';
import type { LedgerStore } from '../../../node/storage/ledger.ts';
import type { Epoch, Height, Timestamp, View, VoterIndex } from '../../../protocol/brand.ts';
import type { Status } from '../../../protocol/message.ts';
import { later, noon, testGenesis, testVoters } from '../../support/chain.ts';
import { aManualClock, aName } from '../../support/nodeParts.ts';

interface Situation {
  readonly connected?: readonly string[];
  readonly silent?: readonly string[];
  readonly isStarted?: boolean;
  /** Why the node cannot go on. */
  readonly failure?: unknown;
  readonly room?: DiskRoom;
  readonly height?: number;
  /** Final heights that others have told. */
  readonly heights?: Readonly<Record<string, number>>;
  readonly offsetMs?: number;
  /** Seconds since each was heard; never, if it is not named. */
  readonly heardAgo?: Readonly<Record<string, number>>;
  readonly description?: Partial<Description>;
}

/** The hospital's node: by default everybody is there and there is nothing to do. */
function inSituation(situation: Situation = {}): StatusParts {
  const {
    connected = ['clinic', 'pharmacy', 'insurer'],
    silent = [],
    heights = {},
    heardAgo = {},
  } = situation;
  const {
    isStarted = true,
    failure = null,
    room = 'ample',
    height = 100,
    offsetMs = 0,
    description = {},
  } = situation;
  const clock = aManualClock();
  const peerBook = new PeerBook(clock);
  const agos = Object.entries(heardAgo).toSorted(([, a], [, b]) => b - a);
  let nowAgo = agos[0]?.[1] ?? 0;
  for (const [name, ago] of agos) {
    clock.advance(1_000 * (nowAgo - ago));
    nowAgo = ago;
    peerBook.heard(aName(name));
  }
  clock.advance(1_000 * nowAgo);
  for (const [name, finalHeight] of Object.entries(heights)) {
    peerBook.status(aName(name), aStatus(finalHeight, clock.wallMs() + offsetMs));
  }
  const [own, ...others] = testGenesis.members;
  assert.ok(own !== undefined);
  const engine = {
    describe: () =>
      aDescription({
        missing: silent.map((name) => ({ name: aName(name), silentTicks: 5, index: 1 as VoterIndex })),
        ...description,
      }),
    voters: testVoters,
    connected: () => connected.map(aName),
    mempoolSize: { count: 3, bytes: 300 },
    peerBook,
    failure: failure === null ? null : { cause: failure },
    isFailed: failure !== null,
    isStarted,
  } as Partial<Engine> as Engine;
  const ledger = { head: () => ({ height }) } as unknown as LedgerStore;
  return {
    engine,
    ledger,
    own,
    others: () => others.map(({ name }) => name),
    clock,
    disk: { room, freeBytes: 1_000 },
  };
}

function aStatus(finalHeight: number, timeMs: number): Status {
  const view = 1 as View;
  return {
    epoch: 1 as Epoch,
    view,
    finalView: view,
    finalHeight: finalHeight as Height,
    timeMs: timeMs as Timestamp,
  };
}

function aDescription(change: Partial<Description>): Description {
  const description = {
    epoch: 1 as Epoch,
    view: 1_803 as View,
    leaderName: aName('insurer'),
    finalView: 1_802 as View,
    isExpectant: false,
    ticksInView: 42,
    missing: [],
    memory: { kind: 'whole' },
    ...change,
  };
  return description as Partial<Description> as Description;
}

function sentenceIn(situation: Situation): string | null {
  return nodeStatus(inSituation(situation)).sentence;
}

describe('the sentence of the status', () => {
  it('is not there when nothing is wrong', () => {
    assert.equal(sentenceIn({}), null);
  });

  it('says that a voter lost its safety log, for whose word it waits, and above which view it votes again (W6)', () => {
    const reportedBy = [aName('clinic'), aName('insurer')];
    assert.equal(
      sentenceIn({ description: { memory: { kind: 'lost', reportedBy } } }),
      'Lost its safety log and only observes until 3 other voters report their view: clinic, insurer.',
    );
    assert.equal(
      sentenceIn({ description: { memory: { kind: 'lost', reportedBy: [] } } }),
      'Lost its safety log and only observes until 3 other voters report their view: none yet.',
    );
    assert.equal(
      sentenceIn({ description: { memory: { kind: 'regained', above: 1_804 as View } } }),
      'Lost its safety log: votes again above view 1804, now at view 1803.',
    );
    assert.equal(sentenceIn({ description: { memory: { kind: 'regained', above: 1_802 as View } } }), null);
  });

  it('says how long nothing has moved, who is missing and since when', () => {
    const situation = { connected: ['pharmacy'], heardAgo: { insurer: 51, clinic: 47 } };
    assert.equal(
      sentenceIn(situation),
      'Stalled 42 s at view 1803: waiting for 1 of {clinic, insurer}; clinic last heard 47 s ago, insurer last heard 51 s ago.',
    );
  });

  it('counts who is connected and silent as missing, and says who was never heard', () => {
    const situation = { connected: ['clinic', 'pharmacy'], silent: ['clinic'], heardAgo: { clinic: 9 } };
    assert.equal(
      sentenceIn(situation),
      'Stalled 42 s at view 1803: waiting for 1 of {clinic, insurer}; clinic last heard 9 s ago, insurer never heard since the start.',
    );
  });

  it('is not there when one of four voters is missing and work goes on', () => {
    assert.equal(sentenceIn({ connected: ['clinic', 'pharmacy'] }), null);
  });

  it('names the leader when a quorum is there and a view with work lasts 3 s', () => {
    const after = (ticksInView: number): string | null =>
      sentenceIn({ description: { isExpectant: true, ticksInView } });
    assert.equal(after(2), null);
    assert.equal(after(3), 'Stalled 3 s at view 1803: insurer leads and a quorum is connected.');
  });

  it('says when the node does not vote any more', () => {
    assert.equal(
      sentenceIn({ failure: new Error('impossible'), isStarted: false }),
      'An invariant broke: this node no longer votes; read its log and start it again.',
    );
  });

  it('says which failure of the disk ended its voting, and the one command to run', () => {
    const said = (code: StorageFailureCode, what: string): string | null =>
      sentenceIn({ failure: new StorageFailure(code, what) });
    assert.equal(
      said('corrupt', 'ledger/000007.ldb: a block has a wrong checksum'),
      'No longer votes and takes no transaction (corrupt: ledger/000007.ldb: a block has a wrong checksum): ' +
        'run `rxledger repair --from-peers` while this node is stopped.',
    );
    assert.equal(
      said('full', 'failed to append to the safety log'),
      'No longer votes and takes no transaction (full: failed to append to the safety log): ' +
        'make room on the disk, then run `rxledger start`: it goes on from its journal.',
    );
  });

  it('says when the disk is nearly full', () => {
    assert.equal(
      sentenceIn({ room: 'low' }),
      'The disk has 1000 bytes left: no new transactions until there is room.',
    );
  });

  it('says when the node listens for its own key', () => {
    assert.equal(sentenceIn({ isStarted: false }), 'Listening for our own key before voting again.');
  });

  it('says how far the node is behind, from 6 blocks on', () => {
    assert.equal(sentenceIn({ heights: { clinic: 105, insurer: 105 } }), null);
    assert.equal(sentenceIn({ heights: { clinic: 106, insurer: 107 } }), 'Catching up: 6 blocks behind.');
  });

  it('says that its member is not one yet, as far as it knows', () => {
    const parts = inSituation({ connected: [] });
    assert.equal(
      nodeStatus({ ...parts, own: { ...parts.own, status: 'proposed' } }).sentence,
      'No member yet, as far as this node knows: the others let it in when its join is final.',
    );
  });

  it('does not believe one member that it is behind: of f+1 one is honest', () => {
    assert.equal(sentenceIn({ heights: { clinic: 1_000_000, insurer: 100, pharmacy: 100 } }), null);
  });

  it('says that its clock is off, from more than 1 s on', () => {
    const heights = { clinic: 100, insurer: 100, pharmacy: 100 };
    assert.equal(sentenceIn({ heights, offsetMs: 1_000 }), null);
    assert.equal(sentenceIn({ heights, offsetMs: -1_001 }), "Our clock is 1001 ms away from the others'.");
  });
});

describe('the status', () => {
  it('says who the node is and where it stands', () => {
    const { sentence, ...status } = nodeStatus(inSituation({ connected: ['clinic', 'pharmacy'] }));
    assert.equal(sentence, null);
    assert.deepEqual(status, {
      name: 'hospital',
      roles: ['hospital'],
      isVoter: true,
      height: 100,
      view: 1_803,
      leader: 'insurer',
      peerCount: 2,
      missing: ['insurer'],
      mempoolCount: 3,
    });
  });

  it('lists the other members', () => {
    const situation = {
      connected: ['clinic'],
      heights: { clinic: 101 },
      heardAgo: { clinic: 1, insurer: 3 },
    };
    assert.deepEqual(peerStatuses(inSituation(situation)), [
      { name: 'clinic', isConnected: true, lastHeardAt: later(2_000), height: 101 },
      { name: 'pharmacy', isConnected: false, lastHeardAt: null, height: null },
      { name: 'insurer', isConnected: false, lastHeardAt: noon, height: null },
    ]);
  });

  it('says how agreement stands, and who is missing in it', () => {
    const situation = { connected: ['clinic', 'pharmacy'], heardAgo: { clinic: 0, insurer: 60 } };
    const { voters, ...status } = consensusStatus(inSituation(situation));
    assert.deepEqual(status, {
      epoch: 1,
      view: 1_803,
      viewSince: later(18_000),
      leader: 'insurer',
      finalView: 1_802,
      finalHeight: 100,
      quorum: 3,
    });
    assert.deepEqual(voters, [
      { name: 'hospital', isMissing: false, lastHeardAt: later(60_000) },
      { name: 'clinic', isMissing: false, lastHeardAt: later(60_000) },
      { name: 'pharmacy', isMissing: false, lastHeardAt: null },
      { name: 'insurer', isMissing: true, lastHeardAt: noon },
    ]);
  });

  it('gives the facts that readiness follows from', () => {
    const heights = { clinic: 106, insurer: 106 };
    assert.deepEqual(readinessFacts(inSituation({ connected: ['clinic'], heights }), false), {
      isStopping: false,
      isStorageFailed: false,
      isDiskLow: false,
      isSyncing: true,
      votersHeard: 2,
      quorum: 3,
      clockOffsetMs: 0,
    });
    assert.deepEqual(readinessFacts(inSituation({ failure: new Error('impossible') }), true), {
      isStopping: true,
      isStorageFailed: true,
      isDiskLow: false,
      isSyncing: false,
      votersHeard: 4,
      quorum: 3,
      clockOffsetMs: 0,
    });
  });
});
