import assert from 'node:assert/strict';
import {
  EquivocationWatch,
  findingsMax,
  reportAgainMs,
  reportRetryMs,
  watchedViewsMax,
} from '../../../node/equivocation.ts';
import { ed25519 } from '../../../node/ed25519.ts';
import { Pool } from '../../../node/pool.ts';
import { reportEnvelope } from '../../../node/reporter.ts';
import { sealBatch, type Batch } from '../../../protocol/batch.ts';
import { headerDigest } from '../../../protocol/block.ts';
import type { Epoch, MemberName, Sequence, Verified, View } from '../../../protocol/brand.ts';
import type { Certificate } from '../../../protocol/certificate.ts';
import { verifyEvidence, type Evidence } from '../../../protocol/evidence.ts';
import type { Proposal } from '../../../protocol/proposal.ts';
import { decodeTransaction, verifyTransaction } from '../../../protocol/transaction.ts';
import { consensusSigningBytes, type Ballot, type VoteKind } from '../../../protocol/vote.ts';
import {
  aCertificate,
  aDigest,
  aHeader,
  anEnvelope,
  aVote,
  consensusSignerOf,
  noon,
  testChainId,
  testVoters,
  valueOf,
} from '../../support/chain.ts';

const epoch = 1 as Epoch;
/** Voter 1 of the test chain; the watch is voter 0's. */
const clinic = 1;

function ballot(kind: VoteKind, view: number, block: number | null): Ballot {
  return { kind, epoch, view: view as View, digest: block === null ? null : aDigest(block) };
}

function aWatch(options: { readonly isTaken?: boolean } = {}) {
  const reports: Evidence[] = [];
  const found: MemberName[] = [];
  const known = new Set<Evidence>();
  const setting = { isTaken: options.isTaken ?? true };
  const watch = new EquivocationWatch({
    own: 'hospital' as MemberName,
    voters: () => testVoters,
    consensusKeyOf: (name) => consensusSignerOf(name).publicKey,
    isProof: (evidence) => verifyEvidence(evidence, testChainId, ed25519).ok,
    isIdle: (evidence) => known.has(evidence),
    report: async (evidence) => {
      reports.push(evidence);
      return setting.isTaken;
    },
    onFound: (member) => found.push(member),
  });
  const hearVote = (said: Ballot, voter: number): void =>
    watch.hear({ kind: 'vote', vote: aVote(said, voter) });
  const say = (kind: VoteKind, view: number, block: number | null): void =>
    hearVote(ballot(kind, view, block), clinic);
  return { watch, say, hearVote, reports, found, known };
}

function aBatch(member: string, sequence: number, envelopes: number): Batch {
  const input = { chainId: testChainId, member: member as MemberName, sequence: sequence as Sequence };
  const list = Array.from({ length: envelopes }, () => anEnvelope());
  return sealBatch({ ...input, envelopes: list }, consensusSignerOf(member));
}

describe('the watch for equivocation', () => {
  it('makes evidence of two votes for different blocks, once', async () => {
    const { watch, say, reports, found } = aWatch();
    say('prepare', 5, 1);
    say('prepare', 5, 1);
    assert.deepEqual(found, []);
    say('prepare', 5, 2);
    say('prepare', 5, 3);
    assert.deepEqual(found, ['clinic']);
    await watch.tick(0);
    const [evidence] = reports;
    assert.ok(evidence !== undefined);
    assert.deepEqual(verifyEvidence(evidence, testChainId, ed25519), { ok: true, value: 'prepare' });
  });

  it('makes evidence of COMMIT and SKIP, and none of PREPARE and SKIP', () => {
    const { say, found } = aWatch();
    say('prepare', 5, 1);
    say('skip', 5, null);
    assert.deepEqual(found, []);
    say('commit', 5, 1);
    assert.deepEqual(found, ['clinic']);
  });

  it('finds a leader that shows two blocks', () => {
    const { watch, found } = aWatch();
    for (const number of [1, 2]) {
      const header = aHeader({ view: 5 as View, proposer: clinic as never, batchesRoot: aDigest(number) });
      const bytes = consensusSigningBytes(testChainId, {
        kind: 'propose',
        epoch,
        view: header.view,
        digest: headerDigest(header),
      });
      const proposal = {
        block: { header, batchDigests: [] },
        justification: { parent: null, skips: [] },
        signature: consensusSignerOf('clinic').sign(bytes),
      } as unknown as Verified<Proposal>;
      watch.hear({ kind: 'proposal', proposal });
    }
    assert.deepEqual(found, ['clinic']);
  });

  it('finds who told somebody else another thing, in that one’s certificate', () => {
    const { watch, say, found } = aWatch();
    say('prepare', 5, 1);
    const certificate = aCertificate(ballot('prepare', 5, 2), [1, 2, 3]) as Verified<Certificate>;
    watch.hear({ kind: 'certificate', certificate });
    assert.deepEqual(found, ['clinic']);
  });

  it('finds two batches under one sequence, wherever the second comes in', () => {
    const { watch, found } = aWatch();
    const pool = new Pool((held, other) => watch.hearBatches(held, other));
    for (const isOrdered of [false, true]) {
      const batch = aBatch('clinic', 1, isOrdered ? 2 : 1) as Verified<Batch>;
      pool.add({ batch, transactions: [] }, { isOrdered });
      pool.add({ batch, transactions: [] }, { isOrdered });
    }
    assert.deepEqual(found, ['clinic']);
  });

  it('never judges its own node', () => {
    const { watch, hearVote, found } = aWatch();
    hearVote(ballot('prepare', 5, 1), 0);
    hearVote(ballot('prepare', 5, 2), 0);
    watch.hearBatches(aBatch('hospital', 1, 1), aBatch('hospital', 1, 2));
    assert.deepEqual(found, []);
  });

  it('reports nothing that would not stand', () => {
    const { watch, say, found } = aWatch();
    say('prepare', 5, 1);
    const forged = { ...aVote(ballot('prepare', 5, 2), 2), voter: clinic as never };
    watch.hear({ kind: 'vote', vote: forged });
    assert.deepEqual(found, []);
  });

  it('asks for a vote that nobody counts only if it contradicts another', () => {
    const { watch, say } = aWatch();
    say('prepare', 5, 1);
    assert.equal(watch.contradicts(aVote(ballot('prepare', 5, 1), clinic)), false);
    assert.equal(watch.contradicts(aVote(ballot('prepare', 5, 2), 2)), false);
    assert.equal(watch.contradicts(aVote(ballot('prepare', 5, 2), clinic)), true);
    say('prepare', 5, 2);
    assert.equal(watch.contradicts(aVote(ballot('prepare', 5, 3), clinic)), false);
  });

  it('reports again until the ledger has it, and then no more', async () => {
    const refusing = aWatch({ isTaken: false });
    refusing.say('commit', 5, 1);
    refusing.say('commit', 5, 2);
    await refusing.watch.tick(0);
    await refusing.watch.tick(reportRetryMs - 1);
    assert.equal(refusing.reports.length, 1);
    await refusing.watch.tick(reportRetryMs);
    assert.equal(refusing.reports.length, 2);

    const { watch, say, reports, known } = aWatch();
    say('commit', 5, 1);
    say('commit', 5, 2);
    await watch.tick(0);
    await watch.tick(reportAgainMs - 1);
    assert.equal(reports.length, 1);
    for (const evidence of reports) known.add(evidence);
    await watch.tick(reportAgainMs);
    assert.equal(reports.length, 1);
  });

  it('remembers so many views and no more', () => {
    const { say, found } = aWatch();
    for (let view = 1; view <= watchedViewsMax + 1; view += 1) say('prepare', view, 1);
    say('prepare', 1, 2);
    assert.deepEqual(found, []);
    say('prepare', 2, 2);
    assert.deepEqual(found, ['clinic']);
  });

  it('keeps so many findings and no more', async () => {
    const { watch, say, reports } = aWatch();
    for (let view = 1; view <= findingsMax + 1; view += 1) {
      say('prepare', view, 1);
      say('prepare', view, 2);
    }
    await watch.tick(0);
    assert.equal(reports.length, findingsMax);
  });
});

describe('a report', () => {
  it('is a good transaction under the consensus key, with an id of its own at each attempt', async () => {
    const { watch, say, reports } = aWatch();
    say('prepare', 5, 1);
    say('prepare', 5, 2);
    await watch.tick(0);
    const [evidence] = reports;
    assert.ok(evidence !== undefined);
    const signer = consensusSignerOf('hospital');
    const reporter = { chainId: testChainId, own: 'hospital' as MemberName, signer };
    const [first, second] = [0, 1].map((later) => {
      const envelope = reportEnvelope(reporter, evidence, noon + later);
      return valueOf(verifyTransaction(valueOf(decodeTransaction(envelope)), testChainId, ed25519));
    });
    assert.deepEqual(
      first?.signatures.map(({ key }) => key),
      [signer.publicKey],
    );
    assert.notEqual(first?.id, second?.id);
  });
});
