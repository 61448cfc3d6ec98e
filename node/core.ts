/** The parts around the replica, put together: execution, validation, commits, catching up. The engine gives them their world. */
import { recover } from '../consensus/recovery.ts';
import type { SafetyRecord } from '../consensus/record.ts';
import type { Block } from '../protocol/block.ts';
import type { Digest, Height, MemberName } from '../protocol/brand.ts';
import type { Certificate } from '../protocol/certificate.ts';
import type { ConsensusParameters } from '../protocol/genesis.ts';
import { UnfinalBlocks } from './blockBook.ts';
import { CatchUp } from './catchUp.ts';
import type { Clock } from './clock.ts';
import { Committer } from './committer.ts';
import type { Epochs } from './epochs.ts';
import { Executor } from './executor.ts';
import { Fetcher } from './fetcher.ts';
import type { Gate, VerifiedBatch } from './gate.ts';
import type { Network } from './network/ports.ts';
import type { PeerBook } from './peerBook.ts';
import type { Pool } from './pool.ts';
import type { Log } from './ports.ts';
import { Reactor } from './reactor.ts';
import { replayLog } from './reload.ts';
import type { CommitEntry } from './storage/ledgerCommit.ts';
import type { Stores } from './stores.ts';
import { Validator } from './validator.ts';

export interface CoreOptions {
  readonly chainId: Digest;
  readonly epochs: Epochs;
  readonly ownName: MemberName;
  readonly parameters: ConsensusParameters;
  readonly stores: Stores;
  readonly gate: Gate;
  readonly pool: Pool;
  readonly peerBook: PeerBook;
  readonly clock: Clock;
  readonly log: Log;
  /** Null until the network is up, and after it went down. */
  readonly network: () => Network | null;
  readonly connected: () => readonly MemberName[];
  readonly onBatch: (batch: VerifiedBatch) => void;
  readonly onStep: () => void;
  readonly onCommitted: (entries: readonly CommitEntry[]) => void;
  readonly onFsyncMs: (durationMs: number) => void;
  readonly onFailure: (cause: unknown) => void;
}

export interface Core {
  readonly executor: Executor;
  readonly fetcher: Fetcher;
  readonly committer: Committer;
  readonly catchUp: CatchUp;
  /** Of the epoch in force: another one after `startEpoch`. */
  readonly reactor: Reactor;
  readonly unfinal: UnfinalBlocks;
  /** A block that is not final yet: from proposals, fetches, or the replica's own memory. */
  readonly findUnfinal: (digest: Digest) => Block | null;
  /** Replaces the replica by one of the epoch in force, which is given `started` by whoever calls this. */
  readonly startEpoch: () => void;
  /** Forgets what finality has overtaken. */
  readonly forget: (entries: readonly CommitEntry[]) => void;
}

/** A block's execution should take at most this part of Δ, for each voter does it between the proposal and its PREPARE. */
const blockShareOfDelta = 4;

/** CCs of blocks below the last one of a range, until their blocks are committed. */
type Certificates = Map<Digest, Certificate>;

export function assembleCore(options: CoreOptions): Core {
  const { chainId, stores, gate, pool, log, clock, peerBook } = options;
  const { ledger } = stores;
  const unfinal = new UnfinalBlocks();
  const certificates: Certificates = new Map();
  const blockMsTarget = options.parameters.deltaMs / blockShareOfDelta;
  const executor = new Executor({ chainId, ledger, pool, clock, blockMsTarget });
  const fetcher = new Fetcher({
    gate,
    pool,
    log,
    peers: options.connected,
    request: async (to, bytes, timeoutMs) => {
      const network = options.network();
      if (network === null) throw new Error('the network is down');
      return network.request(to, bytes, timeoutMs);
    },
    onBatch: options.onBatch,
  });
  const committer = makeCommitter(options, { executor, fetcher, certificates });
  const findUnfinal = (digest: Digest): Block | null =>
    unfinal.find(digest) ?? reactor.state.blocks.get(digest) ?? null;
  const validator = new Validator({
    clock,
    log,
    executor,
    fetcher,
    blocks: { find: findUnfinal, keep: unfinal.keep },
    finalHeight: () => ledger.head().height,
    deltaMs: options.parameters.deltaMs,
    leaderOf: (block) => leaderNames(options.epochs, block),
    storeBatches: async (digests) => stores.batches.makeDurable(digests),
  });
  const parts = { executor, validator, committer, fetcher, unfinal };
  let reactor = makeReactor(options, parts, replayLog(stores.safety.entries, options.epochs.current));
  const catchUp = new CatchUp({
    gate,
    fetcher,
    log,
    head: () => ledger.head(),
    ahead: (height) => peerBook.ahead(height),
    committed: async () => committer.idle(),
    onBlocks: (blocks, proofs) => {
      unfinal.keep(blocks);
      for (const proof of proofs) if (proof.digest !== null) certificates.set(proof.digest, proof);
    },
    handle: (event) => reactor.handle(event),
  });
  const forget = (entries: readonly CommitEntry[]): void => {
    for (const entry of entries) certificates.delete(entry.digest);
    const last = entries.at(-1);
    if (last !== undefined) unfinal.forgetUpTo(last.block.header.height);
  };
  const startEpoch = (): void => {
    reactor.stop();
    reactor = makeReactor(options, parts, recordsOfNext(options, reactor));
  };
  const shared = { executor, fetcher, committer, catchUp, unfinal, findUnfinal, startEpoch, forget };
  return {
    ...shared,
    get reactor() {
      return reactor;
    },
  };
}

/** The log as it was at the start: what we have regained since then is still regained (W6). */
function recordsOfNext({ stores, epochs }: CoreOptions, before: Reactor): readonly SafetyRecord[] {
  const records = replayLog(stores.safety.entries, epochs.current);
  return before.state.memory.kind === 'whole' ? records.filter(({ kind }) => kind !== 'memory') : records;
}

function leaderNames(epochs: Epochs, block: Block): readonly MemberName[] {
  const leader = epochs.current.voters.voters[block.header.proposer];
  return leader === undefined ? [] : [leader.name];
}

function makeCommitter(
  options: CoreOptions,
  parts: Pick<Core, 'executor' | 'fetcher'> & { readonly certificates: Certificates },
): Committer {
  const { clock, pool, stores, epochs, onCommitted, onFailure } = options;
  return new Committer({
    clock,
    ledger: stores.ledger,
    executor: parts.executor,
    pool,
    fetcher: parts.fetcher,
    leaderOf: (block) => leaderNames(epochs, block),
    certificateOf: (digest) => parts.certificates.get(digest) ?? null,
    storeBatches: async (digests) => stores.batches.makeDurable(digests),
    onCommitted,
    onFailure,
  });
}

function makeReactor(
  options: CoreOptions,
  parts: Pick<Core, 'executor' | 'committer' | 'fetcher' | 'unfinal'> & { readonly validator: Validator },
  records: readonly SafetyRecord[],
): Reactor {
  const { epochs, ownName, parameters, stores, clock, network } = options;
  const { voters, voterSetHash, config, own } = epochs.current;
  const { block, certificate } = stores.ledger.head();
  const otherVoters = voters.voters.map((voter) => voter.name).filter((name) => name !== ownName);
  const fetchBlocks = async (digest: Digest, aboveHeight: Height): Promise<void> => {
    const blocks = await parts.fetcher.ancestors(digest, aboveHeight);
    parts.unfinal.keep(blocks);
    if (blocks.length > 0) reactor.handle({ kind: 'blocksReceived', blocks });
  };
  const reactor: Reactor = new Reactor(
    {
      clock,
      own,
      voterSetHash,
      blockIntervalMsMin: parameters.blockIntervalMsMin,
      executor: parts.executor,
      validator: parts.validator,
      appendDurably: (entries) => {
        const startMs = clock.monotonicMs();
        stores.safety.log.append(entries);
        options.onFsyncMs(clock.monotonicMs() - startMs);
      },
      broadcast: (frame, to) =>
        to === 'members'
          ? network()?.broadcastConsensus(frame)
          : network()?.broadcastConsensus(frame, otherVoters),
      send: (to, frame) => void network()?.sendConsensus(to, frame),
      fetchBlocks: (digest, aboveHeight) => {
        void fetchBlocks(digest, aboveHeight);
      },
      commit: (finality) => parts.committer.commit(finality),
      keepBlocks: parts.unfinal.keep,
      onStep: options.onStep,
      onFailure: options.onFailure,
    },
    recover(config, { block, certificate }, records),
  );
  return reactor;
}
