/**
 * Makes a snapshot of the state now and then, while the node goes on: one at a time, read from a view of the database that commits do
 * not disturb. What is due while one is being written is left out; the next one comes.
 */
import type { Block } from '../protocol/block.ts';
import type { Digest, Height } from '../protocol/brand.ts';
import { concatBytes } from '../protocol/bytes.ts';
import { BrokenInvariant } from '../protocol/invariant.ts';
import { snapshotChunkBytes, snapshotChunksMax, snapshotValueBytesMax } from '../protocol/limits.ts';
import { chunkDigest, encodeSnapshotRow, type SnapshotManifest } from '../protocol/snapshot.ts';
import type { Log } from './ports.ts';
import type { Capture, CaptureTarget } from './storage/capture.ts';
import { StorageFailure } from './storage/failure.ts';
import type { SnapshotStore } from './storage/snapshots.ts';

export interface SnapshotMakerPorts {
  readonly snapshots: Pick<SnapshotStore, 'begin' | 'putChunk' | 'finish' | 'discard'>;
  /** Blocks from one snapshot to the next; 0 for none. Members with the same number hold the same snapshots. */
  readonly everyBlocks: number;
  readonly log: Log;
  /** The ledger itself cannot be read: the node must not go on. */
  readonly onFailure: (cause: unknown) => void;
}

export class SnapshotMaker implements CaptureTarget {
  readonly #ports: SnapshotMakerPorts;
  #running: Promise<void> | null = null;
  #isStopped = false;

  constructor(ports: SnapshotMakerPorts) {
    this.#ports = ports;
  }

  /** Every so many heights, and where an epoch closes: a member that joins with the new voters need not go further back. */
  readonly isDue = ({ header }: Block): boolean => {
    const { everyBlocks } = this.#ports;
    if (everyBlocks === 0 || this.#isStopped || this.#running !== null) return false;
    return header.height % everyBlocks === 0 || header.nextVoterSet !== null;
  };

  readonly take = (capture: Capture): void => {
    this.#running = this.#make(capture).finally(() => {
      this.#running = null;
    });
  };

  /** Resolves when no snapshot is being made. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** Gives up what is being made. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.idle();
  }

  async #make(capture: Capture): Promise<void> {
    const { snapshots, log } = this.#ports;
    const { height } = capture.block.header;
    try {
      await snapshots.begin(height);
      const stream = await this.#write(capture);
      if (stream === null) return await snapshots.discard(height);
      const manifest = manifestOf(capture, stream);
      await snapshots.finish(manifest);
      log.info({ height, size: manifest.size, count: manifest.chunks.length }, 'made a snapshot');
    } catch (error) {
      log.warn({ height, error }, 'a snapshot could not be made');
      if (isOurs(error)) this.#ports.onFailure(error);
    } finally {
      await capture.close();
    }
  }

  /** The chunks of the stream; null if there are too many, or if the node stops. */
  async #write(capture: Capture): Promise<Stream | null> {
    const { height } = capture.block.header;
    const chunks: Digest[] = [];
    let pending: Uint8Array = new Uint8Array(0);
    let size = 0;
    const put = async (chunk: Uint8Array): Promise<void> => {
      await this.#ports.snapshots.putChunk(height, chunks.length, chunk);
      chunks.push(chunkDigest(chunk));
    };
    for await (const page of capture.pages()) {
      if (page.some(({ value }) => value.length > snapshotValueBytesMax)) return this.#tooLarge(height);
      const bytes = concatBytes(pending, ...page.map(encodeSnapshotRow));
      size += bytes.length - pending.length;
      let offset = 0;
      for (; offset + snapshotChunkBytes <= bytes.length; offset += snapshotChunkBytes)
        await put(bytes.slice(offset, offset + snapshotChunkBytes));
      pending = bytes.slice(offset);
      if (chunks.length >= snapshotChunksMax) return this.#tooLarge(height);
      if (this.#isStopped) return null;
    }
    if (pending.length > 0) await put(pending);
    return { size, chunks };
  }

  #tooLarge(height: Height): null {
    this.#ports.log.warn({ height }, 'the state is too large for a snapshot: members join from blocks');
    return null;
  }
}

interface Stream {
  readonly size: number;
  readonly chunks: readonly Digest[];
}

function manifestOf({ block, digest }: Capture, { size, chunks }: Stream): SnapshotManifest {
  const { chainId, height, stateRoot } = block.header;
  return { version: 1, chainId, height, digest, stateRoot, size, chunks };
}

/** A snapshot that could not be written is nothing lost; a ledger that cannot be read is. */
function isOurs(error: unknown): boolean {
  return error instanceof BrokenInvariant || (error instanceof StorageFailure && error.code === 'corrupt');
}
