/** A small chain for tests: four voters with keys from their names, signed transactions, headers and certificates. */
import assert from 'node:assert/strict';
import { ed25519 } from '../../node/ed25519.ts';
import type { Action } from '../../protocol/action.ts';
import { headerDigest, type Header } from '../../protocol/block.ts';
import type {
  Digest,
  Epoch,
  Height,
  Id,
  MemberName,
  PublicKey,
  Sequence,
  Timestamp,
  Verified,
  View,
  VoterIndex,
} from '../../protocol/brand.ts';
import { makeCertificate, type Certificate } from '../../protocol/certificate.ts';
import { chainIdOf, genesisVoterSet, type Genesis } from '../../protocol/genesis.ts';
import type { LaneBatch } from '../../protocol/ledger.ts';
import { voterSetHash, type MemberRole, type VoterSet } from '../../protocol/member.ts';
import { defaultPolicy } from '../../protocol/policy.ts';
import type { Result } from '../../protocol/result.ts';
import type { Signer } from '../../protocol/signature.ts';
import {
  decodeTransaction,
  encodeEnvelope,
  encodePayload,
  transactionId,
  transactionSigningBytes,
  verifyTransaction,
  type Transaction,
} from '../../protocol/transaction.ts';
import { consensusSigningBytes, type Ballot, type Vote } from '../../protocol/vote.ts';
import { aSealingKeyPair, aSigner } from './keys.ts';

/** The value of an accepted result; fails the test on a refusal. */
export function valueOf<T>(result: Result<T>): T {
  assert.ok(result.ok, result.ok ? '' : `refused: ${result.refusal.code} ${result.refusal.detail ?? ''}`);
  return result.value;
}

/** 2026-01-05T12:00:00Z, a Monday. */
export const noon: Timestamp = 1_767_614_400_000 as Timestamp;

export function later(ms: number): Timestamp {
  return (noon + ms) as Timestamp;
}

/** An id that is a number. */
export function anId(number: number): Id {
  return number.toString(16).padStart(32, '0') as Id;
}

/** A digest that is a number. */
export function aDigest(number: number): Digest {
  return number.toString(16).padStart(64, '0') as Digest;
}

export function adminOf(member: string): Signer {
  return aSigner(`${member} admin`);
}

export function consensusSignerOf(member: string): Signer {
  return aSigner(`${member} consensus`);
}

export function aSignerKey(name: string): PublicKey {
  return aSigner(name).publicKey;
}

const cast: readonly (readonly [string, MemberRole])[] = [
  ['hospital', 'hospital'],
  ['clinic', 'hospital'],
  ['pharmacy', 'pharmacy'],
  ['insurer', 'insurer'],
];

export function aGenesis(overrides: Partial<Genesis> = {}): Genesis {
  return {
    version: 1,
    name: 'test-chain',
    createdAt: noon,
    isDevnet: true,
    members: cast.map(([name, role]) => ({
      name: name as MemberName,
      roles: [role],
      status: 'active',
      networkKey: aSigner(`${name} network`).publicKey,
      consensusKey: consensusSignerOf(name).publicKey,
      sealingKey: aSealingKeyPair(name).publicKey,
      adminKey: adminOf(name).publicKey,
    })),
    voters: cast.map(([name]) => name as MemberName),
    practitioners: [],
    policy: defaultPolicy,
    consensus: { deltaMs: 500, blockIntervalMsMin: 100, heartbeatMs: 30_000 },
    ...overrides,
  };
}

export const testGenesis: Genesis = aGenesis();
export const testChainId: Digest = chainIdOf(testGenesis);
export const testVoters: VoterSet = genesisVoterSet(testGenesis);

/** A voter set of n voters whose keys come from their names. */
export function aVoterSet(count: number): VoterSet {
  const voters = Array.from({ length: count }, (_, index) => ({
    name: `voter-${index}` as MemberName,
    consensusKey: consensusSignerOf(`voter-${index}`).publicKey,
  }));
  return { epoch: 1 as Epoch, voters };
}

/** Registers a practitioner whose id is a number: the simplest act that the ledger commits. */
export function aRegistration(number: number): Action {
  return {
    kind: 'practitioner.register',
    body: {
      practitionerId: anId(number),
      roles: ['doctor'],
      scopes: ['ordinary'],
      validUntil: later(86_400_000),
      keys: [],
    },
  };
}

export interface TransactionInput {
  readonly chainId?: Digest;
  readonly id?: Id;
  readonly member?: string;
  readonly notAfter?: Timestamp;
  readonly action?: Action;
  readonly signers?: readonly Signer[];
}

/** A signed envelope; by default the hospital's admin registers practitioner 1. */
export function anEnvelope(input: TransactionInput = {}): Uint8Array {
  const member = input.member ?? 'hospital';
  const chainId = input.chainId ?? testChainId;
  const payload = encodePayload({
    chainId,
    id: input.id ?? anId(1),
    member: member as MemberName,
    notAfter: input.notAfter ?? later(60_000),
    action: input.action ?? aRegistration(1),
    seals: [],
  });
  const message = transactionSigningBytes(chainId, transactionId(payload));
  const signers = input.signers ?? [adminOf(member)];
  return encodeEnvelope(
    payload,
    signers.map((signer) => ({ key: signer.publicKey, sig: signer.sign(message) })),
  );
}

export function aTransaction(input: TransactionInput = {}): Verified<Transaction> {
  const transaction = valueOf(decodeTransaction(anEnvelope(input)));
  return valueOf(verifyTransaction(transaction, transaction.chainId, ed25519));
}

export function aLaneBatch(
  member: string,
  sequence: number,
  transactions: readonly Verified<Transaction>[] = [],
): LaneBatch {
  return { member: member as MemberName, sequence: sequence as Sequence, transactions };
}

export function aHeader(overrides: Partial<Header> = {}): Header {
  return {
    chainId: testChainId,
    epoch: 1 as Epoch,
    view: 1 as View,
    height: 1 as Height,
    parentDigest: testChainId,
    parentView: 0 as View,
    timeMs: later(1_000),
    batchesRoot: aDigest(1),
    receiptsRoot: aDigest(2),
    stateRoot: aDigest(3),
    voterSetHash: voterSetHash(testVoters),
    nextVoterSet: null,
    extensionOf: null,
    proposer: 0 as VoterIndex,
    ...overrides,
  };
}

/** A header that follows another. */
export function aChildOf(parent: Header, overrides: Partial<Header> = {}): Header {
  return aHeader({
    view: (parent.view + 1) as View,
    height: (parent.height + 1) as Height,
    parentDigest: headerDigest(parent),
    parentView: parent.view,
    timeMs: (parent.timeMs + 100) as Timestamp,
    ...overrides,
  });
}

export function aVote(ballot: Ballot, voter: number, voters: VoterSet = testVoters): Verified<Vote> {
  const name = voters.voters[voter]?.name ?? 'nobody';
  const signature = consensusSignerOf(name).sign(consensusSigningBytes(testChainId, ballot));
  return { ...ballot, voter: voter as VoterIndex, signature } as Verified<Vote>;
}

/** A certificate by exactly these voters, however few. */
export function aCertificate(
  ballot: Ballot,
  signers: readonly number[] = [0, 1, 2],
  voters: VoterSet = testVoters,
): Certificate {
  const certificate = makeCertificate(
    signers.map((voter) => aVote(ballot, voter, voters)),
    voters.voters.length,
  );
  assert.ok(certificate !== null);
  return certificate;
}

/** CC of a header by voters 0, 1 and 2. */
export function aCommitOf(header: Header, signers: readonly number[] = [0, 1, 2]): Certificate {
  const digest = headerDigest(header);
  return aCertificate({ kind: 'commit', epoch: header.epoch, view: header.view, digest }, signers);
}
