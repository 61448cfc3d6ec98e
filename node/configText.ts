/** config.toml as text: where a key stands in it, and the text of a new one. */
import type { DiskMarks } from './diskGuard.ts';
import { settings, type LogLevel } from './settings.ts';

export const configFileName = 'config.toml';

/**
 * Line and column of a key, from 1. The parser does not tell, so this reads table headers and the keys below them; a key that
 * is written in a way it does not know (inside an inline table) has its table's place.
 */
export function placeOf(text: string, path: string): string {
  const bare = (key: string): string => key.replaceAll(/["'\s]/g, '');
  let table = '';
  let best: { readonly line: number; readonly column: number } | null = null;
  for (const [index, line] of text.split('\n').entries()) {
    const header = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line)?.[1];
    const key =
      header === undefined
        ? /^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=/.exec(line)?.[1]
        : undefined;
    if (header !== undefined) table = bare(header);
    const full = key === undefined ? table : [table, bare(key)].filter((part) => part !== '').join('.');
    if (header === undefined && key === undefined) continue;
    const isIt = full === path || full.startsWith(`${path}.`);
    const isAround = path.startsWith(`${full}.`) && full !== '';
    if (isIt) return `${configFileName}:${index + 1}:${line.length - line.trimStart().length + 1}`;
    if (isAround) best = { line: index + 1, column: line.length - line.trimStart().length + 1 };
  }
  return best === null ? configFileName : `${configFileName}:${best.line}:${best.column}`;
}

export interface ConfigDraft {
  readonly name: string;
  readonly listen?: readonly string[];
  readonly advertise?: readonly string[];
  readonly peers?: Readonly<Record<string, readonly string[]>>;
  readonly rpcHttp?: string;
  readonly metricsHttp?: string;
  readonly logLevel?: LogLevel;
  readonly disk?: DiskMarks;
}

/** Text of a new config.toml; what is not given stands there as a comment with its default. */
export function renderConfig(draft: ConfigDraft): string {
  const values: Readonly<Record<string, unknown>> = {
    'node.name': draft.name,
    'network.listen': draft.listen,
    'network.advertise': draft.advertise,
    'rpc.http': draft.rpcHttp,
    'metrics.http': draft.metricsHttp,
    'disk.softBytes': draft.disk?.softBytes,
    'disk.hardBytes': draft.disk?.hardBytes,
    'disk.ballastBytes': draft.disk?.ballastBytes,
    'log.level': draft.logLevel,
  };
  const lines = ['# Settings of one node. What all members share stands in genesis.json.'];
  let section = '';
  for (const { path, help, fallback } of settings) {
    const [table = '', key = ''] = path.split('.');
    if (path === 'network.peers') continue;
    if (table !== section) lines.push('', `[${table}]`);
    section = table;
    const value = values[path];
    // JSON's strings, numbers, arrays of strings and Booleans are TOML's too.
    const line = `${key} = ${JSON.stringify(value ?? fallback)}`;
    lines.push(`# ${help}`, value === undefined ? `# ${line}` : line);
  }
  lines.push('', '[network.peers]', '# clinic = ["/ip4/10.0.0.6/tcp/7400"]');
  for (const [name, addresses] of Object.entries(draft.peers ?? {}))
    lines.push(`${name} = ${JSON.stringify(addresses)}`);
  return `${lines.join('\n')}\n`;
}
