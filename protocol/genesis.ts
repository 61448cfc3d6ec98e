/** The genesis file: who founded the consortium, the rules it starts with, and what all members share. Its hash is the chain id. */
import * as z from 'zod';
import type { Digest, Epoch, MemberName, Timestamp } from './brand.ts';
import { codeSchema, encodeWith, nameSchema, parseWith, timestampSchema } from './codec.ts';
import { taggedDigest } from './hash.ts';
import { jsonToWire, wireToJson, type Json } from './json.ts';
import { membersMax, votersMax } from './limits.ts';
import { memberSchema, type Member, type VoterSet } from './member.ts';
import { policySchema, type Policy } from './policy.ts';
import { practitionerSchema, type Practitioner } from './practitioner.ts';
import { accepted, refused, type Result } from './result.ts';

/** Shared timing; all in milliseconds. */
export interface ConsensusParameters {
  /** Δ: the bound on a message's way in good times. */
  readonly deltaMs: number;
  /** Least time between two blocks; the first after a quiet time waits for nothing. */
  readonly blockIntervalMsMin: number;
  /** An empty block after so much quiet; 0 is never. */
  readonly heartbeatMs: number;
}

export interface Genesis {
  readonly version: 1;
  readonly name: string;
  readonly createdAt: Timestamp;
  /** Deterministic keys are accepted on such a chain and on no other. */
  readonly isDevnet: boolean;
  readonly members: readonly Member[];
  readonly voters: readonly MemberName[];
  readonly practitioners: readonly Practitioner[];
  readonly policy: Policy;
  readonly consensus: ConsensusParameters;
}

const genesisSchema: z.ZodType<Genesis> = z.strictObject({
  version: z.literal(1),
  name: codeSchema,
  createdAt: timestampSchema,
  isDevnet: z.boolean(),
  members: z.array(memberSchema).min(1).max(membersMax),
  voters: z.array(nameSchema).min(1).max(votersMax),
  practitioners: z.array(practitionerSchema),
  policy: policySchema,
  consensus: z.strictObject({
    deltaMs: z.int().min(10).max(60_000),
    blockIntervalMsMin: z.int().min(0).max(60_000),
    heartbeatMs: z.int().min(0).max(86_400_000),
  }),
});

/** Hash of the genesis as deterministic CBOR, so white space in the file does not matter. */
export function chainIdOf(genesis: Genesis): Digest {
  return taggedDigest('genesis', encodeWith(genesisSchema, genesis));
}

/** The voters of epoch 1. */
export function genesisVoterSet(genesis: Genesis): VoterSet {
  const voters = genesis.voters.flatMap((name) => {
    const member = genesis.members.find((candidate) => candidate.name === name);
    return member === undefined ? [] : [{ name, consensusKey: member.consensusKey }];
  });
  return { epoch: 1 as Epoch, voters };
}

export function genesisToJson(genesis: Genesis): Json {
  return wireToJson(z.encode(genesisSchema, genesis));
}

/** Parsed JSON of a genesis file. Refusal `malformed` names the field. */
export function genesisFromJson(json: unknown): Result<Genesis> {
  const parsed = parseWith(genesisSchema, jsonToWire(json));
  if (!parsed.ok) return parsed;
  const genesis = parsed.value;
  const names = genesis.members.map((member) => member.name);
  if (new Set(names).size !== names.length) return refused('malformed', 'members: a name twice');
  const keys = genesis.members.flatMap((member) => [member.networkKey, member.consensusKey]);
  if (new Set(keys).size !== keys.length) return refused('malformed', 'members: a key twice');
  if (new Set(genesis.voters).size !== genesis.voters.length)
    return refused('malformed', 'voters: a name twice');
  if (!genesis.voters.every((name) => names.includes(name)))
    return refused('malformed', 'voters: not a member');
  const { practitioners } = genesis;
  const ids = practitioners.map((practitioner) => practitioner.id);
  if (new Set(ids).size !== ids.length) return refused('malformed', 'practitioners: an id twice');
  const signers = practitioners.flatMap((practitioner) => practitioner.keys);
  if (new Set(signers).size !== signers.length) return refused('malformed', 'practitioners: a key twice');
  const isOrphan = practitioners.some((practitioner) => !names.includes(practitioner.member));
  return isOrphan ? refused('malformed', 'practitioners: not a member') : accepted(genesis);
}
