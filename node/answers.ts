/** Answers other members' requests for blocks, batches, snapshots and sealed documents. An answer is cut to one frame, never silently empty. */
import { headerDigest, ledgerParent, type Block } from '../protocol/block.ts';
import type { Digest, Epoch, Height, MemberName } from '../protocol/brand.ts';
import type { FinalityProof } from '../protocol/lightClient.ts';
import {
  batchesPerAnswerMax,
  bulkFrameBytesMax,
  closingsPerAnswerMax,
  headersPerAnswerMax,
} from '../protocol/limits.ts';
import type { SnapshotManifest } from '../protocol/snapshot.ts';
import {
  decodeRequest,
  encodeAnswer,
  type FinalBlock,
  type SyncAnswer,
  type SyncedBlock,
  type SyncRequest,
} from '../protocol/sync.ts';
import { unreachable } from '../protocol/invariant.ts';
import type { Documents } from './documents.ts';
import type { Pool } from './pool.ts';

/** Room in a frame for the answer's own fields. */
const answerOverhead = 1_024;

export interface AnswerPorts {
  readonly pool: Pool;
  readonly documents: Documents;
  /** Finalized blocks from a height up; the last one has its CC, and all fit one frame. */
  readonly blocksFrom: (height: Height, countMax: number) => readonly SyncedBlock[];
  /** A block that is not final yet, or a final one. */
  readonly findBlock: (digest: Digest) => Block | null;
  readonly findBatch: (digest: Digest) => Uint8Array | null;
  readonly archive: {
    readonly finalBlock: (height: Height) => FinalBlock | null;
    readonly closings: (fromEpoch: Epoch, countMax: number) => readonly FinalityProof[];
  };
  readonly snapshots: {
    readonly newest: () => SnapshotManifest | null;
    readonly chunk: (snapshot: Digest, index: number) => Uint8Array | null;
  };
  /** A member told how far its lane reaches. */
  readonly onLaneTip: (from: MemberName, sequence: number) => void;
}

/** One request to its answer's bytes. Refusals are answers too. */
export async function answerRequest(
  ports: AnswerPorts,
  from: MemberName,
  bytes: Uint8Array,
): Promise<Uint8Array> {
  const request = decodeRequest(bytes);
  if (!request.ok) return encodeAnswer({ kind: 'refused', code: request.refusal.code });
  return encodeAnswer(await answer(ports, from, request.value));
}

async function answer(ports: AnswerPorts, from: MemberName, request: SyncRequest): Promise<SyncAnswer> {
  switch (request.kind) {
    case 'blocksFrom':
      return { kind: 'blocks', blocks: ports.blocksFrom(request.height, headersPerAnswerMax) };
    case 'ancestors':
      return { kind: 'blocks', blocks: ancestors(ports, request.digest, request.aboveHeight) };
    case 'batches':
      return { kind: 'batches', batches: fitting(request.digests.map(ports.findBatch)) };
    case 'lane': {
      const run = ports.pool.run(request.member, request.aboveSequence, batchesPerAnswerMax);
      return { kind: 'batches', batches: fitting(run.map(({ batch }) => batch.bytes)) };
    }
    case 'snapshot':
      return { kind: 'snapshot', manifest: ports.snapshots.newest() };
    case 'snapshotChunk': {
      const bytes = ports.snapshots.chunk(request.snapshot, request.index);
      return bytes === null ? { kind: 'refused', code: 'snapshotUnknown' } : { kind: 'snapshotChunk', bytes };
    }
    case 'finality':
      return { kind: 'finality', final: ports.archive.finalBlock(request.height) };
    case 'closings':
      return { kind: 'closings', proofs: fittingProofs(ports, request.fromEpoch) };
    case 'laneTip':
      ports.onLaneTip(from, request.sequence);
      return { kind: 'stored' };
    case 'sealed':
      return ports.documents.serve(from, request.rxId, request.blobHash);
    case 'sealedPut':
      return ports.documents.accept(from, request.rxId, request.document);
    default:
      return unreachable(request);
  }
}

/** Proofs of closing blocks as far as one frame holds them: each fits alone. */
function fittingProofs(ports: AnswerPorts, fromEpoch: Epoch): readonly FinalityProof[] {
  const proofs: FinalityProof[] = [];
  for (const proof of ports.archive.closings(fromEpoch, closingsPerAnswerMax)) {
    const more: SyncAnswer = { kind: 'closings', proofs: [...proofs, proof] };
    if (encodeAnswer(more).length > bulkFrameBytesMax) return proofs;
    proofs.push(proof);
  }
  return proofs;
}

/** Newest first, as long as they are known and above the height. Certificates travel apart. */
function ancestors(ports: AnswerPorts, digest: Digest, aboveHeight: Height): readonly SyncedBlock[] {
  const blocks: SyncedBlock[] = [];
  let wanted = digest;
  while (blocks.length < headersPerAnswerMax) {
    const block = ports.findBlock(wanted);
    if (block === null || block.header.height <= aboveHeight) return blocks;
    if (headerDigest(block.header) !== wanted) return blocks;
    blocks.push({ block, certificate: null });
    wanted = ledgerParent(block.header);
  }
  return blocks;
}

/** As many as one frame holds, in their order; at least one, for each fits alone. */
function fitting(batches: readonly (Uint8Array | null)[]): readonly Uint8Array[] {
  const result: Uint8Array[] = [];
  let bytes = answerOverhead;
  for (const batch of batches) {
    if (batch === null) continue;
    bytes += batch.length + 8;
    if (bytes > bulkFrameBytesMax && result.length > 0) return result;
    result.push(batch);
  }
  return result;
}
