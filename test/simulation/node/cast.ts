/** Who takes part in a schedule, with keys and signatures that cost next to nothing and that nobody can forge by accident. */
import type { Action } from '../../../protocol/action.ts';
import type { Digest, Id, MemberName, PublicKey, Signature, Timestamp } from '../../../protocol/brand.ts';
import { chainIdOf, genesisVoterSet, type Genesis } from '../../../protocol/genesis.ts';
import { present } from '../../../protocol/invariant.ts';
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
import { openBatches } from '../../../node/storage/batches.ts';
import { layoutOf } from '../../../node/storage/layout.ts';
import { createStoresOn } from '../../../node/stores.ts';
import { SimulatedDisk } from './disk.ts';

/** Where the virtual clocks start: 2026-01-05T12:00:00Z. */
export const startMs: Timestamp = 1_767_614_400_000 as Timestamp;
export const home = '/node';
export const layout: ReturnType<typeof layoutOf> = layoutOf(home);

export interface CastMember {
  /** As it is at the start: `proposed` if the genesis does not know it. */
  readonly member: Member;
  readonly signer: Signer;
  readonly sealing: SealingKeyPair;
  /** What its application submits, by number: always the same. */
  readonly transaction: (number: number) => SubmittedTransaction;
}

export interface SubmittedTransaction {
  readonly txId: Digest;
  readonly bytes: Uint8Array;
}

export interface Cast {
  readonly genesis: Genesis;
  readonly chainId: Digest;
  /** Of the first epoch. */
  readonly voters: VoterSet;
  /** The voters, then the observers, then those who join later. */
  readonly members: readonly CastMember[];
  /** A disk with empty stores, by member. Clone it. */
  readonly disks: readonly SimulatedDisk[];
  /** As a start makes its stores anew where data/ was emptied: its node does not know its own lane any more. */
  readonly emptiedDisk: SimulatedDisk;
}

const purposes = ['network', 'consensus', 'sealing', 'admin'] as const;
type Purpose = (typeof purposes)[number];
/** Transactions that a member's application has. */
export const transactionCount = 400;
/** Keys that a member may have one after the other, for one purpose. */
const generationStep = 1_000;
const dayMs = 86_400_000;

/** `generation` counts the member's rotations of this key. */
export function keyOf(index: number, purpose: Purpose, generation = 0): PublicKey {
  const number = index * purposes.length + purposes.indexOf(purpose) + 1;
  return numberText(generation * generationStep + number, 64) as PublicKey;
}

export function numberText(value: number, digits: number): string {
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

export function signerOf(publicKey: PublicKey): Signer {
  return { publicKey, sign: (message) => signatureOf(message, publicKey) };
}

const casts = new Map<string, Promise<Cast>>();

export interface CastOptions {
  readonly voterCount: number;
  readonly observerCount: number;
  readonly newcomerCount: number;
  readonly deltaMs: number;
  readonly heartbeatMs: number;
}

/** The same options always give the same consortium; it is made once in a process. */
export async function castOf(options: CastOptions): Promise<Cast> {
  const { voterCount, observerCount, newcomerCount, deltaMs, heartbeatMs } = options;
  const key = [voterCount, observerCount, newcomerCount, deltaMs, heartbeatMs].join();
  const known = casts.get(key) ?? makeCast(options);
  casts.set(key, known);
  return known;
}

async function makeCast(options: CastOptions): Promise<Cast> {
  const { voterCount, observerCount, newcomerCount, deltaMs, heartbeatMs } = options;
  const foundingCount = voterCount + observerCount;
  const members = Array.from({ length: foundingCount + newcomerCount }, (_unused, index): Member => ({
    name: `node-${index}` as MemberName,
    roles: index < foundingCount ? ['hospital'] : [],
    status: index < foundingCount ? 'active' : 'proposed',
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
    members: members.slice(0, foundingCount),
    voters: members.slice(0, voterCount).map(({ name }) => name),
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
  const emptiedDisk = present(disks[0], 'a consortium has members').clone();
  const batches = await openBatches(layout.batches, 'existing', emptiedDisk.handle(steadyUser));
  await batches.loseLane();
  await batches.close();
  return {
    genesis,
    chainId,
    emptiedDisk,
    voters: genesisVoterSet(genesis),
    members: members.map((member, index) => ({
      member,
      signer: signerOf(member.consensusKey),
      sealing: { publicKey: member.sealingKey, secretKey: new Uint8Array(32) },
      transaction: registrations(chainId, member, index * transactionCount + 1),
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

/** Registrations of practitioners: the simplest acts that the ledger commits. Signed when they are first asked for; after the last the first. */
function registrations(
  chainId: Digest,
  { name, adminKey }: Member,
  firstId: number,
): (number: number) => SubmittedTransaction {
  const signed: SubmittedTransaction[] = [];
  return (number) => {
    const place = number % transactionCount;
    const id = firstId + place;
    const action: Action = {
      kind: 'practitioner.register',
      body: {
        practitionerId: numberText(id, 32) as Id,
        roles: ['doctor'],
        scopes: ['ordinary'],
        validUntil: (startMs + 365 * dayMs) as Timestamp,
        keys: [],
      },
    };
    const transaction = signed[place] ?? signAct({ chainId, id, member: name, action }, [adminKey]);
    signed[place] = transaction;
    return transaction;
  };
}

/** Signed under these keys; `id` is its number, which no other transaction of the schedule has. */
export function signAct(
  act: {
    readonly chainId: Digest;
    readonly id: number;
    readonly member: MemberName;
    readonly action: Action;
  },
  keys: readonly PublicKey[],
): SubmittedTransaction {
  const { chainId, member, action } = act;
  const id = numberText(act.id, 32) as Id;
  const notAfter = (startMs + dayMs / 2) as Timestamp;
  const payload = encodePayload({ chainId, id, member, notAfter, action, seals: [] });
  const txId = transactionId(payload);
  const message = transactionSigningBytes(chainId, txId);
  const signatures = keys.map((key) => ({ key, sig: signerOf(key).sign(message) }));
  return { txId, bytes: encodeEnvelope(payload, signatures) };
}
