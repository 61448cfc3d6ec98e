/**
 * `npm run bench`: four voters as processes on this machine and a load generator beside them. All figures of one run belong together:
 * machines differ and are noisy, so the ratio to the limit of the same run is what can be compared.
 */
import '../../node/polyfill.ts';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { createConsortium } from '../../devnet/cast.ts';
import { startDevnet, type Supervisor } from '../../devnet/supervisor.ts';
import type { RpcClient } from '../../node/rpc/client.ts';
import { signedIssues, signedLives } from './lives.ts';
import { pace, saturate, trickle, type LoadResult } from './load.ts';
import { cpuSeconds, describeMachine, quantile, verifySeconds } from './machine.ts';

const voterCount = 4;
const warmUpSeconds = 30;
const lightPerSecond = 10;
/** Share of the measured throughput at which the second latency is taken. */
const loadShare = 0.7;
/** So many are signed beforehand for each second of load. */
const transactionsPerSecondMax = 2_500;
/** On their way at once under full load. */
const livesAtOnceMax = 2_400;
/** A little more than the mean. */
const transactionsPerLife = 10;
/** So many more, for the lives that are on their way when the time is over. */
const begunCount = livesAtOnceMax * transactionsPerLife;

interface Report {
  readonly machine: string;
  readonly verifyMicros: number;
  readonly limitPerSecond: number;
  readonly perSecond: number;
  readonly ratioToLimit: number;
  readonly cpuMicrosPerTransactionAndNode: number | null;
  readonly blocksPerSecond: number;
  readonly transactionsPerBlock: number;
  readonly light: Latency;
  readonly loaded: Latency;
  /** Of the load generator. */
  readonly loadMicrosPerTransaction: number;
  /** Of all loads: what people did wrong, and the ledger refused. */
  readonly refusedCount: number;
  readonly failedCount: number;
}

interface Latency {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

function flags(): { readonly seconds: number; readonly isJson: boolean } {
  const { values } = parseArgs({
    options: { seconds: { type: 'string', default: '15' }, json: { type: 'boolean', default: false } },
  });
  const seconds = Number(values.seconds);
  if (!Number.isInteger(seconds) || seconds < 2 || seconds > 120) throw new Error('--seconds is 2 to 120');
  return { seconds, isJson: values.json };
}

async function heightOf(devnet: Supervisor): Promise<number> {
  const status = await devnet.client(devnet.consortium.genesis.voters[0] ?? '').methods.node_status({});
  return status.height;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function latencyOf(result: LoadResult): Latency {
  return {
    perSecond: round(result.committedCount / result.seconds),
    p50Ms: round(quantile(result.latenciesMs, 0.5)),
    p99Ms: round(quantile(result.latenciesMs, 0.99)),
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

async function main(): Promise<void> {
  const { seconds, isJson } = flags();
  const consortium = createConsortium({
    seed: 'bench',
    voterCount,
    extraDoctorCount: 400,
    policy: { ratePerHour: { ordinary: 1_000_000, controlled: 1_000_000 } },
  });
  say(`Starting ${voterCount} voters on ${describeMachine()}`);
  const devnet = await startDevnet({ consortium, isKept: false, logLevel: 'warn' });
  try {
    for (const name of devnet.names) {
      if (!consortium.genesis.voters.some((voter) => voter === name)) await devnet.kill(name, 'SIGTERM');
    }
    const report = await measure(devnet, seconds);
    process.stdout.write(isJson ? `${JSON.stringify(report)}\n` : describe(report));
  } finally {
    await devnet.stopAll();
  }
}

async function measure(devnet: Supervisor, seconds: number): Promise<Report> {
  const { consortium } = devnet;
  const voters = consortium.genesis.voters;
  const clientOf = (member: string): RpcClient => devnet.client(member);
  const countFor = (duration: number): number => transactionsPerSecondMax * duration + begunCount;
  const verify = await verifySeconds();

  // A node runs for months: its code is compiled before anything is measured.
  say(`Warming up for ${warmUpSeconds} s`);
  const warmUp = signedLives(consortium, { seed: 1, transactionCount: countFor(warmUpSeconds) });
  await saturate(clientOf, warmUp, { livesAtOnceMax, seconds: warmUpSeconds });

  say(`Light load: ${lightPerSecond} transactions a second for ${seconds} s`);
  const issues = signedIssues(consortium, { seed: 2, transactionCount: lightPerSecond * seconds });
  const light = await trickle(clientOf, issues, lightPerSecond);

  const lives = signedLives(consortium, { seed: 3, transactionCount: countFor(seconds) });
  say(`Full load for ${seconds} s`);
  const pids = voters.map((name) => devnet.node(name).pid ?? 0);
  const before = pids.map(cpuSeconds);
  const heightBefore = await heightOf(devnet);
  const ownBefore = process.cpuUsage();
  const full = await saturate(clientOf, lives, { livesAtOnceMax, seconds });
  const own = process.cpuUsage(ownBefore);
  const used = pids.map((pid, index) => (cpuSeconds(pid) ?? Number.NaN) - (before[index] ?? Number.NaN));
  const blockCount = (await heightOf(devnet)) - heightBefore;
  const cpuMicros = (1e6 * used.reduce((sum, value) => sum + value, 0)) / voters.length / full.committedCount;

  const perSecond = full.committedCount / full.seconds;
  const loadedRate = Math.max(1, Math.floor(loadShare * perSecond));
  const loadedLives = signedLives(consortium, {
    seed: 4,
    transactionCount: loadedRate * seconds + begunCount,
  });
  say(`${Math.round(100 * loadShare)} % of it: ${loadedRate} transactions a second for ${seconds} s`);
  const loaded = await pace(clientOf, loadedLives, { perSecond: loadedRate, seconds });

  const limitPerSecond = availableParallelism() / voters.length / verify;
  return {
    machine: describeMachine(),
    verifyMicros: round(verify * 1e6),
    limitPerSecond: round(limitPerSecond),
    perSecond: round(perSecond),
    ratioToLimit: Math.round((1_000 * perSecond) / limitPerSecond) / 1_000,
    cpuMicrosPerTransactionAndNode: Number.isFinite(cpuMicros) ? round(cpuMicros) : null,
    blocksPerSecond: round(blockCount / full.seconds),
    transactionsPerBlock: round(full.committedCount / blockCount),
    light: latencyOf(light),
    loaded: latencyOf(loaded),
    loadMicrosPerTransaction: round((own.user + own.system) / full.committedCount),
    refusedCount: light.refusedCount + full.refusedCount + loaded.refusedCount,
    failedCount: light.failedCount + full.failedCount + loaded.failedCount,
  };
}

function describe(report: Report): string {
  const latency = ({ perSecond, p50Ms, p99Ms }: Latency): string =>
    `p50 ${p50Ms} ms, p99 ${p99Ms} ms at ${perSecond} transactions a second`;
  return [
    `Machine                     ${report.machine}`,
    `One signature's check       ${report.verifyMicros} µs`,
    `Limit                       ${report.limitPerSecond} transactions a second ((cores / voters) / one check)`,
    `Committed                   ${report.perSecond} transactions a second`,
    `Ratio to the limit          ${report.ratioToLimit}`,
    `Processor                   ${report.cpuMicrosPerTransactionAndNode ?? '?'} µs per transaction and node`,
    `Blocks                      ${report.blocksPerSecond} a second, ${report.transactionsPerBlock} transactions each`,
    `Latency at light load       ${latency(report.light)}`,
    `Latency at 70 % load        ${latency(report.loaded)}`,
    `Not committed               ${report.failedCount}`,
    `Refused as planned          ${report.refusedCount}, counted as committed: they have receipts`,
    `Load generator              ${report.loadMicrosPerTransaction} µs per transaction`,
    '',
  ].join('\n');
}

await main();
