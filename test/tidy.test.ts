/** The rules of the house that neither the compiler nor the linter can see, over all files kept in git. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** Without comments: prose may say "a Date", code may not. */
  readonly code: string;
}

// Compiled to dist/test/, two folders below the top.
const top = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const linesMax = 400;
const rooms = ['node', 'consensus', 'protocol', 'test', 'devnet'];
const topFiles = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
];
const allowedAtTop: ReadonlySet<string> = new Set([...rooms, ...topFiles]);

/** The compiler refuses most wrong imports, but lets a room see through the rooms that it references. */
const roomsSeen: ReadonlyMap<string, readonly string[]> = new Map([
  ['protocol', []],
  ['consensus', ['protocol']],
  ['node/network', ['protocol']],
  ['node/storage', ['protocol']],
  ['node/rpc', ['protocol']],
  ['node', ['protocol', 'consensus', 'node/network', 'node/storage', 'node/rpc']],
  ['devnet', ['protocol', 'node', 'node/rpc', 'node/storage']],
]);
const purePackages = /^(@noble\/hashes|cborg|zod)(\/|$)/;
const networkPackages = /^(libp2p|@libp2p\/.*|@chainsafe\/.*|@multiformats\/.*)$/;

const impureCalls = [
  /\bDate\b/,
  /\bMath\.random\b/,
  /\bset(Timeout|Interval|Immediate)\b/,
  /\basync\b/,
  /\bawait\b/,
  /\bprocess\./,
  /\bconsole\./,
  /\bJSON\.stringify\b/,
  /\bIntl\b/,
  /\.toLocale\w+\(|\.localeCompare\(/,
];

// Brackets keep these patterns from matching the file that defines them.
const leftovers = /\b(TO[D]O|FIX[M]E)\b/;
const machineTraces = /\/wor[k]\/|\.\.\/share[d]|\bfar[m]-/;

const paths = execFileSync('git', ['ls-files', '-z'], { cwd: top, encoding: 'utf8' })
  .split('\0')
  .filter((path) => path !== '' && existsSync(join(top, path)));
const sources: readonly SourceFile[] = paths.filter((path) => path.endsWith('.ts')).map(readSource);

function readSource(path: string): SourceFile {
  const text = readFileSync(join(top, path), 'utf8');
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '');
  return { path, text, code };
}

function roomOf(path: string): string {
  const segments = path.split('/');
  const inner = segments.slice(0, 2).join('/');
  return roomsSeen.has(inner) ? inner : (segments[0] ?? '');
}

function importsOf(source: SourceFile): readonly string[] {
  const statements = source.code.matchAll(
    /(?:^|\s)(?:import|from)\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm,
  );
  return [...statements].map((match) => match[1] ?? match[2] ?? '');
}

function isPure(path: string): boolean {
  return path.startsWith('protocol/') || path.startsWith('consensus/');
}

function mayImport(path: string, specifier: string): boolean {
  const room = roomOf(path);
  if (room === 'test' || specifier.startsWith('node:')) return !isPure(path);
  if (!specifier.startsWith('.')) {
    if (isPure(path)) return purePackages.test(specifier);
    return room === 'node/network' || !networkPackages.test(specifier);
  }
  const target = roomOf(posix.join(posix.dirname(path), specifier));
  return target === room || (roomsSeen.get(room) ?? []).includes(target);
}

function pathsWhere(isOffence: (source: SourceFile) => boolean): readonly string[] {
  return sources.filter(isOffence).map((source) => source.path);
}

describe('the house', () => {
  it('holds only the agreed names at the top level', () => {
    const names = new Set(paths.map((path) => path.split('/')[0] ?? ''));
    assert.deepEqual(
      [...names].filter((name) => !name.startsWith('.') && !allowedAtTop.has(name)),
      [],
    );
  });

  it('has no file that is too long to read in one sitting', () => {
    assert.deepEqual(
      pathsWhere(({ text }) => text.trimEnd().split('\n').length > linesMax),
      [],
    );
  });

  it('gives every export one name, in the file that defines it', () => {
    assert.deepEqual(
      pathsWhere(({ code }) => /^export\s+(default\b|\*)/m.test(code)),
      [],
    );
  });

  it('keeps its plans in issues, not in files', () => {
    assert.deepEqual(
      pathsWhere(({ text }) => leftovers.test(text)),
      [],
    );
  });

  it('names no machine', () => {
    assert.deepEqual(
      paths.filter((path) => machineTraces.test(readFileSync(join(top, path), 'utf8'))),
      [],
    );
  });

  it('locks packages by content, not by the host they came from', () => {
    const lock = readFileSync(join(top, 'package-lock.json'), 'utf8');
    assert.equal(lock.includes('"resolved"'), false);
  });

  it('keeps clock, chance, text locale and waiting out of the pure rooms', () => {
    const offences = sources
      .filter(({ path }) => isPure(path))
      .flatMap(({ path, code }) =>
        impureCalls.filter((call) => call.test(code)).map((call) => `${path} ${String(call)}`),
      );
    assert.deepEqual(offences, []);
  });

  it('writes imports between files with their extension', () => {
    const isBare = (specifier: string): boolean => specifier.startsWith('.') && !specifier.endsWith('.ts');
    assert.deepEqual(
      pathsWhere((source) => importsOf(source).some(isBare)),
      [],
    );
  });

  it('lets each room import only what it may see', () => {
    const offences = sources.flatMap((source) =>
      importsOf(source)
        .filter((specifier) => !mayImport(source.path, specifier))
        .map((specifier) => `${source.path} imports ${specifier}`),
    );
    assert.deepEqual(offences, []);
  });
});
