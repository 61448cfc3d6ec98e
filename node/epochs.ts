/**
 * The epoch in force at this node: who votes, whether we do, and the block it started on, all read from the ledger. It changes when
 * the ledger has written a closing block, at no other time (consensus/README.md, V5).
 */
import { configOf, genesisStart, type EpochStart } from '../consensus/epoch.ts';
import type { ReplicaConfig } from '../consensus/replica.ts';
import { headerDigest } from '../protocol/block.ts';
import type { Digest, Epoch, MemberName } from '../protocol/brand.ts';
import type { Genesis } from '../protocol/genesis.ts';
import { invariant, present } from '../protocol/invariant.ts';
import type { FinalityProof } from '../protocol/lightClient.ts';
import { voterSetHash, type VoterSet } from '../protocol/member.ts';
import type { RecordReader } from '../protocol/record.ts';
import type { Signer } from '../protocol/signature.ts';
import { currentVoterSet } from '../protocol/voterSet.ts';
import type { OwnVoter } from './statement.ts';
import type { LogEntry } from './storage/safetyRecord.ts';

export interface EpochsOptions {
  readonly chainId: Digest;
  readonly ownName: MemberName;
  /** Never votes, whatever the set says. */
  readonly isObserver: boolean;
  /** Signs votes where the voter set names its key. */
  readonly signer: Signer;
  /** Our safety log as it was at the start. */
  readonly entries: readonly Pick<LogEntry, 'epoch'>[];
  readonly genesis: Pick<Genesis, 'createdAt' | 'consensus'>;
  readonly ledger: RecordReader;
  /** Proof of the block that closed an epoch, or null. */
  readonly closing: (epoch: Epoch) => FinalityProof | null;
}

export interface EpochInForce {
  readonly voters: VoterSet;
  readonly voterSetHash: Digest;
  readonly config: ReplicaConfig;
  /** Null for an observer. */
  readonly own: OwnVoter | null;
}

export class Epochs {
  readonly #options: EpochsOptions;
  /** The newest epoch of which our log holds a record; 0 for none. */
  readonly #recordedEpoch: number;
  #current: EpochInForce;

  constructor(options: EpochsOptions) {
    this.#options = options;
    this.#recordedEpoch = options.entries.reduce((newest, { epoch }) => Math.max(newest, epoch), 0);
    this.#current = this.#read();
  }

  get current(): EpochInForce {
    return this.#current;
  }

  /** After the ledger has written the closing block of the epoch in force. */
  advance(): EpochInForce {
    const next = this.#read();
    invariant(next.voters.epoch === this.#current.voters.epoch + 1, 'V5: an epoch follows the one before it');
    this.#current = next;
    return next;
  }

  #read(): EpochInForce {
    const { chainId, ownName, isObserver, signer, genesis, ledger } = this.#options;
    const { deltaMs, heartbeatMs } = genesis.consensus;
    const voters = currentVoterSet(ledger);
    const identity = { chainId, ownName, ownKey: signer.publicKey, deltaMs, heartbeatMs };
    const named = configOf(identity, voters, this.#startOf(voters.epoch));
    // R7: epochs do not go back either. A ledger that was lost begins in one that is over, of which records may have been pruned (W9).
    const isSilent = isObserver || voters.epoch < this.#recordedEpoch;
    const config = isSilent ? { ...named, own: null } : named;
    const own = config.own === null ? null : { chainId, index: config.own, signer };
    return { voters, voterSetHash: voterSetHash(voters), config, own };
  }

  #startOf(epoch: Epoch): EpochStart {
    const { chainId, genesis, closing } = this.#options;
    if (epoch === 1) return genesisStart(chainId, genesis.createdAt);
    const { headers, certificate } = present(closing((epoch - 1) as Epoch), 'an epoch has its closing block');
    const [header] = headers;
    invariant(header?.nextVoterSet?.epoch === epoch, 'the block before an epoch names its voters');
    return { digest: headerDigest(header), height: header.height, timeMs: header.timeMs, certificate };
  }
}
