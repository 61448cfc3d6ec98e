/** One engine over real stores, with a clock and a network in the test's hand: what it may say after a restart. */
import assert from 'node:assert/strict';
import { ed25519 } from '../../../node/ed25519.ts';
import { Engine } from '../../../node/engine.ts';
import type { Network, NetworkHandlers } from '../../../node/network/ports.ts';
import { NodeFailure } from '../../../node/nodeFailure.ts';
import { ballotEntry } from '../../../node/statement.ts';
import { StorageFailure } from '../../../node/storage/failure.ts';
import { closeStores, createStores, openStores, type Stores } from '../../../node/stores.ts';
import type { Epoch, Height, View } from '../../../protocol/brand.ts';
import { decodeMessage, encodeMessage, type ConsensusMessage } from '../../../protocol/message.ts';
import { encodeRequest } from '../../../protocol/sync.ts';
import { refused } from '../../../protocol/result.ts';
import {
  anEnvelope,
  anId,
  aVote,
  consensusSignerOf,
  noon,
  testGenesis,
  valueOf,
} from '../../support/chain.ts';
import { aSealingKeyPair } from '../../support/keys.ts';
import { aLog, aManualClock, aName, settled, type ManualClock } from '../../support/nodeParts.ts';
import { until } from '../../support/wait.ts';
import { aFolder } from '../../unit/storage/builders.ts';

/** The clinic, voter 1, has signed a SKIP of view 1: so says its log. */
const ballot = { kind: 'skip', epoch: 1 as Epoch, view: 1 as View, digest: null } as const;
const clinicKey = consensusSignerOf('clinic').publicKey;

interface Setting {
  readonly engine: Engine;
  readonly clock: ManualClock;
  readonly starting: Promise<unknown>;
  readonly handlers: () => NetworkHandlers;
  /** What it has said, but for STATUS. */
  readonly said: ConsensusMessage[];
  readonly fatal: unknown[];
  /** Whether the disk has room for transactions of clients. */
  readonly room: { isLeft: boolean };
}

function aStarting(stores: Stores): Setting {
  const clock = aManualClock();
  const said: ConsensusMessage[] = [];
  const fatal: unknown[] = [];
  const room = { isLeft: true };
  const [, own] = testGenesis.members;
  assert.ok(own !== undefined);
  const nothing = (): void => undefined;
  const engine = new Engine({
    genesis: testGenesis,
    own,
    stores,
    signer: consensusSignerOf('clinic'),
    sealing: aSealingKeyPair('clinic'),
    scheme: ed25519,
    verifyMany: async (items) =>
      items.map(({ message, signature, key }) => ed25519.verify(message, signature, key)),
    clock,
    log: aLog(),
    onCommitted: nothing,
    onExpired: nothing,
    onCommitMs: nothing,
    onFsyncMs: nothing,
    isObserver: false,
    hasRoom: () => room.isLeft,
    onFatal: (cause) => fatal.push(cause),
  });
  const hear = (frame: Uint8Array): void => {
    const message = valueOf(decodeMessage(frame));
    if (message.kind !== 'status') said.push(message);
  };
  const network: Network = {
    sendConsensus: (_to, frame) => {
      hear(frame);
      return true;
    },
    broadcastConsensus: hear,
    setMembers: nothing,
    publishBatch: nothing,
    publishFinalized: nothing,
    request: async () => {
      throw new Error('nobody is there');
    },
    peers: () => [],
    addresses: () => [],
    drop: nothing,
    stop: async () => undefined,
  };
  let handlers: NetworkHandlers | null = null;
  const starting = engine.start(async (given) => {
    handlers = given;
    return network;
  });
  // Whoever awaits it sees the failure; until then nobody does.
  starting.catch(nothing);
  return { engine, clock, starting, handlers: () => handlers ?? assert.fail('connected'), said, fatal, room };
}

describe('a voter that has voted before', () => {
  let stores: Stores;
  let setting: Setting;

  beforeEach(async () => {
    const home = aFolder();
    await createStores(home, testGenesis, clinicKey);
    const first = await openStores(home, testGenesis, clinicKey);
    first.safety.log.append([ballotEntry(ballot)]);
    await closeStores(first);
    stores = await openStores(home, testGenesis, clinicKey);
    setting = aStarting(stores);
    await until('it listens', () => setting.clock.waiting() === 1);
  });

  afterEach(async () => {
    await setting.engine.stop();
    await closeStores(stores);
  });

  it('listens for 2 s before it says a word, then sends again what it has signed (W5, W8)', async () => {
    setting.clock.advance(1_999);
    await settled();
    assert.equal(setting.engine.isStarted, false);
    assert.deepEqual(setting.said, []);
    setting.clock.advance(1);
    await setting.starting;
    assert.equal(setting.engine.isStarted, true);
    assert.deepEqual(setting.said, [{ kind: 'vote', vote: aVote(ballot, 1) }]);
    assert.deepEqual(setting.engine.state.signed, { view: 1, kind: 'skip' });
  });

  it('refuses to start when its key speaks elsewhere (W8)', async () => {
    const vote = aVote({ ...ballot, view: 2 as View }, 1);
    void setting.handlers().onConsensusFrame(aName('insurer'), encodeMessage({ kind: 'vote', vote }));
    setting.clock.advance(2_000);
    await assert.rejects(
      setting.starting,
      (error) => error instanceof NodeFailure && error.code === 'clonedKey',
    );
    assert.equal(setting.engine.isStarted, false);
    assert.deepEqual(setting.said, []);
  });

  it('starts though it hears itself and others', async () => {
    for (const vote of [aVote(ballot, 1), aVote(ballot, 2), aVote({ ...ballot, view: 2 as View }, 3)]) {
      void setting.handlers().onConsensusFrame(aName('insurer'), encodeMessage({ kind: 'vote', vote }));
    }
    setting.clock.advance(2_000);
    await setting.starting;
    assert.equal(setting.engine.isStarted, true);
  });

  it('takes no transaction while the disk has no room, and votes all the same', async () => {
    setting.clock.advance(2_000);
    await setting.starting;
    const envelope = anEnvelope({ notAfter: (noon + 600_000) as typeof noon });
    setting.room.isLeft = false;
    assert.deepEqual(await setting.engine.submit(envelope), refused('busy', 'disk space'));
    setting.said.length = 0;
    for (const voter of [0, 2]) {
      const vote = aVote(ballot, voter);
      void setting.handlers().onConsensusFrame(aName('insurer'), encodeMessage({ kind: 'vote', vote }));
    }
    assert.ok(setting.said.some(({ kind }) => kind === 'certificate'));
    setting.room.isLeft = true;
    assert.equal((await setting.engine.submit(envelope)).ok, true);
  });

  it('tells the sender of a transaction that it has it, also when its time is over; others it takes no more', async () => {
    setting.clock.advance(2_000);
    await setting.starting;
    const [first, second] = [1, 2].map((number) =>
      anEnvelope({ id: anId(number), notAfter: (noon + 3_000) as typeof noon }),
    );
    assert.ok(first !== undefined && second !== undefined);
    assert.equal((await setting.engine.submit(first)).ok, true);
    setting.clock.advance(1_000);
    assert.equal((await setting.engine.submit(first)).ok, true);
    assert.deepEqual(await setting.engine.submit(second), refused('expired'));
  });

  it('stops for good when a read for another member meets damage (W7)', async () => {
    setting.clock.advance(2_000);
    await setting.starting;
    const damage = new StorageFailure('corrupt', 'a row has a wrong checksum');
    stores.ledger.blocksFrom = () => {
      throw damage;
    };
    const request = encodeRequest({ kind: 'blocksFrom', height: 1 as Height });
    await assert.rejects(setting.handlers().onRequest(aName('insurer'), request), damage);
    assert.deepEqual([setting.fatal, setting.engine.failure], [[damage], { cause: damage }]);
  });

  it('stops for good when its log cannot be written (W7)', async () => {
    setting.clock.advance(2_000);
    await setting.starting;
    const cause = new Error('no space left');
    stores.safety.log.append = () => {
      throw cause;
    };
    setting.said.length = 0;
    // SKIPs of two others end view 1 with ours, and in view 2 make it skip too: a new promise, which must be durable first.
    for (const view of [1, 2] as View[]) {
      for (const voter of [0, 2]) {
        const vote = aVote({ ...ballot, view }, voter);
        void setting.handlers().onConsensusFrame(aName('insurer'), encodeMessage({ kind: 'vote', vote }));
      }
    }
    assert.deepEqual(setting.fatal, [cause]);
    assert.equal(setting.engine.isFailed, true);
    setting.clock.advance(60_000);
    assert.deepEqual(
      setting.said.map(({ kind }) => kind),
      ['certificate'],
    );
    const envelope = anEnvelope({ notAfter: (noon + 600_000) as typeof noon });
    assert.deepEqual(await setting.engine.submit(envelope), refused('busy', 'not taking part'));
  });
});
