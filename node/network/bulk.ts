/**
 * Requests and answers on the bulk channels. Each side opens one stream for what it asks; on it go requests
 * (u32 id ‖ body) one way and answers (u32 id ‖ u8 status ‖ body) the other, in any order. One stream for both roles
 * could lock up: each side would wait for the other to read.
 */
import { invariant } from '../../protocol/invariant.ts';
import { bulkFrameBytesMax } from '../../protocol/limits.ts';
import { Allowance } from './allowance.ts';
import {
  answerLimits,
  requestOverheadBytes,
  requestsOutstandingMax,
  requestsServedAtOnceMax,
} from './bounds.ts';
import type { FrameChannel } from './channel.ts';
import { escalateIfBroken, reasonOf } from './escalate.ts';
import { NetworkFailure, type Log } from './ports.ts';

const idSize = 4;
const answerHeaderSize = idSize + 1;
const statusAnswered = 0;
const statusFailed = 1;
const idMax = 0xffff_ffff;

/** Bytes of the largest frame on a bulk channel: a body of `bulkFrameBytesMax` and its header. */
export const bulkChannelFrameBytesMax: number = bulkFrameBytesMax + answerHeaderSize;

interface Outstanding {
  readonly resolve: (answer: Uint8Array) => void;
  readonly reject: (failure: NetworkFailure) => void;
  readonly timer: NodeJS.Timeout;
}

function readId(frame: Uint8Array): number {
  return new DataView(frame.buffer, frame.byteOffset, idSize).getUint32(0);
}

function withHeader(header: readonly number[], id: number, body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(idSize + header.length + body.length);
  new DataView(frame.buffer).setUint32(0, id);
  frame.set(header, idSize);
  frame.set(body, idSize + header.length);
  return frame;
}

/** The asking side towards one peer; outlives its streams. */
export class Asker {
  readonly #outstanding = new Map<number, Outstanding>();
  #channel: FrameChannel | null = null;
  /** Frames asked while the peer is connected and the stream is still being opened. */
  #early: Uint8Array[] = [];
  #id = 0;

  get queuedBytes(): number {
    return this.#channel?.queuedBytes ?? 0;
  }

  get channel(): FrameChannel | null {
    return this.#channel;
  }

  attach(channel: FrameChannel): void {
    this.#channel?.close('replaced');
    this.#channel = channel;
    for (const frame of this.#early) channel.send(frame);
    this.#early = [];
  }

  /** Rejects with NetworkFailure: `timeout`, `disconnected`, `tooManyRequests`, `queueFull`, `peerFailed`. */
  ask(body: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    invariant(body.length <= bulkFrameBytesMax, 'a request larger than its limit is sent');
    if (this.#outstanding.size >= requestsOutstandingMax) {
      return Promise.reject(new NetworkFailure('tooManyRequests', 'too many requests are outstanding'));
    }
    const id = this.#nextId();
    const frame = withHeader([], id, body);
    if (this.#channel === null) this.#early.push(frame);
    else if (!this.#channel.send(frame)) {
      return Promise.reject(new NetworkFailure('queueFull', 'the peer takes no more requests'));
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#outstanding.delete(id);
        reject(new NetworkFailure('timeout', `no answer within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#outstanding.set(id, { resolve, reject, timer });
    });
  }

  /** An answer; a late one is dropped. */
  onFrame(frame: Uint8Array): void {
    if (frame.length < answerHeaderSize) {
      this.#channel?.violate('answerTooShort');
      return;
    }
    const id = readId(frame);
    const asked = this.#outstanding.get(id);
    if (asked === undefined) return;
    this.#outstanding.delete(id);
    clearTimeout(asked.timer);
    if (frame[idSize] === statusAnswered) asked.resolve(frame.subarray(answerHeaderSize));
    else asked.reject(new NetworkFailure('peerFailed', 'the peer failed to answer'));
  }

  /** The peer is gone: nothing that was asked will be answered. */
  detach(reason: string): void {
    this.#channel?.close(reason);
    this.#channel = null;
    this.#early = [];
    const outstanding = [...this.#outstanding.values()];
    this.#outstanding.clear();
    for (const asked of outstanding) {
      clearTimeout(asked.timer);
      asked.reject(new NetworkFailure('disconnected', reason));
    }
  }

  #nextId(): number {
    this.#id = this.#id === idMax ? 1 : this.#id + 1;
    invariant(!this.#outstanding.has(this.#id), 'a request id is in use');
    return this.#id;
  }
}

/** Ends with the process, if that ends first. */
async function rest(durationMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, durationMs).unref());
}

export interface AnswererPorts {
  readonly answer: (request: Uint8Array) => Promise<Uint8Array>;
  readonly log: Log;
}

/**
 * The answering side of one stream. A request holds its place among the served ones until its answer has left our
 * queue, and longer if the asker has had more than its share; so an asker that does not read, or that asks without end, is held
 * back, and costs no more than that many answers.
 */
export class Answerer {
  readonly #ports: AnswererPorts;
  readonly #answered: Allowance = new Allowance(answerLimits, performance.now());
  #servedCount = 0;
  #waiting: (() => void)[] = [];

  constructor(ports: AnswererPorts) {
    this.#ports = ports;
  }

  /** Settles when the request is done with; the channel counts it as pending until then. */
  async serve(channel: FrameChannel, frame: Uint8Array): Promise<void> {
    if (frame.length <= idSize) {
      channel.violate('requestTooShort');
      return;
    }
    await this.#enter();
    try {
      if (!channel.isOpen) return;
      const answer = await this.#answerTo(readId(frame), frame.subarray(idSize));
      if (channel.send(answer)) await channel.written();
      else channel.close('answers do not fit into the queue');
      const owedMs = this.#answered.take(answer.length + requestOverheadBytes, performance.now());
      if (owedMs > 0 && channel.isOpen) await rest(owedMs);
    } finally {
      this.#leave();
    }
  }

  async #answerTo(id: number, body: Uint8Array): Promise<Uint8Array> {
    try {
      const answer = await this.#ports.answer(body);
      invariant(answer.length <= bulkFrameBytesMax, 'an answer larger than its limit is sent');
      return withHeader([statusAnswered], id, answer);
    } catch (error) {
      escalateIfBroken(error);
      this.#ports.log.error({ reason: reasonOf(error) }, 'a request could not be answered');
      return withHeader([statusFailed], id, new Uint8Array(0));
    }
  }

  async #enter(): Promise<void> {
    if (this.#servedCount < requestsServedAtOnceMax) {
      this.#servedCount += 1;
      return;
    }
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** The place goes to the one that waited longest, or becomes free. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#servedCount -= 1;
    else next();
  }
}
