/** Blocks, receipts and folders for the tests of storage: small, made from numbers, whole enough to be stored. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { headerDigest, type Block, type Header } from '../../../protocol/block.ts';
import type { Digest, Epoch, Height, Id, Timestamp, View, VoterIndex } from '../../../protocol/brand.ts';
import type { Certificate } from '../../../protocol/certificate.ts';
import { encodeReceipt, type Receipt } from '../../../protocol/receipt.ts';
import type { StateWrites } from '../../../protocol/state.ts';
import { StorageFailure, type StorageFailureCode } from '../../../node/storage/failure.ts';
import type { CommitEntry, GenesisData, LedgerHead } from '../../../node/storage/ledgerCommit.ts';

/** 64 hexadecimal digits that end in a number. */
export function aDigest(number: number): Digest {
  return number.toString(16).padStart(64, '0') as Digest;
}

export function anId(number: number): Id {
  return number.toString(16).padStart(32, '0') as Id;
}

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

export const chainId: Digest = aDigest(0xc4a1);
const noWrites: StateWrites = { records: new Map(), pages: new Map(), seen: [] };

export function aGenesis(change: Partial<GenesisData> = {}): GenesisData {
  return { chainId, timeMs: 1_000 as Timestamp, stateRoot: aDigest(0xa0), writes: noWrites, ...change };
}

function aCertificate(digest: Digest): Certificate {
  return {
    kind: 'commit',
    epoch: 1 as Epoch,
    view: 1 as View,
    digest,
    bitmap: new Uint8Array([7]),
    signatures: ['11', '22', '33'].map((digits) => digits.repeat(64) as Certificate['signatures'][number]),
  };
}

function aBlock(
  parent: Pick<LedgerHead, 'height' | 'digest' | 'timeMs'>,
  change: Partial<Header> = {},
): Block {
  const height = (parent.height + 1) as Height;
  const header: Header = {
    chainId,
    epoch: 1 as Epoch,
    view: height as number as View,
    height,
    parentDigest: parent.digest,
    parentView: (height - 1) as View,
    timeMs: (parent.timeMs + 1) as Timestamp,
    batchesRoot: aDigest(1),
    receiptsRoot: aDigest(2),
    stateRoot: aDigest(0xa0 + height),
    voterSetHash: aDigest(3),
    nextVoterSet: null,
    extensionOf: null,
    proposer: 0 as VoterIndex,
    ...change,
  };
  return { header, batchDigests: [aDigest(0xba00 + height)] };
}

export interface EntryParts {
  readonly header?: Partial<Header>;
  readonly isCertified?: boolean;
  readonly extension?: Header;
  readonly writes?: Partial<StateWrites>;
  readonly txIds?: readonly Digest[];
  readonly subjects?: readonly (readonly Id[])[];
}

/** A block on `parent` with one committed receipt for each transaction id. */
export function anEntry(
  parent: Pick<LedgerHead, 'height' | 'digest' | 'timeMs'>,
  parts: EntryParts = {},
): CommitEntry {
  const block = aBlock(parent, parts.header);
  const { height, timeMs } = block.header;
  const digest = headerDigest(block.header);
  const receipts = (parts.txIds ?? []).map((txId, index): Receipt => {
    return { txId, height, index, timeMs, outcome: 'committed', code: null, policyVersion: 1 };
  });
  return {
    block,
    digest,
    certificate: parts.isCertified === false ? null : aCertificate(digest),
    extension: parts.extension ?? null,
    receipts,
    receiptBytes: receipts.map(encodeReceipt),
    writes: { ...noWrites, ...parts.writes },
    subjects: parts.subjects ?? receipts.map(() => []),
    locations: receipts.map((_, position) => ({ batchDigest: aDigest(0xba00 + height), position })),
  };
}

/** What the next block stands on. */
export function parentOf(entry: CommitEntry): Pick<LedgerHead, 'height' | 'digest' | 'timeMs'> {
  const { height, timeMs } = entry.block.header;
  return { height, digest: entry.digest, timeMs };
}

const folders: string[] = [];
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A new folder, removed when the test's process ends. */
export function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rxledger-'));
  folders.push(folder);
  return folder;
}

/** A predicate for `assert.rejects` and `assert.throws`. */
export function failsWith(code: StorageFailureCode): (error: unknown) => boolean {
  return (error) => error instanceof StorageFailure && error.code === code;
}
