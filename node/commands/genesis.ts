/** `genesis create`: the founders' member descriptors become the genesis file that every node starts from. */
import { existsSync } from 'node:fs';
import * as z from 'zod';
import type { MemberName, Timestamp } from '../../protocol/brand.ts';
import { quorumSize, faultyMax } from '../../protocol/certificate.ts';
import { parseWith } from '../../protocol/codec.ts';
import { chainIdOf, genesisFromJson, genesisToJson, type Genesis } from '../../protocol/genesis.ts';
import { jsonToWire, wireToJson, type Json } from '../../protocol/json.ts';
import { memberSchema, type Member } from '../../protocol/member.ts';
import { defaultPolicy } from '../../protocol/policy.ts';
import { practitionerSchema, type Practitioner } from '../../protocol/practitioner.ts';
import { accepted, type Result } from '../../protocol/result.ts';
import { genesisText, parseJson, readText, writeNewFile, type HomeProblem } from '../home.ts';
import { answered, failed, type CommandOutcome } from './outcome.ts';

/** What `init` prints for the founders: public keys only. */
export interface MemberDescriptor {
  readonly member: Member;
  readonly practitioners: readonly Practitioner[];
}

export interface GenesisOptions {
  readonly name: string;
  /** Files with one member descriptor each. */
  readonly memberPaths: readonly string[];
  readonly voters: readonly string[];
  readonly outputPath: string;
  readonly createdAt: Timestamp;
  readonly deltaMs: number;
  readonly blockIntervalMsMin: number;
  readonly heartbeatMs: number;
}

const descriptorBytesMax = 262_144;
const voterCountMin = 4;

const descriptorSchema: z.ZodType<MemberDescriptor> = z.strictObject({
  member: memberSchema,
  practitioners: z.array(practitionerSchema),
});

export function descriptorToJson(descriptor: MemberDescriptor): Json {
  return wireToJson(z.encode(descriptorSchema, descriptor));
}

function readDescriptor(path: string): Result<MemberDescriptor, HomeProblem> {
  const text = readText(path, descriptorBytesMax);
  if (!text.ok) return text;
  const parsed = parseWith(descriptorSchema, jsonToWire(parseJson(text.value)));
  if (parsed.ok) return parsed;
  const message = `${path} is not a member descriptor (${parsed.refusal.detail ?? 'not JSON'})`;
  return { ok: false, refusal: { message, hint: 'use the file that `rxledger init` printed' } };
}

function readDescriptors(paths: readonly string[]): Result<readonly MemberDescriptor[], HomeProblem> {
  const descriptors: MemberDescriptor[] = [];
  for (const path of paths) {
    const descriptor = readDescriptor(path);
    if (!descriptor.ok) return descriptor;
    descriptors.push(descriptor.value);
  }
  return accepted(descriptors);
}

export function createGenesis(options: GenesisOptions): CommandOutcome {
  const descriptors = readDescriptors(options.memberPaths);
  if (!descriptors.ok) return failed('failure', descriptors.refusal);
  if (options.voters.length < voterCountMin) {
    const message = `${options.voters.length} voters cannot outvote one that lies`;
    return failed('refusedForSafety', { message, hint: `name at least ${voterCountMin} voters` });
  }
  if (existsSync(options.outputPath)) {
    return failed('refusedForSafety', {
      message: `${options.outputPath} exists`,
      hint: 'choose another file with -o',
    });
  }
  const genesis: Genesis = {
    version: 1,
    name: options.name,
    createdAt: options.createdAt,
    isDevnet: false,
    members: descriptors.value.map(({ member }) => ({ ...member, status: 'active' })),
    voters: options.voters as readonly MemberName[],
    practitioners: descriptors.value.flatMap(({ practitioners }) => practitioners),
    policy: defaultPolicy,
    consensus: {
      deltaMs: options.deltaMs,
      blockIntervalMsMin: options.blockIntervalMsMin,
      heartbeatMs: options.heartbeatMs,
    },
  };
  return writeGenesis(genesis, options.outputPath);
}

/** Through the same parser that every node will use, so that nobody founds a chain that does not start. */
function writeGenesis(genesis: Genesis, outputPath: string): CommandOutcome {
  const checked = genesisFromJson(genesisToJson(genesis));
  if (!checked.ok) {
    const message = `this makes no genesis (${checked.refusal.detail ?? checked.refusal.code})`;
    return failed('failure', { message, hint: 'each voter is a member, and no name or key stands twice' });
  }
  writeNewFile(outputPath, genesisText(genesis));
  const chainId = chainIdOf(genesis);
  const n = genesis.voters.length;
  const lines = [
    `wrote ${outputPath}`,
    `chain id ${chainId}`,
    `${n} voters: a block needs ${quorumSize(n)} of them, and ${faultyMax(n)} may lie or be away`,
    'Every member compares the chain id with the others, then runs `rxledger genesis install` with this file.',
  ];
  const json = { path: outputPath, chainId, voterCount: n, quorum: quorumSize(n), faultyMax: faultyMax(n) };
  return answered(lines, json);
}
