/** The node behind its JSON-RPC server: each port of the server answered by the part that knows. */
import { randomBytes } from 'node:crypto';
import { historyRowsMax } from './rpc/limits.ts';
import type { Digest, Height, Timestamp } from '../protocol/brand.ts';
import { compareText } from '../protocol/bytes.ts';
import type { Genesis } from '../protocol/genesis.ts';
import { unreachable } from '../protocol/invariant.ts';
import { memberNames, readMember } from '../protocol/membership.ts';
import { accepted, refused } from '../protocol/result.ts';
import type { Archive } from './archive.ts';
import type { Clock } from './clock.ts';
import { signerFromSeed } from './ed25519.ts';
import type { Engine } from './engine.ts';
import type { Keystore } from './keystore.ts';
import { readinessReasons, type Metrics } from './metrics.ts';
import type { Log } from './ports.ts';
import type {
  DocumentPort,
  KeystorePort,
  LedgerPort,
  OpsPort,
  RpcPorts,
  TransactionPort,
  TransactionStatus,
} from './rpc/ports.ts';
import { consensusStatus, nodeStatus, peerStatuses, readinessFacts, type StatusParts } from './status.ts';
import { StorageFailure } from './storage/failure.ts';
import type { Stores } from './stores.ts';

export interface RpcParts {
  readonly version: string;
  readonly genesis: Genesis;
  readonly engine: Engine;
  readonly stores: Stores;
  readonly keystore: Keystore;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
  readonly status: StatusParts;
  readonly finality: FinalityListeners;
  readonly isStopping: () => boolean;
  /** An error that is ours stops the node. */
  readonly onFatal: (cause: unknown) => void;
}

/** Who wants to hear of final blocks. */
export class FinalityListeners {
  readonly #listeners = new Set<(height: Height) => void>();

  readonly add = (listener: (height: Height) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  tell(height: Height): void {
    for (const listener of this.#listeners) listener(height);
  }
}

export function makeRpcPorts(parts: RpcParts): RpcPorts {
  const { archive } = parts.engine;
  const { clock, log, metrics, status } = parts;
  return {
    ledger: ledgerPort(parts, archive),
    transactions: transactionPort(parts, archive),
    keystore: keystorePort(parts),
    documents: documentPort(parts),
    node: {
      version: parts.version,
      status: () => nodeStatus(status),
      peers: () => peerStatuses(status),
      consensus: () => consensusStatus(status),
    },
    ops: opsPort(parts),
    signerFromSeed,
    now: () => Math.floor(clock.wallMs()) as Timestamp,
    randomBytes: (size) => Uint8Array.from(randomBytes(size)),
    onInternalError: (method, error) => {
      log.error({ method, error }, 'a call failed for a reason of ours');
      if (error instanceof StorageFailure) parts.engine.fail(error);
      if (error instanceof Error && error.name === 'BrokenInvariant') parts.onFatal(error);
    },
    onCall: (method, errorName, durationMs) => metrics.observeRpc(method, errorName, durationMs),
  };
}

function ledgerPort({ engine, genesis, stores, finality }: RpcParts, archive: Archive): LedgerPort {
  const { ledger } = stores;
  return {
    chainId: engine.chainId,
    chainName: genesis.name,
    height: () => ledger.head().height,
    blockAt: (height) => ledger.blockAt(height),
    heightOf: (digest) => ledger.blockByDigest(digest)?.block.header.height ?? null,
    receiptsAt: (height) => archive.receiptsAt(height),
    heightMin: () => (ledger.base + 1) as Height,
    receiptAt: (place) => archive.receiptAt(place),
    transactionOf: (txId) => archive.transactionOf(txId),
    history: async (subject, { after, limit }) =>
      archive.history(subject, { limit: Math.min(limit, historyRowsMax), after }),
    members: () =>
      memberNames(ledger)
        .flatMap((name) => readMember(ledger, name) ?? [])
        .toSorted((a, b) => compareText(a.name, b.name)),
    state: () => ledger,
    withView: async (read) => {
      const view = ledger.view();
      try {
        return await read(view);
      } finally {
        await view.close();
      }
    },
    stamp: (txId) => archive.stamp(txId),
    stateStamp: (key) => archive.stateStamp(key),
    onFinalized: finality.add,
  };
}

function transactionPort({ engine }: RpcParts, archive: Archive): TransactionPort {
  const statusOf = (txId: Digest): TransactionStatus => {
    // What is tracked has no receipt yet: every call of the hot path would else ask the database in vain.
    const notAfter = engine.tracker.notAfter(txId);
    if (notAfter !== null) return { txId, status: 'pending', receipt: null, notAfter };
    const receipt = archive.receiptOf(txId);
    return { txId, status: receipt?.outcome ?? 'unknown', receipt, notAfter };
  };
  return {
    submit: async (envelopeBytes) => {
      const transaction = await engine.submit(envelopeBytes);
      if (!transaction.ok) return transaction;
      const { txId, notAfter } = transaction.value;
      return accepted({ ...statusOf(txId), notAfter });
    },
    status: statusOf,
    waitForReceipt: async (txId, timeoutMs) => {
      const before = statusOf(txId);
      if (before.status !== 'pending') return before;
      const outcome = await engine.tracker.wait(txId, timeoutMs);
      switch (outcome.status) {
        case 'receipt':
          return {
            txId,
            status: outcome.receipt.outcome,
            receipt: outcome.receipt,
            notAfter: before.notAfter,
          };
        case 'expired':
          return { txId, status: 'expired', receipt: null, notAfter: before.notAfter };
        case 'pending':
          return { ...statusOf(txId), notAfter: before.notAfter };
        default:
          return unreachable(outcome);
      }
    },
  };
}

function keystorePort({ keystore, status }: RpcParts): KeystorePort {
  return {
    member: status.own.name,
    entries: () =>
      keystore
        .descriptions()
        .filter(({ purpose }) => purpose === 'practitioner' || purpose === 'admin')
        .map(({ name, publicKey }) => ({ name, publicKey })),
    sign: async (name, signingBytes) => {
      const signer = keystore.signer(name);
      if (signer === null) return refused('keyUnknown');
      return accepted({ key: signer.publicKey, sig: signer.sign(signingBytes) });
    },
  };
}

function documentPort({ engine }: RpcParts): DocumentPort {
  return {
    seal: async (request) => engine.documents.seal(request),
    open: async (rxId, fillSecret) => {
      const opened = await engine.documents.open(rxId, fillSecret);
      // Shown once and good: kept, so that the patient need not show it again.
      if (opened.ok && fillSecret !== null) await engine.documents.keepFillSecret(fillSecret);
      return opened;
    },
  };
}

function opsPort({ metrics, status, isStopping }: RpcParts): OpsPort {
  return {
    metrics: async () => metrics.render(),
    live: () => true,
    ready: () => {
      const reasons = readinessReasons(readinessFacts(status, isStopping()));
      return { ok: reasons.length === 0, reasons };
    },
  };
}
