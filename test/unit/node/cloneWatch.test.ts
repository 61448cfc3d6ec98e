import assert from 'node:assert/strict';
import { CloneWatch, watchFor } from '../../../node/cloneWatch.ts';
import type { VerifiedMessage } from '../../../node/gate.ts';
import { signProposal, type OwnVoter } from '../../../node/statement.ts';
import type { SafetyRecord } from '../../../consensus/record.ts';
import type { Epoch, Height, Timestamp, Verified, View, VoterIndex } from '../../../protocol/brand.ts';
import type { Certificate } from '../../../protocol/certificate.ts';
import type { VoteKind } from '../../../protocol/vote.ts';
import {
  aCertificate,
  aDigest,
  aHeader,
  aVote,
  consensusSignerOf,
  testChainId,
} from '../../support/chain.ts';

const epoch = 1 as Epoch;
const own: OwnVoter = {
  chainId: testChainId,
  index: 1 as VoterIndex,
  signer: consensusSignerOf('clinic'),
};

function ballot(kind: VoteKind, view: number, number = 1): Parameters<typeof aVote>[0] {
  return { kind, epoch, view: view as View, digest: kind === 'skip' ? null : aDigest(number) };
}

function vote(kind: VoteKind, view: number, voter = 1): Extract<VerifiedMessage, { kind: 'vote' }> {
  return { kind: 'vote', vote: aVote(ballot(kind, view), voter) };
}

function proposal(view: number, number = 1): Extract<VerifiedMessage, { kind: 'proposal' }> {
  const header = aHeader({ view: view as View, proposer: own.index, stateRoot: aDigest(number) });
  const block = { header, batchDigests: [] };
  return { kind: 'proposal', proposal: signProposal(block, { parent: null, skips: [] }, own) };
}

function certificate(view: number, ...signers: number[]): Extract<VerifiedMessage, { kind: 'certificate' }> {
  const made = aCertificate(ballot('prepare', view), signers);
  return { kind: 'certificate', certificate: made as Verified<Certificate> };
}

/** Our log: a PREPARE and a proposal of view 5. */
const records: readonly SafetyRecord[] = [vote('prepare', 5), proposal(5)];

function isFoundBy(message: VerifiedMessage, log = records): boolean {
  const watch = new CloneWatch(own.index, 4, log);
  watch.hear(message);
  return watch.isFound;
}

describe('listening for our own key (W8)', () => {
  it('finds a vote of ours in a view that our log has not reached', () => {
    assert.equal(isFoundBy(vote('prepare', 6)), true);
  });

  it('finds, after our log was lost, who speaks with our key, and not what certificates hold of ours (W6)', () => {
    const lost: SafetyRecord = { kind: 'memory', memory: 'lost', epoch, view: 0 as View };
    assert.equal(isFoundBy(vote('prepare', 6), [lost]), true);
    assert.equal(isFoundBy(proposal(6), [lost]), true);
    assert.equal(isFoundBy(certificate(6, 0, 1, 2), [lost]), false);
    assert.equal(isFoundBy(certificate(6, 0, 1, 2), [lost, { ...lost, memory: 'regained' }]), true);
  });

  it('finds another vote of ours in the newest view of our log', () => {
    assert.equal(isFoundBy(vote('skip', 5)), true);
    assert.equal(isFoundBy({ kind: 'vote', vote: aVote(ballot('prepare', 5, 2), 1) }), true);
  });

  it('finds another proposal of ours', () => {
    assert.equal(isFoundBy(proposal(5, 2)), true);
    assert.equal(isFoundBy(proposal(9)), true);
  });

  it('finds our part in a certificate of a view that our log has not reached', () => {
    assert.equal(isFoundBy(certificate(6, 0, 1, 2)), true);
  });

  it('knows its own statements again', () => {
    assert.equal(isFoundBy(vote('prepare', 5)), false);
    assert.equal(isFoundBy(proposal(5)), false);
    assert.equal(isFoundBy(certificate(5, 0, 1, 2)), false);
  });

  it('takes nobody else for itself', () => {
    assert.equal(isFoundBy(vote('prepare', 6, 2)), false);
    assert.equal(isFoundBy(certificate(6, 0, 2, 3)), false);
    const other = proposal(6);
    const { block } = other.proposal;
    const header = { ...block.header, proposer: 2 as VoterIndex };
    const theirs = { ...other.proposal, block: { ...block, header } };
    assert.equal(isFoundBy({ kind: 'proposal', proposal: theirs }), false);
  });

  it('does not wonder at old statements, which its log may have dropped', () => {
    assert.equal(isFoundBy(vote('commit', 4)), false);
    assert.equal(isFoundBy(proposal(4)), false);
  });

  it('counts every kind of record as reached', () => {
    const log: readonly SafetyRecord[] = [certificate(7, 0, 2, 3)];
    assert.equal(isFoundBy(certificate(7, 0, 1, 2), log), false);
    assert.equal(isFoundBy(certificate(8, 0, 1, 2), log), true);
    const block = { header: aHeader({ view: 9 as View }), batchDigests: [] };
    assert.equal(isFoundBy(certificate(9, 0, 1, 2), [{ kind: 'block', block }]), false);
  });

  it('hears nothing of itself in what nobody signs', () => {
    const timeMs = 0 as Timestamp;
    const view = 99 as View;
    const status = { epoch, view, finalView: view, finalHeight: 99 as Height, timeMs };
    assert.equal(isFoundBy({ kind: 'status', status }), false);
    assert.equal(isFoundBy({ kind: 'known' }), false);
    assert.equal(isFoundBy({ kind: 'certificatesWanted', epoch, fromView: view, toView: view }), false);
  });

  it('does not forget what it has found', () => {
    const watch = new CloneWatch(own.index, 4, records);
    watch.hear(vote('prepare', 6));
    watch.hear(vote('prepare', 5));
    assert.equal(watch.isFound, true);
  });

  it('is for voters that have voted before', () => {
    assert.equal(watchFor(null, 4, records), null);
    assert.equal(watchFor(own, 4, []), null);
    assert.notEqual(watchFor(own, 4, records), null);
  });
});
