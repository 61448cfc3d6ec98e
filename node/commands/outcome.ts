/** What a command answers: data for stdout, or what went wrong and what to try. The numbers are part of the contract. */
import type { Json } from '../../protocol/json.ts';

export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  notReady: 3,
  refusedForSafety: 4,
  outcomeUnknown: 5,
  configuration: 6,
  notAuthorised: 7,
} as const;
export type ExitName = keyof typeof exitCodes;

export type CommandOutcome =
  | {
      readonly kind: 'answered';
      readonly exit: ExitName;
      /** For people. */
      readonly lines: readonly string[];
      /** The same for programs. */
      readonly json: Json;
    }
  | { readonly kind: 'failed'; readonly exit: ExitName; readonly message: string; readonly hint: string };

/** What a command may touch besides its arguments. */
export interface CommandContext {
  readonly home: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export function answered(lines: readonly string[], json: Json, exit: ExitName = 'ok'): CommandOutcome {
  return { kind: 'answered', exit, lines, json };
}

/** As `answered`, with what the node answered: it came as JSON, though its type has names. */
export function relayed(lines: readonly string[], result: object): CommandOutcome {
  return answered(lines, result as Json);
}

export function failed(
  exit: ExitName,
  problem: { readonly message: string; readonly hint: string },
): CommandOutcome {
  return { kind: 'failed', exit, message: problem.message, hint: problem.hint };
}

/** Text for stdout and stderr, and the exit code. Every error ends with one line that says what to try. */
export function renderOutcome(
  outcome: CommandOutcome,
  isJson: boolean,
): { readonly stdout: string; readonly stderr: string; readonly exitCode: number } {
  const exitCode = exitCodes[outcome.exit];
  if (outcome.kind === 'answered') {
    const text = isJson ? JSON.stringify(outcome.json) : outcome.lines.join('\n');
    return { stdout: text === '' ? '' : `${text}\n`, stderr: '', exitCode };
  }
  const { message, hint } = outcome;
  const text = isJson
    ? JSON.stringify({ error: { exitCode, message, hint } })
    : `error: ${message}\ntry: ${hint}`;
  return { stdout: '', stderr: `${text}\n`, exitCode };
}
