/** Why a node could not start, as an answer for an operator: what it is, what to try, and whether starting again can help. */
import { adviceOn } from '../damage.ts';
import { NetworkFailure } from '../network/ports.ts';
import { NodeFailure } from '../nodeFailure.ts';
import { StorageFailure, type StorageFailureCode } from '../storage/failure.ts';
import { failed, type CommandOutcome, type ExitName } from './outcome.ts';

/** Starting again cannot help, and the wrong step could make it worse. */
const unsafeCodes: ReadonlySet<StorageFailureCode> = new Set([
  'corrupt',
  'missing',
  'exists',
  'foreign',
  'behind',
]);

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
    const exit: ExitName = unsafeCodes.has(error.code) ? 'refusedForSafety' : 'failure';
    return failed(exit, { message: error.message, hint: adviceOn(error.code) });
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
      : 'check node.name, keys/, genesis.json and the stores of this home';
    return failed(isCloned ? 'refusedForSafety' : 'configuration', { message, hint });
  }
  if (!(error.cause instanceof Error)) return null;
  return failed('failure', {
    message,
    hint: 'check the addresses in config.toml and whether the ports are free',
  });
}
