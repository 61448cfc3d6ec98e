/** Asks other members for what is missing: batches and blocks. One outstanding request per item; every answer enters at the gate. */
import { headerDigest, ledgerParent, namesItsBatches, type Block } from '../protocol/block.ts';
import type { Digest, Height, MemberName } from '../protocol/brand.ts';
import { batchesPerAnswerMax } from '../protocol/limits.ts';
import {
  decodeAnswer,
  encodeRequest,
  type SyncAnswer,
  type SyncedBlock,
  type SyncRequest,
} from '../protocol/sync.ts';
import type { Gate, VerifiedBatch } from './gate.ts';
import type { Pool } from './pool.ts';
import type { Log } from './ports.ts';

const requestTimeoutMs = 2_000;
/** More than a lane's quota takes, in answers of one frame. */
const laneAnswersMax = 128;

export interface FetcherOptions {
  readonly gate: Gate;
  readonly pool: Pool;
  readonly log: Log;
  /** Connected members, those that answered well last first. */
  readonly peers: () => readonly MemberName[];
  /** Sends one request and resolves with the answer's bytes; rejects on timeout and on disconnect. */
  readonly request: (to: MemberName, bytes: Uint8Array, timeoutMs: number) => Promise<Uint8Array>;
  /** A batch that came in this way, verified and in the pool: to be stored. */
  readonly onBatch: (batch: VerifiedBatch) => void;
}

export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #batchRequests = new Map<Digest, Promise<void>>();
  readonly #laneRequests = new Set<MemberName>();

  constructor(options: FetcherOptions) {
    this.#options = options;
  }

  /** One question to one member; null for no answer, a malformed one or a refusal. */
  async ask(to: MemberName, request: SyncRequest): Promise<SyncAnswer | null> {
    const answer = await this.askWhole(to, request);
    return answer === null || answer.kind === 'refused' ? null : answer;
  }

  /** As `ask`, and a refusal is an answer. */
  async askWhole(to: MemberName, request: SyncRequest): Promise<SyncAnswer | null> {
    try {
      const answer = decodeAnswer(await this.#options.request(to, encodeRequest(request), requestTimeoutMs));
      return answer.ok ? answer.value : null;
    } catch (cause) {
      this.#options.log.debug({ peer: to, request: request.kind, cause: String(cause) }, 'request failed');
      return null;
    }
  }

  /** Gets these batches into the pool, from the preferred members first. True iff all are there. */
  async batches(digests: readonly Digest[], preferred: readonly MemberName[]): Promise<boolean> {
    const { pool } = this.#options;
    const isMissing = (digest: Digest): boolean => pool.get(digest) === null;
    const wanted = digests.filter((digest) => isMissing(digest) && !this.#batchRequests.has(digest));
    if (wanted.length > 0) {
      const work = this.#fetchBatches(wanted, preferred).finally(() => {
        for (const digest of wanted) this.#batchRequests.delete(digest);
      });
      for (const digest of wanted) this.#batchRequests.set(digest, work);
    }
    const running = new Set(digests.flatMap((digest) => this.#batchRequests.get(digest) ?? []));
    await Promise.all(running);
    return !digests.some(isMissing);
  }

  async #fetchBatches(digests: readonly Digest[], preferred: readonly MemberName[]): Promise<void> {
    const connected = this.#options.peers();
    const first = preferred.filter((name) => connected.includes(name));
    for (const peer of new Set([...first, ...connected])) {
      const missing = digests.filter((digest) => this.#options.pool.get(digest) === null);
      if (missing.length === 0) return;
      for (let start = 0; start < missing.length; start += batchesPerAnswerMax) {
        await this.#batchesFrom(peer, missing.slice(start, start + batchesPerAnswerMax));
      }
    }
  }

  /** An answer may be cut to one frame, so ask again as long as it brings something. */
  async #batchesFrom(peer: MemberName, digests: readonly Digest[]): Promise<void> {
    let missing = digests;
    while (missing.length > 0) {
      const answer = await this.ask(peer, { kind: 'batches', digests: missing });
      if (answer === null || answer.kind !== 'batches') return;
      const got = await this.#admit(peer, answer.batches, (digest) => missing.includes(digest));
      if (got.length === 0) return;
      missing = missing.filter((digest) => !got.includes(digest));
    }
  }

  /** A lane's batches that we missed, from its member or from whoever has them. False for no answer, or one is under way. */
  async lane(peer: MemberName, member: MemberName, aboveSequence: number): Promise<boolean> {
    if (this.#laneRequests.has(member)) return false;
    this.#laneRequests.add(member);
    try {
      const answer = await this.ask(peer, { kind: 'lane', member, aboveSequence });
      if (answer === null || answer.kind !== 'batches') return false;
      await this.#admit(peer, answer.batches, null);
      return true;
    } finally {
      this.#laneRequests.delete(member);
    }
  }

  /** All that a member holds of a lane above what we hold. False if it did not answer to the end. */
  async wholeLane(peer: MemberName, member: MemberName): Promise<boolean> {
    const { pool } = this.#options;
    for (let count = 0; count < laneAnswersMax; count += 1) {
      const before = pool.highest(member);
      if (!(await this.lane(peer, member, before))) return false;
      if (pool.highest(member) === before) return true;
    }
    return false;
  }

  /** `isOrdered` tells which digests were ordered by a block; null for none. */
  async #admit(
    peer: MemberName,
    batches: readonly Uint8Array[],
    isOrdered: ((digest: Digest) => boolean) | null,
  ): Promise<readonly Digest[]> {
    const got: Digest[] = [];
    for (const bytes of batches) {
      const verified = await this.#options.gate.batch(bytes);
      if (!verified.ok) {
        this.#options.log.warn({ peer, code: verified.refusal.code }, 'a batch that we asked for is refused');
        return got;
      }
      const { digest } = verified.value.batch;
      if (isOrdered !== null && !isOrdered(digest)) return got;
      const verdict = this.#options.pool.add(verified.value, { isOrdered: isOrdered !== null });
      if (verdict === 'added') this.#options.onBatch(verified.value);
      got.push(digest);
    }
    return got;
  }

  /** A block and its ancestors above a height, newest first as asked, hash-linked; empty if nobody has it. */
  async ancestors(digest: Digest, aboveHeight: Height): Promise<readonly Block[]> {
    for (const peer of this.#options.peers()) {
      const answer = await this.ask(peer, { kind: 'ancestors', digest, aboveHeight });
      if (answer === null || answer.kind !== 'blocks') continue;
      const blocks = linked(answer.blocks, digest);
      if (blocks.length > 0) return blocks;
    }
    return [];
  }

  /** Finalized blocks from a height up, each with the batches of its header; links and certificates are not checked yet. */
  async blocksFrom(peer: MemberName, height: Height): Promise<readonly SyncedBlock[]> {
    const answer = await this.ask(peer, { kind: 'blocksFrom', height });
    if (answer === null || answer.kind !== 'blocks') return [];
    return isRange(answer.blocks, height) && answer.blocks.every(({ block }) => namesItsBatches(block))
      ? answer.blocks
      : [];
  }
}

/** One block for each height, and perhaps the extension of the last: it has the same height. */
function isRange(blocks: readonly SyncedBlock[], height: Height): boolean {
  const last = blocks.length - 1;
  return blocks.every(({ block: { header } }, index) => {
    const isExtension = header.extensionOf !== null && index === last;
    return header.height === height + index - (isExtension ? 1 : 0);
  });
}

/** The prefix in which each block is the parent of the one before it, beginning with the one asked for. */
function linked(blocks: readonly SyncedBlock[], digest: Digest): readonly Block[] {
  const result: Block[] = [];
  let expected = digest;
  for (const { block } of blocks) {
    if (headerDigest(block.header) !== expected || !namesItsBatches(block)) return result;
    result.push(block);
    expected = ledgerParent(block.header);
  }
  return result;
}
