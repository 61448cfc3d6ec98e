import assert from 'node:assert/strict';
import { ed25519 } from '../../../node/ed25519.ts';
import type { GateOptions } from '../../../node/gate.ts';
import type { SignatureCheck } from '../../../protocol/signature.ts';
import { signProposal } from '../../../node/statement.ts';
import { batchesRoot, headerDigest } from '../../../protocol/block.ts';
import type { Epoch, Timestamp, View, VoterIndex } from '../../../protocol/brand.ts';
import { notAfterAheadMsMax } from '../../../protocol/limits.ts';
import { encodeMessage } from '../../../protocol/message.ts';
import { accepted, refused } from '../../../protocol/result.ts';
import type { SignatureScheme } from '../../../protocol/signature.ts';
import type { Ballot, Vote } from '../../../protocol/vote.ts';
import {
  aCertificate,
  aCommitOf,
  adminOf,
  aDigest,
  aHeader,
  anEnvelope,
  anId,
  aTransaction,
  aVote,
  consensusSignerOf,
  later,
  noon,
  testChainId,
  testVoters,
  valueOf,
} from '../../support/chain.ts';
import { aBatch, aGate, anOpaqueTransaction } from '../../support/nodeParts.ts';

/** Counts what reaches the library below the gate's memory. */
function aCountingScheme(): SignatureScheme & { readonly count: () => number } {
  let count = 0;
  return {
    count: () => count,
    verify: (message, signature, key) => {
      count += 1;
      return ed25519.verify(message, signature, key);
    },
  };
}

function aSkip(view: number): Ballot {
  return { kind: 'skip', epoch: 1 as Epoch, view: view as View, digest: null };
}

const busyVerifier: Pick<GateOptions, 'verifyMany'> = {
  verifyMany: async () => {
    throw new Error('the queue is full');
  },
};

describe('the gate for transactions', () => {
  it('lets in what its signers signed', async () => {
    assert.deepEqual(await aGate().transaction(anEnvelope(), noon), accepted(aTransaction()));
  });

  it('refuses bytes that are no transaction (malformed)', async () => {
    const result = await aGate().transaction(new Uint8Array([1, 2, 3]), noon);
    assert.equal(result.ok ? null : result.refusal.code, 'malformed');
  });

  it('refuses a transaction of another chain (wrongChain)', async () => {
    const envelope = anEnvelope({ chainId: aDigest(1) });
    assert.deepEqual(await aGate().transaction(envelope, noon), refused('wrongChain'));
  });

  it('refuses a transaction whose last moment is now (expired)', async () => {
    const envelope = anEnvelope({ notAfter: later(1) });
    assert.equal((await aGate().transaction(envelope, noon)).ok, true);
    assert.deepEqual(await aGate().transaction(envelope, later(1)), refused('expired'));
  });

  it('passes a transaction whose time is over, if it is known already: its sender asks what became of it', async () => {
    const gate = aGate({ isKnown: () => true });
    assert.equal((await gate.transaction(anEnvelope({ notAfter: later(1) }), later(60_000))).ok, true);
  });

  it('refuses a transaction that would stay good for more than a day (notAfterTooFar)', async () => {
    const envelope = anEnvelope({ notAfter: later(notAfterAheadMsMax) });
    assert.equal((await aGate().transaction(envelope, noon)).ok, true);
    const before = (noon - 1) as Timestamp;
    assert.deepEqual(await aGate().transaction(envelope, before), refused('notAfterTooFar'));
  });

  it('refuses a signature by somebody else (badSignature)', async () => {
    const gate = aGate({ verifyMany: async (items) => items.map(() => false) });
    const result = await gate.transaction(anEnvelope(), noon);
    assert.equal(result.ok ? null : result.refusal.code, 'badSignature');
  });

  it('refuses without judging while the verifier is full (busy)', async () => {
    assert.deepEqual(
      await aGate(busyVerifier).transaction(anEnvelope(), noon),
      refused('busy', 'verification'),
    );
  });
});

describe('the gate for batches', () => {
  it('lets in a batch with all that its member vouches for', async () => {
    const sealed = aBatch({ transactions: [aTransaction(), aTransaction({ id: anId(2) })] });
    assert.deepEqual(await aGate().batch(sealed.batch.bytes), accepted(sealed));
  });

  it('verifies all signatures of a batch in one call', async () => {
    const calls: (readonly SignatureCheck[])[] = [];
    const gate = aGate({
      verifyMany: async (items) => {
        calls.push(items);
        return items.map(() => true);
      },
    });
    const two = aTransaction({ id: anId(2), signers: [adminOf('hospital'), adminOf('clinic')] });
    await gate.batch(aBatch({ transactions: [aTransaction(), two] }).batch.bytes);
    assert.deepEqual(
      calls.map((items) => items.length),
      [3],
    );
  });

  it('verifies no batch again that is held, unless one byte of it is other', async () => {
    const held = aBatch();
    let count = 0;
    const verifyMany: GateOptions['verifyMany'] = async (items) => {
      count += 1;
      return items.map(() => true);
    };
    const heldBatch: GateOptions['heldBatch'] = (digest) => (digest === held.batch.digest ? held : null);
    const gate = aGate({ verifyMany, heldBatch });
    assert.deepEqual(await gate.batch(Uint8Array.from(held.batch.bytes)), accepted(held));
    assert.equal(count, 0);
    const other = Uint8Array.from(held.batch.bytes);
    const last = other.length - 1;
    other[last] = (other[last] ?? 0) ^ 1;
    assert.deepEqual(await gate.batch(other), refused('badSignature'));
  });

  it('refuses bytes that are no batch (malformed)', async () => {
    const result = await aGate().batch(new Uint8Array([0]));
    assert.equal(result.ok ? null : result.refusal.code, 'malformed');
  });

  it('refuses a batch of somebody who is no active member (memberNotActive)', async () => {
    const { batch } = aBatch({ member: 'stranger' });
    assert.deepEqual(await aGate().batch(batch.bytes), refused('memberNotActive'));
  });

  it('refuses a batch of another chain (wrongChain)', async () => {
    const { batch } = aBatch({ chainId: aDigest(1) });
    assert.deepEqual(await aGate().batch(batch.bytes), refused('wrongChain'));
  });

  it('refuses a batch that its member did not sign (badSignature)', async () => {
    const gate = aGate({ batchKeysOf: () => [consensusSignerOf('clinic').publicKey] });
    assert.deepEqual(await gate.batch(aBatch().batch.bytes), refused('badSignature'));
  });

  it('takes a batch under the key before a rotation, while it is on its way', async () => {
    const keys = ['clinic', 'hospital'].map((name) => consensusSignerOf(name).publicKey);
    assert.equal((await aGate({ batchKeysOf: () => keys }).batch(aBatch().batch.bytes)).ok, true);
  });

  it('refuses a batch whole for one transaction that does not decode (batchInvalid)', async () => {
    const { batch } = aBatch({ transactions: [aTransaction(), anOpaqueTransaction(1)] });
    assert.deepEqual(await aGate().batch(batch.bytes), refused('batchInvalid', 'malformed'));
  });

  it('refuses a batch whole for one transaction of another chain (batchInvalid)', async () => {
    const { batch } = aBatch({ transactions: [aTransaction(), aTransaction({ chainId: aDigest(1) })] });
    assert.deepEqual(await aGate().batch(batch.bytes), refused('batchInvalid', 'wrongChain'));
  });

  it('refuses a batch whole for one signature that does not hold (batchInvalid)', async () => {
    const gate = aGate({ verifyMany: async (items) => items.map((_item, index) => index !== 1) });
    const { batch } = aBatch({ transactions: [aTransaction(), aTransaction({ id: anId(2) })] });
    assert.deepEqual(await gate.batch(batch.bytes), refused('batchInvalid', 'badSignature'));
  });

  it('refuses a batch without judging it while the verifier is full (busy)', async () => {
    const result = await aGate(busyVerifier).batch(aBatch().batch.bytes);
    assert.deepEqual(result, refused('busy', 'verification'));
  });
});

describe('the gate for consensus frames', () => {
  it('lets in votes, certificates, requests and status as what they are', () => {
    const vote = aVote(aSkip(1), 2);
    const certificate = aCertificate(aSkip(1));
    const epoch = 1 as Epoch;
    const wanted = { kind: 'certificatesWanted', epoch, fromView: 1 as View, toView: 3 as View } as const;
    const gate = aGate();
    assert.deepEqual(gate.frame(encodeMessage({ kind: 'vote', vote })), accepted({ kind: 'vote', vote }));
    assert.deepEqual(
      gate.frame(encodeMessage({ kind: 'certificate', certificate })),
      accepted({ kind: 'certificate', certificate }),
    );
    assert.deepEqual(gate.frame(encodeMessage(wanted)), accepted(wanted));
  });

  it('refuses bytes that are no message (malformed)', () => {
    const result = aGate().frame(new Uint8Array([0xff]));
    assert.equal(result.ok ? null : result.refusal.code, 'malformed');
  });

  it('refuses a vote that is not by its voter (badSignature)', () => {
    const vote = { ...aVote(aSkip(1), 2), voter: aVote(aSkip(1), 1).voter };
    assert.deepEqual(aGate().frame(encodeMessage({ kind: 'vote', vote })), refused('badSignature'));
  });

  it('knows statements of the next epoch as early, and those of other epochs as nothing, without a look at signatures', () => {
    const of = (epoch: number): Vote => ({ ...aVote(aSkip(1), 2), epoch: epoch as Epoch });
    const gate = aGate({ voters: { ...testVoters, epoch: 2 as Epoch } });
    const kinds = [1, 3, 4].map(
      (epoch) => valueOf(gate.frame(encodeMessage({ kind: 'vote', vote: of(epoch) }))).kind,
    );
    assert.deepEqual(kinds, ['known', 'early', 'known']);
    const certificate = aCertificate({ ...aSkip(1), epoch: 3 as Epoch });
    assert.equal(valueOf(gate.frame(encodeMessage({ kind: 'certificate', certificate }))).kind, 'early');
  });

  it('verifies with the voters in force when the message comes', () => {
    let voters = testVoters;
    const gate = aGate({
      get voters() {
        return voters;
      },
    });
    voters = { ...testVoters, epoch: 2 as Epoch };
    const vote = aVote({ ...aSkip(1), epoch: 2 as Epoch }, 2);
    assert.deepEqual(gate.frame(encodeMessage({ kind: 'vote', vote })), accepted({ kind: 'vote', vote }));
  });

  it('refuses a certificate without a quorum (certificateInvalid)', () => {
    const certificate = aCertificate(aSkip(1), [0, 1]);
    const result = aGate().frame(encodeMessage({ kind: 'certificate', certificate }));
    assert.deepEqual(result, refused('certificateInvalid', 'count'));
  });

  it('refuses a proposal that its leader did not sign (badSignature)', () => {
    const header = aHeader({ batchesRoot: batchesRoot([]) });
    const { signature } = aVote({ ...aSkip(1), kind: 'prepare', digest: headerDigest(header) }, 0);
    const justification = { parent: null, skips: [] };
    const proposal = { block: { header, batchDigests: [] }, justification, signature };
    assert.deepEqual(aGate().frame(encodeMessage({ kind: 'proposal', proposal })), refused('badSignature'));
  });

  it('refuses a proposal with another list of batches than its header commits to (headerInvalid)', () => {
    const own = { chainId: testChainId, index: 0 as VoterIndex, signer: consensusSignerOf('hospital') };
    const block = { header: aHeader({ batchesRoot: batchesRoot([]) }), batchDigests: [] };
    const proposal = signProposal(block, { parent: null, skips: [] }, own);
    const altered = { ...proposal, block: { ...block, batchDigests: [aDigest(1)] } };
    const gate = aGate();
    assert.deepEqual(
      gate.frame(encodeMessage({ kind: 'proposal', proposal })),
      accepted({ kind: 'proposal', proposal }),
    );
    assert.deepEqual(
      gate.frame(encodeMessage({ kind: 'proposal', proposal: altered })),
      refused('headerInvalid', 'batchesRoot'),
    );
  });

  it('does not verify votes and certificates that the core has no use for', () => {
    const scheme = aCountingScheme();
    const gate = aGate({ scheme, isVoteNew: () => false, isCertificateNew: () => false });
    const forged = { ...aVote(aSkip(1), 2), voter: aVote(aSkip(1), 1).voter };
    assert.deepEqual(gate.frame(encodeMessage({ kind: 'vote', vote: forged })), accepted({ kind: 'known' }));
    assert.deepEqual(
      gate.frame(encodeMessage({ kind: 'certificate', certificate: aCertificate(aSkip(1), [0]) })),
      accepted({ kind: 'known' }),
    );
    assert.equal(scheme.count(), 0);
  });

  it('verifies a signature once: a vote is not verified again inside its certificate', () => {
    const scheme = aCountingScheme();
    const gate = aGate({ scheme });
    for (const voter of [0, 1]) gate.frame(encodeMessage({ kind: 'vote', vote: aVote(aSkip(1), voter) }));
    assert.equal(scheme.count(), 2);
    assert.equal(gate.certificate(aCertificate(aSkip(1), [0, 1, 2])).ok, true);
    assert.equal(scheme.count(), 3);
  });

  it('does not remember a signature that does not hold', () => {
    const scheme = aCountingScheme();
    const gate = aGate({ scheme });
    const vote = { ...aVote(aSkip(1), 2), voter: aVote(aSkip(1), 1).voter };
    const frame = encodeMessage({ kind: 'vote', vote });
    gate.frame(frame);
    gate.frame(frame);
    assert.equal(scheme.count(), 2);
  });

  it('does not take a signature over one statement for a signature over another', () => {
    const gate = aGate();
    const { signature } = aVote(aSkip(1), 2);
    gate.frame(encodeMessage({ kind: 'vote', vote: aVote(aSkip(1), 2) }));
    const moved = { ...aVote(aSkip(2), 2), signature };
    assert.deepEqual(gate.frame(encodeMessage({ kind: 'vote', vote: moved })), refused('badSignature'));
  });

  it('remembers the newest 8,192 signatures and forgets those before the 8,192 before them', () => {
    let count = 0;
    const verify = (): boolean => {
      count += 1;
      return true;
    };
    const gate = aGate({ scheme: { verify } });
    const { signature, voter } = aVote(aSkip(1), 2);
    const hear = (view: number): void => {
      gate.frame(encodeMessage({ kind: 'vote', vote: { ...aSkip(view), voter, signature } }));
    };
    for (let view = 1; view <= 8_192; view += 1) hear(view);
    hear(1);
    assert.equal(count, 8_192);
    for (let view = 8_193; view <= 2 * 8_192; view += 1) hear(view);
    hear(2 * 8_192);
    assert.equal(count, 2 * 8_192);
    hear(1);
    assert.equal(count, 2 * 8_192 + 1);
  });

  it('checks every signature of a CC', () => {
    const scheme = aCountingScheme();
    assert.equal(aGate({ scheme }).certificate(aCommitOf(aHeader())).ok, true);
    assert.equal(scheme.count(), 3);
  });
});
