/**
 * What an empty node does before it takes part: it connects, and looks for a snapshot. Until the engine takes the connections over it
 * hears nothing and has nothing to give. Whatever comes of it, the engine goes on with blocks from where the ledger is then.
 */
import type { MemberName } from '../protocol/brand.ts';
import type { Genesis } from '../protocol/genesis.ts';
import type { Member } from '../protocol/member.ts';
import type { SignatureScheme } from '../protocol/signature.ts';
import { decodeAnswer, decodeRequest, encodeAnswer, encodeRequest } from '../protocol/sync.ts';
import type { SyncAnswer, SyncRequest } from '../protocol/sync.ts';
import type { Clock } from './clock.ts';
import type { Network, NetworkHandlers } from './network/ports.ts';
import type { Log } from './ports.ts';
import type { RestoreTarget } from './snapshotRestore.ts';
import { syncState } from './stateSync.ts';
import { beginLedgerRestore, reopenLedger, type Stores } from './stores.ts';

export interface JoinOptions {
  readonly home: string;
  readonly genesis: Genesis;
  readonly own: Member;
  readonly clock: Clock;
  readonly log: Log;
  readonly scheme: SignatureScheme;
  readonly connect: (handlers: NetworkHandlers) => Promise<Network>;
}

export interface Joined {
  /** With another ledger than before, if one was restored. */
  readonly stores: Stores;
  /** For the engine: the network that is up already, or a new one. */
  readonly connect: (handlers: NetworkHandlers) => Promise<Network>;
  /** Takes the network down if nobody took it over. */
  readonly abandon: () => Promise<void>;
}

const requestTimeoutMs = 4_000;
const letInPollMs = 250;

/** Failures of network and disk reject; the stores are then in the state in which `closeStores` finds them. */
export async function joinChain(stores: Stores, options: JoinOptions): Promise<Joined> {
  if (stores.ledger.head().height > 0) {
    return { stores, connect: options.connect, abandon: async () => undefined };
  }
  const door = new Door();
  const network = await options.connect(door.handlers);
  try {
    if (options.own.status === 'proposed') await letIn(network, options);
    const restored = await restoreState(stores, network, options);
    return {
      stores: restored,
      connect: async (handlers) => {
        door.open(handlers, network);
        return network;
      },
      abandon: async () => (door.isOpen ? undefined : network.stop()),
    };
  } catch (error) {
    await network.stop();
    throw error;
  }
}

/** Stands before the engine's handlers until they are there. */
class Door {
  #inner: NetworkHandlers | null = null;

  get isOpen(): boolean {
    return this.#inner !== null;
  }

  readonly handlers: NetworkHandlers = {
    onConsensusFrame: (from, frame) => this.#inner?.onConsensusFrame(from, frame),
    onBatch: async (bytes, from) => (this.#inner === null ? 'ignore' : this.#inner.onBatch(bytes, from)),
    onFinalized: async (bytes, from) =>
      this.#inner === null ? 'ignore' : this.#inner.onFinalized(bytes, from),
    onRequest: async (from, bytes) =>
      this.#inner === null ? emptyAnswer(bytes) : this.#inner.onRequest(from, bytes),
    onPeerChanged: (name, isConnected) => this.#inner?.onPeerChanged(name, isConnected),
  };

  /** Who is connected by now is told as if it had just come. */
  open(handlers: NetworkHandlers, network: Network): void {
    this.#inner = handlers;
    for (const peer of network.peers()) if (peer.isConnected) handlers.onPeerChanged(peer.name, true);
  }
}

/** A node that has nothing says so: others that are empty need not wait for it. */
function emptyAnswer(bytes: Uint8Array): Uint8Array {
  const request = decodeRequest(bytes);
  if (!request.ok) return encodeAnswer({ kind: 'refused', code: request.refusal.code });
  if (request.value.kind === 'snapshot') return encodeAnswer({ kind: 'snapshot', manifest: null });
  return encodeAnswer({ kind: 'refused', code: 'busy' });
}

function connectedTo(network: Network): readonly MemberName[] {
  return network.peers().flatMap(({ name, isConnected }) => (isConnected ? [name] : []));
}

/**
 * A newcomer has nobody to ask for a snapshot until its join is final, however long that takes; after that, whoever lets it in first is
 * not alone for long.
 */
async function letIn(network: Network, { clock, log }: JoinOptions): Promise<void> {
  if (connectedTo(network).length > 0) return;
  log.info({}, 'no member of the genesis: waiting until the others let this node in');
  while (connectedTo(network).length === 0) {
    await new Promise<void>((resolve) => {
      clock.after(letInPollMs, resolve);
    });
  }
}

async function ask(network: Network, to: MemberName, request: SyncRequest): Promise<SyncAnswer | null> {
  try {
    const answer = decodeAnswer(await network.request(to, encodeRequest(request), requestTimeoutMs));
    return answer.ok ? answer.value : null;
  } catch {
    return null;
  }
}

async function restoreState(stores: Stores, network: Network, options: JoinOptions): Promise<Stores> {
  const { genesis, own, home, log, clock, scheme } = options;
  const { snapshots } = stores;
  const beginRestore = async (): Promise<RestoreTarget> => {
    await stores.ledger.close();
    return beginLedgerRestore(home, genesis);
  };
  const outcome = await syncState({
    genesis,
    scheme,
    clock,
    log,
    others: genesis.members.map(({ name }) => name).filter((name) => name !== own.name),
    connected: () => connectedTo(network),
    ask: async (to, request) => ask(network, to, request),
    drop: (name, reason) => network.drop(name, reason),
    hasChunk: (chunk) => snapshots.hasDownload(chunk),
    putChunk: async (chunk, bytes) => snapshots.putDownload(chunk, bytes),
    readChunk: (chunk) => snapshots.download(chunk),
    deleteChunks: async () => snapshots.deleteDownloads(),
    beginRestore,
  });
  if (outcome === 'none') return stores;
  // Others have a history that we lack, so they may know batches of ours that we do not.
  await stores.batches.loseLane();
  const ledger = await reopenLedger(stores.ledger, home, genesis);
  const { height } = ledger.head();
  if (outcome === 'restored') log.info({ height }, 'joined from a snapshot');
  else log.warn({}, 'no snapshot could be verified: joining from blocks');
  return { ...stores, ledger };
}
