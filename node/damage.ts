/** What a failure of the disk means to an operator: what is damaged, and the one command to run. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StorageFailure, type StorageFailureCode } from './storage/failure.ts';

const repair = 'run `rxledger repair --from-peers` while this node is stopped';
const restart = 'run `rxledger start`: it goes on from its journal';

const advices: Readonly<Record<StorageFailureCode, string>> = {
  corrupt: repair,
  behind: repair,
  partial: 'start again: the node begins anew at the genesis or from a snapshot',
  missing: repair,
  io: `look at the disk, then ${restart}`,
  full: `make room on the disk, then ${restart}`,
  locked: 'another process runs on this home: stop it first, or use `rxledger status`',
  exists: 'the stores of a home are made once; use another home',
  foreign: 'this home belongs to another chain or key: check genesis.json and keys/',
};

export function adviceOn(code: StorageFailureCode): string {
  return advices[code];
}

/** One sentence on why the node no longer votes, and what to do. */
export function failureSentence(cause: unknown): string {
  if (!(cause instanceof StorageFailure))
    return 'An invariant broke: this node no longer votes; read its log and start it again.';
  return `No longer votes and takes no transaction (${cause.code}: ${cause.message}): ${adviceOn(cause.code)}.`;
}

/** Beside the log, for whoever comes later: what is damaged and what to run. The disk may refuse even that. */
export function writeDamage(home: string, failure: StorageFailure): void {
  const text = `${failure.code}: ${failure.message}\n${adviceOn(failure.code)}\n`;
  try {
    writeFileSync(damagePath(home), text, { mode: 0o600 });
  } catch {
    // It stands in the log and in the status too.
  }
}

export function forgetDamage(home: string): void {
  rmSync(damagePath(home), { force: true });
}

function damagePath(home: string): string {
  return join(home, 'DAMAGE');
}
