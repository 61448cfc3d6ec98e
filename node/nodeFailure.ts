/** Failures of a node as a whole; each has the exit code that API documents give it. */

export type NodeFailureCode =
  /** Our consensus key signs elsewhere, or our safety log is not the newest: never vote with it (W8). */
  | 'clonedKey'
  /** The ledger names another consensus key of ours: start again, with that one. */
  | 'keyRotated'
  | 'storage'
  | 'configuration';

export class NodeFailure extends Error {
  override readonly name = 'NodeFailure';
  readonly code: NodeFailureCode;

  constructor(code: NodeFailureCode, message: string, cause: unknown = null) {
    super(message, { cause });
    this.code = code;
  }
}
