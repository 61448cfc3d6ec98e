/** What an engine needs of the world around it. */
import type { Genesis } from '../protocol/genesis.ts';
import type { Member } from '../protocol/member.ts';
import type { SignatureScheme, Signer } from '../protocol/signature.ts';
import type { Clock } from './clock.ts';
import type { SealingKeyPair } from './ed25519.ts';
import type { VerifyMany } from './gate.ts';
import type { Log } from './ports.ts';
import type { CommitEntry } from './storage/ledgerCommit.ts';
import type { Stores } from './stores.ts';

export interface EngineOptions {
  readonly genesis: Genesis;
  readonly own: Member;
  readonly stores: Stores;
  /** Follows and never casts, though it may be a voter: during a repair. */
  readonly isObserver: boolean;
  /** Signs votes and batches. */
  readonly signer: Signer;
  readonly sealing: SealingKeyPair;
  readonly scheme: SignatureScheme;
  readonly verifyMany: VerifyMany;
  readonly clock: Clock;
  readonly log: Log;
  readonly onCommitted: (entries: readonly CommitEntry[]) => void;
  /** Transactions of ours that block time has overtaken. */
  readonly onExpired: (count: number) => void;
  readonly onCommitMs: (durationMs: number) => void;
  readonly onFsyncMs: (durationMs: number) => void;
  /** False while the disk has no room for transactions of clients. */
  readonly hasRoom: () => boolean;
  /** The node cannot go on: storage failed, an invariant broke, or our key speaks elsewhere. Called once. */
  readonly onFatal: (cause: unknown) => void;
}
