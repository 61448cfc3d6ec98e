/** What the devnet prints for people: the table of nodes, the steps of the story, the end. */
import { basename } from 'node:path';
import { memberOf } from './homes.ts';
import type { Consortium } from './cast.ts';
import type { StoryStep } from './story/step.ts';
import type { DevnetNode } from './supervisor.ts';

/** Columns padded to their longest cell, two spaces between. */
function table(rows: readonly (readonly string[])[]): readonly string[] {
  const columnCount = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columnCount }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

export function describeNodes(nodes: readonly DevnetNode[], consortium: Consortium): readonly string[] {
  const rows = nodes.map((node) => {
    const { isVoter, practitioners } = memberOf(consortium, node.name);
    const persons = practitioners.filter(({ isInKeystore }) => isInKeystore).map(({ name }) => name);
    return [node.name, isVoter ? 'voter' : 'observer', node.rpcUrl, node.rpcSocket, persons.join(' ')];
  });
  const [first] = nodes;
  return [
    ...table([['member', 'role', 'JSON-RPC over HTTP', 'JSON-RPC over a unix socket', 'signs for'], ...rows]),
    '',
    ...(first === undefined
      ? []
      : [
          `HTTP asks for the bearer token in ${first.tokenFile} (and so on); the socket asks for nothing.`,
          `Try: node dist/node/main.js --home ${first.home} status`,
          '',
        ]),
  ];
}

/** With a heading if the step before was of another chapter. */
export function describeStep(number: number, step: StoryStep, previous: StoryStep | null): readonly string[] {
  const heading = step.chapter === previous?.chapter ? [] : ['', step.chapter];
  const mark = step.isAsExpected ? 'ok ' : 'NOT';
  const place = step.height === null ? '' : ` at height ${step.height}`;
  const outcome = step.isAsExpected ? step.actual : `${step.actual}, expected ${step.expected}`;
  const stamp = step.stampFile === null ? [] : [`         stamp ${basename(step.stampFile)}`];
  return [...heading, `${mark} ${String(number).padStart(3)}  ${step.title}: ${outcome}${place}`, ...stamp];
}

/** What the devnet measured and where it left the stamps. */
export function describeFindings(findings: {
  readonly firstBlockMs: number;
  /** Null if it goes when the devnet ends, which is now. */
  readonly stampDirectory: string | null;
}): readonly string[] {
  const { firstBlockMs, stampDirectory } = findings;
  return [
    `The first block came ${Math.round(firstBlockMs)} ms after the processes were started.`,
    ...(stampDirectory === null ? [] : [`Stamps in ${stampDirectory}`]),
  ];
}

export function describeSummary(steps: readonly StoryStep[]): readonly string[] {
  const wrong = steps.filter((step) => !step.isAsExpected).length;
  if (wrong === 0) return ['', `All ${steps.length} steps had their expected outcome.`];
  return ['', `${wrong} of ${steps.length} steps did not have their expected outcome.`];
}

/** What to do with a devnet whose story has been told. */
export function describeNext(insurer: DevnetNode): readonly string[] {
  const flags = `--socket ${insurer.rpcSocket} --practitioner adjudicator-zhao --table devnet/adjudicator/benefits.json`;
  return [
    '',
    'The consortium runs. Ctrl-C ends it.',
    `An insurer that answers by itself from now on: npm run adjudicator -- ${flags}`,
  ];
}
