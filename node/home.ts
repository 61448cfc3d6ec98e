/** The home directory of a node: what lies where, with which modes. `keys/` and `safety/` are out of reach of every reset. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { genesisFromJson, genesisToJson, type Genesis } from '../protocol/genesis.ts';
import { accepted, type Result } from '../protocol/result.ts';
import { configFileName } from './configText.ts';
import { directoryMode, layoutOf, makeDirectories, type Layout } from './storage/layout.ts';

export interface HomePaths extends Layout {
  readonly config: string;
  readonly genesis: string;
  /** Socket and token of a running node. */
  readonly run: string;
}

/** What is wrong and what to try; two sentences for a person. */
export interface HomeProblem {
  readonly message: string;
  readonly hint: string;
}

const fileMode = 0o600;
const genesisBytesMax = 4_194_304;
const passphraseBytesMax = 1_024;

export function homePaths(home: string): HomePaths {
  return {
    ...layoutOf(home),
    config: join(home, configFileName),
    genesis: join(home, 'genesis.json'),
    run: join(home, 'run'),
  };
}

/** Flag, then `RXLEDGER_HOME`, then `~/.rxledger`. */
export function chooseHome(
  flag: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  return resolve(flag ?? environment['RXLEDGER_HOME'] ?? join(homedir(), '.rxledger'));
}

/** Makes the directories, readable by their owner only. */
export function createHome(home: string): HomePaths {
  const paths = homePaths(home);
  makeDirectories(paths);
  mkdirSync(paths.run, { recursive: true, mode: directoryMode });
  return paths;
}

/** A new file, readable by its owner only; an existing one is a failure, never overwritten. */
export function writeNewFile(path: string, text: string): void {
  writeFileSync(path, text, { mode: fileMode, flag: 'wx' });
}

export function genesisText(genesis: Genesis): string {
  return `${JSON.stringify(genesisToJson(genesis), null, 2)}\n`;
}

export function readGenesis(path: string): Result<Genesis, HomeProblem> {
  const text = readText(path, genesisBytesMax);
  if (!text.ok) return text;
  const json = parseJson(text.value);
  if (json === undefined)
    return problem(`${path} is not JSON`, 'get the genesis file of the consortium again');
  const genesis = genesisFromJson(json);
  if (genesis.ok) return accepted(genesis.value);
  return problem(
    `${path} is not a genesis file (${genesis.refusal.detail ?? genesis.refusal.code})`,
    'get the genesis file of the consortium again',
  );
}

/** From the environment, or from the file that the environment names (its last line feed is not part of it). */
export function readPassphrase(
  environment: Readonly<Record<string, string | undefined>>,
): Result<string, HomeProblem> {
  const direct = environment['RXLEDGER_PASSPHRASE'];
  if (direct !== undefined && direct !== '') return accepted(direct);
  const file = environment['RXLEDGER_PASSPHRASE_FILE'];
  if (file === undefined) {
    return problem(
      'no passphrase for the keystore',
      'set RXLEDGER_PASSPHRASE_FILE to a file that holds it (or RXLEDGER_PASSPHRASE)',
    );
  }
  const text = readText(file, passphraseBytesMax);
  if (!text.ok) return text;
  const passphrase = text.value.replace(/\r?\n$/, '');
  return passphrase === ''
    ? problem(`${file} is empty`, 'write the passphrase into it')
    : accepted(passphrase);
}

/** A file of bounded size, for the commands that read what a person names. */
export function readText(path: string, bytesMax: number): Result<string, HomeProblem> {
  const bytes = readBytes(path, bytesMax);
  return bytes.ok ? accepted(bytes.value.toString('utf8')) : bytes;
}

export function readBytes(path: string, bytesMax: number): Result<Buffer, HomeProblem> {
  try {
    if (!existsSync(path)) return problem(`${path} does not exist`, 'check the path');
    if (statSync(path).size > bytesMax)
      return problem(`${path} is too large`, `it has at most ${bytesMax} bytes`);
    return accepted(readFileSync(path));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return problem(`cannot read ${path} (${String(error.code)})`, 'check the path and its permissions');
  }
}

/** Undefined if it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function problem(message: string, hint: string): { readonly ok: false; readonly refusal: HomeProblem } {
  return { ok: false, refusal: { message, hint } };
}
