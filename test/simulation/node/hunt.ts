/** Runs seeds on a copy of the compiled code with a bug in it, until one of them notices. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { mutatedText } from '../mutant.ts';
import type { Mutant } from './mutants.ts';
import type { Order, SeedReport } from './worker.ts';

export interface Prey {
  /** Holds a whole copy of what is compiled. */
  readonly folder: string;
  readonly mutant: Mutant;
  readonly firstSeed: number;
  readonly seedCountMax: number;
}

/** The rule that was broken, by the first seed that breaks one; null if none does. */
export async function hunt({ folder, mutant, firstSeed, seedCountMax }: Prey): Promise<string | null> {
  const before = new Map(
    mutant.mutations.map(({ file }) => [join(folder, file), readFileSync(join(folder, file), 'utf8')]),
  );
  for (const mutation of mutant.mutations) writeFileSync(join(folder, mutation.file), mutatedText(mutation));
  // A thread loads all modules anew, and with them the bug.
  const worker = new Worker(pathToFileURL(join(folder, 'test/simulation/node/worker.js')));
  try {
    for (let seed = firstSeed; seed < firstSeed + seedCountMax; seed += 1) {
      const { failure } = await reportOf(worker, { seed, variant: mutant.variant });
      if (failure !== null) return failure;
    }
    return null;
  } finally {
    await worker.terminate();
    for (const [path, text] of before) writeFileSync(path, text);
  }
}

async function reportOf(worker: Worker, order: Order): Promise<SeedReport> {
  worker.postMessage(order, []);
  const [report] = (await once(worker, 'message')) as [SeedReport];
  return report;
}
