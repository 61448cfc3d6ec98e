/**
 * Which of a home's consensus keys signs: the one that its own ledger names. A rotation puts another one in force, for a voter with the
 * epoch that it votes in under the new key (V5), so a home keeps several, each with a safety log of its own.
 */
import type { Digest, MemberName, PublicKey } from '../protocol/brand.ts';
import { chainIdOf, type Genesis } from '../protocol/genesis.ts';
import { genesisState } from '../protocol/genesisBlock.ts';
import { readMember } from '../protocol/membership.ts';
import type { RecordReader } from '../protocol/record.ts';
import { emptyState, overlay } from '../protocol/state.ts';
import { currentVoterSet } from '../protocol/voterSet.ts';
import { NodeFailure } from './nodeFailure.ts';
import { systemDisk } from './storage/disk.ts';
import { StorageFailure } from './storage/failure.ts';
import { layoutOf } from './storage/layout.ts';
import { openLedger } from './storage/ledger.ts';

/** A member, and the consensus keys that are in its home. */
export interface OwnKeys {
  readonly name: MemberName;
  readonly held: readonly PublicKey[];
}

/** The key that a voter's epoch names, or else a member's record; null for who is no member. */
function keyInForce(state: RecordReader, name: MemberName): PublicKey | null {
  const voter = currentVoterSet(state).voters.find((candidate) => candidate.name === name);
  return voter?.consensusKey ?? readMember(state, name)?.consensusKey ?? null;
}

/** False once the ledger names another key of the member: what we sign with this one counts no more. */
export function isInForce(state: RecordReader, name: MemberName, used: PublicKey): boolean {
  const wanted = keyInForce(state, name);
  return wanted === null || wanted === used;
}

/** Throws NodeFailure: `keyRotated` if the ledger names another key of this home, `configuration` if it is not here. */
export function requireInForce(state: RecordReader, { name, held }: OwnKeys, used: PublicKey): void {
  const wanted = keyInForce(state, name);
  if (wanted === null || wanted === used) return;
  if (held.includes(wanted)) throw new NodeFailure('keyRotated', 'another of our consensus keys is in force');
  throw missing(wanted);
}

function missing(key: PublicKey): NodeFailure {
  return new NodeFailure('configuration', `keys/ lacks the consensus key that the ledger names: 0x${key}`);
}

/**
 * The key to open the stores with. Nobody else may use them meanwhile, and nothing is changed. Throws NodeFailure `configuration` if the
 * key in force is not held, and StorageFailure.
 */
export async function chooseKey(home: string, genesis: Genesis, { name, held }: OwnKeys): Promise<PublicKey> {
  const [first] = held;
  if (first === undefined) throw new NodeFailure('configuration', 'keys/ has no consensus key');
  const founder = genesis.members.find((member) => member.name === name) ?? null;
  // As nearly always: no rotation yet. The ledger is asked when it is open.
  if (held.length === 1 && (founder === null || founder.consensusKey === first)) return first;
  const wanted = await keyOfLedger(home, genesis, name);
  if (wanted === null) return first;
  if (!held.includes(wanted)) throw missing(wanted);
  return wanted;
}

/** A home without a ledger, or with one of which a restore was cut off, is at genesis. */
async function keyOfLedger(home: string, genesis: Genesis, name: MemberName): Promise<PublicKey | null> {
  const layout = layoutOf(home);
  const chainId: Digest = chainIdOf(genesis);
  const ofGenesis = (): PublicKey | null =>
    keyInForce(overlay(emptyState, genesisState(genesis).writes), name);
  if (!systemDisk.hasDatabase(layout.ledger)) return ofGenesis();
  try {
    const ledger = await openLedger(layout.ledger, { anchorPath: layout.anchor, chainId });
    try {
      return keyInForce(ledger, name);
    } finally {
      await ledger.close();
    }
  } catch (error) {
    if (error instanceof StorageFailure && error.code === 'partial') return ofGenesis();
    throw error;
  }
}
