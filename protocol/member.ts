/** Members: the organisations of the consortium, their roles and keys, and the voter sets made of them. */
import * as z from 'zod';
import type { Digest, Epoch, MemberName, PublicKey, VoterIndex } from './brand.ts';
import { uint64Bytes, hexToBytes, utf8ToBytes } from './bytes.ts';
import { epochSchema, nameSchema, publicKeySchema } from './codec.ts';
import { taggedDigest } from './hash.ts';
import { votersMax } from './limits.ts';

export const memberRoles = [
  'hospital',
  'pharmacy',
  'insurer',
  'courier',
  'reviewCentre',
  'regulator',
  'platform',
] as const;
export type MemberRole = (typeof memberRoles)[number];

const memberStatuses = ['proposed', 'active', 'suspended', 'left'] as const;
type MemberStatus = (typeof memberStatuses)[number];

export interface MemberKeys {
  /** Ed25519 key of its libp2p PeerId. */
  readonly networkKey: PublicKey;
  /** Ed25519; signs votes and batches. Observers have one too: they vouch for their batches. */
  readonly consensusKey: PublicKey;
  /** X25519; content keys are wrapped to it. */
  readonly sealingKey: PublicKey;
  /** Ed25519; registers practitioners, signs governance. */
  readonly adminKey: PublicKey;
}

export interface Member extends MemberKeys {
  readonly name: MemberName;
  readonly roles: readonly MemberRole[];
  readonly status: MemberStatus;
}

export interface Voter {
  readonly name: MemberName;
  readonly consensusKey: PublicKey;
}

/** The voters of one epoch, in the order that voter indices refer to. */
export interface VoterSet {
  readonly epoch: Epoch;
  readonly voters: readonly Voter[];
}

const keysShape = {
  networkKey: publicKeySchema,
  consensusKey: publicKeySchema,
  sealingKey: publicKeySchema,
  adminKey: publicKeySchema,
};

export const memberKeysSchema: z.ZodType<MemberKeys> = z.strictObject(keysShape);

export const memberRolesSchema: z.ZodType<readonly MemberRole[]> = z.array(z.enum(memberRoles)).min(1);

export const memberSchema: z.ZodType<Member> = z.strictObject({
  name: nameSchema,
  roles: memberRolesSchema,
  status: z.enum(memberStatuses),
  ...keysShape,
});

export const voterSetSchema: z.ZodType<VoterSet> = z.strictObject({
  epoch: epochSchema,
  voters: z
    .array(z.strictObject({ name: nameSchema, consensusKey: publicKeySchema }))
    .min(1)
    .max(votersMax),
});

/** What a header commits to as `voterSetHash`. */
export function voterSetHash(set: VoterSet): Digest {
  const parts: Uint8Array[] = [uint64Bytes(set.epoch), uint64Bytes(set.voters.length)];
  for (const voter of set.voters) {
    const name = utf8ToBytes(voter.name);
    parts.push(uint64Bytes(name.length), name, hexToBytes(voter.consensusKey));
  }
  return taggedDigest('voterSet', ...parts);
}

export function voterAt(set: VoterSet, index: VoterIndex): Voter | null {
  return set.voters[index] ?? null;
}

/** Index of the member among the voters, or null for an observer. */
export function voterIndexOf(set: VoterSet, name: MemberName): VoterIndex | null {
  const index = set.voters.findIndex((voter) => voter.name === name);
  return index < 0 ? null : (index as VoterIndex);
}
