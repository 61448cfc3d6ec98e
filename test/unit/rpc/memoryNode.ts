/**
 * A consortium in memory behind the ports of the JSON-RPC server: every submitted transaction passes the real gate and becomes a block
 * of its own, executed by the real ledger. No network, no disk, no agreement; the clock stands at the time of the latest block.
 */
import { signerFromSeed } from '../../../node/ed25519.ts';
import type { EventFeed } from '../../../node/rpc/events.ts';
import { eventFeed } from '../../../node/rpc/events.ts';
import { looksMax } from '../../../node/rpc/limits.ts';
import type { RpcContext } from '../../../node/rpc/method.ts';
import type {
  RecordView,
  RpcPorts,
  TransactionLocation,
  TransactionStatus,
} from '../../../node/rpc/ports.ts';
import { turnstile } from '../../../node/rpc/turnstile.ts';
import { writeMemory } from '../../../node/rpc/writeMemory.ts';
import { encodeHeader, type Header } from '../../../protocol/block.ts';
import type {
  Digest,
  Epoch,
  Height,
  Id,
  MemberName,
  Sequence,
  Timestamp,
  Verified,
  View,
} from '../../../protocol/brand.ts';
import { bytesToHex, compareText, utf8ToBytes } from '../../../protocol/bytes.ts';
import { chainIdOf, type Genesis } from '../../../protocol/genesis.ts';
import { genesisState } from '../../../protocol/genesisBlock.ts';
import { plainHash } from '../../../protocol/hash.ts';
import { laneCursor } from '../../../protocol/lane.ts';
import { executeBlock } from '../../../protocol/ledger.ts';
import { memberNames, readMember } from '../../../protocol/membership.ts';
import { mayRead } from '../../../protocol/fillStatus.ts';
import { readPrescription } from '../../../protocol/prescription.ts';
import type { Receipt } from '../../../protocol/receipt.ts';
import { accepted, refused, type Result } from '../../../protocol/result.ts';
import { emptyState, overlay, type StateView, type StateWrites } from '../../../protocol/state.ts';
import type { Transaction } from '../../../protocol/transaction.ts';
import { aHeader, noon } from '../../support/chain.ts';
import { aSeed, aSigner } from '../../support/keys.ts';
import { aGate } from '../../support/nodeParts.ts';
import { castGenesis, keyTextOf, peopleOf } from '../../support/walk/cast.ts';

export function digestOf(text: string): Digest {
  return bytesToHex(plainHash(utf8ToBytes(text))) as Digest;
}

export function idOf(text: string): Id {
  return digestOf(text).slice(0, 32) as Id;
}

// The regulator observes.
const genesis: Genesis = castGenesis(5);

function typeOf(document: { readonly [key: string]: unknown }): string {
  const type = document['resourceType'];
  return typeof type === 'string' ? type : 'Document';
}

interface MemoryBlock {
  readonly header: Header;
  readonly digest: Digest;
  readonly receipts: readonly Receipt[];
  readonly transactions: readonly Transaction[];
}

export interface MemoryChain {
  readonly blocks: MemoryBlock[];
  readonly pending: Map<Digest, Verified<Transaction>>;
  readonly listeners: Set<(height: Height) => void>;
  readonly history: Map<Id, TransactionLocation[]>;
  readonly documents: Map<Id, readonly { readonly [key: string]: unknown }[]>;
  /** All records of the state, for what looks through them. */
  readonly records: Map<string, Uint8Array>;
  state: StateView;
  timeMs: Timestamp;
  /** Transactions stay pending, as when too few voters answer. */
  isStalled: boolean;
}

export function memoryChain(): MemoryChain {
  const { writes } = genesisState(genesis);
  const records = new Map<string, Uint8Array>();
  keep(records, writes);
  return {
    records,
    blocks: [],
    pending: new Map(),
    listeners: new Set(),
    history: new Map(),
    documents: new Map(),
    state: overlay(emptyState, writes),
    timeMs: noon,
    isStalled: false,
  };
}

function keep(records: Map<string, Uint8Array>, writes: StateWrites): void {
  for (const [key, record] of writes.records) {
    if (record === null) records.delete(key);
    else records.set(key, record);
  }
}

/** The records as they are now. */
function viewOf(chain: MemoryChain): RecordView {
  const rows = [...chain.records]
    .map(([key, value]) => ({ key, value }))
    .toSorted((a, b) => compareText(a.key, b.key));
  const { state } = chain;
  return {
    height: chain.blocks.length as Height,
    get: state.get,
    records: async ({ prefix, after, limit }) =>
      rows.filter(({ key }) => key.startsWith(prefix) && key > (after ?? prefix)).slice(0, limit),
  };
}

/** Executes transactions as one block, each in a batch of its own. */
function commit(chain: MemoryChain, transactions: readonly Verified<Transaction>[]): void {
  const height = (chain.blocks.length + 1) as Height;
  const timeMs = (chain.timeMs + 1_000) as Timestamp;
  const chainId = chainIdOf(genesis);
  const parentDigest = chain.blocks.at(-1)?.digest ?? chainId;
  const context = { chainId, height, timeMs, parentDigest };
  const batches = transactions.map((transaction, index) => {
    const { member } = transaction;
    const before = transactions.slice(0, index).filter((other) => other.member === member).length;
    const sequence = (laneCursor(chain.state, member) + before + 1) as Sequence;
    return { member, sequence, transactions: [transaction] };
  });
  const executed = executeBlock(chain.state, context, batches);
  const { receiptsRoot, stateRoot, receipts } = executed;
  const header = aHeader({ chainId, height, timeMs, parentDigest, receiptsRoot, stateRoot });
  chain.timeMs = timeMs;
  chain.state = overlay(chain.state, executed.writes);
  keep(chain.records, executed.writes);
  chain.blocks.push({
    header,
    digest: digestOf(bytesToHex(encodeHeader(header))),
    receipts,
    transactions: executed.origins.flatMap(({ batch }) => transactions[batch] ?? []),
  });
  for (const [index, subjects] of executed.subjects.entries()) {
    for (const subject of subjects) {
      chain.history.set(subject, [...(chain.history.get(subject) ?? []), { height, index }]);
    }
  }
  for (const { txId } of transactions) chain.pending.delete(txId);
  for (const listener of chain.listeners) listener(height);
}

function locate(chain: MemoryChain, txId: Digest): TransactionLocation | null {
  for (const block of chain.blocks) {
    const receipt = block.receipts.find((candidate) => candidate.txId === txId);
    if (receipt !== undefined) return { height: receipt.height, index: receipt.index };
  }
  return null;
}

function statusOf(chain: MemoryChain, txId: Digest): TransactionStatus {
  const location = locate(chain, txId);
  const block = location === null ? undefined : chain.blocks[location.height - 1];
  const receipt = block?.receipts[location?.index ?? 0] ?? null;
  const pending = chain.pending.get(txId);
  const notAfter = pending?.notAfter ?? block?.transactions[location?.index ?? 0]?.notAfter ?? null;
  if (receipt !== null) return { txId, status: receipt.outcome, receipt, notAfter };
  return { txId, status: pending === undefined ? 'unknown' : 'pending', receipt: null, notAfter };
}

/** What waited on a stalled ledger becomes one block, in the order in which it came. */
export function commitPending(chain: MemoryChain): void {
  chain.isStalled = false;
  commit(chain, [...chain.pending.values()]);
}

async function submit(chain: MemoryChain, envelopeBytes: Uint8Array): Promise<Result<TransactionStatus>> {
  const isKnown = ({ txId }: Transaction): boolean => statusOf(chain, txId).status !== 'unknown';
  const gate = aGate({ chainId: chainIdOf(genesis), isKnown });
  const transaction = await gate.transaction(envelopeBytes, chain.timeMs);
  if (!transaction.ok) return transaction;
  const { txId } = transaction.value;
  if (!isKnown(transaction.value)) {
    chain.pending.set(txId, transaction.value);
    if (!chain.isStalled) commit(chain, [transaction.value]);
  }
  return accepted(statusOf(chain, txId));
}

/** The ports of one member's node on the chain. A test overrides what it is about. */
export function memoryPorts(
  chain: MemoryChain,
  member = 'hospital',
  overrides: Partial<RpcPorts> = {},
): RpcPorts {
  const name = member as MemberName;
  const names = [...peopleOf(member), 'admin', 'card'];
  let randomness = 0;
  return {
    ledger: {
      chainId: chainIdOf(genesis),
      chainName: genesis.name,
      height: () => chain.blocks.length as Height,
      heightMin: () => 1 as Height,
      blockAt: (height) => {
        const block = chain.blocks[height - 1];
        if (block === undefined) return null;
        return { digest: block.digest, block: { header: block.header, batchDigests: [] }, certificate: null };
      },
      heightOf: (digest) => {
        const index = chain.blocks.findIndex((block) => block.digest === digest);
        return index < 0 ? null : ((index + 1) as Height);
      },
      receiptsAt: (height) => chain.blocks[height - 1]?.receipts ?? [],
      receiptAt: ({ height, index }) => chain.blocks[height - 1]?.receipts[index] ?? null,
      transactionOf: (txId) => {
        const location = locate(chain, txId);
        return location === null
          ? null
          : (chain.blocks[location.height - 1]?.transactions[location.index] ?? null);
      },
      history: async (subject, { after, limit }) =>
        (chain.history.get(subject) ?? [])
          .filter(
            (place) =>
              after === null ||
              place.height > after.height ||
              (place.height === after.height && place.index > after.index),
          )
          .slice(0, limit),
      members: () => memberNames(chain.state).flatMap((own) => readMember(chain.state, own) ?? []),
      state: () => chain.state,
      withView: (read) => read(viewOf(chain)),
      stamp: (txId) => (locate(chain, txId) === null ? null : utf8ToBytes('stamp')),
      stateStamp: (key) => utf8ToBytes(key),
      onFinalized: (listener) => {
        chain.listeners.add(listener);
        return () => chain.listeners.delete(listener);
      },
    },
    transactions: {
      submit: (envelopeBytes) => submit(chain, envelopeBytes),
      status: (txId) => statusOf(chain, txId),
      waitForReceipt: async (txId) => statusOf(chain, txId),
    },
    keystore: {
      member: name,
      entries: () =>
        names.map((person) => ({ name: person, publicKey: aSigner(keyTextOf(member, person)).publicKey })),
      sign: async (person, message) => {
        if (!names.includes(person)) return refused('keyUnknown');
        const signer = aSigner(keyTextOf(member, person));
        return accepted({ key: signer.publicKey, sig: signer.sign(message) });
      },
    },
    documents: {
      seal: async ({ token, documents }) => {
        chain.documents.set(token.rxId, documents);
        return accepted(
          documents.map((document, index) => ({
            docType: typeOf(document),
            commitment: digestOf(`commitment ${token.rxId} ${index}`),
            blobHash: digestOf(`blob ${token.rxId} ${index}`),
            size: 1_024,
          })),
        );
      },
      open: async (rxId) => {
        const prescription = readPrescription(chain.state, rxId);
        if (prescription === null) return refused('prescriptionUnknown');
        if (!mayRead(prescription, name, chain.timeMs)) return refused('notPermitted');
        const documents = chain.documents.get(rxId) ?? [];
        return accepted(
          documents.map((document) => ({
            docType: typeOf(document),
            resource: document as never,
          })),
        );
      },
    },
    node: {
      version: '0.0.0-test',
      status: () => ({
        name,
        roles: ['hospital'],
        isVoter: true,
        height: chain.blocks.length as Height,
        view: 1 as View,
        leader: name,
        peerCount: 4,
        missing: [],
        mempoolCount: chain.pending.size,
        sentence: null,
      }),
      peers: () => [
        { name: 'insurer' as MemberName, isConnected: true, lastHeardAt: noon, height: 0 as Height },
        { name: 'courier' as MemberName, isConnected: false, lastHeardAt: null, height: null },
      ],
      consensus: () => ({
        epoch: 1 as Epoch,
        view: 1 as View,
        viewSince: noon,
        leader: name,
        finalView: 0 as View,
        finalHeight: 0 as Height,
        quorum: 4,
        voters: [{ name, isMissing: false, lastHeardAt: null }],
      }),
    },
    ops: {
      metrics: async () => 'rxledger_height 0\n',
      live: () => true,
      ready: () => ({ ok: !chain.isStalled, reasons: chain.isStalled ? ['2 of 5 voters are missing'] : [] }),
    },
    signerFromSeed,
    now: () => chain.timeMs,
    randomBytes: (size) => {
      randomness += 1;
      return aSeed(`random ${member} ${randomness}`).slice(0, size);
    },
    onInternalError: (method, error) => {
      throw new Error(`${method} failed`, { cause: error });
    },
    onCall: () => {},
    ...overrides,
  };
}

export function memoryContext(ports: RpcPorts): RpcContext & { readonly feed: EventFeed } {
  return { ports, feed: eventFeed(ports.ledger), writes: writeMemory(), looks: turnstile(looksMax) };
}
