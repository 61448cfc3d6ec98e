import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { UnfinalBlocks } from '../../../node/blockBook.ts';
import { replayEntry } from '../../../node/statement.ts';
import { Validator } from '../../../node/validator.ts';
import type { ConsensusEvent } from '../../../consensus/event.ts';
import type { SafetyRecord } from '../../../consensus/record.ts';
import { headerDigest, type Block } from '../../../protocol/block.ts';
import type { Digest, Epoch, Verified, View } from '../../../protocol/brand.ts';
import type { Certificate } from '../../../protocol/certificate.ts';
import type { VoteKind } from '../../../protocol/vote.ts';
import { aCertificate, aCommitOf, aVote, noon, valueOf } from '../../support/chain.ts';
import { aBatch, aChain, aFetcher, aLog, settled, someBlocks, type Chain } from '../../support/nodeParts.ts';
import { aReactor, ownVoterAt, type ReactorSetting, type ReactorStart } from './reactorSetting.ts';

const getsWork: ConsensusEvent = { kind: 'workChanged', hasWork: true };

function votes(kind: VoteKind, digest: Digest | null, ...from: readonly number[]): readonly ConsensusEvent[] {
  const ballot = { kind, epoch: 1 as Epoch, view: 1 as View, digest };
  return from.map((voter) => ({ kind: 'voteReceived', vote: aVote(ballot, voter) }));
}

/** The clinic has proposed its block of view 1 and prepared it. */
async function afterPrepare(start: ReactorStart = {}): Promise<ReactorSetting & { readonly digest: Digest }> {
  const setting = aReactor(start);
  setting.reactor.handle(getsWork);
  setting.clock.advance(100);
  await settled();
  const proposal = setting.messages.find((message) => message.kind === 'proposal');
  assert.ok(proposal?.kind === 'proposal');
  return { ...setting, digest: headerDigest(proposal.proposal.block.header) };
}

describe('the reactor', () => {
  it('makes a proposal durable before it sends it, and the block and PREPARE before the PREPARE (W1, W3)', async () => {
    const { journal, failures } = await afterPrepare();
    assert.deepEqual(failures, []);
    assert.deepEqual(journal, [
      'append proposal',
      'broadcast proposal to voters',
      'store batches',
      'append block vote',
      'broadcast vote to voters',
    ]);
  });

  it('makes the certificate that ended the view durable in one write with the COMMIT (W2)', async () => {
    const { journal, reactor, digest } = await afterPrepare();
    journal.length = 0;
    for (const vote of votes('prepare', digest, 2, 3)) reactor.handle(vote);
    assert.deepEqual(journal, [
      'append certificate vote',
      'broadcast vote to voters',
      'broadcast certificate to voters',
    ]);
    assert.equal(reactor.state.view, 2);
  });

  it('holds what it signed nothing for until it signs again: the ledger makes a commit durable with its certificate (W4)', async () => {
    const { journal, reactor, clock, digest } = await afterPrepare();
    for (const vote of votes('prepare', digest, 2, 3)) reactor.handle(vote);
    journal.length = 0;
    for (const vote of votes('commit', digest, 2, 3)) reactor.handle(vote);
    assert.deepEqual(journal, ['commit 1']);
    clock.advance(10_000);
    await settled();
    assert.deepEqual(
      journal.find((line) => line.startsWith('append')),
      'append certificate vote',
    );
  });

  it('never holds back more than a bounded number of records', () => {
    const { journal, reactor } = aReactor();
    for (let view = 1; view <= 256; view += 1) {
      const skipped = aCertificate({ kind: 'skip', epoch: 1 as Epoch, view: view as View, digest: null });
      reactor.handle({ kind: 'certificateReceived', certificate: skipped as Verified<Certificate> });
    }
    assert.equal(journal.filter((line) => line.startsWith('append')).length, 1);
  });

  it('counts its own votes as everybody’s: two others make a quorum with it', async () => {
    const { reactor, digest } = await afterPrepare();
    assert.deepEqual([...(reactor.state.votes.get(1 as View)?.prepare.keys() ?? [])], [1]);
    for (const vote of votes('prepare', digest, 2)) reactor.handle(vote);
    assert.equal(reactor.state.view, 1);
    for (const vote of votes('prepare', digest, 3)) reactor.handle(vote);
    assert.equal(reactor.state.view, 2);
  });

  it('sends the very statements that its log holds', async () => {
    const { messages, entries } = await afterPrepare();
    const replayed = entries.map((entry) => valueOf(replayEntry(entry, ownVoterAt(1))));
    const recorded = replayed.filter(({ kind }) => kind === 'vote' || kind === 'proposal');
    assert.deepEqual(messages, recorded);
  });

  it('sends nothing and takes no further step after a write that failed (W7)', async () => {
    const cause = new Error('no space left');
    const setting = aReactor({
      ports: {
        appendDurably: () => {
          throw cause;
        },
      },
    });
    setting.reactor.handle(getsWork);
    setting.clock.advance(100);
    await settled();
    assert.deepEqual(setting.failures, [cause]);
    const { state } = setting.reactor;
    setting.reactor.handle({ kind: 'started' });
    setting.clock.advance(60_000);
    await settled();
    assert.deepEqual(setting.journal, []);
    assert.equal(setting.reactor.state, state);
    assert.equal(setting.clock.waiting(), 0);
    assert.deepEqual(setting.failures, [cause]);
  });

  it('does not vote for a block whose bodies could not be made durable (W7)', async () => {
    const cause = new Error('no space left');
    const { validator, chain } = aBrokenValidator(cause);
    const setting = aReactor({ chain, ports: { validator } });
    setting.reactor.handle(getsWork);
    setting.clock.advance(100);
    await settled();
    assert.deepEqual(setting.failures, [cause]);
    assert.deepEqual(setting.journal, ['append proposal', 'broadcast proposal to voters']);
  });

  it('does nothing after it was stopped', async () => {
    const setting = aReactor();
    setting.reactor.handle({ kind: 'started' });
    setting.reactor.handle(getsWork);
    setting.reactor.stop();
    setting.journal.length = 0;
    setting.clock.advance(60_000);
    setting.reactor.handle(getsWork);
    await settled();
    assert.deepEqual(setting.journal, []);
    assert.equal(setting.clock.waiting(), 0);
  });

  it('has one timer of a kind: a new one replaces the one before it', () => {
    const setting = aReactor({ own: 0 });
    setting.reactor.handle(getsWork);
    assert.equal(setting.clock.waiting(), 2);
    const epoch = 1 as Epoch;
    const skip = aCertificate({ kind: 'skip', epoch, view: 1 as View, digest: null });
    setting.reactor.handle({ kind: 'certificateReceived', certificate: skip as Verified<Certificate> });
    assert.equal(setting.reactor.state.view, 2);
    assert.equal(setting.clock.waiting(), 2);
  });

  it('skips a view in which no proposal comes', () => {
    const setting = aReactor({ own: 0 });
    setting.reactor.handle(getsWork);
    setting.clock.advance(999);
    assert.deepEqual(setting.journal, []);
    setting.clock.advance(1);
    assert.deepEqual(setting.journal, ['append vote', 'broadcast vote to voters']);
    assert.deepEqual(
      setting.messages.map((message) => (message.kind === 'vote' ? message.vote.kind : message.kind)),
      ['skip'],
    );
  });

  it('puts its wall clock into a STATUS, and sends it to all members', () => {
    const setting = aReactor();
    setting.clock.jumpWall(5);
    setting.reactor.handle({ kind: 'started' });
    assert.deepEqual(setting.journal, ['broadcast status to members']);
    assert.deepEqual(setting.messages, [
      { kind: 'status', status: { epoch: 1, view: 1, finalView: 0, finalHeight: 0, timeMs: noon + 5 } },
    ]);
    setting.clock.advance(1_000);
    assert.deepEqual(setting.journal, ['broadcast status to members', 'broadcast status to members']);
  });

  it('keeps the least interval to the parent, and waits no longer', () => {
    const setting = aReactor();
    setting.reactor.handle(getsWork);
    setting.clock.advance(99);
    assert.deepEqual(setting.journal, []);
    setting.clock.advance(1);
    assert.deepEqual(setting.journal, ['append proposal', 'broadcast proposal to voters']);
  });

  it('builds at once after a quiet time, and never waits for a clock that was set back', () => {
    const quiet = aReactor();
    quiet.clock.advance(60_000);
    quiet.reactor.handle(getsWork);
    quiet.clock.advance(0);
    assert.deepEqual(quiet.journal, ['append proposal', 'broadcast proposal to voters']);
    const setBack = aReactor();
    setBack.clock.jumpWall(-3_600_000);
    setBack.reactor.handle(getsWork);
    setBack.clock.advance(100);
    assert.deepEqual(setBack.journal, ['append proposal', 'broadcast proposal to voters']);
  });

  it('tells the replica that there is nothing to build', () => {
    const setting = aReactor({ chain: aChain() });
    setting.reactor.handle(getsWork);
    setting.clock.advance(100);
    assert.deepEqual(setting.journal, []);
    assert.equal(setting.reactor.state.round.building, 'refused');
  });

  it('never signs as an observer, and commits what the voters certify', () => {
    const { blocks, batches } = someBlocks(1);
    const [block] = blocks;
    assert.ok(block !== undefined);
    const setting = aReactor({ own: null, chain: aChain(batches) });
    setting.reactor.handle({ kind: 'started' });
    setting.reactor.handle(getsWork);
    setting.clock.advance(60_000);
    const kinds = new Set(setting.messages.map(({ kind }) => kind));
    assert.deepEqual([...kinds], ['status']);
    setting.journal.length = 0;
    const certificate = aCommitOf(block.header) as Verified<Certificate>;
    setting.reactor.handle({ kind: 'blocksReceived', blocks: [block] });
    setting.reactor.handle({ kind: 'certificateReceived', certificate });
    assert.deepEqual(setting.journal, ['commit 1']);
    assert.deepEqual(setting.failures, []);
  });

  it('answers a request in the step that takes it, and events that come meanwhile after it', () => {
    const steps: View[] = [];
    const setting: ReactorSetting = aReactor({
      own: 0,
      ports: {
        onStep: (state) => {
          steps.push(state.view);
          if (steps.length === 1) setting.reactor.handle(getsWork);
        },
      },
    });
    setting.reactor.handle({ kind: 'started' });
    assert.equal(steps.length, 2);
    assert.equal(setting.reactor.state.hasWork, true);
  });
});

/** A chain whose validator cannot make batches durable. */
function aBrokenValidator(cause: Error): { readonly validator: Validator; readonly chain: Chain } {
  const chain = aChain([aBatch()]);
  const validator = new Validator({
    clock: chain.clock,
    log: aLog(),
    executor: chain.executor,
    fetcher: aFetcher({}, { pool: chain.pool }).fetcher,
    blocks: new UnfinalBlocks(),
    finalHeight: () => chain.ledger.head().height,
    deltaMs: 500,
    leaderOf: () => [],
    storeBatches: async () => {
      throw cause;
    },
  });
  return { validator, chain };
}

describe('the reactor after a restart', () => {
  it('sends the recorded bytes again and signs nothing anew (W5)', async () => {
    const before = await afterPrepare();
    const records = before.entries.map((entry) => valueOf(replayEntry(entry, ownVoterAt(1))));
    const again = aReactor({ records });
    again.reactor.handle({ kind: 'started' });
    assert.deepEqual(again.entries, []);
    const said = again.messages.filter(({ kind }) => kind !== 'status');
    assert.deepEqual(new Set(said.map(({ kind }) => kind)), new Set(['proposal', 'vote']));
    for (const message of said) {
      assert.ok(before.messages.some((known) => isDeepStrictEqual(known, message)));
    }
  });

  it('executes a prepared parent again before it builds on it', async () => {
    const { parent, chain } = aPreparedParent();
    const setting = aReactor({ own: 2, chain, records: preparedRecords(parent), known: [parent] });
    setting.reactor.handle(getsWork);
    await settled();
    setting.clock.advance(100);
    await settled();
    const proposals = setting.messages.flatMap((message) =>
      message.kind === 'proposal' ? [message.proposal.block.header] : [],
    );
    assert.deepEqual(
      proposals.map(({ height, parentDigest }) => ({ height, parentDigest })),
      [{ height: 2, parentDigest: headerDigest(parent.header) }],
    );
    assert.deepEqual(setting.failures, []);
  });

  it('builds nothing on a parent that it cannot have', async () => {
    const { parent, chain } = aPreparedParent();
    const setting = aReactor({ own: 2, chain, records: preparedRecords(parent) });
    setting.reactor.handle(getsWork);
    await settled();
    setting.clock.advance(100);
    assert.equal(setting.reactor.state.round.building, 'refused');
    assert.deepEqual(setting.journal, []);
  });
});

/** Block 1 of another node, and a chain at genesis that holds its batch and the next one. */
function aPreparedParent(): { readonly parent: Block; readonly chain: Chain } {
  const { blocks, batches } = someBlocks(1);
  const [parent] = blocks;
  assert.ok(parent !== undefined);
  return { parent, chain: aChain([...batches, aBatch({ sequence: 2 })]) };
}

function preparedRecords(block: Block): readonly SafetyRecord[] {
  const { epoch, view } = block.header;
  const certificate = aCertificate({ kind: 'prepare', epoch, view, digest: headerDigest(block.header) });
  return [
    { kind: 'block', block },
    { kind: 'certificate', certificate: certificate as Verified<Certificate> },
  ];
}
