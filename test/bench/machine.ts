/** What this machine is, what its processes use, and how long one signature takes on it. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { Worker } from 'node:worker_threads';

/** Linux gives processor time in ticks of 10 ms. */
const ticksPerSecond = 100;
const gibibyte = 1_073_741_824;

export function describeMachine(): string {
  const model = cpus()[0]?.model ?? 'unknown processor';
  const memory = Math.round(totalmem() / gibibyte);
  return `${availableParallelism()} cores of ${model}, ${memory} GiB, Node ${process.versions.node}, ${process.platform}`;
}

/** Seconds of processor time that a process and its threads have used; null where /proc does not tell. */
export function cpuSeconds(pid: number): number | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces; utime and stime are the 12th and 13th fields after it.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return null;
  }
}

/**
 * Seconds for one Ed25519 verification with every core busy, as they are under load (cores that share their units are slower then):
 * the median over five rounds of the mean of the cores.
 */
export async function verifySeconds(): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const cores = await Promise.all(Array.from({ length: availableParallelism() }, async () => busyCore()));
    rounds.push(cores.reduce((sum, seconds) => sum + seconds, 0) / cores.length);
  }
  return quantile(rounds, 0.5);
}

function busyCore(): Promise<number> {
  return new Promise((resolve, reject) => {
    const result = new Float64Array(new SharedArrayBuffer(8));
    const options = { workerData: { milliseconds: 400, result } };
    const worker = new Worker(new URL('./verifyWorker.js', import.meta.url), options);
    worker.once('exit', () => resolve(result[0] ?? Number.NaN));
    worker.once('error', reject);
  });
}

/** Nearest-rank quantile; 0 for nothing. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
