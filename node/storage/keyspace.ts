/**
 * Every key of every database, in one file. Numbers are fixed-width hexadecimal, so that keys sort as the numbers do; ids and
 * digests are hexadecimal, names have no slash.
 */
import type { Digest, Height, Id, MemberName } from '../../protocol/brand.ts';

const numberDigits = 12;
const indexDigits = 6;

function numberText(value: number): string {
  return value.toString(16).padStart(numberDigits, '0');
}

// ledger
/** Chain id, time and state root of the genesis. */
export const chainKey = 'chain';
/** Height and digest of the newest block. */
export const headKey = 'head';

export function blockKey(height: number): string {
  return `block/${numberText(height)}`;
}

export function heightKey(digest: Digest): string {
  return `height/${digest}`;
}

export function transactionKey(txId: Digest): string {
  return `tx/${txId}`;
}

export function historyKey(subject: Id, height: Height, index: number): string {
  return `history/${subject}/${numberText(height)}/${index.toString(16).padStart(indexDigits, '0')}`;
}

/** A transaction's place: height of its block, position of its receipt. */
export interface HistoryPlace {
  readonly height: Height;
  readonly index: number;
}

/** Bounds of the keys of a history after a place. */
export function historyBounds(
  subject: Id,
  after: HistoryPlace | null,
): { readonly above: string; readonly below: string } {
  const above = after === null ? `history/${subject}/` : historyKey(subject, after.height, after.index);
  return { above, below: `history/${subject}/g` };
}

/** `historyKey` backwards. */
export function historyPlace(key: string): HistoryPlace {
  const [, , height = '', index = ''] = key.split('/');
  return { height: Number.parseInt(height, 16) as Height, index: Number.parseInt(index, 16) };
}

export function recordKey(key: string): string {
  return `record/${key}`;
}

/** `recordKey` backwards. */
export function recordPlace(key: string): string {
  return key.slice(recordKey('').length);
}

/** Bounds of the records whose keys begin with a prefix that ends in a slash, after one of them, or all (null). */
export function recordsAfter(
  prefix: string,
  after: string | null,
): { readonly above: string; readonly below: string } {
  // The character after the slash.
  return { above: recordKey(after ?? prefix), below: recordKey(`${prefix.slice(0, -1)}0`) };
}

export function pageKey(path: string): string {
  return `page/${path}`;
}

export function seenKey(id: string): string {
  return `seen/${id}`;
}

/** The ids of one block whose transactions expire in one hour; a snapshot has the same key. */
export function idsKey(hour: number, height: number): string {
  return `ids/${numberText(hour)}/${numberText(height)}`;
}

/** Bounds of the rows of ids from an hour on, and of all records. */
export function idsBounds(hourMin: number): { readonly above: string; readonly below: string } {
  return { above: `ids/${numberText(hourMin)}`, below: 'ids/g' };
}

export const recordBounds: { readonly above: string; readonly below: string } = {
  above: 'record/',
  below: 'record0',
};

/** Height of the block that the ledger was restored at; missing where it goes back to the genesis. */
export const baseKey = 'base';
/** There while a restore is under way, which only its last write ends. */
export const restoringKey = 'restoring';

/** Height of the block that closed an epoch. */
export function closingKey(epoch: number): string {
  return `closing/${numberText(epoch)}`;
}

/** The proof of a closing block below the base. */
export function closingProofKey(epoch: number): string {
  return `closingProof/${numberText(epoch)}`;
}

// batches
export function batchKey(digest: Digest): string {
  return `batch/${digest}`;
}

/** A member may have signed two batches with one sequence: both are held. */
export function laneKey(member: MemberName, sequence: number, digest: Digest): string {
  return `lane/${member}/${numberText(sequence)}/${digest}`;
}

/** Bounds of the keys of a lane above a sequence. */
export function laneBounds(
  member: MemberName,
  aboveSequence: number,
): { readonly above: string; readonly below: string } {
  return { above: `lane/${member}/${numberText(aboveSequence)}/g`, below: `lane/${member}/g` };
}

/** There while this node does not know how far its own lane reaches. */
export const laneLostKey = 'laneLost';

export interface LanePlace {
  readonly sequence: number;
  readonly digest: Digest;
}

/** `laneKey` backwards. */
export function lanePlace(key: string): LanePlace {
  const [, , sequence = '', digest = ''] = key.split('/');
  return { sequence: Number.parseInt(sequence, 16), digest: digest as Digest };
}

// sealed documents
export function documentKey(blobHash: Digest): string {
  return `document/${blobHash}`;
}

export function prescriptionKey(rxId: Id, blobHash: Digest): string {
  return `rx/${rxId}/${blobHash}`;
}

/** Bounds of the keys of a prescription's documents. */
export function prescriptionBounds(rxId: Id): { readonly above: string; readonly below: string } {
  return { above: `rx/${rxId}/`, below: `rx/${rxId}/g` };
}

/** `prescriptionKey` backwards. */
export function prescriptionPlace(key: string): Digest {
  return (key.split('/')[2] ?? '') as Digest;
}

export function privateKey(key: string): string {
  return `private/${key}`;
}

// snapshots
export function manifestKey(height: number): string {
  return `manifest/${numberText(height)}`;
}

export const manifestBounds: { readonly above: string; readonly below: string } = {
  above: 'manifest/',
  below: 'manifest/g',
};

export function chunkKey(height: number, index: number): string {
  return `chunk/${numberText(height)}/${index.toString(16).padStart(indexDigits, '0')}`;
}

/** Bounds of the chunks of one snapshot. */
export function chunkBounds(height: number): { readonly above: string; readonly below: string } {
  return { above: `chunk/${numberText(height)}/`, below: `chunk/${numberText(height)}/g` };
}

/** Height of a snapshot that is being written. */
export const writingKey = 'writing';

/** A chunk that another member gave, verified, by its hash. */
export function downloadKey(digest: Digest): string {
  return `download/${digest}`;
}

export const downloadBounds: { readonly above: string; readonly below: string } = {
  above: 'download/',
  below: 'download/g',
};
