/**
 * One key on disk: a JSON file with the seed under AES-256-GCM, its key made from the passphrase by scrypt (RFC 7914). A checksum
 * over the file tells a damaged file from a wrong passphrase.
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import canonicalize from 'canonicalize';
import * as z from 'zod';
import type { PublicKey } from '../protocol/brand.ts';
import { bytesToHex, hexToBytes, utf8ToBytes } from '../protocol/bytes.ts';
import { nameSchema } from '../protocol/codec.ts';
import { plainHash } from '../protocol/hash.ts';
import { invariant, present } from '../protocol/invariant.ts';
import { publicKeyFromSeed, sealingKeyPairFromSeed, seedSize } from './ed25519.ts';

const keyPurposes = ['network', 'consensus', 'sealing', 'admin', 'practitioner'] as const;
export type KeyPurpose = (typeof keyPurposes)[number];

/** The cost of guessing a passphrase: 32 MiB and about 0.1 s a guess. */
export const scryptNDefault: number = 2 ** 15;
/** For devnets only, whose passphrase is no secret. */
export const scryptNDevnet: number = 2 ** 10;
/** 1 GiB: a file may not ask for more memory than that. */
const scryptNMax = 2 ** 20;
const scryptR = 8;
const scryptP = 1;
const saltSize = 16;
const nonceSize = 12;
const tagSize = 16;
const cipherName = 'aes-256-gcm';

export type KeystoreFailureCode =
  /** The passphrase does not open the key. */
  | 'passphrase'
  /** The file is not what was written. */
  | 'damaged'
  /** A key of this name is there already: keys are never overwritten. */
  | 'exists'
  /** A key's name is lower-case words with hyphens, at most 64 bytes. */
  | 'nameInvalid'
  /** No key, or no directory of keys, where one is needed. */
  | 'missing'
  /** A key or an operation that only a devnet may use. */
  | 'devnetOnly';

export class KeystoreFailure extends Error {
  override readonly name = 'KeystoreFailure';
  readonly code: KeystoreFailureCode;

  /** `subject` names a file or a key, never a secret. */
  constructor(code: KeystoreFailureCode, subject: string, options: ErrorOptions = {}) {
    super(`keystore: ${code}: ${subject}`, options);
    this.code = code;
  }
}

export interface KeyDescription {
  readonly name: string;
  readonly purpose: KeyPurpose;
  /** X25519 for `sealing`, else Ed25519. */
  readonly publicKey: PublicKey;
}

export interface KeyFile extends KeyDescription {
  readonly version: 1;
  readonly kdf: {
    readonly name: 'scrypt';
    readonly n: number;
    readonly r: typeof scryptR;
    readonly p: typeof scryptP;
  };
  readonly cipher: typeof cipherName;
  readonly salt: string;
  readonly nonce: string;
  readonly ciphertext: string;
  readonly tag: string;
  readonly checksum: string;
}

function hex(byteLength: number): z.ZodString {
  return z.string().regex(new RegExp(`^[0-9a-f]{${2 * byteLength}}$`));
}

const keyFileSchema = z.strictObject({
  version: z.literal(1),
  name: nameSchema,
  purpose: z.enum(keyPurposes),
  publicKey: hex(32),
  kdf: z.strictObject({
    name: z.literal('scrypt'),
    n: z.int().min(2).max(scryptNMax).refine(isPowerOfTwo),
    r: z.literal(scryptR),
    p: z.literal(scryptP),
  }),
  cipher: z.literal(cipherName),
  salt: hex(saltSize),
  nonce: hex(nonceSize),
  ciphertext: hex(seedSize),
  tag: hex(tagSize),
  checksum: hex(32),
});

export interface KeyToSeal {
  readonly name: string;
  readonly purpose: KeyPurpose;
  /** 32 bytes. */
  readonly seed: Uint8Array;
  readonly passphrase: string;
  /** A power of two. */
  readonly scryptN: number;
}

/** The key file's content. Failure `nameInvalid`. */
export async function sealKey(key: KeyToSeal): Promise<KeyFile> {
  if (!nameSchema.safeParse(key.name).success) throw new KeystoreFailure('nameInvalid', 'name of a new key');
  invariant(key.seed.length === seedSize, 'a seed is 32 bytes');
  invariant(isPowerOfTwo(key.scryptN), 'scrypt N is a power of two');
  const header = {
    version: 1 as const,
    name: key.name,
    purpose: key.purpose,
    publicKey: publicKeyOf(key.purpose, key.seed),
    kdf: { name: 'scrypt' as const, n: key.scryptN, r: scryptR, p: scryptP } as const,
    cipher: cipherName as typeof cipherName,
  };
  const salt = randomBytes(saltSize);
  const nonce = randomBytes(nonceSize);
  const fileKey = await stretch(key.passphrase, salt, key.scryptN);
  const cipher = createCipheriv(cipherName, fileKey, nonce, { authTagLength: tagSize });
  fileKey.fill(0);
  cipher.setAAD(canonicalBytes(header));
  const ciphertext = bytesToHex(cipher.update(key.seed)) + bytesToHex(cipher.final());
  const sealed = {
    ...header,
    salt: bytesToHex(salt),
    nonce: bytesToHex(nonce),
    ciphertext,
    tag: bytesToHex(cipher.getAuthTag()),
  };
  return { ...sealed, checksum: checksumOf(sealed) };
}

/** The file's text as a key file; failure `damaged`. `path` is for the message. */
export function parseKeyFile(text: string, path: string): KeyFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new KeystoreFailure('damaged', path, { cause });
  }
  const parsed = keyFileSchema.safeParse(json);
  if (!parsed.success) throw new KeystoreFailure('damaged', path, { cause: parsed.error });
  const { checksum, ...sealed } = parsed.data;
  if (checksumOf(sealed) !== checksum) throw new KeystoreFailure('damaged', path);
  return { ...parsed.data, publicKey: parsed.data.publicKey as PublicKey };
}

/** The seed, 32 bytes. Failures `passphrase`; `damaged` if the seed is not the one of the public key. */
export async function openKey(file: KeyFile, passphrase: string): Promise<Uint8Array> {
  const { salt, nonce, ciphertext, tag, checksum: _, ...header } = file;
  const fileKey = await stretch(passphrase, hexToBytes(salt), file.kdf.n);
  const decipher = createDecipheriv(cipherName, fileKey, hexToBytes(nonce), { authTagLength: tagSize });
  fileKey.fill(0);
  decipher.setAAD(canonicalBytes(header)).setAuthTag(hexToBytes(tag));
  const opened = decipher.update(hexToBytes(ciphertext));
  let seed: Uint8Array;
  try {
    seed = Uint8Array.from(Buffer.concat([opened, decipher.final()]));
  } catch (cause) {
    throw new KeystoreFailure('passphrase', file.name, { cause });
  }
  if (publicKeyOf(file.purpose, seed) !== file.publicKey) throw new KeystoreFailure('damaged', file.name);
  return seed;
}

function publicKeyOf(purpose: KeyPurpose, seed: Uint8Array): PublicKey {
  return purpose === 'sealing' ? sealingKeyPairFromSeed(seed).publicKey : publicKeyFromSeed(seed);
}

function stretch(passphrase: string, salt: Uint8Array, n: number): Promise<Buffer> {
  // Node's own bound is 32 MiB, which N = 2^15 reaches.
  const options = { N: n, r: scryptR, p: scryptP, maxmem: 256 * n * scryptR };
  const text = passphrase.normalize('NFKC');
  return new Promise((resolve, reject) => {
    scrypt(text, salt, 32, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

function checksumOf(sealed: object): string {
  return bytesToHex(plainHash(canonicalBytes(sealed)));
}

function canonicalBytes(value: object): Uint8Array {
  return utf8ToBytes(present(canonicalize(value), 'plain data has a canonical form'));
}

function isPowerOfTwo(n: number): boolean {
  return Number.isInteger(Math.log2(n));
}
