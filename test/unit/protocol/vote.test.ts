import assert from 'node:assert/strict';
import { ed25519 } from '../../../node/ed25519.ts';
import type { Epoch, View, VoterIndex } from '../../../protocol/brand.ts';
import { bytesToHex } from '../../../protocol/bytes.ts';
import { accepted, refused } from '../../../protocol/result.ts';
import {
  consensusSigningBytes,
  verifyVote,
  voteSchema,
  type Ballot,
  type SignedKind,
} from '../../../protocol/vote.ts';
import { aDigest, aVote, aVoterSet, testChainId, testVoters } from '../../support/chain.ts';

const ballot: Ballot = { kind: 'prepare', epoch: 1 as Epoch, view: 3 as View, digest: aDigest(4) };
const context = { chainId: testChainId, voters: testVoters };

describe('a vote', () => {
  it('holds for the voter who signed it', () => {
    for (let voter = 0; voter < 4; voter += 1) {
      const vote = aVote(ballot, voter);
      assert.deepEqual(verifyVote(vote, context, ed25519), accepted(vote));
    }
  });

  it('is refused for another voter, view, block, kind or chain', () => {
    const vote = aVote(ballot, 1);
    const altered = [
      { ...vote, voter: 2 as VoterIndex },
      { ...vote, view: 4 as View },
      { ...vote, digest: aDigest(5) },
      { ...vote, kind: 'commit' as const },
      { ...vote, kind: 'skip' as const, digest: null },
    ];
    for (const other of altered)
      assert.deepEqual(verifyVote(other, context, ed25519), refused('badSignature'));
    assert.deepEqual(verifyVote(vote, { ...context, chainId: aDigest(1) }, ed25519), refused('badSignature'));
  });

  it('is refused from a place where no voter is', () => {
    const vote = { ...aVote(ballot, 0), voter: 4 as VoterIndex };
    assert.deepEqual(verifyVote(vote, context, ed25519), refused('notAVoter'));
  });

  it('is refused in another epoch, and by other voters', () => {
    const vote = aVote(ballot, 0);
    assert.deepEqual(verifyVote({ ...vote, epoch: 2 as Epoch }, context, ed25519), refused('wrongEpoch'));
    assert.deepEqual(
      verifyVote(vote, { ...context, voters: aVoterSet(4) }, ed25519),
      refused('badSignature'),
    );
  });

  it('names a block, or is a skip and names none', () => {
    const vote = aVote(ballot, 0);
    const wireOf = (changes: object) => ({
      ...vote,
      signature: new Uint8Array(64),
      digest: new Uint8Array(32),
      ...changes,
    });
    assert.equal(voteSchema.safeParse(wireOf({})).success, true);
    assert.equal(voteSchema.safeParse(wireOf({ kind: 'skip', digest: null })).success, true);
    assert.equal(voteSchema.safeParse(wireOf({ digest: null })).success, false);
    assert.equal(voteSchema.safeParse(wireOf({ kind: 'skip' })).success, false);
    assert.equal(voteSchema.safeParse(wireOf({ kind: 'propose' })).success, false);
  });

  it('signs other bytes for every kind, epoch, view, block and chain', () => {
    const kinds: readonly SignedKind[] = ['propose', 'prepare', 'commit', 'skip'];
    const statements = kinds.flatMap((kind) =>
      [1, 2].flatMap((epoch) =>
        [0, 1, 256].flatMap((view) =>
          [null, aDigest(1)].map((digest) => ({ kind, epoch: epoch as Epoch, view: view as View, digest })),
        ),
      ),
    );
    const signed = [testChainId, aDigest(1)].flatMap((chainId) =>
      statements.map((statement) => bytesToHex(consensusSigningBytes(chainId, statement))),
    );
    assert.equal(new Set(signed).size, signed.length);
  });
});
