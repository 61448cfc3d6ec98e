/** What this machine is, what its processes use, and how long one signature takes on it. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { ed25519, signerFromSeed } from '../../node/ed25519.ts';

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

/** Seconds for one Ed25519 verification: the median of nine rounds, one thread. */
export function verifySeconds(): number {
  const signer = signerFromSeed(new Uint8Array(32).fill(7));
  const message = new Uint8Array(32).fill(9);
  const signature = signer.sign(message);
  const countPerRound = 2_000;
  const rounds = Array.from({ length: 9 }, () => {
    const start = performance.now();
    for (let index = 0; index < countPerRound; index += 1) {
      if (!ed25519.verify(message, signature, signer.publicKey))
        throw new Error('a good signature was refused');
    }
    return (performance.now() - start) / 1_000 / countPerRound;
  });
  return quantile(rounds, 0.5);
}

/** Nearest-rank quantile; 0 for nothing. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
