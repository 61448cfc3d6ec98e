/** What must not be lost in the promises and event targets of libp2p, and what of libp2p's may be. */
import { BrokenInvariant } from '../../protocol/invariant.ts';

/** Throws outside of every promise and event target, so that the process's policy for uncaught errors sees it. */
export function escalate(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}

/** A broken invariant in a handler stops the node; a failure is left to the caller. */
export function escalateIfBroken(error: unknown): void {
  if (error instanceof BrokenInvariant) escalate(error);
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

const noisyNames: ReadonlySet<string> = new Set([
  'StreamStateError',
  'StreamResetError',
  'StreamAbortedError',
  'StreamClosedError',
  'StreamBufferError',
  'ConnectionClosedError',
  'ConnectionFailedError',
  'MuxerClosedError',
  'MuxerUnavailableError',
  'InvalidFrameError',
  'UnexpectedEOFError',
]);
const noisyCodes: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ETIMEDOUT']);
const stackOfLibrary =
  /node_modules\/(@libp2p|libp2p|@chainsafe|@multiformats|it-[a-z-]+|race-signal|p-event)\//;

/**
 * True for an uncaught error that libp2p threw from a microtask after a stream or socket had closed: log it and go on,
 * for the link heals by itself. Everything else ends the process. For the handlers of `uncaughtException` and
 * `unhandledRejection` in node/main.ts.
 */
export function isNetworkNoise(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof BrokenInvariant) return false;
  if (noisyNames.has(error.name)) return true;
  if ('syscall' in error && 'code' in error && noisyCodes.has(error.code)) return true;
  const isAbort = error.name === 'AbortError' || error.name === 'TimeoutError';
  return isAbort && stackOfLibrary.test(error.stack ?? '');
}
