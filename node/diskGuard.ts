/**
 * Watches the room on the disk. Below the soft mark no client is served that would fill it further, and consensus goes on: its blocks
 * are worth the rest. Below the hard mark nothing is written any more, while there is still room to start again.
 */
import type { Cancel, Clock } from './clock.ts';
import type { Log } from './ports.ts';
import { StorageFailure } from './storage/failure.ts';

export interface DiskMarks {
  /** Below so many free bytes transactions of clients are refused. */
  readonly softBytes: number;
  /** Below so many free bytes the node stops voting. */
  readonly hardBytes: number;
  /** Size of a file that is given up so that a full node can start. */
  readonly ballastBytes: number;
}

/** `low`: below the soft mark; `full`: below the hard one. */
export type DiskRoom = 'ample' | 'low' | 'full';

export interface DiskGuardPorts {
  readonly marks: DiskMarks;
  /** Bytes that this process may still use; throws an error of the file system. */
  readonly freeBytes: () => number;
  readonly clock: Clock;
  readonly log: Log;
  /** Called once: the node must stop writing. */
  readonly onFull: (cause: StorageFailure) => void;
}

const checkMs = 1_000;
/** Above the soft mark by a part of it before clients are served again, lest the answer change with every batch. */
const recoveryPart = 8;

export function roomOf(freeBytes: number, { softBytes, hardBytes }: DiskMarks): DiskRoom {
  if (freeBytes < hardBytes) return 'full';
  return freeBytes < softBytes ? 'low' : 'ample';
}

export class DiskGuard {
  readonly #ports: DiskGuardPorts;
  #room: DiskRoom = 'ample';
  #freeBytes = 0;
  #cancel: Cancel = () => undefined;

  constructor(ports: DiskGuardPorts) {
    this.#ports = ports;
  }

  get room(): DiskRoom {
    return this.#room;
  }

  /** When it was last looked at. */
  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** Looks now, and every second until `stop`, or until the disk is full. */
  start(): void {
    this.#look();
    if (this.#room !== 'full') this.#cancel = this.#ports.clock.after(checkMs, () => this.start());
  }

  stop(): void {
    this.#cancel();
  }

  #look(): void {
    const { marks, freeBytes, log, onFull } = this.#ports;
    this.#freeBytes = freeBytes();
    const room = roomOf(this.#freeBytes, marks);
    const isBack = this.#freeBytes >= marks.softBytes + marks.softBytes / recoveryPart;
    if (room === this.#room || (this.#room === 'low' && room === 'ample' && !isBack)) return;
    this.#room = room;
    log.warn({ room, bytes: this.#freeBytes }, 'the room on the disk has changed');
    if (room !== 'full') return;
    onFull(
      new StorageFailure(
        'full',
        `${this.#freeBytes} bytes free, below the hard mark of ${marks.hardBytes} bytes`,
      ),
    );
  }
}
