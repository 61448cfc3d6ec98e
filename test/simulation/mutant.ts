/** A copy of the compiled core with one line changed, so that a test can ask whether the simulator would notice. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as recovery from '../../consensus/recovery.ts';
import type * as replica from '../../consensus/replica.ts';
import type * as certificate from '../../protocol/certificate.ts';
import type { Plan } from './plan.ts';
import { carefulHost, runSchedule } from './schedule.ts';
import type { Core, HostFlaws } from './world.ts';

export interface Mutation {
  /** Inside dist/, for example `consensus/safety.js`. */
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly text: string;
  readonly replacement: string;
}

// Compiled to dist/test/simulation/.
const dist = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The line that elects, as a test may replace it: by a table of voters, view by view, that the config brings along. */
export const electedByTable: Mutation = {
  file: 'consensus/leader.js',
  text: 'return ((view + config.seed) % config.voters.voters.length);',
  replacement: 'return config.leaders[view] ?? view % config.voters.voters.length;',
};

/** Throws if a text does not stand exactly once in its file: then the guard has moved, and the test with it. */
export async function withMutant<T>(
  mutations: readonly Mutation[],
  use: (core: Core) => T | Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'rxledger-mutant-'));
  try {
    copyRooms(folder, ['consensus', 'protocol']);
    for (const mutation of mutations) mutate(folder, mutation);
    return await use(await loadCore(folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The compiled rooms without what is not run. */
export function copyRooms(folder: string, rooms: readonly string[]): void {
  const isRun = (path: string): boolean => !/\.(map|d\.ts|tsbuildinfo)$/.test(path);
  for (const room of rooms) cpSync(join(dist, room), join(folder, room), { recursive: true, filter: isRun });
  symlinkSync(join(dist, '..', 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
}

function mutate(folder: string, mutation: Mutation): void {
  writeFileSync(join(folder, mutation.file), mutatedText(mutation));
}

/** The compiled file with the mutation in it. */
export function mutatedText({ file, text, replacement }: Mutation): string {
  const parts = readFileSync(join(dist, file), 'utf8').split(text);
  if (parts.length !== 2) throw new Error(`${file} holds the guard ${parts.length - 1} times: ${text}`);
  return parts.join(replacement);
}

async function loadCore(folder: string): Promise<Core> {
  const load = (file: string): Promise<unknown> => import(pathToFileURL(join(folder, file)).href);
  const { step } = (await load('consensus/replica.js')) as typeof replica;
  const { recover } = (await load('consensus/recovery.js')) as typeof recovery;
  const { quorumSize } = (await load('protocol/certificate.js')) as typeof certificate;
  return { step, recover, quorumSize };
}

export interface Hunt {
  readonly core: Core;
  readonly flaws?: HostFlaws;
  readonly seedCountMax: number;
  /** What the plan of each seed is changed to. */
  readonly plan?: Partial<Plan>;
}

/** The first seed whose schedule fails, and why; null if none of them does. */
export function huntFailure({ core, flaws = carefulHost, seedCountMax, plan = {} }: Hunt): string | null {
  for (let seed = 1; seed <= seedCountMax; seed += 1) {
    try {
      runSchedule({ seed, voterCount: 4, core, flaws, plan });
    } catch (error) {
      return `seed ${seed}: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
  return null;
}
