/**
 * Seals a FHIR document for its recipients and opens it again (the layout stands in protocol/seal.ts). The chain sees a
 * salted commitment only; whoever opens checks the container against it, byte for byte, before believing a word.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import canonicalize from 'canonicalize';
import {
  AEAD_AES_256_GCM,
  CipherSuite,
  KDF_HKDF_SHA256,
  KEM_DHKEM_X25519_HKDF_SHA256,
  type CryptoKey,
  type KeyPair,
} from 'hpke';
import type { Digest, MemberName, PublicKey } from '../protocol/brand.ts';
import { concatBytes, equalBytes, hexToBytes, utf8ToBytes } from '../protocol/bytes.ts';
import {
  documentJsonBytesMax,
  documentJsonDepthMax,
  documentPaddingStep,
  sealRecipientsMax,
  sealedDocumentBytesMax,
} from '../protocol/limits.ts';
import { accepted, refused, type Result } from '../protocol/result.ts';
import {
  documentCommitment,
  encodeSealedDocument,
  matchesSeal,
  sealOf,
  type KeyWrap,
  type Seal,
  type SealedDocument,
} from '../protocol/seal.ts';
import type { SealingKeyPair } from './ed25519.ts';
import { scanJson } from './rpc/scan.ts';

const saltSize = 32;
const lengthSize = 4;
const contentKeySize = 32;
const nonceSize = 12;
const tagSize = 16;
const cipherName = 'aes-256-gcm';
const suite = new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_256_GCM);

interface SealRecipient {
  readonly member: MemberName;
  /** X25519, of the current epoch. */
  readonly sealingKey: PublicKey;
}

export interface SealOrder {
  readonly chainId: Digest;
  /** FHIR resource type. */
  readonly docType: string;
  /** Plain JSON data, for example a FHIR R4 resource. */
  readonly json: unknown;
  readonly recipients: readonly SealRecipient[];
  /** X25519 keys derived from the patient's token, one per fill. */
  readonly tokenKeys: readonly PublicKey[];
}

export interface OpenOrder {
  readonly chainId: Digest;
  readonly document: SealedDocument;
  /** As committed on the chain. */
  readonly seal: Seal;
  readonly keyPair: SealingKeyPair;
}

/** Refusals: `malformed` (not JSON data, nobody to seal to, a key that is none), `tooLarge`. */
export async function sealDocument(
  order: SealOrder,
): Promise<Result<{ readonly document: SealedDocument; readonly seal: Seal }>> {
  const canonical = canonicalBytes(order.json);
  if (canonical === null) return refused('malformed', 'json');
  if (canonical.length > documentJsonBytesMax)
    return refused('tooLarge', `at most ${documentJsonBytesMax} bytes of JSON`);
  const recipientCount = order.recipients.length + order.tokenKeys.length;
  if (recipientCount === 0) return refused('malformed', 'recipients');
  if (recipientCount > sealRecipientsMax)
    return refused('tooLarge', `at most ${sealRecipientsMax} recipients`);

  const salt = randomBytes(saltSize);
  const contentKey = randomBytes(contentKeySize);
  const commitment = documentCommitment(salt, canonical);
  const { chainId, docType } = order;
  const blob = encrypt(contentKey, pad(salt, deflateRawSync(canonical)), blobContext(docType, commitment));
  const wraps = await wrapAll(order, contentKey, wrapContext(chainId, commitment));
  contentKey.fill(0);
  if (wraps === null) return refused('malformed', 'recipient key');
  const document = { docType, commitment, blob, wraps };
  if (encodeSealedDocument(document).length > sealedDocumentBytesMax)
    return refused('tooLarge', `at most ${sealedDocumentBytesMax} bytes sealed`);
  return accepted({ document, seal: sealOf(document) });
}

/** Refusals: `notARecipient`; `sealBroken` for whatever is not exactly what the chain committed to. */
export async function openDocument(order: OpenOrder): Promise<Result<{ readonly json: unknown }>> {
  const { chainId, document, seal, keyPair } = order;
  if (!matchesSeal(document, seal)) return refused('sealBroken', 'not the document of this seal');
  const wrap = document.wraps.find((candidate) => candidate.recipientKey === keyPair.publicKey);
  if (wrap === undefined) return refused('notARecipient');
  const contentKey = await unwrap(wrap, keyPair, wrapContext(chainId, document.commitment));
  if (contentKey === null) return refused('sealBroken', 'key wrap');
  const plaintext = decrypt(contentKey, document.blob, blobContext(document.docType, document.commitment));
  contentKey.fill(0);
  if (plaintext === null) return refused('sealBroken', 'ciphertext');
  const canonical = unpad(plaintext);
  if (canonical === null) return refused('sealBroken', 'padding');
  const commitment = documentCommitment(plaintext.subarray(0, saltSize), canonical);
  if (commitment !== document.commitment) return refused('sealBroken', 'commitment');
  const parsed = parseCanonical(canonical);
  return parsed === null ? refused('sealBroken', 'not canonical JSON') : accepted(parsed);
}

/** RFC 8785, or null for what is not JSON data (undefined, cycles, NaN, lone surrogates) or nests too deep. */
function canonicalBytes(json: unknown): Uint8Array | null {
  try {
    const text = canonicalize(json);
    if (text === undefined) return null;
    const bytes = utf8ToBytes(text);
    return isReadable(bytes) ? bytes : null;
  } catch {
    return null;
  }
}

/** One value, one text: readers that differ on doubled keys or odd numbers would else see two prescriptions in one. */
function parseCanonical(bytes: Uint8Array): { readonly json: unknown } | null {
  if (!isReadable(bytes)) return null;
  try {
    const json: unknown = JSON.parse(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
    );
    const again = canonicalBytes(json);
    return again !== null && equalBytes(again, bytes) ? { json } : null;
  } catch {
    return null;
  }
}

/** Before the parser sees it: a sealing member could else keep every reader's event loop busy with a tower of brackets. */
function isReadable(bytes: Uint8Array): boolean {
  return scanJson(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), documentJsonDepthMax) === 'ok';
}

function pad(salt: Uint8Array, deflated: Uint8Array): Uint8Array {
  const size = saltSize + lengthSize + deflated.length;
  const padded = Buffer.alloc(Math.ceil(size / documentPaddingStep) * documentPaddingStep);
  padded.set(salt, 0);
  padded.writeUInt32BE(deflated.length, saltSize);
  padded.set(deflated, saltSize + lengthSize);
  return padded;
}

/** The canonical JSON, or null if the padding is not what `pad` writes or the content inflates beyond its bound. */
function unpad(padded: Buffer): Uint8Array | null {
  const start = saltSize + lengthSize;
  if (padded.length < start || padded.length % documentPaddingStep !== 0) return null;
  const size = padded.readUInt32BE(saltSize);
  const rest = padded.length - start - size;
  if (rest < 0 || rest >= documentPaddingStep) return null;
  if (!padded.subarray(start + size).every((byte) => byte === 0)) return null;
  try {
    return inflateRawSync(padded.subarray(start, start + size), { maxOutputLength: documentJsonBytesMax });
  } catch {
    return null;
  }
}

function encrypt(key: Uint8Array, plaintext: Uint8Array, context: Uint8Array): Uint8Array {
  const nonce = randomBytes(nonceSize);
  const cipher = createCipheriv(cipherName, key, nonce, { authTagLength: tagSize }).setAAD(context);
  const ciphertext = cipher.update(plaintext);
  return concatBytes(nonce, ciphertext, cipher.final(), cipher.getAuthTag());
}

/** The plaintext, released only after its tag was checked; null if that failed. */
function decrypt(key: Uint8Array, blob: Uint8Array, context: Uint8Array): Buffer | null {
  if (blob.length < nonceSize + tagSize) return null;
  const nonce = blob.subarray(0, nonceSize);
  const decipher = createDecipheriv(cipherName, key, nonce, { authTagLength: tagSize });
  decipher.setAAD(context).setAuthTag(blob.subarray(blob.length - tagSize));
  const plaintext = decipher.update(blob.subarray(nonceSize, blob.length - tagSize));
  try {
    return Buffer.concat([plaintext, decipher.final()]);
  } catch {
    return null;
  }
}

/** One wrap for each member and each token key; null if one of the keys is not a usable X25519 key. */
async function wrapAll(
  order: SealOrder,
  contentKey: Uint8Array,
  info: Uint8Array,
): Promise<readonly KeyWrap[] | null> {
  const targets = [
    ...order.recipients.map(({ member, sealingKey }) => ({ member, recipientKey: sealingKey })),
    ...order.tokenKeys.map((recipientKey) => ({ member: null, recipientKey })),
  ];
  try {
    return await Promise.all(
      targets.map(async (target): Promise<KeyWrap> => {
        const key = await suite.DeserializePublicKey(hexToBytes(target.recipientKey));
        const { encapsulatedSecret, ciphertext } = await suite.Seal(key, contentKey, { info });
        return { ...target, encapsulated: encapsulatedSecret, wrapped: ciphertext };
      }),
    );
  } catch {
    return null;
  }
}

async function unwrap(wrap: KeyWrap, own: SealingKeyPair, info: Uint8Array): Promise<Uint8Array | null> {
  const keyPair: KeyPair<CryptoKey> = {
    publicKey: await suite.DeserializePublicKey(hexToBytes(own.publicKey)),
    privateKey: await suite.DeserializePrivateKey(own.secretKey),
  };
  try {
    const contentKey = await suite.Open(keyPair, wrap.encapsulated, wrap.wrapped, { info });
    return contentKey.length === contentKeySize ? contentKey : null;
  } catch {
    return null;
  }
}

function blobContext(docType: string, commitment: Digest): Uint8Array {
  return utf8ToBytes(`${docType}/${commitment}`);
}

function wrapContext(chainId: Digest, commitment: Digest): Uint8Array {
  return concatBytes(utf8ToBytes('rxledger/seal/1'), hexToBytes(chainId), hexToBytes(commitment));
}
