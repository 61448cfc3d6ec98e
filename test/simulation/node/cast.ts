/** Who takes part in a schedule, with keys and signatures that cost next to nothing and that nobody can forge by accident. */
import type { Action } from '../../../protocol/action.ts';
import type { Digest, Id, MemberName, PublicKey, Signature, Timestamp } from '../../../protocol/brand.ts';
import { chainIdOf, genesisVoterSet, type Genesis } from '../../../protocol/genesis.ts';
import type { Member, VoterSet } from '../../../protocol/member.ts';
import { defaultPolicy } from '../../../protocol/policy.ts';
import type { SignatureScheme, Signer } from '../../../protocol/signature.ts';
import {
  encodeEnvelope,
  encodePayload,
  transactionId,
  transactionSigningBytes,
} from '../../../protocol/transaction.ts';
import type { SealingKeyPair } from '../../../node/ed25519.ts';
import { layoutOf } from '../../../node/storage/layout.ts';
import { createStoresOn } from '../../../node/stores.ts';
import { SimulatedDisk } from './disk.ts';

/** Where the virtual clocks start: 2026-01-05T12:00:00Z. */
export const startMs: Timestamp = 1_767_614_400_000 as Timestamp;
export const home = '/node';
export const layout: ReturnType<typeof layoutOf> = layoutOf(home);

export interface CastMember {
  readonly member: Member;
  readonly signer: Signer;
  readonly sealing: SealingKeyPair;
  /** What its application submits, one after the other. */
  readonly transactions: readonly SubmittedTransaction[];
}

export interface SubmittedTransaction {
  readonly txId: Digest;
  readonly bytes: Uint8Array;
}

export interface Cast {
  readonly genesis: Genesis;
  readonly chainId: Digest;
  readonly voters: VoterSet;
  readonly members: readonly CastMember[];
  /** A disk with empty stores, by voter. Clone it. */
  readonly disks: readonly SimulatedDisk[];
}

const purposes = ['network', 'consensus', 'sealing', 'admin'] as const;
const transactionCount = 400;
const dayMs = 86_400_000;

function keyOf(index: number, purpose: (typeof purposes)[number]): PublicKey {
  return numberText(index * purposes.length + purposes.indexOf(purpose) + 1, 64) as PublicKey;
}

function numberText(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** A keyed hash of 64 bits, four times over: cheap, and never the same for two messages of a schedule. */
function signatureOf(message: Uint8Array, key: string): Signature {
  let a = Number.parseInt(key.slice(-8), 16) | 0;
  let b = 0x9e3779b9 ^ a;
  for (const byte of message) {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ (byte + 0x7f), 0x85ebca6b) ^ (b >>> 13);
  }
  return (numberText(a >>> 0, 8) + numberText(b >>> 0, 8)).repeat(8) as Signature;
}

export const simulatedScheme: SignatureScheme = {
  verify: (message, signature, publicKey) => signature === signatureOf(message, publicKey),
};

function signerOf(publicKey: PublicKey): Signer {
  return { publicKey, sign: (message) => signatureOf(message, publicKey) };
}

const casts = new Map<string, Promise<Cast>>();

export interface CastOptions {
  readonly voterCount: number;
  readonly deltaMs: number;
  readonly heartbeatMs: number;
}

/** The same options always give the same consortium; it is made once in a process. */
export async function castOf(options: CastOptions): Promise<Cast> {
  const key = `${options.voterCount} ${options.deltaMs} ${options.heartbeatMs}`;
  const known = casts.get(key) ?? makeCast(options);
  casts.set(key, known);
  return known;
}

async function makeCast({ voterCount, deltaMs, heartbeatMs }: CastOptions): Promise<Cast> {
  const members = Array.from({ length: voterCount }, (_unused, index): Member => ({
    name: `node-${index}` as MemberName,
    roles: ['hospital'],
    status: 'active',
    networkKey: keyOf(index, 'network'),
    consensusKey: keyOf(index, 'consensus'),
    sealingKey: keyOf(index, 'sealing'),
    adminKey: keyOf(index, 'admin'),
  }));
  const genesis: Genesis = {
    version: 1,
    name: 'simulated',
    createdAt: startMs,
    isDevnet: true,
    members,
    voters: members.map(({ name }) => name),
    practitioners: [],
    policy: defaultPolicy,
    consensus: { deltaMs, blockIntervalMsMin: deltaMs / 2, heartbeatMs },
  };
  const chainId = chainIdOf(genesis);
  const disks: SimulatedDisk[] = [];
  for (const { consensusKey } of members) {
    const disk = new SimulatedDisk();
    await createStoresOn({ disk: disk.handle(steadyUser), home, genesis, consensusKey });
    disks.push(disk.clone());
  }
  return {
    genesis,
    chainId,
    voters: genesisVoterSet(genesis),
    members: members.map((member, index) => ({
      member,
      signer: signerOf(member.consensusKey),
      sealing: { publicKey: member.sealingKey, secretKey: new Uint8Array(32) },
      transactions: Array.from({ length: transactionCount }, (_unused, number) =>
        signRegistration(chainId, member, index * transactionCount + number + 1),
      ),
    })),
    disks,
  };
}

/** For making stores: nothing fails, nothing waits. */
const steadyUser = {
  isAlive: () => true,
  fateOf: () => ({ kind: 'done', afterMs: 0 }) as const,
  die: () => undefined,
  onBlockedMs: () => undefined,
  after: (_delayMs: number, action: () => void) => action(),
};

/** Registers a practitioner whose id is the number: the simplest act that the ledger commits. */
function signRegistration(chainId: Digest, member: Member, number: number): SubmittedTransaction {
  const action: Action = {
    kind: 'practitioner.register',
    body: {
      practitionerId: numberText(number, 32) as Id,
      roles: ['doctor'],
      scopes: ['ordinary'],
      validUntil: (startMs + 365 * dayMs) as Timestamp,
      keys: [],
    },
  };
  const id = numberText(number, 32) as Id;
  const notAfter = (startMs + dayMs / 2) as Timestamp;
  const payload = encodePayload({ chainId, id, member: member.name, notAfter, action, seals: [] });
  const txId = transactionId(payload);
  const signer = signerOf(member.adminKey);
  const signature = signer.sign(transactionSigningBytes(chainId, txId));
  return { txId, bytes: encodeEnvelope(payload, [{ key: signer.publicKey, sig: signature }]) };
}
