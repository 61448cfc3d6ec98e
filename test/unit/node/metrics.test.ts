import assert from 'node:assert/strict';
import { createMetrics, readinessReasons, type Gauges, type ReadinessFacts } from '../../../node/metrics.ts';

const gauges: Gauges = {
  height: 7,
  view: 9,
  mempoolCount: 3,
  mempoolBytes: 900,
  peersConnected: 5,
  verifyQueue: 1,
  clockOffsetMs: 12,
  diskFreeBytes: 4_096,
  isVoting: true,
};
const healthy: ReadinessFacts = {
  isStopping: false,
  isStorageFailed: false,
  isDiskLow: false,
  isSyncing: false,
  votersHeard: 3,
  quorum: 3,
  clockOffsetMs: 1_000,
};

async function samplesOf(metrics: ReturnType<typeof createMetrics>): Promise<readonly string[]> {
  const text = await metrics.render();
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('the metrics', () => {
  it('read the gauges when they are asked for', async () => {
    const metrics = createMetrics();
    metrics.readGauges(() => gauges);
    const samples = await samplesOf(metrics);
    const own = /^rxledger_(height|view|mempool|peers|verify|clock|disk|voting)/;
    assert.deepEqual(
      samples.filter((line) => own.test(line)),
      [
        'rxledger_height 7',
        'rxledger_view 9',
        'rxledger_mempool_transactions 3',
        'rxledger_mempool_bytes 900',
        'rxledger_peers_connected 5',
        'rxledger_verify_queue_transactions 1',
        'rxledger_clock_offset_seconds 0.012',
        'rxledger_disk_free_bytes 4096',
        'rxledger_voting 1',
      ],
    );
  });

  it('count transactions by outcome, from zero', async () => {
    const metrics = createMetrics();
    metrics.countTransactions('committed', 3);
    metrics.countTransactions('refused', 1);
    const samples = await samplesOf(metrics);
    assert.deepEqual(
      samples.filter((line) => line.startsWith('rxledger_transactions_total')),
      [
        'rxledger_transactions_total{outcome="committed"} 3',
        'rxledger_transactions_total{outcome="refused"} 1',
        'rxledger_transactions_total{outcome="expired"} 0',
      ],
    );
  });

  it('measure in seconds', async () => {
    const metrics = createMetrics();
    metrics.observeCommitMs(30);
    metrics.observeFsyncMs(0.1);
    metrics.observeRpc('tx_submit', 'expired', 2);
    const samples = await samplesOf(metrics);
    assert.deepEqual(
      samples.filter((line) => /^rxledger_(commit|fsync|rpc).*_sum/.test(line)),
      [
        'rxledger_commit_latency_seconds_sum 0.03',
        'rxledger_fsync_seconds_sum 0.0001',
        'rxledger_rpc_request_seconds_sum{method="tx_submit",outcome="expired"} 0.002',
      ],
    );
  });

  it('all carry the prefix', async () => {
    const samples = await samplesOf(createMetrics());
    assert.deepEqual(
      samples.filter((line) => !line.startsWith('rxledger_')),
      [],
    );
  });
});

describe('readiness', () => {
  it('has nothing to say about a healthy node', () => {
    assert.deepEqual(readinessReasons(healthy), []);
  });

  it('gives one sentence for each check that fails', () => {
    const ill: ReadinessFacts = {
      isStopping: true,
      isStorageFailed: true,
      isDiskLow: true,
      isSyncing: true,
      votersHeard: 2,
      quorum: 3,
      clockOffsetMs: -1_001,
    };
    assert.deepEqual(readinessReasons(ill), [
      'The node is stopping.',
      'The disk failed or is damaged; the node no longer votes.',
      'The disk is nearly full; no new transactions are taken.',
      'The node is catching up with the ledger.',
      'Only 2 of the 3 voters needed for a block are heard.',
      "The clock is 1001 ms away from the other members' clocks.",
    ]);
  });
});
