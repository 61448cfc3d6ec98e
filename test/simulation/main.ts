/**
 * `npm run simulate -- --seeds N [--seed S]`: schedules of the whole node, with a line of progress and a summary of the faults. With
 * `--core` those of the core by itself.
 */
import { parseArgs } from 'node:util';
import { runCoreSchedules } from './coreMain.ts';
import { runSchedule } from './node/schedule.ts';
import { describeSwarm, runSwarm } from './node/swarm.ts';
import { draws, failureOf, variants, type Variant } from './node/worker.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    nodes: { type: 'string', default: '4' },
    core: { type: 'boolean', default: false },
    variant: { type: 'string', default: 'usual' },
  },
});

const seedCount = Number(values.seeds);
const firstSeed = Number(values.seed);
const variant: Variant = variants.find((name) => name === values.variant) ?? 'usual';
const barWidth = 40;

async function runOne(seed: number): Promise<void> {
  try {
    const report = await runSchedule({ seed, draw: draws[variant] });
    const { traceDigest, eventCount, heightAtHeal, recoveryMs, counts } = report;
    console.log(report.plan);
    console.log(
      `seed ${seed}: trace ${traceDigest}, ${eventCount} events, ${counts.total} faults, height ${heightAtHeal} when healed, ` +
        `five new blocks after ${Math.round(recoveryMs)} ms`,
    );
  } catch (error) {
    console.log(error);
    console.log(`FAILED ${failureOf(seed, variant, error)}`);
    process.exitCode = 1;
  }
}

async function runMany(): Promise<void> {
  const isTerminal = process.stderr.isTTY;
  const report = await runSwarm({
    firstSeed,
    seedCount,
    variant,
    onDone: (doneCount, failureCount) => {
      const isShown = isTerminal || doneCount % 100 === 0;
      if (!isShown) return;
      const filled = Math.round((barWidth * doneCount) / seedCount);
      const bar = `${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}`;
      const line = `[${bar}] ${doneCount}/${seedCount}, ${failureCount} violations`;
      process.stderr.write(isTerminal ? `\r${line}` : `${line}\n`);
    },
  });
  console.log(`${isTerminal ? '\n' : ''}${describeSwarm(report)}`);
  if (report.failures.length > 0) process.exitCode = 1;
}

if (values.core) runCoreSchedules({ firstSeed, seedCount, voterCount: Number(values.nodes) });
else if (seedCount === 1) await runOne(firstSeed);
else await runMany();
