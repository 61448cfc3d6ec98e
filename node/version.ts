/** The program's version, as package.json says it. */
import { readFileSync } from 'node:fs';

/** For example `0.1.0`. Compiled code stands two folders below package.json. */
export const programVersion: string = readVersion();

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}

/**
 * Flags for Node that a busy node runs better with: with a young generation of so many MiB a block's garbage is gone before it is
 * copied, which halves the collector's share. The program's first line has them; whoever calls Node by name gives them there.
 */
export const nodeFlags: readonly string[] = ['--max-semi-space-size=64'];
