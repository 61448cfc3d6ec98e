/**
 * What the node does for its JSON-RPC server. The server knows nothing of storage, network or consensus: the composition
 * root implements these ports. Reads answer from the latest finalized block; they touch neither consensus nor network.
 */
import type { Block } from '../../protocol/block.ts';
import type {
  Digest,
  Epoch,
  Height,
  Id,
  MemberName,
  PublicKey,
  Signature,
  Timestamp,
  View,
} from '../../protocol/brand.ts';
import type { Certificate } from '../../protocol/certificate.ts';
import type { Json } from '../../protocol/json.ts';
import type { Member, MemberRole } from '../../protocol/member.ts';
import type { Receipt } from '../../protocol/receipt.ts';
import type { RecordReader } from '../../protocol/record.ts';
import type { Result } from '../../protocol/result.ts';
import type { Seal } from '../../protocol/seal.ts';
import type { Signer } from '../../protocol/signature.ts';
import type { StateView } from '../../protocol/state.ts';
import type { FillSecret, PatientToken } from '../../protocol/token.ts';
import type { Transaction } from '../../protocol/transaction.ts';

export interface TransactionLocation {
  readonly height: Height;
  /** Position among the receipts of its block, from 0. */
  readonly index: number;
}

export interface FinalBlock {
  readonly digest: Digest;
  readonly block: Block;
  /** CC of this block or of a descendant that finalized it; null if the node kept none for it. */
  readonly certificate: Certificate | null;
}

/** The state after one finalized block, while later blocks come. */
export interface RecordView extends RecordReader {
  /** Of that block. */
  readonly height: Height;
  /** Records whose keys begin with `prefix` (which ends in a slash), in the order of their keys, after a key or from the first. */
  readonly records: (range: {
    readonly prefix: string;
    readonly after: string | null;
    readonly limit: number;
  }) => Promise<readonly { readonly key: string; readonly value: Uint8Array }[]>;
}

/** The finalized ledger. Synchronous: every answer comes from memory or a warm database. */
export interface LedgerPort {
  readonly chainId: Digest;
  readonly chainName: string;
  /** Height of the latest finalized block; 0 is genesis. */
  readonly height: () => Height;
  /** Null above the head, at 0 (genesis has no block) and below the snapshot that the node joined from. */
  readonly blockAt: (height: Height) => FinalBlock | null;
  readonly heightOf: (digest: Digest) => Height | null;
  /** Receipts of a block in their order; empty for genesis and for an empty block. */
  readonly receiptsAt: (height: Height) => readonly Receipt[];
  /** Lowest height whose block and receipts are here; 1 on a node that did not join from a snapshot. */
  readonly heightMin: () => Height;
  readonly receiptAt: (location: TransactionLocation) => Receipt | null;
  /** A transaction that has a receipt; null for every other. */
  readonly transactionOf: (txId: Digest) => Transaction | null;
  /** Where the transactions stand that named this subject (rxId, parcelId, claimId, a pair), oldest first, after a place; at most 1,000. */
  readonly history: (
    subject: Id,
    page: { readonly after: TransactionLocation | null; readonly limit: number },
  ) => Promise<readonly TransactionLocation[]>;
  /** Every member of the consortium as of the latest finalized block, in order of name. */
  readonly members: () => readonly Member[];
  /** The state after the latest finalized block. */
  readonly state: () => StateView;
  /** Reads of one state, however many blocks come meanwhile. The view is gone once `read` is done. */
  readonly withView: <T>(read: (view: RecordView) => Promise<T>) => Promise<T>;
  /** Encoded stamp of a committed or refused transaction; null if it has no receipt or no certificate covers it yet. */
  readonly stamp: (txId: Digest) => Uint8Array | null;
  /** Encoded state stamp of a record's key (its presence or absence); null before the first certified block. */
  readonly stateStamp: (key: string) => Uint8Array | null;
  /** Calls the listener after each finalized block is durable, with its height. Returns what ends it. */
  readonly onFinalized: (listener: (height: Height) => void) => () => void;
}

/** Where a transaction stands. `receipt` is set iff committed or refused. */
export interface TransactionStatus {
  readonly txId: Digest;
  readonly status: 'unknown' | 'pending' | 'committed' | 'refused' | 'expired';
  readonly receipt: Receipt | null;
  readonly notAfter: Timestamp | null;
}

export interface TransactionPort {
  /**
   * Through the gate into the mempool. The same bytes again give the present status. Refusals are those before inclusion
   * (`malformed`, `badSignature`, `wrongChain`, `expired`, `busy`, ...): nothing was kept. Called many times in one turn of the
   * event loop by a batch of requests, so that the gate can verify them in chunks.
   */
  readonly submit: (envelopeBytes: Uint8Array) => Promise<Result<TransactionStatus>>;
  readonly status: (txId: Digest) => TransactionStatus;
  /** Resolves with the status at the receipt, at expiry, or after `timeoutMs` as it then stands. Never rejects. */
  readonly waitForReceipt: (txId: Digest, timeoutMs: number) => Promise<TransactionStatus>;
}

interface KeystoreEntry {
  /** Name in the keystore, for example `dr-zhang`; `admin` is the member's admin key. */
  readonly name: string;
  readonly publicKey: PublicKey;
}

export interface KeystorePort {
  /** This node's member. */
  readonly member: MemberName;
  readonly entries: () => readonly KeystoreEntry[];
  /** Signs the 32 signing bytes of a transaction. Refusal `keyUnknown`: no such name in this keystore. */
  readonly sign: (
    name: string,
    signingBytes: Uint8Array,
  ) => Promise<Result<{ readonly key: PublicKey; readonly sig: Signature }>>;
}

interface SealRequest {
  readonly rxId: Id;
  /** FHIR R4 resources. */
  readonly documents: readonly { readonly [key: string]: Json }[];
  /** Members that may read besides this one. */
  readonly recipients: readonly MemberName[];
  /** Each fill's unwrap key may read too (protocol/token.ts). */
  readonly token: PatientToken;
  /** The content key is wrapped for the secrets of the fills 0..fillCount-1. */
  readonly fillCount: number;
}

interface OpenedDocument {
  readonly docType: string;
  readonly resource: Json;
}

export interface DocumentPort {
  /** Builds the sealed documents, keeps them and hands them to their holders; the answer goes into the transaction, in order. */
  readonly seal: (request: SealRequest) => Promise<Result<readonly Seal[]>>;
  /**
   * Decrypts what this member may read of a prescription, fetched from a holder if it is not here. `fillSecret` is what the patient
   * showed, if the caller has it. Refusals: `prescriptionUnknown`, `notPermitted`, `documentUnavailable` (no holder answered).
   */
  readonly open: (rxId: Id, fillSecret: FillSecret | null) => Promise<Result<readonly OpenedDocument[]>>;
}

export interface PeerStatus {
  readonly name: MemberName;
  readonly isConnected: boolean;
  /** Null if never heard since the start. */
  readonly lastHeardAt: Timestamp | null;
  /** Finalized height that it told in its last STATUS; null if none. */
  readonly height: Height | null;
}

export interface NodeStatus {
  readonly name: MemberName;
  readonly roles: readonly MemberRole[];
  readonly isVoter: boolean;
  readonly height: Height;
  readonly view: View;
  readonly leader: MemberName | null;
  readonly peerCount: number;
  /** Voters that were silent for longer than the liveness bound. */
  readonly missing: readonly MemberName[];
  readonly mempoolCount: number;
  /** What is wrong, in one sentence; null when nothing is. */
  readonly sentence: string | null;
}

export interface ConsensusStatus {
  readonly epoch: Epoch;
  readonly view: View;
  /** When the view was entered. */
  readonly viewSince: Timestamp;
  readonly leader: MemberName | null;
  readonly finalView: View;
  readonly finalHeight: Height;
  readonly quorum: number;
  readonly voters: readonly {
    readonly name: MemberName;
    readonly isMissing: boolean;
    readonly lastHeardAt: Timestamp | null;
  }[];
}

interface NodePort {
  /** Of the program, for example `0.1.0`. */
  readonly version: string;
  readonly status: () => NodeStatus;
  readonly peers: () => readonly PeerStatus[];
  readonly consensus: () => ConsensusStatus;
}

export interface Readiness {
  readonly ok: boolean;
  /** One sentence for each check that fails. */
  readonly reasons: readonly string[];
}

export interface OpsPort {
  /** Prometheus text format. */
  readonly metrics: () => Promise<string>;
  readonly live: () => boolean;
  readonly ready: () => Readiness;
}

export interface RpcPorts {
  readonly ledger: LedgerPort;
  readonly transactions: TransactionPort;
  readonly keystore: KeystorePort;
  readonly documents: DocumentPort;
  readonly node: NodePort;
  readonly ops: OpsPort;
  /** Ed25519 signer of a 32-byte seed, for the patient's keys: they follow from the secret in a call and are not kept. */
  readonly signerFromSeed: (seed: Uint8Array) => Signer;
  /** The wall clock, Unix ms. */
  readonly now: () => Timestamp;
  /** Cryptographic randomness. */
  readonly randomBytes: (size: number) => Uint8Array;
  /** An error that is ours, for the log; never told to the caller. A `BrokenInvariant` must stop the node. */
  readonly onInternalError: (method: string, error: unknown) => void;
  /** One finished call, for the metrics: the method (or `unknown`), the error's name (or null), and how long it took. */
  readonly onCall: (method: string, errorName: string | null, durationMs: number) => void;
}
