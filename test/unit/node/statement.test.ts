import assert from 'node:assert/strict';
import {
  ballotEntry,
  blockEntry,
  certificateEntry,
  proposalEntry,
  replayEntry,
  signBallot,
  signProposal,
  type OwnVoter,
} from '../../../node/statement.ts';
import { ed25519 } from '../../../node/ed25519.ts';
import type { LogEntry } from '../../../node/storage/safetyRecord.ts';
import type { Epoch, View, VoterIndex } from '../../../protocol/brand.ts';
import { verifyProposal, type Justification } from '../../../protocol/proposal.ts';
import { accepted } from '../../../protocol/result.ts';
import { verifyVote, type Ballot } from '../../../protocol/vote.ts';
import {
  aCertificate,
  aDigest,
  aHeader,
  consensusSignerOf,
  testChainId,
  testVoters,
} from '../../support/chain.ts';

const own: OwnVoter = { chainId: testChainId, index: 1 as VoterIndex, signer: consensusSignerOf('clinic') };
const context = { chainId: testChainId, voters: testVoters };
const epoch = 1 as Epoch;
const view = 5 as View;
const prepare: Ballot = { kind: 'prepare', epoch, view, digest: aDigest(1) };
const skip: Ballot = { kind: 'skip', epoch, view, digest: null };
const block = { header: aHeader({ view, proposer: own.index }), batchDigests: [aDigest(2)] };
const justification: Justification = {
  parent: aCertificate({ kind: 'prepare', epoch, view: 3 as View, digest: aDigest(3) }),
  skips: [aCertificate({ kind: 'skip', epoch, view: 4 as View, digest: null })],
};

describe('our statements', () => {
  it('are signed so that the others’ gates accept them', () => {
    assert.equal(verifyVote(signBallot(prepare, own), context, ed25519).ok, true);
    assert.equal(verifyVote(signBallot(skip, own), context, ed25519).ok, true);
    const proposal = signProposal(block, justification, own);
    assert.equal(verifyProposal(proposal, context, ed25519).ok, true);
  });

  it('come back from the log with the same bytes as they were sent with', () => {
    assert.deepEqual(
      replayEntry(ballotEntry(prepare), own),
      accepted({ kind: 'vote', vote: signBallot(prepare, own) }),
    );
    assert.deepEqual(
      replayEntry(ballotEntry(skip), own),
      accepted({ kind: 'vote', vote: signBallot(skip, own) }),
    );
    const proposal = signProposal(block, justification, own);
    assert.deepEqual(
      replayEntry(proposalEntry(block, justification), own),
      accepted({ kind: 'proposal', proposal }),
    );
  });

  it('stand in the log beside the certificates and blocks that they rely on', () => {
    const [certificate] = justification.skips;
    assert.ok(certificate !== undefined);
    assert.deepEqual(
      replayEntry(certificateEntry(certificate), own),
      accepted({ kind: 'certificate', certificate }),
    );
    assert.deepEqual(replayEntry(blockEntry(block), own), accepted({ kind: 'block', block }));
  });

  it('are filed under their epoch and view', () => {
    const entries = [ballotEntry(prepare), proposalEntry(block, justification), blockEntry(block)];
    assert.deepEqual(
      entries.map((entry) => [entry.kind, entry.epoch, entry.view]),
      [
        ['vote', epoch, view],
        ['proposal', epoch, view],
        ['block', epoch, view],
      ],
    );
  });

  it('are not recorded with a signature: whoever reads a log cannot speak from it', () => {
    const { signature } = signBallot(prepare, own);
    const { body } = ballotEntry(prepare);
    assert.equal(Buffer.from(body).includes(Buffer.from(signature, 'hex')), false);
  });

  for (const kind of ['vote', 'proposal', 'certificate', 'block'] as const) {
    it(`are refused if other code wrote them: a ${kind} that does not decode (malformed)`, () => {
      const entry: LogEntry = { kind, epoch, view, body: new Uint8Array([0xff]) };
      const record = replayEntry(entry, own);
      assert.equal(record.ok ? null : record.refusal.code, 'malformed');
    });
  }
});
