/** Metrics in Prometheus' text format: names start with `rxledger_`, units are base units (seconds, bytes). Labels are bounded. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

type TransactionOutcome = 'committed' | 'refused' | 'expired';

/** What the composition root reads for the gauges each time somebody asks for the metrics. */
export interface Gauges {
  readonly height: number;
  readonly view: number;
  readonly mempoolCount: number;
  readonly mempoolBytes: number;
  readonly peersConnected: number;
  /** Transactions that wait for a verification worker. */
  readonly verifyQueue: number;
  /** Median offset of this clock to the peers' clocks. */
  readonly clockOffsetMs: number;
  /** What this process may still write. */
  readonly diskFreeBytes: number;
  /** Whether this node casts votes: it is a voter, remembers its votes, and its disk works. */
  readonly isVoting: boolean;
}

export interface Metrics {
  /** Transactions that reached a finalized block, or ran out of time. */
  readonly countTransactions: (outcome: TransactionOutcome, count: number) => void;
  /** A peer that was not let in, or thrown out. */
  readonly countTurnedAway: (reason: string) => void;
  /** From acceptance at this node to its commit at this node. */
  readonly observeCommitMs: (durationMs: number) => void;
  readonly observeFsyncMs: (durationMs: number) => void;
  /** One call; `errorName` is null when it succeeded. */
  readonly observeRpc: (method: string, errorName: string | null, durationMs: number) => void;
  /** Replaces the source of the gauges. */
  readonly readGauges: (read: () => Gauges) => void;
  /** Prometheus text format. */
  readonly render: () => Promise<string>;
}

/** Checks behind `/readyz`: can this node take a prescription now? */
export interface ReadinessFacts {
  readonly isStopping: boolean;
  /** Whether storage has answered EIO or ENOSPC: the node no longer votes (W7). */
  readonly isStorageFailed: boolean;
  readonly isDiskLow: boolean;
  readonly isSyncing: boolean;
  /** Voters heard within the liveness bound, this node included if it votes. */
  readonly votersHeard: number;
  readonly quorum: number;
  readonly clockOffsetMs: number;
}

const nothing: Gauges = {
  height: 0,
  view: 0,
  mempoolCount: 0,
  mempoolBytes: 0,
  peersConnected: 0,
  verifyQueue: 0,
  clockOffsetMs: 0,
  diskFreeBytes: 0,
  isVoting: false,
};
const commitBuckets = [0.01, 0.02, 0.03, 0.045, 0.06, 0.09, 0.13, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10, 30];
const fsyncBuckets = [0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.05, 0.2, 1];
const rpcBuckets = [0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5, 60];
const clockOffsetMsMax = 1_000;

const gauges: readonly (readonly [name: string, help: string, valueOf: (now: Gauges) => number])[] = [
  ['rxledger_height', 'Height of the latest finalized block.', (now) => now.height],
  ['rxledger_view', 'Consensus view that this node is in.', (now) => now.view],
  ['rxledger_mempool_transactions', 'Transactions that wait for a block.', (now) => now.mempoolCount],
  ['rxledger_mempool_bytes', 'Their size in bytes.', (now) => now.mempoolBytes],
  ['rxledger_peers_connected', 'Members with an open connection.', (now) => now.peersConnected],
  ['rxledger_verify_queue_transactions', 'Transactions that wait to be verified.', (now) => now.verifyQueue],
  [
    'rxledger_clock_offset_seconds',
    "Median offset to the peers' clocks.",
    (now) => now.clockOffsetMs / 1_000,
  ],
  ['rxledger_disk_free_bytes', 'Bytes that this node may still write.', (now) => now.diskFreeBytes],
  ['rxledger_voting', 'Whether this node casts votes, 0 or 1.', (now) => (now.isVoting ? 1 : 0)],
];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  let read = (): Gauges => nothing;
  for (const [name, help, valueOf] of gauges) {
    const gauge = new Gauge({
      name,
      help,
      collect() {
        this.set(valueOf(read()));
      },
      registers: [],
    });
    registry.registerMetric(gauge);
  }
  const transactions = new Counter({
    name: 'rxledger_transactions_total',
    help: 'Transactions that ended, by outcome.',
    labelNames: ['outcome'] as const,
    registers,
  });
  for (const outcome of ['committed', 'refused', 'expired']) transactions.inc({ outcome }, 0);
  const turnedAway = new Counter({
    name: 'rxledger_peers_turned_away_total',
    help: 'Connections refused and members dropped, by reason.',
    labelNames: ['reason'] as const,
    registers,
  });
  const histogram = (name: string, help: string, buckets: readonly number[]): Histogram =>
    new Histogram({ name, help, buckets: [...buckets], registers });
  const commit = histogram(
    'rxledger_commit_latency_seconds',
    'From acceptance to commit at this node.',
    commitBuckets,
  );
  const fsync = histogram(
    'rxledger_fsync_seconds',
    'One sync of the safety log or the ledger.',
    fsyncBuckets,
  );
  const rpc = new Histogram({
    name: 'rxledger_rpc_request_seconds',
    help: 'JSON-RPC calls by method and outcome (ok, or the name of the error).',
    labelNames: ['method', 'outcome'] as const,
    buckets: rpcBuckets,
    registers,
  });

  // Processor time, memory and the delay of the event loop are among them.
  collectDefaultMetrics({ register: registry, prefix: 'rxledger_' });
  return {
    countTransactions: (outcome, count) => transactions.inc({ outcome }, count),
    countTurnedAway: (reason) => turnedAway.inc({ reason }),
    observeCommitMs: (durationMs) => commit.observe(durationMs / 1_000),
    observeFsyncMs: (durationMs) => fsync.observe(durationMs / 1_000),
    observeRpc: (method, errorName, durationMs) =>
      rpc.observe({ method, outcome: errorName ?? 'ok' }, durationMs / 1_000),
    readGauges: (source) => {
      read = source;
    },
    render: () => registry.metrics(),
  };
}

/** One sentence for each check that fails; none means ready. `/livez` needs no facts: a process that answers is alive. */
export function readinessReasons(facts: ReadinessFacts): readonly string[] {
  const reasons: string[] = [];
  if (facts.isStopping) reasons.push('The node is stopping.');
  if (facts.isStorageFailed) reasons.push('The disk failed or is damaged; the node no longer votes.');
  if (facts.isDiskLow) reasons.push('The disk is nearly full; no new transactions are taken.');
  if (facts.isSyncing) reasons.push('The node is catching up with the ledger.');
  if (facts.votersHeard < facts.quorum) {
    reasons.push(`Only ${facts.votersHeard} of the ${facts.quorum} voters needed for a block are heard.`);
  }
  if (Math.abs(facts.clockOffsetMs) > clockOffsetMsMax) {
    reasons.push(`The clock is ${Math.abs(facts.clockOffsetMs)} ms away from the other members' clocks.`);
  }
  return reasons;
}
