/** `npm run devnet`: a consortium on this machine, and the life of a prescription on it. */
import '../node/polyfill.ts';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { logLevels, type LogLevel } from '../node/settings.ts';
import { createConsortium, voterCountMax, voterCountMin, type Consortium } from './cast.ts';
import { describeFindings, describeNext, describeNodes, describeStep, describeSummary } from './report.ts';
import { runOpening, runStory } from './story.ts';
import type { StoryStep } from './story/step.ts';
import { startDevnet, type Supervisor } from './supervisor.ts';

interface Flags {
  readonly exit?: boolean;
  readonly nodes: number;
  readonly seed: string;
  readonly json?: boolean;
  readonly keep?: boolean;
  readonly logLevel: LogLevel;
}

function voterCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= voterCountMin && count <= voterCountMax) return count;
  throw new InvalidArgumentError(`a devnet has ${voterCountMin} to ${voterCountMax} voters`);
}

function parseFlags(): Flags {
  const program = new Command('devnet')
    .description('A consortium of real node processes on this machine, and the life of a prescription on it.')
    .option('--exit', 'end after the story; exit code 0 only if every step had its expected outcome')
    .option(
      '--nodes <count>',
      'number of voters, 4 to 16; a second pharmacy and a courier observe',
      voterCount,
      4,
    )
    .option('--seed <text>', 'the keys and the chain id follow from it', '1')
    .option('--json', 'one JSON object a line')
    .option('--keep', 'keep the directory with homes, logs and stamps')
    .addOption(new Option('--log-level <level>', 'of the nodes').choices(logLevels).default('info'));
  return program.parse().opts<Flags>();
}

/** Progress for people goes to stderr when the data on stdout is JSON. */
function say(flags: Flags, lines: readonly string[]): void {
  const stream = flags.json === true ? process.stderr : process.stdout;
  stream.write(`${lines.join('\n')}\n`);
}

function data(flags: Flags, value: object): void {
  if (flags.json === true) process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Resolves at the first Ctrl-C or SIGTERM; a second one ends the process at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        resolve();
        process.once(signal, () => process.exit(1));
      });
    }
  });
}

function stampDirectoryOf(devnet: Supervisor): string {
  return join(devnet.directory, 'stamps');
}

/** What happened while the devnet started. */
interface Beginning {
  readonly steps: readonly StoryStep[];
  readonly firstBlockMs: number;
}

async function begin(devnet: Supervisor): Promise<Beginning> {
  const stampDirectory = stampDirectoryOf(devnet);
  mkdirSync(stampDirectory, { mode: 0o700 });
  const steps = await runOpening({ devnet, stampDirectory, onStep: () => undefined });
  return { steps, firstBlockMs: performance.now() - devnet.startedAt };
}

async function tell(devnet: Supervisor, flags: Flags, beginning: Beginning): Promise<boolean> {
  const stampDirectory = stampDirectoryOf(devnet);
  const told: StoryStep[] = [];
  const onStep = (step: StoryStep): void => {
    say(flags, describeStep(told.length + 1, step, told.at(-1) ?? null));
    told.push(step);
    data(flags, { kind: 'step', number: told.length, ...step });
  };
  for (const step of beginning.steps) onStep(step);
  await runStory({ devnet, stampDirectory, onStep }, devnet.consortium);
  const isLeft = flags.keep === true || flags.exit !== true;
  const findings = {
    firstBlockMs: beginning.firstBlockMs,
    stampDirectory: isLeft ? stampDirectory : null,
  };
  say(flags, [...describeSummary(told), ...describeFindings(findings)]);
  data(flags, { kind: 'findings', ...findings });
  return told.every((step) => step.isAsExpected);
}

interface Started {
  readonly devnet: Supervisor;
  readonly beginning: Beginning;
}

async function start(flags: Flags, consortium: Consortium): Promise<Started> {
  let beginning: Beginning = { steps: [], firstBlockMs: 0 };
  const devnet = await startDevnet({
    consortium,
    isKept: flags.keep === true,
    logLevel: flags.logLevel,
    onVotersReady: async (supervisor) => {
      beginning = await begin(supervisor);
    },
  });
  return { devnet, beginning };
}

async function main(): Promise<void> {
  const flags = parseFlags();
  const stopped = stopSignal();
  const consortium = createConsortium({ seed: flags.seed, voterCount: flags.nodes });
  say(flags, [
    `Starting ${consortium.members.length} nodes (seed ${flags.seed}, chain ${consortium.chainId.slice(0, 16)}…)`,
  ]);
  const started = await Promise.race([start(flags, consortium), stopped]);
  // Ended by the exit hook of the supervisor: the nodes are killed, the directory goes.
  if (started === undefined) process.exit(1);
  const { devnet, beginning } = started;
  try {
    const nodes = devnet.names.map((name) => devnet.node(name));
    say(flags, describeNodes(nodes, devnet.consortium));
    data(flags, { kind: 'nodes', chainId: consortium.chainId, genesisFile: devnet.genesisFile, nodes });
    const story = tell(devnet, flags, beginning);
    const isGood = await Promise.race([story, stopped]);
    if (isGood === undefined) return;
    data(flags, { kind: 'end', isGood });
    process.exitCode = isGood ? 0 : 1;
    if (flags.exit === true) return;
    say(flags, describeNext(devnet.node('insurer')));
    await stopped;
  } finally {
    await devnet.stopAll();
    if (flags.keep === true) say(flags, [`Kept in ${devnet.directory}`]);
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(
    `error: ${error instanceof Error ? error.message : String(error)}\ntry: npm run devnet -- --keep, and read the logs\n`,
  );
  process.exitCode = 1;
}
process.exit();
