/** Which member a home belongs to: one of the genesis, or a newcomer that joined after it, or will. */
import type { MemberName } from '../protocol/brand.ts';
import type { Genesis } from '../protocol/genesis.ts';
import type { Member, MemberKeys } from '../protocol/member.ts';
import { keysOf } from '../protocol/membership.ts';
import type { KeyDescription, KeyPurpose } from './keyFile.ts';

function has(keys: readonly KeyDescription[], purpose: KeyPurpose, publicKey: string): boolean {
  return keys.some((key) => key.purpose === purpose && key.publicKey === publicKey);
}

/** The member whose four keys are all in this keystore, or null. */
export function memberWithKeys(genesis: Genesis, keys: readonly KeyDescription[]): Member | null {
  const member = memberButForConsensus(genesis, keys);
  return member !== null && has(keys, 'consensus', member.consensusKey) ? member : null;
}

/** Which consensus key is in force, the ledger says (consensusKey.ts): the first one may be long out of use. */
function memberButForConsensus(genesis: Genesis, keys: readonly KeyDescription[]): Member | null {
  const isOwn = (member: Member): boolean =>
    has(keys, 'network', member.networkKey) &&
    has(keys, 'sealing', member.sealingKey) &&
    has(keys, 'admin', member.adminKey);
  return genesis.members.find(isOwn) ?? null;
}

/**
 * The member of this name and these keys: the genesis knows either both or neither. Null: the name is another's there, or a key is,
 * or a key is missing. Of a founder's consensus key only that there is one. A newcomer's roles stand in its ticket, and then on the chain.
 */
export function ownMember(
  genesis: Genesis,
  name: MemberName,
  keys: readonly KeyDescription[],
): Member | null {
  const ownKeys = memberKeysOf(keys);
  const known = memberButForConsensus(genesis, keys);
  if (known !== null) return known.name === name && ownKeys !== null ? known : null;
  if (ownKeys === null || genesis.members.some((member) => member.name === name)) return null;
  const taken = new Set(genesis.members.flatMap(keysOf));
  if (keysOf(ownKeys).some((key) => taken.has(key))) return null;
  return { name, roles: [], status: 'proposed', ...ownKeys };
}

/** Null if one is missing. */
function memberKeysOf(keys: readonly KeyDescription[]): MemberKeys | null {
  const the = (purpose: KeyPurpose): KeyDescription['publicKey'] | null =>
    keys.find((key) => key.purpose === purpose)?.publicKey ?? null;
  const networkKey = the('network');
  const consensusKey = the('consensus');
  const sealingKey = the('sealing');
  const adminKey = the('admin');
  if (networkKey === null || consensusKey === null || sealingKey === null || adminKey === null) return null;
  return { networkKey, consensusKey, sealingKey, adminKey };
}
