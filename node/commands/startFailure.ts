/** Why a node could not start, as an answer for an operator: what it is, what to try, and whether starting again can help. */
import { NetworkFailure } from '../network/ports.ts';
import { NodeFailure } from '../nodeFailure.ts';
import { StorageFailure, type StorageFailureCode } from '../storage/failure.ts';
import { failed, type CommandOutcome, type ExitName } from './outcome.ts';

interface Advice {
  readonly exit: ExitName;
  readonly hint: string;
}

const neverEmpty =
  'never make an empty one: a node that forgot its votes can vote twice; restore the home whole';

const storageAdvice: Readonly<Record<StorageFailureCode, Advice>> = {
  corrupt: {
    exit: 'refusedForSafety',
    hint: 'keep the files as they are and look at the disk before anything else',
  },
  io: { exit: 'failure', hint: 'look at the disk, then start again' },
  missing: { exit: 'refusedForSafety', hint: neverEmpty },
  locked: {
    exit: 'failure',
    hint: 'another process runs on this home: stop it first, or use `rxledger status`',
  },
  full: { exit: 'failure', hint: 'make room on the disk, then start again' },
  exists: { exit: 'refusedForSafety', hint: 'the stores of a home are made once; use another home' },
  foreign: {
    exit: 'refusedForSafety',
    hint: 'this home belongs to another chain or key: check genesis.json and keys/',
  },
  behind: { exit: 'refusedForSafety', hint: 'data/ is older than its anchor: restore the newer one' },
};

const causesMax = 8;

/** The error and those that it came from. */
function withCauses(error: unknown): readonly Error[] {
  const found: Error[] = [];
  for (let cause = error; cause instanceof Error && found.length < causesMax; cause = cause.cause) {
    found.push(cause);
  }
  return found;
}

/** With the system's own word for it, such as "listen EADDRINUSE: address already in use 127.0.0.1:7400", else with the next cause. */
function messageOf(error: Error): string {
  const [, ...causes] = withCauses(error).map(({ message }) => message);
  const ofSystem = causes.map((message) => /\blisten E[A-Z]+: .*/.exec(message)?.[0] ?? null);
  const reason = ofSystem.find((found) => found !== null) ?? causes[0]?.split('\n')[0];
  return reason === undefined ? error.message : `${error.message}: ${reason}`;
}

/** Null for an error that no operator can do anything about: a bug of ours. */
export function startFailure(error: unknown): CommandOutcome | null {
  if (!(error instanceof Error)) return null;
  if (error instanceof StorageFailure) {
    const { exit, hint } = storageAdvice[error.code];
    return failed(exit, { message: error.message, hint });
  }
  const message = messageOf(error);
  if (error instanceof NetworkFailure) {
    const hint = 'check network.listen in config.toml and whether the port is free';
    return failed('failure', { message, hint });
  }
  if (error instanceof NodeFailure) {
    const isCloned = error.code === 'clonedKey';
    const hint = isCloned
      ? 'find the other machine that runs with these keys and stop it; never run two'
      : 'check node.name, genesis.json and the stores of this home';
    return failed(isCloned ? 'refusedForSafety' : 'configuration', { message, hint });
  }
  if (!(error.cause instanceof Error)) return null;
  return failed('failure', {
    message,
    hint: 'check the addresses in config.toml and whether the ports are free',
  });
}
