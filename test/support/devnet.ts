/** Runs the devnet's program as people do, and reads what it tells in JSON. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { StoryStep } from '../../devnet/story/step.ts';

export interface DevnetRun {
  readonly exitCode: number | null;
  readonly steps: readonly StoryStep[];
  /** What it said of itself in its last line; null if it never came so far. */
  readonly isGood: boolean | null;
}

const programPath = fileURLToPath(new URL('../../devnet/main.js', import.meta.url));

type Line =
  | ({ readonly kind: 'step' } & StoryStep)
  | { readonly kind: 'end'; readonly isGood: boolean }
  | { readonly kind: 'nodes' | 'findings' };

/** Its homes and stamps go into `directory`. Resolves when the process has ended. */
export async function runDevnet(flags: readonly string[], directory: string): Promise<DevnetRun> {
  const child = spawn(process.execPath, [programPath, ...flags], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, TMPDIR: directory },
  });
  const ended = once(child, 'exit');
  const lines: Line[] = [];
  for await (const line of createInterface(child.stdout)) lines.push(JSON.parse(line) as Line);
  const [exitCode] = (await ended) as [number | null];
  const steps = lines.flatMap((line) => (line.kind === 'step' ? [line] : []));
  const end = lines.find((line) => line.kind === 'end');
  return { exitCode, steps, isGood: end?.kind === 'end' ? end.isGood : null };
}
