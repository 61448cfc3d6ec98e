/**
 * The log: JSON lines on stderr. A field is written only if its name stands in the list below, so that no patient's data, token,
 * passphrase or document can slip in with an object that somebody passes along; what is dropped is named, never shown.
 */
import { pino } from 'pino';
import type { LogLevel } from './settings.ts';

/** Names of fields that may be logged. All are public on the ledger, or counts, sizes, times and codes of our own. */
const logFieldNames = [
  'above',
  'address',
  'batchCount',
  'batchDigest',
  'blockDigest',
  'bytes',
  'chainId',
  'chainName',
  'code',
  'copyCount',
  'count',
  'delayMs',
  'detail',
  'digest',
  'durationMs',
  'epoch',
  'exitCode',
  'finalHeight',
  'finalView',
  'fromHeight',
  'height',
  'id',
  'index',
  'isConnected',
  'isReady',
  'isVoter',
  'kind',
  'leader',
  'limit',
  'member',
  'method',
  'missing',
  'name',
  'offsetMs',
  'outcome',
  'path',
  'peer',
  'peerCount',
  'peerId',
  'pid',
  'port',
  'quorum',
  'reason',
  'refusedCount',
  'role',
  'rxId',
  'sequence',
  'signal',
  'size',
  'socket',
  'stateRoot',
  'status',
  'timeMs',
  'toHeight',
  'transactionCount',
  'txId',
  'verdict',
  'version',
  'view',
  'voterCount',
  'wanted',
] as const;
const allowed: ReadonlySet<string> = new Set(logFieldNames);

/** Values of fields are text, numbers, Booleans or null; `error` may hold what was caught. The rest is dropped. */
export interface Logger {
  readonly trace: (fields: object, message: string) => void;
  readonly debug: (fields: object, message: string) => void;
  readonly info: (fields: object, message: string) => void;
  readonly warn: (fields: object, message: string) => void;
  readonly error: (fields: object, message: string) => void;
  readonly fatal: (fields: object, message: string) => void;
  /** The same log, with the part of the node that speaks. */
  readonly child: (part: string) => Logger;
  readonly level: () => LogLevel;
  /** Holds for this log and all its children. */
  readonly setLevel: (level: LogLevel) => void;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** Lines for people instead of JSON. */
  readonly isPretty: boolean;
  /** Takes one line with its line feed; synchronous, so that the last words of a dying process are written. */
  readonly write: (line: string) => void;
}

const textLengthMax = 300;
const causesMax = 4;
const stackLinesMax = 12;
// Their texts quote what they could not read, and that may be a document.
const quotingErrors: ReadonlySet<string> = new Set(['SyntaxError', 'ZodError', 'TomlError', 'URIError']);

function plainValue(value: unknown): string | number | boolean | null | undefined {
  if (typeof value === 'string') return value.slice(0, textLengthMax);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  return undefined;
}

/** Name, code, text and places in our code; causes below. Never other properties: libraries hang requests and bodies on errors. */
function errorFields(error: unknown, depth: number): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) return { name: typeof error };
  const isQuoting = quotingErrors.has(error.name);
  const code = 'code' in error ? plainValue(error.code) : undefined;
  const stack = (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, stackLinesMax)
    .map((line) => line.trim());
  return {
    name: error.name,
    ...(code === undefined ? {} : { code }),
    ...(isQuoting ? {} : { message: error.message.slice(0, textLengthMax) }),
    stack,
    ...(error.cause === undefined || depth >= causesMax
      ? {}
      : { cause: errorFields(error.cause, depth + 1) }),
  };
}

/** What of `fields` may be written. `dropped` names the rest. */
export function allowedFields(fields: object): Readonly<Record<string, unknown>> {
  const kept: Record<string, unknown> = {};
  const dropped: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    const plain = plainValue(value);
    if (name === 'error') kept['error'] = errorFields(value, 1);
    else if (value === undefined) continue;
    else if (allowed.has(name) && plain !== undefined) kept[name] = plain;
    else dropped.push(name.slice(0, 40));
  }
  if (dropped.length > 0) kept['dropped'] = dropped.slice(0, 10);
  return kept;
}

/** One line for a person: time, level, part, message, fields. */
function prettyLine(json: string): string {
  const { time, level, part, msg, ...fields } = JSON.parse(json) as Readonly<Record<string, unknown>>;
  const word = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${word(value)}`);
  const source = part === undefined ? [] : [`[${word(part)}]`];
  return `${[word(time).slice(11, 23), word(level).padEnd(5), ...source, word(msg), ...rest].join(' ')}\n`;
}

export function createLogger(options: LogOptions): Logger {
  const stream = { write: (line: string) => options.write(options.isPretty ? prettyLine(line) : line) };
  const root = pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  const wrap = (part: string | null): Logger => {
    const at = (level: LogLevel) => (fields: object, message: string) => {
      if (!root.isLevelEnabled(level)) return;
      const kept = allowedFields(fields);
      root[level](part === null ? kept : { part, ...kept }, message.slice(0, textLengthMax));
    };
    return {
      trace: at('trace'),
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      fatal: at('fatal'),
      child: wrap,
      level: () => root.level as LogLevel,
      setLevel: (level) => {
        root.level = level;
      },
    };
  };
  return wrap(null);
}

/** A log that says nothing, for tests. */
export const silentLogger: Logger = createLogger({ level: 'fatal', isPretty: false, write: () => {} });
