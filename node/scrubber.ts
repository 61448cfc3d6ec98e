/**
 * Looks for bits that turn over while the node runs: table after table is read and verified, one at a time and rarely, for LevelDB
 * verifies none when it reads. Damage stops the voting; until it is found, a read may miss a row.
 */
import type { Cancel, Clock } from './clock.ts';
import { StorageFailure, storageFailure } from './storage/failure.ts';
import { checkTableAt, tablesIn } from './storage/levelFiles.ts';

export interface ScrubberPorts {
  readonly clock: Clock;
  /** Databases that are open. */
  readonly directories: readonly string[];
  /** Called once; the node must stop voting. */
  readonly onDamage: (cause: StorageFailure) => void;
}

/** A table has 2 MB and takes some 7 ms: a thousandth of a node's time, and a gigabyte in an hour and a half. */
const tableEveryMs = 10_000;

export class Scrubber {
  readonly #ports: ScrubberPorts;
  #waiting: readonly string[] = [];
  #cancel: Cancel = () => undefined;

  constructor(ports: ScrubberPorts) {
    this.#ports = ports;
  }

  /** The first table after a while, then one after the other, in rounds, until `stop` or damage. */
  start(): void {
    this.#cancel = this.#ports.clock.after(tableEveryMs, () => {
      if (this.#checkNext()) this.start();
    });
  }

  stop(): void {
    this.#cancel();
  }

  #checkNext(): boolean {
    const { directories, onDamage } = this.#ports;
    try {
      if (this.#waiting.length === 0) this.#waiting = directories.flatMap(tablesIn);
      const [next, ...rest] = this.#waiting;
      this.#waiting = rest;
      if (next !== undefined) checkTableAt(next);
      return true;
    } catch (error) {
      const failure = storageFailure(error, 'verify a table');
      // Merged into another one meanwhile.
      if (failure.code === 'missing') return true;
      onDamage(failure);
      return false;
    }
  }
}
