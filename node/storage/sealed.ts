/**
 * Sealed documents and local secrets, outside the chain and in a database of their own, because they can be forgotten: an erased
 * document leaves the files, not only the index.
 */
import type { Digest, Id } from '../../protocol/brand.ts';
import { hexToBytes, bytesToHex } from '../../protocol/bytes.ts';
import { openDatabase, type Database } from './database.ts';
import { systemDisk, type Disk } from './disk.ts';
import { StorageFailure } from './failure.ts';
import {
  documentKey,
  prescriptionBounds,
  prescriptionKey,
  prescriptionPlace,
  privateKey,
} from './keyspace.ts';

export interface StoredDocument {
  readonly rxId: Id;
  readonly blobHash: Digest;
  /** An encoded SealedDocument. */
  readonly bytes: Uint8Array;
}

const databaseOptions = { cacheSize: 4_194_304, writeBufferSize: 4_194_304 };
const nothing = new Uint8Array(0);
const idSize = 16;

/** All methods throw StorageFailure. */
export class SealedStore {
  readonly #database: Database;

  /** `openSealed` is the way to one. */
  constructor(database: Database) {
    this.#database = database;
  }

  /** Durable when it resolves. The same blob again replaces it (its wraps may have changed). */
  async put(document: StoredDocument): Promise<void> {
    const { rxId, blobHash, bytes } = document;
    const value = Buffer.concat([hexToBytes(rxId), bytes]);
    const index = { key: prescriptionKey(rxId, blobHash), value: nothing };
    await this.#database.write([{ key: documentKey(blobHash), value }, index], true);
  }

  /** The encoded SealedDocument, or null. */
  get(blobHash: Digest): Uint8Array | null {
    return this.#document(blobHash)?.bytes ?? null;
  }

  has(blobHash: Digest): boolean {
    return this.#database.has(documentKey(blobHash));
  }

  /** Blob hashes of a prescription's documents, in the order of their text, at most `limit`. */
  async list(rxId: Id, limit: number): Promise<readonly Digest[]> {
    const rows = await this.#database.rows({ ...prescriptionBounds(rxId), limit, isReversed: false });
    return rows.map(({ key }) => prescriptionPlace(key));
  }

  /** Forgets a document: when it resolves its bytes are gone from the database's files. */
  async delete(blobHash: Digest): Promise<void> {
    const document = this.#document(blobHash);
    if (document === null) return;
    const keys = [documentKey(blobHash), prescriptionKey(document.rxId, blobHash)];
    await this.#database.write(
      keys.map((key) => ({ key, value: null })),
      true,
    );
    await this.#database.erase(documentKey(blobHash), documentKey(blobHash));
  }

  /** A secret of this node, for example the token of a prescription that it issued; never leaves it. Durable when it resolves. */
  async putPrivate(key: string, bytes: Uint8Array): Promise<void> {
    await this.#database.write([{ key: privateKey(key), value: bytes }], true);
  }

  getPrivate(key: string): Uint8Array | null {
    return this.#database.get(privateKey(key));
  }

  /** Forgets a secret, as `delete` does. */
  async deletePrivate(key: string): Promise<void> {
    await this.#database.write([{ key: privateKey(key), value: null }], true);
    await this.#database.erase(privateKey(key), privateKey(key));
  }

  async close(): Promise<void> {
    await this.#database.close();
  }

  #document(blobHash: Digest): StoredDocument | null {
    const value = this.#database.get(documentKey(blobHash));
    if (value === null) return null;
    if (value.length < idSize) throw new StorageFailure('corrupt', 'a document is cut short');
    const rxId = bytesToHex(value.subarray(0, idSize)) as Id;
    return { rxId, blobHash, bytes: value.subarray(idSize) };
  }
}

/** Failures: `missing`, `exists`, `locked`, `corrupt`, and those of the disk. */
export async function openSealed(
  directory: string,
  mode: 'create' | 'existing',
  disk: Disk = systemDisk,
): Promise<SealedStore> {
  return new SealedStore(await openDatabase(directory, { ...databaseOptions, mode }, disk));
}
