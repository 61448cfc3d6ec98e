/** A long-lived stream of frames to one peer: coalesced, bounded in bytes, with back-pressure both ways. */
import type { Stream, StreamMessageEvent } from '@libp2p/interface';
import { invariant, present } from '../../protocol/invariant.ts';
import { Allowance, type AllowanceLimits } from './allowance.ts';
import { pendingBytesMax, pendingFrameOverheadBytes, pieceBytesMax, sliceBytesMax } from './bounds.ts';
import { escalate, reasonOf } from './escalate.ts';
import { frameHeader, FrameReader } from './frames.ts';
import { Violation } from './violation.ts';

export interface ChannelLimits {
  readonly frameBytesMax: number;
  /** Bytes that may wait for a slow peer. */
  readonly queueBytesMax: number;
  /** Bytes of frames and their overhead; past it the sender is held back. */
  readonly received: AllowanceLimits;
}

export interface ChannelEnd {
  /** The peer broke the protocol; otherwise the stream was lost or we closed it. */
  readonly isViolation: boolean;
  readonly reason: string;
}

export interface ChannelHandlers {
  /** A promise holds the sender back until it settles; it must not reject. */
  readonly onFrame: (frame: Uint8Array) => void | Promise<void>;
  /** Called once. */
  readonly onEnded: (end: ChannelEnd) => void;
}

interface Waiter {
  readonly atBytes: number;
  readonly resolve: () => void;
}

export class FrameChannel {
  readonly #stream: Stream;
  readonly #limits: ChannelLimits;
  readonly #handlers: ChannelHandlers;
  readonly #reader: FrameReader;
  #queue: Uint8Array[] = [];
  /** Position in the queue: index of the first part not sent whole, and how much of it is sent. */
  #firstIndex = 0;
  #firstOffset = 0;
  #queuedBytes = 0;
  #sentBytes = 0;
  #isFlushing = false;
  #waiters: Waiter[] = [];
  #pendingBytes = 0;
  readonly #received: Allowance;
  #unread: Uint8Array[] = [];
  /** Runs while the sender is held back for having sent too much. */
  #holdBack: NodeJS.Timeout | null = null;
  #isPaused = false;
  #isResuming = false;
  #isEnded = false;
  #passedBytes = 0;
  #stalledTicks = 0;

  constructor(stream: Stream, limits: ChannelLimits, handlers: ChannelHandlers) {
    this.#stream = stream;
    this.#limits = limits;
    this.#handlers = handlers;
    this.#reader = new FrameReader(limits.frameBytesMax);
    this.#received = new Allowance(limits.received, performance.now());
    stream.addEventListener('close', (event) => {
      const { error } = event;
      const isViolation = error instanceof Violation;
      const reason = error === undefined ? 'closed' : isViolation ? error.message : reasonOf(error);
      this.#end({ isViolation, reason });
    });
    stream.addEventListener('remoteCloseWrite', () => {
      this.close('closed by the peer');
    });
    // The event, not `onDrain()`: that promise resolves only once in the life of a stream.
    stream.addEventListener('drain', () => {
      this.#scheduleFlush();
    });
    stream.addEventListener('message', (event) => {
      this.#onMessage(event);
    });
  }

  get isOpen(): boolean {
    return !this.#isEnded;
  }

  get queuedBytes(): number {
    return this.#isEnded ? 0 : this.#queuedBytes + this.#stream.writeBufferLength;
  }

  /** False: ended, or the peer is too slow. Never waits; the frame is copied in the next turn of the event loop. */
  send(frame: Uint8Array): boolean {
    invariant(frame.length > 0, 'an empty frame is sent');
    invariant(frame.length <= this.#limits.frameBytesMax, 'a frame larger than its limit is sent');
    const header = frameHeader(frame.length);
    const size = header.length + frame.length;
    if (this.#isEnded || this.queuedBytes + size > this.#limits.queueBytesMax) return false;
    this.#queue.push(header, frame);
    this.#queuedBytes += size;
    this.#scheduleFlush();
    return true;
  }

  /** Resolves when all that is queued now has left our queue, or the channel has ended. */
  written(): Promise<void> {
    if (this.#isEnded || this.#queuedBytes === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push({ atBytes: this.#sentBytes + this.#queuedBytes, resolve });
    });
  }

  /** Called at every tick of the watchdog: the number of ticks in a row in which the peer took nothing that waits. */
  stalledTicks(): number {
    const passedBytes = this.#sentBytes - this.#stream.writeBufferLength;
    const isMoving = this.queuedBytes === 0 || passedBytes !== this.#passedBytes;
    this.#passedBytes = passedBytes;
    this.#stalledTicks = isMoving ? 0 : this.#stalledTicks + 1;
    return this.#stalledTicks;
  }

  close(reason: string): void {
    this.#end({ isViolation: false, reason });
  }

  /** The peer broke the protocol above the frames. */
  violate(reason: string): void {
    this.#end({ isViolation: true, reason });
  }

  #scheduleFlush(): void {
    if (this.#isFlushing || this.#isEnded || this.#queuedBytes === 0) return;
    this.#isFlushing = true;
    // After this turn: what a turn sends is coalesced, and no timer adds to the latency of a vote.
    setImmediate(() => {
      this.#isFlushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    // The drain event comes back here.
    if (this.#isEnded || this.#stream.writableNeedsDrain) return;
    const piece = this.#nextPiece();
    try {
      this.#stream.send(piece);
    } catch (error) {
      this.close(reasonOf(error));
      return;
    }
    this.#sentBytes += piece.length;
    this.#settleWaiters();
    this.#scheduleFlush();
  }

  /** A fresh copy: libp2p keeps what it is given, and callers may keep theirs. */
  #nextPiece(): Uint8Array {
    const piece = new Uint8Array(Math.min(this.#queuedBytes, pieceBytesMax));
    let filled = 0;
    while (filled < piece.length) {
      const part = present(this.#queue[this.#firstIndex], 'the queue holds what it counts');
      const size = Math.min(part.length - this.#firstOffset, piece.length - filled);
      piece.set(part.subarray(this.#firstOffset, this.#firstOffset + size), filled);
      filled += size;
      this.#firstOffset += size;
      if (this.#firstOffset < part.length) continue;
      this.#firstIndex += 1;
      this.#firstOffset = 0;
    }
    this.#queuedBytes -= filled;
    this.#queue.splice(0, this.#firstIndex);
    this.#firstIndex = 0;
    return piece;
  }

  #settleWaiters(): void {
    const done = this.#waiters.filter((waiter) => waiter.atBytes <= this.#sentBytes);
    if (done.length === 0) return;
    this.#waiters = this.#waiters.slice(done.length);
    for (const waiter of done) waiter.resolve();
  }

  #onMessage(event: StreamMessageEvent): void {
    const chunks = event.data instanceof Uint8Array ? [event.data] : event.data;
    for (const chunk of chunks) this.#unread.push(chunk);
    this.#readOn();
  }

  /** A slice at a time: the sender may be held back after each, and what is left is no more than the stream's window. */
  #readOn(): void {
    while (!this.#isEnded && this.#holdBack === null) {
      const chunk = this.#unread.shift();
      if (chunk === undefined) return;
      if (chunk.length > sliceBytesMax) this.#unread.unshift(chunk.subarray(sliceBytesMax));
      this.#read(chunk.subarray(0, sliceBytesMax));
    }
  }

  #read(slice: Uint8Array): void {
    const { frames, fault } = this.#reader.read(slice);
    for (const frame of frames) {
      if (this.#isEnded) return;
      this.#deliver(frame);
    }
    if (fault !== null && !this.#isEnded) this.violate(fault);
  }

  #deliver(frame: Uint8Array): void {
    let handled: void | Promise<void>;
    try {
      handled = this.#handlers.onFrame(frame);
    } catch (error) {
      escalate(error);
      return;
    }
    const cost = frame.length + pendingFrameOverheadBytes;
    this.#count(cost);
    if (handled === undefined) return;
    this.#pendingBytes += cost;
    this.#pauseIfBehind();
    handled.catch(escalate).finally(() => {
      this.#pendingBytes -= cost;
      this.#resumeIfCaughtUp();
    });
  }

  /** What a peer sends beyond its allowance waits at the peer. */
  #count(cost: number): void {
    const owedMs = this.#received.take(cost, performance.now());
    if (owedMs === 0 || this.#isEnded) return;
    if (this.#holdBack !== null) clearTimeout(this.#holdBack);
    this.#holdBack = setTimeout(() => {
      this.#holdBack = null;
      this.#readOn();
      this.#resumeIfCaughtUp();
    }, owedMs);
    this.#pauseIfBehind();
  }

  #pauseIfBehind(): void {
    const isBehind = this.#pendingBytes > pendingBytesMax || this.#holdBack !== null;
    if (this.#isPaused || this.#isEnded || !isBehind) return;
    this.#isPaused = true;
    if (!this.#isResuming) this.#pauseStream();
  }

  #resumeIfCaughtUp(): void {
    if (!this.#isPaused || this.#isEnded || this.#holdBack !== null) return;
    if (this.#pendingBytes > pendingBytesMax / 2) return;
    this.#isPaused = false;
    // `resume()` hands over what it holds before it opens the window again: a pause from within would be lost.
    this.#isResuming = true;
    try {
      this.#stream.resume();
    } catch (error) {
      this.close(reasonOf(error));
    }
    this.#isResuming = false;
    if (this.#isPaused) this.#pauseStream();
  }

  #pauseStream(): void {
    try {
      this.#stream.pause();
    } catch (error) {
      this.close(reasonOf(error));
    }
  }

  #end(end: ChannelEnd): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    if (this.#holdBack !== null) clearTimeout(this.#holdBack);
    this.#unread = [];
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#firstOffset = 0;
    for (const waiter of this.#waiters) waiter.resolve();
    this.#waiters = [];
    this.#stream.abort(new Error(end.reason));
    this.#handlers.onEnded(end);
  }
}
