/** `start`: runs the node of this home until a signal, until its parent dies, or until it must stop by itself. */
import { existsSync } from 'node:fs';
import type { Genesis } from '../../protocol/genesis.ts';
import type { Member } from '../../protocol/member.ts';
import { readConfig, type NodeConfig } from '../config.ts';
import { homePaths, readGenesis, readPassphrase } from '../home.ts';
import { KeystoreFailure } from '../keyFile.ts';
import { unlock, type Keystore } from '../keystore.ts';
import { createLogger, type Logger } from '../log.ts';
import { createMetrics } from '../metrics.ts';
import { isNetworkNoise } from '../network/escalate.ts';
import { NodeFailure } from '../nodeFailure.ts';
import { ownMember } from '../ownMember.ts';
import { keystoreOutcome } from './keys.ts';
import { answered, failed, type CommandContext, type CommandOutcome } from './outcome.ts';
import { startFailure } from './startFailure.ts';

export interface StartOptions {
  /** Settings by path, as flags gave them. */
  readonly flags: Readonly<Record<string, string>>;
  /** Stops when standard input ends: a supervisor that dies takes its nodes with it. */
  readonly isBoundToParent: boolean;
}

/** How the process is told to stop, and whether that is a failure. */
interface StopReason {
  readonly isFailure: boolean;
}

/** What every command needs that runs as the member. */
export interface PreparedHome {
  readonly config: NodeConfig;
  readonly genesis: Genesis;
  readonly own: Member;
  readonly keystore: Keystore;
}

const stopDeadlineMs = 10_000;

export async function startHome(context: CommandContext, options: StartOptions): Promise<CommandOutcome> {
  const prepared = await prepareHome(context, options.flags);
  if ('kind' in prepared) return prepared;
  const { config } = prepared;
  const log = createLogger({
    level: config.log.level,
    isPretty: config.log.pretty,
    write: (line) => void process.stderr.write(line),
  });
  const stopRequested = watchForStop(log, options.isBoundToParent);
  let outcome = await runNode(context, prepared, { log, stopRequested });
  while (outcome === 'keyRotated') {
    log.info({}, 'another consensus key is in force: starting again with it');
    // The keystore is read again: the key may be younger than this process.
    const again = await prepareHome(context, options.flags);
    if ('kind' in again) return again;
    outcome = await runNode(context, again, { log, stopRequested });
  }
  return outcome;
}

/** One life of the node. `keyRotated`: it came to its end because it signs with another key from now on. */
async function runNode(
  context: CommandContext,
  prepared: PreparedHome,
  { log, stopRequested }: { readonly log: Logger; readonly stopRequested: Promise<StopReason> },
): Promise<CommandOutcome | 'keyRotated'> {
  const { config } = prepared;
  // Loaded here and nowhere else: the network stack takes most of a second, which other commands need not spend.
  const { startNode } = await import('../node.ts');
  const metrics = createMetrics();
  const starting = startNode({ ...prepared, home: context.home, log, metrics });
  const first = await firstOf(starting, stopRequested);
  if (first === 'keyRotated' || 'kind' in first) return first;
  if ('isFailure' in first) return stoppedOutcome(first, config);
  process.stdout.write(`${JSON.stringify({ member: config.node.name, rpcSocket: first.rpcSocket })}\n`);
  log.info({ member: config.node.name, socket: first.rpcSocket, pid: process.pid }, 'started');

  const ended = first.finished.then(
    () => ({ isFailure: false }),
    (error: unknown) => {
      if (isKeyRotated(error)) return 'keyRotated' as const;
      log.fatal({ error }, 'the node had to stop');
      return { isFailure: true };
    },
  );
  const reason = await Promise.race([stopRequested, ended]);
  // A stop that hangs must not keep the process: everything that was promised is durable already.
  const deadline = setTimeout(() => {
    log.error({ delayMs: stopDeadlineMs }, 'did not stop in time');
    process.exit(1);
  }, stopDeadlineMs);
  deadline.unref();
  await first.stop();
  clearTimeout(deadline);
  if (reason === 'keyRotated') return reason;
  log.info({ member: config.node.name }, 'stopped');
  return stoppedOutcome(reason, config);
}

/** Whichever is first: the node runs, or it is told to stop, or it cannot start for a reason that an operator can mend. */
async function firstOf<Running extends object>(
  starting: Promise<Running>,
  stopRequested: Promise<StopReason>,
): Promise<Running | StopReason | CommandOutcome | 'keyRotated'> {
  try {
    return await Promise.race([starting, stopRequested]);
  } catch (error) {
    if (isKeyRotated(error)) return 'keyRotated';
    const outcome = startFailure(error);
    if (outcome === null) throw error;
    return outcome;
  }
}

function isKeyRotated(error: unknown): boolean {
  return error instanceof NodeFailure && error.code === 'keyRotated';
}

function stoppedOutcome(reason: StopReason, config: NodeConfig): CommandOutcome {
  if (!reason.isFailure) return answered([], { member: config.node.name, status: 'stopped' });
  return failed('failure', {
    message: 'the node stopped because of a failure',
    hint: 'read the last lines of its log, then start it again: it goes on from its journal',
  });
}

/** Configuration, genesis and unlocked keys of a home; `flags` are settings by path. */
export async function prepareHome(
  context: CommandContext,
  flags: StartOptions['flags'],
): Promise<PreparedHome | CommandOutcome> {
  const paths = homePaths(context.home);
  const loaded = readConfig(context.home, context.environment, flags);
  if (!loaded.ok) return failed('configuration', loaded.refusal);
  const { config } = loaded.value;
  if (!existsSync(paths.genesis)) {
    const hint = 'run `rxledger genesis install <file>` with the genesis file of the consortium';
    return failed('configuration', { message: `${paths.genesis} does not exist`, hint });
  }
  const genesis = readGenesis(paths.genesis);
  if (!genesis.ok) return failed('configuration', genesis.refusal);
  const passphrase = readPassphrase(context.environment);
  if (!passphrase.ok) return failed('configuration', passphrase.refusal);
  try {
    const keystore = await unlock(paths.keys, passphrase.value, genesis.value);
    const own = ownMember(genesis.value, config.node.name, keystore.descriptions());
    if (own !== null) return { config, genesis: genesis.value, own, keystore };
    const message = `the keys of this home are not those of ${config.node.name} in the genesis`;
    return failed('configuration', { message, hint: 'check node.name, keys/ and genesis.json of this home' });
  } catch (error) {
    if (error instanceof KeystoreFailure) return keystoreOutcome(error, context);
    throw error;
  }
}

/**
 * Resolves at the first of: SIGTERM or SIGINT (orderly), the end of standard input if asked for (orderly), an error that nobody
 * caught. After such an error the state in memory is in doubt, so the node stops; what it signed and committed is on disk, and
 * the next start goes on from there.
 */
function watchForStop(log: Logger, isBoundToParent: boolean): Promise<StopReason> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        log.info({ signal }, 'asked to stop');
        resolve({ isFailure: false });
      });
    }
    const onUncaught = (error: unknown): void => {
      if (isNetworkNoise(error)) {
        log.warn({ error }, 'libp2p let go of an error of a connection that is gone');
        return;
      }
      log.fatal({ error }, 'an error that nobody caught');
      resolve({ isFailure: true });
    };
    process.on('uncaughtException', onUncaught);
    process.on('unhandledRejection', onUncaught);
    if (!isBoundToParent) return;
    const onParentGone = (): void => {
      log.info({}, 'the parent is gone');
      resolve({ isFailure: false });
    };
    process.stdin.once('end', onParentGone);
    process.stdin.once('error', onParentGone);
    process.stdin.resume();
  });
}
