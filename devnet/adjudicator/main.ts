/** `npm run adjudicator`: answers estimates and claims at an insurer's node until Ctrl-C. */
import { Command } from 'commander';
import { connect, RpcError } from '../../node/rpc/client.ts';
import { runAdjudicator, type Report } from './adjudicator.ts';
import { readBenefitTable } from './benefitTable.ts';
import { cursorFile, cursorInMemory } from './cursorFile.ts';
import type { Fault } from './fault.ts';

interface Flags {
  readonly socket: string;
  readonly table: string;
  readonly practitioner: string;
  readonly cursor?: string;
}

function parseFlags(): Flags {
  const program = new Command('adjudicator')
    .description("Answers estimates and claims at an insurer's node, by a table of benefits, until Ctrl-C.")
    .requiredOption('--socket <path>', "of the insurer's node")
    .requiredOption('--table <file>', 'what is covered: JSON, for example devnet/adjudicator/benefits.json')
    .requiredOption('--practitioner <name>', "of the adjudicator's key in the keystore of the node")
    .option('--cursor <file>', 'where it keeps what it has read; without one it begins at the present');
  return program.parse().opts<Flags>();
}

/** The first Ctrl-C or SIGTERM lets it finish what it is answering; the second one ends it at once. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      controller.abort();
      process.once(signal, () => process.exit(1));
    });
  }
  return controller.signal;
}

function say(report: Report): void {
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

function complain({ code, path, hint }: Fault): void {
  process.stderr.write(`error: ${code}: ${path}\ntry: ${hint}\n`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { socket, table: tablePath, practitioner, cursor } = parseFlags();
  const table = readBenefitTable(tablePath);
  if (!table.ok) return complain(table.refusal);
  const client = connect({ socketPath: socket });
  const cursors = cursor === undefined ? cursorInMemory() : cursorFile(cursor);
  const signal = stopSignal();
  try {
    const options = { client, cursors, practitioner, signal, table: table.value, onReport: say };
    const ended = await runAdjudicator(options);
    if (!ended.ok) complain(ended.refusal);
  } finally {
    client.close();
  }
}

try {
  await main();
} catch (error) {
  const hint = error instanceof RpcError ? error.data?.hint : null;
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`error: ${message}\ntry: ${hint ?? 'read the message, and start it again'}\n`);
  process.exitCode = 1;
}
