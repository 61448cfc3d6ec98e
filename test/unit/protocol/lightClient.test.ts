/** The light client over hand-made chains of several epochs, and over every lie about them. */
import assert from 'node:assert/strict';
import { ed25519 } from '../../../node/ed25519.ts';
import { headerDigest, type Header } from '../../../protocol/block.ts';
import type { Epoch, Height, View } from '../../../protocol/brand.ts';
import {
  followClosing,
  trustGenesis,
  verifyFinality,
  verifyFromGenesis,
  type GenesisProof,
  type FinalityProof,
  type Trust,
} from '../../../protocol/lightClient.ts';
import { stampHeadersMax } from '../../../protocol/limits.ts';
import { voterSetHash, type VoterSet } from '../../../protocol/member.ts';
import { refused } from '../../../protocol/result.ts';
import {
  aCertificate,
  aChildOf,
  aDigest,
  aHeader,
  aVoterSet,
  testGenesis,
  testVoters,
  valueOf,
} from '../../support/chain.ts';

const genesisTrust = trustGenesis(testGenesis);
/** Epoch 2 has seven voters, none of them a founder; epoch 3 five. */
const second: VoterSet = { ...aVoterSet(7), epoch: 2 as Epoch };
const third: VoterSet = { ...aVoterSet(5), epoch: 3 as Epoch };

function proofOf(headers: readonly Header[], voters: VoterSet, signers?: readonly number[]): FinalityProof {
  const last = headers.at(-1);
  assert.ok(last !== undefined);
  const quorum = Array.from({ length: Math.ceil((2 * voters.voters.length) / 3) }, (_, index) => index);
  const ballot = { kind: 'commit', epoch: last.epoch, view: last.view, digest: headerDigest(last) } as const;
  return { headers, certificate: aCertificate(ballot, signers ?? quorum, voters) };
}

/** The first block of the epoch after a closing block. */
function aFirstOf(closing: Header, voters: VoterSet, overrides: Partial<Header> = {}): Header {
  return aChildOf(closing, {
    epoch: voters.epoch,
    view: 1 as View,
    parentView: 0 as View,
    voterSetHash: voterSetHash(voters),
    ...overrides,
  });
}

/** An extension of a closing block on whatever parent it took. */
function anExtensionOf(closed: Header, parent: Header, overrides: Partial<Header> = {}): Header {
  const { epoch, voterSetHash: votersDigest, height } = closed;
  const extensionOf = headerDigest(closed);
  return aChildOf(parent, { epoch, voterSetHash: votersDigest, height, extensionOf, ...overrides });
}

const first = aHeader();
const closing = aChildOf(first, { nextVoterSet: second });
const opening = aFirstOf(closing, second);
const secondClosing = aChildOf(opening, {
  epoch: second.epoch,
  voterSetHash: voterSetHash(second),
  nextVoterSet: third,
});
const newest = aFirstOf(secondClosing, third);

const trustOfSecond = valueOf(followClosing(genesisTrust, proofOf([closing], testVoters), ed25519));

function verdictOn(header: Header, trust: Trust = genesisTrust): unknown {
  return verifyFinality(proofOf([header], trust.voters), trust, ed25519);
}

describe('the light client', () => {
  it('goes from the genesis file over closing headers to a header of the newest epoch', () => {
    const trust = valueOf(followClosing(trustOfSecond, proofOf([secondClosing], second), ed25519));
    const { height, timeMs } = secondClosing;
    assert.deepEqual(trust, {
      chainId: genesisTrust.chainId,
      voters: third,
      start: { digest: headerDigest(secondClosing), height, timeMs },
    });
    assert.deepEqual(valueOf(verifyFinality(proofOf([newest], third), trust, ed25519)), newest);
  });

  it('takes the certificate of a later block, and of an extension of the closing block', () => {
    const later = aChildOf(first);
    assert.deepEqual(
      valueOf(verifyFinality(proofOf([first, later], testVoters), genesisTrust, ed25519)),
      first,
    );
    const extension = anExtensionOf(closing, closing);
    for (const newer of [extension, anExtensionOf(closing, extension)]) {
      const proof = proofOf([closing, newer], testVoters);
      assert.deepEqual(valueOf(followClosing(genesisTrust, proof, ed25519)), trustOfSecond);
    }
  });

  it('refuses a header of another epoch than the one it knows the voters of', () => {
    assert.deepEqual(verifyFinality(proofOf([newest], third), trustOfSecond, ed25519), refused('wrongEpoch'));
    assert.deepEqual(verdictOn(first, trustOfSecond), refused('wrongEpoch'));
  });

  it('refuses a header that the voters before it certified', () => {
    const stolen = aCertificate(
      { kind: 'commit', epoch: second.epoch, view: opening.view, digest: headerDigest(opening) },
      [0, 1, 2],
      testVoters,
    );
    assert.deepEqual(
      verifyFinality({ headers: [opening], certificate: stolen }, trustOfSecond, ed25519),
      refused('certificateInvalid', 'count'),
    );
    const five = aCertificate(
      { kind: 'commit', epoch: second.epoch, view: opening.view, digest: headerDigest(opening) },
      [0, 1, 2, 3, 4],
      { epoch: second.epoch, voters: [...testVoters.voters, ...testVoters.voters].slice(0, 7) },
    );
    assert.deepEqual(
      verifyFinality({ headers: [opening], certificate: five }, trustOfSecond, ed25519),
      refused('certificateInvalid', 'signature'),
    );
  });

  it('checks every certificate in full', () => {
    const lies: readonly [FinalityProof['certificate'], string][] = [
      [
        aCertificate({ kind: 'prepare', epoch: 1 as Epoch, view: first.view, digest: headerDigest(first) }),
        'kind',
      ],
      [aCertificate({ kind: 'commit', epoch: 1 as Epoch, view: first.view, digest: aDigest(9) }), 'digest'],
      [
        aCertificate({ kind: 'commit', epoch: 1 as Epoch, view: 7 as View, digest: headerDigest(first) }),
        'view',
      ],
      [proofOf([first], testVoters, [0, 1]).certificate, 'count'],
      [{ ...proofOf([first], testVoters).certificate, bitmap: Uint8Array.of(0b1011) }, 'signature'],
      [{ ...proofOf([first], testVoters).certificate, bitmap: Uint8Array.of(0b10_0011) }, 'bitmap'],
    ];
    for (const [certificate, detail] of lies) {
      const verdict = verifyFinality({ headers: [first], certificate }, genesisTrust, ed25519);
      assert.deepEqual(verdict, refused('certificateInvalid', detail));
    }
  });

  it('refuses a certificate with one signature twice', () => {
    const { certificate } = proofOf([first], testVoters);
    const [one, two] = certificate.signatures;
    assert.ok(one !== undefined && two !== undefined);
    const twice = { ...certificate, signatures: [one, two, two] };
    assert.deepEqual(
      verifyFinality({ headers: [first], certificate: twice }, genesisTrust, ed25519),
      refused('certificateInvalid', 'signature'),
    );
  });

  it('refuses a header that cannot stand in its epoch, whoever certified it', () => {
    const lies: readonly [Partial<Header>, ReturnType<typeof refused>][] = [
      [{ chainId: aDigest(5) }, refused('wrongChain')],
      [{ voterSetHash: voterSetHash(second) }, refused('headerInvalid', 'voterSetHash')],
      [{ height: 0 as Height }, refused('headerInvalid', 'height')],
      [{ height: 2 as Height }, refused('headerInvalid', 'height')],
      [{ timeMs: testGenesis.createdAt }, refused('headerInvalid', 'timeMs')],
      [{ parentDigest: aDigest(5) }, refused('headerInvalid', 'parentDigest')],
      [{ parentView: 1 as View }, refused('headerInvalid', 'parentDigest')],
    ];
    for (const [change, expected] of lies) assert.deepEqual(verdictOn(aHeader(change)), expected);
    const below = aFirstOf(closing, second, { height: closing.height });
    assert.deepEqual(verdictOn(below, trustOfSecond), refused('headerInvalid', 'height'));
  });

  it('refuses headers that do not follow each other', () => {
    const lies: readonly [Partial<Header>, string][] = [
      [{ parentDigest: aDigest(5) }, 'parentDigest'],
      [{ parentView: 9 as View }, 'parentView'],
      [{ view: first.view }, 'view'],
      [{ height: first.height }, 'height'],
      [{ timeMs: first.timeMs }, 'timeMs'],
      [{ extensionOf: aDigest(5) }, 'extensionOf'],
    ];
    for (const [change, detail] of lies) {
      const proof = proofOf([first, aChildOf(first, change)], testVoters);
      assert.deepEqual(verifyFinality(proof, genesisTrust, ed25519), refused('headerInvalid', detail));
    }
  });

  it('takes nothing after a closing block but an extension of that very block', () => {
    const other = aHeader({ nextVoterSet: third });
    const lies: readonly [Header, string][] = [
      [aChildOf(closing), 'extensionOf'],
      [anExtensionOf(other, closing), 'extensionOf'],
      [anExtensionOf(closing, closing, { height: (closing.height + 1) as Height }), 'height'],
      [anExtensionOf(closing, closing, { view: closing.view }), 'view'],
      [anExtensionOf(closing, closing, { timeMs: closing.timeMs }), 'timeMs'],
    ];
    for (const [header, detail] of lies) {
      const verdict = followClosing(genesisTrust, proofOf([closing, header], testVoters), ed25519);
      assert.deepEqual(verdict, refused('headerInvalid', detail));
    }
  });

  it('refuses no header, and one more than the limit', () => {
    const { certificate } = proofOf([first], testVoters);
    const none = verifyFinality({ headers: [], certificate }, genesisTrust, ed25519);
    assert.deepEqual(none, refused('headerInvalid', 'headers'));
    const chain = [first];
    while (chain.length < stampHeadersMax) chain.push(aChildOf(chain.at(-1) ?? first));
    assert.ok(verifyFinality(proofOf(chain, testVoters), genesisTrust, ed25519).ok);
    chain.push(aChildOf(chain.at(-1) ?? first));
    assert.deepEqual(
      verifyFinality(proofOf(chain, testVoters), genesisTrust, ed25519),
      refused('headerInvalid', 'headers'),
    );
  });

  it('goes no further over a header that closes nothing, or opens another epoch than the next', () => {
    const verdict = followClosing(genesisTrust, proofOf([first], testVoters), ed25519);
    assert.deepEqual(verdict, refused('headerInvalid', 'nextVoterSet'));
    const skipping = aHeader({ nextVoterSet: third });
    assert.deepEqual(
      followClosing(genesisTrust, proofOf([skipping], testVoters), ed25519),
      refused('wrongEpoch', 'nextVoterSet'),
    );
  });
});

describe('a proof from the genesis', () => {
  const closings = [proofOf([closing], testVoters), proofOf([secondClosing], second)];
  const verdictFrom = (chain: GenesisProof['closings']): unknown => {
    const verdict = verifyFromGenesis({ ...proofOf([newest], third), closings: chain }, testGenesis, ed25519);
    return verdict.ok ? verdict.value : verdict.refusal.code;
  };

  it('follows the voters of each epoch to those of its header', () => {
    assert.deepEqual(verdictFrom(closings), newest);
  });

  it('is refused with a closing block missing, one too many, or out of order', () => {
    assert.equal(verdictFrom(closings.slice(0, 1)), 'wrongEpoch');
    assert.equal(verdictFrom(closings.slice(1)), 'wrongEpoch');
    assert.equal(verdictFrom([...closings, ...closings.slice(1)]), 'wrongEpoch');
    assert.equal(verdictFrom(closings.toReversed()), 'wrongEpoch');
  });

  it('is refused with a closing block that the voters of its epoch did not commit', () => {
    assert.equal(verdictFrom([proofOf([closing], third), ...closings.slice(1)]), 'certificateInvalid');
  });
});
