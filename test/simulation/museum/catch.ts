/** Shows an exhibit to its catcher: the core's suites run a mutant core in this process, tests run in one of their own. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { explore } from '../exhaustive/search.ts';
import { copyRooms, huntFailure, mutatedText, withMutant } from '../mutant.ts';
import { huntFailure as huntTwins, withTwinsCore } from '../twins/run.ts';
import { sampledScenarios } from '../twins/scenario.ts';
import type { Catcher, Exhibit } from './exhibit.ts';

const twoViews = { variants: [2, 1], stateCountMax: 300_000 };
const testMsMax = 60_000;
const mocha: string = join(
  dirname(createRequire(import.meta.url).resolve('mocha/package.json')),
  'bin/mocha.js',
);

/** A copy of everything that is compiled, in which one file at a time is changed. */
export interface Workshop {
  readonly folder: string;
  readonly close: () => void;
}

export function openWorkshop(): Workshop {
  const folder = mkdtempSync(join(tmpdir(), 'rxledger-museum-'));
  copyRooms(folder, ['protocol', 'consensus', 'node', 'devnet', 'test']);
  return { folder, close: () => rmSync(folder, { recursive: true }) };
}

/** What caught it, in the catcher's words; null if nothing did. */
export async function caught(workshop: Workshop, exhibit: Exhibit): Promise<string | null> {
  const { catcher } = exhibit;
  switch (catcher.kind) {
    case 'simulator':
      return withMutant([exhibit], (core) => huntFailure({ core, seedCountMax: catcher.seedCountMax }));
    case 'twins':
      return withTwinsCore([exhibit], (core) => huntTwins(core, sampledScenarios(1, catcher.sampleCountMax)));
    case 'exhaustive':
      return (await explore(twoViews, [exhibit])).violation;
    case 'test':
      return failureIn(workshop, exhibit, catcher);
    default:
      return catcher satisfies never;
  }
}

function failureIn(
  { folder }: Workshop,
  exhibit: Exhibit,
  catcher: Extract<Catcher, { readonly kind: 'test' }>,
): string | null {
  const path = join(folder, exhibit.file);
  const before = readFileSync(path, 'utf8');
  writeFileSync(path, mutatedText(exhibit));
  try {
    const { tests, failures } = runTests(folder, [catcher.file], ['--fgrep', catcher.title]);
    if (tests.length === 0) throw new Error(`no test of ${catcher.file} is called ${catcher.title}`);
    // A test that runs out of time may only have had too little of it.
    return failures.find(({ err }) => !/Timeout of/.test(err.message ?? ''))?.err.message ?? null;
  } finally {
    writeFileSync(path, before);
  }
}

interface TestResult {
  readonly fullTitle: string;
  readonly err: { readonly message?: string | undefined };
}

interface TestReport {
  readonly tests: readonly TestResult[];
  readonly failures: readonly TestResult[];
}

const resultSchema: z.ZodType<TestResult> = z.object({
  fullTitle: z.string(),
  err: z.object({ message: z.string().optional() }),
});
const reportSchema: z.ZodType<TestReport> = z.object({
  tests: z.array(resultSchema),
  failures: z.array(resultSchema),
});

/** Throws if the tests cannot even be loaded: such a mutant is broken, not caught. */
export function runTests(folder: string, files: readonly string[], filter: readonly string[]): TestReport {
  const output = join(folder, 'report.json');
  rmSync(output, { force: true });
  const paths = files.map((file) => join('test', `${file}.js`));
  const reporting = ['--reporter', 'json', '--reporter-option', `output=${output}`];
  const settings = ['--no-config', '--timeout', '20000', '--exit'];
  const child = spawnSync(process.execPath, [mocha, ...settings, ...reporting, ...filter, ...paths], {
    cwd: folder,
    timeout: testMsMax,
    encoding: 'utf8',
  });
  try {
    return reportSchema.parse(JSON.parse(readFileSync(output, 'utf8')));
  } catch (cause) {
    throw new Error(`the tests of ${files.join()} did not run: ${child.stderr.slice(-2_000)}`, { cause });
  }
}
