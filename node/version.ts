/** The program's version, as package.json says it. */
import { readFileSync } from 'node:fs';

/** For example `0.1.0`. Compiled code stands two folders below package.json. */
export const programVersion: string = readVersion();

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
