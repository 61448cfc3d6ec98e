/** The member's keys: files in `keys/`, one per key, opened once at start and held in memory. */
import { hkdfSync, randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { compareText, utf8ToBytes } from '../protocol/bytes.ts';
import type { Signer } from '../protocol/signature.ts';
import { systemDisk } from './storage/disk.ts';
import { sealingKeyPairFromSeed, seedSize, signerFromSeed, type SealingKeyPair } from './ed25519.ts';
import {
  KeystoreFailure,
  openKey,
  parseKeyFile,
  scryptNDefault,
  sealKey,
  type KeyDescription,
  type KeyFile,
  type KeyPurpose,
} from './keyFile.ts';

const suffix = '.json';
const keysMax = 1_024;
const keyFileBytesMax = 4_096;

export interface KeyOrder {
  /** Lower-case words with hyphens, unique in the keystore, for example `dr-zhang`. */
  readonly name: string;
  readonly purpose: KeyPurpose;
  /** 32 bytes; fresh random bytes by default. */
  readonly seed?: Uint8Array;
  readonly passphrase: string;
  /** Below `scryptNDefault` the key is for devnets only. */
  readonly scryptN?: number;
}

export interface Keystore {
  /** Copy of the 32-byte seed of the one key of this purpose; failure `missing`. For libp2p, which makes its own key of it. */
  readonly seed: (purpose: Exclude<KeyPurpose, 'practitioner'>) => Uint8Array;
  /** An admin's or practitioner's signer by its name; null if this keystore has no such key for transactions. */
  readonly signer: (name: string) => Signer | null;
  /** Signs votes and batches. Handed only to the reactor, and never found by name. Failure `missing`, also if there are several. */
  readonly consensusSigner: Signer;
  /** One for each consensus key: after a rotation there are several, and the ledger says which is in force. */
  readonly consensusSigners: readonly Signer[];
  readonly adminSigner: Signer;
  readonly sealingSecret: SealingKeyPair;
  /** Every key, sorted by name. */
  readonly names: () => readonly string[];
  readonly descriptions: () => readonly KeyDescription[];
}

/** Writes a new key file, durable when this resolves. Failures `exists`, `nameInvalid`. */
export async function createKey(dir: string, order: KeyOrder): Promise<KeyDescription> {
  const path = join(dir, `${order.name}${suffix}`);
  const file = await sealKey({
    name: order.name,
    purpose: order.purpose,
    seed: order.seed ?? Uint8Array.from(randomBytes(seedSize)),
    passphrase: order.passphrase,
    scryptN: order.scryptN ?? scryptNDefault,
  });
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await chmod(dir, 0o700);
  if (await exists(path)) throw new KeystoreFailure('exists', order.name);
  await writeDurably(dir, path, `${JSON.stringify(file, null, 2)}\n`);
  return describe(file);
}

/** In a keystore whose keys have signed nothing yet. */
const unusedMark = 'unused';

/** Says of the keys of a new home that they have signed nothing; before anybody could have signed with them. */
export async function markUnused(dir: string): Promise<void> {
  await writeDurably(dir, join(dir, unusedMark), '');
}

/** True once, for keys that have signed nothing: from now on they may. The mark is gone from the disk when this resolves. */
export async function takeIntoUse(dir: string): Promise<boolean> {
  const path = join(dir, unusedMark);
  if (!(await exists(path))) return false;
  await unlink(path);
  systemDisk.syncDirectory(dir);
  return true;
}

/** Name, purpose and public key of each key, sorted by name; needs no passphrase. Failure `damaged`. */
export async function listKeys(dir: string): Promise<readonly KeyDescription[]> {
  return (await readKeyFiles(dir)).map(describe);
}

/**
 * Opens every key of the directory. Failures: `passphrase`, `damaged`; `devnetOnly` for a key that is cheap to guess, unless the
 * chain is a devnet.
 */
export async function unlock(
  dir: string,
  passphrase: string,
  chain: { readonly isDevnet: boolean } = { isDevnet: false },
): Promise<Keystore> {
  const files = await readKeyFiles(dir);
  const opened: OpenedKey[] = [];
  for (const file of files) {
    if (file.kdf.n < scryptNDefault && !chain.isDevnet) throw new KeystoreFailure('devnetOnly', file.name);
    // One after the other: each needs 32 MiB while it is opened.
    opened.push({ ...describe(file), seed: await openKey(file, passphrase) });
  }
  return keystoreOf(opened);
}

/** Failure `devnetOnly` unless the genesis says that the chain is a devnet: guard of everything deterministic. */
export function requireDevnet(isDevnet: boolean): void {
  if (!isDevnet) throw new KeystoreFailure('devnetOnly', 'deterministic keys');
}

/** The seed of a devnet's key, 32 bytes: the same text always gives the same consortium. Call `requireDevnet` first. */
export function devnetSeed(seedText: string, memberName: string, key: DevnetKey): Uint8Array {
  const info = utf8ToBytes(`rxledger/devnet-key/1/${memberName}/${key.purpose}/${key.name}`);
  return new Uint8Array(hkdfSync('sha256', utf8ToBytes(seedText), new Uint8Array(0), info, seedSize));
}

export interface DevnetKey {
  readonly purpose: KeyPurpose;
  readonly name: string;
}

interface OpenedKey extends KeyDescription {
  readonly seed: Uint8Array;
}

function keystoreOf(keys: readonly OpenedKey[]): Keystore {
  const the = (purpose: KeyPurpose): OpenedKey => {
    const found = keys.filter((key) => key.purpose === purpose);
    const [only] = found;
    if (only === undefined || found.length > 1) throw new KeystoreFailure('missing', `one ${purpose} key`);
    return only;
  };
  const transactionKeys = keys.filter((key) => key.purpose === 'admin' || key.purpose === 'practitioner');
  const signers = new Map(transactionKeys.map((key) => [key.name, signerFromSeed(key.seed)]));
  const consensusSigner = once(() => signerFromSeed(the('consensus').seed));
  const consensusSigners = once(() =>
    keys.flatMap(({ purpose, seed }) => (purpose === 'consensus' ? [signerFromSeed(seed)] : [])),
  );
  const adminSigner = once(() => signerFromSeed(the('admin').seed));
  const sealingSecret = once(() => sealingKeyPairFromSeed(the('sealing').seed));
  return {
    seed: (purpose) => Uint8Array.from(the(purpose).seed),
    signer: (name) => signers.get(name) ?? null,
    get consensusSigner(): Signer {
      return consensusSigner();
    },
    get consensusSigners(): readonly Signer[] {
      return consensusSigners();
    },
    get adminSigner(): Signer {
      return adminSigner();
    },
    get sealingSecret(): SealingKeyPair {
      return sealingSecret();
    },
    names: () => keys.map((key) => key.name),
    descriptions: () => keys.map(describe),
  };
}

/** Made at the first call: a keystore without such a key is of use too, for example a practitioner's. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

async function readKeyFiles(dir: string): Promise<readonly KeyFile[]> {
  const names = (await fileNames(dir)).filter((name) => name.endsWith(suffix));
  if (names.length > keysMax) throw new KeystoreFailure('damaged', `more than ${keysMax} keys`);
  const files: KeyFile[] = [];
  for (const name of names.toSorted(compareText)) {
    const path = join(dir, name);
    if ((await stat(path)).size > keyFileBytesMax) throw new KeystoreFailure('damaged', path);
    const file = parseKeyFile(await readFile(path, 'utf8'), path);
    if (`${file.name}${suffix}` !== name) throw new KeystoreFailure('damaged', path);
    files.push(file);
  }
  return files;
}

async function fileNames(dir: string): Promise<readonly string[]> {
  try {
    return await readdir(dir);
  } catch (cause) {
    throw new KeystoreFailure('missing', dir, { cause });
  }
}

/** Whole or not at all, also when the power fails: a temporary file, synced, renamed, and the directory synced. */
async function writeDurably(dir: string, path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.part`;
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  systemDisk.syncDirectory(dir);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}

function describe({ name, purpose, publicKey }: KeyDescription): KeyDescription {
  return { name, purpose, publicKey };
}
