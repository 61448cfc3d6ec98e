/** Why the adjudicator cannot begin: each reason with a code, and what to try. What happens later is answered claim by claim. */

const hints = {
  fileUnreadable: 'Check the path, and who may read the file.',
  tableInvalid: 'Correct the field that is named; devnet/adjudicator/benefits.json is an example.',
  cursorInvalid:
    'Restore the cursor file from a copy; or remove it, and the adjudicator begins at the present.',
  wrongChain: 'The cursor file belongs to another chain: give the one of this chain, or a new path.',
  practitionerUnknown: 'Name a key of the keystore of this node: node_info lists them.',
} as const;

type FaultCode = keyof typeof hints;

export interface Fault {
  readonly code: FaultCode;
  /** A path of the file system or of a document. */
  readonly path: string;
  readonly hint: string;
}

export function faulty(code: FaultCode, path: string): { readonly ok: false; readonly refusal: Fault } {
  return { ok: false, refusal: { code, path, hint: hints[code] } };
}
