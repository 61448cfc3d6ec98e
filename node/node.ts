/** The composition root: opens the stores, builds the parts in order, and stops them in reverse. */
import type { PublicKey } from '../protocol/brand.ts';
import { chainIdOf, type Genesis } from '../protocol/genesis.ts';
import { present } from '../protocol/invariant.ts';
import type { Member } from '../protocol/member.ts';
import { readMember } from '../protocol/membership.ts';
import type { Signer } from '../protocol/signature.ts';
import { admittedMembers, mayChangeAdmission } from './admission.ts';
import { freeBytesOf, keepBallast, makeRoom } from './ballast.ts';
import { systemClock } from './clock.ts';
import type { NodeConfig } from './config.ts';
import { chooseKey, isInForce, requireInForce, type OwnKeys } from './consensusKey.ts';
import { forgetDamage, writeDamage } from './damage.ts';
import { DiskGuard } from './diskGuard.ts';
import { ed25519 } from './ed25519.ts';
import { Engine } from './engine.ts';
import { joinChain, type Joined } from './joining.ts';
import type { Keystore } from './keystore.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import { useNativeSha256 } from './nativeSha256.ts';
import { startNetwork } from './network/network.ts';
import type { Network, NetworkHandlers } from './network/ports.ts';
import { NodeFailure } from './nodeFailure.ts';
import { startRpcServer, type HttpOptions } from './rpc/server.ts';
import { FinalityListeners, makeRpcPorts } from './rpcPorts.ts';
import { Scrubber } from './scrubber.ts';
import { SnapshotMaker } from './snapshotMaker.ts';
import { isVoting, readinessFacts, type StatusParts } from './status.ts';
import { StorageFailure } from './storage/failure.ts';
import { layoutOf } from './storage/layout.ts';
import type { LedgerStore } from './storage/ledger.ts';
import type { CommitEntry } from './storage/ledgerCommit.ts';
import { closeStores, openStores, type Stores } from './stores.ts';
import { programVersion } from './version.ts';
import { startVerifyPool, type VerifyPool } from './verifyPool.ts';

export interface NodeOptions {
  readonly config: NodeConfig;
  readonly genesis: Genesis;
  /** As the genesis has it, or its keys alone (`ownMember`); which consensus key signs, the ledger says. */
  readonly own: Member;
  readonly keystore: Keystore;
  readonly home: string;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export interface RunningNode {
  /** Path of the unix socket. */
  readonly rpcSocket: string;
  /** Port of the loopback listener, or null without one. */
  readonly rpcPort: number | null;
  /** Multiaddrs that peers can dial. */
  readonly addresses: readonly string[];
  /** Rejects when the node cannot go on; never resolves before `stop`. */
  readonly finished: Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Throws NodeFailure, StorageFailure, NetworkFailure; then everything that was opened is closed again. */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  useNativeSha256();
  const stopping: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const action of stopping.splice(0).toReversed()) await action();
  };
  try {
    return await build(options, stopping, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function build(
  options: NodeOptions,
  stopping: (() => Promise<void>)[],
  stop: () => Promise<void>,
): Promise<RunningNode> {
  const { config, genesis, own, keystore, log, metrics } = options;
  const signer = await chooseSigner(options);
  let stores = await openHome(options, signer.publicKey);
  stopping.push(async () => closeStores(stores));
  const verifyPool = startVerifyPool({ threads: null });
  stopping.push(async () => verifyPool.stop());

  const failure = failureSignal();
  const finality = new FinalityListeners();
  const joined = await join(options, stores);
  ({ stores } = joined);
  stopping.push(joined.abandon);
  requireInForce(stores.ledger, ownKeys(options), signer.publicKey);
  const maker = makeSnapshots(options, stores, (cause) => engine.fail(cause));
  stopping.push(async () => maker.stop());
  const disk = makeDiskGuard(options, (cause) => engine.fail(cause));
  const engine: Engine = makeEngine(options, {
    stores,
    verifyPool,
    finality,
    disk,
    signer,
    onFatal: failure.fail,
  });
  stopping.push(async () => engine.stop());
  await engine.start(joined.connect);

  stopping.push(watchDisk(options, disk, (cause) => engine.fail(cause)));
  let isStopping = false;
  const status = statusParts(own, stores.ledger, { engine, clock: systemClock, disk });
  readGauges(options, { engine, stores, verifyPool, status });
  const ports = makeRpcPorts({
    version: programVersion,
    genesis,
    engine,
    stores,
    keystore,
    metrics,
    clock: systemClock,
    log,
    status,
    finality,
    isStopping: () => isStopping,
    onFatal: failure.fail,
  });
  const server = await startRpcServer({
    ports,
    socketPath: config.rpc.socket,
    http: httpOptions(config),
    ops: config.metrics.http,
  });
  stopping.push(async () => {
    isStopping = true;
    await server.close();
  });
  return {
    rpcSocket: config.rpc.socket,
    rpcPort: server.httpPort,
    addresses: engine.addresses(),
    finished: failure.finished,
    stop,
  };
}

function ownKeys({ own, keystore }: NodeOptions): OwnKeys {
  return { name: own.name, held: keystore.consensusSigners.map(({ publicKey }) => publicKey) };
}

async function chooseSigner(options: NodeOptions): Promise<Signer> {
  const { home, genesis, keystore } = options;
  const key = await chooseKey(home, genesis, ownKeys(options));
  const signer = keystore.consensusSigners.find(({ publicKey }) => publicKey === key);
  return present(signer, 'the key that was chosen is held');
}

/** A full disk gives up its ballast first; a start that succeeds ends what an earlier failure said. */
async function openHome(
  { home, genesis, config, log }: NodeOptions,
  consensusKey: PublicKey,
): Promise<Stores> {
  if (makeRoom(home, config.disk, freeBytesOf))
    log.warn({}, 'the disk is full: the ballast was given up so that the node can start');
  const stores = await openStores(home, genesis, consensusKey);
  warnOfSafetyLog(stores, log);
  forgetDamage(home);
  return stores;
}

function warnOfSafetyLog({ safety }: Stores, log: Logger): void {
  if (safety.loss !== null)
    log.error({ error: safety.loss }, 'the safety log is lost: this node only observes for now (W6)');
  if (safety.wasTornTail)
    log.warn({}, 'the last record of the safety log was torn and is gone: nobody saw it');
}

/** An empty node takes the state of the others first. */
async function join(options: NodeOptions, stores: Stores): Promise<Joined> {
  const { home, genesis, own, log } = options;
  const connect = networkOf(options, (reason) => options.metrics.countTurnedAway(reason));
  const world = { clock: systemClock, log, scheme: ed25519, connect };
  return joinChain(stores, { home, genesis, own, ...world });
}

/** How this home connects: to the members of the genesis, until the engine says who they are now. */
export function networkOf(
  options: Pick<NodeOptions, 'config' | 'genesis' | 'keystore' | 'log'>,
  onTurnedAway: (reason: string) => void,
): (handlers: NetworkHandlers) => Promise<Network> {
  const { config, genesis, keystore, log } = options;
  const own = config.node.name;
  const founders = genesis.members.filter(({ name, status }) => name !== own && status === 'active');
  const members = new Map(founders.map(({ name, networkKey }) => [name, networkKey]));
  const { listen, advertise, peers: addresses } = config.network;
  const networkKeySeed = keystore.seed('network');
  const chainId = chainIdOf(genesis);
  const network = { own, networkKeySeed, chainId, listen, advertise, members, addresses, log, onTurnedAway };
  return async (handlers) => startNetwork(network, handlers);
}

/** From now on, a snapshot every so many blocks. */
function makeSnapshots(
  { config, log }: NodeOptions,
  { ledger, snapshots }: Stores,
  onFailure: (cause: unknown) => void,
): SnapshotMaker {
  const { everyBlocks } = config.snapshots;
  const maker = new SnapshotMaker({ snapshots, everyBlocks, log, onFailure });
  ledger.captureFor(maker);
  return maker;
}

/** `finished` rejects with the first failure; nobody needs to listen from the start. */
function failureSignal(): { readonly finished: Promise<void>; readonly fail: (cause: unknown) => void } {
  let fail: (cause: unknown) => void = () => undefined;
  const finished = new Promise<void>((_resolve, reject) => {
    fail = reject;
  });
  finished.catch(() => undefined);
  return { finished, fail };
}

function httpOptions({ rpc }: NodeConfig): HttpOptions | null {
  if (rpc.http === null) return null;
  const { host, port } = rpc.http;
  return { host, port, tokenPath: rpc.tokenFile, allowHosts: [], allowOrigins: rpc.origins };
}

/** Members come and go, and so may we: what is told of them is read when it is asked for. */
function statusParts(
  own: Member,
  ledger: LedgerStore,
  parts: Pick<StatusParts, 'engine' | 'clock' | 'disk'>,
): StatusParts {
  return {
    ...parts,
    ledger,
    get own() {
      return readMember(ledger, own.name) ?? own;
    },
    others: () => [...admittedMembers(ledger, own.name).keys()],
  };
}

interface EngineParts {
  readonly stores: Stores;
  readonly verifyPool: VerifyPool;
  readonly finality: FinalityListeners;
  readonly disk: DiskGuard;
  /** Holds the consensus key in force. */
  readonly signer: Signer;
  readonly onFatal: (cause: unknown) => void;
}

function makeDiskGuard(
  { home, config, log }: NodeOptions,
  onFull: (cause: StorageFailure) => void,
): DiskGuard {
  const freeBytes = (): number => freeBytesOf(home);
  return new DiskGuard({ marks: config.disk, freeBytes, clock: systemClock, log, onFull });
}

/** Its room and its tables, from the start on; the ballast is made in the background, and the node does without it if it must. */
function watchDisk(
  { home, config, log }: NodeOptions,
  disk: DiskGuard,
  onDamage: (cause: StorageFailure) => void,
): () => Promise<void> {
  const { ledger, batches, sealed } = layoutOf(home);
  const scrubber = new Scrubber({ clock: systemClock, directories: [ledger, batches, sealed], onDamage });
  disk.start();
  scrubber.start();
  keepBallast(home, config.disk, freeBytesOf).catch((error: unknown) => {
    log.warn({ error }, 'there is no ballast: a full disk would keep this node from starting');
  });
  return async () => {
    disk.stop();
    scrubber.stop();
  };
}

function makeEngine({ genesis, own, keystore, home, log, metrics }: NodeOptions, parts: EngineParts): Engine {
  const { stores, verifyPool, finality, disk, signer } = parts;
  const onCommitted = (entries: readonly CommitEntry[]): void => {
    for (const { receipts, block } of entries) {
      const refusedCount = receipts.filter((receipt) => receipt.outcome === 'refused').length;
      metrics.countTransactions('committed', receipts.length - refusedCount);
      metrics.countTransactions('refused', refusedCount);
      log.debug(
        { height: block.header.height, view: block.header.view, count: receipts.length },
        'block is final',
      );
      finality.tell(block.header.height);
    }
    // The engine does not vote with a key that its epoch does not name, and there is nothing else that must be done at once.
    if (mayChangeAdmission(entries) && !isInForce(stores.ledger, own.name, signer.publicKey))
      parts.onFatal(new NodeFailure('keyRotated', 'another consensus key is in force'));
  };
  return new Engine({
    genesis,
    own,
    stores,
    isObserver: false,
    signer,
    sealing: keystore.sealingSecret,
    scheme: ed25519,
    verifyMany: async (items) => verifyPool.verify(items),
    clock: systemClock,
    log,
    onCommitted,
    onExpired: (count) => metrics.countTransactions('expired', count),
    onCommitMs: (durationMs) => metrics.observeCommitMs(durationMs),
    onFsyncMs: (durationMs) => metrics.observeFsyncMs(durationMs),
    hasRoom: () => disk.room === 'ample',
    onFatal: (cause) => {
      log.error({ error: cause }, 'the node no longer votes');
      // What verifies can still be read, and the status says what to do; any other error is a bug, which a restart may mend.
      if (cause instanceof StorageFailure) writeDamage(home, cause);
      else parts.onFatal(cause);
    },
  });
}

function readGauges(
  { metrics }: NodeOptions,
  parts: Pick<EngineParts, 'stores' | 'verifyPool'> & {
    readonly engine: Engine;
    readonly status: StatusParts;
  },
): void {
  const { engine, stores, verifyPool, status } = parts;
  metrics.readGauges(() => ({
    height: stores.ledger.head().height,
    view: engine.state.view,
    mempoolCount: engine.mempoolSize.count,
    mempoolBytes: engine.mempoolSize.bytes + engine.pool.bytes,
    peersConnected: engine.connected().length,
    verifyQueue: verifyPool.itemCount(),
    clockOffsetMs: readinessFacts(status, false).clockOffsetMs,
    diskFreeBytes: status.disk.freeBytes,
    isVoting: isVoting(status),
  }));
}
