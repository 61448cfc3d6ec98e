/**
 * §5 (consensus/README.md): an epoch is a replica of its own, with its voters, its views from 1, and the block that it starts on.
 * Which block closes the epoch is read off the chain; nothing here depends on who saw what when.
 */
import type {
  Digest,
  Epoch,
  Height,
  MemberName,
  PublicKey,
  Timestamp,
  VoterIndex,
} from '../protocol/brand.ts';
import { closingOf } from '../protocol/block.ts';
import type { Certificate } from '../protocol/certificate.ts';
import type { VoterSet } from '../protocol/member.ts';
import type { ReplicaConfig, ReplicaState } from './state.ts';

/** The block that an epoch starts on, at its view 0: genesis, or the closing block of the epoch before. */
export interface EpochStart {
  readonly digest: Digest;
  readonly height: Height;
  readonly timeMs: Timestamp;
  /** CC that ended the epoch before, for those who are still in it; null in epoch 1. */
  readonly certificate: Certificate | null;
}

/** Epoch 1 starts on genesis, which has no block: its digest is the chain id. */
export function genesisStart(chainId: Digest, timeMs: Timestamp): EpochStart {
  return { digest: chainId, height: 0 as Height, timeMs, certificate: null };
}

/** What stays the same from epoch to epoch. */
export interface ReplicaIdentity {
  readonly chainId: Digest;
  readonly ownName: MemberName;
  /** What we sign with: a set that names us with another key is one that we only observe. */
  readonly ownKey: PublicKey;
  readonly deltaMs: number;
  readonly heartbeatMs: number;
}

/** The replica of one epoch: a voter if the set names us with our key, otherwise an observer. */
export function configOf(identity: ReplicaIdentity, voters: VoterSet, start: EpochStart): ReplicaConfig {
  const { chainId, ownName, ownKey, deltaMs, heartbeatMs } = identity;
  const index = voters.voters.findIndex(
    ({ name, consensusKey }) => name === ownName && consensusKey === ownKey,
  );
  const own = index < 0 ? null : (index as VoterIndex);
  return { chainId, voters, start, own, ownName, deltaMs, heartbeatMs, seed: seedOf(voters.epoch, start) };
}

/** Rotates the leaders, so that no place in the list is the first to lead in every epoch: four bytes of the start's digest. */
function seedOf(epoch: Epoch, start: EpochStart): number {
  return epoch === 1 ? 0 : Number.parseInt(start.digest.slice(0, 8), 16);
}

/**
 * The closing block that has to become final before anything else can be proposed on this block; null if this one does not close the
 * epoch, is the final block (the one that the epoch starts on closed the epoch before), or is not known.
 */
export function openClosing(state: ReplicaState, digest: Digest): Digest | null {
  if (digest === state.final.digest) return null;
  const block = state.blocks.get(digest);
  return block === undefined ? null : closingOf(block.header, digest);
}
