/** From verified chunks to a ledger: the rows in their order, the tree over them, and the comparison with the certified header. */
import type { Digest } from '../protocol/brand.ts';
import { concatBytes } from '../protocol/bytes.ts';
import { encodeFinality } from '../protocol/lightClient.ts';
import { accepted, refused, type Result } from '../protocol/result.ts';
import {
  beginCheck,
  checkRows,
  concludeCheck,
  takeSnapshotRows,
  type SnapshotManifest,
  type SnapshotRow,
} from '../protocol/snapshot.ts';
import type { CertifiedBlock } from './stateSync.ts';
import type { LedgerRestore, RestoredHead } from './storage/restore.ts';

/** The part of the restore that writes. */
export type RestoreTarget = Pick<LedgerRestore, 'add' | 'root' | 'finish' | 'close'> & {
  /** Back to the genesis. */
  readonly giveUp: () => Promise<void>;
};

export interface RestorePorts {
  readonly hasChunk: (chunk: Digest) => boolean;
  readonly putChunk: (chunk: Digest, bytes: Uint8Array) => Promise<void>;
  /** Null if it is not there or not good any more. */
  readonly readChunk: (chunk: Digest) => Uint8Array | null;
  readonly deleteChunks: () => Promise<void>;
  readonly beginRestore: () => Promise<RestoreTarget>;
}

/** Rows between two turns of the event loop, so that the connections stay alive: some 50 ms of hashing. */
const rowsPerStep = 500;

/** Refusals: `snapshotInvalid`, `snapshotUnknown` (a chunk is gone from our disk); the ledger is at genesis again. Failures of the disk reject. */
export async function restoreSnapshot(
  ports: RestorePorts,
  manifest: SnapshotManifest,
  certified: CertifiedBlock,
): Promise<Result<null>> {
  const target = await ports.beginRestore();
  try {
    const verdict = await restoreRows(ports, manifest, { target, certified });
    if (!verdict.ok) {
      await target.giveUp();
      await ports.deleteChunks();
      return verdict;
    }
    await target.finish(headOf(certified));
    await ports.deleteChunks();
    return verdict;
  } finally {
    await target.close();
  }
}

/** The block as a ledger keeps it. If it closes an epoch, its own proof leads to the voters of the next. */
function headOf({ block, digest, proof, closings }: CertifiedBlock): RestoredHead {
  const [, second = null] = proof.headers;
  const extension = second?.extensionOf === digest ? second : null;
  const isOwn = proof.headers.length === 1 || extension !== null;
  const { epoch, nextVoterSet } = block.header;
  const known = nextVoterSet === null ? closings : new Map(closings).set(epoch, encodeFinality(proof));
  return { block, digest, certificate: isOwn ? proof.certificate : null, extension, closings: known };
}

async function restoreRows(
  ports: RestorePorts,
  manifest: SnapshotManifest,
  { target, certified }: { readonly target: RestoreTarget; readonly certified: CertifiedBlock },
): Promise<Result<null>> {
  const { timeMs, stateRoot } = certified.block.header;
  let check = beginCheck(timeMs);
  let rest: Uint8Array = new Uint8Array(0);
  for (const chunk of manifest.chunks) {
    const bytes = ports.readChunk(chunk);
    if (bytes === null) return refused('snapshotUnknown', 'chunk');
    const taken = takeSnapshotRows(concatBytes(rest, bytes));
    if (!taken.ok) return taken;
    ({ rest } = taken.value);
    for (const rows of steps(taken.value.rows)) {
      const checked = checkRows(check, rows);
      if (!checked.ok) return checked;
      ({ check } = checked.value);
      await target.add(checked.value);
    }
  }
  if (rest.length > 0) return refused('snapshotInvalid', 'size');
  const whole = concludeCheck(check);
  if (!whole.ok) return whole;
  return target.root() === stateRoot ? accepted(null) : refused('snapshotInvalid', 'stateRoot');
}

function steps(rows: readonly SnapshotRow[]): readonly (readonly SnapshotRow[])[] {
  const count = Math.ceil(rows.length / rowsPerStep);
  return Array.from({ length: count }, (_, index) =>
    rows.slice(index * rowsPerStep, (index + 1) * rowsPerStep),
  );
}
