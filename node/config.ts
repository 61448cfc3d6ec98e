/**
 * The configuration of one node: flag, then environment, then config.toml, then default. Strict: what is not known is refused
 * with its place and the nearest key. What all members share (voters, limits, timing) stands in the genesis file, never here.
 */
import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import type { MemberName } from '../protocol/brand.ts';
import { compareText } from '../protocol/bytes.ts';
import { accepted, type Result } from '../protocol/result.ts';
import { configFileName, placeOf } from './configText.ts';
import type { DiskMarks } from './diskGuard.ts';
import {
  environmentName,
  nearestOf,
  parseLoopback,
  settings,
  socketPathBytesMax,
  type LogLevel,
  type LoopbackAddress,
  type Setting,
} from './settings.ts';

export interface NodeConfig {
  readonly node: { readonly name: MemberName };
  readonly network: {
    /** Multiaddrs. */
    readonly listen: readonly string[];
    readonly advertise: readonly string[];
    /** Multiaddrs by member name. */
    readonly peers: Readonly<Record<string, readonly string[]>>;
  };
  readonly rpc: {
    /** Absolute path. */
    readonly socket: string;
    readonly http: LoopbackAddress | null;
    readonly origins: readonly string[];
    /** Absolute path. */
    readonly tokenFile: string;
  };
  readonly metrics: { readonly http: LoopbackAddress | null };
  readonly disk: DiskMarks;
  readonly snapshots: { readonly everyBlocks: number };
  readonly log: { readonly level: LogLevel; readonly pretty: boolean };
}

/** Where a value came from, and the value as it was given. */
interface SettingOrigin {
  readonly path: string;
  readonly value: unknown;
  /** `default`, `config.toml:4:1`, `environment RXLEDGER_RPC__HTTP` or `flag`. */
  readonly origin: string;
}

/** What is wrong and what to try; two sentences for a person. Exit code 6. */
export interface ConfigProblem {
  readonly message: string;
  readonly hint: string;
}

export interface LoadedConfig {
  readonly config: NodeConfig;
  readonly origins: readonly SettingOrigin[];
}

export interface ConfigSources {
  readonly home: string;
  /** Text of config.toml. */
  readonly text: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Values of flags by path, for example `{ 'rpc.http': 'off' }`. */
  readonly flags: Readonly<Record<string, string>>;
}

type Problem = { readonly ok: false; readonly refusal: ConfigProblem };
type Given = ReadonlyMap<string, { readonly value: unknown; readonly origin: string }>;

/** Variables of the environment that are no settings: where the home is, and the secret. */
const otherVariables: ReadonlySet<string> = new Set([
  'RXLEDGER_HOME',
  'RXLEDGER_PASSPHRASE',
  'RXLEDGER_PASSPHRASE_FILE',
]);
const fileBytesMax = 262_144;

function problem(message: string, hint: string): Problem {
  return { ok: false, refusal: { message, hint } };
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** Reads `<home>/config.toml`. A failure of the disk is a problem of the configuration here: there is nothing to run with. */
export function readConfig(
  home: string,
  environment: ConfigSources['environment'],
  flags: ConfigSources['flags'],
): Result<LoadedConfig, ConfigProblem> {
  const path = join(home, configFileName);
  try {
    return loadConfig({ home, text: readFileSync(path, 'utf8'), environment, flags });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return problem(
      `cannot read ${path} (${String(error.code)})`,
      'run `rxledger init`, or name the home with --home',
    );
  }
}

/** Pure: everything it reads is an argument. */
export function loadConfig(sources: ConfigSources): Result<LoadedConfig, ConfigProblem> {
  const fromFile = valuesOfFile(sources.text);
  if (!fromFile.ok) return fromFile;
  const fromEnvironment = valuesOfEnvironment(sources.environment);
  if (!fromEnvironment.ok) return fromEnvironment;
  const fromFlags = valuesOfFlags(sources.flags);
  if (!fromFlags.ok) return fromFlags;

  const origins: SettingOrigin[] = [];
  for (const setting of settings) {
    const { path, fallback } = setting;
    const given = fromFlags.value.get(path) ?? fromEnvironment.value.get(path) ?? fromFile.value.get(path);
    if (given === undefined && fallback === undefined) {
      return problem(
        `${path} is missing: ${setting.help}`,
        `add it to ${configFileName}, or set ${environmentName(path)}`,
      );
    }
    const { value, origin } = given ?? { value: fallback, origin: 'default' };
    const parsed = setting.schema.safeParse(value);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      const inner = [path, ...(issue?.path ?? [])].join('.');
      return problem(
        `${inner}: ${issue?.message ?? 'not valid'} (${origin})`,
        `${path} is ${setting.help}; see \`rxledger config explain\``,
      );
    }
    origins.push({ path, value: parsed.data, origin });
  }
  return withPaths(sources.home, origins);
}

function withPaths(home: string, origins: readonly SettingOrigin[]): Result<LoadedConfig, ConfigProblem> {
  const valueOf = (path: string): unknown => origins.find((origin) => origin.path === path)?.value;
  const text = (path: string): string => valueOf(path) as string;
  const number = (path: string): number => valueOf(path) as number;
  const list = (path: string): readonly string[] => valueOf(path) as readonly string[];
  const file = (path: string): string => (isAbsolute(text(path)) ? text(path) : join(home, text(path)));
  const socket = file('rpc.socket');
  if (Buffer.byteLength(socket) > socketPathBytesMax) {
    return problem(
      `rpc.socket: the path has more than ${socketPathBytesMax} bytes`,
      'set rpc.socket to a shorter absolute path',
    );
  }
  const config: NodeConfig = {
    node: { name: text('node.name') as MemberName },
    network: {
      listen: list('network.listen'),
      advertise: list('network.advertise'),
      peers: valueOf('network.peers') as NodeConfig['network']['peers'],
    },
    rpc: {
      socket,
      http: parseLoopback(text('rpc.http')),
      origins: list('rpc.origins'),
      tokenFile: file('rpc.tokenFile'),
    },
    metrics: { http: parseLoopback(text('metrics.http')) },
    disk: {
      softBytes: number('disk.softBytes'),
      hardBytes: number('disk.hardBytes'),
      ballastBytes: number('disk.ballastBytes'),
    },
    snapshots: { everyBlocks: valueOf('snapshots.everyBlocks') as number },
    log: { level: text('log.level') as LogLevel, pretty: valueOf('log.pretty') === true },
  };
  return accepted({ config, origins });
}

function valuesOfFile(text: string): Result<Given, ConfigProblem> {
  if (Buffer.byteLength(text) > fileBytesMax)
    return problem(`${configFileName} is too large`, `keep it below ${fileBytesMax} bytes`);
  let root: Readonly<Record<string, unknown>>;
  try {
    root = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split('\n')[0] ?? 'invalid TOML';
    return problem(
      `${configFileName}:${error.line}:${error.column}: ${reason}`,
      'correct the TOML at that place',
    );
  }
  const given = new Map<string, { value: unknown; origin: string }>();
  for (const [section, table] of Object.entries(root)) {
    if (!settings.some((setting) => setting.path.startsWith(`${section}.`))) return unknownKey(text, section);
    if (!isTable(table))
      return problem(
        `${placeOf(text, section)}: ${section} is a table`,
        `write [${section}] and its keys below`,
      );
    for (const [key, value] of Object.entries(table)) {
      const path = `${section}.${key}`;
      if (!settings.some((setting) => setting.path === path)) return unknownKey(text, path);
      given.set(path, { value, origin: placeOf(text, path) });
    }
  }
  return accepted(given);
}

function unknownKey(text: string, path: string): Problem {
  const section = path.includes('.') ? path.slice(0, path.indexOf('.') + 1) : '';
  const known =
    section === ''
      ? [...new Set(settings.map((setting) => setting.path.split('.')[0] ?? ''))]
      : settings.filter((setting) => setting.path.startsWith(section)).map((setting) => setting.path);
  const nearest =
    nearestOf(path, known) ??
    nearestOf(
      path,
      settings.map((setting) => setting.path),
    );
  const hint = nearest === null ? `known here: ${known.join(', ')}` : `did you mean ${nearest}?`;
  return problem(`${placeOf(text, path)}: unknown key ${path}`, hint);
}

function valuesOfEnvironment(environment: ConfigSources['environment']): Result<Given, ConfigProblem> {
  const given = new Map<string, { value: unknown; origin: string }>();
  const names = Object.keys(environment).filter((name) => name.startsWith('RXLEDGER_'));
  for (const name of names.toSorted(compareText)) {
    const text = environment[name];
    if (otherVariables.has(name) || text === undefined) continue;
    const setting = settings.find((candidate) => environmentName(candidate.path) === name);
    if (setting === undefined) {
      const nearest = nearestOf(
        name,
        settings.map((candidate) => environmentName(candidate.path)),
      );
      const hint =
        nearest === null ? `unset ${name}; see \`rxledger config explain\`` : `did you mean ${nearest}?`;
      return problem(`unknown variable ${name} in the environment`, hint);
    }
    const value = valueOfText(setting, text);
    if (!value.ok) return value;
    given.set(setting.path, { value: value.value, origin: `environment ${name}` });
  }
  return accepted(given);
}

function valuesOfFlags(flags: ConfigSources['flags']): Result<Given, ConfigProblem> {
  const given = new Map<string, { value: unknown; origin: string }>();
  for (const [path, text] of Object.entries(flags)) {
    const setting = settings.find((candidate) => candidate.path === path);
    if (setting === undefined) {
      const nearest = nearestOf(
        path,
        settings.map((candidate) => candidate.path),
      );
      return problem(
        `unknown setting ${path}`,
        nearest === null ? 'see `rxledger config explain`' : `did you mean ${nearest}?`,
      );
    }
    const value = valueOfText(setting, text);
    if (!value.ok) return value;
    given.set(path, { value: value.value, origin: 'flag' });
  }
  return accepted(given);
}

/** Lists are separated by commas; peers are `name=address+address,name=address`. */
function valueOfText(setting: Setting, text: string): Result<unknown, ConfigProblem> {
  const items = text.split(',').filter((item) => item !== '');
  switch (setting.kind) {
    case 'text':
      return accepted(text);
    case 'list':
      return accepted(items);
    case 'boolean':
      if (text !== 'true' && text !== 'false')
        return problem(`${setting.path}: not a Boolean`, 'write true or false');
      return accepted(text === 'true');
    case 'number':
      return accepted(/^\d{1,16}$/.test(text) ? Number(text) : text);
    case 'peers':
      return accepted(
        Object.fromEntries(
          items.map((item) => [item.split('=')[0] ?? '', (item.split('=')[1] ?? '').split('+')]),
        ),
      );
    default:
      return setting.kind satisfies never;
  }
}
