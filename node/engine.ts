/** The node without its doors to people: its parts, put together. Everything that it needs from the world comes through its options. */
import { describe, type Description } from '../consensus/description.ts';
import { isVoteNew, type ReplicaState } from '../consensus/replica.ts';
import { isCertificateNew } from '../consensus/view.ts';
import type { Digest, Epoch, Height, MemberName, Sequence, Timestamp, Verified } from '../protocol/brand.ts';
import { chainIdOf } from '../protocol/genesis.ts';
import { laneCursor } from '../protocol/lane.ts';
import type { FinalityProof } from '../protocol/lightClient.ts';
import type { Member, VoterSet } from '../protocol/member.ts';
import { refused, type Result } from '../protocol/result.ts';
import { encodeAnswer } from '../protocol/sync.ts';
import type { Transaction } from '../protocol/transaction.ts';
import { acceptedBatchKeys, activeMember, admittedMembers, mayChangeAdmission } from './admission.ts';
import { Archive, syncedBlocks } from './archive.ts';
import type { Cancel } from './clock.ts';
import { listenForOwnKey, watchFor, type CloneWatch } from './cloneWatch.ts';
import { assembleCore, type Core, type CoreOptions } from './core.ts';
import type { Documents } from './documents.ts';
import { EarlyFrames } from './earlyFrames.ts';
import { documentsOf } from './engineDocuments.ts';
import type { EngineOptions } from './engineOptions.ts';
import { Epochs } from './epochs.ts';
import type { EquivocationWatch } from './equivocation.ts';
import { Gate, type VerifiedBatch, type VerifiedMessage } from './gate.ts';
import { eventOf, intakeHandlers } from './intake.ts';
import { loadLanes, replayLog, trackOwn } from './reload.ts';
import { LaneRecovery } from './laneRecovery.ts';
import { Mempool } from './mempool.ts';
import type { Network, NetworkHandlers } from './network/ports.ts';
import { PeerBook } from './peerBook.ts';
import { laneBatchesMax, Pool } from './pool.ts';
import { StorageFailure } from './storage/failure.ts';
import type { CommitEntry } from './storage/ledgerCommit.ts';
import { Tracker } from './tracker.ts';
import { watchForEquivocation } from './vigilance.ts';
import { WorkWatch } from './workWatch.ts';

const housekeepingMs = 1_000;
/** Whole segments of the safety log below the final view go after so many final blocks (W9). */
const pruneEveryBlocks = 256;
/** A finalized block older than this was caught up with, and the others have it. */
const publishAgeMsMax = 10_000;
/** Final blocks that a peer may be ahead of us in normal running. */
const behindMax = 3;

export class Engine {
  readonly chainId: Digest;
  readonly pool: Pool = new Pool((held, other) => this.#equivocations.hearBatches(held, other));
  readonly peerBook: PeerBook;
  readonly tracker: Tracker;
  readonly gate: Gate;
  readonly documents: Documents;
  readonly archive: Archive;
  readonly #options: EngineOptions;
  readonly #equivocations: EquivocationWatch;
  readonly #epochs: Epochs;
  readonly #early: EarlyFrames = new EarlyFrames();
  readonly #workWatch: WorkWatch = new WorkWatch(this.pool);
  readonly #core: Core;
  readonly #laneRecovery: LaneRecovery;
  readonly #watch: CloneWatch | null;
  #mempool: Mempool | null = null;
  #network: Network | null = null;
  #hear: NetworkHandlers['onConsensusFrame'] = () => undefined;
  #cancelHousekeeping: Cancel = () => undefined;
  #isStarted = false;
  #failure: { readonly cause: unknown } | null = null;
  #heightAtTick = 0;
  #prunedHeight = 0;

  constructor(options: EngineOptions) {
    const { genesis, own, clock } = options;
    this.#options = options;
    this.chainId = chainIdOf(genesis);
    this.#equivocations = watchForEquivocation(options, this);
    this.archive = new Archive(options.stores.ledger, options.stores.batches);
    this.#epochs = this.#makeEpochs();
    const { own: ownVoter, voters } = this.#epochs.current;
    const records = replayLog(options.stores.safety.entries, this.#epochs.current);
    this.#watch = watchFor(ownVoter, voters.voters.length, records);
    this.peerBook = new PeerBook(clock);
    this.tracker = new Tracker(clock, options.onCommitMs);
    this.gate = this.#makeGate();
    this.#core = assembleCore(this.#coreOptions());
    this.documents = documentsOf(options, {
      archive: this.archive,
      fetcher: this.#core.fetcher,
      holders: () => this.voters.voters.map((voter) => voter.name),
      connected: () => this.connected(),
      member: (name) => this.member(name),
    });
    this.#laneRecovery = new LaneRecovery({
      own: own.name,
      stores: options.stores,
      pool: this.pool,
      peerBook: this.peerBook,
      fetcher: this.#core.fetcher,
      voters: () => this.voters,
      continueAt: (sequence) => this.#mempool?.continueAt(sequence),
      onFailure: (cause) => this.fail(cause),
    });
  }

  /** Of the epoch in force. */
  get voters(): VoterSet {
    return this.#epochs.current.voters;
  }

  get state(): ReplicaState {
    return this.#core.reactor.state;
  }

  get mempoolSize(): Pick<Mempool, 'count' | 'bytes'> {
    return this.#mempool ?? { count: 0, bytes: 0 };
  }

  get isFailed(): boolean {
    return this.#failure !== null;
  }

  /** Why it cannot go on, if it cannot. */
  get failure(): { readonly cause: unknown } | null {
    return this.#failure;
  }

  /** False while a voter still listens for its own key (W8). */
  get isStarted(): boolean {
    return this.#isStarted;
  }

  describe(): Description {
    return describe(this.state);
  }

  member(name: MemberName): Member | null {
    return activeMember(this.#options.stores.ledger, name);
  }

  connected(): readonly MemberName[] {
    return this.#network?.peers().flatMap((peer) => (peer.isConnected ? [peer.name] : [])) ?? [];
  }

  addresses(): readonly string[] {
    return this.#network?.addresses() ?? [];
  }

  /**
   * Loads what was not ordered yet, opens the network, listens for our own key if we have voted before (W8), then takes part.
   * Throws NodeFailure `clonedKey`, NetworkFailure, StorageFailure.
   */
  async start(connect: (handlers: NetworkHandlers) => Promise<Network>): Promise<void> {
    const { stores, own } = this.#options;
    await loadLanes(this.#options, { pool: this.pool, gate: this.gate });
    const cursor = laneCursor(stores.ledger, own.name);
    trackOwn(stores.ledger, this.pool.run(own.name, cursor, laneBatchesMax), this.tracker);
    const highest = await stores.batches.highestSequence(own.name);
    this.#mempool = this.#makeMempool((Math.max(cursor, highest) + 1) as Sequence);
    this.#network = await connect(this.#handlers());
    this.#network.setMembers(admittedMembers(stores.ledger, own.name));
    await listenForOwnKey(this.#watch, this.#options.clock);
    this.#isStarted = true;
    this.#core.reactor.handle({ kind: 'started' });
    this.#refreshWork();
    this.#housekeeping();
  }

  /** Orderly: nothing new is taken in, what is being written is written. */
  async stop(): Promise<void> {
    this.#cancelHousekeeping();
    this.#core.reactor.stop();
    this.#core.catchUp.stop();
    await this.#mempool?.stop();
    await this.#core.committer.stop();
    await this.#network?.stop();
    this.tracker.stop();
  }

  /** A transaction of an application, through the gate into our lane. Accepted means that it waits, or is known already. */
  async submit(envelopeBytes: Uint8Array): Promise<Result<Verified<Transaction>>> {
    const now = Math.floor(this.#options.clock.wallMs()) as Timestamp;
    const transaction = await this.gate.transaction(envelopeBytes, now);
    if (!transaction.ok) return transaction;
    const { txId, notAfter } = transaction.value;
    if (this.gate.isKnown(transaction.value)) return transaction;
    if (this.#mempool === null || this.isFailed || this.tracker.isFull)
      return refused('busy', 'not taking part');
    if (!this.#options.hasRoom()) return refused('busy', 'disk space');
    if (!this.#laneRecovery.isKnown) return refused('busy', 'asking the others for our own batches');
    const taken = this.#mempool.add(transaction.value);
    if (!taken.ok) return taken;
    this.tracker.add(txId, notAfter);
    return transaction;
  }

  #makeEpochs(): Epochs {
    const { own, signer, genesis, stores, isObserver } = this.#options;
    const closing = (epoch: Epoch): FinalityProof | null => this.archive.closings(epoch, 1)[0] ?? null;
    const shared = { chainId: this.chainId, ownName: own.name, signer, isObserver };
    return new Epochs({ ...shared, genesis, ledger: stores.ledger, entries: stores.safety.entries, closing });
  }

  #makeGate(): Gate {
    const { scheme, verifyMany, own, signer } = this.#options;
    const epochs = this.#epochs;
    const ours = { name: own.name, key: signer.publicKey };
    return new Gate({
      chainId: this.chainId,
      get voters() {
        return epochs.current.voters;
      },
      scheme,
      verifyMany,
      // Until we take part, everything is listened to: it may be our own key that speaks (W8).
      isVoteNew: (vote) =>
        !this.#isStarted || isVoteNew(this.state, vote) || this.#equivocations.contradicts(vote),
      isCertificateNew: (certificate) => !this.#isStarted || isCertificateNew(this.state, certificate),
      isKnown: (one) => this.#options.stores.ledger.wasExecuted(one) || this.tracker.has(one.txId),
      heldBatch: (digest) => this.pool.get(digest),
      batchKeysOf: (name) => acceptedBatchKeys(this.#core.executor.batchKeysOf(name), ours, name),
    });
  }

  #makeMempool(nextSequence: Sequence): Mempool {
    const { stores, clock, own, signer, genesis } = this.#options;
    return new Mempool({
      blockIntervalMsMin: genesis.consensus.blockIntervalMsMin,
      chainId: this.chainId,
      member: own.name,
      signer,
      clock,
      nextSequence,
      store: async (batch) => stores.batches.put(batch, true),
      unorderedBatches: () => this.pool.laneSize(own.name),
      publish: (verified) => {
        // Our own lane has its bound in the mempool; a batch that is durable must never be left out.
        this.pool.add(verified, { isOrdered: true });
        this.#network?.publishBatch(verified.batch.bytes);
        this.#refreshWork();
      },
      onFailure: (cause) => this.fail(cause),
    });
  }

  #handlers(): NetworkHandlers {
    const { stores, log } = this.#options;
    const { fetcher, findUnfinal, unfinal } = this.#core;
    const handlers = intakeHandlers({
      gate: this.gate,
      pool: this.pool,
      fetcher,
      peers: this.peerBook,
      voters: () => this.voters,
      log,
      answers: {
        pool: this.pool,
        documents: this.documents,
        archive: this.archive,
        snapshots: stores.snapshots,
        blocksFrom: (height, countMax) => this.archive.blocksFrom(height, countMax),
        findBlock: (digest) => findUnfinal(digest) ?? stores.ledger.certifiedBlock(digest),
        findBatch: (digest) => this.pool.get(digest)?.batch.bytes ?? stores.batches.get(digest),
      },
      finalHeight: () => stores.ledger.head().height,
      onMessage: (from, message) => this.#onMessage(from, message),
      onBatch: (batch) => this.#onBatch(batch),
      onEarly: (from, frame) => this.#early.keep(from, frame),
      onCertified: (blocks, certificate) => {
        unfinal.keep(blocks);
        if (!this.#isStarted) return;
        this.#core.reactor.handle({ kind: 'blocksReceived', blocks });
        this.#core.reactor.handle({ kind: 'certificateReceived', certificate });
      },
      onConnected: (name) => this.#offerLane(name),
      drop: (name, reason) => this.#network?.drop(name, reason),
    });
    this.#hear = handlers.onConsensusFrame;
    return { ...handlers, onRequest: async (from, bytes) => this.#reading(handlers.onRequest(from, bytes)) };
  }

  /** Reads for others: damage that shows in them is ours to act upon. */
  async #reading<T>(work: Promise<T>): Promise<T> {
    return work.catch((cause: unknown) => {
      if (cause instanceof StorageFailure) this.fail(cause);
      throw cause;
    });
  }

  #onMessage(from: MemberName, message: VerifiedMessage): void {
    if (!this.#isStarted) this.#watch?.hear(message);
    if (message.kind === 'status') this.peerBook.status(from, message.status);
    if (!this.#isStarted) return;
    this.#equivocations.hear(message);
    if (message.kind === 'status') this.#catchUpIfBehind(message.status.finalHeight);
    const event = eventOf(from, message);
    if (event !== null) this.#core.reactor.handle(event);
  }

  /** A node far behind asks by height; one block behind is the way of things unless it lasts. */
  #catchUpIfBehind(finalHeight: Height): void {
    const { height } = this.#options.stores.ledger.head();
    const isStuck = finalHeight > height && height === this.#heightAtTick;
    if (isStuck || finalHeight > height + behindMax) this.#core.catchUp.wake();
  }

  /** A new batch is kept on disk, not yet synced: it is made durable before we prepare a block that names it. */
  #onBatch({ batch }: VerifiedBatch): void {
    if (this.isFailed) return;
    this.#options.stores.batches.put(batch, false).catch((cause: unknown) => this.fail(cause));
    this.#refreshWork();
  }

  #onCommitted(entries: readonly CommitEntry[]): void {
    const { stores, own, clock, onCommitted } = this.#options;
    const last = entries.at(-1);
    if (last === undefined) return;
    const { header } = last.block;
    for (const entry of entries) this.tracker.settle(entry.receipts);
    this.#options.onExpired(this.tracker.expire(header.timeMs));
    this.#core.forget(entries);
    if (mayChangeAdmission(entries)) this.#network?.setMembers(admittedMembers(stores.ledger, own.name));
    onCommitted(entries);
    const certified = last.extension ?? header;
    const isOurs = this.voters.voters[certified.proposer]?.name === own.name;
    if (isOurs && clock.wallMs() - certified.timeMs < publishAgeMsMax)
      this.#network?.publishFinalized(encodeAnswer({ kind: 'blocks', blocks: syncedBlocks(last) }));
    if (header.height - this.#prunedHeight >= pruneEveryBlocks) {
      this.#prunedHeight = header.height;
      stores.safety.log.pruneBelow(header.epoch, header.view);
      this.pool.sweep();
    }
    if (header.nextVoterSet !== null) this.#startEpoch();
    this.#refreshWork();
  }

  /** V5: the closing block is in the ledger, and with it the voters of the next epoch. */
  #startEpoch(): void {
    const { voters, own } = this.#epochs.advance();
    this.#core.startEpoch();
    const names = voters.voters.map(({ name }) => name);
    this.#options.log.info({ epoch: voters.epoch, voters: names, isVoter: own !== null }, 'an epoch begins');
    if (!this.#isStarted) return;
    this.#core.reactor.handle({ kind: 'started' });
    for (const [from, frame] of this.#early.take()) void this.#hear(from, frame);
  }

  /** Tells the replica whether there is something to order, when that may have changed (§4 expectant). */
  #refreshWork(): void {
    if (!this.#isStarted) return;
    this.#workWatch.refresh(this.#core.reactor, this.#core.executor);
  }

  /** Every second: a lane whose batches stay unordered is offered again, for gossip may have missed somebody. */
  #housekeeping(): void {
    const { clock, own, stores } = this.#options;
    this.#cancelHousekeeping = clock.after(housekeepingMs, () => this.#housekeeping());
    this.#equivocations.tick(clock.monotonicMs()).catch((cause: unknown) => this.fail(cause));
    const { height } = stores.ledger.head();
    const isIdle = height === this.#heightAtTick;
    this.#heightAtTick = height;
    this.#laneRecovery.tick();
    if (isIdle && this.pool.run(own.name, laneCursor(stores.ledger, own.name), 1).length > 0) {
      for (const name of this.connected()) this.#offerLane(name);
    }
  }

  #offerLane(to: MemberName): void {
    const { own } = this.#options;
    const sequence = this.pool.highest(own.name);
    if (sequence === 0 || this.pool.run(own.name, sequence - 1, 1).length === 0) return;
    void this.#core.fetcher.ask(to, { kind: 'laneTip', sequence });
  }

  /** The first failure decides (W7): no vote, no commit, no batch from here on; what can be read is read. */
  fail(cause: unknown): void {
    if (this.isFailed) return;
    this.#failure = { cause };
    this.#core.reactor.stop();
    this.#core.catchUp.stop();
    void this.#core.committer.stop();
    void this.#mempool?.stop();
    this.#options.onFatal(cause);
  }

  #coreOptions(): CoreOptions {
    const { genesis, own, stores, clock, log, onFsyncMs } = this.#options;
    const { chainId, gate, pool, peerBook } = this;
    const shared = { chainId, epochs: this.#epochs, gate, pool, peerBook, stores, clock, log, onFsyncMs };
    return {
      ...shared,
      ownName: own.name,
      parameters: genesis.consensus,
      network: () => this.#network,
      connected: () => this.connected(),
      onBatch: (batch) => this.#onBatch(batch),
      onStep: () => this.#refreshWork(),
      onCommitted: (entries) => this.#onCommitted(entries),
      onFailure: (cause) => this.fail(cause),
    };
  }
}
