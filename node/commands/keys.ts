/** `keys`: the keystore's keys; only `new` needs the passphrase, and no command shows a secret. */
import { homePaths, readPassphrase } from '../home.ts';
import { KeystoreFailure, type KeyDescription } from '../keyFile.ts';
import { createKey, listKeys, unlock } from '../keystore.ts';
import { answered, failed, type CommandContext, type CommandOutcome } from './outcome.ts';

/** A key for a practitioner of this member; the member registers it with `practitioner_register`. */
export async function newKey(context: CommandContext, name: string): Promise<CommandOutcome> {
  const passphrase = readPassphrase(context.environment);
  if (!passphrase.ok) return failed('configuration', passphrase.refusal);
  const { keys } = homePaths(context.home);
  return orFailed(context, async () => {
    // Opened first: a keystore with two passphrases would not start.
    await unlock(keys, passphrase.value, { isDevnet: true });
    const key = await createKey(keys, { name, purpose: 'practitioner', passphrase: passphrase.value });
    return answered([lineOf(key)], jsonOf(key));
  });
}

export async function listAllKeys(context: CommandContext): Promise<CommandOutcome> {
  return orFailed(context, async () => {
    const keys = await listKeys(homePaths(context.home).keys);
    return answered(keys.map(lineOf), { keys: keys.map(jsonOf) });
  });
}

export async function showKey(context: CommandContext, name: string): Promise<CommandOutcome> {
  return orFailed(context, async () => {
    const keys = await listKeys(homePaths(context.home).keys);
    const key = keys.find((candidate) => candidate.name === name);
    if (key !== undefined) return answered([lineOf(key)], jsonOf(key));
    return failed('failure', { message: 'no key of this name', hint: 'see `rxledger keys list`' });
  });
}

async function orFailed(
  context: CommandContext,
  work: () => Promise<CommandOutcome>,
): Promise<CommandOutcome> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof KeystoreFailure)) throw error;
    return keystoreOutcome(error, context);
  }
}

export function keystoreOutcome(failure: KeystoreFailure, context: CommandContext): CommandOutcome {
  const { message } = failure;
  switch (failure.code) {
    case 'passphrase':
      return failed('notAuthorised', {
        message,
        hint: 'check RXLEDGER_PASSPHRASE_FILE or RXLEDGER_PASSPHRASE',
      });
    case 'damaged':
      return failed('failure', { message, hint: 'restore keys/ from its backup' });
    case 'exists':
      return failed('refusedForSafety', { message, hint: 'choose another name; keys are never overwritten' });
    case 'nameInvalid':
      return failed('usage', { message, hint: 'use lower-case words with hyphens, such as dr-zhang' });
    case 'missing':
      return failed('configuration', { message, hint: `run \`rxledger init --home ${context.home}\` first` });
    case 'devnetOnly':
      return failed('refusedForSafety', {
        message,
        hint: 'make keys with `rxledger init` or `rxledger keys new`',
      });
    default:
      return failure.code satisfies never;
  }
}

function lineOf({ name, purpose, publicKey }: KeyDescription): string {
  return `${name.padEnd(24)} ${purpose.padEnd(12)} ${publicKey}`;
}

function jsonOf({ name, purpose, publicKey }: KeyDescription): {
  name: string;
  purpose: string;
  publicKey: string;
} {
  return { name, purpose, publicKey: `0x${publicKey}` };
}
