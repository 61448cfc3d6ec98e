/** Reads of the final ledger: blocks, transactions, history and proofs. It never touches consensus or network. */
import type { Header } from '../protocol/block.ts';
import { decodeBatch } from '../protocol/batch.ts';
import type { Certificate } from '../protocol/certificate.ts';
import type { Digest, Epoch, Height, Id, MemberName } from '../protocol/brand.ts';
import { invariant } from '../protocol/invariant.ts';
import { decodeFinality, type FinalityProof, type GenesisProof } from '../protocol/lightClient.ts';
import { stampHeadersMax } from '../protocol/limits.ts';
import { mayRead } from '../protocol/fillStatus.ts';
import { readPrescription } from '../protocol/prescription.ts';
import { decodeReceipt, type Receipt } from '../protocol/receipt.ts';
import { encodeStamp, makeStamp } from '../protocol/stamp.ts';
import { encodeStateStamp, makeStateStamp } from '../protocol/stateStamp.ts';
import type { FinalBlock, SyncedBlock } from '../protocol/sync.ts';
import { decodeTransaction, type Transaction } from '../protocol/transaction.ts';
import type { BatchStore } from './storage/batches.ts';
import type { LedgerStore } from './storage/ledger.ts';
import type { StoredBlock } from './storage/ledgerRows.ts';

/** Where a receipt stands. */
export interface ReceiptPlace {
  readonly height: Height;
  readonly index: number;
}

/** Decoded batches that are kept: whoever reads one transaction of a block soon reads the others. */
const batchesKeptMax = 16;

/** A final block as it travels; the extension that made a closing block final goes after it, with the CC. */
export function syncedBlocks({ block, certificate, extension }: StoredBlock): readonly SyncedBlock[] {
  if (extension === null) return [{ block, certificate }];
  return [
    { block, certificate: null },
    { block: { header: extension, batchDigests: [] }, certificate },
  ];
}

export class Archive {
  readonly #ledger: LedgerStore;
  readonly #batches: BatchStore;
  readonly #decoded = new Map<Digest, readonly Uint8Array[]>();

  constructor(ledger: LedgerStore, batches: BatchStore) {
    this.#ledger = ledger;
    this.#batches = batches;
  }

  /** Receipts of a block in their order; empty for genesis and above the head. */
  receiptsAt(height: Height): readonly Receipt[] {
    return (this.#ledger.receiptsAt(height) ?? []).map((bytes) => {
      const receipt = decodeReceipt(bytes);
      invariant(receipt.ok, 'a stored receipt decodes');
      return receipt.value;
    });
  }

  receiptAt(place: ReceiptPlace): Receipt | null {
    const bytes = this.#ledger.receiptsAt(place.height)?.[place.index];
    if (bytes === undefined) return null;
    const receipt = decodeReceipt(bytes);
    invariant(receipt.ok, 'a stored receipt decodes');
    return receipt.value;
  }

  receiptOf(txId: Digest): Receipt | null {
    const location = this.#ledger.locate(txId);
    return location === null ? null : this.receiptAt(location);
  }

  /** The envelope as it was batched, or null if the transaction is not final here. */
  envelopeOf(txId: Digest): Uint8Array | null {
    const location = this.#ledger.locate(txId);
    if (location === null) return null;
    return this.#envelopesOf(location.batchDigest)[location.position] ?? null;
  }

  transactionOf(txId: Digest): Transaction | null {
    const envelope = this.envelopeOf(txId);
    if (envelope === null) return null;
    const transaction = decodeTransaction(envelope);
    return transaction.ok ? transaction.value : null;
  }

  transactionAt(place: ReceiptPlace): Transaction | null {
    const receipt = this.receiptAt(place);
    return receipt === null ? null : this.transactionOf(receipt.txId);
  }

  /** Places of the transactions filed under an id (prescription, parcel, claim), oldest first, after `after`. */
  async history(
    subject: Id,
    page: { readonly limit: number; readonly after: ReceiptPlace | null },
  ): Promise<readonly ReceiptPlace[]> {
    return this.#ledger.history(subject, page);
  }

  /** Whether a member may read the documents of a prescription, by the state as it is now. */
  mayRead(name: MemberName, rxId: Id): boolean {
    const prescription = readPrescription(this.#ledger, rxId);
    return prescription !== null && mayRead(prescription, name, this.#ledger.head().timeMs);
  }

  /** The transaction that issued a prescription: the first of its history that was committed. */
  async issueOf(rxId: Id): Promise<Transaction | null> {
    const places = await this.#ledger.history(rxId, { limit: 16, after: null });
    for (const place of places) {
      if (this.receiptAt(place)?.outcome !== 'committed') continue;
      const transaction = this.transactionAt(place);
      if (transaction?.action.kind === 'rx.issue') return transaction;
    }
    return null;
  }

  /** The header at a height and the headers after it up to the first one with its own CC; an extension's CC is its closing block's. */
  finality(height: Height): FinalityProof | null {
    const headers: Header[] = [];
    let certificate: Certificate | null = null;
    for (
      let next = height;
      certificate === null && headers.length < stampHeadersMax;
      next = (next + 1) as Height
    ) {
      const stored = this.#ledger.blockAt(next);
      if (stored === null) return null;
      headers.push(stored.block.header);
      if (stored.extension !== null) headers.push(stored.extension);
      certificate = stored.certificate;
    }
    return certificate === null || headers.length > stampHeadersMax ? null : { headers, certificate };
  }

  /** With the closing blocks that lead from the genesis to the voters of the block; null if one is not known. */
  #fromGenesis(height: Height): GenesisProof | null {
    const proof = this.finality(height);
    const epoch = proof?.headers[0]?.epoch ?? 1;
    const closings = this.closings(1 as Epoch, epoch - 1);
    return proof === null || closings.length < epoch - 1 ? null : { ...proof, closings };
  }

  /** A final block with the proof of its finality, or null if either is not here. */
  finalBlock(height: Height): FinalBlock | null {
    const stored = this.#ledger.blockAt(height);
    const proof = stored === null ? null : this.finality(height);
    return stored === null || proof === null ? null : { block: stored.block, proof };
  }

  /** Proofs of the closing blocks of this epoch and of those after it, as far as they are known without a gap. */
  closings(fromEpoch: Epoch, countMax: number): readonly FinalityProof[] {
    const proofs: FinalityProof[] = [];
    for (let epoch = fromEpoch; proofs.length < countMax; epoch = (epoch + 1) as Epoch) {
      const proof = this.#closing(epoch);
      if (proof === null) return proofs;
      proofs.push(proof);
    }
    return proofs;
  }

  #closing(epoch: Epoch): FinalityProof | null {
    const height = this.#ledger.closingAt(epoch);
    if (height !== null) return this.finality(height);
    const restored = this.#ledger.closingProof(epoch);
    const proof = restored === null ? null : decodeFinality(restored);
    return proof?.ok === true ? proof.value : null;
  }

  /** Finalized blocks from a height up, as another member asks for them; an extension that comes along makes one more. */
  blocksFrom(height: Height, countMax: number): readonly SyncedBlock[] {
    return this.#ledger.blocksFrom(height, countMax - 1).flatMap(syncedBlocks);
  }

  /** Encoded stamp of a transaction that has a receipt; null otherwise. */
  stamp(txId: Digest): Uint8Array | null {
    const location = this.#ledger.locate(txId);
    const transaction = this.envelopeOf(txId);
    if (location === null || transaction === null) return null;
    const finality = this.#fromGenesis(location.height);
    if (finality === null) return null;
    const receipts = this.receiptsAt(location.height);
    return encodeStamp(makeStamp({ transaction, receipts, index: location.index, finality }));
  }

  /** Encoded state stamp of a record as of the head; null at genesis, which no certificate covers. */
  stateStamp(key: string): Uint8Array | null {
    const finality = this.#fromGenesis(this.#ledger.head().height);
    return finality === null ? null : encodeStateStamp(makeStateStamp(this.#ledger, key, finality));
  }

  #envelopesOf(digest: Digest): readonly Uint8Array[] {
    const known = this.#decoded.get(digest);
    if (known !== undefined) return known;
    const bytes = this.#batches.get(digest);
    const batch = bytes === null ? null : decodeBatch(bytes);
    const envelopes = batch?.ok === true ? batch.value.envelopes : [];
    for (const oldest of this.#decoded.keys()) {
      if (this.#decoded.size >= batchesKeptMax) this.#decoded.delete(oldest);
    }
    this.#decoded.set(digest, envelopes);
    return envelopes;
  }
}
