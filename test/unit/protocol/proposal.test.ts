import assert from 'node:assert/strict';
import { ed25519 } from '../../../node/ed25519.ts';
import { headerDigest } from '../../../protocol/block.ts';
import type { Epoch, View, VoterIndex } from '../../../protocol/brand.ts';
import type { Certificate } from '../../../protocol/certificate.ts';
import { decodeMessage, encodeMessage, type ConsensusMessage } from '../../../protocol/message.ts';
import { consensusFrameBytesMax, skipCertificatesInProposalMax } from '../../../protocol/limits.ts';
import { verifyProposal, type Proposal } from '../../../protocol/proposal.ts';
import { accepted, refused } from '../../../protocol/result.ts';
import { consensusSigningBytes } from '../../../protocol/vote.ts';
import {
  aCertificate,
  aDigest,
  aHeader,
  aVote,
  consensusSignerOf,
  testChainId,
  testVoters,
  valueOf,
} from '../../support/chain.ts';

const context = { chainId: testChainId, voters: testVoters };
const header = aHeader({ view: 5 as View, parentView: 2 as View, proposer: 1 as VoterIndex });

function skipOf(view: number, signers: readonly number[] = [0, 1, 2]): Certificate {
  return aCertificate({ kind: 'skip', epoch: 1 as Epoch, view: view as View, digest: null }, signers);
}

const parent = aCertificate({ kind: 'prepare', epoch: 1 as Epoch, view: 2 as View, digest: aDigest(7) });

function aProposal(changes: Partial<typeof header> = {}, signer = consensusSignerOf('clinic')): Proposal {
  const proposed = { ...header, ...changes };
  const { epoch, view } = proposed;
  const message = consensusSigningBytes(proposed.chainId, {
    kind: 'propose',
    epoch,
    view,
    digest: headerDigest(proposed),
  });
  return {
    block: { header: proposed, batchDigests: [aDigest(1)] },
    justification: { parent, skips: [skipOf(3), skipOf(4)] },
    signature: signer.sign(message),
  };
}

function withJustification(justification: Proposal['justification']): Proposal {
  return { ...aProposal(), justification };
}

const proposal = aProposal();

describe('a proposal', () => {
  it('holds with its proposer’s signature and good certificates', () => {
    assert.deepEqual(verifyProposal(proposal, context, ed25519), accepted(proposal));
    const first = withJustification({ parent: null, skips: [] });
    assert.deepEqual(verifyProposal(first, context, ed25519), accepted(first));
  });

  it('is refused when somebody else signed it', () => {
    const forged = aProposal({}, consensusSignerOf('hospital'));
    assert.deepEqual(verifyProposal(forged, context, ed25519), refused('badSignature'));
    const altered = {
      ...proposal,
      block: { ...proposal.block, header: { ...header, stateRoot: aDigest(99) } },
    };
    assert.deepEqual(verifyProposal(altered, context, ed25519), refused('badSignature'));
  });

  it('is refused when a vote’s signature stands for the proposer’s', () => {
    const ballot = {
      kind: 'prepare',
      epoch: header.epoch,
      view: header.view,
      digest: headerDigest(header),
    } as const;
    const { signature } = aVote(ballot, 1);
    assert.deepEqual(verifyProposal({ ...proposal, signature }, context, ed25519), refused('badSignature'));
  });

  it('is refused on another chain, in another epoch, and from no voter', () => {
    assert.deepEqual(
      verifyProposal(aProposal({ chainId: aDigest(1) }), context, ed25519),
      refused('wrongChain'),
    );
    assert.deepEqual(
      verifyProposal(aProposal({ epoch: 2 as Epoch }), context, ed25519),
      refused('wrongEpoch'),
    );
    assert.deepEqual(
      verifyProposal(aProposal({ proposer: 4 as VoterIndex }), context, ed25519),
      refused('notAVoter'),
    );
  });

  it('is refused when any of its certificates is not good', () => {
    const weak = refused('certificateInvalid', 'count');
    const cases = [
      { parent: aCertificate(parent, [0, 1]), skips: [] },
      { parent, skips: [skipOf(3), skipOf(4, [2, 3])] },
      { parent: null, skips: [skipOf(3, [0])] },
    ];
    for (const justification of cases) {
      assert.deepEqual(verifyProposal(withJustification(justification), context, ed25519), weak);
    }
  });
});

describe('messages of the consensus channel', () => {
  const vote = aVote({ kind: 'commit', epoch: 1 as Epoch, view: 5 as View, digest: aDigest(1) }, 2);
  const status = { epoch: 1, view: 5, finalView: 4, finalHeight: 3, timeMs: 1_000 };
  const messages = [
    { kind: 'proposal', proposal },
    { kind: 'vote', vote },
    { kind: 'vote', vote: aVote({ kind: 'skip', epoch: 1 as Epoch, view: 5 as View, digest: null }, 2) },
    { kind: 'certificate', certificate: parent },
    { kind: 'certificate', certificate: skipOf(3) },
    { kind: 'status', status },
    { kind: 'certificatesWanted', epoch: 1, fromView: 1, toView: 5 },
  ] as readonly ConsensusMessage[];

  it('survive their encoding', () => {
    for (const message of messages) assert.deepEqual(valueOf(decodeMessage(encodeMessage(message))), message);
  });

  it('are one message or none: no byte can be changed without changing what is said', () => {
    for (const message of messages.slice(1)) {
      const bytes = encodeMessage(message);
      for (let at = 0; at < bytes.length; at += 1) {
        const altered = decodeMessage(bytes.with(at, (bytes[at] ?? 0) ^ 0x01));
        if (altered.ok) assert.notDeepEqual(altered.value, message);
      }
    }
  });

  it('hold the largest proposal there can be', () => {
    const skips = Array.from({ length: skipCertificatesInProposalMax }, (_, index) => skipOf(index + 3));
    const bytes = encodeMessage({ kind: 'proposal', proposal: withJustification({ parent, skips }) });
    assert.ok(bytes.length <= consensusFrameBytesMax);
    assert.equal(decodeMessage(bytes).ok, true);
    const over = withJustification({ parent, skips: [...skips, skipOf(99)] });
    assert.throws(() => encodeMessage({ kind: 'proposal', proposal: over }));
  });

  it('are refused when they are of no kind, or too large', () => {
    assert.equal(decodeMessage(Uint8Array.of(0xa0)).ok, false);
    assert.deepEqual(
      decodeMessage(new Uint8Array(consensusFrameBytesMax + 1)),
      refused('tooLarge', `at most ${consensusFrameBytesMax} bytes`),
    );
  });
});
