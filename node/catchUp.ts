/**
 * Catching up by height: one loop, no modes. Asks whoever is ahead for the final blocks after ours, checks every certificate, and
 * feeds blocks and certificates to the replica, which commits them as it commits its own.
 */
import type { ConsensusEvent } from '../consensus/event.ts';
import { headerDigest, ledgerParent, type Block } from '../protocol/block.ts';
import type { Digest, Height, MemberName, Verified } from '../protocol/brand.ts';
import type { Certificate } from '../protocol/certificate.ts';
import type { SyncedBlock } from '../protocol/sync.ts';
import type { Fetcher } from './fetcher.ts';
import type { Gate } from './gate.ts';
import type { Log } from './ports.ts';

export interface CatchUpPorts {
  readonly gate: Gate;
  readonly fetcher: Fetcher;
  readonly log: Log;
  readonly head: () => { readonly height: Height; readonly digest: Digest };
  /** Members that say they are ahead of a height, the furthest first. */
  readonly ahead: (height: Height) => readonly MemberName[];
  /** Resolves when what was ordered to be committed is on the disk. */
  readonly committed: () => Promise<void>;
  readonly onBlocks: (blocks: readonly Block[], certificates: readonly Verified<Certificate>[]) => void;
  readonly handle: (event: ConsensusEvent) => void;
}

/** Blocks that are held until the certificate that covers them comes: as many as a node that was there keeps executed. */
const uncertifiedBlocksMax = 1_024;

export class CatchUp {
  readonly #ports: CatchUpPorts;
  /** Whose last answer led nowhere: asked last, or one that boasts and is slow would cost every round its time. */
  readonly #useless = new Set<MemberName>();
  #isRunning = false;
  #isStopped = false;

  constructor(ports: CatchUpPorts) {
    this.#ports = ports;
  }

  /** Starts the loop if it does not run; it ends when nobody is ahead or nobody answers, and the next STATUS starts it again. */
  wake(): void {
    if (this.#isRunning || this.#isStopped) return;
    this.#isRunning = true;
    void this.#run().finally(() => {
      this.#isRunning = false;
    });
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const before = this.#ports.head().height;
      const ahead = this.#ports.ahead(before);
      const isUseless = (peer: MemberName): boolean => this.#useless.has(peer);
      for (const peer of [...ahead.filter((name) => !isUseless(name)), ...ahead.filter(isUseless)]) {
        if (await this.#from(peer)) {
          this.#useless.delete(peer);
          break;
        }
        this.#useless.add(peer);
      }
      await this.#ports.committed();
      if (this.#ports.head().height === before) return;
    }
  }

  /** True iff the member's answer led past our head. */
  async #from(peer: MemberName): Promise<boolean> {
    const { head, log } = this.#ports;
    const { height, digest } = head();
    const synced = ofOneEpoch(await this.#upToCertificate(peer, height));
    if (synced.length === 0) return false;
    const certificates = this.#certified(synced, digest);
    if (certificates === null) {
      log.warn(
        { peer, height: height + 1 },
        'blocks without good certificates or links: asking another member',
      );
      return false;
    }
    const blocks = synced.map(({ block }) => block);
    this.#ports.onBlocks(blocks, certificates);
    this.#ports.handle({ kind: 'blocksReceived', blocks });
    for (const certificate of certificates) this.#ports.handle({ kind: 'certificateReceived', certificate });
    return true;
  }

  /**
   * Blocks after a height up to one that carries its CC, in as many answers as it takes: where finality came late, no block of a
   * whole answer has one. Empty if the member does not lead us there.
   */
  async #upToCertificate(peer: MemberName, height: Height): Promise<readonly SyncedBlock[]> {
    const synced: SyncedBlock[] = [];
    while (synced.length < uncertifiedBlocksMax && !this.#isStopped) {
      const next = (height + 1 + synced.length) as Height;
      const answer = await this.#ports.fetcher.blocksFrom(peer, next);
      if (answer.length === 0) return [];
      synced.push(...answer);
      if (answer.some(({ certificate }) => certificate !== null)) return synced;
    }
    return [];
  }

  /** All certificates of a range that links to our head and ends with one; null otherwise. Every signature is checked. */
  #certified(synced: readonly SyncedBlock[], headDigest: Digest): readonly Verified<Certificate>[] | null {
    const certificates: Verified<Certificate>[] = [];
    let parent = headDigest;
    for (const { block, certificate } of synced) {
      if (ledgerParent(block.header) !== parent) return null;
      parent = headerDigest(block.header);
      if (certificate === null) continue;
      if (certificate.kind !== 'commit' || certificate.digest !== parent) return null;
      const verified = this.#ports.gate.certificate(certificate);
      if (!verified.ok) return null;
      certificates.push(verified.value);
    }
    return synced.at(-1)?.certificate === null ? null : certificates;
  }
}

/** Up to the end of an epoch: its closing block, and the extension beside it. What comes after is certified by other voters. */
function ofOneEpoch(synced: readonly SyncedBlock[]): readonly SyncedBlock[] {
  const closing = synced.findIndex(({ block }) => block.header.nextVoterSet !== null);
  if (closing < 0) return synced;
  const extensionOf = synced[closing + 1]?.block.header.extensionOf ?? null;

  return synced.slice(0, closing + (extensionOf === null ? 1 : 2));
}
