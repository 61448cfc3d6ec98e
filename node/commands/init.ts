/** `init`: a new home with keys and configuration. Prints the member descriptor that founders put into the genesis. */
import { existsSync, readdirSync } from 'node:fs';
import type { MemberName } from '../../protocol/brand.ts';
import { nameSchema } from '../../protocol/codec.ts';
import { chainIdOf, type Genesis } from '../../protocol/genesis.ts';
import { memberRoles, type Member, type MemberRole } from '../../protocol/member.ts';
import { accepted, type Result } from '../../protocol/result.ts';
import { readConfig } from '../config.ts';
import { renderConfig } from '../configText.ts';
import {
  createHome,
  genesisText,
  homePaths,
  readGenesis,
  readPassphrase,
  writeNewFile,
  type HomeProblem,
} from '../home.ts';
import type { KeyDescription, KeyPurpose } from '../keyFile.ts';
import { createKey, listKeys, markUnused, takeIntoUse } from '../keystore.ts';
import { memberWithKeys, ownMember } from '../ownMember.ts';
import { createStores, loseMemory } from '../stores.ts';
import { descriptorToJson, type MemberDescriptor } from './genesis.ts';
import { answered, failed, type CommandContext, type CommandOutcome } from './outcome.ts';

export interface InitOptions {
  readonly name: string;
  readonly roles: readonly string[];
  readonly listen: readonly string[];
  readonly advertise: readonly string[];
}

const memberKeys = ['network', 'consensus', 'sealing', 'admin'] as const satisfies readonly KeyPurpose[];

export async function initHome(context: CommandContext, options: InitOptions): Promise<CommandOutcome> {
  const roles = checkedRoles(options);
  if (!roles.ok) return failed('usage', roles.refusal);
  const { home } = context;
  if (existsSync(home) && readdirSync(home).length > 0) {
    const message = `${home} is not empty`;
    return failed('refusedForSafety', { message, hint: 'choose another --home; keys are never overwritten' });
  }
  const passphrase = readPassphrase(context.environment);
  if (!passphrase.ok) return failed('configuration', passphrase.refusal);

  const paths = createHome(home);
  const keys: KeyDescription[] = [];
  for (const purpose of memberKeys) {
    keys.push(await createKey(paths.keys, { name: purpose, purpose, passphrase: passphrase.value }));
  }
  await markUnused(paths.keys);
  const { name, listen, advertise } = options;
  const given = { ...(listen.length > 0 ? { listen } : {}), ...(advertise.length > 0 ? { advertise } : {}) };
  writeNewFile(paths.config, renderConfig({ name, ...given }));
  const descriptor: MemberDescriptor = {
    member: memberOf(name as MemberName, roles.value, keys),
    practitioners: [],
  };
  const json = descriptorToJson(descriptor);
  // The descriptor is the data of this command, so it is what stands on stdout, whatever the format.
  return answered(JSON.stringify(json, null, 2).split('\n'), json);
}

function checkedRoles(options: InitOptions): Result<readonly MemberRole[], HomeProblem> {
  const problem = (message: string, hint: string) => ({ ok: false, refusal: { message, hint } }) as const;
  if (!nameSchema.safeParse(options.name).success) {
    return problem('a member name is lower-case words with hyphens', 'use a name such as huashan-hospital');
  }
  const roles = memberRoles.filter((role) => options.roles.includes(role));
  if (roles.length === 0 || roles.length !== new Set(options.roles).size) {
    return problem('unknown member role', `use --roles with one or more of ${memberRoles.join(', ')}`);
  }
  return accepted(roles);
}

function memberOf(name: MemberName, roles: readonly MemberRole[], keys: readonly KeyDescription[]): Member {
  const keyOf = (purpose: (typeof memberKeys)[number]): KeyDescription['publicKey'] => {
    const key = keys.find((candidate) => candidate.purpose === purpose);
    if (key === undefined) throw new Error(`the new keystore lacks the ${purpose} key`);
    return key.publicKey;
  };
  return {
    name,
    roles,
    status: 'active',
    networkKey: keyOf('network'),
    consensusKey: keyOf('consensus'),
    sealingKey: keyOf('sealing'),
    adminKey: keyOf('admin'),
  };
}

/**
 * `genesis install`: puts the genesis into a home whose keys it names, and makes the stores, once in the life of the home. Only with
 * `isJoining` into one that it does not know: else a founder whose descriptor was forgotten would learn it when nobody lets it in.
 */
export async function installGenesis(
  context: CommandContext,
  genesisPath: string,
  isJoining: boolean,
): Promise<CommandOutcome> {
  const paths = homePaths(context.home);
  const genesis = readGenesis(genesisPath);
  if (!genesis.ok) return failed('failure', genesis.refusal);
  if (existsSync(paths.genesis)) {
    const message = `${paths.genesis} exists`;
    return failed('refusedForSafety', {
      message,
      hint: 'a home belongs to one chain; choose another --home',
    });
  }
  if (!existsSync(paths.keys)) {
    return failed('configuration', {
      message: `${context.home} has no keys`,
      hint: 'run `rxledger init` first',
    });
  }
  const keys = await listKeys(paths.keys);
  const found = isJoining ? newcomerOf(context, genesis.value, keys) : founderOf(genesis.value, keys);
  if (!found.ok) return failed('failure', found.refusal);
  const member = found.value;
  await createStores(context.home, genesis.value, member.consensusKey);
  // Keys that were in a home before may have voted: without their log, memory is lost (W6).
  const isFirstUse = await takeIntoUse(paths.keys);
  if (!isFirstUse) await loseMemory(context.home, genesis.value, member.consensusKey);
  // Last: a home with a genesis is whole.
  writeNewFile(paths.genesis, genesisText(genesis.value));
  const chainId = chainIdOf(genesis.value);
  const isVoter = genesis.value.voters.includes(member.name);
  const standing = isVoter ? 'voter' : isJoining ? 'newcomer' : 'observer';
  const lines = [
    `member   ${member.name} (${standing})`,
    `chain id ${chainId}`,
    ...(isFirstUse
      ? []
      : ['These keys were in use before: the node observes until the others say where they are.']),
  ];
  return answered(lines, { member: member.name, isVoter, chainId, isFirstUse });
}

function founderOf(genesis: Genesis, keys: readonly KeyDescription[]): Result<Member, HomeProblem> {
  const founder = memberWithKeys(genesis, keys);
  if (founder !== null) return accepted(founder);
  const message = 'the genesis knows none of the keys of this home';
  const hint =
    'give the founders what `rxledger init` printed; a member that joins later installs it with --joining';
  return { ok: false, refusal: { message, hint } };
}

function newcomerOf(
  context: CommandContext,
  genesis: Genesis,
  keys: readonly KeyDescription[],
): Result<Member, HomeProblem> {
  const loaded = readConfig(context.home, context.environment, {});
  if (!loaded.ok) return loaded;
  const { name } = loaded.value.config.node;
  const own = ownMember(genesis, name, keys);
  if (own?.status === 'proposed') return accepted(own);
  const message = `the genesis knows ${name}, or a key of this home`;
  const hint = own === null ? 'choose a name and keys that nobody has' : 'install it without --joining';
  return { ok: false, refusal: { message, hint } };
}
